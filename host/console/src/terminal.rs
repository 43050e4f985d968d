//! The terminal: taken, drawn on, and given back on every way out.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use crossterm::{
    cursor::Show,
    event::{
        self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event as Input,
    },
    execute,
    terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Frame, backend::CrosstermBackend, layout::Size};
use tokio::sync::mpsc::Receiver;

use crate::run::ConsoleError;

/// How long giving back waits for what is still being written to a terminal that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the terminal is taken. What is written to it is written with this locked, so that nothing comes after giving back.
static IS_TAKEN: Mutex<bool> = Mutex::new(false);

/// The terminal, as long as it is taken. Dropping this gives it back; so does a panic, whose message would be lost otherwise.
///
/// A thread of its own writes: a terminal that takes nothing holds up nobody.
pub(crate) struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<Written>>,
    written: Written,
    frames: mpsc::Sender<Vec<u8>>,
    is_writing: Arc<AtomicBool>,
}

impl Terminal {
    /// Takes the terminal.
    pub(crate) fn take() -> Result<Self, ConsoleError> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(ConsoleError::NoTerminal);
        }
        give_back_on_panic();
        let (frames, receiver) = mpsc::channel();
        let is_writing = Arc::new(AtomicBool::new(false));
        let is_written = is_writing.clone();
        std::thread::Builder::new()
            .name("console".to_owned())
            .spawn(move || write_all(&receiver, &is_written))
            .map_err(ConsoleError::Take)?;
        let written = Written::default();
        let screen = ratatui::Terminal::new(CrosstermBackend::new(written.clone())).map_err(ConsoleError::Take)?;
        let terminal = Self { screen, written, frames, is_writing };
        // From here on, dropping it gives back what was taken, also if that fails half-way.
        enter().map_err(ConsoleError::Take)?;
        Ok(terminal)
    }

    pub(crate) fn size(&self) -> Size {
        self.screen.size().unwrap_or(Size::new(80, 24))
    }

    /// Whether it has taken what was drawn last.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_writing.load(Ordering::Acquire)
    }

    /// Whether it was closed.
    pub(crate) fn is_gone(&self) -> bool {
        !io::stdin().is_terminal()
    }

    /// Draws what differs from what was drawn last.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), ConsoleError> {
        // A panic elsewhere has given it back, and said why; the proxy goes on.
        if !*lock() {
            enter().map_err(ConsoleError::Draw)?;
            // A new one draws all. Clearing this one would ask the terminal where its cursor is, and wait for the answer.
            self.screen =
                ratatui::Terminal::new(CrosstermBackend::new(self.written.clone())).map_err(ConsoleError::Draw)?;
        }
        self.screen.draw(draw).map_err(ConsoleError::Draw)?;
        let frame = std::mem::take(&mut *self.written.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.is_writing.store(true, Ordering::Release);
        self.frames.send(frame).map_err(|_| ConsoleError::Draw(io::ErrorKind::BrokenPipe.into()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// What comes from the terminal: a thread of its own reads it until nobody wants it any more. Reading from a terminal that was
/// closed never ends, and must hold up nobody.
pub(crate) fn keys() -> io::Result<Receiver<io::Result<Input>>> {
    /// Keys that are read ahead, such as of a text that is pasted.
    const AHEAD: usize = 256;
    let (sender, keys) = tokio::sync::mpsc::channel(AHEAD);
    let read = move || {
        while !sender.is_closed() {
            let key = match event::poll(PATIENCE) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(failure) => Err(failure),
            };
            let is_failure = key.is_err();
            if sender.blocking_send(key).is_err() || is_failure {
                return;
            }
        }
    };
    std::thread::Builder::new().name("keys".to_owned()).spawn(read)?;
    Ok(keys)
}

/// What was drawn and not written yet.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes frames until there will be no more, or the terminal is gone.
fn write_all(frames: &mpsc::Receiver<Vec<u8>>, is_writing: &AtomicBool) {
    while let Ok(frame) = frames.recv() {
        let is_taken = lock();
        if *is_taken {
            let mut output = io::stdout().lock();
            if output.write_all(&frame).and_then(|()| output.flush()).is_err() {
                return;
            }
        }
        drop(is_taken);
        is_writing.store(false, Ordering::Release);
    }
}

fn enter() -> io::Result<()> {
    let mut is_taken = lock();
    *is_taken = true;
    enable_raw_mode()?;
    // Only what differs from an empty screen is drawn, and not every terminal has another one that is empty.
    execute!(io::stdout(), EnterAlternateScreen, Clear(ClearType::All), EnableMouseCapture, EnableBracketedPaste)
}

/// Gives the terminal back, if it is taken.
fn give_back() {
    let start = Instant::now();
    loop {
        if let Ok(mut is_taken) = IS_TAKEN.try_lock() {
            if std::mem::take(&mut *is_taken) {
                let output = &mut io::stdout();
                let _ = execute!(output, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, Show);
                let _ = disable_raw_mode();
            }
            return;
        }
        if start.elapsed() > PATIENCE {
            // It takes nothing, so there is nobody to see the rest.
            let _ = disable_raw_mode();
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
    });
}

fn lock() -> MutexGuard<'static, bool> {
    IS_TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
