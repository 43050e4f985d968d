//! What addons write to the host's log.

use std::sync::Arc;

use tracing::{Level, debug, error, info, warn};

use super::{bindings::proxyhost::addon::log, state::State};
use crate::{flow::FlowId, throttle::Throttle};

/// Lines that one addon may write in a second.
const LINES_A_SECOND: u32 = 100;

/// Bytes of one line.
pub(super) const LINE_BYTES: usize = 8 * 1024;

/// The log of one addon: keeps it from flooding the host's.
#[derive(Debug)]
pub struct Log {
    addon: Arc<str>,
    lines: Throttle<()>,
    /// By hook and kind.
    failures: Throttle<(&'static str, &'static str)>,
}

impl Log {
    /// The log of an addon.
    pub fn new(addon: &str) -> Self {
        let addon: Arc<str> = addon.into();
        let (of_lines, of_failures) = (addon.clone(), addon.clone());
        let lines = Throttle::new(LINES_A_SECOND, move |(), lines| {
            warn!(addon = &*of_lines, lines, "addon wrote too much; lines were left out");
        });
        let failures = Throttle::new(1, move |(hook, kind), times| {
            error!(addon = &*of_failures, hook, times, "addon failed {times} more times in the same way: {kind}");
        });
        Self { addon, lines, failures }
    }

    /// Writes a line, unless the addon wrote too many.
    pub fn write(&self, flow: Option<FlowId>, level: Level, message: &str) {
        if !self.lines.admits(()) {
            return;
        }
        let (addon, flow, message) = (&*self.addon, flow.map(|flow| flow.0), printable(message));
        match level {
            Level::ERROR => error!(addon, flow, "{message}"),
            Level::WARN => warn!(addon, flow, "{message}"),
            Level::INFO => info!(addon, flow, "{message}"),
            _ => debug!(addon, flow, "{message}"),
        }
    }

    /// Whether a failure of a kind in a hook is to be written: one a second is, and the others are counted.
    pub fn is_new_failure(&self, hook: &'static str, kind: &'static str) -> bool {
        self.failures.admits((hook, kind))
    }
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
}
