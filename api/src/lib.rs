//! The API: questions about an app's users come in by HTTP, answers go out as JSON.

pub mod answer;
