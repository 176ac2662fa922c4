//! Intents: what is about to be written, named in the log's commit before anything is sent.
//!
//! A store that can't keep offsets beside its rows knows a batch again by its range of the log. So that
//! whoever takes the partition over sends the very same ranges, a range is committed as the note of
//! the position before it: offset `c` with the note `i1:c-e` says that everything before `c` is in the
//! store, and that of `[c, e)` some, all or nothing may be. The next owner folds exactly `[c, e)` and
//! sends it again; what landed is recognised, what didn't is added.

use event_log::{Committed, Offset};

/// What a note begins with; the number is that of its form.
const FORM: &str = "i1:";

/// A position with a note that names no range of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the committed note `{note}` at offset {offset} is no intent of this version: finish what was begun with the version that wrote it"
)]
pub struct IntentError {
    note: String,
    offset: Offset,
}

/// The position before `[start, end)`, with the intent to write that range.
pub(super) fn before(start: Offset, end: Offset) -> Committed {
    Committed { offset: start, metadata: format!("{FORM}{start}-{end}") }
}

/// The position after everything that was written.
pub(super) fn after(written: Offset) -> Committed {
    Committed { offset: written, metadata: String::new() }
}

/// Where the range ends that may have been written in part, if there is one.
///
/// # Errors
/// When the note is none of ours.
pub(super) fn end_of(committed: &Committed) -> Result<Option<Offset>, IntentError> {
    if committed.metadata.is_empty() {
        return Ok(None);
    }
    let range = committed.metadata.strip_prefix(FORM).and_then(|range| range.split_once('-'));
    match range.map(|(start, end)| (start.parse(), end.parse())) {
        Some((Ok(start), Ok(end))) if Offset(start) == committed.offset && end > start => Ok(Some(Offset(end))),
        _ => Err(IntentError { note: committed.metadata.clone(), offset: committed.offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_read_back_and_anything_else_is_refused() {
        assert_eq!(end_of(&before(Offset(7), Offset(19))), Ok(Some(Offset(19))));
        assert_eq!(end_of(&after(Offset(7))), Ok(None));
        for note in ["i1:8-19", "i1:7-7", "i1:7", "i2:7-19", "i1:7-x", "hello"] {
            assert!(end_of(&Committed { offset: Offset(7), metadata: note.into() }).is_err(), "{note}");
        }
    }
}
