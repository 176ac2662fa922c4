//! What the benches share: inputs of a stated size, a client of a running server, what they ask it, and the roles on
//! real servers with what each process takes.

pub mod charts;
pub mod client;
pub mod cpu;
pub mod deployment;
pub mod markers;
pub mod records;
pub mod role;
