//! Zip archives, such as the `.har.zip` of Playwright, which has bodies in files of their own beside the HAR file.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    rc::Rc,
    sync::Arc,
};

use zip::{CompressionMethod, ZipArchive, read::ZipFile, result::ZipError};

use super::source::{Limited, Source, unpacked_limit};

/// A zip archive, which bounds what is unpacked from it. Copies share the bound.
#[derive(Clone)]
pub(crate) struct Archive {
    zip: ZipArchive<Cursor>,
    left: Rc<Cell<u64>>,
    /// How far the file was read, and its size.
    furthest: Rc<Cell<u64>>,
    size: u64,
}

impl Archive {
    /// Opens the archive that is in `file`. The inner result says why it is none.
    pub(crate) fn open(file: &File) -> io::Result<Result<Self, ZipError>> {
        let size = file.metadata()?.len();
        let furthest = Rc::default();
        let cursor = Cursor { file: Arc::new(file.try_clone()?), at: 0, size, furthest: Rc::clone(&furthest) };
        let left = unpacked_limit(size);
        Ok(ZipArchive::new(cursor).map(|zip| Self { zip, left, furthest, size }))
    }

    /// The size of its file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The text of the document at a position. How far the file was read is counted anew for it.
    pub(crate) fn document(&mut self, index: usize) -> Result<Source<'_>, String> {
        self.furthest.set(0);
        let inner = open(&mut self.zip, index)?;
        let document = Limited { inner, left: self.left.clone() };
        Ok(Source::unpacked(document, self.size, self.furthest.clone()))
    }

    /// Nothing more is to be read.
    pub(crate) fn end(&self) {
        self.furthest.set(self.size);
    }

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
    pub(crate) fn documents(&self) -> Vec<(usize, String)> {
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

    /// What it holds if there are none.
    pub(crate) fn instead(&self) -> String {
        let names: Vec<String> = self.names().take(NAMES_SHOWN).map(|name| name.escape_debug().to_string()).collect();
        if names.is_empty() {
            "it is empty".into()
        } else {
            format!("it holds no `.har` or `.json` file: it has `{}`", names.join("`, `"))
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
