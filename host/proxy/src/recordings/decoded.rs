//! Contents whose coding is undone.

use std::{
    io::{self, BufRead, BufReader, Read},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use coding::Coding;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};

use crate::flow::{Body, BoxError};

/// A content that decodes to no more is decoded at once, so that its length is known and damage is seen in time.
const AT_ONCE: u64 = 256 * 1024;

/// Most bytes that may come of a content, or so many times its own if that is more.
const MOST: u64 = 16 << 20;
const MOST_TIMES: u64 = 100;

/// What a decoder keeps at most of what it has decoded (RFC 7932, section 9.1).
const WINDOW: usize = 16 << 20;

/// The bytes that are read or decoded at a time.
const PIECE: usize = 32 * 1024;

/// A decoded content, and the memory that it takes until it is sent.
pub(super) struct Decoded {
    pub(super) body: Body,
    pub(super) memory: usize,
}

/// Undoes the codings of a content, the last one first.
///
/// # Errors
/// When a coding is not known, the content is not here, or its beginning cannot be decoded; the text says which.
pub(super) fn decode(body: &Body, codings: &[String]) -> Result<Decoded, String> {
    let size = match body {
        Body::Live(_) | Body::Gone => return Err("its content is not here".to_owned()),
        Body::Empty | Body::Bytes(_) | Body::Stored(_) => body.size().unwrap_or_default(),
    };
    let limit = size.saturating_mul(MOST_TIMES).max(MOST);
    let mut reader: Box<dyn Read + Send> = Box::new(Source { body: body.clone(), offset: 0, here: Bytes::new() });
    for name in codings.iter().rev().filter(|_| size > 0) {
        let known = Coding::named(name.as_bytes());
        let coding = known.ok_or_else(|| format!("the coding `{}` is not known", name.escape_debug()))?;
        reader = coding.reader(BufReader::new(reader), limit).map_err(failed)?;
    }
    let mut first = Vec::new();
    reader.by_ref().take(AT_ONCE + 1).read_to_end(&mut first).map_err(failed)?;
    let is_whole = first.len() as u64 <= AT_ONCE;
    let trailers = body.known_trailers();
    if is_whole && trailers.is_none() {
        let memory = first.len();
        let body = if first.is_empty() { Body::Empty } else { Body::Bytes(first.into()) };
        return Ok(Decoded { body, memory });
    }
    let memory = first.len() + WINDOW;
    let stream = Decoding { first: Bytes::from(first), reader: (!is_whole).then_some(reader), trailers };
    Ok(Decoded { body: Body::live(stream), memory })
}

fn failed(error: io::Error) -> String {
    format!("its content cannot be decoded: {error}")
}

/// A content as a file.
struct Source {
    body: Body,
    offset: u64,
    here: Bytes,
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.here.is_empty() {
            self.here = match &self.body {
                Body::Bytes(bytes) => {
                    bytes.slice(usize::try_from(self.offset).unwrap_or(usize::MAX).min(bytes.len())..)
                }
                Body::Stored(stored) if self.offset < stored.size() => stored.read_at(self.offset, PIECE)?,
                _ => Bytes::new(),
            };
            self.offset += self.here.len() as u64;
        }
        Ok(&self.here)
    }

    fn consume(&mut self, bytes: usize) {
        self.here.advance(bytes.min(self.here.len()));
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// A content that is decoded while it is sent.
struct Decoding {
    first: Bytes,
    /// What comes after the first bytes; nothing at the end, or after a failure.
    reader: Option<Box<dyn Read + Send>>,
    trailers: Option<HeaderMap>,
}

impl HttpBody for Decoding {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if !this.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.first)))));
        }
        if let Some(reader) = &mut this.reader {
            // Decoded here rather than on another thread: a piece takes a fraction of a millisecond.
            let mut piece = vec![0; PIECE];
            match reader.read(&mut piece) {
                Ok(0) => this.reader = None,
                Ok(read) => {
                    piece.truncate(read);
                    return Poll::Ready(Some(Ok(Frame::data(piece.into()))));
                }
                Err(error) => {
                    (this.reader, this.trailers) = (None, None);
                    return Poll::Ready(Some(Err(failed(error).into())));
                }
            }
        }
        Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }
}

#[cfg(test)]
mod tests;
