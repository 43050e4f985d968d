//! Flows that are not recorded: one line when that begins, and one when it is over.

use std::time::{Duration, Instant};

use tracing::{error, warn};

/// What was lost and not accounted for in the log yet.
#[derive(Debug, Default)]
pub(super) struct Losses {
    trouble: Option<Trouble>,
}

/// A time in which flows get lost.
#[derive(Debug)]
struct Trouble {
    lost: u64,
    last: Instant,
    /// Whether a flow was written since the last one that was lost.
    is_mended: bool,
}

impl Losses {
    /// Counts a flow that is lost. Only the first one of a trouble is logged.
    pub(super) fn lose(&mut self, label: u64, reason: &str, now: Instant) {
        if !self.count(1, now) {
            error!(
                flow = label,
                reason, "the flow is not recorded; others are tried, and counted where they are lost too"
            );
        }
    }

    /// Counts flows that were lost before they came to the thread.
    pub(super) fn lose_unseen(&mut self, count: u64, reason: &str, now: Instant) {
        if count > 0 && !self.count(count, now) {
            error!(reason, "flows are not recorded; others are tried, and counted where they are lost too");
        }
    }

    /// Counts, and answers whether there was trouble before.
    fn count(&mut self, count: u64, now: Instant) -> bool {
        let before = self.trouble.take();
        let lost = before.as_ref().map_or(0, |trouble| trouble.lost).saturating_add(count);
        self.trouble = Some(Trouble { lost, last: now, is_mended: false });
        before.is_some()
    }

    /// A flow was written.
    pub(super) fn written(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.is_mended = true;
        }
    }

    /// Says that a trouble is over, once nothing has been lost for a while: where small flows still find room and large ones
    /// do not, it is one trouble.
    pub(super) fn settle(&mut self, now: Instant) {
        let is_over =
            |trouble: &mut Trouble| trouble.is_mended && now.saturating_duration_since(trouble.last) >= SETTLED;
        if let Some(Trouble { lost, .. }) = self.trouble.take_if(is_over) {
            warn!(lost, "recording goes on");
        }
    }

    /// Says what was lost in a trouble that lasts to the end.
    pub(super) fn end(&mut self) {
        match self.trouble.take() {
            Some(Trouble { lost, is_mended: true, .. }) => warn!(lost, "recording went on"),
            Some(Trouble { lost, .. }) => error!(lost, "recording ends, and has not gone on since flows were lost"),
            None => {}
        }
    }
}

/// How long nothing must have been lost.
pub(super) const SETTLED: Duration = Duration::from_secs(1);
