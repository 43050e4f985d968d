//! Recordings made for a test: mitmproxy flow files of version 21.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A recording in a file.
pub struct RecordingFile {
    _folder: TempDir,
    path: PathBuf,
}

impl RecordingFile {
    /// A file with any content.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("test.flows");
        fs::write(&path, bytes).expect("a file in the temporary folder");
        Self { _folder: folder, path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Cuts the file.
    pub fn truncate(&self, length: u64) {
        let file = OpenOptions::new().write(true).open(&self.path).expect("the file is there");
        file.set_len(length).expect("a shorter file");
    }
}

/// A file that a proxy is to record to, in a folder of its own.
pub struct Target {
    _folder: TempDir,
    path: PathBuf,
}

impl Target {
    /// A file of this name that is not there yet.
    pub fn new(name: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join(name);
        Self { _folder: folder, path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes a recording.
pub fn recording(flows: impl IntoIterator<Item = Flow>) -> RecordingFile {
    RecordingFile::of_bytes(&flows.into_iter().flat_map(|flow| flow.write()).collect::<Vec<u8>>())
}

/// A recorded exchange.
#[derive(Clone)]
pub struct Flow {
    method: String,
    url: String,
    request_fields: Vec<(String, String)>,
    request_body: Vec<u8>,
    status: u16,
    reason: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    trailers: Vec<(String, String)>,
    at: f64,
    /// Lengths, and microseconds since the response's head.
    pieces: Vec<(i64, i64)>,
    /// Scheme, host, port and path, where the URL does not say them.
    exactly: Option<(String, String, u16, String)>,
    /// Whether it got no response.
    is_unanswered: bool,
}

/// `GET` of a URL, answered with 200 and no content.
pub fn get(url: impl Into<String>) -> Flow {
    Flow {
        method: "GET".to_owned(),
        url: url.into(),
        request_fields: Vec::new(),
        request_body: Vec::new(),
        status: 200,
        reason: "OK".to_owned(),
        fields: Vec::new(),
        body: Vec::new(),
        trailers: Vec::new(),
        at: 1_700_000_000.0,
        pieces: Vec::new(),
        exactly: None,
        is_unanswered: false,
    }
}

/// `POST` of a body, answered with 200 and no content.
pub fn post(url: impl Into<String>, body: impl AsRef<[u8]>) -> Flow {
    Flow { method: "POST".to_owned(), request_body: body.as_ref().to_vec(), ..get(url) }
}

impl Flow {
    /// Without a response.
    pub fn unanswered(self) -> Self {
        Self { is_unanswered: true, ..self }
    }

    /// Another method.
    pub fn method(self, method: &str) -> Self {
        Self { method: method.to_owned(), ..self }
    }

    /// Adds a field to the request.
    pub fn request_field(mut self, name: &str, value: &str) -> Self {
        self.request_fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Goes to this place and path with these fields, whatever the URL says, and without a `Host` field of its own.
    pub fn exactly(self, (scheme, host, port): (&str, &str, u16), path: &str, fields: &[(String, String)]) -> Self {
        let exactly = Some((scheme.to_owned(), host.to_owned(), port, path.to_owned()));
        Self { exactly, request_fields: fields.to_vec(), ..self }
    }

    /// The request's content.
    pub fn request_body(self, body: impl AsRef<[u8]>) -> Self {
        Self { request_body: body.as_ref().to_vec(), ..self }
    }

    /// Another status, with its reason phrase.
    pub fn status(self, status: u16, reason: &str) -> Self {
        Self { status, reason: reason.to_owned(), ..self }
    }

    /// Adds a field to the response.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The response's content.
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        Self { body: body.as_ref().to_vec(), ..self }
    }

    /// Adds a field after the response's content.
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// When it was recorded, in seconds since the epoch.
    pub fn at(self, at: f64) -> Self {
        Self { at, ..self }
    }

    /// The pieces in which the response's content arrived.
    pub fn pieces(self, pieces: &[(i64, i64)]) -> Self {
        Self { pieces: pieces.to_vec(), ..self }
    }

    /// The flow as it is in a file.
    pub fn write(&self) -> Vec<u8> {
        let (scheme, rest) = self.url.split_once("://").expect("a URL");
        let (authority, path) = rest.split_at(rest.find('/').expect("a URL with a path"));
        let default = if scheme == "https" { "443" } else { "80" };
        let (host, port) = authority.split_once(':').unwrap_or((authority, default));
        let mut request_fields = self.request_fields.clone();
        let (scheme, host, port, path) = match &self.exactly {
            Some((scheme, host, port, path)) => (scheme.as_str(), host.as_str(), port.to_string(), path.as_str()),
            None => (scheme, host, port.to_owned(), path),
        };
        if self.exactly.is_none() && !request_fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request_fields.insert(0, ("Host".to_owned(), authority.to_owned()));
        }
        let request = dict([
            ("path", bytes(path)),
            ("authority", bytes("")),
            ("scheme", bytes(scheme)),
            ("method", bytes(&self.method)),
            ("port", value('#', port)),
            ("host", text(host)),
            ("timestamp_start", value('^', format!("{:?}", self.at))),
            ("trailers", value('~', "")),
            ("content", bytes(&self.request_body)),
            ("headers", fields(&request_fields)),
            ("http_version", bytes("HTTP/1.1")),
        ]);
        let trailers = if self.trailers.is_empty() { value('~', "") } else { fields(&self.trailers) };
        let response = dict([
            ("reason", bytes(&self.reason)),
            ("status_code", value('#', self.status.to_string())),
            ("timestamp_start", value('^', format!("{:?}", self.at))),
            ("trailers", trailers),
            ("content", bytes(&self.body)),
            ("headers", fields(&self.fields)),
            ("http_version", bytes("HTTP/1.1")),
        ]);
        dict([
            ("websocket", value('~', "")),
            ("response", if self.is_unanswered { value('~', "") } else { response }),
            ("request", request),
            ("metadata", self.metadata()),
            ("error", value('~', "")),
            ("id", text("1")),
            ("type", text("http")),
            ("version", value('#', "21")),
        ])
    }
}

impl Flow {
    fn metadata(&self) -> Vec<u8> {
        if self.pieces.is_empty() {
            return dict([]);
        }
        let numbers = self.pieces.iter().flat_map(|&(length, after)| [length, after]);
        let numbers: Vec<u8> = numbers.flat_map(|number| value('#', number.to_string())).collect();
        dict([("proxyhost_response_pieces", value(']', numbers))])
    }
}

/// A value: its length, a colon, its bytes and the mark of its type.
fn value(kind: char, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    [format!("{}:", payload.len()).as_bytes(), payload, kind.to_string().as_bytes()].concat()
}

fn bytes(payload: impl AsRef<[u8]>) -> Vec<u8> {
    value(',', payload)
}

fn text(payload: &str) -> Vec<u8> {
    value(';', payload)
}

fn dict<const N: usize>(entries: [(&str, Vec<u8>); N]) -> Vec<u8> {
    value('}', entries.into_iter().flat_map(|(key, value)| [text(key), value].concat()).collect::<Vec<u8>>())
}

fn fields(fields: &[(String, String)]) -> Vec<u8> {
    // A character of a value is a byte.
    let raw = |value: &str| value.chars().map(|char| u8::try_from(char).expect("a byte")).collect::<Vec<u8>>();
    let pair = |(name, content): &(String, String)| value(']', [bytes(name), bytes(raw(content))].concat());
    value(']', fields.iter().flat_map(pair).collect::<Vec<u8>>())
}
