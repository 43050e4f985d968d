//! The flows of a flow file as pieces of it, to be copied byte for byte.
//!
//! A copied flow keeps what nobody here understands: keys of newer versions, other protocols, and damage within a flow.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::details::Details;
use super::flow_file::{BrokenTail, next_flow};
use super::tnetstring::{Frame, Reader, Trouble};
use super::window::Window;
use super::{Format, Recording, RecordingError, first_bytes, open_file};

/// An opened flow file.
#[derive(Debug)]
pub struct FlowFile {
    path: PathBuf,
    file: File,
    size: u64,
}

/// A whole flow in its file.
#[derive(Clone, Copy, Debug)]
pub struct FlowFrame {
    /// The position of the flow in its file, from 1, which is also the number of its exchange.
    pub number: usize,
    /// The first byte of the flow.
    pub offset: u64,
    /// The length of the flow with its frame.
    pub len: u64,
    frame: Frame,
}

/// The flows of a file from the first to the last whole one.
pub struct FlowFrames<'f> {
    path: &'f Path,
    reader: Reader<'f>,
    at: u64,
    flows: usize,
    broken_tail: Option<BrokenTail>,
}

impl FlowFile {
    /// Opens the file at `path`; nothing if it has another readable format.
    pub fn open(path: &Path) -> Result<Option<Self>, RecordingError> {
        let (file, size) = open_file(path)?;
        Self::of(path, file, size)
    }

    fn of(path: &Path, file: File, size: u64) -> Result<Option<Self>, RecordingError> {
        let first = first_bytes(path, &mut Window::new(&file, size), size)?;
        match Format::of(&first) {
            Format::FlowFile => Ok(Some(Self { path: path.into(), file, size })),
            Format::Json | Format::Gzip => Ok(None),
            other => Err(other.refusal(path, &first)),
        }
    }

    /// How many bytes it had when it was opened. What is written behind them later is not seen.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its flows.
    pub fn frames(&self) -> FlowFrames<'_> {
        let reader = Reader::new(Window::new(&self.file, self.size));
        FlowFrames { path: &self.path, reader, at: 0, flows: 0, broken_tail: None }
    }

    /// Writes `len` of its bytes to `out`, from `offset` on.
    ///
    /// # Errors
    /// When `out` does not take them, or when they can no longer be read, which is told apart by the inner result.
    pub fn copy(&self, offset: u64, len: u64, out: &mut impl Write) -> io::Result<Result<(), RecordingError>> {
        let mut buffer = vec![0; len.min(COPY_BYTES) as usize];
        let mut copied = 0;
        while copied < len {
            let piece = (len - copied).min(COPY_BYTES) as usize;
            let Some(buffer) = buffer.get_mut(..piece) else { break };
            let at = offset + copied;
            if let Err(source) = self.file.read_exact_at(buffer, at) {
                return Ok(Err(RecordingError::reading(&self.path, at, source)));
            }
            out.write_all(buffer)?;
            copied += piece as u64;
        }
        Ok(Ok(()))
    }
}

impl Recording {
    /// The file of this recording as it is now, if it is a flow file. It is the one that was opened, whatever lies at its
    /// path by now.
    pub fn flow_file(&self) -> Result<Option<FlowFile>, RecordingError> {
        let reading = |source| RecordingError::reading(&self.path, 0, source);
        let file = self.file.try_clone().map_err(reading)?;
        let size = file.metadata().map_err(reading)?.len();
        FlowFile::of(&self.path, file, size)
    }

    /// Its file, for those who read bodies from there.
    pub fn file(&self) -> Result<Arc<File>, RecordingError> {
        let file = self.file.try_clone().map_err(|source| RecordingError::reading(&self.path, 0, source))?;
        Ok(Arc::new(file))
    }
}

impl FlowFrames<'_> {
    /// The next flow; nothing after the last whole one.
    pub fn advance(&mut self) -> Result<Option<FlowFrame>, RecordingError> {
        let size = self.reader.size();
        if self.at >= size || self.broken_tail.is_some() {
            return Ok(None);
        }
        let offset = self.at;
        match next_flow(&mut self.reader, offset) {
            Ok(frame) => {
                self.flows += 1;
                self.at = frame.next();
                Ok(Some(FlowFrame { number: self.flows, offset, len: self.at - offset, frame }))
            }
            Err(Trouble::Io { offset, source }) => Err(RecordingError::reading(self.path, offset, source)),
            Err(Trouble::Flaw(flaw)) => {
                self.broken_tail = Some(BrokenTail { offset, unread_bytes: size - offset, reason: flaw.what });
                Ok(None)
            }
        }
    }

    /// The damage after the last whole flow, if there is any and it was come to.
    pub fn broken_tail(&self) -> Option<&BrokenTail> {
        self.broken_tail.as_ref()
    }

    /// What a flow says about itself; nothing if it is damaged.
    pub fn details(&mut self, flow: &FlowFrame) -> Result<Option<Details>, RecordingError> {
        match Details::read(&mut self.reader, flow.frame) {
            Ok(details) => Ok(Some(details)),
            Err(Trouble::Flaw(_)) => Ok(None),
            Err(Trouble::Io { offset, source }) => Err(RecordingError::reading(self.path, offset, source)),
        }
    }
}

/// How much is copied at once.
const COPY_BYTES: u64 = 256 * 1024;

#[cfg(test)]
mod tests;
