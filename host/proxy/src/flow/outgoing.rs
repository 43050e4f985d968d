//! Content on its way to a peer.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Sleep;

use super::{
    BodyFailure, Fault, FaultKind, Framing, Sender, Stored,
    body::{AT_ONCE, unreadable},
    live::{Arrival, Live},
};

/// Content on its way to a peer.
#[derive(Debug)]
pub struct Outgoing {
    source: Source,
    framing: Framing,
    /// Why it broke off, until the peer has been sent what came before.
    failure: Option<Fault>,
}

/// Content that is sent in a way of its own, such as slowly.
pub type OutgoingStream = Pin<Box<dyn http_body::Body<Data = Bytes, Error = Fault> + Send>>;

impl Outgoing {
    pub(super) fn ready(bytes: Bytes) -> Self {
        Self::new(Source::Ready(Some(bytes)))
    }

    pub(super) fn stored(stored: Arc<dyn Stored>) -> Result<Self, BodyFailure> {
        if let Some(stream) = stored.clone().stream() {
            return Ok(Self::new(Source::Stream(Streaming(stream))));
        }
        if stored.size() <= AT_ONCE && stored.trailers().is_none() {
            return stored.read_all().map(Self::ready).map_err(unreadable);
        }
        let first = stored.read_at(0, AT_ONCE as usize).map_err(unreadable)?;
        let offset = first.len() as u64;
        Ok(Self::new(Source::Stored { first: Some(first), stored, offset, trailers_sent: false }))
    }

    pub(super) fn live(live: &Live, sender: Sender, idle: Duration) -> Self {
        Self::new(Source::Live(Box::new(Passing { arrival: live.take(), sender, idle, timer: None, held: None })))
    }

    fn new(source: Source) -> Self {
        Self { source, framing: Framing::Length, failure: None }
    }

    /// The same content, whose end is told so.
    #[must_use]
    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }
}

impl Default for Outgoing {
    /// No content.
    fn default() -> Self {
        Self::new(Source::Ready(None))
    }
}

#[derive(Debug)]
enum Source {
    Ready(Option<Bytes>),
    Stored { first: Option<Bytes>, stored: Arc<dyn Stored>, offset: u64, trailers_sent: bool },
    Stream(Streaming),
    Live(Box<Passing>),
}

struct Streaming(OutgoingStream);

impl fmt::Debug for Streaming {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Streaming").finish_non_exhaustive()
    }
}

/// A live body that passes through.
struct Passing {
    arrival: Arrival,
    sender: Sender,
    idle: Duration,
    /// Set while nothing arrives.
    timer: Option<Pin<Box<Sleep>>>,
    /// The last frame, or that there is none, held until those who see the content are done with it.
    held: Option<Polled>,
}

type Polled = Option<Result<Frame<Bytes>, Fault>>;

impl fmt::Debug for Passing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Passing").finish_non_exhaustive()
    }
}

impl Passing {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Polled> {
        ready!(self.arrival.observers.poll_completed(context));
        if let Some(held) = self.held.take() {
            return Poll::Ready(held);
        }
        if let Some(piece) = self.arrival.arrived.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if let Some(failure) = self.arrival.failure.take() {
            return Poll::Ready(Some(Err(broken(self.sender, &failure))));
        }
        if self.arrival.rest.is_some() {
            return self.poll_rest(context);
        }
        Poll::Ready(self.arrival.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    /// The next frame from the peer.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Polled> {
        let Arrival { rest: slot, observers, trailers: kept, .. } = &mut self.arrival;
        let Some(rest) = slot else { return Poll::Ready(None) };
        ready!(observers.poll_room(context));
        let Poll::Ready(frame) = Pin::new(&mut *rest).poll_frame(context) else {
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.idle)));
            ready!(timer.as_mut().poll(context));
            observers.end(false);
            return Poll::Ready(Some(Err(broken(self.sender, &BodyFailure::TimedOut))));
        };
        self.timer = None;
        let mut is_whole_before_its_end = false;
        let is_last = match &frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    observers.piece(piece);
                }
                if let Some(trailers) = frame.trailers_ref() {
                    observers.trailers(trailers);
                }
                let is_end = frame.is_trailers() || rest.is_end_stream();
                is_whole_before_its_end = !is_end && rest.size_hint().exact() == Some(0);
                is_end || is_whole_before_its_end
            }
            Some(Err(_)) => {
                observers.end(false);
                false
            }
            None => true,
        };
        // Who was told the length does not ask for what comes after it, so the trailers have to be had now.
        if is_whole_before_its_end
            && let Poll::Ready(Some(Ok(after))) = Pin::new(rest).poll_frame(context)
            && let Ok(trailers) = after.into_trailers()
        {
            observers.trailers(&trailers);
            *kept = Some(trailers);
            *slot = None;
        }
        let sender = self.sender;
        let frame =
            frame.map(|frame| frame.map_err(|error| broken(sender, &BodyFailure::Incomplete(error.to_string()))));
        if is_last {
            observers.end(true);
            if observers.poll_completed(context).is_pending() {
                self.held = Some(frame);
                return Poll::Pending;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end(&self) -> bool {
        let arrival = &self.arrival;
        self.held.is_none()
            && arrival.arrived.is_empty()
            && arrival.failure.is_none()
            && arrival.trailers.is_none()
            && arrival.rest.as_ref().is_none_or(|rest| rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.iter().flatten().flatten().filter_map(Frame::data_ref);
        let here: u64 = self.arrival.arrived.iter().chain(held).map(|piece| piece.len() as u64).sum();
        let rest = self.arrival.rest.as_ref().map_or(SizeHint::with_exact(0), |rest| rest.size_hint());
        match rest.exact() {
            Some(rest) if self.arrival.failure.is_none() => SizeHint::with_exact(here + rest),
            _ => SizeHint::default(),
        }
    }
}

/// The failure of a flow whose body breaks off.
fn broken(sender: Sender, failure: &BodyFailure) -> Fault {
    let kind = match (sender, failure) {
        (Sender::Client, BodyFailure::TimedOut) => FaultKind::RequestTimeout,
        (Sender::Client, _) => FaultKind::BadRequest,
        (Sender::Server, BodyFailure::TimedOut) => FaultKind::ResponseTimeout,
        (Sender::Server, _) => FaultKind::ResponseIncomplete,
    };
    Fault::new(kind, format!("the body broke off: {failure}"))
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        match ready!(self.source.poll_frame(context)) {
            Some(Err(failure)) => {
                // On a failure, the HTTP library drops what it has not yet written, the head included. While it has to
                // wait, it writes.
                self.failure = Some(failure);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            passed => Poll::Ready(passed),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failure.is_none() && self.source.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Length => self.source.size_hint(),
            Framing::End => SizeHint::default(),
        }
    }
}

impl Source {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Polled> {
        match self {
            Self::Ready(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Live(passing) => passing.poll(context),
            Self::Stream(stream) => stream.0.as_mut().poll_frame(context),
            Self::Stored { first, stored, offset, trailers_sent } => {
                if let Some(first) = first.take().filter(|first| !first.is_empty()) {
                    return Poll::Ready(Some(Ok(Frame::data(first))));
                }
                if *offset < stored.size() {
                    // Read here rather than on another thread: the pages are nearly always in memory.
                    let piece = stored.read_at(*offset, AT_ONCE as usize);
                    *offset += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                    return Poll::Ready(Some(piece.map(Frame::data).map_err(Fault::unreadable_body)));
                }
                let trailers = if std::mem::replace(trailers_sent, true) { None } else { stored.trailers() };
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end(&self) -> bool {
        match self {
            Self::Ready(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Stored { .. } => false,
            Self::Stream(stream) => stream.0.is_end_stream(),
            Self::Live(passing) => passing.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ready(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            // A body with trailers must be chunked in HTTP/1, which a known size would prevent.
            Self::Stored { stored, .. } if stored.trailers().is_some() => SizeHint::default(),
            Self::Stored { first, stored, offset, .. } => {
                let here = first.as_ref().map_or(0, |first| first.len() as u64);
                SizeHint::with_exact(stored.size().saturating_sub(*offset) + here)
            }
            Self::Stream(stream) => stream.0.size_hint(),
            Self::Live(passing) => passing.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests;
