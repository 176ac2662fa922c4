//! The figures: what is measured in each phase, and what it comes to.

use std::{error::Error, fmt, fs, time::Duration};

use benches::cpu::Pid;
use service::clock::Stopwatch;

/// What Icarus took at Netflix: 180 billion events a day.
const EVENTS_PER_SECOND: f64 = 180e9 / 86_400.0;

/// Whose CPU time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Ingest,
    Broker,
    Aggregator,
    Engine,
    Alerts,
    Api,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "intake",
            Self::Broker => "Kafka",
            Self::Aggregator => "aggregator",
            Self::Engine => "ClickHouse engine",
            Self::Alerts => "alerts",
            Self::Api => "api",
        }
    }
}

/// Counts what processes take.
#[derive(Debug)]
pub(crate) struct Meter {
    processes: Vec<(Role, Pid)>,
}

/// What they had taken at one time.
#[derive(Debug)]
pub(crate) struct Reading {
    watch: Stopwatch,
    cpu: Vec<Duration>,
}

/// What they took meanwhile.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) wall: Duration,
    pub(crate) cpu: Vec<(Role, Duration)>,
}

impl Meter {
    pub(crate) fn of(processes: &[(Role, Pid)]) -> Self {
        Self { processes: processes.to_vec() }
    }

    pub(crate) fn read(&self) -> Result<Reading, Box<dyn Error>> {
        let cpu = self.processes.iter().map(|(_, pid)| pid.cpu()).collect::<Result<_, _>>()?;
        Ok(Reading { watch: Stopwatch::start(), cpu })
    }

    pub(crate) fn since(&self, before: &Reading) -> Result<Taken, Box<dyn Error>> {
        let now = self.read()?;
        let cpu = self.processes.iter().zip(now.cpu).zip(&before.cpu).map(|(((role, _), now), before)| (*role, now - *before));
        Ok(Taken { wall: before.watch.elapsed(), cpu: cpu.collect() })
    }
}

/// All lines of the table.
#[derive(Debug)]
pub(crate) struct Report {
    watch: Stopwatch,
    command: String,
    load_before: String,
    lines: Vec<[String; 3]>,
}

impl Report {
    pub(crate) fn begin() -> Result<Self, Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let command = ["target/release/pipeline".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ");
        Ok(Self { watch: Stopwatch::start(), command, load_before: load_average()?, lines: Vec::new() })
    }

    /// Adds a line, and tells it at once.
    pub(crate) fn line(&mut self, phase: &str, what: &str, figure: String) {
        eprintln!("{:4.0} s {phase}: {what}: {figure}", self.watch.elapsed().as_secs_f64());
        self.lines.push([phase.to_owned(), what.to_owned(), figure]);
    }

    /// Adds a line for each process: what `events` cost it, and how many cores 180 billion a day would need.
    pub(crate) fn costs(&mut self, phase: &str, events: f64, taken: &Taken) {
        let rate = events / taken.wall.as_secs_f64();
        self.line(phase, "in all", format!("{rate:.0} events/s by the clock, {:.1} s", taken.wall.as_secs_f64()));
        for (role, cpu) in &taken.cpu {
            let seconds = cpu.as_secs_f64();
            let busy = seconds / taken.wall.as_secs_f64();
            let figure = if seconds > 0.0 {
                format!(
                    "{:.0} events a CPU second; {:.2} CPU s a million events; {busy:.2} cores busy; 180 billion a day: {:.1} cores",
                    events / seconds,
                    seconds * 1e6 / events,
                    EVENTS_PER_SECOND * seconds / events
                )
            } else {
                "less than 10 ms of CPU".to_owned()
            };
            self.line(phase, role.name(), figure);
        }
    }
}

fn load_average() -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        writeln!(f, "`{}`, on {cores} cores; load average before it began: {}\n", self.command, self.load_before)?;
        writeln!(f, "| phase | what | figure |\n|---|---|---|")?;
        self.lines.iter().try_for_each(|[phase, what, figure]| writeln!(f, "| {phase} | {what} | {figure} |"))
    }
}
