//! A real broker of Apache Kafka for tests: one node, KRaft, in a directory of its own.
//!
//! It ends with its [`Broker`], and with the process that has it, however that dies. The jars are fetched
//! once, by the script beside the test servers.

use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

/// How long a broker may take to start. One that was killed first has to time out with itself.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a broker says when it takes connections.
const STARTED: &str = "Kafka Server started";

/// Runs a broker until the pipe is closed that the test holds: when the test lets go of it, or dies in any
/// way. Lines that come by the pipe stop it, let it go on, or end it; each is answered by an empty line when it
/// is done. Without the word that it is to stay, the directory goes as well.
const GUARDIAN: &str = r#"
dir=$1
shift
"$@" </dev/null >/dev/null &
exec 2>/dev/null
trap '' PIPE
end=remove
while read -r word; do
  case $word in
    pause) kill -STOP $! ;;
    unpause) kill -CONT $! ;;
    stay) end=stay; break ;;
  esac
  echo
done
kill -9 $!
wait $!
[ "$end" = stay ] || rm -rf "$dir"
"#;

/// What may differ from one broker to another.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// For clients, and for the broker's own controller; free ones if not given.
    pub ports: Option<[u16; 2]>,
    /// Lines of `server.properties` that come after our own, and win over them.
    pub properties: String,
    /// More for `StorageTool format`, such as `--add-scram`.
    pub format: Vec<String>,
}

/// A broker that runs until it is dropped, or its process ends.
#[derive(Debug)]
pub struct Broker {
    libs: PathBuf,
    dir: PathBuf,
    port: u16,
    running: Mutex<Option<Guardian>>,
}

#[derive(Debug)]
struct Guardian {
    process: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Broker {
    /// A new broker without topics, on free ports.
    ///
    /// # Errors
    /// As [`start_with`](Self::start_with).
    pub fn start(dir: &Path) -> Result<Self, String> {
        Self::start_with(dir, &Options::default())
    }

    /// A new broker without topics. `dir` becomes its own: it is made if it is missing, and removed when the
    /// broker goes.
    ///
    /// # Errors
    /// Why there can't be a broker on this machine: what is missing, for a line about what is skipped.
    ///
    /// # Panics
    /// When it should start, and doesn't.
    pub fn start_with(dir: &Path, options: &Options) -> Result<Self, String> {
        let libs = install()?;
        fs::create_dir_all(dir).expect("the broker's directory can be made");
        let [port, controller_port] = options.ports.unwrap_or_else(free_ports);
        let properties = properties(dir, port, controller_port) + &options.properties;
        fs::write(dir.join("server.properties"), properties).expect("the broker's directory can be written");
        let broker = Self { libs, dir: dir.to_owned(), port, running: Mutex::new(None) };
        let id = "aWNhcnVzLXRlc3RzLW9ubHk";
        let format: Vec<_> = ["format", "-t", id].into_iter().chain(options.format.iter().map(String::as_str)).chain(["-c"]).collect();
        let formatted = broker.java("kafka.tools.StorageTool", &format).output().expect("java was found before");
        assert!(formatted.status.success(), "the broker's storage can't be made: {}", String::from_utf8_lossy(&formatted.stderr));
        broker.resume();
        Ok(broker)
    }

    /// Where clients find it: `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port for clients.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its directory, with all that it wrote to its log in `broker.log`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends it by SIGKILL, as a power cut would. Its directory stays, for [`resume`](Self::resume).
    ///
    /// # Panics
    /// When its guardian is gone.
    pub fn kill(&self) {
        self.end("stay");
    }

    /// Stops it by SIGSTOP: connections stay, and nothing is answered.
    ///
    /// # Panics
    /// When it doesn't run.
    pub fn pause(&self) {
        self.tell("pause");
    }

    /// Lets it go on after [`pause`](Self::pause).
    ///
    /// # Panics
    /// When it doesn't run.
    pub fn unpause(&self) {
        self.tell("unpause");
    }

    /// Starts it again after [`kill`](Self::kill), and waits until it takes connections.
    ///
    /// # Panics
    /// When it doesn't start.
    pub fn resume(&self) {
        let broker = self.java("kafka.Kafka", &[]);
        let mut process = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(&self.dir)
            .arg(broker.get_program())
            .args(broker.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell can be started");
        let stderr = BufReader::new(process.stderr.take().expect("it is a pipe"));
        let (started, starts) = mpsc::channel();
        let log = self.dir.join("broker.log");
        std::thread::spawn(move || {
            let mut log = fs::File::options().create(true).append(true).open(log).expect("the broker's directory can be written");
            for line in stderr.lines().map_while(Result::ok) {
                // When the directory is gone, so are its readers.
                let _ = writeln!(log, "{line}");
                if line.contains(STARTED) {
                    let _ = started.send(());
                }
            }
        });
        let words = process.stdin.take().expect("it is a pipe");
        let answers = BufReader::new(process.stdout.take().expect("it is a pipe"));
        *self.running() = Some(Guardian { process, words, answers });
        if starts.recv_timeout(PATIENCE).is_err() {
            panic!("the broker did not start: {}", fs::read_to_string(self.dir.join("broker.log")).unwrap_or_default());
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Guardian>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, word: &str) {
        let mut running = self.running();
        let guardian = running.as_mut().expect("the broker runs");
        writeln!(guardian.words, "{word}").expect("the guardian listens");
        guardian.answers.read_line(&mut String::new()).expect("the guardian answers");
    }

    fn end(&self, word: &str) {
        if let Some(Guardian { mut process, mut words, .. }) = self.running().take() {
            writeln!(words, "{word}").expect("the guardian listens");
            drop(words);
            process.wait().expect("the guardian ends");
        }
    }

    fn java(&self, class: &str, arguments: &[&str]) -> Command {
        let mut java = Command::new("java");
        java.args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(format!("{}/*", self.libs.display()))
            .arg(class)
            .args(arguments)
            .arg(self.dir.join("server.properties"));
        java
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.end("remove");
        // A broker that was killed has no guardian any more.
        let _ = fs::remove_dir_all(&self.dir);
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

/// Ports that nobody has; held together, so that they differ.
///
/// # Panics
/// When there are none.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("there is a free port"));
    held.map(|listener| listener.local_addr().expect("it listens").port())
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
