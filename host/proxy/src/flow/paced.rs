//! Stored content that is sent as time goes by.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::{
    Fault, Sender, Stored,
    body::{AT_ONCE, unreadable},
    outgoing::broken,
};

/// Stored content on its way, in pieces that each have their time.
pub(super) struct Paced {
    stored: Arc<dyn Stored>,
    trailers: Option<HeaderMap>,
    /// When the head went out.
    began: Option<Instant>,
    beat: usize,
    /// How many bytes were sent, and where the current piece ends.
    offset: u64,
    until: u64,
    /// Waits for the current piece's time.
    timer: Option<Pin<Box<Sleep>>>,
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
    /// Content that is not to be sent at once.
    pub(super) fn new(stored: &Arc<dyn Stored>) -> Option<Self> {
        let trailers = stored.trailers();
        let paced = !stored.beats().is_empty();
        let stored = stored.clone();
        paced.then_some(Self { stored, trailers, began: None, beat: 0, offset: 0, until: 0, timer: None })
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let began = *self.began.get_or_insert_with(Instant::now);
        while self.offset >= self.until {
            if self.offset >= self.stored.size() {
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            let Some(beat) = self.stored.beats().get(self.beat).copied() else {
                self.until = self.stored.size();
                break;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(began + beat.after)));
            ready!(timer.as_mut().poll(context));
            self.timer = None;
            self.beat += 1;
            self.until = self.offset.saturating_add(beat.len).min(self.stored.size());
        }
        let limit = (self.until - self.offset).min(LARGEST_PIECE);
        let piece = self.stored.read_at(self.offset, usize::try_from(limit).unwrap_or(AT_ONCE as usize));
        self.offset += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(Some(piece.map(Frame::data).map_err(|error| broken(Sender::Server, &unreadable(error)))))
    }

    /// A body with trailers must be chunked in HTTP/1, which a known size would prevent.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self.trailers {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.stored.size() - self.offset),
        }
    }
}

/// Pieces are sent as they are up to this size, which no read from a peer reaches.
const LARGEST_PIECE: u64 = 1 << 20;
