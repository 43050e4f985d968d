//! Events, for those who listen.

use std::sync::{Arc, atomic::AtomicU64};

use control::{Event, Events};
use tokio::sync::broadcast;

/// Tells whoever listens. Copies tell the same.
#[derive(Clone, Debug)]
pub(super) struct Broadcast {
    sender: broadcast::Sender<Event>,
    lost: Arc<AtomicU64>,
}

/// Events that wait for the slowest of those who listen. Whoever is slower loses the oldest.
const WAITING: usize = 8192;

impl Default for Broadcast {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(WAITING), lost: Arc::default() }
    }
}

impl Broadcast {
    /// Whether somebody listens.
    pub(super) fn is_heard(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Tells of an event, which is only made if somebody listens.
    pub(super) fn send(&self, event: impl FnOnce() -> Event) {
        if self.is_heard() {
            // Fails only when nobody listens any more.
            let _ = self.sender.send(event());
        }
    }

    pub(super) fn subscribe(&self) -> Events {
        Events::counted(self.sender.subscribe(), self.lost.clone())
    }

    /// How many events those who listened have lost.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        self.sender.receiver_count()
    }
}
