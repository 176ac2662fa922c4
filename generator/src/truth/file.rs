//! A truth as a file: JSON lines. The first is the account, each other one a tally.
//!
//! ```text
//! {"icarus_truth":1,"by":["","route"],"values":false,"account":{"app":"shop","acknowledged":812,"fates":{"rolled_up":9120, ...}}}
//! {"minute":29394001,"metric":"LCP","unit":"ms","by":"route","values":["/checkout"],"samples":12,"count":12,"sum":18233400}
//! ```

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use schemas::cuboid::Cuboid;
use serde::{Deserialize, Serialize};

use super::{Account, Row, Truth, TruthOptions};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    icarus_truth: u32,
    by: Vec<Cuboid>,
    values: bool,
    account: Account,
}

/// Why a truth can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TruthFileError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("line {line} is no line of a truth: {source}")]
    Malformed { line: usize, source: serde_json::Error },
    #[error("line {line} counts by `{by}`, which the first line doesn't name")]
    NotCountedBy { line: usize, by: Cuboid },
    #[error("the file is empty")]
    Empty,
    #[error("the truth has version {0}, this program reads version {VERSION}")]
    Version(u32),
}

impl Truth {
    /// Writes it to the file at `path`; the same truth becomes the same bytes.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save(&self, path: &Path) -> Result<(), TruthFileError> {
        let mut file = BufWriter::new(File::create(path)?);
        let account = self.account.clone();
        let head = Head { icarus_truth: VERSION, by: self.cuboids.clone(), values: self.keeps_values, account };
        write_line(&mut file, &head)?;
        for row in self.rows() {
            write_line(&mut file, &row)?;
        }
        Ok(file.flush()?)
    }

    /// The truth in the file at `path`.
    ///
    /// # Errors
    /// When the file can't be read or is no truth.
    pub fn load(path: &Path) -> Result<Self, TruthFileError> {
        let mut lines = BufReader::new(File::open(path)?).lines().zip(1..);
        let (first, line) = lines.next().ok_or(TruthFileError::Empty)?;
        let head: Head = parse(&first?, line)?;
        if head.icarus_truth != VERSION {
            return Err(TruthFileError::Version(head.icarus_truth));
        }
        let options = TruthOptions { by: head.by, values: head.values };
        let mut truth = Self::new(head.account.app.clone(), &options);
        truth.account = head.account;
        for (text, line) in lines {
            let row: Row = parse(&text?, line)?;
            if !truth.insert(&row) {
                return Err(TruthFileError::NotCountedBy { line, by: row.by });
            }
        }
        Ok(truth)
    }
}

fn write_line(file: &mut impl Write, value: &impl Serialize) -> Result<(), TruthFileError> {
    serde_json::to_writer(&mut *file, value).map_err(io::Error::from)?;
    Ok(file.write_all(b"\n")?)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, line: usize) -> Result<T, TruthFileError> {
    serde_json::from_str(text).map_err(|source| TruthFileError::Malformed { line, source })
}
