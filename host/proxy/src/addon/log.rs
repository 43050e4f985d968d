//! What addons write to the host's log.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{Level, debug, error, info, warn};

use super::{bindings::proxyhost::addon::log, state::State};

/// Lines that one addon may write in a second.
const LINES_A_SECOND: u32 = 100;

/// Bytes of one line.
const LINE_BYTES: usize = 8 * 1024;

/// Keeps an addon from flooding the log.
#[derive(Debug, Default)]
pub struct LineRate(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    began: Option<Instant>,
    written: u32,
    dropped: u32,
}

impl LineRate {
    /// Writes a line, unless the addon wrote too many.
    pub fn write(&self, addon: &str, level: Level, message: &str) {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if second.began.is_none_or(|began| began.elapsed() > Duration::from_secs(1)) {
            if second.dropped > 0 {
                warn!(addon, lines = second.dropped, "addon wrote too much; lines were left out");
            }
            *second = Second { began: Some(Instant::now()), ..Second::default() };
        }
        if second.written == LINES_A_SECOND {
            second.dropped += 1;
            return;
        }
        second.written += 1;
        drop(second);
        let message = printable(message);
        match level {
            Level::ERROR => error!(addon, "{message}"),
            Level::WARN => warn!(addon, "{message}"),
            Level::INFO => info!(addon, "{message}"),
            _ => debug!(addon, "{message}"),
        }
    }
}

/// As much of a message as a line holds.
fn printable(message: &str) -> String {
    let mut end = message.len().min(LINE_BYTES);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
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
