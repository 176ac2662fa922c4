//! `icarus serve` on the embedded engines, with a folder of its own.

use std::{
    fs,
    ops::{Deref, DerefMut},
};

use tempfile::TempDir;

use crate::process::Process;

/// The app that every server has, as the generator knows it.
pub const APP: &str = "shop";
pub const KEY: &str = "pk_demo_shop";

/// What is kept: every dimension that the generator's truth counts by.
const CUBOIDS: [&str; 7] =
    ["route,device,country", "browser,browser_version,os", "release", "connection", "experiment,arm", "plan", "navigation_type"];

/// A server with a folder of its own, which is deleted with it.
#[derive(Debug)]
pub struct Server {
    // Before the folder: the process must end before its folder goes.
    process: Process,
    _dir: TempDir,
}

impl Server {
    /// Starts one with `config` in addition to the app; `config` may set any key but those of the app.
    pub async fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("icarus.toml");
        fs::write(&file, with_app(config)).unwrap();
        let mut process = Process::new("serve", &file, &dir.path().join("data"));
        process.start().await;
        Self { process, _dir: dir }
    }

    /// Starts the process again in the same folder, once it has ended; returns when it serves.
    pub async fn restart(&mut self) {
        self.process.start().await;
    }
}

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// A configuration file with the app and `config`.
pub fn with_app(config: &str) -> String {
    format!(
        "[apps.{APP}]
key = \"{KEY}\"
origins = [\"*\"]
dimensions = [\"plan\"]
cuboids = {CUBOIDS:?}
[ingest.edge_headers]
country = \"cf-ipcountry\"
{config}"
    )
}
