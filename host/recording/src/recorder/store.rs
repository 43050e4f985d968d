//! What the recorder's thread has of a content: small ones are in memory, larger ones in a file without a name.

use std::{
    fs::{File, Permissions},
    io::{self, Write},
    mem,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;

use super::kept::KeptContent;
use crate::model::Source;

/// Where the bytes of a content are.
#[derive(Debug)]
pub(super) enum Store {
    /// In memory, and more may come.
    Memory(Vec<u8>),
    /// In memory, and whole.
    Whole(Bytes),
    /// In a temporary file, which has no name and so never outlives the process.
    File { file: Arc<File>, len: u64 },
    /// Nowhere: they were given up.
    GivenUp,
    /// Nowhere: the disk did not take them, and this is why. Their flow cannot be written.
    Lost(String),
}

impl Default for Store {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Store {
    /// Appends pieces. If the content gets too large for memory, it goes on in a file on the disk of `folder`; if that does
    /// not take it, it is lost as a whole, and what it took is free again.
    pub(super) fn append(&mut self, pieces: Vec<Bytes>, folder: &Path) {
        if let Err(error) = self.try_append(pieces, folder) {
            let folder = folder.display();
            *self = Self::Lost(format!("cannot keep a body in a temporary file in `{folder}`: {error}"));
        }
    }

    fn try_append(&mut self, pieces: Vec<Bytes>, folder: &Path) -> io::Result<()> {
        let len: usize = pieces.iter().map(Bytes::len).sum();
        if let Self::Memory(held) = self
            && held.len() + len > MEMORY_LIMIT
        {
            let mut file = tempfile::tempfile_in(folder)?;
            // The system has a door to open files by, even those without a name.
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(held)?;
            *self = Self::File { len: held.len() as u64, file: Arc::new(file) };
        }
        match self {
            Self::Memory(held) => pieces.iter().for_each(|piece| held.extend_from_slice(piece)),
            Self::File { file, len: written } => {
                let mut file: &File = file;
                match pieces.as_slice() {
                    [piece] => file.write_all(piece)?,
                    pieces => file.write_all(&pieces.concat())?,
                }
                *written += len as u64;
            }
            Self::Whole(_) | Self::GivenUp | Self::Lost(_) => {}
        }
        Ok(())
    }

    /// Takes out a temporary file, whose removal is work for the disk.
    pub(super) fn take_file(&mut self) -> Option<Arc<File>> {
        match mem::replace(self, Self::GivenUp) {
            Self::File { file, .. } => Some(file),
            _ => None,
        }
    }

    /// The content, after all of it was appended, or why it was lost.
    fn finished(&mut self) -> Result<Source, String> {
        if let Self::Memory(held) = self {
            *self = Self::Whole(mem::take(held).into());
        }
        Ok(match self {
            Self::Memory(_) | Self::GivenUp => Source::NotRecorded,
            Self::Whole(bytes) => Source::Bytes(bytes.clone()),
            Self::File { file, len } => Source::File { file: file.clone(), offset: 0, len: *len },
            Self::Lost(reason) => return Err(reason.clone()),
        })
    }
}

/// Turns a content that was kept into what can be written, or says why it was lost.
pub(super) fn resolve(kept: &KeptContent, folder: &Path) -> Result<Source, String> {
    let mut store = kept.store();
    match kept.take_gathered() {
        None => *store = Store::GivenUp,
        Some(mut pieces) => match (&*store, pieces.as_mut_slice()) {
            // The usual case needs no copy.
            (Store::Memory(held), [only]) if held.is_empty() => *store = Store::Whole(mem::take(only)),
            _ => store.append(pieces, folder),
        },
    }
    store.finished()
}

/// Contents up to this size stay in memory.
pub(super) const MEMORY_LIMIT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{FileExt, MetadataExt},
    };

    use super::*;

    fn pieces(sizes: &[usize]) -> Vec<Bytes> {
        sizes.iter().map(|size| Bytes::from(vec![b'x'; *size])).collect()
    }

    #[test]
    fn small_contents_stay_in_memory() {
        let mut store = Store::default();
        let nowhere = Path::new("/nonexistent");
        store.append(pieces(&[10, 20]), nowhere);
        store.append(pieces(&[MEMORY_LIMIT - 30]), nowhere);
        for _ in 0..2 {
            let Ok(Source::Bytes(bytes)) = store.finished() else { panic!("{store:?}") };
            assert_eq!(bytes, vec![b'x'; MEMORY_LIMIT]);
        }
    }

    #[test]
    fn large_contents_go_on_in_a_file_without_a_name_that_nobody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::default();
        store.append(pieces(&[MEMORY_LIMIT]), folder.path());
        store.append(vec![Bytes::from("yz")], folder.path());
        store.append(pieces(&[1000, 2000]), folder.path());
        let Ok(Source::File { file, offset: 0, len }) = store.finished() else { panic!("{store:?}") };
        let found = file.metadata().unwrap();
        assert_eq!((len, found.len()), (MEMORY_LIMIT as u64 + 3002, len));
        assert_eq!((found.mode() & 0o777, found.nlink()), (0o600, 0));
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, MEMORY_LIMIT as u64 - 1).unwrap();
        assert_eq!(&bytes, b"xyzx");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_disk_does_not_take_is_lost_as_a_whole() {
        let no_folder = tempfile::NamedTempFile::new().unwrap();
        let mut store = Store::default();
        for size in [MEMORY_LIMIT + 1, 10] {
            store.append(pieces(&[size]), no_folder.path());
            let reason = store.finished().unwrap_err();
            let start = format!("cannot keep a body in a temporary file in `{}`: ", no_folder.path().display());
            assert!(reason.starts_with(&start), "{reason}");
        }
    }
}
