//! A message's content: streaming past untouched, unless somebody asks for it.

use std::{
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::{Fault, FaultKind};

/// Content that is kept elsewhere and read when it is sent.
pub trait Stored: Send + Sync + fmt::Debug {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// The bytes from an offset, at most `limit` of them and at least one before the end.
    ///
    /// # Errors
    /// When the place it is kept in can no longer be read.
    fn read_at(&self, offset: u64, limit: usize) -> io::Result<Bytes>;

    /// The fields after the content.
    fn trailers(&self) -> Option<HeaderMap>;
}

/// A message's content. Copies share it.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// There is none.
    #[default]
    Empty,
    /// All of it is here.
    Bytes(Bytes),
    /// It is kept elsewhere.
    Stored(Arc<dyn Stored>),
    /// It is arriving.
    Live(Arc<Live>),
    /// It was not kept.
    NotRecorded,
}

/// Why content cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyFailure {
    /// It is larger than allowed. It still passes through whole.
    TooLarge,
    /// It was not kept.
    NotRecorded,
    /// It did not arrive in time.
    TimedOut,
    /// Its sender broke off, or the place it is kept in can no longer be read.
    Incomplete(String),
}

impl fmt::Display for BodyFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("it is larger than allowed"),
            Self::NotRecorded => formatter.write_str("it was not recorded"),
            Self::TimedOut => formatter.write_str("it did not arrive in time"),
            Self::Incomplete(why) => formatter.write_str(why),
        }
    }
}

/// The terms on which content is collected.
#[derive(Clone, Copy, Debug)]
pub struct Collecting {
    /// Most bytes held for one body.
    pub limit: u64,
    /// Most time to wait for one body.
    pub within: Duration,
}

/// Stored content up to this size is read before the head is sent, so that a failure still gets a proper answer.
const AT_ONCE: u64 = 64 * 1024;

impl Body {
    /// Content that arrives from a peer.
    pub fn live(incoming: Incoming) -> Self {
        if incoming.is_end_stream() {
            return Self::Empty;
        }
        let size = incoming.size_hint().exact();
        Self::Live(Arc::new(Live { size, arrival: Mutex::new(Arrival::new(incoming)) }))
    }

    /// The length in bytes, where it is known without waiting.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stored(stored) => Some(stored.size()),
            Self::Live(live) => live.size,
            Self::NotRecorded => None,
        }
    }

    /// All of it, once it has arrived.
    ///
    /// # Errors
    /// As [`BodyFailure`] says. What had arrived by then is kept and still passed on.
    pub async fn collect(&self, terms: Collecting) -> Result<Bytes, BodyFailure> {
        if self.size().is_some_and(|size| size > terms.limit) {
            return Err(BodyFailure::TooLarge);
        }
        match self {
            Self::Empty => Ok(Bytes::new()),
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Stored(stored) => read_all(stored.as_ref()),
            Self::Live(live) => live.collect(terms).await,
            Self::NotRecorded => Err(BodyFailure::NotRecorded),
        }
    }

    /// The bytes from an offset on that have arrived, waiting for at least one; nothing at the end.
    ///
    /// # Errors
    /// As [`BodyFailure`] says.
    pub async fn piece(&self, offset: u64, limit: usize, terms: Collecting) -> Result<Option<Bytes>, BodyFailure> {
        let bytes = match self {
            Self::Empty => Bytes::new(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Stored(stored) if offset >= stored.size() => Bytes::new(),
            Self::Stored(stored) => return stored.read_at(offset, limit).map(Some).map_err(unreadable),
            Self::Live(live) => return live.piece(offset, limit, terms).await,
            Self::NotRecorded => return Err(BodyFailure::NotRecorded),
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(limit).min(bytes.len());
        Ok((start < end).then(|| bytes.slice(start..end)))
    }

    /// Turns it into what is sent to a peer. `idle` is the most time between two pieces of a live body.
    ///
    /// # Errors
    /// When stored content can no longer be read, or was not kept.
    pub fn into_outgoing(self, idle: Duration) -> Result<Outgoing, BodyFailure> {
        Ok(Outgoing(match self {
            Self::Empty => Source::Ready(None),
            Self::Bytes(bytes) => Source::Ready(Some(bytes)),
            Self::Stored(stored) if stored.size() <= AT_ONCE && stored.trailers().is_none() => {
                Source::Ready(Some(read_all(stored.as_ref())?))
            }
            Self::Stored(stored) => {
                let first = stored.read_at(0, AT_ONCE as usize).map_err(unreadable)?;
                Source::Stored { offset: first.len() as u64, first: Some(first), stored, trailers_sent: false }
            }
            Self::Live(live) => Source::Live(Box::new(Passing { arrival: live.take(), idle, timer: None })),
            Self::NotRecorded => return Err(BodyFailure::NotRecorded),
        }))
    }
}

fn unreadable(error: io::Error) -> BodyFailure {
    BodyFailure::Incomplete(error.to_string())
}

fn read_all(stored: &dyn Stored) -> Result<Bytes, BodyFailure> {
    let size = stored.size();
    let whole = stored.read_at(0, usize::try_from(size).unwrap_or(usize::MAX)).map_err(unreadable)?;
    if whole.len() as u64 == size {
        return Ok(whole);
    }
    let mut all = BytesMut::from(whole.as_ref());
    while (all.len() as u64) < size {
        let piece = stored.read_at(all.len() as u64, AT_ONCE as usize).map_err(unreadable)?;
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// Content that is arriving, and what has arrived of it so far.
pub struct Live {
    size: Option<u64>,
    arrival: Mutex<Arrival>,
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("size", &self.size).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Arrival {
    arrived: VecDeque<Bytes>,
    arrived_bytes: u64,
    trailers: Option<HeaderMap>,
    /// `None` when all has arrived, or while somebody waits for more.
    rest: Option<Incoming>,
    failure: Option<BodyFailure>,
}

impl Arrival {
    fn new(incoming: Incoming) -> Self {
        Self { rest: Some(incoming), ..Self::default() }
    }

    fn add(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => {
                self.arrived_bytes += data.len() as u64;
                self.arrived.push_back(data);
            }
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
    }
}

impl Live {
    /// Hooks of one flow run one after the other, so the lock is never contended; nothing panics while it is held.
    fn lock(&self) -> std::sync::MutexGuard<'_, Arrival> {
        self.arrival.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Arrival {
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
                return Ok(false);
            }
            Ok(Some(Err(error))) => BodyFailure::Incomplete(error.to_string()),
            Err(_) => BodyFailure::TimedOut,
        };
        self.lock().failure = Some(failure.clone());
        Err(failure)
    }

    async fn collect(&self, terms: Collecting) -> Result<Bytes, BodyFailure> {
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

    async fn piece(&self, offset: u64, limit: usize, terms: Collecting) -> Result<Option<Bytes>, BodyFailure> {
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

/// Content on its way to a peer.
#[derive(Debug)]
pub struct Outgoing(Source);

impl Default for Outgoing {
    /// No content.
    fn default() -> Self {
        Self(Source::Ready(None))
    }
}

#[derive(Debug)]
enum Source {
    Ready(Option<Bytes>),
    Stored { first: Option<Bytes>, stored: Arc<dyn Stored>, offset: u64, trailers_sent: bool },
    Live(Box<Passing>),
}

/// A live body that passes through.
struct Passing {
    arrival: Arrival,
    idle: Duration,
    /// Set while nothing arrives.
    timer: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for Passing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Passing").finish_non_exhaustive()
    }
}

impl Passing {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(piece) = self.arrival.arrived.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if let Some(failure) = self.arrival.failure.take() {
            return Poll::Ready(Some(Err(broken(failure))));
        }
        if let Some(rest) = &mut self.arrival.rest {
            match Pin::new(rest).poll_frame(context) {
                Poll::Ready(frame) => {
                    self.timer = None;
                    return Poll::Ready(
                        frame.map(|frame| frame.map_err(|error| broken(BodyFailure::Incomplete(error.to_string())))),
                    );
                }
                Poll::Pending => {
                    let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.idle)));
                    return match timer.as_mut().poll(context) {
                        Poll::Ready(()) => Poll::Ready(Some(Err(broken(BodyFailure::TimedOut)))),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
        Poll::Ready(self.arrival.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end(&self) -> bool {
        let arrival = &self.arrival;
        arrival.arrived.is_empty()
            && arrival.failure.is_none()
            && arrival.trailers.is_none()
            && arrival.rest.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let here: u64 = self.arrival.arrived.iter().map(|piece| piece.len() as u64).sum();
        let rest = self.arrival.rest.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint);
        match rest.exact() {
            Some(rest) if self.arrival.failure.is_none() => SizeHint::with_exact(here + rest),
            _ => SizeHint::default(),
        }
    }
}

fn broken(failure: BodyFailure) -> Fault {
    let kind = match failure {
        BodyFailure::TimedOut => FaultKind::ResponseTimeout,
        BodyFailure::TooLarge => FaultKind::ResponseTooLarge,
        BodyFailure::Incomplete(_) | BodyFailure::NotRecorded => FaultKind::ResponseIncomplete,
    };
    Fault::new(kind, format!("the body broke off: {failure}"))
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match &mut self.0 {
            Source::Ready(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
            }
            Source::Live(passing) => passing.poll(context),
            Source::Stored { first, stored, offset, trailers_sent } => {
                if let Some(first) = first.take().filter(|first| !first.is_empty()) {
                    return Poll::Ready(Some(Ok(Frame::data(first))));
                }
                if *offset < stored.size() {
                    // Read here rather than on another thread: the pages are nearly always in memory.
                    let piece = stored.read_at(*offset, AT_ONCE as usize);
                    *offset += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                    return Poll::Ready(Some(piece.map(Frame::data).map_err(|error| broken(unreadable(error)))));
                }
                let trailers = if std::mem::replace(trailers_sent, true) { None } else { stored.trailers() };
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Ready(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Source::Stored { .. } => false,
            Source::Live(passing) => passing.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Ready(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            // A body with trailers must be chunked in HTTP/1, which a known size would prevent.
            Source::Stored { stored, .. } if stored.trailers().is_some() => SizeHint::default(),
            Source::Stored { first, stored, offset, .. } => {
                let here = first.as_ref().map_or(0, |first| first.len() as u64);
                SizeHint::with_exact(stored.size().saturating_sub(*offset) + here)
            }
            Source::Live(passing) => passing.size_hint(),
        }
    }
}
