//! Content that is arriving.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::{BodyFailure, Collecting, Tap, tap::Taps};

/// Content that is arriving, and what has arrived of it so far.
pub struct Live {
    size: Option<u64>,
    arrival: Mutex<Arrival>,
    /// All who see it, also after it was sent on.
    taps: Mutex<Vec<Arc<dyn Tap>>>,
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("size", &self.size).finish_non_exhaustive()
    }
}

/// What has arrived, and where the rest comes from.
#[derive(Default)]
pub(super) struct Arrival {
    pub(super) arrived: VecDeque<Bytes>,
    arrived_bytes: u64,
    pub(super) trailers: Option<HeaderMap>,
    /// `None` when all has arrived, or while somebody waits for more.
    pub(super) rest: Option<Incoming>,
    pub(super) failure: Option<BodyFailure>,
    pub(super) taps: Taps,
}

impl Arrival {
    fn add(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => {
                self.taps.piece(&data);
                self.arrived_bytes += data.len() as u64;
                self.arrived.push_back(data);
            }
            Err(frame) => {
                self.trailers = frame.into_trailers().ok();
                self.trailers.iter().for_each(|trailers| self.taps.trailers(trailers));
            }
        }
    }
}

impl Live {
    pub(super) fn new(incoming: Incoming) -> Self {
        let size = incoming.size_hint().exact();
        let arrival = Arrival { rest: Some(incoming), ..Arrival::default() };
        Self { size, arrival: Mutex::new(arrival), taps: Mutex::default() }
    }

    /// Lets somebody see it, beginning with what has arrived.
    pub(super) fn tap(&self, tap: Arc<dyn Tap>) {
        let mut arrival = self.lock();
        arrival.arrived.iter().for_each(|piece| tap.piece(piece));
        arrival.trailers.iter().for_each(|trailers| tap.trailers(trailers));
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).push(tap.clone());
        arrival.taps.add(tap);
        if arrival.failure.is_some() || arrival.rest.is_none() {
            let whole = arrival.failure.is_none();
            arrival.taps.end(whole);
        }
    }

    /// Those who see it.
    pub(super) fn taps(&self) -> Vec<Arc<dyn Tap>> {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The length that its sender announced.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Hooks of one flow run one after the other, so the lock is never contended; nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Arrival> {
        self.arrival.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything, for sending it on.
    pub(super) fn take(&self) -> Arrival {
        std::mem::take(&mut *self.lock())
    }

    /// Waits for one more frame; `false` when there is none.
    async fn more(&self, deadline: Instant) -> Result<bool, BodyFailure> {
        let rest = {
            let mut arrival = self.lock();
            if let Some(failure) = &arrival.failure {
                return Err(failure.clone());
            }
            arrival.rest.take()
        };
        let Some(rest) = rest else { return Ok(false) };
        // Gives the stream back when the caller's future is dropped while it waits.
        let mut waiting = Waiting { live: self, rest: Some(rest) };
        let Some(stream) = &mut waiting.rest else { return Ok(false) };
        let failure = match tokio::time::timeout_at(deadline, stream.frame()).await {
            Ok(Some(Ok(frame))) => {
                self.lock().add(frame);
                return Ok(true);
            }
            Ok(None) => {
                waiting.rest = None;
                self.lock().taps.end(true);
                return Ok(false);
            }
            Ok(Some(Err(error))) => BodyFailure::Incomplete(error.to_string()),
            Err(_) => BodyFailure::TimedOut,
        };
        let mut arrival = self.lock();
        arrival.failure = Some(failure.clone());
        arrival.taps.end(false);
        Err(failure)
    }

    /// All of it, once it has arrived.
    pub(super) async fn collect(&self, terms: Collecting) -> Result<Bytes, BodyFailure> {
        let deadline = Instant::now() + terms.within;
        while self.more(deadline).await? {
            if self.lock().arrived_bytes > terms.limit {
                return Err(BodyFailure::TooLarge);
            }
        }
        let mut arrival = self.lock();
        if arrival.arrived.len() > 1 {
            let mut joined = BytesMut::with_capacity(usize::try_from(arrival.arrived_bytes).unwrap_or_default());
            arrival.arrived.drain(..).for_each(|piece| joined.extend_from_slice(&piece));
            arrival.arrived.push_back(joined.freeze());
        }
        Ok(arrival.arrived.front().cloned().unwrap_or_default())
    }

    /// The bytes from an offset on, waiting for at least one; nothing at the end.
    pub(super) async fn piece(
        &self,
        offset: u64,
        limit: usize,
        terms: Collecting,
    ) -> Result<Option<Bytes>, BodyFailure> {
        let deadline = Instant::now() + terms.within;
        loop {
            {
                let arrival = self.lock();
                if arrival.arrived_bytes > terms.limit {
                    return Err(BodyFailure::TooLarge);
                }
                let mut start = 0;
                for piece in &arrival.arrived {
                    let end = start + piece.len() as u64;
                    if offset < end {
                        // Both numbers are within one piece that is in memory.
                        let from = (offset - start) as usize;
                        return Ok(Some(piece.slice(from..piece.len().min(from.saturating_add(limit)))));
                    }
                    start = end;
                }
            }
            if !self.more(deadline).await? {
                return Ok(None);
            }
        }
    }
}

struct Waiting<'a> {
    live: &'a Live,
    rest: Option<Incoming>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.live.lock().rest = self.rest.take();
    }
}
