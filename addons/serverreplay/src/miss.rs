//! Requests without a recorded response: what happens to them, and why there is none.

use proxyhost_sdk::{Action, Request, Response, index, log, next::matcher, recordings};

use crate::{
    difference::{Part, differences, summary},
    options::Miss,
    replay::in_table,
};

/// Tables of the index for finding recorded requests that are near a live one.
const BY_PATH: u8 = 1;
const BY_HOST: u8 = 2;

/// Recorded requests that are compared with one that has no response.
const CANDIDATES: u32 = 32;

/// Recorded requests that a report names.
const SHOWN: usize = 3;

/// Why there is no recorded response.
pub(crate) enum Reason {
    /// The matcher gives the request no key.
    NoKey,
    /// No recorded request has its key.
    NotRecorded,
    /// All responses to such requests, this many, were used.
    Used(u32),
    /// One of the requests began a WebSocket, and the other did not.
    OtherProtocol,
}

/// Files a recorded request so that it is found as a near one.
pub(crate) fn file(request: &Request, id: u32) {
    for key in near_keys(request) {
        index::relate(&key, id);
    }
}

/// Where requests are filed that are near this one, the nearest first.
fn near_keys(request: &Request) -> [Vec<u8>; 2] {
    let path = request.path();
    let path = path.split('?').next().unwrap_or_default();
    let host = request.authority().unwrap_or_else(|| request.host()).to_ascii_lowercase();
    [in_table(BY_PATH, path.as_bytes()), in_table(BY_HOST, host.as_bytes())]
}

/// Does what the policy says, and says why.
pub(crate) fn act(policy: Miss, request: &Request, reason: Reason) -> Action {
    let shown = shown(request);
    let why = match reason {
        Reason::NoKey => "the matcher gives it no key".to_owned(),
        Reason::OtherProtocol => "what was recorded is a WebSocket, and this request does not begin one".to_owned(),
        Reason::Used(1) => "its recorded response was used (server_replay_reuse serves it again)".to_owned(),
        Reason::Used(size) => {
            format!("its {size} recorded responses were used (server_replay_reuse serves them again)")
        }
        Reason::NotRecorded => nearest(request),
    };
    match policy {
        Miss::Forward => {
            log::write(log::Level::Info, &format!("forwarded {shown}: no recorded response: {why}"));
            Action::Next
        }
        Miss::Kill => {
            log::write(log::Level::Warn, &format!("killed {shown}: no recorded response: {why}"));
            Action::Kill
        }
        Miss::Status(status) => {
            let line = format!("answered {status} to {shown}: no recorded response: {why}");
            log::write(log::Level::Warn, &line);
            explanation(status, &format!("no recorded response for {shown}: {why}\n"))
        }
    }
}

/// What the policy means for every request.
pub(crate) fn consequence(policy: Miss) -> String {
    match policy {
        Miss::Forward => "every request is forwarded".to_owned(),
        Miss::Kill => "every request is killed".to_owned(),
        Miss::Status(status) => format!("every request is answered with {status}"),
    }
}

/// An answer that says why.
fn explanation(status: u16, text: &str) -> Action {
    let response = Response::new(status);
    // These have no content (RFC 9110 §15.3.5, §15.3.6, §15.4.5).
    let explained = matches!(status, 204 | 205 | 304)
        || (response.set_field("content-type", b"text/plain; charset=utf-8").is_ok()
            && response.set_body(text.as_bytes()).is_ok());
    // The host refuses neither; were it to, an empty answer with the status still obeys the policy.
    debug_assert!(explained);
    Action::Respond(response)
}

/// The recorded requests that are nearest, and how they differ.
fn nearest(request: &Request) -> String {
    let live = parts(request);
    let mut found: Vec<Near> = Vec::new();
    for id in candidates(request) {
        let (Some(recorded), Some(exchange)) = (recordings::recorded_request(id), recordings::describe(id)) else {
            continue;
        };
        let differences = differences(&live, &parts(&recorded));
        let text = format!("({}): {}", shown(&recorded), summary(&differences));
        // The same request is often recorded more than once.
        if found.iter().all(|near| near.text != text) {
            let file = exchange.file.rsplit('/').next().unwrap_or_default();
            let name = format!("flow {} of {file}", exchange.number);
            let alike = common_prefix(&request.path(), &recorded.path());
            found.push(Near { differences: differences.len(), unlike: usize::MAX - alike, name, text });
        }
    }
    // Stable: of equally near ones, the first recorded.
    found.sort_by_key(|near| (near.differences, near.unlike));
    let shown: Vec<String> = found.iter().take(SHOWN).map(|near| format!("{} {}", near.name, near.text)).collect();
    if shown.is_empty() {
        return "no recorded request has its path, or its host".to_owned();
    }
    format!("nearest: {}", shown.join("; "))
}

/// A recorded request that is near a live one.
struct Near {
    differences: usize,
    /// Smaller the more of the path is the same.
    unlike: usize,
    name: String,
    text: String,
}

fn common_prefix(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

/// Those with the same path, or else those with the same host.
fn candidates(request: &Request) -> Vec<u32> {
    for key in near_keys(request) {
        let related = index::related(&key, CANDIDATES);
        if !related.is_empty() {
            return related;
        }
    }
    Vec::new()
}

fn parts(request: &Request) -> Vec<Part> {
    let parts = matcher::explain(request).into_iter();
    parts.map(|part| Part { name: part.name, value: part.value }).collect()
}

/// Method and URL without the values of the query, which may be secret.
pub(crate) fn shown(request: &Request) -> String {
    let path = request.path();
    let path = match path.split_once('?') {
        Some((path, _)) => format!("{path}?…"),
        // The server as a whole, which has no path (RFC 9112 §3.2.4).
        None if path == "*" => String::new(),
        None => path,
    };
    let authority = request.authority().unwrap_or_else(|| format!("{}:{}", request.host(), request.port()));
    format!("{} {}://{authority}{path}", request.method(), request.scheme())
}
