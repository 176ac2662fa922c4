//! Benches by step name; see the `benches` folder of this crate.
