//! Opening a log: its directory is locked, made if it is new, and each partition is recovered.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    clock::Clock,
    commits::{self, Positions},
    core::{Changes, Core},
    disk::Disk,
    group::Groups,
    lock::DirLock,
    note,
    partition::PartitionLog,
    queue::Queue,
    recover,
    segment::{self, HEADER_BYTES, Header, Segment},
    writer::Writer,
};
use crate::{
    config::Config,
    error::LogError,
    metrics::{self, Teller},
    record::{Offset, Partition},
};

const FORMAT: u32 = 1;

/// What is settled when a log is made.
#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    format: u32,
    partitions: u32,
}

/// Opens the log, and makes its writers.
pub(super) fn open(config: Config, clock: Clock, disk: Arc<dyn Disk>) -> Result<(Arc<Core>, Vec<Writer>), LogError> {
    let dir = config.dir.clone();
    disk.create_dir(&dir).map_err(|source| not_written(&dir, source))?;
    let lock = DirLock::take(&dir)?;
    let (meta_path, groups_dir) = (dir.join("meta.json"), dir.join("groups"));
    match note::read::<Meta>(&meta_path, "restore it from a copy")? {
        Some(meta) => check(&meta, &config)?,
        None => make(&*disk, &config, &groups_dir, &meta_path, clock.now())?,
    }
    let (mut partitions, mut files) = (Vec::new(), Vec::new());
    for number in (0..config.partitions).map(Partition) {
        let (partition, file) = open_partition(&*disk, &config, number, clock.now())?;
        partitions.push(Arc::new(partition));
        files.push(file);
    }
    let positions = commits::read_all(&groups_dir)?;
    // What a crash left between a rename and its sync is read now, and must not change back later.
    disk.sync_dir(&groups_dir).map_err(|source| not_written(&groups_dir, source))?;
    check_positions(&positions, &partitions, &groups_dir, config.teller)?;
    let changes = Changes::new();
    let groups = Groups::new(groups_dir, Arc::clone(&disk), changes.clone(), &config, positions);
    let core = Core {
        config,
        clock,
        disk,
        partitions,
        groups,
        permits: Default::default(),
        space: Default::default(),
        changes,
        lock: RwLock::new(Some(lock)),
    };
    let core = Arc::new(core);
    metrics::opened();
    let mut writers = Vec::new();
    for (partition, file) in core.partitions.iter().zip(files) {
        let extent = partition.extent();
        core.config.teller.start_offset(partition.number, extent.start.0);
        core.config.teller.end_offset(partition.number, extent.end.0);
        core.add(partition.bytes());
        writers.push(Writer::new(Arc::clone(&core), Arc::clone(partition), file));
    }
    Ok((core, writers))
}

fn not_written(path: &Path, source: io::Error) -> LogError {
    LogError::Io { context: format!("{} can't be written", path.display()), source }
}

fn not_read(path: &Path, source: io::Error) -> LogError {
    LogError::Io { context: format!("{} can't be read", path.display()), source }
}

fn check(meta: &Meta, config: &Config) -> Result<(), LogError> {
    let (dir, wanted) = (config.dir.display(), config.partitions);
    if meta.format != FORMAT {
        return Err(LogError::Mismatch(format!(
            "the log at {dir} has format {}, this version reads {FORMAT}: use the version of icarus that wrote it, or a newer one",
            meta.format
        )));
    }
    if meta.partitions != wanted {
        return Err(LogError::Mismatch(format!(
            "the log at {dir} has {0} partitions, the configuration says {wanted}: set partitions = {0}, for it can't be changed later",
            meta.partitions
        )));
    }
    Ok(())
}

/// Makes an empty log. The meta file comes last: without it nothing was ever appended.
fn make(disk: &dyn Disk, config: &Config, groups_dir: &Path, meta_path: &Path, now: Timestamp) -> Result<(), LogError> {
    let dir = &config.dir;
    for number in (0..config.partitions).map(Partition) {
        let dir = partition_dir(dir, number);
        disk.create_dir(&dir).map_err(|source| not_written(&dir, source))?;
        for (_, path) in segments_in(&dir)? {
            if fs::metadata(&path).is_ok_and(|found| found.len() > HEADER_BYTES as u64) {
                let meta = meta_path.display();
                return Err(LogError::Corrupt(format!("{meta} is missing, but {} has records: restore it from a copy", path.display())));
            }
        }
        segment::create(disk, &dir, &Header { partition: number, base: Offset(0), begun: now, before: now })?;
    }
    disk.create_dir(groups_dir).map_err(|source| not_written(groups_dir, source))?;
    disk.sync_dir(dir).map_err(|source| not_written(dir, source))?;
    for parent in fs::canonicalize(dir).map_err(|source| not_read(dir, source))?.ancestors().skip(1) {
        // Those that were made just now are ours and can be synced; others may be nobody's business.
        let _ = disk.sync_dir(parent);
    }
    note::write(disk, meta_path, &Meta { format: FORMAT, partitions: config.partitions }).map_err(|error| error.into_log_error(meta_path))
}

fn partition_dir(dir: &Path, number: Partition) -> PathBuf {
    dir.join(format!("p{:05}", number.0))
}

/// The segment files of a partition with their base offsets, in order.
fn segments_in(dir: &Path) -> Result<Vec<(u64, PathBuf)>, LogError> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(|source| not_read(dir, source))?;
    let mut segments: Vec<_> = entries.iter().filter_map(|entry| Some((segment::base_of(&entry.path())?, entry.path()))).collect();
    segments.sort_unstable();
    Ok(segments)
}

/// The partition as it stands on disk, and the file of its last segment.
fn open_partition(disk: &dyn Disk, config: &Config, number: Partition, now: Timestamp) -> Result<(PartitionLog, File), LogError> {
    let dir = partition_dir(&config.dir, number);
    let mut found = segments_in(&dir)?;
    let Some((last_base, last_path)) = found.pop() else {
        return Err(LogError::Corrupt(format!("{} has no segment: restore it from a copy", dir.display())));
    };
    let mut segments = VecDeque::new();
    let next_bases = found.iter().skip(1).map(|(base, _)| *base).chain([last_base]);
    for ((base, path), next) in found.iter().zip(next_bases) {
        let file = File::open(path).map_err(|source| not_read(path, source))?;
        let (header, bytes) = header_of(&file, path, number, *base)?;
        let sealed = Segment::new(path.clone(), &header, bytes);
        sealed.seal(next);
        segments.push_back(Arc::new(sealed));
    }
    // In case the last one has no header yet: what came before it isn't newer than this.
    let begun = segments.back().map_or(now, |sealed: &Arc<Segment>| sealed.begun.max(now));
    let fresh = Header { partition: number, base: Offset(last_base), begun, before: begun };
    let (last, file, end, newest) = open_last(disk, &dir, &last_path, fresh)?;
    segments.push_back(Arc::new(last));
    // Names that a crash left without a sync must not vanish once records depend on them.
    disk.sync_dir(&dir).map_err(|source| not_written(&dir, source))?;
    let queue = Queue::new(number, config.queue_records_max, config.queue_bytes_max);
    Ok((PartitionLog::new(number, dir, queue, segments, end, newest), file))
}

fn header_of(file: &File, path: &Path, partition: Partition, base: u64) -> Result<(Header, u64), LogError> {
    let bytes = file.metadata().map_err(|source| not_read(path, source))?.len();
    let start = recover::read(file, 0, (HEADER_BYTES as u64).min(bytes)).map_err(|source| not_read(path, source))?;
    let complete: [u8; HEADER_BYTES] = start.first_chunk().copied().unwrap_or([0; HEADER_BYTES]);
    let header = Header::decode(&complete, path)?;
    if (header.partition, header.base.0) != (partition, base) {
        return Err(LogError::Corrupt(format!(
            "{} was written as offset {} of partition {}: put the files back where they were",
            path.display(),
            header.base,
            header.partition
        )));
    }
    Ok((header, bytes))
}

/// The segment that is written on: without a torn tail, and all of it durable.
fn open_last(disk: &dyn Disk, dir: &Path, path: &Path, fresh: Header) -> Result<(Segment, File, u64, Timestamp), LogError> {
    let (number, base) = (fresh.partition, fresh.base.0);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| not_read(path, source))?;
    let (header, bytes) = match header_of(&file, path, number, base) {
        // A crash while it was begun: it never had a record.
        Err(LogError::Corrupt(_)) if file.metadata().is_ok_and(|found| found.len() <= HEADER_BYTES as u64) => {
            let (path, file) = segment::create(disk, dir, &fresh)?;
            return Ok((Segment::new(path, &fresh, HEADER_BYTES as u64), file, base, fresh.before));
        }
        read => read?,
    };
    let segment = Segment::new(path.to_owned(), &header, HEADER_BYTES as u64);
    let found = recover::recover(&file, &segment, bytes).map_err(|source| not_read(path, source))?;
    for byte in &found.damaged {
        tracing::error!(file = %path.display(), byte, "records are damaged: restore the file from a copy");
    }
    if found.bytes < bytes {
        let cut = bytes - found.bytes;
        tracing::warn!(file = %path.display(), bytes = cut, "a torn tail was cut off: records that nobody was told were kept");
        metrics::cut(cut);
        disk.set_len(path, &file, found.bytes).map_err(|source| not_written(path, source))?;
    }
    // The last group may never have been synced, or a sync of it failed, after which another sync alone
    // would do nothing: it is written again. With the first group so is the header, for the same reason.
    let from = if found.last_group == HEADER_BYTES as u64 { 0 } else { found.last_group };
    let last_group = recover::read(&file, from, found.bytes - from).map_err(|source| not_read(path, source))?;
    let rewritten = disk.write(path, &file, &last_group, from).and_then(|()| disk.sync(path, &file));
    rewritten.map_err(|source| not_written(path, source))?;
    segment.set_durable_bytes(found.bytes);
    Ok((segment, file, base + u64::from(found.records), found.newest))
}

/// No group may be further than the log: it would pass over the records that come next.
fn check_positions(
    groups: &BTreeMap<String, Positions>,
    partitions: &[Arc<PartitionLog>],
    dir: &Path,
    teller: Teller,
) -> Result<(), LogError> {
    for (group, positions) in groups {
        for (&number, committed) in positions {
            let end = partitions.get(number as usize).map_or(0, |partition| partition.end());
            if committed.offset.0 > end {
                return Err(LogError::Corrupt(format!(
                    "group {group} committed offset {} of partition {number}, which ends at {end}: records are missing. Restore the \
                     partition's files from a copy, or give them up and delete {} so that the group begins at the oldest records again",
                    committed.offset,
                    commits::path(dir, group).display()
                )));
            }
            teller.committed_offset(group, number, committed.offset.0);
        }
    }
    Ok(())
}
