//! Turns `proto/record.proto` into Rust. `protox` compiles the file, so that no protoc is needed.

use std::{env, fs, path::PathBuf, time::SystemTime};

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script where to write by the environment")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/record.proto");
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("record.fds");
    fs::write(
        &descriptors,
        protox::Compiler::new(["proto"])?.include_source_info(true).open_file("record.proto")?.encode_file_descriptor_set(),
    )?;
    // buffa-build asks cargo to run this again when that file changes, and it was written just now: without
    // an old date each build would be the first one.
    fs::File::options().write(true).open(&descriptors)?.set_modified(SystemTime::UNIX_EPOCH)?;
    buffa_build::Config::new()
        .descriptor_set(&descriptors)
        .files(&["record.proto"])
        .generate_views(true)
        .preserve_unknown_fields(false)
        .include_file("wire.rs")
        .compile()
}
