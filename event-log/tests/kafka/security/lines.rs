//! What is logged while the tests run, searched for what must not stand there.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

/// The lines, from any thread and any test, that have one of the words.
static KEPT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Listens from now on to everything that is logged, and keeps the lines with one of `words`.
pub(super) fn listen(words: &'static [&'static str]) {
    let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(Keeper(words)).finish();
    tracing::subscriber::set_global_default(all).unwrap();
}

/// The lines with `word`, which is one of those that are listened for.
pub(super) fn with(word: &str) -> Vec<String> {
    kept().iter().filter(|line| line.contains(word)).cloned().collect()
}

fn kept() -> MutexGuard<'static, Vec<String>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Clone, Copy)]
struct Keeper(&'static [&'static str]);

impl io::Write for Keeper {
    /// A subscriber writes each line at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if self.0.iter().any(|word| text.contains(word)) {
            kept().push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Keeper {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}
