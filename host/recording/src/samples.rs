//! Material for tests: a writer of values and flows, and the recordings among the examples.

use std::{fmt::Write as _, fs, path::PathBuf};

use bytes::Bytes;
use http::Version;

use crate::{
    BrokenTail, Content, Exchange, Fields, Flow, Recording, RecordingError, Request, Response, Skipped, Source,
    write_flow,
};

/// A value as Python would write it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bytes(Vec<u8>),
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Null,
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    /// Written already.
    Written(Vec<u8>),
}

impl Value {
    pub(super) fn write(&self) -> Vec<u8> {
        if let Self::Written(bytes) = self {
            return bytes.clone();
        }
        let (payload, kind) = match self {
            Self::Bytes(bytes) => (bytes.clone(), b','),
            Self::Text(text) => (text.clone().into_bytes(), b';'),
            Self::Integer(number) => (number.to_string().into_bytes(), b'#'),
            Self::Float(number) => (format!("{number:?}").into_bytes(), b'^'),
            Self::Bool(value) => (value.to_string().into_bytes(), b'!'),
            Self::Null | Self::Written(_) => (Vec::new(), b'~'),
            Self::List(items) => (items.iter().flat_map(Self::write).collect(), b']'),
            Self::Dict(entries) => {
                let write_entry = |(key, value): &(Self, Self)| [key.write(), value.write()].concat();
                (entries.iter().flat_map(write_entry).collect(), b'}')
            }
        };
        let prefix = format!("{}:", payload.len()).into_bytes();
        [prefix, payload, vec![kind]].concat()
    }

    /// Sets `key` of a dict, whether it has it or not.
    pub(super) fn with(mut self, key: &str, value: impl Into<Self>) -> Self {
        if let Self::Dict(entries) = &mut self {
            entries.retain(|(old, _)| *old != text(key));
            entries.push((text(key), value.into()));
        }
        self
    }

    pub(super) fn without(mut self, key: &str) -> Self {
        if let Self::Dict(entries) = &mut self {
            entries.retain(|(old, _)| *old != text(key));
        }
        self
    }

    /// Changes the value of `key`.
    pub(super) fn map(mut self, key: &str, change: impl FnOnce(Self) -> Self) -> Self {
        if let Self::Dict(entries) = &mut self
            && let Some((_, value)) = entries.iter_mut().find(|(old, _)| *old == text(key))
        {
            *value = change(value.clone());
        }
        self
    }

    /// The keys as Python 2 wrote them.
    pub(super) fn with_keys_in_bytes(self) -> Self {
        let in_bytes = |(key, value): (Self, Self)| match key {
            Self::Text(key) => (Self::Bytes(key.into_bytes()), value.with_keys_in_bytes()),
            key => (key, value.with_keys_in_bytes()),
        };
        match self {
            Self::Dict(entries) => Self::Dict(entries.into_iter().map(in_bytes).collect()),
            other => other,
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        text(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub(super) fn dict() -> Value {
    Value::Dict(Vec::new())
}

/// Lists within lists.
pub(super) fn nested(depth: usize) -> Value {
    let (mut prefixes, mut len) = (Vec::new(), 3);
    for _ in 0..depth {
        prefixes.push(format!("{len}:"));
        len += prefixes.last().unwrap().len() + 1;
    }
    prefixes.reverse();
    Value::Written(format!("{}0:~{}", prefixes.concat(), "]".repeat(depth)).into_bytes())
}

pub(super) fn fields(fields: &[(&[u8], &[u8])]) -> Value {
    let pair = |(name, value): &(&[u8], &[u8])| Value::List(vec![(*name).into(), (*value).into()]);
    Value::List(fields.iter().map(pair).collect())
}

/// A flow of version 21: `GET http://example.com:8080/a?b=c`, answered with `hello`.
pub(super) fn flow() -> Value {
    let request = dict()
        .with("path", b"/a?b=c")
        .with("scheme", b"http")
        .with("method", b"GET")
        .with("port", 8080)
        .with("host", "example.com")
        .with("authority", b"")
        .with("timestamp_start", 1_700_000_000.25)
        .with("trailers", Value::Null)
        .with("content", b"")
        .with("headers", fields(&[(b"Host", b"example.com:8080")]))
        .with("http_version", b"HTTP/1.1");
    let response = dict()
        .with("reason", b"OK")
        .with("status_code", 200)
        .with("timestamp_start", 1_700_000_001.5)
        .with("trailers", Value::Null)
        .with("content", b"hello")
        .with("headers", fields(&[(b"X-A", b"1"), (b"x-a", b"2")]))
        .with("http_version", b"HTTP/1.1");
    dict()
        .with("websocket", Value::Null)
        .with("response", response)
        .with("request", request)
        .with("metadata", dict())
        .with("error", Value::Null)
        .with("id", "f1")
        .with("type", "http")
        .with("version", 21)
}

/// A flow that was answered with a body.
pub(super) fn answered(body: impl Into<Bytes>) -> Flow<Source> {
    Flow {
        id: "3d8ee163-b4f2-4a0b-a9c4-4cbd0a4bb7a5".into(),
        client: Some("192.0.2.1:5000".parse().unwrap()),
        server: Some("[2001:db8::1]:443".parse().unwrap()),
        request: Request {
            method: "POST".into(),
            scheme: "https".into(),
            host: "example.com".into(),
            port: 443,
            authority: "".into(),
            path: "/a?b=c".into(),
            version: Version::HTTP_11,
            fields: Fields::from([("Host", "example.com"), ("X-A", "1"), ("x-a", "")]),
            content: Source::Bytes("asked".into()),
            trailers: Fields::new(),
            started_at: 1_700_000_000.125,
            ended_at: Some(1_700_000_000.25),
        },
        response: Some(Response {
            version: Version::HTTP_11,
            status: 200,
            reason: "OK".into(),
            fields: Fields::from([("Content-Type", "text/plain")]),
            content: Source::Bytes(body.into()),
            trailers: Fields::new(),
            started_at: 1_700_000_001.5,
            ended_at: Some(1_700_000_002.75),
            pieces: Vec::new(),
        }),
        error: None,
        websocket: None,
    }
}

/// The bytes of flows.
pub(super) fn written(flows: &[Flow<Source>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flows.iter().for_each(|flow| write_flow(flow, &mut bytes).unwrap());
    bytes
}

/// A temporary file that is removed with it.
pub(super) struct TempFile {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

pub(super) fn file(bytes: &[u8]) -> TempFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    fs::write(&path, bytes).unwrap();
    TempFile { _folder: folder, path }
}

/// Opens bytes as a recording. The file is gone then, but not for the recording, which has it open.
pub(super) fn open(bytes: &[u8]) -> Result<Recording, RecordingError> {
    Recording::open(&file(bytes).path, &mut |_| {})
}

/// Opens one flow that must be an exchange.
pub(super) fn exchange(flow: &Value) -> Exchange {
    let recording = open(&flow.write()).unwrap();
    assert_eq!(*recording.skipped(), Skipped::default());
    recording.exchanges()[0].clone()
}

/// Opens one flow that must be left out, and answers why.
pub(super) fn invalid(flow: &Value) -> String {
    let recording = open(&flow.write()).unwrap();
    assert!(recording.exchanges().is_empty());
    assert_eq!(recording.skipped().invalid.len(), 1);
    recording.skipped().invalid[0].reason.clone()
}

pub(super) fn example(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../tests/recordings", name].iter().collect()
}

/// Fields as they are written, what is not ASCII in them escaped.
pub(super) fn shown(fields: &Fields) -> Vec<String> {
    fields.iter().map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii())).collect()
}

/// A recording as text, one line an exchange: number, method, URL, version, status, body length, and what is special.
pub(super) fn describe(recording: &Recording) -> String {
    let mut text = String::new();
    for exchange in recording.exchanges() {
        let request = &exchange.request;
        let escaped = |bytes: &[u8]| bytes.escape_ascii().to_string();
        write!(
            text,
            "{} {} {}://{}:{}{} {:?}",
            exchange.number,
            escaped(&request.method),
            escaped(&request.scheme),
            escaped(&request.host),
            request.port,
            escaped(&request.path),
            request.version,
        )
        .unwrap();
        if let Some(response) = &exchange.response {
            write!(text, " {}, {}", response.status, body(recording, &response.content)).unwrap();
        }
        if exchange.is_websocket {
            text.push_str(" websocket");
        }
        if let Some(failure) = &exchange.error {
            write!(text, " ({})", failure.reason).unwrap();
        }
        text.push('\n');
    }
    let skipped = recording.skipped();
    if *skipped != Skipped::default() {
        writeln!(text, "{skipped:?}").unwrap();
    }
    if let Some(BrokenTail { offset, .. }) = recording.warning() {
        writeln!(text, "broken from {offset} on").unwrap();
    }
    text
}

fn body(recording: &Recording, content: &Content) -> String {
    match content {
        Content::NotRecorded => "body not recorded".into(),
        content => format!("{} bytes", recording.read(content).unwrap().len()),
    }
}
