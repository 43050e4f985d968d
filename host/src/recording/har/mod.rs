//! A HAR 1.2 file, plain or packed by gzip: JSON whose `log.entries` are the exchanges.
//!
//! The entries are read one after the other, so memory holds the bodies and one entry, never the whole file. What is
//! wrong in one entry leaves out that entry only.
//!
//! The modules, from the outside in: `document` finds the entries, `source` reads the file below it, `entry` makes an
//! exchange of one of them. That looks by `json` into what `pruned` left of it, has its bodies from `body` (with `form`
//! for those that are lists of parameters and `attached` for those in other files), and reads its texts with `url` and
//! `clock`.

use std::fs::File;
use std::path::Path;

use serde_json::value::RawValue;

use super::flow_file::{BrokenTail, Flows, Invalid, Progress};
use super::heads::Heads;
use super::{Format, RecordingError};

mod attached;
mod body;
mod clock;
mod document;
mod entry;
mod form;
mod json;
mod pruned;
mod source;
mod url;

use attached::Attached;
use document::Trouble;
use entry::Outcome;
pub(super) use source::Packing;
use source::{Position, Source};

/// Reads the entries of the file at `path`, opened as `file`.
pub(super) fn load(
    path: &Path,
    file: &File,
    packing: Packing,
    progress: &mut dyn FnMut(Progress),
) -> Result<Flows, RecordingError> {
    let mut source = Source::new(file, packing).map_err(|source| RecordingError::reading(path, 0, source))?;
    let position = source.position();
    let first = source.first_bytes().map_err(|error| refusal(path, &position, error.into()))?;
    match Format::of(first) {
        Format::Json => {}
        other => return Err(other.refusal(path, first)),
    }
    let mut loading = Loading {
        loaded: Flows::default(),
        heads: Heads::new(),
        attached: Attached::beside(path),
        entries: 0,
        whole_until: 0,
        position: source.position(),
        progress,
    };
    let outcome = document::read(source, &mut loading);
    loading.report();
    let Loading { mut loaded, entries, whole_until, position, .. } = loading;
    match outcome {
        Ok(()) => {}
        Err(Trouble::Broken(reason)) if entries > 0 => {
            let unread_bytes = position.file_size().saturating_sub(whole_until);
            loaded.broken_tail = Some(BrokenTail { offset: whole_until, unread_bytes, reason });
        }
        Err(trouble) => return Err(refusal(path, &position, trouble)),
    }
    Ok(loaded)
}

fn refusal(path: &Path, position: &Position, trouble: Trouble) -> RecordingError {
    let offset = position.offset();
    match trouble {
        Trouble::NotHar(found) => RecordingError::NotHar { path: path.into(), found },
        Trouble::Broken(reason) => RecordingError::NoWholeFlow { path: path.into(), offset, reason },
        Trouble::Io(source) => RecordingError::reading(path, offset, source),
    }
}

/// What was read so far.
struct Loading<'p> {
    loaded: Flows,
    heads: Heads,
    attached: Attached,
    /// The entries seen.
    entries: usize,
    /// Where the last entry ended.
    whole_until: u64,
    position: Position,
    progress: &'p mut dyn FnMut(Progress),
}

impl Loading<'_> {
    /// Starts a list of entries. A second one replaces the first: the last of two equal keys counts.
    fn begin(&mut self) {
        self.loaded = Flows::default();
        self.entries = 0;
        self.whole_until = self.position.offset();
    }

    /// Takes an entry that was just read.
    fn entry(&mut self, text: Box<RawValue>) {
        self.entries += 1;
        let number = self.entries;
        let offset = self.position.start_of(text.get().len());
        let parsed = json::Entry::parse(text.get());
        // The largest entry may be most of the file.
        drop(text);
        match parsed.and_then(|entry| entry::read(entry, number, &mut self.heads, &mut self.attached)) {
            Ok(Outcome::Exchange(exchange)) => self.loaded.exchanges.push(*exchange),
            Ok(Outcome::Other(reason)) => *self.loaded.skipped.others.entry(reason).or_default() += 1,
            Err(reason) => self.loaded.skipped.invalid.push(Invalid { number, offset, reason }),
        }
        self.whole_until = self.position.offset();
        if self.entries.is_multiple_of(ENTRIES_PER_PROGRESS) {
            self.report();
        }
    }

    /// Counts an entry that is not even text.
    fn no_text(&mut self) {
        self.entries += 1;
        self.whole_until = self.position.offset();
        let invalid = Invalid {
            number: self.entries,
            offset: self.whole_until,
            reason: "the entry that ends here is not in UTF-8".into(),
        };
        self.loaded.skipped.invalid.push(invalid);
    }

    fn report(&mut self) {
        let (read_bytes, total_bytes) = (self.position.read_bytes(), self.position.file_size());
        (self.progress)(Progress { read_bytes, total_bytes, flows: self.entries });
    }
}

const ENTRIES_PER_PROGRESS: usize = 64;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
