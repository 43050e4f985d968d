//! A recording that is open.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;

use crate::{
    flow_file::FlowFile,
    in_use::InUse,
    json_string::{JsonString, Unreadable},
    load::{Loaded, load},
    model::{Content, Exchange, Span},
    piece::read_exact_at,
    reading::{BrokenTail, Format, Progress, RecordingError, Skipped},
};

/// An opened recording: the heads of its exchanges, and its file for their bodies.
#[derive(Debug)]
pub struct Recording {
    _in_use: Option<InUse>,
    format: Format,
    path: PathBuf,
    file: File,
    loaded: Option<Written>,
    exchanges: Vec<Exchange>,
    skipped: Skipped,
    warning: Option<BrokenTail>,
}

impl Recording {
    /// Opens the recording at `path` and reads its heads. The content decides on the format, not the name. A folder is one
    /// of WireMock's, with stubs in `mappings`.
    ///
    /// `progress` is called now and then, and once at the end. A file whose end is damaged opens with the whole flows before
    /// the damage, see [`Recording::warning`]; a single unreadable flow is left out, see [`Recording::skipped`]. Opening
    /// blocks on the file, so asynchronous callers run it on a thread of its own.
    pub fn open(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Self, RecordingError> {
        let Loaded { file, format, flows } = load(path, progress)?;
        Ok(Self {
            _in_use: InUse::new(&file),
            format,
            path: path.into(),
            loaded: Written::last(&file),
            file,
            exchanges: flows.exchanges,
            skipped: flows.skipped,
            warning: flows.broken_tail,
        })
    }

    /// What it is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The HTTP exchanges in the order of the file.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// What the file holds besides its exchanges: counts, and the flows that cannot be used with the reason.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// The damage that ended the reading before the end of the file, if there was any.
    pub fn warning(&self) -> Option<&BrokenTail> {
        self.warning.as_ref()
    }

    /// The path it was opened at.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of this recording as it is now, if it is a flow file. It is the one that was opened, whatever lies at its
    /// path by now.
    pub fn flow_file(&self) -> Result<Option<FlowFile>, RecordingError> {
        match self.format {
            Format::FlowFile => {}
            Format::Har | Format::WebPageReplay | Format::WireMock => return Ok(None),
        }
        let reading = |source| RecordingError::reading(&self.path, 0, source);
        let file = self.file.try_clone().map_err(reading)?;
        let size = file.metadata().map_err(reading)?.len();
        Ok(Some(FlowFile::new(&self.path, file, size)))
    }

    /// Its file, for those who read bodies from there.
    pub fn file(&self) -> Result<Arc<File>, RecordingError> {
        let file = self.file.try_clone().map_err(|source| RecordingError::reading(&self.path, 0, source))?;
        Ok(Arc::new(file))
    }

    /// Reads a whole body. Blocks on the file, if the body is there.
    ///
    /// The frame around the body is checked again, and whether the file was written to without having grown; of one in a HAR
    /// file, the checksum. If it was cut or overwritten since it was loaded, the answer is [`RecordingError::Changed`] and
    /// never someone else's bytes.
    pub fn read(&self, content: &Content) -> Result<Bytes, RecordingError> {
        match content {
            Content::NotRecorded => Err(self.not_recorded()),
            Content::Stored(span) => self.piece(*span, 0, span.len()),
            Content::Quoted(string) => self.quoted(string, 0, string.size()),
            Content::Held(bytes) => Ok(bytes.clone()),
        }
    }

    /// Reads at most `max_len` bytes of a body from `offset` on; nothing at and after its end. Blocks on the file, if the
    /// body is there.
    ///
    /// The frame around the body is checked with its first and its last piece.
    pub fn read_at(&self, content: &Content, offset: u64, max_len: usize) -> Result<Bytes, RecordingError> {
        let size = content.size().ok_or_else(|| self.not_recorded())?;
        if offset > 0 && offset >= size {
            return Ok(Bytes::new());
        }
        let len = (size - offset).min(max_len as u64);
        match content {
            Content::NotRecorded => Err(self.not_recorded()),
            Content::Stored(span) => self.piece(*span, offset, len),
            Content::Quoted(string) => self.quoted(string, offset, len),
            Content::Held(bytes) => Ok(bytes.slice(offset as usize..(offset + len) as usize)),
        }
    }

    fn not_recorded(&self) -> RecordingError {
        RecordingError::NotRecorded { path: self.path.clone() }
    }

    /// Reads `len` bytes from `offset` on, with the length before the first byte and the type after the last one.
    fn piece(&self, span: Span, offset: u64, len: u64) -> Result<Bytes, RecordingError> {
        let before = match offset {
            0 => format!("{}:", span.len()),
            _ => String::new(),
        };
        let is_last = offset + len == span.len();
        let start = span.offset() + offset - before.len() as u64;
        let payload = before.len()..before.len() + len as usize;
        let bytes = read_exact_at(&self.file, start, payload.end + usize::from(is_last))
            .map_err(|source| RecordingError::reading(&self.path, start, source))?;
        if !bytes.starts_with(before.as_bytes()) {
            return Err(self.changed(start, "the length before the body is another one"));
        }
        if is_last && !matches!(bytes.last(), Some(b',' | b';')) {
            return Err(self.changed(span.offset() + span.len(), "the mark after the body is another one"));
        }
        if self.is_overwritten() {
            return Err(self.changed(start, "the file was written to since it was loaded, and has the same length"));
        }
        Ok(Bytes::from(bytes).slice(payload))
    }

    /// Reads `len` bytes of a string from `offset` on.
    fn quoted(&self, string: &JsonString, offset: u64, len: u64) -> Result<Bytes, RecordingError> {
        string.read_at(&self.file, offset, len).map_err(|unreadable| match unreadable {
            Unreadable::Failed(at, source) => RecordingError::reading(&self.path, at, source),
            Unreadable::Changed(at) => self.changed(at, "a body has other text"),
        })
    }

    /// Whether other bytes may stand where it was read. A file that has grown was appended to, which changes nothing before
    /// that, and what a cut one has lost is noticed when it is read.
    fn is_overwritten(&self) -> bool {
        let now = Written::last(&self.file);
        now.zip(self.loaded).is_some_and(|(now, loaded)| now.len == loaded.len && now.at != loaded.at)
    }

    fn changed(&self, offset: u64, reason: &'static str) -> RecordingError {
        let path = self.path.clone();
        RecordingError::Changed { path, offset, reason }
    }
}

/// When a file was written to last, and how long it was then.
#[derive(Clone, Copy, Debug)]
struct Written {
    len: u64,
    at: SystemTime,
}

impl Written {
    fn last(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { len: metadata.len(), at: metadata.modified().ok()? })
    }
}

#[cfg(test)]
mod opening;
#[cfg(test)]
mod tests;
