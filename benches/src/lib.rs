//! What the benches share: inputs of a stated size, and a client of a running server.

pub mod client;
pub mod records;
