//! Those who see what passes, and may not change it.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;

/// What has to be done before the end of something is passed on.
pub type Completion = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Sees a body while it passes. It can slow the body down, but not change it.
pub trait BodyObserver: Send + Sync + fmt::Debug {
    /// A piece has arrived.
    fn piece(&self, piece: &Bytes);

    /// The fields after the content have arrived.
    fn trailers(&self, trailers: &HeaderMap);

    /// Waits until the next piece may come.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()>;

    /// The peer that the body was meant for has left, which ends the body next.
    fn left(&self) {}

    /// The body has ended: all of it has arrived, or no more will. Called once.
    fn end(&self, whole: bool) -> Option<Completion>;
}

/// Sees what passes on a connection that was upgraded.
pub trait UpgradeObserver: Send + Sync + fmt::Debug {
    /// The client sent bytes, or left if there are none.
    fn client_sent(&self, bytes: &[u8]);

    /// The client was sent bytes, or there will be no more if there are none.
    fn server_sent(&self, bytes: &[u8]);

    /// The connection has ended. Called once.
    fn end(&self) -> Option<Completion>;
}

/// The observers of one body.
#[derive(Default)]
pub(super) struct Observers {
    observers: Vec<Arc<dyn BodyObserver>>,
    /// Whether all of the body has arrived, once it has ended.
    ended: Option<bool>,
    completions: Vec<Completion>,
}

impl Observers {
    /// Adds one that was told of what has arrived so far. If that was all, it is told so at once.
    pub(super) fn add(&mut self, observer: Arc<dyn BodyObserver>) {
        if let Some(whole) = self.ended {
            self.completions.extend(observer.end(whole));
        }
        self.observers.push(observer);
    }

    pub(super) fn piece(&self, piece: &Bytes) {
        for observer in &self.observers {
            observer.piece(piece);
        }
    }

    pub(super) fn trailers(&self, trailers: &HeaderMap) {
        for observer in &self.observers {
            observer.trailers(trailers);
        }
    }

    /// The body has ended; what follows from that is waited for by [`Observers::poll_completed`].
    pub(super) fn end(&mut self, whole: bool) {
        if self.ended.is_none() {
            self.ended = Some(whole);
            self.completions = self.observers.iter().filter_map(|observer| observer.end(whole)).collect();
        }
    }

    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        for observer in &self.observers {
            ready!(observer.poll_room(context));
        }
        Poll::Ready(())
    }

    pub(super) fn poll_completed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(completion) = self.completions.last_mut() {
            ready!(completion.as_mut().poll(context));
            self.completions.pop();
        }
        Poll::Ready(())
    }
}

impl Drop for Observers {
    /// A body that is dropped before its end was left by the peer that it was meant for.
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.observers.iter().for_each(|observer| observer.left());
        }
        self.end(false);
    }
}
