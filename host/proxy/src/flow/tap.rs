//! Those who see what passes, such as a recorder.

use std::{
    any::Any,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;

/// What has to be done before the end of something is passed on.
pub type Settling = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Sees content while it passes. It can slow the content down, but not change it.
pub trait Tap: Any + Send + Sync + fmt::Debug {
    /// A piece has arrived.
    fn piece(&self, piece: &Bytes);

    /// The fields after the content have arrived.
    fn trailers(&self, trailers: &HeaderMap);

    /// Waits until the next piece may come.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()>;

    /// The content has ended: all of it has arrived, or no more will. Called once.
    fn end(&self, whole: bool) -> Option<Settling>;
}

/// Sees what passes on a connection whose protocol was changed.
pub trait Watcher: Send + Sync + fmt::Debug {
    /// The client sent bytes, or left if there are none.
    fn client_sent(&self, bytes: &[u8]);

    /// The server sent bytes, or left if there are none.
    fn server_sent(&self, bytes: &[u8]);

    /// The connection has ended. Called once.
    fn end(&self) -> Option<Settling>;
}

/// The taps of one content.
#[derive(Default)]
pub(super) struct Taps {
    taps: Vec<Arc<dyn Tap>>,
    ended: bool,
    settling: Vec<Settling>,
}

impl Taps {
    /// Adds one that is told of what has arrived so far.
    pub(super) fn add(&mut self, tap: Arc<dyn Tap>) {
        self.taps.push(tap);
    }

    pub(super) fn piece(&self, piece: &Bytes) {
        self.taps.iter().for_each(|tap| tap.piece(piece));
    }

    pub(super) fn trailers(&self, trailers: &HeaderMap) {
        self.taps.iter().for_each(|tap| tap.trailers(trailers));
    }

    /// The content has ended; what follows from that is waited for by [`Taps::poll_settled`].
    pub(super) fn end(&mut self, whole: bool) {
        if !std::mem::replace(&mut self.ended, true) {
            self.settling = self.taps.iter().filter_map(|tap| tap.end(whole)).collect();
        }
    }

    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        for tap in &self.taps {
            ready!(tap.poll_room(context));
        }
        Poll::Ready(())
    }

    pub(super) fn poll_settled(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(settling) = self.settling.last_mut() {
            ready!(settling.as_mut().poll(context));
            self.settling.pop();
        }
        Poll::Ready(())
    }
}

impl Drop for Taps {
    /// Content that is dropped before its end was left by the peer that it was meant for.
    fn drop(&mut self) {
        self.end(false);
    }
}
