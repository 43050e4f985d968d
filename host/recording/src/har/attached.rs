//! Bodies in files of their own, which Playwright puts beside the HAR file and names by `_file`.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
};

use bytes::Bytes;

use crate::document::Archive;

/// The files beside a HAR file. Entries that name the same one share it.
pub(crate) struct Attached {
    place: Place,
    files: HashMap<String, Bytes>,
}

enum Place {
    Nowhere,
    Folder(PathBuf),
    /// A folder in a zip archive, by the start of the names in it.
    Zip(Box<Archive>, String),
}

impl Attached {
    /// For what has no files beside it.
    pub(crate) fn nowhere() -> Self {
        Self { place: Place::Nowhere, files: HashMap::new() }
    }

    pub(crate) fn beside(recording: &Path) -> Self {
        let folder = recording.parent().unwrap_or(Path::new("")).into();
        Self { place: Place::Folder(folder), files: HashMap::new() }
    }

    /// The files beside the one that is `name` in a zip archive.
    pub(crate) fn within(archive: Archive, name: &str) -> Self {
        let folder = name.rfind('/').map_or("", |slash| &name[..=slash]).to_owned();
        Self { place: Place::Zip(Box::new(archive), folder), files: HashMap::new() }
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
        let content = match &mut self.place {
            Place::Nowhere => Err("there is none".to_owned()),
            Place::Folder(folder) => read_file(&folder.join(only)),
            Place::Zip(archive, folder) => archive.read(&format!("{folder}{name}")),
        };
        let content = Bytes::from(
            content.map_err(|error| format!("the body's file `{}` cannot be read: {error}", name.escape_debug()))?,
        );
        self.files.insert(name.into(), content.clone());
        Ok(content)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| error.to_string();
    if !fs::symlink_metadata(path).map_err(said)?.is_file() {
        return Err("it is not a regular file".into());
    }
    fs::read(path).map_err(said)
}
