//! Where the files lie that are read.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use tempfile::TempDir;

/// What lies outside of a recording's folder, and must never be in what is read of it.
pub const SECRET: &[u8] = b"0utside-of-the-f0lder";

/// What the file that may be read beside a recording says.
pub const BESIDE: &[u8] = b"{\"beside\": \"caf\xe9\"}";

/// A folder for recordings, with files beside them that they may name and others that they may not.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// The folder of this process.
    pub fn get() -> &'static Self {
        static PLACE: OnceLock<Place> = OnceLock::new();
        PLACE.get_or_init(|| Self::new().expect("a folder for temporary files, by `TMPDIR`"))
    }

    fn new() -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("secret"), SECRET)?;
        for recording in ["recording", "stubs"] {
            let recording = folder.path().join(recording);
            fs::create_dir_all(recording.join("__files"))?;
            fs::create_dir(recording.join("mappings"))?;
            fs::write(recording.join("__files/body"), BESIDE)?;
            fs::write(recording.join("body"), BESIDE)?;
            symlink("../../secret", recording.join("__files/link"))?;
            symlink("../secret", recording.join("link"))?;
        }
        Ok(Self { folder })
    }

    /// Writes a recording, and answers with its path.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("room for a temporary file");
        path
    }

    /// Writes the only file of a folder with WireMock stubs, and answers with the folder's path.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write_stubs(&self, bytes: &[u8]) -> PathBuf {
        let folder = self.folder.path().join("stubs");
        fs::write(folder.join("mappings/stub.json"), bytes).expect("room for a temporary file");
        folder
    }

    /// Where a recording with a name lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("recording").join(name)
    }

    /// The bytes of a recording.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(path: &Path) -> Vec<u8> {
        fs::read(path).expect("a readable temporary file")
    }
}
