//! What the tests of the whole need: the real binary as a process, its API, the comparison of its
//! answers with what is true, and the rooms of one process under a clock that the test turns.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail by panicking and tell why, in their helpers too")]

pub mod api;
pub mod balancer;
pub mod binary;
pub mod chaos;
pub mod conservation;
pub mod deploy;
pub mod fleet;
pub mod process;
pub mod server;
pub mod simulation;
pub mod traffic;
