//! Standard error, written to by a thread of its own: whoever has a line never waits for those who read it.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write},
    os::fd::AsFd,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tracing::Level;
use tracing_subscriber::fmt::{
    MakeWriter,
    format::Writer,
    time::{FormatTime, SystemTime},
};

/// Lines on their way to standard error. They are written in the order in which they came.
///
/// While it cannot be written to, because it is full, closed or not read, at most a mebibyte of lines waits. Further ones are
/// dropped; when it can be written to again, a line says how many.
#[derive(Clone, Debug)]
pub struct StandardError(Arc<Queue>);

impl StandardError {
    /// Starts the thread, which ends with the process.
    ///
    /// # Errors
    /// When there is no thread or no descriptor for it.
    pub fn start() -> io::Result<Self> {
        // A descriptor of its own: the lock of the library's would be held while a write waits.
        let to = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        Self::to(to)
    }

    fn to(to: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let lines = queue.clone();
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || Lines { to, is_within_line: false }.write(&lines))?;
        Ok(Self(queue))
    }

    /// A line as the log has them.
    pub fn line(&self, level: Level, message: &str) {
        self.0.push(line(level, message).as_bytes());
    }

    /// Lines as they are, such as an error that ends the process.
    pub fn text(&self, text: &str) {
        self.0.push(format!("{text}\n").as_bytes());
    }

    /// Leaves a terminal to somebody else until what this returns is dropped: lines of the log are not written to it
    /// meanwhile. Those that there were are written before.
    pub fn give_way(&self) -> GivenWay {
        let is_terminal = io::stderr().is_terminal();
        if is_terminal {
            self.finish();
        }
        self.0.gives_way.store(is_terminal, Ordering::Release);
        GivenWay(self.0.clone())
    }

    /// Whether it leaves the terminal to somebody else now, so that lines go nowhere.
    pub fn gives_way(&self) -> bool {
        self.0.gives_way.load(Ordering::Acquire)
    }

    /// Waits until everything is written, but not for a reader that does not read.
    pub fn finish(&self) {
        let state = self.0.lock();
        let unfinished = |state: &mut State| state.is_writing || !state.lines.is_empty();
        let _ = self.0.changed.wait_timeout_while(state, FINISHING, unfinished);
    }
}

/// How long the end of the process may wait for whoever reads standard error.
const FINISHING: Duration = Duration::from_secs(1);

/// Keeps the log from the terminal until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct GivenWay(Arc<Queue>);

impl Drop for GivenWay {
    fn drop(&mut self) {
        self.0.gives_way.store(false, Ordering::Release);
    }
}

impl Write for StandardError {
    /// Takes whole lines of the log.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if !self.gives_way() {
            self.0.push(lines);
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for StandardError {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn line(level: Level, message: &str) -> String {
    let mut time = String::new();
    // Of a clock that cannot be shown, the message is still worth a line.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    format!("{time} {level:>5} {message}\n")
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether somebody else has the terminal.
    gives_way: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// What is to be written next.
    lines: Vec<u8>,
    /// How many lines had no room after those.
    dropped: usize,
    /// Whether some are being written.
    is_writing: bool,
}

/// Bytes of lines that wait.
const ROOM: usize = 1 << 20;

impl Queue {
    fn push(&self, lines: &[u8]) {
        let mut state = self.lock();
        if state.lines.len() + lines.len() > ROOM {
            state.dropped += count(lines);
        } else {
            state.lines.extend_from_slice(lines);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// What waits, and how many lines had no room after it, once something waits.
    fn take(&self) -> (Vec<u8>, usize) {
        let mut state = self.lock();
        state.is_writing = false;
        self.changed.notify_all();
        let waited = self.changed.wait_while(state, |state| state.lines.is_empty() && state.dropped == 0);
        state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        (std::mem::take(&mut state.lines), std::mem::take(&mut state.dropped))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where lines are written to, which may fail and work again.
struct Lines<W> {
    to: W,
    /// Whether the last line was cut by a failure.
    is_within_line: bool,
}

impl<W: Write> Lines<W> {
    fn write(mut self, queue: &Queue) {
        let mut lost = 0;
        loop {
            let (lines, dropped) = queue.take();
            let mut text = if lost > 0 { left_out(lost).into_bytes() } else { Vec::new() };
            text.extend(&lines);
            if dropped > 0 {
                text.extend(left_out(dropped).into_bytes());
            }
            lost = match self.write_all(&text) {
                Ok(()) => 0,
                // Some of these may have got through, which is not worth knowing.
                Err(_) => lost + count(&lines) + dropped,
            };
        }
    }

    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        if self.is_within_line {
            self.write_some(b"\n")?;
        }
        self.write_some(text)
    }

    fn write_some(&mut self, mut text: &[u8]) -> io::Result<()> {
        while let Some(&last) = text.last() {
            match self.to.write(text) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let (done, rest) = text.split_at_checked(written).unwrap_or((text, &[]));
                    self.is_within_line = done.last().unwrap_or(&last) != &b'\n';
                    text = rest;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Whoever made this process may have made its end of the pipe so.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// How long to wait for room where the system does not do it.
const FULL: Duration = Duration::from_millis(10);

fn count(lines: &[u8]) -> usize {
    lines.iter().filter(|byte| **byte == b'\n').count()
}

fn left_out(lines: usize) -> String {
    line(Level::WARN, &format!("{lines} lines of the log were left out: standard error did not take them"))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// A reader that can be told to read, to be away, and to be full.
    struct Gate {
        /// The outcome of the next write.
        outcomes: Receiver<io::Result<()>>,
        written: Arc<Mutex<String>>,
    }

    impl Write for Gate {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            // Nobody decides any more at the end of the test.
            self.outcomes.recv().unwrap_or(Ok(()))?;
            self.written.lock().expect("no panic").push_str(std::str::from_utf8(text).expect("UTF-8"));
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gate() -> (StandardError, SyncSender<io::Result<()>>, Arc<Mutex<String>>) {
        let (sender, outcomes) = sync_channel(0);
        let written = Arc::new(Mutex::new(String::new()));
        let error = StandardError::to(Gate { outcomes, written: written.clone() }).expect("a thread");
        (error, sender, written)
    }

    /// What was written, without the times of lines.
    fn shown(written: &Mutex<String>) -> String {
        let written = written.lock().expect("no panic");
        let lines = written.lines().map(|line| line.split_once("Z ").map_or(line, |(_, rest)| rest.trim_start()));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn lines_are_written_in_their_order() {
        let (error, outcomes, written) = gate();
        drop(outcomes);
        for number in 0..1000 {
            error.text(&number.to_string());
        }
        error.finish();
        assert_eq!(shown(&written), (0..1000).map(|number| number.to_string()).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn lines_beyond_the_room_are_dropped_and_counted() {
        let (error, outcomes, written) = gate();
        error.text("first");
        // Being written by now, so that it takes no room.
        while !error.0.lock().is_writing {
            thread::yield_now();
        }
        let long = "x".repeat(ROOM / 4 - 1);
        for _ in 0..10 {
            error.text(&long);
        }
        drop(outcomes);
        error.finish();
        let left_out = "WARN 6 lines of the log were left out: standard error did not take them";
        assert_eq!(shown(&written), format!("first\n{long}\n{long}\n{long}\n{long}\n{left_out}"));
    }

    #[test]
    fn lines_that_could_not_be_written_are_counted_once_it_works_again() {
        let (error, outcomes, written) = gate();
        for text in ["one\ntwo", "three"] {
            error.text(text);
            outcomes.send(Err(io::ErrorKind::StorageFull.into())).expect("a write");
            error.finish();
        }
        drop(outcomes);
        error.text("four");
        error.finish();
        let left_out = "WARN 3 lines of the log were left out: standard error did not take them";
        assert_eq!(shown(&written), format!("{left_out}\nfour"));
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_is_away() {
        let (error, _outcomes, written) = gate();
        error.text("never read");
        error.finish();
        assert_eq!(shown(&written), "");
    }
}
