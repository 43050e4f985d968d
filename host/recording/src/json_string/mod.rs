//! Strings of JSON that are left in their file, as the bodies in HAR files are.
//!
//! `survey` looks at a string once, while its document is read, and says what it stands for. What is kept of it is a
//! [`JsonString`]: where its blocks lie. A block is decoded by itself, so a piece of a body costs no more than the blocks
//! that it is in, and has a checksum, so bytes that are not the ones that were surveyed are noticed. `token` takes strings
//! apart for both.

mod decode;
pub(crate) mod single_byte;
mod survey;
mod token;

use std::{
    fs::File,
    io::{self, Read},
};

use bytes::{Bytes, BytesMut};

pub(crate) use survey::{Fed, Survey, Surveyed};

use crate::piece::read_exact_at;

/// A string of JSON in a file, and what it stands for.
#[derive(Debug, PartialEq, Eq)]
pub struct JsonString {
    /// Where it starts in the file, behind its quote.
    offset: u64,
    form: Form,
    is_ascii: bool,
    start: Box<[u8]>,
    blocks: Box<[Block]>,
}

/// What a string says of the bytes that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// They are its text.
    Text,
    /// Each is one of its characters.
    SingleBytes,
    Base64,
}

/// A part of a string that is decoded by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    /// Where it ends in the string.
    raw_end: u64,
    /// Where what it stands for ends.
    end: u64,
    /// CRC-32 of the bytes in the file.
    checksum: u32,
}

/// Why a string cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The system fails to read the file at an offset.
    Failed(u64, io::Error),
    /// Other bytes than those that were surveyed are at an offset.
    Changed(u64),
}

impl JsonString {
    /// How many bytes it stands for.
    pub fn size(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.end)
    }

    /// Whether all of them are ASCII.
    pub(crate) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// The first few of them.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    /// The bytes from `at` on, `len` of them at most; nothing at and after the end.
    pub(crate) fn read_at(&self, file: &File, at: u64, len: u64) -> Result<Bytes, Unreadable> {
        let end = at.saturating_add(len).min(self.size());
        let first = self.blocks.partition_point(|block| block.end <= at);
        let mut start = self.block_start(first);
        let mut read = BytesMut::new();
        for (index, block) in self.blocks.iter().enumerate().skip(first) {
            if start.end >= end {
                break;
            }
            let decoded = self.read_block(file, start, *block)?;
            let from = at.saturating_sub(start.end).min(block.end - start.end) as usize;
            let until = (end.min(block.end) - start.end) as usize;
            let piece = decoded.slice(from..until);
            if until as u64 + start.end == end && read.is_empty() {
                return Ok(piece);
            }
            if index == first {
                read.reserve((end - at.min(end)) as usize);
            }
            read.extend_from_slice(&piece);
            start = *block;
        }
        Ok(read.freeze())
    }

    /// Reads all of it, block after block.
    pub(crate) fn reader<'s>(&'s self, file: &'s File) -> impl Read + use<'s> {
        Reader { string: self, file, next: 0, decoded: Bytes::new() }
    }

    /// Where the block at an index starts, as the end of the one before it.
    fn block_start(&self, index: usize) -> Block {
        index.checked_sub(1).and_then(|before| self.blocks.get(before)).copied().unwrap_or_default()
    }

    fn read_block(&self, file: &File, start: Block, block: Block) -> Result<Bytes, Unreadable> {
        let offset = self.offset + start.raw_end;
        let len = (block.raw_end - start.raw_end) as usize;
        let raw = read_exact_at(file, offset, len).map_err(|error| Unreadable::Failed(offset, error))?;
        let decoded = (crc32fast::hash(&raw) == block.checksum).then(|| decode::decode(raw, self.form)).flatten();
        decoded.filter(|bytes| bytes.len() as u64 == block.end - start.end).ok_or(Unreadable::Changed(offset))
    }
}

struct Reader<'s> {
    string: &'s JsonString,
    file: &'s File,
    /// The block after the one that is read.
    next: usize,
    decoded: Bytes,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoded.is_empty() {
            let Some(block) = self.string.blocks.get(self.next) else { return Ok(0) };
            let start = self.string.block_start(self.next);
            self.decoded = self.string.read_block(self.file, start, *block)?;
            self.next += 1;
        }
        let len = self.decoded.as_ref().read(buffer)?;
        let _ = self.decoded.split_to(len);
        Ok(len)
    }
}

impl From<Unreadable> for io::Error {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Failed(_, error) => error,
            Unreadable::Changed(offset) => {
                io::Error::other(format!("the text at byte {offset} of the file is another one now"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
