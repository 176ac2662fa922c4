//! What processes take of the CPU, as the kernel counts it. Linux only.

use std::{fs, io, path::Path, time::Duration};

/// A tick of the times in `/proc`: the kernel tells programs of hundredths, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// A process by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pid(pub u32);

impl Pid {
    /// The process `program` that has `argument` in its command line, or a part of it.
    ///
    /// # Errors
    /// When there is none, or several are.
    pub fn of(program: &str, argument: &str) -> io::Result<Self> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse() else { continue };
            // It may have ended meanwhile.
            let Ok(command) = fs::read_to_string(format!("/proc/{pid}/cmdline")) else { continue };
            let name = command.split('\0').next().map(Path::new).and_then(Path::file_name).unwrap_or_default();
            if name.to_string_lossy().starts_with(program) && command.contains(argument) {
                found.push(Self(pid));
            }
        }
        match found[..] {
            [one] => Ok(one),
            _ => Err(io::Error::other(format!("{} processes are {program} with {argument}", found.len()))),
        }
    }

    /// The CPU time of all its threads so far, in user and kernel mode.
    ///
    /// # Errors
    /// When it doesn't run.
    pub fn cpu(self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        ticks(&stat).map(|ticks| TICK * ticks).ok_or_else(|| io::Error::other(format!("no times in {stat}")))
    }
}

/// utime and stime of proc_pid_stat(5). The second field is the program's name in brackets, and may have any character.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "24788 (a (b) 7) R 24658 24658 18824 0 -1 4194304 114 0 0 0 31 11 900 900 20 0 1 0 2856288";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("1 (x) R 2"), None);
    }

    #[test]
    fn this_process_takes_time() {
        let me = Pid(std::process::id());
        let before = me.cpu().unwrap();
        while me.cpu().unwrap() == before {
            std::hint::black_box((0..10_000).sum::<u64>());
        }
    }
}
