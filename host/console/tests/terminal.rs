//! The console in a terminal: what it shows there, and that it leaves nothing behind, however it ends.

#[expect(dead_code, reason = "nothing passes here")]
#[path = "../src/samples.rs"]
mod samples;

use std::{
    io::{Read as _, Write},
    num::NonZero,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use samples::Sample;
use tokio::signal::unix::{SignalKind, signal};

/// Until something has to be seen.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_terminal_is_given_back_when_the_user_quits() {
    let mut terminal = Terminal::start();
    terminal.wait_for("shop.example/api/cart/items/A-7");
    terminal.enter("f~c 404\r");
    terminal.wait_for("1 of 8 [f:~c 404]");
    terminal.enter("\r");
    terminal.wait_for("this request");
    terminal.enter("Q");
    terminal.is_as_before("ended by the user");
}

#[test]
fn the_terminal_is_given_back_on_a_panic() {
    let mut terminal = Terminal::start();
    terminal.wait_for("shop.example/api/cart/items/A-7");
    terminal.enter("Rspanic\r");
    terminal.is_as_before("the sample was told to panic");
}

#[test]
fn the_terminal_is_given_back_on_a_signal() {
    let mut terminal = Terminal::start();
    terminal.wait_for("shop.example/api/cart/items/A-7");
    terminal.enter("Rssignal\r");
    terminal.is_as_before("ended by a signal");
}

/// What runs in the terminal. It is this program again, so that it is built whenever the tests are.
#[tokio::test]
#[ignore = "the others run it, in a terminal"]
async fn shop() {
    let mut terminations = signal(SignalKind::terminate()).expect("signals can be awaited");
    let end = tokio::select! {
        end = console::run(Arc::new(Sample::new(samples::shop()))) => {
            assert_eq!(end.expect("the console runs"), console::Ended::Quit);
            "the user"
        }
        _ = terminations.recv() => "a signal",
    };
    let _ = writeln!(std::io::stdout(), "ended by {end}");
}

const ROWS: NonZero<u16> = NonZero::new(24).expect("24 is not 0");
const COLUMNS: NonZero<u16> = NonZero::new(80).expect("80 is not 0");

/// A terminal of 80 × 24.
struct Terminal {
    screen: vt100::Parser,
    output: mpsc::Receiver<Vec<u8>>,
    input: Box<dyn Write + Send>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    /// Runs the console, then shows the state of the terminal.
    fn start() -> Self {
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("there are terminals");
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", "\"$0\" shop --exact --ignored --nocapture; stty -a; echo all over"]);
        command.arg(std::env::current_exe().expect("this program has a path"));
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        pair.slave.spawn_command(command).expect("the console starts");
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let input = pair.master.take_writer().expect("the terminal can be written to");
        Self { screen: vt100::Parser::new(ROWS, COLUMNS, 0), output, input, _master: pair.master }
    }

    fn enter(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.input.flush().expect("the terminal takes keys");
    }

    /// Waits until a text is on the screen.
    fn wait_for(&mut self, text: &str) {
        let start = Instant::now();
        while !self.screen.screen().contents().contains(text) {
            let rest = PATIENCE.saturating_sub(start.elapsed());
            match self.output.recv_timeout(rest) {
                Ok(output) => self.screen.process(&output),
                Err(error) => panic!("`{text}` is not to be seen: {error}\n{}", self.screen.screen().contents()),
            }
        }
    }

    /// Waits for the end, and for the last words of the console on a screen that is as it was before.
    fn is_as_before(&mut self, last: &str) {
        self.wait_for("all over");
        let screen = self.screen.screen();
        let contents = screen.contents();
        assert!(contents.contains(last), "{contents}");
        assert!(contents.contains(" icanon") && contents.contains(" echo "), "{contents}");
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste(), "{contents}");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}
