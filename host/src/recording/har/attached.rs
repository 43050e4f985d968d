//! Bodies in files of their own, which Playwright puts beside the HAR file and names by `_file`.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

/// The files beside a HAR file. Entries that name the same one share it.
pub(super) struct Attached {
    folder: PathBuf,
    files: HashMap<String, Bytes>,
}

impl Attached {
    pub(super) fn beside(recording: &Path) -> Self {
        Self { folder: recording.parent().unwrap_or(Path::new("")).into(), files: HashMap::new() }
    }

    /// The content of a regular file in the folder. A name that leads elsewhere is refused.
    pub(super) fn read(&mut self, name: &str) -> Result<Bytes, String> {
        if let Some(content) = self.files.get(name) {
            return Ok(content.clone());
        }
        let mut components = Path::new(name).components();
        let (Some(Component::Normal(only)), None) = (components.next(), components.next()) else {
            return Err(format!("the body's file `{}` is not beside the recording", name.escape_debug()));
        };
        let path = self.folder.join(only);
        let cannot_read = |error| format!("the body's file `{}` cannot be read: {error}", name.escape_debug());
        if !fs::symlink_metadata(&path).map_err(cannot_read)?.is_file() {
            return Err(format!("the body's file `{}` is not a regular file", name.escape_debug()));
        }
        let content = Bytes::from(fs::read(&path).map_err(cannot_read)?);
        self.files.insert(name.into(), content.clone());
        Ok(content)
    }
}
