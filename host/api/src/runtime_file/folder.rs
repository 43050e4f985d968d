//! A folder that nobody but its owner can enter.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use super::RuntimeFileError;

/// Where a proxy writes.
pub(super) fn chosen() -> PathBuf {
    of_session().unwrap_or_else(among_temporary_ones)
}

/// Where a proxy may have written: one that is started by the system may not know the folder of the user's session.
pub(super) fn candidates() -> Vec<PathBuf> {
    of_session().into_iter().chain([among_temporary_ones()]).collect()
}

/// In the folder of the user's session, if there is one.
fn of_session() -> Option<PathBuf> {
    let session = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    Some(session.filter(|path| path.is_absolute() && path.is_dir())?.join("proxyhost"))
}

fn among_temporary_ones() -> PathBuf {
    env::temp_dir().join(format!("proxyhost-{}", geteuid().as_raw()))
}

/// Why a folder is not used.
pub(super) enum Foreign {
    Open(String),
    Failed(io::Error),
}

impl Foreign {
    pub(super) fn of(self, folder: &Path) -> RuntimeFileError {
        let path = folder.to_owned();
        match self {
            Self::Open(how) => RuntimeFileError::Foreign { path, how },
            Self::Failed(source) => RuntimeFileError::Failed { path, source },
        }
    }
}

/// Makes a folder, if it is not there; and checks it in any case.
pub(super) fn make(folder: &Path) -> Result<(), Foreign> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Foreign::Failed(error)),
        _ => check(folder),
    }
}

/// Whether a folder is ours alone. Where it is, nobody else can put anything in its place: the folder that it is in is the
/// user's own, or is one where only the owner of a thing may remove it.
pub(super) fn check(folder: &Path) -> Result<(), Foreign> {
    let found = fs::symlink_metadata(folder).map_err(Foreign::Failed)?;
    let open = |how: String| Err(Foreign::Open(how));
    if found.is_symlink() {
        return open("is a link".to_owned());
    }
    if !found.is_dir() {
        return open("is no folder".to_owned());
    }
    if found.uid() != geteuid().as_raw() {
        return open(format!("belongs to user {}, and this process to {}", found.uid(), geteuid().as_raw()));
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return open(format!("is open to others, with mode {mode:03o} instead of 700"));
    }
    Ok(())
}
