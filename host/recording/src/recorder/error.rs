//! Why nothing can be recorded.

use std::{io, path::PathBuf};

use crate::{reading::RecordingError, writers::AppendError};

/// Why nothing can be recorded to a target. `Display` is one level; the cause is the `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecorderError {
    /// The target names no file.
    #[error("cannot record to `{target}`: it names no file, and a path such as `session.mitm` should be")]
    NoPath {
        /// What was given.
        target: String,
    },
    /// The target has a `%` that stands for no part of the time.
    #[error(
        "cannot record to `{target}`: its `%` stand for parts of the time, as in `%Y-%m-%d`; write `%%` for a plain one"
    )]
    Pattern {
        /// What was given.
        target: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// What is there is no HAR file, or not one to append to.
    #[error("cannot append to `{path}`")]
    Har {
        /// The recording.
        path: PathBuf,
        /// Why.
        source: AppendError,
    },
    /// The folder of the recording is missing, and cannot be made.
    #[error("cannot create folder `{folder}` for the recording")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The path is something that flows cannot be cut off from again.
    #[error("cannot record to `{path}`: it is {kind}, and a recording is a regular file")]
    NotAFile {
        /// The recording.
        path: PathBuf,
        /// What is there, with its article.
        kind: &'static str,
    },
    /// The file cannot be created, or may not be written.
    #[error("cannot open recording `{path}` for writing")]
    Open {
        /// The recording.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is something in the file, and nobody said that it may go.
    #[error(
        "recording `{path}` is there already, with {size} bytes: append to it (`-w +FILE`), replace it (`--force`), or take \
         another file"
    )]
    Exists {
        /// The recording.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// Another recorder writes to the file.
    #[error("recording `{path}` is being written already: stop the other recorder, or take another file")]
    Locked {
        /// The recording.
        path: PathBuf,
    },
    /// The file is read at the same time.
    #[error(
        "recording `{path}` is replayed, and cannot be recorded anew: append to it (`-w +FILE`), or take another file"
    )]
    InUse {
        /// The recording.
        path: PathBuf,
    },
    /// The file cannot be kept from other recorders.
    #[error("cannot lock recording `{path}`: take a file on a disk that has locks")]
    Lock {
        /// The recording.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file to append to is no flow file.
    #[error("cannot append to `{path}`: it holds no whole flow ({reason}); remove it, or take another file")]
    NotAFlowFile {
        /// The file.
        path: PathBuf,
        /// What is there instead of a flow.
        reason: String,
    },
    /// The file to append to cannot be read.
    #[error("cannot append to `{path}`")]
    Read {
        /// The recording.
        path: PathBuf,
        /// What is wrong.
        source: RecordingError,
    },
    /// What the file holds cannot be cut off.
    #[error("cannot cut recording `{path}` off at byte {offset}")]
    Cut {
        /// The recording.
        path: PathBuf,
        /// What was to be its new length.
        offset: u64,
        /// What the system says.
        source: io::Error,
    },
    /// There is no thread to write with.
    #[error("cannot start a thread for the recorder")]
    Thread {
        /// What the system says.
        source: io::Error,
    },
}
