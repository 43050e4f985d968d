//! Undoes the content codings of HTTP (RFC 9110, section 8.4.1), within bounds.
//!
//! [`decode`] takes a content and the name of its coding; [`Coding::reader`] does the same for a stream, and
//! [`Coding::decode_start`] for a content that breaks off. Whoever sends a content decides what comes of it, so all of
//! them are told how much may.

mod limited;
mod zstd;

use std::{
    borrow::Cow,
    io::{self, BufRead, ErrorKind, Read},
};

use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use limited::Limited;
use zstd::Frames;

/// The content before it was coded, the same one when it was not; nothing when a coding is not known, its data is damaged or
/// more than `limit` bytes come of it, or when there are more than [`MOST_CODINGS`].
///
/// `codings` is the value of a `content-encoding` field: the codings in the order in which they were applied, or none.
pub fn decode<'a>(content: &'a [u8], codings: &[u8], limit: usize) -> Option<Cow<'a, [u8]>> {
    let mut decoded = Cow::Borrowed(content);
    let applied = codings.rsplit(|byte| *byte == b',').filter(|name| !is_identity(name));
    for (undone, name) in applied.enumerate() {
        if undone == MOST_CODINGS {
            return None;
        }
        decoded = Coding::named(name)?.decode(&decoded, limit)?.into();
    }
    Some(decoded)
}

/// Codings of one content that are undone. Nobody uses more than two, and each of them takes its time.
pub const MOST_CODINGS: usize = 4;

/// Whether the name of a coding stands for none (RFC 9110, section 12.5.3).
pub fn is_identity(name: &[u8]) -> bool {
    let name = name.trim_ascii();
    name.is_empty() || name.eq_ignore_ascii_case(b"identity")
}

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Any number of gzip members (RFC 1952).
    Gzip,
    /// Deflate data in the zlib format (RFC 1950), and nothing else.
    Zlib,
    /// What is sent as `deflate`: the zlib format, or the deflate data without it (RFC 1951), as some senders have it.
    Deflate,
    /// Brotli (RFC 7932).
    Brotli,
    /// Any number of Zstandard frames (RFC 8878).
    Zstd,
}

impl Coding {
    /// The coding of a name; nothing when it is not known. Names are the same in any case, with or without white space
    /// around them.
    pub fn named(name: &[u8]) -> Option<Self> {
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"br" => Some(Self::Brotli),
            b"zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// All that was coded; nothing when the data is damaged or more than `limit` bytes come of it.
    pub fn decode(self, content: &[u8], limit: usize) -> Option<Vec<u8>> {
        let whole = |reader: &mut dyn Read| {
            let mut decoded = Vec::new();
            reader.read_to_end(&mut decoded).is_ok().then_some(decoded)
        };
        match self {
            // Data without the zlib format may begin as if it had it.
            Self::Deflate => {
                let with_format = whole(&mut Limited::new(ZlibDecoder::new(content), limit as u64));
                with_format.or_else(|| whole(&mut Limited::new(DeflateDecoder::new(content), limit as u64)))
            }
            other => whole(&mut *other.reader(content, limit as u64).ok()?),
        }
    }

    /// What was coded up to where the content breaks off; nothing when the data is damaged otherwise or more than `limit`
    /// bytes come of it.
    pub fn decode_start(self, content: &[u8], limit: usize) -> Option<Vec<u8>> {
        let mut decoded = Vec::new();
        match self.reader(content, limit as u64).ok()?.read_to_end(&mut decoded) {
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => None,
            _ => Some(decoded),
        }
    }

    /// Reads what was coded. More of it than `limit` bytes is an error.
    ///
    /// # Errors
    /// When the start of the source cannot be read.
    pub fn reader<'s>(self, mut source: impl BufRead + Send + 's, limit: u64) -> io::Result<Box<dyn Read + Send + 's>> {
        Ok(match self {
            Self::Gzip => Box::new(Limited::new(MultiGzDecoder::new(source), limit)),
            Self::Deflate if !has_zlib_head(source.fill_buf()?) => {
                Box::new(Limited::new(DeflateDecoder::new(source), limit))
            }
            Self::Zlib | Self::Deflate => Box::new(Limited::new(ZlibDecoder::new(source), limit)),
            Self::Brotli => {
                let mut decoder = Decompressor::new(source, BUFFER);
                // Large windows are not part of RFC 7932, and may ask for a gigabyte of memory.
                decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                Box::new(Limited::new(decoder, limit))
            }
            Self::Zstd => Box::new(Limited::new(Frames::new(source), limit)),
        })
    }
}

/// RFC 1950, section 2.2.
fn has_zlib_head(start: &[u8]) -> bool {
    match start {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31),
        _ => false,
    }
}

/// The coded bytes that are read at once, where a decoder wants to know.
const BUFFER: usize = 4 * 1024;

#[cfg(test)]
mod tests;
