//! Content that is arriving.

use std::{
    any::Any,
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use tokio::time::Instant;

use super::{BodyFailure, BodyObserver, BoxError, Collecting, keeper::Keeper, observer::Observers};

/// Where content comes from, whatever it runs over.
pub(super) type Incoming = UnsyncBoxBody<Bytes, BoxError>;

/// Content that is arriving, and what has arrived of it so far.
pub struct Live {
    size: Option<u64>,
    arrival: Mutex<Arrival>,
    /// Who keeps it when it is sent on.
    keeper: Mutex<Option<Arc<Keeper>>>,
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
    pub(super) observers: Observers,
    /// Whether it is being sent on.
    is_taken: bool,
}

impl Arrival {
    fn add(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => {
                self.observers.piece(&data);
                self.arrived_bytes += data.len() as u64;
                self.arrived.push_back(data);
            }
            Err(frame) => {
                self.trailers = frame.into_trailers().ok();
                if let Some(trailers) = &self.trailers {
                    self.observers.trailers(trailers);
                }
            }
        }
    }

    /// No more will arrive.
    fn fail(&mut self, failure: BodyFailure) -> BodyFailure {
        self.failure = Some(failure.clone());
        self.observers.end(false);
        failure
    }

    /// What has arrived, in one piece.
    fn joined(&self) -> Bytes {
        if self.arrived.len() < 2 {
            return self.arrived.front().cloned().unwrap_or_default();
        }
        let mut joined = BytesMut::with_capacity(usize::try_from(self.arrived_bytes).unwrap_or_default());
        self.arrived.iter().for_each(|piece| joined.extend_from_slice(piece));
        joined.freeze()
    }
}

/// As much as is looked at of a body before its head is passed on, in bytes: small bodies are whole within it.
const LOOKED_AHEAD: u64 = 16 * 1024;

impl Live {
    pub(super) fn new<B>(incoming: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let size = incoming.size_hint().exact();
        let rest = UnsyncBoxBody::new(incoming.map_err(Into::into));
        let arrival = Arrival { rest: Some(rest), ..Arrival::default() };
        Self { size, arrival: Mutex::new(arrival), keeper: Mutex::new(None) }
    }

    /// Lets somebody see it, beginning with what has arrived.
    pub(super) fn observe(&self, observer: Arc<dyn BodyObserver>) {
        let mut arrival = self.lock();
        for piece in &arrival.arrived {
            observer.piece(piece);
        }
        if let Some(trailers) = &arrival.trailers {
            observer.trailers(trailers);
        }
        arrival.observers.add(observer);
    }

    /// The length that its sender announced.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Hooks of one flow run one after the other, so the lock is never contended; nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Arrival> {
        self.arrival.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what passes be kept, up to so many bytes, so that it can still be read after it was sent on. `held` is dropped with
    /// what is kept.
    pub(super) fn keep(&self, limit: u64, held: Box<dyn Any + Send + Sync>) {
        let keeper = Arc::new(Keeper::new(limit, held));
        self.observe(keeper.clone());
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
    }

    /// Everything, for sending it on.
    pub(super) fn take(&self) -> Arrival {
        std::mem::replace(&mut *self.lock(), Arrival { is_taken: true, ..Arrival::default() })
    }

    /// What is kept of content that was sent on.
    ///
    /// # Errors
    /// When it was not kept, or not all of it, or does not arrive in time.
    async fn kept(&self, terms: Collecting) -> Result<Bytes, BodyFailure> {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match keeper {
            Some(keeper) => keeper.all(terms).await,
            None => Err(BodyFailure::Gone),
        }
    }

    /// Takes in what is here already of the beginning, without waiting. That is not to be noticed further on: how a body is
    /// framed must not depend on how fast it comes.
    ///
    /// # Errors
    /// When the sender has broken off already.
    pub(super) fn look_ahead(&self) -> Result<(), BodyFailure> {
        let mut arrival = self.lock();
        let mut context = Context::from_waker(Waker::noop());
        while arrival.arrived_bytes < LOOKED_AHEAD
            && let Some(rest) = &mut arrival.rest
        {
            let is_over = rest.is_end_stream() || rest.size_hint().exact() == Some(0);
            let trailers = match Pin::new(rest).poll_frame(&mut context) {
                Poll::Ready(Some(Err(error))) => return Err(arrival.fail(BodyFailure::Incomplete(error.to_string()))),
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    arrival.add(frame);
                    continue;
                }
                Poll::Ready(frame) => frame.and_then(Result::ok).and_then(|frame| frame.into_trailers().ok()),
                Poll::Pending if is_over => None,
                Poll::Pending => break,
            };
            // Nobody asks for the end of a body whose length was announced. For that of any other it waits here.
            if self.size.is_none() {
                arrival.rest = Some(UnsyncBoxBody::new(End { trailers }));
                break;
            }
            arrival.rest = None;
            if let Some(trailers) = trailers {
                arrival.add(Frame::trailers(trailers));
            }
            arrival.observers.end(true);
        }
        Ok(())
    }

    /// A copy of it, if all of it has arrived and it has no trailers.
    pub(super) fn whole(&self) -> Option<Bytes> {
        let arrival = self.lock();
        let is_whole = arrival.rest.is_none() && arrival.failure.is_none() && arrival.trailers.is_none();
        is_whole.then(|| arrival.joined())
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
                self.lock().observers.end(true);
                return Ok(false);
            }
            Ok(Some(Err(error))) => BodyFailure::Incomplete(error.to_string()),
            Err(_) => BodyFailure::TimedOut,
        };
        Err(self.lock().fail(failure))
    }

    /// All of it, once it has arrived.
    pub(super) async fn collect(&self, terms: Collecting) -> Result<Bytes, BodyFailure> {
        if self.lock().is_taken {
            return self.kept(terms).await;
        }
        let deadline = Instant::now() + terms.within;
        while self.more(deadline).await? {
            if self.lock().arrived_bytes > terms.limit {
                return Err(BodyFailure::TooLarge);
            }
        }
        let mut arrival = self.lock();
        if arrival.arrived.len() > 1 {
            arrival.arrived = VecDeque::from([arrival.joined()]);
        }
        Ok(arrival.joined())
    }

    /// The bytes from an offset on, waiting for at least one; nothing at the end.
    pub(super) async fn piece(
        &self,
        offset: u64,
        limit: usize,
        terms: Collecting,
    ) -> Result<Option<Bytes>, BodyFailure> {
        if self.lock().is_taken {
            let all = self.kept(terms).await?;
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
            let end = start.saturating_add(limit).min(all.len());
            return Ok((start < end).then(|| all.slice(start..end)));
        }
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

/// The end of a body whose length nobody announced.
struct End {
    trailers: Option<HeaderMap>,
}

impl http_body::Body for End {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
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

#[cfg(test)]
mod tests;
