//! Which files this process reads recordings from, so that it does not replace them.

use std::{
    fs::{self, File, Metadata},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Device and number of each file, as often as it is read.
static FILES: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// A file that is read as long as this lives.
#[derive(Debug)]
pub(super) struct InUse((u64, u64));

impl InUse {
    /// Nothing if the system does not say which file it is.
    pub(super) fn new(file: &File) -> Option<Self> {
        let id = id(&file.metadata().ok()?);
        files().push(id);
        Some(Self(id))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut files = files();
        if let Some(position) = files.iter().position(|id| *id == self.0) {
            files.swap_remove(position);
        }
    }
}

/// Whether a recording is read from the file at `path`, under whatever name.
pub(super) fn is_in_use(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| files().contains(&id(&metadata)))
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Nothing panics while it is held.
fn files() -> MutexGuard<'static, Vec<(u64, u64)>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_in_use_until_the_last_of_its_readers_is_gone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let first = InUse::new(file.as_file());
        let second = InUse::new(file.as_file());
        drop(first);
        assert!(is_in_use(file.path()));
        drop(second);
        assert!(!is_in_use(file.path()));
    }
}
