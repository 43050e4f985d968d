//! Documents in a zip archive, such as the `.har.zip` of Playwright, which has bodies in files of their own beside the HAR
//! file.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::Loading;
use super::source::{Limited, Source, unpacked_limit};
use crate::RecordingError;
use crate::flow_file::{Flows, Progress};
use crate::har::Attached;
use crate::wiremock::Files;

/// Reads the `.har` files of the archive at `path`, opened as `file`, in their order; its first `.json` file if there are
/// none.
pub(crate) fn load(path: &Path, file: &File, progress: &mut dyn FnMut(Progress)) -> Result<Flows, RecordingError> {
    let refused = |reason: String| RecordingError::Zip { path: path.into(), reason };
    let reading = |source| RecordingError::reading(path, 0, source);
    let size = file.metadata().map_err(reading)?.len();
    let cursor = Cursor { file: Arc::new(file.try_clone().map_err(reading)?), at: 0, size, furthest: Rc::default() };
    let furthest = cursor.furthest.clone();
    let zip = ZipArchive::new(cursor).map_err(|error| refused(format!("but damaged: {error}")))?;
    let archive = Archive { zip, left: unpacked_limit(size) };
    let documents = archive.documents();
    if documents.is_empty() {
        return Err(refused(format!("but {}", archive.instead())));
    }
    let mut loading = Loading::new(Attached::nowhere(), Files::nowhere(), progress);
    loading.total_bytes = size;
    for (index, name) in &documents {
        furthest.set(0);
        let mut zip = archive.zip.clone();
        let document = open(&mut zip, *index).map_err(|error| {
            let name = name.escape_debug();
            refused(format!("but its `{name}` cannot be unpacked: {error}; unpack it, and give what was in it"))
        })?;
        let document = Limited { inner: document, left: archive.left.clone() };
        loading.attached = Attached::within(archive.clone(), name);
        loading.among = (documents.len() > 1).then(|| name.escape_debug().to_string());
        loading.read(path, Source::unpacked(document, size, furthest.clone()))?;
    }
    furthest.set(size);
    Ok(loading.finish())
}

/// A zip archive, which bounds what is unpacked from it. Copies share the bound.
#[derive(Clone)]
pub(crate) struct Archive {
    zip: ZipArchive<Cursor>,
    left: Rc<Cell<u64>>,
}

impl Archive {
    /// The content of the file with a name.
    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let index = self.zip.index_for_name(name).ok_or("it is not in the archive")?;
        let file = open(&mut self.zip, index)?;
        let mut content = Vec::new();
        let mut file = Limited { inner: file, left: self.left.clone() };
        file.read_to_end(&mut content).map_err(|error| error.to_string())?;
        content.shrink_to_fit();
        Ok(content)
    }

    /// The positions and names of the documents to read.
    fn documents(&self) -> Vec<(usize, String)> {
        let named = |extension: &str| {
            let names = self.names().enumerate();
            // What macOS adds to an archive is named like the files that it belongs to.
            let names = names.filter(|(_, name)| !name.starts_with("__MACOSX/"));
            names.filter(|(_, name)| name.to_ascii_lowercase().ends_with(extension)).collect::<Vec<_>>()
        };
        let mut documents = named(".har");
        if documents.is_empty() {
            documents = named(".json");
            documents.truncate(1);
        }
        documents
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.zip.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    fn instead(&self) -> String {
        let names: Vec<String> = self.names().take(NAMES_SHOWN).map(|name| name.escape_debug().to_string()).collect();
        match names.is_empty() {
            true => "it is empty".into(),
            false => format!("it holds no `.har` or `.json` file: it has `{}`", names.join("`, `")),
        }
    }
}

fn open(zip: &mut ZipArchive<Cursor>, index: usize) -> Result<ZipFile<'_, Cursor>, String> {
    let file = zip.by_index(index).map_err(|error| match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => "it is encrypted".into(),
        other => other.to_string(),
    })?;
    match file.compression() {
        CompressionMethod::Stored | CompressionMethod::Deflated => Ok(file),
        other => Err(format!("it is packed by {other}, and not by deflate")),
    }
}

/// A position in a file that others read too.
#[derive(Clone)]
struct Cursor {
    file: Arc<File>,
    at: u64,
    size: u64,
    /// How far it was read.
    furthest: Rc<Cell<u64>>,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(buffer, self.at)?;
        self.at += len as u64;
        self.furthest.set(self.furthest.get().max(self.at));
        Ok(len)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

const NAMES_SHOWN: usize = 5;

#[cfg(test)]
mod tests;
