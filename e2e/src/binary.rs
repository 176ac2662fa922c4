//! The binary under test.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use serde_json::Value;

/// The path of `icarus`, built from the sources as they are now: `ICARUS_BIN` names another one.
pub fn icarus() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("ICARUS_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let arguments = ["build", "--locked", "--package", "icarus", "--bin", "icarus", "--message-format", "json-render-diagnostics"];
    let built = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let messages = String::from_utf8(built.stdout).unwrap();
    let mut executables = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).unwrap();
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    executables.next_back().unwrap()
}
