//! Opening files.

use std::{
    fs::{self, File},
    path::Path,
};

use regular_file::name_of;

use super::RecordingError;

/// Opens a regular file, and nothing else: opening a FIFO waits for a writer, and a device may never end.
pub(crate) fn open(path: &Path) -> Result<(File, u64), RecordingError> {
    let cannot_open = |source| RecordingError::Open { path: path.into(), source };
    let kind = fs::metadata(path).map_err(cannot_open)?.file_type();
    if !kind.is_file() {
        return Err(RecordingError::NotAFile { path: path.into(), kind: name_of(kind) });
    }
    let file = regular_file::open(path, u64::MAX).map_err(cannot_open)?;
    let size = file.metadata().map_err(cannot_open)?.len();
    Ok((file, size))
}
