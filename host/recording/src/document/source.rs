//! The text of a document: unpacked, without a byte order mark, and counted.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read},
    ops::Range,
    rc::Rc,
};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::{strings::Strings, thinned::Thinned};

/// How the text is packed in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Packing {
    #[default]
    Plain,
    Gzip,
    /// As mitmproxy writes `.zhar` files (RFC 1950).
    Zlib,
    /// As one of the files in a zip archive.
    Zip,
}

/// Reads the text once, from its start.
pub(crate) struct Source<'f> {
    inner: Inner<'f>,
    buffer: Vec<u8>,
    /// The part of the buffer that is not read yet.
    unread: Range<usize>,
    position: Position,
}

enum Inner<'f> {
    Whole(Box<dyn Read + 'f>),
    Thinned(Box<Thinned<'f>>),
}

impl<'f> Source<'f> {
    /// The text that is in a file, without the long strings in HAR entries if it is not packed. They are among the
    /// [`Position::strings`] then.
    pub(crate) fn thinned(file: &'f File, packing: Packing) -> io::Result<Self> {
        if packing != Packing::Plain {
            return Self::new(file, packing);
        }
        let strings = Strings::of(file.try_clone()?);
        let position = Position { size: file.metadata()?.len(), strings: strings.clone(), ..Position::default() };
        let file = Counted { inner: file, count: position.in_file.clone() };
        Ok(Self {
            inner: Inner::Thinned(Box::new(Thinned::new(file, strings))),
            buffer: Vec::new(),
            unread: 0..0,
            position,
        })
    }

    /// The whole text that is in a file.
    pub(crate) fn new(file: &'f File, packing: Packing) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let position = Position { packing, size, ..Position::default() };
        let file = Counted { inner: file, count: position.in_file.clone() };
        let inner: Box<dyn Read + 'f> = match packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip | Packing::Zip => {
                Box::new(Limited { inner: MultiGzDecoder::new(file), left: unpacked_limit(size) })
            }
            Packing::Zlib => Box::new(Limited { inner: ZlibDecoder::new(file), left: unpacked_limit(size) }),
        };
        Ok(Self { inner: Inner::Whole(inner), buffer: vec![0; BUFFER], unread: 0..0, position })
    }

    /// What is unpacked from a zip archive of `size` bytes, of which `in_file` says how far it was read.
    pub(crate) fn unpacked(inner: impl Read + 'f, size: u64, in_file: Rc<Cell<u64>>) -> Self {
        let position = Position { packing: Packing::Zip, size, in_file, ..Position::default() };
        Self { inner: Inner::Whole(Box::new(inner)), buffer: vec![0; BUFFER], unread: 0..0, position }
    }

    /// The start of the text, before any of it is read. A byte order mark is jumped over.
    pub(crate) fn first_bytes(&mut self) -> io::Result<&[u8]> {
        let inner = match &mut self.inner {
            Inner::Whole(inner) => inner,
            Inner::Thinned(text) => {
                let (start, skipped) = text.first_bytes(FIRST_BYTES, BYTE_ORDER_MARK)?;
                self.position.in_text.set(skipped as u64);
                return Ok(start);
            }
        };
        // A read may give less than is there.
        while let room @ [_, ..] = self.buffer.get_mut(self.unread.end..FIRST_BYTES).unwrap_or_default() {
            match inner.read(room)? {
                0 => break,
                len => self.unread.end += len,
            }
        }
        if self.buffer.get(..self.unread.end).is_some_and(|start| start.starts_with(BYTE_ORDER_MARK)) {
            self.unread.start = BYTE_ORDER_MARK.len();
            self.position.in_text.set(BYTE_ORDER_MARK.len() as u64);
        }
        Ok(self.buffer.get(self.unread.clone()).unwrap_or_default())
    }

    /// Where the reading is, now and later.
    pub(crate) fn position(&self) -> Position {
        self.position.clone()
    }
}

impl Read for Source<'_> {
    /// The parser takes one byte at a time.
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            self.unread = match &mut self.inner {
                Inner::Whole(inner) => 0..inner.read(&mut self.buffer)?,
                Inner::Thinned(text) => {
                    text.read_on(&mut self.buffer)?;
                    0..self.buffer.len()
                }
            };
        }
        let unread = self.buffer.get(self.unread.clone()).unwrap_or_default();
        let len = unread.take(target.len() as u64).read(target)?;
        self.unread.start += len;
        self.position.in_text.set(self.position.in_text.get() + len as u64);
        Ok(len)
    }
}

/// Where the reading of a source is.
#[derive(Clone, Default)]
pub(crate) struct Position {
    packing: Packing,
    size: u64,
    in_text: Rc<Cell<u64>>,
    in_file: Rc<Cell<u64>>,
    strings: Strings,
}

impl Position {
    /// The offset in the file. Of a packed file, no more is known than how much of it was taken.
    pub(crate) fn offset(&self) -> u64 {
        match self.packing {
            Packing::Plain => self.in_file_of(self.in_text.get()),
            Packing::Gzip | Packing::Zlib | Packing::Zip => self.in_file.get(),
        }
    }

    /// The strings that were left out of the text.
    pub(crate) fn strings(&self) -> Strings {
        self.strings.clone()
    }

    /// Forgets the strings that were left out of what was read.
    pub(crate) fn forget_strings(&self) {
        self.strings.forget_before(self.in_text.get());
    }

    fn in_file_of(&self, in_text: u64) -> u64 {
        in_text + self.strings.saved_before(in_text)
    }

    /// The offset in the file of the last `len` bytes of text.
    pub(crate) fn start_of(&self, len: usize) -> u64 {
        match self.packing {
            Packing::Plain => self.in_file_of(self.in_text.get().saturating_sub(len as u64)),
            Packing::Gzip | Packing::Zlib | Packing::Zip => self.offset(),
        }
    }

    /// How much of the file was read.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.offset().min(self.size)
    }

    /// The size of the file.
    pub(crate) fn file_size(&self) -> u64 {
        self.size
    }
}

pub(super) struct Counted<'f> {
    inner: &'f File,
    count: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.count.set(self.count.get() + len as u64);
        Ok(len)
    }
}

/// How much may be unpacked from a file of `size` bytes, in all.
pub(crate) fn unpacked_limit(size: u64) -> Rc<Cell<u64>> {
    Rc::new(Cell::new(size.saturating_mul(UNPACKED_RATIO).max(UNPACKED_ANYWAY)))
}

/// Fails where more is unpacked than any recorder packs.
pub(crate) struct Limited<R> {
    pub(crate) inner: R,
    /// What all that share it may unpack.
    pub(crate) left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(len as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it unpacks to more than {UNPACKED_RATIO} times its size"),
            )
        })?;
        self.left.set(left);
        Ok(len)
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const BUFFER: usize = 64 * 1024;
const FIRST_BYTES: usize = 16;
/// How many times larger than the file its text may be, if it is larger than [`UNPACKED_ANYWAY`].
const UNPACKED_RATIO: u64 = 100;
const UNPACKED_ANYWAY: u64 = 64 << 20;
