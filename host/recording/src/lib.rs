//! Recorded conversations, read from files and written to them.
//!
//! A [`Recording`] is opened once and shared. It keeps the heads of its exchanges in memory and leaves the bodies in the
//! file, so opening a file of gigabytes costs little; [`Recording::read`] fetches a body when it is needed. The file is read
//! at positions and never mapped: a file that shrinks later fails the exchanges that it lost, not the process. Only the
//! bodies of JSON documents are kept in memory, because they are escaped there.
//!
//! The modules, from the outside in: `exchange` is what a recording holds, `content` reads bodies, `pace` is how fast they
//! are sent. `flow_file` walks over the records of a flow
//! file, `record` and `message` make an exchange of one record whatever its version, with `metadata` and `conversation` for
//! what lies beside its messages; `tnetstring` is the framing of records and `window` the reads below it. `document` walks
//! over the items of a JSON document, of which `har`, `wprgo` and `wiremock` make exchanges. `heads` and `url` have the
//! checks that all formats share.
//!
//! A [`Recorder`] is handed what passes as a `new_flow`:
//! `redaction` takes the secrets from it, `recorder` gets it into a file without losing it, and `flow_writer` or
//! `har_writer` make the bytes of it. `websocket` is the protocol itself, for both directions.
//!
//! For tools, `frames` walks over flows to copy them, and `details` reads what only tools ask about.

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

mod content;
mod conversation;
mod details;
mod document;
mod error;
mod flow_file;
mod flow_writer;
mod frames;
mod har;
mod har_writer;
mod heads;
mod in_use;
mod message;
mod metadata;
mod model;
mod record;
mod recorder;
mod redaction;
mod tnetstring;
mod url;
mod websocket;
mod window;
mod wiremock;
mod wprgo;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use details::{Details, FlowProtocol};
pub use error::RecordingError;
pub use flow_file::{BrokenTail, Invalid, Progress, Skipped};
pub use flow_writer::write as write_flow;
pub use frames::{FlowFile, FlowFrame, FlowFrames};
pub use har_writer::HarFile;
pub use metadata::RESPONSE_PIECES;
pub use model::{
    Beat, Content, Exchange, Failure, Fields, Flow, Message, Pace, Piece, Request, Response, Source, Span, WebSocket,
};
pub use recorder::{Input, Kept, Opened, Recorder, RecorderError, Redactor};
pub use redaction::Redaction;
pub use websocket::{
    Deflate, Difference, MESSAGE_LIMIT, Manner, MessageStore, OnDifference, Session, SessionContent, SessionRecorder,
    Turn, accept_key, play,
};

use document::Packing;
use flow_file::Flows;
use in_use::InUse;
use window::Window;

/// An opened recording: the heads of its exchanges, and its file for their bodies.
#[derive(Debug)]
pub struct Recording {
    _in_use: Option<InUse>,
    path: PathBuf,
    file: File,
    exchanges: Vec<Exchange>,
    skipped: Skipped,
    warning: Option<BrokenTail>,
}

impl Recording {
    /// Opens the recording at `path` and reads its heads. The content decides on the format, not the name. A folder is one
    /// of WireMock's, with stubs in `mappings`.
    ///
    /// `progress` is called now and then, and once at the end. A file whose end is damaged opens with the whole flows before
    /// the damage, see [`Recording::warning`]; a single unreadable flow is left out, see [`Recording::skipped`]. Opening
    /// blocks on the file, so asynchronous callers run it on a thread of its own.
    pub fn open(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Self, RecordingError> {
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            let file = File::open(path).map_err(|source| RecordingError::Open { path: path.into(), source })?;
            return Ok(Self::of_flows(path, file, wiremock::load_folder(path, progress)?));
        }
        let (file, size) = open_file(path)?;
        let mut window = Window::new(&file, size);
        let first = first_bytes(path, &mut window, size)?;
        let flows = match Format::of(&first) {
            Format::FlowFile => flow_file::load(path, window, progress)?,
            Format::Json => document::load(path, &file, Packing::Plain, progress)?,
            Format::Gzip => document::load(path, &file, Packing::Gzip, progress)?,
            Format::Zip => document::load_zip(path, &file, progress)?,
            other => return Err(other.refusal(path, &first)),
        };
        Ok(Self::of_flows(path, file, flows))
    }

    fn of_flows(path: &Path, file: File, flows: Flows) -> Self {
        Self {
            _in_use: InUse::new(&file),
            path: path.into(),
            file,
            exchanges: flows.exchanges,
            skipped: flows.skipped,
            warning: flows.broken_tail,
        }
    }

    /// The HTTP exchanges in the order of the file.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// What the file holds besides its exchanges: counts, and the flows that cannot be used with the reason.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// The damage that ended the reading before the end of the file, if there was any.
    pub fn warning(&self) -> Option<&BrokenTail> {
        self.warning.as_ref()
    }

    /// The path it was opened at.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens a regular file, and nothing else: opening a FIFO waits for a writer, and a device may never end.
fn open_file(path: &Path) -> Result<(File, u64), RecordingError> {
    let cannot_open = |source| RecordingError::Open { path: path.into(), source };
    let kind = fs::metadata(path).map_err(cannot_open)?.file_type();
    if !kind.is_file() {
        return Err(RecordingError::NotAFile { path: path.into(), kind: name_of(kind) });
    }
    let file = File::open(path).map_err(cannot_open)?;
    let size = file.metadata().map_err(cannot_open)?.len();
    if size == 0 {
        return Err(RecordingError::Empty { path: path.into() });
    }
    Ok((file, size))
}

fn name_of(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn first_bytes(path: &Path, window: &mut Window<'_>, size: u64) -> Result<Vec<u8>, RecordingError> {
    let len = size.min(FORMAT_BYTES as u64) as usize;
    let bytes = window.get(0, len).map_err(|source| RecordingError::reading(path, 0, source))?;
    Ok(bytes.to_vec())
}

/// How many bytes at the start of a file decide on its format.
const FORMAT_BYTES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    FlowFile,
    Json,
    Gzip,
    Zip,
    Utf16,
    Unknown,
}

impl Format {
    fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => return Self::Gzip,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Self::Zip,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..] => return Self::Utf16,
            _ => {}
        }
        let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
        // A file may be indented further than this.
        if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[') | None) {
            return Self::Json;
        }
        let digits = first.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match first.get(digits) {
            Some(b':') | None if digits > 0 => Self::FlowFile,
            _ => Self::Unknown,
        }
    }

    /// Why a file that starts with `first` and has this format is not read.
    fn refusal(self, path: &Path, first: &[u8]) -> RecordingError {
        let path = path.into();
        match self {
            Self::Utf16 => RecordingError::Utf16 { path },
            _ => RecordingError::UnknownFormat { path, found: first.escape_ascii().to_string() },
        }
    }
}

#[cfg(test)]
mod opening {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    /// The message for `path`, with the path in it replaced by `it`.
    fn message(path: &Path) -> String {
        let error = Recording::open(path, &mut |_| {}).unwrap_err();
        error.to_string().replace(path.to_str().unwrap(), "it")
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let is = |kind: &str| format!("cannot open recording `it`: it is {kind}, and a recording is a regular file");
        assert_eq!(message(folder.path()), is("a folder without `mappings` or `.json` files in it"));
        let fifo = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(message(&fifo), is("a FIFO"));
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(message(&socket), is("a socket"));
        assert_eq!(message(Path::new("/dev/zero")), is("a device"));
    }

    #[test]
    fn a_missing_or_unreadable_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        assert_eq!(message(&missing), "cannot open recording `it`");
        let unreadable = folder.path().join("unreadable");
        fs::write(&unreadable, samples::flow().write()).unwrap();
        fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o000)).unwrap();
        // Root may read everything.
        if File::open(&unreadable).is_err() {
            assert_eq!(message(&unreadable), "cannot open recording `it`");
        }
    }

    #[test]
    fn the_content_decides_on_the_format() {
        let message = |bytes: &[u8]| message(&samples::file(bytes).path);
        let empty = "recording `it` is empty: nothing was recorded, or the recorder was stopped before its first flow";
        assert_eq!(message(b""), empty);
        let json = "recording `it` is JSON, but no HAR file, no Web Page Replay archive and no WireMock stubs:";
        let none = "none of `log`, `Requests`, `mappings` and `request` with `response`";
        for (start, found) in [
            (&b"{\"log\": {}}"[..], "its `log` is empty"),
            (b"\xef\xbb\xbf{}", "it is empty"),
            (b" \n{\"a\": 1, \"b\": {\"c\": 2}}", &format!("it has {none}, but `a`, `b`")),
            (b"{\"request\": {}}", &format!("it has {none}, but `request`")),
            (b"{\"Requests\": []}", "found sequence, expected an object as `Requests`"),
            (b"{\"mappings\": {}}", "found map, expected a list as `mappings`"),
            (b"                      {\"log\": {\"version\": \"1.2\"}}", "its `log` has no `entries`, but `version`"),
            (b"[1]", "found sequence, expected an object"),
            (b"{\"log\": 1}", "found integer `1`, expected an object as `log`"),
            (b"{\"log\": {\"entries\": {}}}", "found map, expected a list as `log.entries`"),
            (b"{\"log\": {\"entries\": null}}", "found null, expected a list as `log.entries`"),
        ] {
            assert_eq!(message(start), format!("{json} {found}"));
        }
        let utf16 = "recording `it` is text in UTF-16, and JSON is read in UTF-8 only: convert it, such as with `iconv -f \
                     UTF-16 -t UTF-8`";
        for start in [&b"\xff\xfe{\0"[..], b"\xfe\xff\0{", b"{\0\"\0", b"\0{\0\""] {
            assert_eq!(message(start), utf16);
        }
        let other = "recording `it` is of no known format: it starts with `GET / HTTP/1.1\\r\\n`, and not with a length such as \
                     `1852:` as mitmproxy's flow files do, or with `{` as HAR files, Web Page Replay archives and WireMock \
                     stubs do";
        assert_eq!(message(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"), other);
        assert_eq!(message(b"1"), "recording `it` holds no whole flow: at byte 0, the length is cut off");
    }

    #[test]
    fn a_recording_is_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Recording>();
        is_shared::<RecordingError>();
    }
}
