//! What the tests of the whole need: the real binary as a process, its API, the comparison of its
//! answers with what is true, and the rooms of one process under a clock that the test turns.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

pub mod api;
pub mod binary;
pub mod conservation;
pub mod server;
pub mod simulation;
