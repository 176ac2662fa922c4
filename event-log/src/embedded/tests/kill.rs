//! What was acknowledged survives kill -9 at any moment.
//!
//! The test starts its own binary again as a writer, which prints what was acknowledged to it, and
//! kills it after a number of lines that a seed decides; then it opens the log and compares.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdout, Command, Stdio},
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{Committed, Polled};

const KILLS: u64 = 25;
const APPENDERS: u64 = 16;

fn raw() -> RawConfig {
    RawConfig { segment_bytes: 64 << 10, ..small() }
}

/// The record that an appender appends as its n-th in a run.
fn record(run: u64, appender: u64, n: u64) -> String {
    format!("{run}/{appender}/{n}/{}", "x".repeat(((run ^ appender ^ n) % 700) as usize))
}

/// Tells the test's own binary, started again, that it is the writer: which run this is, and where the log is.
const WRITER: &str = "EVENT_LOG_WRITER";

/// The child's part: appends, reads and commits until it is killed.
async fn write(run: u64, dir: &Path) {
    // The test harness leaves its own line unfinished.
    say("\nopening .");
    let log = Arc::new(open(&raw(), dir).unwrap());
    for appender in 0..APPENDERS {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for n in 0.. {
                let partition = u32::try_from((appender + n) % 2).unwrap();
                let offset = log.append_at(Partition(partition), Bytes::from(record(run, appender, n))).await.unwrap();
                say(&format!("appended {partition} {offset} {appender} {n} ."));
            }
        });
    }
    let mut consumer = log.consumer("reader").await.unwrap();
    let mut positions = BTreeMap::new();
    loop {
        match consumer.poll(Duration::from_secs(1)).await.unwrap() {
            Polled::Assigned(assigned) => {
                for assignment in assigned {
                    let from = assignment.committed.unwrap_or_default().offset;
                    consumer.seek(assignment.partition, from).await.unwrap();
                    positions.insert(assignment.partition, from);
                }
            }
            Polled::Records { partition, records } => {
                positions.insert(partition, Offset(records.last().unwrap().offset.0 + 1));
                let sum: u64 = positions.values().map(|position| position.0).sum();
                let commits: Vec<_> =
                    positions.iter().map(|(&partition, &offset)| (partition, Committed { offset, metadata: sum.to_string() })).collect();
                consumer.commit(&commits).await.unwrap();
                say(&format!("committed {sum} ."));
            }
            Polled::Revoked(_) | Polled::Idle => {}
        }
    }
}

/// A whole line at once, past the test harness's capture.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(run: u64, dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "embedded::tests::kill::acknowledged_records_survive_kill_9", "--nocapture", "--test-threads=1"])
            .env(WRITER, format!("{run} {}", dir.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next whole thing it says. Lines of the test harness stand between.
    fn next(&mut self) -> Option<String> {
        self.lines.by_ref().map_while(Result::ok).find(|line| line.ends_with(" ."))
    }

    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.next()).collect()
    }
}

#[derive(Default)]
struct Acknowledged {
    records: BTreeMap<(u32, u64), String>,
    committed: u64,
}

impl Acknowledged {
    fn hear(&mut self, run: u64, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        match (words[0], number(1), number(2), number(3), number(4)) {
            ("appended", Some(partition), Some(offset), Some(appender), Some(n)) => {
                let before = self.records.insert((partition as u32, offset), record(run, appender, n));
                assert_eq!(before, None, "offset {offset} of partition {partition} was given twice");
            }
            ("committed", Some(sum), ..) => self.committed = self.committed.max(sum),
            _ => {}
        }
    }

    /// Everything acknowledged is there, once and in order, and nothing that nobody appended.
    fn check(&self, log: &Embedded, run: u64) {
        let mut last = BTreeMap::new();
        for partition in 0..2 {
            let records = texts(&read(log, partition).unwrap());
            let acknowledged = self.records.range((partition, 0)..(partition + 1, 0));
            for (&(_, offset), expected) in acknowledged {
                assert_eq!(records.get(offset as usize), Some(expected), "offset {offset} of partition {partition}");
            }
            for text in records {
                let parts: Vec<u64> = text.splitn(4, '/').take(3).map(|part| part.parse().unwrap()).collect();
                let (of_run, appender, n) = (parts[0], parts[1], parts[2]);
                assert!(of_run <= run && text == record(of_run, appender, n), "invented: {text}");
                let before = last.insert((partition, of_run, appender), n);
                assert!(before.is_none_or(|before| before < n), "{before:?} before {n}: twice, or out of order");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_records_survive_kill_9() {
    if let Some(told) = std::env::var_os(WRITER) {
        let (run, dir) = told.to_str().and_then(|told| told.split_once(' ')).unwrap();
        return write(run.parse().unwrap(), Path::new(dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut acknowledged = Acknowledged::default();
    let mut locked = 0;
    for run in 0..KILLS {
        let mut writer = Writer::start(run, dir.path());
        // Some die while they open the log, most in the middle of their work.
        let lines = if run % 5 == 4 { 0 } else { rng.random_range(1..1_500) };
        assert_eq!(writer.next().expect("the writer writes until it is killed"), "opening .");
        for _ in 0..lines {
            let line = writer.next().expect("the writer writes until it is killed");
            acknowledged.hear(run, &line);
        }
        if lines > 0 {
            let refused = open(&raw(), dir.path()).unwrap_err().to_string();
            assert!(refused.contains(&format!("process {} has the log", writer.child.id())), "{refused}");
            locked += 1;
        }
        for line in writer.kill() {
            acknowledged.hear(run, &line);
        }
        let log = open(&raw(), dir.path()).unwrap();
        acknowledged.check(&log, run);
        let mut consumer = log.consumer("reader").await.unwrap();
        let Polled::Assigned(assigned) = consumer.poll(Duration::ZERO).await.unwrap() else { panic!("nothing assigned") };
        let committed: Vec<_> = assigned.into_iter().filter_map(|assignment| assignment.committed).collect();
        let sum: u64 = committed.iter().map(|committed| committed.offset.0).sum();
        assert!(sum >= acknowledged.committed, "{sum} is less than {}", acknowledged.committed);
        assert!(committed.iter().all(|committed| committed.metadata == sum.to_string()), "positions of two commits: {committed:?}");
    }
    let kept = acknowledged.records.len();
    assert!(locked == 20 && kept > 2_000, "the test wrote too little to mean anything: {kept} records");
    assert!(segments(dir.path(), 0).len() > 1, "no segment was ever begun");
}
