//! Opening files.

use std::{
    fs::{self, File},
    os::unix::fs::FileTypeExt,
    path::Path,
};

use super::RecordingError;

/// Opens a regular file, and nothing else: opening a FIFO waits for a writer, and a device may never end.
pub(crate) fn open(path: &Path) -> Result<(File, u64), RecordingError> {
    let cannot_open = |source| RecordingError::Open { path: path.into(), source };
    let kind = fs::metadata(path).map_err(cannot_open)?.file_type();
    if !kind.is_file() {
        return Err(RecordingError::NotAFile { path: path.into(), kind: name_of(kind) });
    }
    let file = File::open(path).map_err(cannot_open)?;
    let size = file.metadata().map_err(cannot_open)?.len();
    if size == 0 {
        return Err(RecordingError::Empty { path: path.into() });
    }
    Ok((file, size))
}

/// What is there instead of a regular file, with its article.
pub(crate) fn name_of(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}
