//! The worker with a real store and a real webhook.
#![expect(clippy::unwrap_used, reason = "a test")]

mod alone;
mod sharing;
mod support;
