//! The real binary in a terminal.

use std::{
    cell::OnceCell,
    fs,
    io::{Read, Write},
    net::SocketAddr,
    num::NonZero,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::mpsc, time};

use super::{Start, Wire, soon};

/// A terminal of 80 × 24 in which a proxy runs. It is gone when this is dropped.
///
/// It is that of `script`, of util-linux, which also says what the proxy ended with.
pub struct Terminal {
    script: Child,
    keys: ChildStdin,
    output: mpsc::UnboundedReceiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Whether it was sent nothing but lines.
    is_untouched: bool,
    folder: TempDir,
    ready: OnceCell<Value>,
}

/// Until something has to be seen.
const PATIENCE: Duration = Duration::from_secs(30);

const ROWS: NonZero<u16> = NonZero::new(24).expect("24 is not 0");
const COLUMNS: NonZero<u16> = NonZero::new(80).expect("80 is not 0");

/// Runs a command on a terminal of that size, which it is to leave as it was.
const WITHIN: &str = r#"stty rows 24 cols 80; before=$(stty -g); "$@"; code=$?
[ "$before" = "$(stty -g)" ] || echo "the terminal is not as it was"
echo "ended with $code"; exit $code"#;

impl Start {
    /// Starts it in a terminal, and does not wait for anything.
    pub fn in_terminal(self) -> Terminal {
        let (folder, command) = self.into_command();
        let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().expect("UTF-8").replace('\'', r"'\''"));
        let words: Vec<String> = [command.get_program()].into_iter().chain(command.get_args()).map(quoted).collect();
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--flush", "--command"]);
        script.arg(format!("sh -c {} sh {}", quoted(WITHIN.as_ref()), words.join(" "))).arg("/dev/null");
        script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("TERM", "xterm-256color").env("SHELL", "/bin/sh").current_dir(folder.path());
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut script = script.expect("`script`, of util-linux");
        let keys = script.stdin.take().expect("it is piped");
        let mut shown = script.stdout.take().expect("it is piped");
        let (sender, output) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = shown.read(&mut buffer) {
                let _ = sender.send(buffer[..length].to_vec());
            }
        });
        Terminal {
            script,
            keys,
            output,
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
            is_untouched: true,
            folder,
            ready: OnceCell::new(),
        }
    }
}

impl Terminal {
    /// Presses keys.
    pub fn enter(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("the terminal takes keys");
    }

    /// Waits until a text is on the screen.
    pub async fn shows(&mut self, text: &str) {
        let shown = async {
            while !self.contents().contains(text) {
                let Some(output) = self.output.recv().await else { return false };
                self.process(&output);
            }
            true
        };
        // It is drawn again and again, so one wait is for all.
        let is_shown = time::timeout(PATIENCE, shown).await.unwrap_or(false);
        assert!(is_shown, "`{text}` is not on the screen:\n{}", self.contents());
    }

    /// Waits until the screen is like this, where each port and each time that a flow took looks the same. What it is if it
    /// does not become so within a time.
    pub async fn becomes(&mut self, screen: &str, within: Duration) -> Result<(), String> {
        let settled = async {
            while self.masked() != screen {
                let Some(output) = self.output.recv().await else { return };
                self.process(&output);
            }
        };
        let _ = time::timeout(within, settled).await;
        let masked = self.masked();
        if masked == screen { Ok(()) } else { Err(masked) }
    }

    fn process(&mut self, output: &[u8]) {
        self.is_untouched &= !output.contains(&0x1b);
        self.screen.process(output);
    }

    /// What is on the screen.
    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    fn masked(&self) -> String {
        let port = self.address().port().to_string();
        let line = |line: String| without_duration(&line.replace(&port, &"P".repeat(port.len())));
        self.screen.screen().rows(0, 80).map(|text| line(text.trim_end().to_owned()) + "\n").collect()
    }

    /// Whether a program has a screen of its own, hides the cursor or hears the mouse.
    pub fn is_taken(&self) -> bool {
        let screen = self.screen.screen();
        screen.alternate_screen()
            || screen.hide_cursor()
            || screen.bracketed_paste()
            || screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    /// Whether nothing commanded it so far.
    pub fn is_untouched(&self) -> bool {
        self.is_untouched
    }

    /// A connection to the proxy.
    pub async fn connect(&self) -> Wire {
        Wire::new(TcpStream::connect(self.address()).await.expect("the proxy listens"))
    }

    /// Sends the proxy a signal by its name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let signalled = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.ready()["pid"])]).status();
        assert!(signalled.expect("a shell").success());
    }

    /// A file in the folder in which the proxy runs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits for the end, when the terminal must be as it was before: what the proxy ended with.
    pub async fn ended(&mut self) -> i32 {
        self.shows("ended with ").await;
        assert!(!self.is_taken() && !self.contents().contains("not as it was"), "{}", self.contents());
        let output = &mut self.output;
        soon("the end of the terminal", async { while output.recv().await.is_some() {} }).await;
        self.script.wait().expect("a child of ours").code().expect("no signal")
    }

    /// Closes the terminal under the proxy, and waits until that says that it no longer serves.
    pub async fn close(&mut self) {
        self.script.kill().expect("a child of ours");
        let served = self.path("ready.json");
        let stops = async {
            // Nothing else tells: what would is closed.
            while served.exists() {
                time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("the end of a proxy without its terminal", stops).await;
    }

    fn address(&self) -> SocketAddr {
        let address = &self.ready()["listeners"][0]["address"];
        address.as_str().expect("an address").parse().expect("an address")
    }

    /// What the proxy says of itself once it serves, until it stops.
    fn ready(&self) -> &Value {
        self.ready.get_or_init(|| {
            let text = fs::read(self.path("ready.json")).expect("it serves");
            serde_json::from_slice(&text).expect("JSON")
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Closing the terminal ends what runs in it.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// A time at the end of a line is a number and a unit in the last 8 of 80 columns.
fn without_duration(line: &str) -> String {
    let is_time = |field: &str| {
        let mut words = field.split_whitespace();
        let number = words.next().is_some_and(|word| word.parse::<f64>().is_ok());
        number && matches!(words.next(), Some("ms" | "s" | "min"))
    };
    match line.char_indices().nth(72) {
        Some((start, _)) if is_time(&line[start..]) => format!("{}{:>8}", &line[..start], "T"),
        _ => line.to_owned(),
    }
}
