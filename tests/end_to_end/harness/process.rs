//! The real binary.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{net::TcpStream, sync::watch, time};

use super::{
    recording::{RecordingFile, Target},
    soon,
};

/// How to start the binary.
pub struct Start {
    folder: TempDir,
    args: Vec<String>,
    environment: Vec<(String, String)>,
    listeners: usize,
    cache: PathBuf,
}

/// A running proxy. It is killed when this is dropped.
pub struct Proxyhost {
    child: Child,
    folder: TempDir,
    log: watch::Receiver<Vec<String>>,
    listening: Vec<Listening>,
}

/// Standard error of a proxy that is not heard.
pub enum StandardError {
    /// There is none.
    Closed,
    /// It is this.
    Is(Stdio),
}

/// An announced listener.
struct Listening {
    /// As it is called in the log.
    kind: String,
    address: SocketAddr,
}

impl Proxyhost {
    /// A proxy with these arguments, besides those that keep it apart from other tests.
    pub fn with<'a>(args: impl IntoIterator<Item = &'a str>) -> Start {
        let folder = TempDir::new().expect("a temporary folder");
        let args = args.into_iter().map(str::to_owned).collect();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        Start { folder, args, environment: Vec::new(), listeners: 0, cache }
    }

    /// A proxy that replays and does nothing else.
    pub async fn replaying(recording: &RecordingFile) -> Self {
        Self::with(["-k"]).replay(recording).start().await
    }

    /// Where the regular proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.listening.iter().find(|listening| listening.kind == "proxy").expect("a regular listener").address
    }

    /// Where the only listener is of a kind, as the log calls it.
    pub fn address_of(&self, kind: &str) -> SocketAddr {
        self.listening.iter().find(|listening| listening.kind.contains(kind)).expect("a listener of that kind").address
    }

    /// Where the reverse proxies listen, in the order of their modes.
    pub fn reverse_addresses(&self) -> Vec<SocketAddr> {
        self.listening
            .iter()
            .filter(|listening| listening.kind.contains("reverse"))
            .map(|listening| listening.address)
            .collect()
    }

    /// The certificate that clients trust.
    pub fn ca_certificate(&self) -> PathBuf {
        self.folder.path().join("ca/proxyhost-ca-cert.pem")
    }

    /// The log so far, without times.
    pub fn log(&self) -> String {
        self.log.borrow().join("\n")
    }

    /// The first log line that contains a text, once it is there.
    pub async fn wait_for_log(&self, text: &str) -> String {
        let mut log = self.log.clone();
        let found = log.wait_for(|lines| lines.iter().any(|line| line.contains(text)));
        match soon(text, found).await {
            Ok(lines) => lines.iter().find(|line| line.contains(text)).cloned().unwrap_or_default(),
            Err(_) => panic!("the log ended without `{text}`:\n{}", self.log()),
        }
    }

    /// Waits until so many log lines contain a text.
    pub async fn wait_for_lines(&self, text: &str, count: usize) {
        let mut log = self.log.clone();
        let found = log.wait_for(|lines| lines.iter().filter(|line| line.contains(text)).count() >= count);
        if soon(text, found).await.is_err() {
            panic!("the log ended without {count} times `{text}`:\n{}", self.log());
        }
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder that it was started in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks the process to stop.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal by its name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let signalled = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(signalled.expect("a shell").success());
    }

    /// Changes a limit of the running process by its name for `prlimit`, such as `fsize`. Only soft limits, so that it can
    /// be changed back.
    pub fn limit(&self, name: &str, value: &str) {
        let mut command = Command::new("prlimit");
        command.arg(format!("--pid={}", self.child.id())).arg(format!("--{name}={value}:"));
        assert!(command.status().expect("util-linux").success());
    }

    /// Lets the process have so many files open.
    pub fn limit_files(&self, count: u32) {
        let (pid, limit) = (self.child.id().to_string(), format!("--nofile={count}:{count}"));
        let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(limited.expect("prlimit, of util-linux").success());
    }

    /// Waits for the process to end.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut log = self.log.clone();
        // The log ends with the process.
        soon("the end of the process", async { while log.changed().await.is_ok() {} }).await;
        let child = &mut self.child;
        let exited = async {
            loop {
                match child.try_wait().expect("a child of ours") {
                    Some(status) => return status,
                    // A log that nobody hears does not tell.
                    None => time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        soon("the end of the process", exited).await
    }

    /// Stops the process as a service manager does.
    pub async fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.ended().await
    }
}

impl Drop for Proxyhost {
    fn drop(&mut self) {
        // Fails only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Start {
    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<Path>) -> Self {
        self.args.push(arg.as_ref().to_str().expect("UTF-8").to_owned());
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replays a recording.
    pub fn replay(self, recording: &RecordingFile) -> Self {
        self.arg("-S").arg(recording.path())
    }

    /// Records to a file.
    pub fn record(self, target: &Target) -> Self {
        self.arg("-w").arg(target.path())
    }

    /// Records to the end of a file.
    pub fn append(self, target: &Target) -> Self {
        self.arg("-w").arg(format!("+{}", target.path().display()))
    }

    /// Sets an option of an addon.
    pub fn set(self, option: &str, value: &str) -> Self {
        self.arg("--set").arg(format!("{option}={value}"))
    }

    /// Adds a mode.
    pub fn mode(mut self, mode: &str) -> Self {
        self.listeners += 1;
        self.arg("--mode").arg(mode)
    }

    /// Waits for so many listeners, which the configuration file has.
    pub fn listeners(self, listeners: usize) -> Self {
        Self { listeners, ..self }
    }

    /// Reads this configuration file.
    pub fn config(self, text: &str) -> Self {
        let path = self.folder.path().join("test.toml");
        fs::write(&path, text).expect("a file in the temporary folder");
        self.arg("--config").arg(path)
    }

    /// Puts a file into the folder that it is started in.
    pub fn file(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.folder.path().join(name), bytes).expect("a file in the temporary folder");
        self
    }

    /// Keeps compiled addons in this folder instead of the one that all tests share.
    pub fn cache(self, cache: &Path) -> Self {
        Self { cache: cache.to_owned(), ..self }
    }

    /// Starts it, and does not wait for anything.
    pub fn loading(self) -> Child {
        let mut command = self.command();
        command.args(["--listen", "127.0.0.1:0"]).args(&self.args).stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    }

    /// Starts it, and waits until it listens.
    pub async fn start(self) -> Proxyhost {
        let mut command = self.command();
        command.args(["--listen", "127.0.0.1:0", "--ca-dir"]).arg(self.folder.path().join("ca")).args(&self.args);
        command.envs(self.environment);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, log) = watch::channel(Vec::new());
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                sender.send_modify(|lines: &mut Vec<String>| lines.push(without_time(&line)));
            }
        });
        let mut proxy = Proxyhost { child, folder: self.folder, log, listening: Vec::new() };
        let expected = self.listeners.max(1);
        let mut log = proxy.log.clone();
        let announced = log.wait_for(|lines| lines.iter().filter_map(|line| listening(line)).count() == expected);
        match soon("listeners", announced).await {
            Ok(lines) => proxy.listening = lines.iter().filter_map(|line| listening(line)).collect(),
            Err(_) => panic!("it did not start:\n{}", proxy.log()),
        }
        proxy
    }

    /// Starts it with a standard error of which the harness reads nothing, and waits until something listens.
    pub async fn unheard(self, stderr: StandardError) -> Proxyhost {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let mut command = self.command();
        if let StandardError::Closed = stderr {
            let binary = command.get_program().to_owned();
            let environment: Vec<_> =
                command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
            command = Command::new("sh");
            command.args(["-c", "exec \"$0\" \"$@\" 2>&-"]).arg(binary).current_dir(self.folder.path());
            command.env_clear().envs(environment).stdin(Stdio::null());
        }
        command.args(["--listen", &address.to_string(), "--ca-dir"]).arg(self.folder.path().join("ca"));
        command.args(&self.args);
        if let StandardError::Is(stderr) = stderr {
            command.stderr(stderr);
        }
        let child = command.spawn().expect("the binary starts");
        let listening = vec![Listening { kind: "proxy".to_owned(), address }];
        let (_, log) = watch::channel(Vec::new());
        let proxy = Proxyhost { child, folder: self.folder, log, listening };
        let listens = async {
            // Nothing else tells: what would is not heard.
            while TcpStream::connect(address).await.is_err() {
                time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("the listener", listens).await;
        proxy
    }

    /// What starts it, and the folder for that, where `ready.json` is when it serves.
    pub(super) fn into_command(self) -> (TempDir, Command) {
        let mut command = self.command();
        command.args(["--listen", "127.0.0.1:0", "--ready-file", "ready.json", "--ca-dir", "ca"]).args(&self.args);
        (self.folder, command)
    }

    /// Runs it to its end, with this for standard output.
    pub fn run_into(self, stdout: Stdio) -> Output {
        let child = self.command().args(&self.args).stdout(stdout).stderr(Stdio::piped()).spawn();
        child.and_then(Child::wait_with_output).expect("the binary starts")
    }

    /// Runs it to its end.
    pub fn run(self) -> Output {
        self.command().args(&self.args).output().expect("the binary starts")
    }

    /// The binary with nothing of this machine's around it.
    fn command(&self) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxyhost"));
        command.current_dir(folder).env_clear().stdin(Stdio::null());
        command.env("HOME", folder).env("XDG_CACHE_HOME", &self.cache).env("RUST_BACKTRACE", "0");
        command.env("XDG_RUNTIME_DIR", folder);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Runs it to its end, which must be a refusal: exit status 2 and nothing on standard output. Gives what it says.
    pub fn refusal(self) -> String {
        let output = self.run();
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(output.stdout, b"");
        said
    }
}

fn listening(line: &str) -> Option<Listening> {
    let (before, address) = line.split_once(" listening on ")?;
    let address = address.rsplit("://").next()?.parse().ok()?;
    Some(Listening { kind: before.trim_start_matches("INFO ").to_owned(), address })
}

/// A log line begins with the time; what the process says before it logs does not.
fn without_time(line: &str) -> String {
    match line.split_once("Z ") {
        Some((time, rest)) if time.starts_with(|char: char| char.is_ascii_digit()) => rest.trim_start().to_owned(),
        _ => line.to_owned(),
    }
}
