//! The latest lines of the log.

use std::collections::VecDeque;

use control::LogLine;

/// Lines that are kept at most; the oldest ones go first.
const MOST_LINES: usize = 2_000;

#[derive(Default)]
pub(crate) struct Log {
    lines: VecDeque<LogLine>,
}

impl Log {
    pub(crate) fn push(&mut self, line: LogLine) {
        if self.lines.len() == MOST_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub(crate) fn clear(&mut self) {
        self.lines.clear();
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &LogLine> {
        self.lines.iter()
    }
}
