//! The real mitmproxy: one that is named, one on `PATH`, or one that is installed from PyPI for these tests.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Read, Write, stderr},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;

use super::traffic::Proxy;
use crate::harness::{Framing, Message, soon};

/// What will do if it is there already. What is installed is in `requirements.txt`.
const LINE: &str = "Mitmproxy: 12.";

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/end_to_end/mitmproxy");

/// Where mitmproxy is.
pub struct Mitmproxy {
    mitmdump: PathBuf,
    python: PathBuf,
}

/// A running mitmdump. It is killed when this is dropped.
pub struct Mitmdump {
    child: Child,
    folder: TempDir,
    log: watch::Receiver<Vec<String>>,
    address: SocketAddr,
}

/// A flow as mitmproxy has read it.
#[derive(Debug, Deserialize, PartialEq)]
pub struct Flow {
    request: Said,
    response: Option<Said>,
    pub websocket: Option<Value>,
    pub error: Option<String>,
    pub metadata: Value,
    /// When things happened, in the order in which they have to.
    pub times: Vec<f64>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Said {
    first: String,
    fields: Vec<(String, String)>,
    body: Option<String>,
    trailers: Vec<(String, String)>,
}

impl Mitmproxy {
    /// The one to test with. Without one the test is not run, which is said on standard error, unless
    /// `PROXYHOST_PEERS=required`: then it fails.
    pub fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Result<Mitmproxy, String>> = OnceLock::new();
        let why = match FOUND.get_or_init(search) {
            Ok(found) => return Some(found),
            Err(why) => why,
        };
        assert!(env::var_os("PROXYHOST_PEERS").is_none_or(|peers| peers != "required"), "no mitmproxy: {why}");
        let test = thread::current().name().unwrap_or_default().to_owned();
        // Not by a macro, whose output is kept from whoever runs tests that pass.
        stderr().write_all(format!("{test} WAS NOT RUN: no mitmproxy: {why}\n").as_bytes()).expect("standard error");
        None
    }

    fn at(mitmdump: &Path) -> Result<Self, String> {
        let said = run(Command::new(mitmdump).arg("--version"))?;
        if !said.starts_with(LINE) {
            return Err(format!("`{}` says `{}`, not `{LINE}`", mitmdump.display(), said.lines().next().unwrap_or("")));
        }
        let resolved = mitmdump.canonicalize().map_err(|error| format!("`{}`: {error}", mitmdump.display()))?;
        // What is on `PATH` may be a script that only knows where they are.
        let python = run(Command::new(resolved.with_file_name("python3")).args(["-I", "-c", WHERE]))?;
        let python = PathBuf::from(python.trim_end());
        Ok(Self { mitmdump: python.with_file_name("mitmdump"), python })
    }

    /// The flows of a recording as mitmproxy reads them.
    pub fn flows(&self, path: &Path) -> Vec<Flow> {
        let shown = run(self.script("show").arg(path)).unwrap_or_else(|why| panic!("{why}"));
        shown.lines().map(|line| serde_json::from_str(line).expect("a flow")).collect()
    }

    /// Writes a recording that has all that mitmproxy keeps of flows.
    pub fn write(&self, path: &Path, ca: &Path) {
        run(self.script("write").args([path, ca])).unwrap_or_else(|why| panic!("{why}"));
    }

    fn script(&self, what: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg("-I").arg(Path::new(FILES).join("flows.py")).arg(what);
        command
    }

    /// What mitmdump says that is given these arguments and ends by itself.
    pub fn run(&self, args: &[&str]) -> String {
        let folder = TempDir::new().expect("a temporary folder");
        run(self.command(folder.path()).args(args)).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Starts mitmdump as a proxy, and waits until it listens.
    pub async fn start(&self, args: &[&str]) -> Mitmdump {
        let folder = TempDir::new().expect("a temporary folder");
        let mut command = self.command(folder.path());
        command.args(["--listen-host", "127.0.0.1", "--listen-port", "0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("mitmdump starts");
        let (sender, mut log) = watch::channel(Vec::new());
        follow(child.stdout.take().expect("it is piped"), sender.clone());
        follow(child.stderr.take().expect("it is piped"), sender);
        let announced = soon("mitmdump", log.wait_for(|lines| listening(lines).is_some())).await;
        let address = announced.ok().and_then(|lines| listening(&lines));
        let address = address.unwrap_or_else(|| panic!("it did not start:\n{}", log.borrow().join("\n")));
        Mitmdump { child, folder, log, address }
    }

    /// mitmdump with nothing of this machine's around it.
    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.mitmdump);
        command.env_clear().env("HOME", folder).env("PYTHONUNBUFFERED", "1").stdin(Stdio::null());
        command.arg("--set").arg(format!("confdir={}", folder.display()));
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }
}

impl Mitmdump {
    /// How clients see it.
    pub fn proxy(&self) -> Proxy {
        Proxy { address: self.address, ca: self.folder.path().join("mitmproxy-ca-cert.pem") }
    }

    /// Stops it, so that it writes what it has not written yet.
    pub async fn stop(mut self) {
        let signalled = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(signalled.expect("a shell").success());
        // The log ends with the process.
        soon("the end of mitmdump", async { while self.log.changed().await.is_ok() {} }).await;
        let status = self.child.wait().expect("a child of ours");
        assert!(status.success(), "{status}:\n{}", self.log.borrow().join("\n"));
    }
}

impl Drop for Mitmdump {
    fn drop(&mut self) {
        // Fails only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Flow {
    /// What the client asked.
    pub fn request(&self) -> Message {
        self.request.message()
    }

    /// What the server answered.
    pub fn response(&self) -> Message {
        self.response.as_ref().unwrap_or_else(|| panic!("no response: {self:?}")).message()
    }

    /// Whether the server answered.
    pub fn is_answered(&self) -> bool {
        self.response.is_some()
    }
}

impl Said {
    fn message(&self) -> Message {
        let body = self.body.as_ref().expect("the content was recorded");
        Message {
            first: self.first.clone(),
            fields: self.fields.clone(),
            framing: Framing::Close,
            body: body.chars().map(|char| u8::try_from(char).expect("a byte")).collect(),
            trailers: self.trailers.clone(),
        }
    }
}

fn search() -> Result<Mitmproxy, String> {
    if let Some(named) = env::var_os("PROXYHOST_MITMDUMP") {
        return Mitmproxy::at(Path::new(&named));
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut on_path = env::split_paths(&folders).map(|folder| folder.join("mitmdump")).filter(|path| path.is_file());
    // One of another version is as good as none.
    on_path.next().and_then(|mitmdump| Mitmproxy::at(&mitmdump).ok()).map_or_else(install, Ok)
}

/// Installs it once, for all runs of the tests from this target folder.
fn install() -> Result<Mitmproxy, String> {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = File::create(shared.join("mitmproxy.lock")).map_err(|error| format!("cannot lock: {error}"))?;
    lock.lock().map_err(|error| format!("cannot lock: {error}"))?;
    let folder = shared.join("mitmproxy");
    let mitmdump = folder.join("bin/mitmdump");
    if let Ok(installed) = Mitmproxy::at(&mitmdump) {
        return Ok(installed);
    }
    let is_new = |python: &&str| run(Command::new(python).args(["-c", IS_NEW])).is_ok();
    let python = ["python3.14", "python3.13", "python3.12", "python3"].into_iter().find(is_new);
    let python = python.ok_or("it needs Python 3.12 or newer, and there is none on PATH")?;
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(folder.join("bin/python3")).args(pip).arg(Path::new(FILES).join("requirements.txt")))?;
    Mitmproxy::at(&mitmdump)
}

const IS_NEW: &str = "import sys; sys.exit(sys.version_info < (3, 12))";
const WHERE: &str = "import mitmproxy.io, sys; print(sys.executable)";

/// What a command says on standard output; an error if it fails.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?}: {}: {said}{}", output.status, why.trim_end()))
}

fn follow(stream: impl Read + Send + 'static, log: watch::Sender<Vec<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            log.send_modify(|lines| lines.push(line));
        }
    });
}

fn listening(log: &[String]) -> Option<SocketAddr> {
    let address = log.iter().find_map(|line| line.split_once(" proxy listening at ")).map(|(_, address)| address);
    address.and_then(|address| address.trim_end_matches('.').parse().ok())
}
