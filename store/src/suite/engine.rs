//! The ClickHouse engine as a process, for tests: started by the project's own script, stopped with the
//! test. Nothing of it is part of the store.

use std::{
    fs, io,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/servers/clickhouse");
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/servers/clickhouse");

/// A server on a port of its own. Stopped when it is dropped, and when this process ends however it does.
#[derive(Debug)]
pub struct Engine {
    dir: PathBuf,
    port: u16,
    more: &'static [&'static str],
    child: Mutex<Child>,
}

impl Engine {
    /// Starts one with its data in `dir`, and waits until it answers. Fetches the engine if it is not there.
    ///
    /// # Errors
    /// When it can't be fetched or does not start.
    pub fn start(dir: &Path) -> io::Result<Self> {
        Self::start_with(dir, &[])
    }

    /// The same, but each insert is taken for a new one: nothing is known again. For tests that must fail then.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_forgetful(dir: &Path) -> io::Result<Self> {
        Self::start_with(dir, &["--forget"])
    }

    fn start_with(dir: &Path, more: &'static [&'static str]) -> io::Result<Self> {
        let (child, port) = start(dir, 0, more)?;
        Ok(Self { dir: dir.to_owned(), port, more, child: Mutex::new(child) })
    }

    /// Its HTTP interface; the same after [`Engine::restart`].
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as kill -9 does.
    ///
    /// # Errors
    /// When it can't be ended.
    pub fn kill(&self) -> io::Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill()?;
        child.wait().map(drop)
    }

    /// Starts it again on its data, at the same address, after [`Engine::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&self) -> io::Result<()> {
        let (child, _) = start(&self.dir, self.port, self.more)?;
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = child;
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _ = self.kill();
    }
}

/// The server of all tests of this process: the one that `ICARUS_TEST_CLICKHOUSE_URL` names, else one that is
/// started at the first call. `None` where there can't be one; then a line on standard error said why.
pub fn shared() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    static CHILD: Mutex<Option<Child>> = Mutex::new(None);
    let start_shared = || {
        let dir = Path::new(INSTALLED).join(format!("data-{}", std::process::id()));
        let (child, port) = start(&dir, 0, &["--remove"])?;
        // Kept, because the server ends with its standard input.
        *CHILD.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        io::Result::Ok(format!("http://127.0.0.1:{port}"))
    };
    let url = URL.get_or_init(|| match given().map_or_else(start_shared, Ok) {
        Ok(url) => Some(url),
        Err(error) => {
            // Not by the macro: what a passing test prints by it is never seen.
            let _ = writeln!(io::stderr(), "skipped: the tests of the store on ClickHouse, for want of its engine: {error}");
            None
        }
    });
    url.as_deref()
}

#[expect(clippy::disallowed_methods, reason = "a switch of tests, not configuration")]
fn given() -> Option<String> {
    std::env::var("ICARUS_TEST_CLICKHOUSE_URL").ok().filter(|url| !url.is_empty())
}

/// Whether the tests have a server that someone else runs: it can't be killed.
pub fn is_given() -> bool {
    given().is_some()
}

fn start(dir: &Path, port: u16, more: &[&str]) -> io::Result<(Child, u16)> {
    let python = python()?;
    fs::create_dir_all(dir)?;
    let mut command = Command::new(python);
    command.arg(format!("{SCRIPTS}/front.py")).arg(dir).arg(port.to_string()).args(more);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("the engine has no standard output"))?;
    BufReader::new(stdout).read_line(&mut line)?;
    match line.trim().strip_prefix("ready ").and_then(|port| port.parse().ok()) {
        Some(port) => Ok((child, port)),
        None => {
            child.kill()?;
            child.wait()?;
            Err(io::Error::other(format!("the engine did not start: {line:?}")))
        }
    }
}

/// The Python that has the engine.
fn python() -> io::Result<PathBuf> {
    let output = Command::new("sh").arg(format!("{SCRIPTS}/install.sh")).arg(INSTALLED).output()?;
    if output.status.success() {
        return Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(told.trim().lines().last().unwrap_or("it can't be installed").to_owned()))
}
