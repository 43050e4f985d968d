//! Bodies in files of their own, which stubs name by `bodyFileName`.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
};

use bytes::Bytes;

/// The folders that may hold the files of a recording. Stubs that name the same one share it.
pub(crate) struct Files {
    folders: Vec<PathBuf>,
    read: HashMap<String, Bytes>,
}

impl Files {
    pub(crate) fn at(folders: Vec<PathBuf>) -> Self {
        Self { folders, read: HashMap::new() }
    }

    /// For a recording that has no files beside it.
    pub(crate) fn nowhere() -> Self {
        Self::at(Vec::new())
    }

    /// For a file with stubs, which may be beside the files or in the `mappings` beside them.
    pub(crate) fn beside(recording: &Path) -> Self {
        let folder = recording.parent().unwrap_or(Path::new(""));
        Self::at(vec![folder.join("__files"), folder.join("../__files")])
    }

    /// The content of a file in the first folder that has it. A name that leads elsewhere is refused, also by a link.
    pub(super) fn read(&mut self, name: &str) -> Result<Bytes, String> {
        if let Some(content) = self.read.get(name) {
            return Ok(content.clone());
        }
        let shown = name.escape_debug();
        let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(name).components().all(is_inside) {
            return Err(format!("its file `{shown}` is not in `__files`"));
        }
        let roots = self.folders.iter().filter_map(|folder| folder.canonicalize().ok());
        let found = roots.filter_map(|root| Some((root.join(name).canonicalize().ok()?, root))).next();
        let Some((path, root)) = found else {
            return Err(format!("its file `{shown}` is not in `__files`"));
        };
        if !path.starts_with(&root) {
            return Err(format!("its file `{shown}` is a link that leads out of `__files`"));
        }
        if !path.is_file() {
            return Err(format!("its file `{shown}` is not a regular file"));
        }
        let content = fs::read(&path).map_err(|error| format!("its file `{shown}` cannot be read: {error}"))?;
        let content = Bytes::from(content);
        self.read.insert(name.into(), content.clone());
        Ok(content)
    }
}
