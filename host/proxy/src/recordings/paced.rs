//! Recorded content that is sent as time goes by.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use recording::Beat;
use tokio::time::{Instant, Sleep};

use crate::flow::{Fault, FaultKind, Stored};

/// Stored content on its way, in pieces that each have their time.
pub(super) struct Paced {
    stored: Arc<dyn Stored>,
    trailers: Option<HeaderMap>,
    beats: Arc<[Beat]>,
    /// When the head went out.
    began: Option<Instant>,
    beat: usize,
    /// How many bytes were sent, and where the current piece ends.
    offset: u64,
    until: u64,
    /// Waits for the current piece's time.
    timer: Option<Pin<Box<Sleep>>>,
    /// How it ends, if it broke off.
    broken: Option<Broken>,
}

/// How a content ends that broke off when it was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken {
    pub(super) end: BrokenEnd,
    /// The length that it was to have.
    pub(super) announced: Option<u64>,
}

/// What comes after what was recorded.
#[derive(Clone, Copy, Debug)]
pub enum BrokenEnd {
    /// The connection is cut, or the stream reset.
    Close,
    /// Nothing, until the client leaves.
    Hold,
}

impl fmt::Debug for Paced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Paced")
            .field("stored", &self.stored)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Paced {
    /// Content that is sent in these pieces, one after the other from its start.
    pub(super) fn new(stored: Arc<dyn Stored>, beats: Arc<[Beat]>) -> Self {
        let trailers = stored.trailers();
        Self { stored, trailers, beats, began: None, beat: 0, offset: 0, until: 0, timer: None, broken: None }
    }

    /// The same, if it broke off.
    pub(super) fn broken(self, broken: Option<Broken>) -> Self {
        Self { broken, ..self }
    }

    /// What comes after all that there is.
    fn end(&mut self) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match self.broken {
            None => Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
            Some(Broken { end: BrokenEnd::Close, .. }) => Poll::Ready(Some(Err(Fault::new(
                FaultKind::ResponseIncomplete,
                "the body broke off, as it did when it was recorded",
            )))),
            Some(Broken { end: BrokenEnd::Hold, .. }) => Poll::Pending,
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        let began = *this.began.get_or_insert_with(Instant::now);
        while this.offset >= this.until {
            if this.offset >= this.stored.size() {
                return this.end();
            }
            let Some(beat) = this.beats.get(this.beat).copied() else {
                this.until = this.stored.size();
                break;
            };
            let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(began + beat.after)));
            ready!(timer.as_mut().poll(context));
            this.timer = None;
            this.beat += 1;
            this.until = this.offset.saturating_add(beat.len).min(this.stored.size());
        }
        // It is at most a mebibyte, which is a size.
        let limit = (this.until - this.offset).min(LARGEST_PIECE);
        let piece = this.stored.read_at(this.offset, limit as usize);
        this.offset += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(Some(piece.map(Frame::data).map_err(Fault::unreadable_body)))
    }

    /// A body with trailers must be chunked in HTTP/1, which a known size would prevent.
    fn size_hint(&self) -> SizeHint {
        let all = match (self.broken, &self.trailers) {
            // What was announced, of which not all comes.
            (Some(broken), _) => broken.announced.filter(|&all| all >= self.stored.size()),
            (None, Some(_)) => None,
            (None, None) => Some(self.stored.size()),
        };
        all.map_or_else(SizeHint::default, |all| SizeHint::with_exact(all - self.offset))
    }
}

/// Pieces are sent as they are up to this size, which no read from a peer reaches.
const LARGEST_PIECE: u64 = 1 << 20;

#[cfg(test)]
mod tests;
