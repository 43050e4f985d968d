//! The file that flows are written to: one at a time, locked, and always whole flows at its beginning.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::{
    RecorderError,
    target::{Encoding, Opening},
};
use crate::{
    flow_file::{WholeFlows, whole_flows},
    in_use::is_in_use,
    model::{Flow, Source},
    reading::Window,
    writers::{FIRST_KEY, HarFile, write_flow},
};

/// A file that is being written, in its encoding.
#[derive(Debug)]
pub(super) enum RecordingFile {
    Flows {
        file: File,
        /// The size in bytes that it was left with.
        size: u64,
    },
    Har(HarFile),
}

/// What others did to a file while it was recorded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Removed,
    /// It has another name, and nothing is at its path.
    Renamed,
    /// Something else is at its path.
    Replaced,
    /// It was cut or written to.
    Resized {
        from: u64,
        to: u64,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => formatter.write_str("it was removed"),
            Self::Renamed => formatter.write_str("it was renamed"),
            Self::Replaced => formatter.write_str("another file was put in its place"),
            Self::Resized { from, to } => {
                write!(formatter, "something else changed its size from {from} to {to} bytes")
            }
        }
    }
}

impl RecordingFile {
    /// Opens `path`, and keeps other recorders from it. A notice says what was lost in it before.
    pub(super) fn open(
        path: &Path,
        encoding: Encoding,
        opening: Opening,
    ) -> Result<(Self, Option<String>), RecorderError> {
        refuse_in_use(path, opening)?;
        match encoding {
            Encoding::Flows => {
                // Appending keeps flows whole even if someone empties the file meanwhile.
                let file = open_locked(path, OpenOptions::new().append(true))?;
                let notice = match opening {
                    Opening::Refuse => refuse_existing(path, &file)?,
                    Opening::Replace => empty(path, &file)?,
                    Opening::Append => cut_broken_tail(path, &file)?,
                };
                let size = size_of(path, &file)?;
                Ok((Self::Flows { file, size }, notice))
            }
            // Its end is written over with each entry.
            Encoding::Har => open_har(path, open_locked(path, OpenOptions::new().write(true))?, opening),
        }
    }

    /// Writes a flow behind the others. After an error, the file ends with the flow before, or `change` finds it resized.
    pub(super) fn write(&mut self, flow: &Flow<Source>) -> io::Result<()> {
        match self {
            Self::Flows { file, size } => append(file, size, flow),
            Self::Har(file) => file.write(flow),
        }
    }

    /// What others did to the file since it was opened at `path`. What the system does not tell counts as nothing.
    pub(super) fn change(&self, path: &Path) -> Option<Change> {
        let (file, size) = match self {
            Self::Flows { file, size } => (file, *size),
            Self::Har(file) => (file.file(), file.size()),
        };
        let here = file.metadata().ok()?;
        if here.nlink() == 0 {
            return Some(Change::Removed);
        }
        match fs::metadata(path) {
            Ok(there) if (there.dev(), there.ino()) != (here.dev(), here.ino()) => Some(Change::Replaced),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Change::Renamed),
            _ if here.len() != size => Some(Change::Resized { from: size, to: here.len() }),
            _ => None,
        }
    }

    /// Closes the file when all of it is on the disk. A write whose failure shows only then would be lost in silence.
    pub(super) fn close(self) -> io::Result<()> {
        let file = match &self {
            Self::Flows { file, .. } => file,
            Self::Har(file) => file.file(),
        };
        match file.sync_all() {
            // Some file systems have no disk.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }
}

/// Whether the file at `path` could be opened so. Nothing is written.
pub(super) fn check(path: &Path, opening: Opening) -> Result<(), RecorderError> {
    refuse_in_use(path, opening)?;
    let opened = |source| RecorderError::Open { path: path.into(), source };
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return check_folder(folder_of(path)),
        Err(error) => return Err(opened(error)),
    };
    if !found.is_file() {
        return Err(RecorderError::NotAFile { path: path.into(), kind: regular_file::name_of(found.file_type()) });
    }
    let file = OpenOptions::new().read(true).append(true).open(path).map_err(opened)?;
    if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
        return Err(RecorderError::Locked { path: path.into() });
    }
    if opening == Opening::Refuse { refuse_existing(path, &file).map(drop) } else { Ok(()) }
}

/// Whether files could be made in a folder, which may have to be made itself.
fn check_folder(folder: &Path) -> Result<(), RecorderError> {
    regular_file::check_folder(folder).map_err(|source| RecorderError::Folder { folder: folder.into(), source })
}

fn refuse_in_use(path: &Path, opening: Opening) -> Result<(), RecorderError> {
    if opening != Opening::Append && is_in_use(path) {
        return Err(RecorderError::InUse { path: path.into() });
    }
    Ok(())
}

/// Opens a regular file, and nothing else: opening a FIFO waits for a reader, and nothing can be cut off from a device.
fn open_locked(path: &Path, options: &mut OpenOptions) -> Result<File, RecorderError> {
    let folder = folder_of(path);
    // Recordings are full of secrets, and so are the names of further ones.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| RecorderError::Folder { folder: folder.into(), source })?;
    if let Ok(found) = fs::metadata(path)
        && !found.is_file()
    {
        return Err(RecorderError::NotAFile { path: path.into(), kind: regular_file::name_of(found.file_type()) });
    }
    let opened = options.read(true).create(true).mode(0o600).open(path);
    let file = opened.map_err(|source| RecorderError::Open { path: path.into(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RecorderError::Locked { path: path.into() }),
        Err(TryLockError::Error(source)) => Err(RecorderError::Lock { path: path.into(), source }),
    }
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn size_of(path: &Path, file: &File) -> Result<u64, RecorderError> {
    let found = file.metadata().map_err(|source| RecorderError::Open { path: path.into(), source })?;
    Ok(found.len())
}

fn cut(path: &Path, file: &File, offset: u64) -> Result<(), RecorderError> {
    file.set_len(offset).map_err(|source| RecorderError::Cut { path: path.into(), offset, source })
}

/// Sees that nothing is lost.
fn refuse_existing(path: &Path, file: &File) -> Result<Option<String>, RecorderError> {
    match size_of(path, file)? {
        0 => Ok(None),
        size => Err(RecorderError::Exists { path: path.into(), size }),
    }
}

/// Makes room for a new recording, and says what was there.
fn empty(path: &Path, file: &File) -> Result<Option<String>, RecorderError> {
    let size = size_of(path, file)?;
    cut(path, file, 0)?;
    Ok((size > 0).then(|| format!("recording `{}`: replaced what was there, {size} bytes", path.display())))
}

/// What a recorder left behind that was stopped while it wrote would hide all that comes after it.
fn cut_broken_tail(path: &Path, file: &File) -> Result<Option<String>, RecorderError> {
    let size = size_of(path, file)?;
    let whole = whole_flows(path, Window::new(file, size));
    let WholeFlows { count, end, flaw } = whole.map_err(|source| RecorderError::Read { path: path.into(), source })?;
    let Some(reason) = flaw else {
        return Ok(None);
    };
    if count == 0 && !begins_a_flow(file) {
        return Err(RecorderError::NotAFlowFile { path: path.into(), reason });
    }
    cut(path, file, end)?;
    let (lost, path) = (size - end, path.display());
    let stay = match count {
        1 => "1 whole flow stays".to_owned(),
        _ => format!("{count} whole flows stay"),
    };
    Ok(Some(format!("recording `{path}`: cut off {lost} bytes from byte {end} on, which are no whole flow; {stay}")))
}

/// Whether the file begins as the flows do that are written here. The recorder of it may have been stopped while it wrote
/// the first one; the work of any other program is not to be cut off.
fn begins_a_flow(file: &File) -> bool {
    let mut first = [0; PREFIX + FIRST_KEY.len()];
    let read = file.read_at(&mut first, 0).unwrap_or_default();
    let first = first.get(..read).unwrap_or_default();
    let digits = first.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match first.split_at(digits) {
        ([], _) => false,
        (_, rest) => rest.strip_prefix(b":").is_some_and(|rest| rest.starts_with(FIRST_KEY)),
    }
}

/// The longest length, with its colon.
const PREFIX: usize = 13;

fn open_har(path: &Path, file: File, opening: Opening) -> Result<(RecordingFile, Option<String>), RecorderError> {
    match opening {
        Opening::Refuse | Opening::Replace => {
            let notice = if opening == Opening::Refuse { refuse_existing(path, &file)? } else { empty(path, &file)? };
            let har = HarFile::create(file).map_err(|source| RecorderError::Open { path: path.into(), source })?;
            Ok((RecordingFile::Har(har), notice))
        }
        Opening::Append => {
            let appended = HarFile::append(file);
            let (har, entries, repair) = appended.map_err(|source| RecorderError::Har { path: path.into(), source })?;
            let notice =
                repair.map(|repair| format!("recording `{}`: {repair}; {entries} entries stay", path.display()));
            Ok((RecordingFile::Har(har), notice))
        }
    }
}

/// Writes a flow at the end of the file, at once if it is small, and sets its new size.
fn append(file: &File, size: &mut u64, flow: &Flow<Source>) -> io::Result<()> {
    let end = file.metadata()?.len();
    let mut out = BufWriter::with_capacity(WRITE, Appended { file, len: 0 });
    let written = write_flow(flow, &mut out).and_then(|()| out.flush());
    // What is still in memory must not follow when it is dropped.
    let (Appended { len, .. }, _) = out.into_parts();
    match written {
        Ok(()) => *size = end + len,
        Err(_) => {
            // If this fails too, the file has a broken tail, which is found by its size before the next flow.
            let _ = file.set_len(end);
            *size = end;
        }
    }
    written
}

/// Counts what is appended.
struct Appended<'f> {
    file: &'f File,
    len: u64,
}

impl Write for Appended<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.file.write(bytes)?;
        self.len += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Room for a flow whose contents are in memory, both of the largest.
const WRITE: usize = 160 * 1024;

#[cfg(test)]
mod tests;
