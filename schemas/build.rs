//! Turns `proto/record.proto` into Rust. `protox` compiles the file, so that no protoc is needed.

use std::{env, fs, path::PathBuf};

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where to write by the environment")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/record.proto");
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("record.fds");
    fs::write(
        &descriptors,
        protox::Compiler::new(["proto"])?.include_source_info(true).open_file("record.proto")?.encode_file_descriptor_set(),
    )?;
    buffa_build::Config::new()
        .descriptor_set(&descriptors)
        .files(&["record.proto"])
        .generate_views(true)
        .preserve_unknown_fields(false)
        .include_file("wire.rs")
        .compile()
}
