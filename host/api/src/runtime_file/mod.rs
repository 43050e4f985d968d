//! Where the proxies of this user that run are, for clients on the same machine.
//!
//! Each proxy has a file in a folder that nobody but its user can enter: `$XDG_RUNTIME_DIR/proxyhost` (XDG Base Directory
//! Specification), or else `proxyhost-UID` in the folder for temporary files.

mod folder;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use self::folder::Foreign;
use super::Token;

/// The file that says where a running proxy is. It is removed when this is dropped.
#[derive(Debug)]
pub struct RuntimeFile(PathBuf);

/// A proxy that runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// The process.
    pub pid: u32,
    /// Where its control API is.
    pub address: SocketAddr,
    /// The secret that it wants to hear.
    pub token: Token,
}

/// Why no proxy can be found, or not be found by others.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeFileError {
    /// Somebody else could read tokens there, or name a proxy that is not ours.
    #[error("cannot use the folder `{}` for running proxies: it {how}; remove it, and it is made anew", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        how: String,
    },
    /// It cannot be read or written.
    #[error("cannot use `{}` for running proxies", path.display())]
    Failed {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl RuntimeFile {
    /// Says where this process serves its control API.
    ///
    /// # Errors
    /// When there is no folder that nobody else can enter, or the file cannot be written.
    pub fn write(address: SocketAddr, token: &Token) -> Result<Self, RuntimeFileError> {
        Self::write_in(&folder::chosen(), address, token)
    }

    fn write_in(folder: &Path, address: SocketAddr, token: &Token) -> Result<Self, RuntimeFileError> {
        let failed = |path: &Path, source| RuntimeFileError::Failed { path: path.to_owned(), source };
        folder::make(folder).map_err(|error| error.of(folder))?;
        let pid = std::process::id();
        let path = folder.join(format!("{PREFIX}{pid}{SUFFIX}"));
        let document = Document { pid, address, token: token.secret().to_owned() };
        let text = serde_json::to_vec(&document).map_err(|error| failed(&path, error.into()))?;
        // It is there as a whole, or not at all; and others cannot read it at any moment.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(folder, error))?;
        io::Write::write_all(&mut file, &text).map_err(|error| failed(&path, error))?;
        file.persist(&path).map_err(|error| failed(&path, error.error))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The proxies of this user that run, by the numbers of their processes. What ended ones left is removed.
    ///
    /// # Errors
    /// When none is found, and a folder for such files belongs to somebody else or cannot be read.
    pub fn find() -> Result<Vec<Running>, RuntimeFileError> {
        Self::find_in_all(&folder::candidates())
    }

    fn find_in_all(folders: &[PathBuf]) -> Result<Vec<Running>, RuntimeFileError> {
        let mut found = Vec::new();
        let mut failure = None;
        for folder in folders {
            match Self::find_in(folder) {
                Ok(running) => found.extend(running),
                // Anybody can make a folder of that name among the temporary ones, which must not hide what is elsewhere.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        found.sort_by_key(|running| running.pid);
        match failure {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    fn find_in(folder: &Path) -> Result<Vec<Running>, RuntimeFileError> {
        let failed = |source| RuntimeFileError::Failed { path: folder.to_owned(), source };
        match folder::check(folder) {
            Ok(()) => {}
            Err(Foreign::Failed(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.of(folder)),
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let pid = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
            let Some(pid) = pid.and_then(|pid| pid.parse::<u32>().ok()) else { continue };
            if !is_running(pid) {
                // Somebody else may have been faster.
                let _ = fs::remove_file(&path);
                continue;
            }
            found.extend(read(&path).filter(|running| running.pid == pid));
        }
        Ok(found)
    }
}

impl Drop for RuntimeFile {
    fn drop(&mut self) {
        // Whoever finds it later sees that the process is gone.
        let _ = fs::remove_file(&self.0);
    }
}

const PREFIX: &str = "control-";
const SUFFIX: &str = ".json";

#[derive(Deserialize, Serialize)]
struct Document {
    pid: u32,
    address: SocketAddr,
    token: String,
}

/// What a file says; nothing if it was removed meanwhile, or says something else.
fn read(path: &Path) -> Option<Running> {
    let document: Document = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let Document { pid, address, token } = document;
    Some(Running { pid, address, token: Token::parse(&token)? })
}

fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that is another user's by now is not ours.
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn address() -> SocketAddr {
        "127.0.0.1:9090".parse().expect("an address")
    }

    #[test]
    fn a_running_proxy_is_found_and_an_ended_one_is_not() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("proxyhost");
        assert!(RuntimeFile::find_in(&folder).expect("there is no folder yet").is_empty());
        let token = Token::random().expect("random numbers");
        let file = RuntimeFile::write_in(&folder, address(), &token).expect("a file");
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(file.path())), (0o700, 0o600));
        // No process has so large a number.
        let stale = folder.join("control-4194305.json");
        fs::copy(file.path(), &stale).expect("a copy");
        fs::write(folder.join("control-x.json"), "{}").expect("a file");
        let found = RuntimeFile::find_in(&folder).expect("a folder");
        let found: Vec<_> = found.iter().map(|running| (running.pid, running.address, &running.token)).collect();
        assert_eq!(found, [(std::process::id(), address(), &token)]);
        // What somebody else puts beside it does not hide it.
        let foreign = parent.path().join("foreign");
        fs::write(&foreign, "").expect("a file");
        let both = [foreign.clone(), folder.clone()];
        assert_eq!(RuntimeFile::find_in_all(&both).map(|found| found.len()).expect("one is a folder"), 1);
        assert!(RuntimeFile::find_in_all(&[foreign]).is_err());
        assert!(!stale.exists());
        drop(file);
        assert!(RuntimeFile::find_in(&folder).expect("a folder").is_empty());
    }

    #[test]
    fn a_folder_that_others_can_enter_is_not_used() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let (folder, link) = (parent.path().join("open"), parent.path().join("link"));
        fs::create_dir(&folder).expect("a folder");
        let token = Token::random().expect("random numbers");
        let refusal = |path: &Path| {
            let (write, find) = (RuntimeFile::write_in(path, address(), &token), RuntimeFile::find_in(path));
            let (write, find) = (write.expect_err("refused").to_string(), find.expect_err("refused").to_string());
            assert_eq!(write, find);
            write.replace(path.to_str().expect("UTF-8"), "FOLDER")
        };
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).expect("its mode");
        let open = "cannot use the folder `FOLDER` for running proxies: it is open to others, with mode 750 instead of \
                    700; remove it, and it is made anew";
        assert_eq!(refusal(&folder), open);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("its mode");
        symlink(&folder, &link).expect("a link");
        let linked = "cannot use the folder `FOLDER` for running proxies: it is a link; remove it, and it is made anew";
        assert_eq!(refusal(&link), linked);
    }
}
