//! `icarus serve` as a process that a test starts, kills and stops.

use std::{fmt::Write as _, fs, net::TcpListener, path::Path, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use crate::binary;

/// The app that every server has, as the generator knows it.
pub const APP: &str = "shop";
pub const KEY: &str = "pk_demo_shop";

/// What is kept: every dimension that the generator's truth counts by.
const CUBOIDS: [&str; 7] =
    ["route,device,country", "browser,browser_version,os", "release", "connection", "experiment,arm", "plan", "navigation_type"];

/// How long the process has to say that it serves, or to end once asked to.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a folder of its own, which is deleted with it.
#[derive(Debug)]
pub struct Server {
    // Before the folder: the process must end before its folder goes.
    process: Option<Child>,
    dir: TempDir,
    port: u16,
}

impl Server {
    /// Starts one with `config` in addition to the app; `config` may set any key but those of the app.
    pub async fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut file = String::new();
        write!(
            file,
            "[apps.{APP}]
key = \"{KEY}\"
origins = [\"*\"]
dimensions = [\"plan\"]
cuboids = {CUBOIDS:?}
[ingest.edge_headers]
country = \"cf-ipcountry\"
{config}"
        )
        .unwrap();
        fs::write(dir.path().join("icarus.toml"), file).unwrap();
        let mut server = Self { process: None, dir, port: free_port() };
        server.restart().await;
        server
    }

    /// Starts the process again in the same folder, once it has ended; returns when it serves.
    pub async fn restart(&mut self) {
        assert!(self.process.is_none(), "it still runs");
        let mut command = Command::new(binary::icarus());
        command.arg("serve").arg("--config").arg(self.dir.path().join("icarus.toml"));
        command.arg("--data-dir").arg(self.data_dir()).args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        // The configuration is the test's alone.
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("ICARUS_")).for_each(|name| {
            command.env_remove(name);
        });
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let serves = async {
            while let Some(line) = said.next_line().await.unwrap() {
                eprintln!("{line}");
                if line.contains("icarus serves") {
                    return true;
                }
            }
            false
        };
        assert!(tokio::time::timeout(PATIENCE, serves).await.unwrap(), "icarus could not start; what it said is above");
        tokio::spawn(pass_on(said));
        self.process = Some(process);
    }

    /// Lets it run for `duration`, which it must survive, and kills it: SIGKILL, at whatever it is doing.
    pub async fn kill_after(&mut self, duration: Duration) {
        let mut process = self.process.take().unwrap();
        if let Ok(ended) = tokio::time::timeout(duration, process.wait()).await {
            panic!("it ended by itself: {ended:?}");
        }
        process.kill().await.unwrap();
    }

    /// Asks it to stop, by SIGTERM, and waits until it has, with success.
    pub async fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        let pid = process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, process.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{ended}");
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it keeps what it keeps.
    pub fn data_dir(&self) -> std::path::PathBuf {
        Path::new(self.dir.path()).join("data")
    }
}

/// What the process says belongs to the test's output.
async fn pass_on(mut said: Lines<BufReader<ChildStderr>>) {
    while let Ok(Some(line)) = said.next_line().await {
        eprintln!("{line}");
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
