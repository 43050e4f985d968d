//! Where commands write to.

use std::{
    fmt::Display,
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
};

use recording::Progress;

use super::{FlowsError, text};

/// Where the commands write to: data to one place, and what is said about it to another.
pub struct Console<'c> {
    out: BufWriter<&'c mut dyn Write>,
    err: &'c mut dyn Write,
    width: Option<usize>,
    progress: Showing,
}

/// Whether progress is shown.
#[derive(PartialEq, Eq)]
enum Showing {
    Never,
    /// It may be, and stands there with this many percent, if it does.
    Sometimes(Option<u64>),
}

impl<'c> Console<'c> {
    /// A console that is no terminal.
    pub fn new(out: &'c mut dyn Write, err: &'c mut dyn Write) -> Self {
        Self { out: BufWriter::new(out), err, width: None, progress: Showing::Never }
    }

    /// A console whose lines are not longer than that.
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = Some(width);
        self
    }

    /// Cuts tables to the width of the terminal that standard output is, and shows progress on the one that standard error
    /// is, if they are.
    pub fn of_process(out: &'c mut dyn Write, err: &'c mut dyn Write) -> Self {
        let mut console = Self::new(out, err);
        if io::stdout().is_terminal() {
            let width = terminal_size::terminal_size().map(|(width, _)| width.0.into());
            console = console.with_width(width.unwrap_or(USUAL_WIDTH));
        }
        if io::stderr().is_terminal() {
            console.progress = Showing::Sometimes(None);
        }
        console
    }

    /// A line of data.
    pub(super) fn print(&mut self, line: impl Display) -> Result<(), FlowsError> {
        writeln!(self.out, "{line}").map_err(FlowsError::Output)
    }

    /// Data that are no lines.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FlowsError> {
        self.out.write_all(bytes).map_err(FlowsError::Output)
    }

    /// Something about the data. It is not worth failing for.
    pub(super) fn warn(&mut self, warning: impl Display) {
        self.end_progress();
        let _ = writeln!(self.err, "warning: {warning}");
    }

    /// How wide lines may be, if there is a limit.
    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Shows how far the reading of a file has come.
    pub(super) fn progress(&mut self, path: &Path, progress: Progress) {
        let Progress { read_bytes, total_bytes, .. } = progress;
        let percent = (read_bytes.saturating_mul(100)).checked_div(total_bytes).unwrap_or(100);
        let Showing::Sometimes(shown) = &mut self.progress else { return };
        if total_bytes < SHORT || *shown == Some(percent) {
            return;
        }
        *shown = Some(percent);
        let _ = write!(self.err, "\rreading `{}`: {percent} %", text::path(path));
        let _ = self.err.flush();
    }

    /// Removes the progress from the terminal.
    pub(super) fn end_progress(&mut self) {
        if let Showing::Sometimes(shown @ Some(_)) = &mut self.progress {
            *shown = None;
            let _ = write!(self.err, "\r\x1b[K");
        }
    }

    /// Writes what is left to write.
    pub(super) fn finish(&mut self) -> Result<(), FlowsError> {
        self.end_progress();
        self.out.flush().map_err(FlowsError::Output)
    }
}

/// That of a terminal that does not say how wide it is.
const USUAL_WIDTH: usize = 80;
/// A file that is read in no time.
const SHORT: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_shown_once_for_each_percent_and_removed() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console::new(&mut out, &mut err);
        console.progress = Showing::Sometimes(None);
        for read_bytes in [0, SHORT, SHORT + 1, 2 * SHORT] {
            console.progress(Path::new("a\x1b"), Progress { read_bytes, total_bytes: 2 * SHORT, flows: 1 });
        }
        console.progress(Path::new("short"), Progress { read_bytes: 1, total_bytes: 2, flows: 1 });
        console.end_progress();
        console.end_progress();
        drop(console);
        let expected = "\rreading `a\\u{1b}`: 0 %\rreading `a\\u{1b}`: 50 %\rreading `a\\u{1b}`: 100 %\r\x1b[K";
        assert_eq!(String::from_utf8(err).unwrap(), expected);
    }
}
