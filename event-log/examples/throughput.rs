//! How fast the embedded log is on this machine: durable appends, what they cost the writer, and
//! reading back.
//!
//! ```sh
//! cargo run --release -p event-log --example throughput -- --records 2000000 --in-flight 200
//! ```

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and tells")]

use std::{
    error::Error,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use event_log::{
    EventLog, Offset, Partition, Polled,
    config::RawConfig,
    embedded::{Clock, Embedded},
};
use schemas::time::Timestamp;

#[derive(Debug, Clone, Copy)]
struct Load {
    records: u64,
    bytes: usize,
    in_flight: u64,
    partitions: u32,
}

fn load() -> Result<Load, Box<dyn Error>> {
    let mut load = Load { records: 2_000_000, bytes: 500, in_flight: 200, partitions: 1 };
    let mut args = std::env::args().skip(1);
    while let (Some(flag), Some(value)) = (args.next(), args.next()) {
        match flag.as_str() {
            "--records" => load.records = value.parse()?,
            "--bytes" => load.bytes = value.parse()?,
            "--in-flight" => load.in_flight = value.parse()?,
            "--partitions" => load.partitions = value.parse()?,
            other => return Err(format!("{other}: use --records, --bytes, --in-flight, --partitions").into()),
        }
    }
    Ok(load)
}

fn clock() -> Clock {
    let begun = Instant::now();
    let now = || Timestamp::from_ms(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64));
    Clock::new(now, move || begun.elapsed())
}

/// CPU time of the threads whose name begins with `prefix`, by the scheduler's count.
fn cpu(prefix: &str) -> Result<Duration, Box<dyn Error>> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.starts_with(prefix) {
            let on_cpu = fs::read_to_string(task.join("schedstat"))?;
            total += Duration::from_nanos(on_cpu.split(' ').next().unwrap_or("0").parse()?);
        }
    }
    Ok(total)
}

/// Appends all records, `in_flight` at a time, and returns how long each waited, in microseconds.
async fn append(log: &Arc<Embedded>, load: Load) -> Result<Vec<u32>, Box<dyn Error>> {
    let record = Bytes::from((0..load.bytes).map(|i| (i * 7) as u8).collect::<Vec<_>>());
    let left = Arc::new(AtomicU64::new(load.records));
    let appenders = (0..load.in_flight).map(|appender| {
        let (log, record, left) = (Arc::clone(log), record.clone(), Arc::clone(&left));
        let partition = Partition((appender % u64::from(load.partitions)) as u32);
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                let begun = Instant::now();
                log.append(partition, record.clone()).await?;
                waits.push(begun.elapsed().as_micros() as u32);
            }
            Ok::<_, event_log::AppendError>(waits)
        })
    });
    let mut waits = Vec::new();
    for appender in appenders.collect::<Vec<_>>() {
        waits.extend(appender.await??);
    }
    waits.sort_unstable();
    Ok(waits)
}

async fn read_back(log: &Arc<Embedded>) -> Result<u64, Box<dyn Error>> {
    let mut consumer = log.consumer("reader").await?;
    let mut records_read = 0;
    loop {
        match consumer.poll(Duration::from_millis(1)).await? {
            Polled::Assigned(assignments) => {
                for assignment in assignments {
                    consumer.seek(assignment.partition, Offset(0)).await?;
                }
            }
            Polled::Records { records, .. } => records_read += records.len() as u64,
            Polled::Revoked(_) | Polled::Idle => return Ok(records_read),
        }
    }
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let load = load()?;
    let dir = tempfile::tempdir_in(".")?;
    let raw = RawConfig { partitions: load.partitions, retention_bytes: 1 << 40, ..RawConfig::default() };
    let config = raw.check(dir.path()).map_err(|errors| format!("{errors:?}"))?;
    println!("{load:?}");

    let log = Arc::new(Embedded::open(config.clone(), clock())?);
    let begun = Instant::now();
    let waits = append(&log, load).await?;
    let took = begun.elapsed();
    let per_record = |cpu: Duration| cpu.as_secs_f64() * 1e6 / load.records as f64;
    let quantile = |q: f64| f64::from(waits[((waits.len() - 1) as f64 * q) as usize]) / 1e3;
    println!(
        "append: {:.0} records/s durable, {:.0} MB/s; wait p50 {:.2} ms, p99 {:.2} ms; CPU per record: writer {:.2} us, whole process {:.2} us",
        load.records as f64 / took.as_secs_f64(),
        log.bytes() as f64 / took.as_secs_f64() / 1e6,
        quantile(0.5),
        quantile(0.99),
        per_record(cpu("log-")?),
        per_record(cpu("")?),
    );

    let begun = Instant::now();
    let records = read_back(&log).await?;
    println!("read back: {records} records, {:.0} records/s", records as f64 / begun.elapsed().as_secs_f64());

    drop(Arc::into_inner(log).ok_or("nobody else has the log")?);
    let begun = Instant::now();
    let log = Embedded::open(config, clock())?;
    println!("open again: {:.0} ms, {} partitions of {} B", begun.elapsed().as_secs_f64() * 1e3, log.partitions(), log.bytes());
    Ok(())
}
