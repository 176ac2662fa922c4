//! What the benches share: inputs of a stated size.

pub mod records;
