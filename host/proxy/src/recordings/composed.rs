//! Contents made of parts of others.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::HeaderMap;

use crate::flow::{Body, Stored};

/// A piece of a new content.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// Bytes of the content that there was.
    Part {
        /// Where they begin.
        offset: u64,
        /// How many there are.
        len: u64,
    },
}

/// What a piece takes beside its bytes.
const PIECE: usize = 64;

/// A content of these pieces, and the memory that it takes until it is sent.
///
/// # Errors
/// When the content is not here, or has no such part; the text says which.
pub(super) fn compose(body: &Body, pieces: Vec<Piece>) -> Result<(Body, usize), String> {
    let whole = match body {
        Body::Empty => Source::Bytes(Bytes::new()),
        Body::Bytes(bytes) => Source::Bytes(bytes.clone()),
        Body::Stored(stored) => Source::Stored(stored.clone()),
        Body::Live(_) | Body::Gone => return Err("its content is not here".to_owned()),
    };
    let all = body.size().unwrap_or_default();
    let (mut segments, mut size, mut memory) = (Vec::new(), 0_u64, 0);
    for piece in pieces {
        let segment = match piece {
            Piece::Bytes(bytes) => {
                memory += bytes.len();
                Segment { source: Source::Bytes(bytes.clone()), offset: 0, len: bytes.len() as u64 }
            }
            Piece::Part { offset, len } => {
                let is_within = offset.checked_add(len).is_some_and(|end| end <= all);
                if !is_within {
                    return Err(format!("its content has {all} bytes, and no part of {len} at {offset}"));
                }
                Segment { source: whole.clone(), offset, len }
            }
        };
        memory += PIECE;
        size = size.saturating_add(segment.len);
        segments.push(segment);
    }
    segments.retain(|segment| segment.len > 0);
    let body = if size == 0 { Body::Empty } else { Body::Stored(Arc::new(Composed { segments, size })) };
    Ok((body, memory))
}

#[derive(Clone, Debug)]
enum Source {
    Bytes(Bytes),
    Stored(Arc<dyn Stored>),
}

/// Bytes of a source.
#[derive(Debug)]
struct Segment {
    source: Source,
    offset: u64,
    len: u64,
}

/// Segments, one after the other, of which none is empty.
#[derive(Debug)]
struct Composed {
    segments: Vec<Segment>,
    size: u64,
}

impl Stored for Composed {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, limit: usize) -> io::Result<Bytes> {
        let mut left = offset;
        for segment in &self.segments {
            let Some(rest) = segment.len.checked_sub(left).filter(|rest| *rest > 0) else {
                left = left.saturating_sub(segment.len);
                continue;
            };
            let limit = usize::try_from(rest).unwrap_or(usize::MAX).min(limit);
            let start = segment.offset + left;
            return match &segment.source {
                Source::Stored(stored) => stored.read_at(start, limit),
                Source::Bytes(bytes) => {
                    let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
                    Ok(bytes.slice(start..start.saturating_add(limit).min(bytes.len())))
                }
            };
        }
        Ok(Bytes::new())
    }

    fn trailers(&self) -> Option<HeaderMap> {
        None
    }
}

#[cfg(test)]
mod tests;
