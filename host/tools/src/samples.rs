//! Material for tests: the examples, sinks that write a line for each flow, and a way to run commands.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use recording::{Flow, Source};

use super::{Console, FlowSink, Writers, command, run};

pub(super) fn example(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../tests/recordings", name].iter().collect()
}

pub(super) fn example_bytes(name: &str) -> Vec<u8> {
    fs::read(example(name)).unwrap()
}

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) code: u8,
    pub(super) out: String,
    /// What was said, and the error if there was one.
    pub(super) err: String,
}

/// Runs `flows` with these arguments. What starts with `@` is an example, and stands for its name in what was printed.
pub(super) fn flows(arguments: &[&str]) -> Ran {
    flows_on(arguments, None)
}

/// Runs it where lines are not longer than that.
pub(super) fn flows_on(arguments: &[&str], width: Option<usize>) -> Ran {
    let path = |argument: &&str| match argument.strip_prefix('@') {
        Some(name) => example(name).to_str().unwrap().to_owned(),
        None => (*argument).to_owned(),
    };
    let arguments = ["flows".to_owned()].into_iter().chain(arguments.iter().map(path));
    let matches = command().try_get_matches_from(arguments).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let console = Console::new(&mut out, &mut err);
    let console = match width {
        Some(width) => console.with_width(width),
        None => console,
    };
    let (code, error) = match run(&matches, console, &Lines) {
        Ok(exit) => (exit.code(), String::new()),
        Err(error) => (error.exit_code(), format!("error: {}\n", oneline::chain(&error))),
    };
    let folder = format!("{}/", example("").to_str().unwrap().trim_end_matches('/'));
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(&folder, "@");
    Ran { code, out: text(out), err: text(err) + &error.replace(&folder, "@") }
}

/// What a command printed that succeeded and warned of nothing.
pub(super) fn printed(arguments: &[&str]) -> String {
    let ran = flows(arguments);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
    ran.out
}

/// A folder for outputs, which is removed with it.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Puts a file there.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

pub(super) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// Replaces the first occurrence of some bytes by as many others, so that all frames stay whole.
pub(super) fn edited(mut bytes: Vec<u8>, old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = bytes.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
    bytes
}

/// Sinks that write a line for each flow, and `end`.
pub(super) struct Lines;

struct Sink {
    name: &'static str,
    file: File,
}

impl Writers for Lines {
    fn flow_file(&self, file: File) -> io::Result<Box<dyn FlowSink>> {
        Ok(Box::new(Sink { name: "flow", file }))
    }

    fn har(&self, file: File) -> io::Result<Box<dyn FlowSink>> {
        Ok(Box::new(Sink { name: "har", file }))
    }
}

impl FlowSink for Sink {
    fn write(&mut self, flow: &Flow<Source>) -> io::Result<()> {
        assert_eq!(flow.id.len(), 36);
        let Flow { request, response, websocket, .. } = flow;
        let [method, host, path] = [&request.method, &request.host, &request.path].map(|bytes| bytes.escape_ascii());
        write!(self.file, "{} {method} {host}:{}{path} {}", self.name, request.port, body(&request.content))?;
        if let Some(response) = response {
            write!(self.file, " {} {}", response.status, body(&response.content))?;
        }
        for message in websocket.iter().flat_map(|websocket| &websocket.messages) {
            write!(self.file, " {}:{}", message.from_client, body(&message.content))?;
        }
        let server = flow.server.map(|server| format!(" from {server}")).unwrap_or_default();
        let error = flow.error.as_ref().map(|failure| format!(" ({})", failure.reason)).unwrap_or_default();
        writeln!(self.file, "{server}{error}")
    }

    fn finish(&mut self) -> io::Result<()> {
        writeln!(self.file, "end")
    }
}

/// A body, or its length if it is long.
fn body(content: &Source) -> String {
    let bytes = match content {
        Source::NotRecorded => return "none".to_owned(),
        Source::Bytes(bytes) => bytes.to_vec(),
        Source::File { file, offset, len } => {
            let mut bytes = vec![0; *len as usize];
            file.read_exact_at(&mut bytes, *offset).unwrap();
            bytes
        }
        Source::Quoted { string, .. } => return format!("{} bytes of JSON", string.size()),
    };
    match bytes.len() {
        ..40 => format!("`{}`", bytes.escape_ascii()),
        len => format!("{len} bytes"),
    }
}
