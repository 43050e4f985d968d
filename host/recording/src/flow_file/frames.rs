//! The flows of a flow file as pieces of it, to be copied byte for byte.
//!
//! A copied flow keeps what nobody here understands: keys of newer versions, other protocols, and damage within a flow.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    details::Details,
    next_flow,
    tnetstring::{Frame, Reader, Trouble},
};
use crate::reading::{self, BrokenTail, RecordingError, Signature, Window};

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
    /// Opens the file at `path`; nothing if it has another readable format, which only reading it tells.
    pub fn open(path: &Path) -> Result<Option<Self>, RecordingError> {
        if path.is_dir() {
            return Ok(None);
        }
        let (file, size) = reading::open(path)?;
        if size == 0 {
            return Ok(Some(Self::new(path, file, size)));
        }
        let (signature, first) = Signature::read(path, &mut Window::new(&file, size))?;
        match signature {
            Signature::FlowFile => Ok(Some(Self::new(path, file, size))),
            Signature::Json | Signature::Gzip | Signature::Zlib | Signature::Zip => Ok(None),
            Signature::Utf16 | Signature::Unknown => Err(signature.refusal(path, &first)),
        }
    }

    /// The first `size` bytes of a file that is known to be one.
    pub(crate) fn new(path: &Path, file: File, size: u64) -> Self {
        Self { path: path.into(), file, size }
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
