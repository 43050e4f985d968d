//! Events, for those who listen.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use control::{Event, Events};
use tokio::sync::broadcast;

/// Tells whoever listens. Copies tell the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Broadcast(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Made with room for all that may wait, so not before somebody listens.
    sender: OnceLock<broadcast::Sender<Event>>,
    lost: Arc<AtomicU64>,
}

/// Events that wait for the slowest of those who listen. Whoever is slower loses the oldest.
const WAITING: usize = 8192;

impl Broadcast {
    /// Whether somebody listens.
    pub(super) fn is_heard(&self) -> bool {
        self.listeners() > 0
    }

    /// Tells of an event, which is only made if somebody listens.
    pub(super) fn send(&self, event: impl FnOnce() -> Event) {
        if let Some(sender) = self.0.sender.get().filter(|sender| sender.receiver_count() > 0) {
            // Fails only when nobody listens any more.
            let _ = sender.send(event());
        }
    }

    pub(super) fn subscribe(&self) -> Events {
        let sender = self.0.sender.get_or_init(|| broadcast::Sender::new(WAITING));
        Events::counted(sender.subscribe(), self.0.lost.clone())
    }

    /// How many events those who listened have lost.
    pub(super) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        self.0.sender.get().map_or(0, broadcast::Sender::receiver_count)
    }
}
