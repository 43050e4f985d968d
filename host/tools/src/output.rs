//! New files: seen only when they are whole, and never in place of another one by mistake.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::FlowsError;

/// What to do with a file that has the name of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    Keep,
    Replace,
}

impl Existing {
    /// What the flag `--force` says.
    pub(super) fn of(matches: &clap::ArgMatches) -> Self {
        if matches.get_flag("force") { Self::Replace } else { Self::Keep }
    }
}

/// A file that is being written, beside its place. Dropping it removes it.
pub(super) struct Output {
    path: PathBuf,
    file: NamedTempFile,
    existing: Existing,
}

impl Output {
    /// Starts a file at `path` that only its owner may read. It must not be one of the `inputs`.
    pub(super) fn create(path: &Path, inputs: &[&Path], existing: Existing) -> Result<Self, FlowsError> {
        if let Ok(found) = fs::metadata(path) {
            let is_same = |input: &&Path| {
                fs::metadata(input).is_ok_and(|input| (input.dev(), input.ino()) == (found.dev(), found.ino()))
            };
            if inputs.iter().any(is_same) {
                return Err(FlowsError::SameFile { path: path.into() });
            }
            if !found.is_file() {
                return Err(FlowsError::NotAFile { path: path.into() });
            }
        }
        if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
            return Err(FlowsError::Exists { path: path.into() });
        }
        Self::beside(path, existing)
    }

    /// Starts a file that takes the place of `path`, which is read until then.
    pub(super) fn in_place_of(path: &Path) -> Result<Self, FlowsError> {
        // A link goes on to point at the file.
        let path = fs::canonicalize(path).map_err(|source| FlowsError::Write { path: path.into(), source })?;
        Self::beside(&path, Existing::Replace)
    }

    fn beside(path: &Path, existing: Existing) -> Result<Self, FlowsError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::with_prefix_in(".proxyhost-", folder);
        let file = file.map_err(|source| FlowsError::Write { path: path.into(), source })?;
        Ok(Self { path: path.into(), file, existing })
    }

    /// Where it will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file to write to.
    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// The same file for a writer that wants its own. Both stand at the same place.
    pub(super) fn shared(&self) -> Result<File, FlowsError> {
        self.file().try_clone().map_err(|source| self.failed(source))
    }

    /// A failure to write to it.
    pub(super) fn failed(&self, source: io::Error) -> FlowsError {
        FlowsError::Write { path: self.path.clone(), source }
    }

    /// Puts the whole file at its place.
    pub(super) fn commit(self) -> Result<(), FlowsError> {
        let Self { path, file, existing } = self;
        if let Err(source) = file.as_file().sync_all() {
            return Err(FlowsError::Write { path, source });
        }
        let persisted = match existing {
            Existing::Keep => file.persist_noclobber(&path),
            Existing::Replace => file.persist(&path),
        };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(FlowsError::Exists { path }),
            Err(error) => Err(FlowsError::Write { path, source: error.error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    #[test]
    fn a_file_is_seen_when_it_is_whole_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let output = Output::create(&path, &[], Existing::Keep).unwrap();
        output.file().write_all(b"a").unwrap();
        assert!(!path.exists());
        output.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(Output::create(&path, &[], Existing::Replace).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"a");
    }

    #[test]
    fn a_file_that_exists_is_only_replaced_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let late = Output::create(&path, &[], Existing::Keep).unwrap();
        fs::write(&path, "old").unwrap();
        assert!(matches!(Output::create(&path, &[], Existing::Keep), Err(FlowsError::Exists { .. })));
        assert!(matches!(late.commit(), Err(FlowsError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        Output::create(&path, &[], Existing::Replace).unwrap().commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn an_input_or_what_is_no_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("in"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        symlink(&path, &link).unwrap();
        for (out, input) in [(&path, &path), (&link, &path), (&path, &link)] {
            let refused = Output::create(out, &[input], Existing::Replace);
            assert!(matches!(refused, Err(FlowsError::SameFile { .. })));
        }
        let refused = Output::create(folder.path(), &[], Existing::Replace);
        assert!(matches!(refused, Err(FlowsError::NotAFile { .. })));
        let refused = Output::create(Path::new("/dev/null"), &[], Existing::Replace);
        assert!(matches!(refused, Err(FlowsError::NotAFile { .. })));
    }
}
