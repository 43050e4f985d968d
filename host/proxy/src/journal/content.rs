//! Bodies, as far as they are kept of flows that passed.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::Bytes;
use http::HeaderMap;

use super::recent::Charge;
use crate::flow::{Body, BodyObserver, Completion, Stored};

/// The content of a message, as far as it is kept.
#[derive(Clone, Debug, Default)]
pub(super) enum Content {
    /// There is none.
    #[default]
    Empty,
    /// It is here, and counts as the flow's.
    Bytes(Bytes),
    /// It is kept elsewhere.
    Stored(Arc<dyn Stored>),
    /// It arrives, and is kept as far as there is room.
    Passing(Arc<Kept>),
    /// It is not kept; its size where that is known.
    NotKept(Option<u64>),
}

impl Content {
    /// What is counted of a body, and not kept.
    pub(super) fn counted(body: &Body) -> Self {
        match body {
            // Its size is only known when it has passed.
            Body::Live(_) if body.size().is_none() => Self::passing(body, None, 0),
            Body::Empty => Self::Empty,
            _ => Self::NotKept(body.size()),
        }
    }

    /// What is kept of a body that arrives, at most `limit` bytes. It takes its room from `charge`.
    pub(super) fn arriving(body: &Body, charge: Charge, limit: usize) -> Self {
        let fits = body.size().is_none_or(|size| size <= limit as u64);
        Self::passing(body, Some(charge), if fits { limit } else { 0 })
    }

    /// What is kept of a body that is here, at most `limit` bytes.
    pub(super) fn here(body: &Body, limit: usize) -> Self {
        match body {
            Body::Empty => Self::Empty,
            Body::Stored(stored) => Self::Stored(stored.clone()),
            Body::Bytes(bytes) if bytes.len() <= limit => Self::Bytes(bytes.clone()),
            Body::Bytes(_) | Body::Live(_) | Body::Gone => Self::NotKept(body.size()),
        }
    }

    /// The bytes that count as the flow's.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Empty | Self::Stored(_) | Self::Passing(_) | Self::NotKept(_) => 0,
        }
    }

    /// What is kept elsewhere, if it is.
    pub(super) fn stored(&self) -> Option<Arc<dyn Stored>> {
        match self {
            Self::Stored(stored) => Some(stored.clone()),
            _ => None,
        }
    }

    /// What is kept of what was kept elsewhere, and passed until `ended`.
    pub(super) fn copied(stored: &dyn Stored, charge: Charge, limit: usize, ended: SystemTime) -> Self {
        let size = stored.size();
        let fits = usize::try_from(size).is_ok_and(|size| size <= limit && charge.take(size));
        let Some(bytes) = fits.then(|| stored.read_all().ok()).flatten() else { return Self::NotKept(Some(size)) };
        // Copied, as what was read may be a part of something larger.
        let (bytes, trailers, ended) = (bytes.to_vec(), stored.trailers(), Some((true, ended)));
        let state = State { bytes, seen: size, is_over: false, trailers, ended };
        Self::Passing(Arc::new(Kept { charge: Some(charge), limit, state: Mutex::new(state) }))
    }

    fn passing(body: &Body, charge: Option<Charge>, limit: usize) -> Self {
        let kept = Arc::new(Kept { charge, limit, state: Mutex::default() });
        body.observe(kept.clone());
        Self::Passing(kept)
    }

    /// Bytes that have arrived, where that is known.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stored(stored) => stored.size(),
            Self::Passing(kept) => kept.lock().seen,
            Self::NotKept(size) => size.unwrap_or_default(),
        }
    }

    /// When it ended, if that was seen.
    pub(super) fn ended_at(&self) -> Option<SystemTime> {
        match self {
            Self::Passing(kept) => kept.lock().ended.map(|(_, at)| at),
            _ => None,
        }
    }

    /// The fields after it.
    pub(super) fn trailers(&self) -> Option<HeaderMap> {
        match self {
            Self::Passing(kept) => kept.lock().trailers.clone(),
            Self::Stored(stored) => stored.trailers(),
            Self::Empty | Self::Bytes(_) | Self::NotKept(_) => None,
        }
    }

    /// It, as it is shown.
    pub(super) fn shown(&self) -> control::Content {
        match self {
            Self::Empty => control::Content::Kept(Bytes::new()),
            Self::Bytes(bytes) => control::Content::Kept(bytes.clone()),
            Self::Stored(stored) => match stored.read_all() {
                Ok(all) => control::Content::Kept(all),
                Err(_) => control::Content::NotKept(Some(stored.size())),
            },
            Self::Passing(kept) => {
                let state = kept.lock();
                match state.ended {
                    _ if state.is_over => control::Content::NotKept(Some(state.seen)),
                    Some((true, _)) => control::Content::Kept(Bytes::copy_from_slice(&state.bytes)),
                    _ => control::Content::Partial(Bytes::copy_from_slice(&state.bytes)),
                }
            }
            Self::NotKept(size) => control::Content::NotKept(*size),
        }
    }
}

/// Keeps a body while it passes. Pieces are copied: they share the buffers that they were read into, which may be far larger.
pub(super) struct Kept {
    charge: Option<Charge>,
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    seen: u64,
    /// Whether it is more than can be kept; then nothing is.
    is_over: bool,
    trailers: Option<HeaderMap>,
    /// Whether all of it had arrived when it ended, and when that was.
    ended: Option<(bool, SystemTime)>,
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Kept").field("seen", &self.lock().seen).finish_non_exhaustive()
    }
}

impl BodyObserver for Kept {
    fn piece(&self, piece: &Bytes) {
        let mut state = self.lock();
        state.seen += piece.len() as u64;
        if state.is_over {
            return;
        }
        let fits = state.bytes.len() + piece.len() <= self.limit;
        if fits && self.charge.as_ref().is_some_and(|charge| charge.take(piece.len())) {
            state.bytes.extend_from_slice(piece);
        } else {
            state.is_over = true;
            let kept = std::mem::take(&mut state.bytes);
            if let Some(charge) = &self.charge {
                charge.give_back(kept.len());
            }
        }
    }

    fn trailers(&self, trailers: &HeaderMap) {
        self.lock().trailers = Some(trailers.clone());
    }

    fn poll_room(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn end(&self, whole: bool) -> Option<Completion> {
        self.lock().ended = Some((whole, SystemTime::now()));
        None
    }
}
