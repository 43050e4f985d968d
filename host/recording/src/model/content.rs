//! Where the bytes of a body or of a message are.

use std::{fs::File, sync::Arc};

use bytes::Bytes;

use crate::json_string::JsonString;

/// A recorded content. Copies share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The recorder let the bytes pass without storing them, or never received all of them. This is not an empty body.
    NotRecorded,
    /// They are in the file of the recording.
    Stored(Span),
    /// They are in the file of the recording, as a string of JSON.
    Quoted(Arc<JsonString>),
    /// They are in memory, because the file has them in another form.
    Held(Bytes),
}

impl Content {
    /// The length in bytes, if it was recorded.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::NotRecorded => None,
            Self::Stored(span) => Some(span.len),
            Self::Quoted(string) => Some(string.size()),
            Self::Held(bytes) => Some(bytes.len() as u64),
        }
    }

    /// The same content for a writer; `file` is the one of the recording.
    pub fn into_source(self, file: &Arc<File>) -> Source {
        match self {
            Self::NotRecorded => Source::NotRecorded,
            Self::Stored(Span { offset, len }) => Source::File { file: file.clone(), offset, len },
            Self::Quoted(string) => Source::Quoted { file: file.clone(), string },
            Self::Held(bytes) => Source::Bytes(bytes),
        }
    }
}

/// Where a content lies in the file of its recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    offset: u64,
    len: u64,
}

impl Span {
    pub(crate) fn new(offset: u64, len: u64) -> Self {
        Self { offset, len }
    }

    /// The length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty body needs no other treatment")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Where in the file it starts.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// Where a writer takes a content from.
#[derive(Clone, Debug)]
pub enum Source {
    /// There is none: the bytes passed without being stored, or broke off. This is not an empty body.
    NotRecorded,
    /// They are in memory.
    Bytes(Bytes),
    /// They are in a file.
    File {
        /// The file.
        file: Arc<File>,
        /// Where they start in it.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// They are in a file, as a string of JSON.
    Quoted {
        /// The file.
        file: Arc<File>,
        /// Where they are in it.
        string: Arc<JsonString>,
    },
}

impl Source {
    /// The length in bytes, if there are some to be written.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::NotRecorded => None,
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::File { len, .. } => Some(*len),
            Self::Quoted { string, .. } => Some(string.size()),
        }
    }
}
