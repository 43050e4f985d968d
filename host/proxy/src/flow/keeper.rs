//! Content that is kept while it is sent on.

use std::{
    any::Any,
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use tokio::sync::Notify;

use super::{BodyFailure, BodyObserver, Collecting, Completion};

/// Keeps what passes.
pub(super) struct Keeper {
    limit: u64,
    kept: Mutex<Kept>,
    ended: Notify,
    _held: Box<dyn Any + Send + Sync>,
}

enum Kept {
    Arriving { pieces: Vec<Bytes>, bytes: u64 },
    Whole(Bytes),
    Lost(BodyFailure),
}

impl fmt::Debug for Keeper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keeper").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Keeper {
    /// Keeps at most so many bytes. `held` is dropped with them.
    pub(super) fn new(limit: u64, held: Box<dyn Any + Send + Sync>) -> Self {
        let kept = Mutex::new(Kept::Arriving { pieces: Vec::new(), bytes: 0 });
        Self { limit, kept, ended: Notify::new(), _held: held }
    }

    /// All that passed, once that has ended.
    ///
    /// # Errors
    /// When it was more than is kept, broke off, or does not end in time.
    pub(super) async fn all(&self, terms: Collecting) -> Result<Bytes, BodyFailure> {
        let ended = self.ended.notified();
        tokio::pin!(ended);
        // From here on it is told of the end, so that none is missed between looking and waiting.
        ended.as_mut().enable();
        if let Some(outcome) = self.outcome(terms.limit) {
            return outcome;
        }
        if tokio::time::timeout(terms.within, ended).await.is_err() {
            return Err(BodyFailure::TimedOut);
        }
        self.outcome(terms.limit).unwrap_or(Err(BodyFailure::TimedOut))
    }

    fn outcome(&self, limit: u64) -> Option<Result<Bytes, BodyFailure>> {
        match &*self.lock() {
            Kept::Arriving { .. } => None,
            Kept::Whole(bytes) if bytes.len() as u64 > limit => Some(Err(BodyFailure::TooLarge)),
            Kept::Whole(bytes) => Some(Ok(bytes.clone())),
            Kept::Lost(failure) => Some(Err(failure.clone())),
        }
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BodyObserver for Keeper {
    fn piece(&self, piece: &Bytes) {
        let mut kept = self.lock();
        let Kept::Arriving { pieces, bytes } = &mut *kept else { return };
        *bytes += piece.len() as u64;
        if *bytes > self.limit {
            *kept = Kept::Lost(BodyFailure::TooLarge);
        } else {
            pieces.push(piece.clone());
        }
    }

    fn trailers(&self, _: &HeaderMap) {}

    fn poll_room(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn end(&self, whole: bool) -> Option<Completion> {
        let mut kept = self.lock();
        if let Kept::Arriving { pieces, bytes } = &mut *kept {
            *kept = if whole {
                let mut joined = BytesMut::with_capacity(usize::try_from(*bytes).unwrap_or_default());
                mem::take(pieces).iter().for_each(|piece| joined.extend_from_slice(piece));
                Kept::Whole(joined.freeze())
            } else {
                Kept::Lost(BodyFailure::Incomplete("its sender broke off".to_owned()))
            };
        }
        drop(kept);
        self.ended.notify_waiters();
        None
    }
}
