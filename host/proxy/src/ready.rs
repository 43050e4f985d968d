//! Telling others that the proxy serves: by a file, and the service manager by its socket.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use control::ListenerInfo;
use sd_notify::NotifyState;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tracing::warn;

/// Why there can be no file that says that the proxy serves.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// There is something else.
    #[error("cannot write `{0}` (--ready-file): there is a file of that name, and it is none of a proxy before")]
    Foreign(PathBuf),
    /// It cannot be read, removed or written.
    #[error("cannot write `{path}` (--ready-file)")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Says whether the proxy serves. The file is removed when this is dropped.
#[derive(Debug)]
pub struct Ready {
    file: Option<PathBuf>,
    is_written: bool,
}

impl Ready {
    /// It does not serve yet. A file that a proxy before has left behind is removed.
    ///
    /// # Errors
    /// When there is another file, or it could not be written.
    pub fn not_yet(file: Option<&Path>) -> Result<Self, ReadyError> {
        if let Some(path) = file {
            remove_stale(path)?;
            Self::check(path)?;
        }
        Ok(Self { file: file.map(Path::to_owned), is_written: false })
    }

    /// Whether there could be a file at that path. Nothing is written.
    ///
    /// # Errors
    /// When there is another file, or it could not be written.
    pub fn check(path: &Path) -> Result<(), ReadyError> {
        let failed = |source| ReadyError::Failed { path: path.to_owned(), source };
        is_stale(path)?;
        let folder = folder(path);
        // A file that has no name and is never seen. The library would name one if the folder is missing.
        fs::metadata(folder).and_then(|_| tempfile::tempfile_in(folder)).map(drop).map_err(failed)
    }

    /// It serves there, and is controlled there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn serves(&mut self, listeners: &[ListenerInfo], control: Option<&str>) -> Result<(), ReadyError> {
        if let Some(path) = &self.file {
            write(path, &described(listeners, control))
                .map_err(|source| ReadyError::Failed { path: path.clone(), source })?;
            self.is_written = true;
        }
        notify(&[NotifyState::Ready]);
        Ok(())
    }

    /// It takes no more connections.
    pub fn stops(&self) {
        notify(&[NotifyState::Stopping]);
    }
}

/// A change of what a proxy that serves does: a service manager that waits for it sees when it begins, and that it serves
/// again when this is dropped.
#[derive(Debug)]
pub struct Reload(());

impl Reload {
    /// It begins.
    pub fn begin() -> Self {
        // Asked for only to tell somebody, and then it is there.
        let now = NotifyState::monotonic_usec_now();
        notify(&[Some(NotifyState::Reloading), now.ok()].into_iter().flatten().collect::<Vec<_>>());
        Self(())
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        notify(&[NotifyState::Ready]);
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(path) = self.file.as_ref().filter(|_| self.is_written)
            && let Err(error) = fs::remove_file(path)
        {
            warn!(%error, "cannot remove `{}` (--ready-file)", oneline::escaped(&path.to_string_lossy()));
        }
    }
}

/// Bytes of a file that a proxy may have written.
const LARGEST: u64 = 1 << 20;

/// What all files of a proxy have.
const PID: &str = "pid";

fn remove_stale(path: &Path) -> Result<(), ReadyError> {
    if is_stale(path)? {
        fs::remove_file(path).map_err(|source| ReadyError::Failed { path: path.to_owned(), source })?;
    }
    Ok(())
}

/// Whether there is a file that a proxy before has left behind.
fn is_stale(path: &Path) -> Result<bool, ReadyError> {
    match regular_file::read(path, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(ReadyError::Failed { path: path.to_owned(), source }),
        Ok(bytes) => {
            let is_ours = serde_json::from_slice(&bytes).is_ok_and(|value: Value| value.get(PID).is_some());
            // What makes temporary files leaves empty ones behind.
            if !is_ours && !bytes.is_empty() {
                return Err(ReadyError::Foreign(path.to_owned()));
            }
            Ok(true)
        }
    }
}

fn described(listeners: &[ListenerInfo], control: Option<&str>) -> Value {
    let mut described = json!({ PID: std::process::id(), "listeners": listeners });
    if let (Some(control), Some(described)) = (control, described.as_object_mut()) {
        described.insert("control".to_owned(), control.into());
    }
    described
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whoever sees the file sees all of it.
fn write(path: &Path, described: &Value) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder(path))?;
    writeln!(file, "{described}")?;
    // Where it listens is no secret, and who waits for it may be another user.
    let mut permissions = file.as_file().metadata()?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    file.as_file().set_permissions(permissions)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Tells the service manager, if there is one.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot tell the service manager");
    }
}
