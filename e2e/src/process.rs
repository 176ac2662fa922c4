//! `icarus <role>` as a process that a test starts, kills and stops.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    sync::watch,
};

use crate::binary;

/// How long the process has to say that it serves, or to end once asked to.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A role of Icarus at an address of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct Process {
    role: &'static str,
    config: PathBuf,
    data_dir: PathBuf,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    serves: watch::Receiver<bool>,
}

impl Process {
    /// `icarus <role>` with a configuration file and a folder for what it keeps; not started yet.
    pub fn new(role: &'static str, config: &Path, data_dir: &Path) -> Self {
        Self { role, config: config.to_owned(), data_dir: data_dir.to_owned(), port: free_port(), running: None }
    }

    /// Starts it (again), once it has ended.
    pub fn spawn(&mut self) {
        assert!(self.running.is_none(), "it still runs");
        let mut command = Command::new(binary::icarus());
        command.arg(self.role).arg("--config").arg(&self.config);
        command.arg("--data-dir").arg(&self.data_dir).args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        // The configuration is the test's alone.
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("ICARUS_")).for_each(|name| {
            command.env_remove(name);
        });
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (told, serves) = watch::channel(false);
        tokio::spawn(pass_on(self.role, BufReader::new(child.stderr.take().unwrap()).lines(), told));
        self.running = Some(Running { child, serves });
    }

    /// Waits until it says that it serves.
    pub async fn serves(&mut self) {
        let serves = &mut self.running.as_mut().unwrap().serves;
        let said = tokio::time::timeout(PATIENCE, serves.wait_for(|serves| *serves)).await;
        assert!(said.is_ok_and(|said| said.is_ok()), "icarus {} could not start; what it said is above", self.role);
    }

    /// Starts it and waits until it serves.
    pub async fn start(&mut self) {
        self.spawn();
        self.serves().await;
    }

    /// Whether it was started, and neither killed nor stopped since.
    pub const fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// SIGKILL, at whatever it is doing.
    pub async fn kill(&mut self) {
        let mut running = self.running.take().unwrap();
        if let Some(ended) = running.child.try_wait().unwrap() {
            panic!("icarus {} ended by itself: {ended:?}", self.role);
        }
        running.child.kill().await.unwrap();
    }

    /// Lets it run for `duration`, which it must survive, and kills it.
    pub async fn kill_after(&mut self, duration: Duration) {
        if let Ok(ended) = tokio::time::timeout(duration, self.ended()).await {
            panic!("icarus {} ended by itself: {ended:?}", self.role);
        }
        self.kill().await;
    }

    /// Waits until it ends by itself; for ever if it doesn't run.
    pub async fn ended(&mut self) -> ExitStatus {
        match &mut self.running {
            Some(running) => running.child.wait().await.unwrap(),
            None => std::future::pending().await,
        }
    }

    /// Asks it to stop, by SIGTERM, and waits until it has, with success.
    pub async fn stop(&mut self) {
        let mut child = self.running.take().unwrap().child;
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "icarus {}: {ended}", self.role);
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it keeps what it keeps.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The sum of a self-metric over its labels; `None` if it has none of that name or doesn't answer.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let client = alerts::webhook::client_builder().build().unwrap();
        let text = client.get(format!("{}/metrics", self.url())).send().await.ok()?.text().await.ok()?;
        let mine = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        let values = text.lines().filter(mine).map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap());
        values.reduce(|sum, value| sum + value)
    }
}

/// What the process says belongs to the test's output.
async fn pass_on(role: &str, mut said: Lines<BufReader<ChildStderr>>, serves: watch::Sender<bool>) {
    while let Ok(Some(line)) = said.next_line().await {
        eprintln!("{role}: {line}");
        if line.contains("icarus serves") {
            // Nobody may be waiting for it.
            let _ = serves.send(true);
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
