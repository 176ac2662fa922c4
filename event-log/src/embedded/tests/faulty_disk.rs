//! A disk whose operations fail when they are told to, and can be held up.

use std::{
    fmt,
    fs::File,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use super::super::disk::{Disk, SystemDisk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Create,
    Write,
    SetLen,
    Sync,
    SyncDir,
    Rename,
    Remove,
}

/// How long an operation may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

type Rule = Box<dyn FnMut(Op, &Path) -> io::Result<()> + Send>;

/// The system's disk, behind a rule that is asked before each operation.
#[derive(Default)]
pub(super) struct FaultyDisk(Mutex<Option<Rule>>);

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyDisk")
    }
}

/// Holds operations up: each announces itself and waits.
#[derive(Debug)]
pub(super) struct Gate {
    announced: Receiver<()>,
    release: Sender<()>,
    seen: Arc<Mutex<Vec<Op>>>,
}

impl Gate {
    /// Waits until an operation stands before the gate.
    pub(super) fn reached(&self) {
        self.announced.recv_timeout(PATIENCE).unwrap();
    }

    /// Lets one operation pass.
    pub(super) fn pass(&self) {
        self.release.send(()).unwrap();
    }

    /// All operations since the gate was put up.
    pub(super) fn seen(&self) -> Vec<Op> {
        self.seen.lock().unwrap().clone()
    }
}

impl FaultyDisk {
    /// From now on operations fail as `rule` says.
    pub(super) fn rule(&self, rule: impl FnMut(Op, &Path) -> io::Result<()> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(rule));
    }

    /// From now on all operations of that kind fail in that way.
    pub(super) fn fail(&self, failing: Op, kind: io::ErrorKind) {
        self.rule(move |op, _| if op == failing { Err(kind.into()) } else { Ok(()) });
    }

    /// From now on nothing fails.
    pub(super) fn heal(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// From now on operations of that kind wait at the gate, until it is dropped.
    pub(super) fn gate(&self, held: Op) -> Gate {
        let ((announce, announced), (release, released)) = (channel(), channel());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&seen);
        self.rule(move |op, _| {
            sees.lock().unwrap().push(op);
            if op == held && announce.send(()).is_ok() {
                // An error means that the gate is gone.
                let _ = released.recv();
            }
            Ok(())
        });
        Gate { announced, release, seen }
    }

    fn ask(&self, op: Op, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().as_mut().map_or(Ok(()), |rule| rule(op, path))
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.ask(Op::Create, path)?;
        SystemDisk.create(path)
    }

    fn write(&self, path: &Path, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        if let Err(error) = self.ask(Op::Write, path) {
            // As a full disk does it: a part is written.
            SystemDisk.write(path, file, &bytes[..bytes.len() / 2], position)?;
            return Err(error);
        }
        SystemDisk.write(path, file, bytes, position)
    }

    fn set_len(&self, path: &Path, file: &File, len: u64) -> io::Result<()> {
        self.ask(Op::SetLen, path)?;
        SystemDisk.set_len(path, file, len)
    }

    fn sync(&self, path: &Path, file: &File) -> io::Result<()> {
        self.ask(Op::Sync, path)?;
        SystemDisk.sync(path, file)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.ask(Op::SyncDir, dir)?;
        SystemDisk.sync_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.ask(Op::Rename, from)?;
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.ask(Op::Remove, path)?;
        SystemDisk.remove(path)
    }
}
