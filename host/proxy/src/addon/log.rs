//! What addons write to the host's log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{Level, debug, error, info, warn};

use super::{bindings::proxyhost::addon::log, state::State};
use crate::flow::FlowId;

/// Lines that one addon may write in a second.
const LINES_A_SECOND: u32 = 100;

/// Bytes of one line.
pub(super) const LINE_BYTES: usize = 8 * 1024;

/// How long lines are counted.
const SECOND: Duration = Duration::from_secs(1);

/// The log of one addon: keeps it from flooding the host's.
#[derive(Debug)]
pub struct Log {
    addon: String,
    lines: Mutex<Counted>,
    failures: Mutex<BTreeMap<(&'static str, &'static str), Counted>>,
}

/// Lines of a kind within a second.
#[derive(Debug, Default)]
struct Counted {
    began: Option<Instant>,
    written: u32,
    left_out: u32,
}

impl Counted {
    /// Counts a line: whether it is written, and how many were left out in the second before.
    fn count(&mut self, most: u32) -> (bool, u32) {
        let mut before = 0;
        if self.began.is_none_or(|began| began.elapsed() > SECOND) {
            before = self.left_out;
            *self = Self { began: Some(Instant::now()), ..Self::default() };
        }
        let is_written = self.written < most;
        if is_written {
            self.written += 1;
        } else {
            self.left_out += 1;
        }
        (is_written, before)
    }
}

impl Log {
    /// The log of an addon.
    pub fn new(addon: String) -> Self {
        Self { addon, lines: Mutex::default(), failures: Mutex::default() }
    }

    /// Writes a line, unless the addon wrote too many.
    pub fn write(&self, flow: Option<FlowId>, level: Level, message: &str) {
        let (is_written, before) = locked(&self.lines).count(LINES_A_SECOND);
        let (addon, flow) = (&self.addon, flow.map(|flow| flow.0));
        if before > 0 {
            warn!(addon, lines = before, "addon wrote too much; lines were left out");
        }
        if !is_written {
            return;
        }
        let message = printable(message);
        match level {
            Level::ERROR => error!(addon, flow, "{message}"),
            Level::WARN => warn!(addon, flow, "{message}"),
            Level::INFO => info!(addon, flow, "{message}"),
            _ => debug!(addon, flow, "{message}"),
        }
    }

    /// Whether a failure of a kind in a hook is to be written: one a second is, and the others are counted.
    pub fn is_new_failure(self: &Arc<Self>, hook: &'static str, kind: &'static str) -> bool {
        let mut failures = locked(&self.failures);
        let counted = failures.entry((hook, kind)).or_default();
        let (is_written, before) = counted.count(1);
        let is_first_left_out = !is_written && counted.left_out == 1;
        drop(failures);
        self.tell_left_out(hook, kind, before);
        if is_first_left_out {
            let log = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(SECOND).await;
                let left_out =
                    locked(&log.failures).get_mut(&(hook, kind)).map(|counted| std::mem::take(&mut counted.left_out));
                log.tell_left_out(hook, kind, left_out.unwrap_or_default());
            });
        }
        is_written
    }

    fn tell_left_out(&self, hook: &str, kind: &str, times: u32) {
        if times > 0 {
            error!(addon = self.addon, hook, times, "addon failed {times} more times in the same way: {kind}");
        }
    }
}

/// Nothing panics while it is held.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As much of a message as a line holds.
fn printable(message: &str) -> String {
    let end = message.floor_char_boundary(LINE_BYTES);
    oneline::spaced(&message[..end]).collect()
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => Level::DEBUG,
            log::Level::Info => Level::INFO,
            log::Level::Warn => Level::WARN,
            log::Level::Error => Level::ERROR,
        };
        self.log(level, &message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_excess_are_taken_out() {
        assert_eq!(printable("a\nb\x1b[0m"), "a b [0m");
        assert_eq!(printable(&"é".repeat(LINE_BYTES)).len(), LINE_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_of_a_kind_is_written_in_a_second() {
        let log = Arc::new(Log::new("probe".to_owned()));
        assert!(log.is_new_failure("request", "crashed"));
        assert!(log.is_new_failure("response", "crashed") && log.is_new_failure("request", "looped"));
        for _ in 0..300 {
            assert!(!log.is_new_failure("request", "crashed"));
        }
        tokio::time::advance(2 * SECOND).await;
        assert!(log.is_new_failure("request", "crashed"));
    }
}
