//! Bodies in files of their own, which Playwright puts beside the HAR file or in a folder there, and names by `_file`.

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

    /// The content of a regular file in the folder, or in one within it. A name that leads elsewhere is refused.
    pub(super) fn read(&mut self, name: &str) -> Result<Bytes, String> {
        if let Some(content) = self.files.get(name) {
            return Ok(content.clone());
        }
        let Some(within) = path_within(name) else {
            return Err(format!("the body's file `{}` is not in the recording's folder", name.escape_debug()));
        };
        let content = match &mut self.place {
            Place::Nowhere => Err("there is none".to_owned()),
            Place::Folder(folder) => read_file(folder, &within),
            Place::Zip(archive, folder) => archive.read(&format!("{folder}{within}")),
        };
        let content = Bytes::from(
            content.map_err(|error| format!("the body's file `{}` cannot be read: {error}", name.escape_debug()))?,
        );
        self.files.insert(name.into(), content.clone());
        Ok(content)
    }
}

/// The path without what changes nothing in it, which Windows writes with backslashes; nothing if it leads out of its folder.
fn path_within(name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let mut parts = Vec::new();
    for component in Path::new(&name).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn read_file(folder: &Path, within: &str) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| error.to_string();
    let path = folder.join(within);
    if !fs::symlink_metadata(&path).map_err(said)?.is_file() {
        return Err("it is not a regular file".into());
    }
    // The folders on the way may be links. An empty path is the current folder.
    let root = Path::new(".").join(folder).canonicalize().map_err(said)?;
    if !path.canonicalize().map_err(said)?.starts_with(root) {
        return Err("a link leads out of the recording's folder".into());
    }
    fs::read(path).map_err(said)
}
