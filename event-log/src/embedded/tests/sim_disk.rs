//! A disk that forgets what was not synced when the power is cut.
//!
//! Files stand in a real directory, as the system holds them. Beside it the disk remembers what is
//! durable: the bytes that were written before the last good sync of their file, and the names that
//! directories had at their last sync. After a cut each sector, each length and each name that is not
//! durable may be found new or old.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::{self, File},
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::disk::{Disk, SystemDisk};

const SECTOR_BYTES: usize = 512;

#[derive(Clone)]
pub(super) struct SimDisk(Arc<Mutex<State>>);

struct State {
    rng: ChaCha8Rng,
    files: Vec<SimFile>,
    /// Names as the system has them, and as the disk has.
    live: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// How many more operations are done.
    operations_left: Option<u64>,
    /// Of how many syncs one fails; 0 for none.
    sync_fails_in: u32,
}

struct SimFile {
    file: File,
    durable: Vec<u8>,
    /// What was written since the last sync, good or bad: after a bad one the system takes its pages
    /// for clean.
    dirty: Vec<Range<usize>>,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    /// A disk that holds what stands in `dir`, durably.
    pub(super) fn holding(dir: &Path, rng: ChaCha8Rng) -> Self {
        let mut state =
            State { rng, files: vec![], live: BTreeMap::new(), durable: BTreeMap::new(), operations_left: None, sync_fails_in: 0 };
        for path in files_in(dir) {
            let file = File::options().read(true).write(true).open(&path).unwrap();
            let durable = fs::read(&path).unwrap();
            state.live.insert(path, state.files.len());
            state.files.push(SimFile { file, durable, dirty: vec![] });
        }
        state.durable = state.live.clone();
        Self(Arc::new(Mutex::new(state)))
    }

    /// Does nothing any more after `operations`: the process is killed, or the power cut.
    pub(super) fn stop_after(&self, operations: u64) {
        self.0.lock().unwrap().operations_left = Some(operations);
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.0.lock().unwrap().operations_left == Some(0)
    }

    /// Another process uses the disk as the last one left it.
    pub(super) fn go_on(&self) {
        self.0.lock().unwrap().operations_left = None;
    }

    /// Lets one of so many syncs fail; 0 for none.
    pub(super) fn fail_syncs(&self, one_in: u32) {
        self.0.lock().unwrap().sync_fails_in = one_in;
    }

    /// Puts into `to` what is found of `from` after the power was cut now.
    pub(super) fn image_after_power_cut(&self, from: &Path, to: &Path) {
        let state = &mut *self.0.lock().unwrap();
        for dir in dirs_in(from) {
            fs::create_dir_all(to.join(dir.strip_prefix(from).unwrap())).unwrap();
        }
        let names: BTreeSet<_> = state.live.keys().chain(state.durable.keys()).collect();
        for name in names {
            let (live, durable) = (state.live.get(name), state.durable.get(name));
            let found = if state.rng.random() { live } else { durable };
            if let Some(&file) = found {
                let bytes = state.files[file].after_cut(&mut state.rng);
                fs::write(to.join(name.strip_prefix(from).unwrap()), bytes).unwrap();
            }
        }
    }

    /// Does `operation` unless the disk has stopped.
    fn running<T>(&self, operation: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let state = &mut *self.0.lock().unwrap();
        match &mut state.operations_left {
            Some(0) => return Err(io::Error::other("the disk has stopped")),
            Some(left) => *left -= 1,
            None => {}
        }
        operation(state)
    }
}

impl SimFile {
    fn live(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.file.metadata().unwrap().len()).unwrap()];
        self.file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    fn sync(&mut self) {
        let live = self.live();
        self.durable.resize(live.len(), 0);
        for range in self.dirty.drain(..) {
            let range = range.start.min(live.len())..range.end.min(live.len());
            self.durable[range.clone()].copy_from_slice(&live[range]);
        }
    }

    fn after_cut(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let live = self.live();
        let (short, long) = (live.len().min(self.durable.len()), live.len().max(self.durable.len()));
        let length = if short == long { long } else { rng.random_range(short..=long) };
        let mut found = Vec::with_capacity(length);
        for start in (0..length).step_by(SECTOR_BYTES) {
            let source = if rng.random() { &live } else { &self.durable };
            // Where it is shorter, blocks were given to the file that nothing was written to.
            found.extend((start..length.min(start + SECTOR_BYTES)).map(|at| source.get(at).copied().unwrap_or(0)));
        }
        found
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.running(|state| {
            // A file of its own even where one stood: the old one's bytes may come back with its name.
            let _ = fs::remove_file(path);
            let file = SystemDisk.create(path)?;
            state.live.insert(path.to_owned(), state.files.len());
            state.files.push(SimFile { file: file.try_clone()?, durable: vec![], dirty: vec![] });
            Ok(file)
        })
    }

    fn write(&self, path: &Path, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        self.running(|state| {
            SystemDisk.write(path, file, bytes, position)?;
            let start = usize::try_from(position).unwrap();
            state.files[state.live[path]].dirty.push(start..start + bytes.len());
            Ok(())
        })
    }

    fn set_len(&self, path: &Path, file: &File, len: u64) -> io::Result<()> {
        self.running(|_| SystemDisk.set_len(path, file, len))
    }

    fn sync(&self, path: &Path, _: &File) -> io::Result<()> {
        self.running(|state| {
            let file = state.live[path];
            if state.sync_fails_in > 0 && state.rng.random_range(0..state.sync_fails_in) == 0 {
                state.files[file].dirty.clear();
                return Err(io::Error::other("the disk is worn out"));
            }
            state.files[file].sync();
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.running(|state| {
            state.durable.retain(|path, _| path.parent() != Some(dir));
            let names = state.live.iter().filter(|(path, _)| path.parent() == Some(dir));
            state.durable.extend(names.map(|(path, &file)| (path.clone(), file)));
            Ok(())
        })
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        // Directories are durable at once: what matters is what stands in them.
        self.running(|_| SystemDisk.create_dir(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.running(|state| {
            SystemDisk.rename(from, to)?;
            let file = state.live.remove(from).unwrap();
            state.live.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.running(|state| {
            SystemDisk.remove(path)?;
            state.live.remove(path);
            Ok(())
        })
    }
}

fn dirs_in(dir: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    below.flat_map(|path| [vec![path.clone()], dirs_in(&path)].concat()).collect()
}

/// All files but the lock, which goes past the disk.
fn files_in(dir: &Path) -> Vec<PathBuf> {
    let dirs = [vec![dir.to_owned()], dirs_in(dir)].concat();
    let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()));
    entries.filter(|path| path.is_file() && !path.ends_with("lock")).collect()
}
