//! Undoing the content codings that HAR files have bodies without.

use std::io::{self, BufRead, BufReader, Read};

use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::model::Fields;

/// A coding that can be undone here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// How a body is coded, by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coded {
    Not,
    As(Coding),
    /// In several ways, or in one that is not known.
    Otherwise,
}

impl Coded {
    pub(super) fn by(fields: &Fields) -> Self {
        let values = fields.lines("content-encoding");
        let codings = values.flat_map(|value| value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
        let mut codings = codings.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"));
        match (codings.next().map(<[u8]>::to_ascii_lowercase).as_deref(), codings.next()) {
            (None, _) => Self::Not,
            (Some(b"gzip" | b"x-gzip"), None) => Self::As(Coding::Gzip),
            (Some(b"deflate"), None) => Self::As(Coding::Deflate),
            (Some(b"br"), None) => Self::As(Coding::Brotli),
            _ => Self::Otherwise,
        }
    }
}

impl Coding {
    /// Reads what was coded. More of it than `limit` bytes is an error.
    pub(super) fn undo<'s>(self, source: impl Read + 's, limit: u64) -> io::Result<Box<dyn Read + 's>> {
        let mut source = BufReader::new(source);
        Ok(match self {
            Self::Gzip => Box::new(Limited { inner: MultiGzDecoder::new(source), left: limit }),
            Self::Deflate if has_zlib_head(source.fill_buf()?) => {
                Box::new(Limited { inner: ZlibDecoder::new(source), left: limit })
            }
            // Some senders leave out the zlib format around their deflate data.
            Self::Deflate => Box::new(Limited { inner: DeflateDecoder::new(source), left: limit }),
            Self::Brotli => {
                let mut decoder = Decompressor::new(source, BUFFER);
                // Large windows are not part of RFC 7932, and may ask for a gigabyte of memory.
                decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                Box::new(Limited { inner: decoder, left: limit })
            }
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

/// Fails where more is decoded than anybody sends.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        let left = self.left.checked_sub(len as u64);
        self.left = left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the coded body is too large"))?;
        Ok(len)
    }
}

const BUFFER: usize = 4 * 1024;
