//! Why a recording cannot be opened or read.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a recording cannot be opened, or a body not be read from it. `Display` is one level; the cause is the `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file is missing, or may not be read.
    #[error("cannot open recording `{path}`")]
    Open {
        /// Where the recording should be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The path is something that cannot be read at positions.
    #[error("cannot open recording `{path}`: it is {kind}, and a recording is a regular file")]
    NotAFile {
        /// Where the recording should be.
        path: PathBuf,
        /// What is there, with its article.
        kind: &'static str,
    },
    /// The file has no bytes.
    #[error("recording `{path}` is empty: nothing was recorded, or the recorder was stopped before its first flow")]
    Empty {
        /// The recording.
        path: PathBuf,
    },
    /// The file is JSON of none of the kinds that recordings have.
    #[error("recording `{path}` is JSON, but no HAR file, no Web Page Replay archive and no WireMock stubs: {found}")]
    OtherJson {
        /// The recording.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// The file is text in another encoding than JSON has.
    #[error(
        "recording `{path}` is text in UTF-16, and JSON is read in UTF-8 only: convert it, such as with `iconv -f UTF-16 -t \
         UTF-8`"
    )]
    Utf16 {
        /// The recording.
        path: PathBuf,
    },
    /// The file is an archive that no HAR file can be read from.
    #[error("recording `{path}` is a zip archive, {reason}")]
    Zip {
        /// The recording.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file is of no known format.
    #[error(
        "recording `{path}` is of no known format: it starts with `{found}`, and not with a length such as `1852:` as \
         mitmproxy's flow files do, or with `{{` as HAR files, Web Page Replay archives and WireMock stubs do"
    )]
    UnknownFormat {
        /// The recording.
        path: PathBuf,
        /// Its first bytes, escaped.
        found: String,
    },
    /// The damage is in the first flow, so nothing is left to use.
    #[error("recording `{path}` holds no whole flow: at byte {offset}, {reason}")]
    NoWholeFlow {
        /// The recording.
        path: PathBuf,
        /// Where the damage is.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A flow was written by a program older than the format.
    #[error(
        "flow {number} of recording `{path}` (byte {offset}) has format version {version}, supported are 0.11 to 21: record \
         the conversation again"
    )]
    VersionTooOld {
        /// The recording.
        path: PathBuf,
        /// The flow's position in the file, from 1.
        number: usize,
        /// Where the flow starts.
        offset: u64,
        /// The version found.
        version: String,
    },
    /// A flow was written by a program newer than this one.
    #[error(
        "flow {number} of recording `{path}` (byte {offset}) has format version {version}, supported are 0.11 to 21: record \
         the conversation with mitmproxy 12, which writes version 21"
    )]
    VersionTooNew {
        /// The recording.
        path: PathBuf,
        /// The flow's position in the file, from 1.
        number: usize,
        /// Where the flow starts.
        offset: u64,
        /// The version found.
        version: String,
    },
    /// The system failed to read.
    #[error("cannot read recording `{path}` at byte {offset}")]
    Read {
        /// The recording.
        path: PathBuf,
        /// Where the read began.
        offset: u64,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not the one that was loaded any more.
    #[error("recording `{path}` changed since it was loaded: {reason} at byte {offset}; load it again")]
    Changed {
        /// The recording.
        path: PathBuf,
        /// Where the difference is.
        offset: u64,
        /// The difference.
        reason: &'static str,
    },
    /// The recorder did not store this body.
    #[error("recording `{path}` does not hold this body: the recorder let it pass without storing it")]
    NotRecorded {
        /// The recording.
        path: PathBuf,
    },
}

impl RecordingError {
    /// A failed read at `offset`. The size was checked when the file was loaded, so an early end means that it shrank.
    pub(crate) fn reading(path: &Path, offset: u64, source: io::Error) -> Self {
        let path = path.into();
        if source.kind() == io::ErrorKind::UnexpectedEof {
            let reason = "it is shorter now, and ends before the bytes";
            return Self::Changed { path, offset, reason };
        }
        Self::Read { path, offset, source }
    }
}

impl RecordingError {
    /// Whether what is there is something else than a recording, rather than one that cannot be read.
    pub fn is_of_something_else(&self) -> bool {
        matches!(
            self,
            Self::NotAFile { .. }
                | Self::Empty { .. }
                | Self::OtherJson { .. }
                | Self::Utf16 { .. }
                | Self::UnknownFormat { .. }
        )
    }
}
