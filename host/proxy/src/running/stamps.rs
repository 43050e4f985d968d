//! What tells that a file has changed since it was read.

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    addon::{
        Loaded,
        options::{Kind, Value},
    },
    config::AddonSpec,
};

/// Marks of files by path. Equal marks: the files are as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps(BTreeMap<PathBuf, u64>);

/// Most files of a folder that are looked at.
const MOST: usize = 10_000;

impl Stamps {
    /// Those of the files that an addon reads with these options, but for a file that is being written to.
    pub(super) fn of(spec: &AddonSpec, loaded: &Loaded, written: &[String]) -> Self {
        let files = loaded.options.iter().filter(|option| option.kind == Kind::Files);
        let values = files.filter_map(|option| spec.options.get(&option.name));
        let paths = values.flat_map(|value| match value {
            Value::Texts(paths) => paths.as_slice(),
            _ => &[],
        });
        let read = paths.filter(|path| !written.contains(path)).map(PathBuf::from);
        Self(read.map(|path| (path.clone(), stamp(&path))).collect())
    }

    /// The files and their marks.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Path, u64)> {
        self.0.iter().map(|(path, stamp)| (path.as_path(), *stamp))
    }
}

/// A mark of a file, or of a folder with all that is in it. One that is not there has a mark too.
pub(super) fn stamp(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut left = vec![path.to_owned()];
    for _ in 0..MOST {
        let Some(path) = left.pop() else { break };
        let Ok(metadata) = fs::metadata(&path) else { continue };
        (metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()).hash(&mut hasher);
        if metadata.is_dir() {
            let mut within: Vec<PathBuf> =
                fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            within.sort_unstable();
            left.extend(within);
        }
    }
    hasher.finish()
}
