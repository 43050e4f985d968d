//! Every recording among the examples is replayed on every road, with no server there.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use recording::{Content, Exchange, Recording};

use crate::harness::{Framing, Http2, Message, Proxyhost, Wire, latin1};

/// The recordings that can be opened, and whose exchanges are not all without an answer.
fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings");
    let files = [folder.clone(), folder.join("old-versions")].into_iter().flat_map(|folder| {
        folder.read_dir().expect("the examples are there").map(|entry| entry.expect("a readable folder").path())
    });
    let mut files: Vec<PathBuf> = files.filter(|path| path.is_file() && !path.ends_with("dumpfile-010.mitm")).collect();
    files.sort();
    assert!(files.len() > 20, "{files:?}");
    files
}

/// A recorded exchange as clients see it.
struct Recorded {
    method: String,
    /// `http` or `https`.
    scheme: String,
    host: String,
    port: u16,
    path: String,
    host_field: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    /// The response as HTTP/1 has it.
    expected: Message,
}

impl Recorded {
    fn new(recording: &Recording, exchange: &Exchange) -> Self {
        let request = &exchange.request;
        let response = exchange.response.as_ref().expect("it is answered");
        let text = |bytes: &[u8]| latin1(bytes);
        let field = request.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"host"));
        let named = match field {
            _ if !request.authority.is_empty() => text(&request.authority),
            Some((_, value)) => text(value),
            None => text(&request.host),
        };
        let dropped = ["host", "connection", "proxy-connection", "content-length", "transfer-encoding", "te"];
        let fields = request.fields.iter().map(|(name, value)| (text(name), text(value)));
        Self {
            method: text(&request.method),
            scheme: text(&request.scheme),
            host: named.split(':').next().unwrap_or_default().to_owned(),
            port: request.port,
            path: text(&request.path),
            host_field: named,
            fields: fields.filter(|(name, _)| !dropped.contains(&name.to_lowercase().as_str())).collect(),
            body: content(recording, &request.content),
            expected: expected(recording, exchange, response),
        }
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.path)
    }

    async fn over_http1(&self, wire: &mut Wire, target: &str, host: &str) {
        let fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut response = wire.ask(&self.method, target, host, &fields, &self.body).await;
        // The framing says the same.
        response.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
        let mut expected = self.expected.clone();
        if expected.body.is_empty() && expected.framing == Framing::Length {
            // The HTTP library writes the length of empty content last.
            let is_length = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-length");
            expected.fields.sort_by_key(is_length);
        }
        assert_eq!(response, expected, "{} {target}", self.method);
    }

    async fn over_http2(&self, client: &mut Http2) {
        let fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let response = client.ask(&self.method, &self.url(), &fields, &self.body).await;
        let lower = |fields: &[(String, String)]| -> Vec<(String, String)> {
            fields.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect()
        };
        assert_eq!(response.status(), self.expected.status(), "{}", self.url());
        assert_eq!(response.fields, lower(&self.expected.fields), "{}", self.url());
        assert!(response.body == self.expected.body, "{}: another body", self.url());
        assert_eq!(response.trailers, lower(&self.expected.trailers), "{}", self.url());
    }
}

fn content(recording: &Recording, content: &Content) -> Vec<u8> {
    match content {
        Content::NotRecorded => Vec::new(),
        stored => recording.read(stored).expect("the file is as it was").to_vec(),
    }
}

/// What a client gets: the recording, framed for HTTP/1, without what concerned the recorded connection.
fn expected(recording: &Recording, exchange: &Exchange, response: &recording::Response<Content>) -> Message {
    let mut fields: Vec<(String, String)> =
        response.fields.iter().map(|(name, value)| (latin1(name), latin1(value))).collect();
    let hop = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
    let nominated = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let nominated: BTreeSet<String> =
        nominated.flat_map(|(_, value)| value.split(',').map(|name| name.trim().to_lowercase())).collect();
    let has = |wanted: &str| fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let is_http2 = response.version >= http::Version::HTTP_2;
    // What had no length when it was recorded has none now.
    let is_open = has("transfer-encoding") || is_http2 && !has("content-length");
    let is_dropped = |name: &str| hop.contains(&name) || nominated.contains(name);
    fields.retain(|(name, _)| !is_dropped(&name.to_lowercase()));
    let body = content(recording, &response.content);
    let is_head = exchange.request.method.as_ref() == b"HEAD";
    let framing = match response.status {
        _ if is_head => Framing::Bodiless,
        204 | 304 => Framing::Bodiless,
        _ if is_open || !response.trailers.is_empty() => Framing::Chunked,
        _ => Framing::Length,
    };
    let length = fields.iter().position(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match (framing, length) {
        (Framing::Length, Some(place)) => fields[place].1 = body.len().to_string(),
        (Framing::Length, None) => fields.push(("content-length".to_owned(), body.len().to_string())),
        (Framing::Bodiless, Some(place)) if !is_head => drop(fields.remove(place)),
        (Framing::Chunked, Some(place)) => drop(fields.remove(place)),
        _ => {}
    }
    let status = http::StatusCode::from_u16(response.status).expect("a status");
    let reason = if response.reason.is_empty() {
        status.canonical_reason().unwrap_or_default().to_owned()
    } else {
        latin1(&response.reason)
    };
    Message {
        first: format!("HTTP/1.1 {} {reason}", response.status),
        fields: grouped(fields),
        framing,
        body,
        trailers: response.trailers.iter().map(|(name, value)| (latin1(name), latin1(value))).collect(),
    }
}

/// Lines of one field stand together.
fn grouped(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in &fields {
        if !names.contains(&name.to_lowercase()) {
            names.push(name.to_lowercase());
        }
    }
    let lines = |name: &String| {
        let name = name.clone();
        fields.iter().filter(move |(other, _)| other.to_lowercase() == name).cloned()
    };
    names.iter().flat_map(lines).collect()
}

/// Each road replays the whole recording, in its order.
async fn replays(path: &Path) {
    let opened = Recording::open(path, &mut |_| {}).expect("the example can be opened");
    let recorded: Vec<Recorded> = opened
        .exchanges()
        .iter()
        .filter(|exchange| exchange.is_answered())
        .map(|exchange| Recorded::new(&opened, exchange))
        .collect();
    let origins: BTreeSet<String> =
        recorded.iter().map(|recorded| format!("{}://{}", recorded.scheme, recorded.authority())).collect();
    let mut start = Proxyhost::with(["-k", "--norefresh"])
        .set("server_replay_reuse", "cycle")
        .set("server_replay_map_addresses", "false")
        .mode("regular");
    for origin in &origins {
        start = start.mode(&format!("reverse:{origin}"));
    }
    let proxy = start.arg("-S").arg(path).start().await;

    let mut plain = proxy.connect().await;
    for recorded in &recorded {
        recorded.over_http1(&mut plain, &recorded.url(), &recorded.host_field).await;
    }
    for recorded in &recorded {
        let mut inside = match recorded.scheme.as_str() {
            "https" => proxy.tls(&recorded.authority()).await,
            _ => proxy.tunnel(&recorded.authority()).await,
        };
        recorded.over_http1(&mut inside, &recorded.path, &recorded.host_field).await;
    }
    let mut http2 = proxy.http2().await;
    for recorded in &recorded {
        recorded.over_http2(&mut http2).await;
    }
    for recorded in recorded.iter().filter(|recorded| recorded.scheme == "https") {
        let mut inside = proxy.tls_http2(&recorded.authority()).await;
        recorded.over_http2(&mut inside).await;
    }
    for recorded in recorded.iter().filter(|recorded| recorded.scheme != "https") {
        let address = proxy.reverse_addresses()[position(&origins, recorded)];
        let mut wire = Wire::new(tokio::net::TcpStream::connect(address).await.expect("it listens"));
        recorded.over_http1(&mut wire, &recorded.path, "any.example").await;
    }
}

fn position(origins: &BTreeSet<String>, recorded: &Recorded) -> usize {
    let origin = format!("{}://{}", recorded.scheme, recorded.authority());
    origins.iter().position(|other| *other == origin).expect("it is one of them")
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "says which recording it was when the test fails")]
async fn every_example_replays_over_every_road() {
    for path in recordings() {
        println!("{}", path.display());
        replays(&path).await;
    }
}
