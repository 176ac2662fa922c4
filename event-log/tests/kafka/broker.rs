//! A real broker of Apache Kafka for the tests: one node, KRaft, in a directory of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    time::Duration,
};

use tempfile::TempDir;

/// How long a broker may take to start. One that was killed first has to time out with itself.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a broker says when it takes connections.
const STARTED: &str = "Kafka Server started";

/// Runs a broker until the pipe is closed that the test holds: when the test lets go of it, or dies in any
/// way. Without the word that it is to stay, the directory goes as well.
const GUARDIAN: &str = r#"
dir=$1
shift
"$@" </dev/null >/dev/null &
exec 2>/dev/null
word=
read -r word
kill -9 $!
wait $!
[ "$word" = stay ] || rm -rf "$dir"
"#;

/// A broker that runs until it is dropped, or the test's process ends.
#[derive(Debug)]
pub(crate) struct Broker {
    libs: PathBuf,
    dir: TempDir,
    port: u16,
    running: Mutex<Option<Child>>,
}

impl Broker {
    /// A new broker without topics, or why there can't be one on this machine.
    pub(crate) fn start() -> Result<Self, String> {
        let libs = install()?;
        let dir = tempfile::tempdir().unwrap();
        let [port, controller_port] = free_ports();
        fs::write(dir.path().join("server.properties"), properties(dir.path(), port, controller_port)).unwrap();
        let broker = Self { libs, dir, port, running: Mutex::new(None) };
        let id = "aWNhcnVzLXRlc3RzLW9ubHk";
        let formatted = broker.java("kafka.tools.StorageTool", &["format", "-t", id, "-c"]).output().unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
        broker.resume();
        Ok(broker)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it by SIGKILL, as a power cut would.
    pub(crate) fn kill(&self) {
        self.end("stay\n");
    }

    fn end(&self, word: &str) {
        if let Some(mut guardian) = self.running.lock().unwrap().take() {
            // Closes the pipe at the end of the line.
            guardian.stdin.take().unwrap().write_all(word.as_bytes()).unwrap();
            guardian.wait().unwrap();
        }
    }

    /// Starts it (again), and waits until it takes connections.
    pub(crate) fn resume(&self) {
        let broker = self.java("kafka.Kafka", &[]);
        let mut guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(self.dir.path())
            .arg(broker.get_program())
            .args(broker.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(guardian.stderr.take().unwrap());
        let (started, starts) = mpsc::channel();
        let log = self.dir.path().join("broker.log");
        std::thread::spawn(move || {
            let mut log = fs::File::options().create(true).append(true).open(log).unwrap();
            for line in stderr.lines().map_while(Result::ok) {
                // When the directory is gone, so are its readers.
                let _ = writeln!(log, "{line}");
                if line.contains(STARTED) {
                    let _ = started.send(());
                }
            }
        });
        let in_time = starts.recv_timeout(PATIENCE);
        *self.running.lock().unwrap() = Some(guardian);
        if in_time.is_err() {
            panic!("the broker did not start: {}", fs::read_to_string(self.dir.path().join("broker.log")).unwrap_or_default());
        }
    }

    fn java(&self, class: &str, arguments: &[&str]) -> Command {
        let mut java = Command::new("java");
        java.args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(format!("{}/*", self.libs.display()))
            .arg(class)
            .args(arguments)
            .arg(self.dir.path().join("server.properties"));
        java
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.end("");
    }
}

/// The directory with Kafka's jars, or what is missing on this machine.
fn install() -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/servers/kafka/install.sh");
    let installed = Command::new("sh").arg(&script).output().map_err(|error| format!("{}: {error}", script.display()))?;
    let told = String::from_utf8_lossy(&installed.stderr).trim().to_owned();
    match installed.status.code() {
        Some(0) => Ok(PathBuf::from(String::from_utf8_lossy(&installed.stdout).trim())),
        Some(3) => Err(told),
        _ => panic!("{} failed: {told}", script.display()),
    }
}

/// Two ports that nobody has; held together, so that they differ.
fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn properties(dir: &Path, port: u16, controller_port: u16) -> String {
    let logs = dir.join("data");
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller_port}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=PLAINTEXT\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         group.min.session.timeout.ms=500\n\
         auto.create.topics.enable=false\n\
         broker.session.timeout.ms=2000\n\
         broker.heartbeat.interval.ms=500\n",
        logs.display()
    )
}
