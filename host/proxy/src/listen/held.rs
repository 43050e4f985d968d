//! Responses' bodies on their way to clients, with what is held until they have ended.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit},
    time::Instant,
};

use super::activity::UnderWay;
use crate::{
    flow::{Fault, FaultKind, Outgoing},
    journal::Passing,
};

/// A response's body, with what is held until it has ended.
#[derive(Debug)]
pub(super) enum Held {
    /// Of HTTP/1, where a client that takes nothing stops its whole connection.
    Alone(Content),
    /// Of HTTP/2, where it may stop a stream only.
    Stream(Stream),
}

/// A body, and what ends with it.
#[derive(Debug)]
pub(super) struct Content {
    body: Outgoing,
    _under_way: UnderWay,
    _flow: Option<OwnedSemaphorePermit>,
    /// The flow that it is the response's of, if it is one's.
    passing: Option<Passing>,
}

impl Content {
    /// A body, while which is passed on all these are held.
    pub(super) fn new(
        body: Outgoing,
        under_way: UnderWay,
        flow: Option<OwnedSemaphorePermit>,
        passing: Option<Passing>,
    ) -> Self {
        let content = Self { body, _under_way: under_way, _flow: flow, passing };
        content.tell(None);
        content
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(frame)) => self.tell(Some(frame)),
            Poll::Ready(None) => self.passing.iter().for_each(Passing::sent_all),
            Poll::Pending => {}
        }
        polled
    }

    /// Says what was passed on. Nobody asks for the end of a body whose length was announced.
    fn tell(&self, frame: Option<&Result<Frame<Bytes>, Fault>>) {
        let Some(passing) = &self.passing else { return };
        match frame {
            Some(Err(fault)) => return passing.failed(fault),
            Some(Ok(frame)) => passing.sent(frame.data_ref().map_or(0, |data| data.len() as u64)),
            None => {}
        }
        if self.body.is_end_stream() || self.body.size_hint().exact() == Some(0) {
            passing.sent_all();
        }
    }
}

/// The bodies on the streams of one HTTP/2 connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    slots: Mutex<Vec<Arc<Mutex<Slot>>>>,
    begun: Notify,
}

/// The body on one of them.
#[derive(Debug)]
pub(super) struct Stream {
    slot: Arc<Mutex<Slot>>,
    streams: Streams,
}

#[derive(Debug)]
struct Slot {
    /// `None` when the client took nothing of it for too long.
    content: Option<Content>,
    /// Since when there is something for the client, or could be, that is not asked for; `None` while the body is waited for.
    untaken: Option<Instant>,
}

/// Nothing panics while it is held that could leave it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Streams {
    /// A body on a stream.
    pub(super) fn hold(&self, content: Content) -> Held {
        let slot = Arc::new(Mutex::new(Slot { content: Some(content), untaken: Some(Instant::now()) }));
        let mut slots = lock(&self.0.slots);
        if slots.is_empty() {
            self.0.begun.notify_one();
        }
        slots.push(slot.clone());
        Held::Stream(Stream { slot, streams: self.clone() })
    }

    /// Gives up the bodies that a client takes nothing of for a time. What holds them stays, and breaks off when it is asked
    /// for the next piece. Never done.
    pub(super) async fn give_up_untaken(&self, within: Duration) {
        loop {
            if lock(&self.0.slots).is_empty() {
                self.0.begun.notified().await;
            }
            tokio::time::sleep(within / 4).await;
            let slots: Vec<_> = lock(&self.0.slots).clone();
            for slot in slots {
                let mut slot = lock(&slot);
                if slot.untaken.is_some_and(|since| since.elapsed() >= within) {
                    slot.content = None;
                }
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut slots = lock(&self.streams.0.slots);
        if let Some(place) = slots.iter().position(|slot| Arc::ptr_eq(slot, &self.slot)) {
            slots.swap_remove(place);
        }
    }
}

impl Slot {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let Some(content) = &mut self.content else {
            let detail = "the client took nothing of the response for too long";
            return Poll::Ready(Some(Err(Fault::new(FaultKind::RequestTimeout, detail))));
        };
        let polled = content.poll_frame(context);
        self.untaken = polled.is_ready().then(Instant::now);
        polled
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match &mut *self {
            Self::Alone(content) => content.poll_frame(context),
            Self::Stream(stream) => lock(&stream.slot).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Alone(content) => content.body.is_end_stream(),
            Self::Stream(stream) => lock(&stream.slot).content.as_ref().is_some_and(|held| held.body.is_end_stream()),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Alone(content) => content.body.size_hint(),
            Self::Stream(stream) => {
                lock(&stream.slot).content.as_ref().map_or_else(SizeHint::default, |held| held.body.size_hint())
            }
        }
    }
}
