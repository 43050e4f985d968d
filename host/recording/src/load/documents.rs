//! A file that is a JSON document, plain or packed: a HAR file, a Web Page Replay archive or WireMock stubs.
//!
//! The items of a document are read one after the other, so memory holds the bodies and one item, never the whole file.
//! What is wrong in one item leaves out that item only.

use std::{fs::File, path::Path};

use serde_json::value::RawValue;

use super::walk::{self, Item, Trouble};
use crate::{
    document::{Outcome, Packing, Position, Source},
    har::{self, Attached},
    model::Exchange,
    reading::{
        self, BrokenTail, Flows, Format, Invalid, Progress, RecordingError, Signature,
        heads::{self, Heads},
    },
    wiremock::{Files, Stubs},
    wprgo,
};

/// Reads the document in the file at `path`, opened as `file`.
pub(super) fn load(
    path: &Path,
    file: &File,
    packing: Packing,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Format, Flows), RecordingError> {
    let source = Source::thinned(file, packing).map_err(|source| RecordingError::reading(path, 0, source))?;
    let mut loading = Loading::new(Attached::beside(path), Files::beside(path), progress);
    loading.total_bytes = source.position().file_size();
    loading.read(path, source)?;
    Ok(loading.finish())
}

/// What was read so far.
pub(super) struct Loading<'p> {
    loaded: Flows,
    /// That of the last document; a HAR file until one has shown what it is.
    format: Format,
    heads: Heads,
    pub(super) attached: Attached,
    stubs: Stubs,
    /// When the items of a document were recorded that do not say so themselves.
    pub(super) recorded_at: Option<f64>,
    /// The items seen, in all documents.
    pub(super) items: usize,
    /// The items of the documents before this one.
    pub(super) items_before: usize,
    /// The bytes of the documents before this one, if they are files of their own.
    read_before: u64,
    pub(super) total_bytes: u64,
    /// Where the last item ended.
    whole_until: u64,
    position: Position,
    /// The file that is read among others, to be named in messages.
    pub(super) among: Option<String>,
    progress: &'p mut dyn FnMut(Progress),
}

impl<'p> Loading<'p> {
    pub(super) fn new(attached: Attached, files: Files, progress: &'p mut dyn FnMut(Progress)) -> Self {
        Self {
            loaded: Flows::default(),
            format: Format::Har,
            heads: Heads::new(),
            attached,
            stubs: Stubs::new(files),
            recorded_at: None,
            items: 0,
            items_before: 0,
            read_before: 0,
            total_bytes: 0,
            whole_until: 0,
            position: Position::default(),
            among: None,
            progress,
        }
    }

    /// For the documents of a folder with WireMock stubs, which have `total_bytes` together.
    pub(super) fn of_stubs(files: Files, total_bytes: u64, progress: &'p mut dyn FnMut(Progress)) -> Self {
        Self { total_bytes, ..Self::new(Attached::nowhere(), files, progress) }
    }

    /// Reads a file that is one among others, and goes on where it cannot be read.
    pub(super) fn read_among(&mut self, name: &str, path: &Path) {
        self.among = Some(name.to_owned());
        let file = reading::open(path);
        let size = file.as_ref().map_or(0, |(_, size)| *size);
        let outcome = file.and_then(|(file, size)| {
            // No document is as short as that.
            if size == 0 {
                return Err(RecordingError::Empty { path: path.into() });
            }
            let source = Source::new(&file, Packing::Plain);
            self.read(path, source.map_err(|source| RecordingError::reading(path, 0, source))?)
        });
        let reason = match (outcome, self.loaded.broken_tail.take()) {
            (Err(error), _) => Some(oneline::chain(&error)),
            (Ok(()), Some(tail)) => Some(format!("in `{name}`: {tail}")),
            (Ok(()), None) => None,
        };
        if let Some(reason) = reason {
            self.items += 1;
            self.loaded.skipped.invalid.push(Invalid { number: self.items, offset: 0, reason });
        }
        self.read_before += size;
        self.position = Position::default();
    }

    /// Reads one document from its start; `path` is for messages.
    pub(super) fn read(&mut self, path: &Path, mut source: Source<'_>) -> Result<(), RecordingError> {
        self.position = source.position();
        self.items_before = self.items;
        self.whole_until = 0;
        let first = source.first_bytes().map_err(|error| self.refusal(path, error.into()))?;
        match Signature::of(first) {
            Signature::Json => {}
            other @ (Signature::FlowFile
            | Signature::Gzip
            | Signature::Zlib
            | Signature::Zip
            | Signature::Utf16
            | Signature::Unknown) => {
                return Err(other.refusal(path, first));
            }
        }
        let kept = self.loaded.exchanges.len();
        let outcome = walk::read(source, self);
        let recorded_at = self.recorded_at.take();
        for exchange in self.loaded.exchanges.iter_mut().skip(kept) {
            date(exchange, recorded_at);
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(Trouble::Broken(reason)) if self.items > self.items_before => {
                let unread_bytes = self.position.file_size().saturating_sub(self.whole_until);
                self.loaded.broken_tail = Some(BrokenTail { offset: self.whole_until, unread_bytes, reason });
                Ok(())
            }
            Err(trouble) => Err(self.refusal(path, trouble)),
        }
    }

    fn refusal(&self, path: &Path, trouble: Trouble) -> RecordingError {
        let offset = self.position.offset();
        match trouble {
            Trouble::OtherJson(found) => RecordingError::OtherJson { path: path.into(), found },
            Trouble::Broken(reason) => RecordingError::NoWholeFlow { path: path.into(), offset, reason },
            Trouble::Io(source) => RecordingError::reading(path, offset, source),
        }
    }

    /// Everything that was read, at the end.
    pub(super) fn finish(mut self) -> (Format, Flows) {
        self.report();
        self.loaded.exchanges.extend(self.stubs.finish());
        (self.format, self.loaded)
    }

    /// Starts the items of a document. When they start again, those before are replaced: the last of two equal keys counts.
    pub(super) fn begin(&mut self, format: Format) {
        self.format = format;
        if self.items > self.items_before {
            self.loaded.exchanges.retain(|exchange| exchange.number <= self.items_before);
            self.loaded.skipped.invalid.retain(|invalid| invalid.number <= self.items_before);
            self.stubs.forget_after(self.items_before);
            if self.items_before == 0 {
                self.loaded.skipped.others.clear();
            }
        }
        self.items = self.items_before;
        self.whole_until = self.position.offset();
    }

    /// Takes an item that was just read.
    pub(super) fn item(&mut self, item: &Item, text: Box<RawValue>) {
        self.items += 1;
        let number = self.items;
        let offset = self.position.start_of(text.get().len());
        let outcome = match item {
            Item::Entry => har::read(text, number, &mut self.heads, &mut self.attached, self.position.strings()),
            Item::Archived { url } => wprgo::read(&text, url, number, &mut self.heads),
            Item::Stub => self.stubs.read(&text, number, &mut self.heads),
        };
        match outcome {
            Ok(Outcome::Exchange(exchange)) => self.loaded.exchanges.push(*exchange),
            Ok(Outcome::Later) => {}
            Ok(Outcome::Other(reason)) => *self.loaded.skipped.others.entry(reason).or_default() += 1,
            Err(reason) => self.invalid(offset, reason),
        }
        self.whole_until = self.position.offset();
        self.position.forget_strings();
        if self.items.is_multiple_of(ITEMS_PER_PROGRESS) {
            self.report();
        }
    }

    /// Counts an item that is not even text.
    pub(super) fn no_text(&mut self) {
        self.items += 1;
        self.whole_until = self.position.offset();
        self.invalid(self.whole_until, "the entry that ends here is not in UTF-8".into());
    }

    fn invalid(&mut self, offset: u64, reason: String) {
        let reason: String = oneline::spaced(&reason).take(REASON_LIMIT).collect();
        let reason = match &self.among {
            Some(name) => format!("in `{name}`: {reason}"),
            None => reason,
        };
        self.loaded.skipped.invalid.push(Invalid { number: self.items, offset, reason });
    }

    fn report(&mut self) {
        let read_bytes = (self.read_before + self.position.read_bytes()).min(self.total_bytes);
        (self.progress)(Progress { read_bytes, total_bytes: self.total_bytes, flows: self.items });
    }
}

/// Dates an exchange that has no time of its own.
fn date(exchange: &mut Exchange, recorded_at: Option<f64>) {
    let Some(at) = recorded_at.and_then(heads::time).filter(|_| exchange.request.started_at == 0.0) else { return };
    exchange.flow.request.started_at = at;
    if let Some(response) = &mut exchange.flow.response {
        response.started_at = at;
    }
}

/// How long a message about an item may be, which repeats what is in it.
const REASON_LIMIT: usize = 500;
const ITEMS_PER_PROGRESS: usize = 64;
