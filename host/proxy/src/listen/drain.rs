//! Shutting down: connections finish what is in flight.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

/// Ends connections from outside.
#[derive(Debug)]
pub struct Drain {
    begin: watch::Sender<bool>,
    /// Closed when every [`Draining`] is gone.
    gone: mpsc::Receiver<()>,
}

/// What a connection holds while it lives.
#[derive(Clone, Debug)]
pub struct Draining {
    begun: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

impl Drain {
    /// A drain, and what connections hold of it.
    pub fn new() -> (Self, Draining) {
        let (begin, begun) = watch::channel(false);
        let (alive, gone) = mpsc::channel(1);
        (Self { begin, gone }, Draining { begun, _alive: alive })
    }

    /// Tells connections to finish, and waits until they have, or the time is over; whether they have.
    pub async fn finish(mut self, within: Duration) -> bool {
        // Fails only when nobody is left to be told.
        let _ = self.begin.send(true);
        tokio::time::timeout(within, self.gone.recv()).await.is_ok()
    }
}

impl Draining {
    /// Waits until it is time to finish.
    pub async fn begun(&mut self) {
        // An error means that the drain itself is gone, so nobody can say otherwise.
        let _ = self.begun.wait_for(|begun| *begun).await;
    }
}
