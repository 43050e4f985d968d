//! Shutting down: connections finish what is in flight.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of all connections, and the sign for them to finish.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    begun: CancellationToken,
    over: CancellationToken,
    tasks: TaskTracker,
}

impl Drain {
    /// Runs a task that is waited for when connections finish.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits until it is time to finish.
    pub(super) async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Waits until there is no more time to finish.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Ends connections that have not finished.
    pub(super) fn cut(&self) {
        self.over.cancel();
    }

    /// Tells connections to finish, and waits until they have, or the time is over; whether they have.
    pub async fn finish(self, within: Duration) -> bool {
        self.begun.cancel();
        self.tasks.close();
        tokio::time::timeout(within, self.tasks.wait()).await.is_ok()
    }
}
