//! `icarus <role>` as a process.

use std::{
    error::Error,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    sync::oneshot,
};

use crate::{client::Client, cpu::Pid};

/// A role that runs. It ends when this is dropped.
#[derive(Debug)]
pub struct Role {
    name: &'static str,
    child: Child,
    pid: Pid,
    url: String,
}

impl Role {
    /// Starts it with a configuration file, more of the configuration as the environment has it, and a folder for
    /// what it keeps; returns when it serves.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn start(name: &'static str, config: &Path, environment: &[(&str, &str)], data: &Path) -> Result<Self, Box<dyn Error>> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = icarus()?;
        command.arg(name).arg("--config").arg(config).arg("--data-dir").arg(data).args(["--listen", &address]);
        command.envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let (told, serves) = oneshot::channel();
        let said = child.stderr.take().ok_or("its standard error is a pipe")?;
        tokio::spawn(listen(name, BufReader::new(said).lines(), told));
        serves.await.map_err(|_| format!("icarus {name} could not start; what it said is above"))?;
        let pid = Pid(child.id().ok_or_else(|| format!("icarus {name} ended by itself"))?);
        Ok(Self { name, child, pid, url: format!("http://{address}") })
    }

    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Where it is reached.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client of it.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn client(&self) -> Result<Client, Box<dyn Error>> {
        Client::new(&self.url)
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// When it ends without success.
    pub async fn stop(mut self) -> Result<(), Box<dyn Error>> {
        Command::new("kill").args(["-TERM", &self.pid.0.to_string()]).status().await?;
        let ended = self.child.wait().await?;
        if ended.success() { Ok(()) } else { Err(format!("icarus {}: {ended}", self.name).into()) }
    }
}

/// `icarus migrate` with a configuration file.
///
/// # Errors
/// When it fails, with what it said.
pub async fn migrate(config: &Path) -> Result<(), Box<dyn Error>> {
    let told = icarus()?.arg("migrate").arg("--config").arg(config).output().await?;
    if told.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&told.stderr).into_owned().into()) }
}

/// The binary that was built beside this program.
fn icarus() -> Result<Command, Box<dyn Error>> {
    let binary: PathBuf = std::env::current_exe()?.with_file_name("icarus");
    if !binary.is_file() {
        return Err(format!("there is no {}: build it beside this program, with `-p icarus -p benches`", binary.display()).into());
    }
    let mut command = Command::new(binary);
    command.kill_on_drop(true);
    // The configuration is the bench's alone.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ICARUS_")) {
        command.env_remove(name);
    }
    Ok(command)
}

/// Hears that it serves, and passes on what is not as it should be: figures of a process in trouble say little.
#[expect(clippy::print_stderr, reason = "it belongs beside the figures")]
async fn listen(name: &str, mut said: Lines<BufReader<ChildStderr>>, told: oneshot::Sender<()>) {
    let mut told = Some(told);
    while let Ok(Some(line)) = said.next_line().await {
        if line.contains("icarus serves") {
            told.take().map(|told| told.send(()));
        } else if !line.contains("INFO") {
            eprintln!("{name}: {line}");
        }
    }
}
