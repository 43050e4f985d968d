//! How many requests may wait for servers at once.
//!
//! Each takes a connection to the server besides the client's. Proxies that send requests to each other in a circle and leave
//! no trace of it in `via` would use up all file descriptors, and then wait for each other until they time out.

use std::{fs, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::flow::{Fault, FaultKind};

/// Permits to wait for a server.
pub(super) struct Waiting {
    permits: Arc<Semaphore>,
    most: usize,
}

impl Waiting {
    /// As many as this process has file descriptors for.
    pub(super) fn of_process() -> Self {
        // Where there is no such file, the limit of flows is the only one.
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let most = descriptors(&limits).map_or(Semaphore::MAX_PERMITS, |all| (all.saturating_sub(OTHERS) / 2).max(1));
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(most)), most }
    }

    /// A permit, to be held until the server answers.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn begin(&self) -> Result<OwnedSemaphorePermit, Fault> {
        self.permits.clone().try_acquire_owned().map_err(|_| {
            let detail = format!(
                "{} requests wait for servers already, as many as there are file descriptors for; try again later",
                self.most
            );
            Fault::new(FaultKind::Busy, detail)
        })
    }
}

/// File descriptors for all but connections of flows: listeners, logs, recordings.
const OTHERS: usize = 100;

/// The soft limit of file descriptors in the table of limits that Linux has for a process (proc_pid_limits(5)).
fn descriptors(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_descriptors_is_read() {
        let limits = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max processes             unlimited            unlimited            processes\n\
                 Max open files            {soft}                 1048576              files\n"
            )
        };
        assert_eq!(descriptors(&limits("1024")), Some(1024));
        assert_eq!(descriptors(&limits("unlimited")), None);
        assert_eq!(descriptors(""), None);
        assert!(descriptors(&fs::read_to_string("/proc/self/limits").unwrap()).is_some());
    }
}
