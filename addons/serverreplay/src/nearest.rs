//! Recorded requests that are near a live one.

use std::cmp::Reverse;

use proxyhost_sdk::{Request, index, next::matcher, recordings};

use crate::{
    comparison,
    difference::{Comparison, Difference, Part},
    replay::{ANY_METHOD, METHODS, in_table, with_method},
    words::cut,
};

/// Tables of the index for finding recorded requests that are near a live one.
const BY_PATH: u8 = 1;
const BY_HOST: u8 = 2;

/// Recorded requests that are compared with one that has no response.
const CANDIDATES: u32 = 32;

/// Recorded requests that a report names.
const SHOWN: usize = 3;

/// A recorded request that is near a live one.
pub(crate) struct Near {
    /// Its place among the flows of its file, from 1.
    pub(crate) flow: u32,
    /// The name of the file.
    pub(crate) file: String,
    /// Method and URL.
    pub(crate) request: String,
    pub(crate) comparison: Comparison,
    /// Why it cannot answer, such as `no response`.
    pub(crate) lacks: Option<String>,
    /// The options with which it would.
    pub(crate) would_match_with: Option<String>,
    /// Whether its content was compared as a whole, because it is large or others were.
    pub(crate) is_bounded: bool,
    id: u32,
    /// Bytes at the beginning of the path that are the same.
    alike: usize,
}

/// Files a recorded request so that it is found as a near one, whether it can answer or not.
pub(crate) fn file(request: &Request, id: u32) {
    for key in keys(request) {
        index::relate(&key, id);
    }
}

/// Where requests are filed that are near this one, the nearest first.
fn keys(request: &Request) -> [Vec<u8>; 2] {
    let path = request.path();
    let path = path.split('?').next().unwrap_or_default();
    let host = request.authority().unwrap_or_else(|| request.host()).to_ascii_lowercase();
    [in_table(BY_PATH, path.as_bytes()), in_table(BY_HOST, host.as_bytes())]
}

/// Those with the same path, or else those with the same host.
fn candidates(request: &Request) -> Vec<u32> {
    for key in keys(request) {
        let related = index::related(&key, CANDIDATES);
        if !related.is_empty() {
            return related;
        }
    }
    Vec::new()
}

/// What a request is compared by.
pub(crate) fn parts(request: &Request) -> Vec<Part> {
    parts_within(request, Contents::default().limit_for(request))
}

fn parts_within(request: &Request, limit: u64) -> Vec<Part> {
    let parts = matcher::explain(request, limit).into_iter();
    parts.map(|part| Part { name: part.name, value: part.value, detail: part.detail }).collect()
}

/// The recorded requests that are nearest to a live one with these parts: those that have most parts in common.
pub(crate) fn nearest(request: &Request, live: &[Part]) -> Vec<Near> {
    let is_large = Contents::default().limit_for(request) == 0;
    let mut contents = Contents::default();
    let mut found: Vec<Near> = Vec::new();
    for id in candidates(request) {
        let (Some(recorded), Some(exchange)) = (recordings::recorded_request(id), recordings::describe(id)) else {
            continue;
        };
        let shown = shown(&recorded);
        let recorded = of_same_method(recorded, request);
        let limit = contents.limit_for(&recorded);
        let parts = parts_within(&recorded, limit);
        let comparison = if comparison::takes_anything(id) {
            Comparison::new(of_head(live), of_head(&parts))
        } else {
            Comparison::new(live, &parts)
        };
        let shown = with_operation(shown, &parts);
        let is_same =
            |near: &Near| near.request == shown && near.comparison == comparison && near.lacks == exchange.lacks;
        // The same request is often recorded more than once.
        if !found.iter().any(is_same) {
            found.push(Near {
                flow: exchange.number,
                file: exchange.file.rsplit('/').next().unwrap_or_default().to_owned(),
                request: shown,
                comparison,
                lacks: exchange.lacks,
                would_match_with: None,
                is_bounded: limit == 0 || is_large,
                id,
                alike: common_prefix(&request.path(), &recorded.path()),
            });
        }
    }
    // Stable: of equally near ones, the first recorded.
    found.sort_by_key(|near| {
        let (equal, differences) = (near.comparison.equal, near.comparison.differences.len());
        (Reverse(equal), near.is_guessed(), differences, Reverse(near.alike), near.lacks.is_some())
    });
    found.truncate(SHOWN);
    for near in &mut found {
        near.finish(request);
    }
    found
}

/// A recorded request as it is compared with a live one: where it answers that one's method among others, it has that.
fn of_same_method(recorded: Request, live: &Request) -> Request {
    let method = live.method();
    let is_answered = recorded.method() == ANY_METHOD && METHODS.iter().any(|one| one.eq_ignore_ascii_case(&method));
    if is_answered { with_method(&recorded, &method).unwrap_or(recorded) } else { recorded }
}

/// The parts before those of the content.
fn of_head(parts: &[Part]) -> &[Part] {
    let kinds = ["method", "scheme", "host", "port", "path", "query", "header"];
    let is_of_head = |part: &Part| !part.detail && kinds.contains(&part.name.split(' ').next().unwrap_or_default());
    parts.split_at(parts.iter().position(|part| !is_of_head(part)).unwrap_or(parts.len())).0
}

/// A request as it is shown, with the operation that it asks a GraphQL server for.
pub(crate) fn with_operation(mut shown: String, parts: &[Part]) -> String {
    let operations = parts.iter().filter(|part| part.name == "operation" && !part.value.is_empty());
    let names: Vec<_> = operations.map(|part| oneline::escaped(&cut(&String::from_utf8_lossy(&part.value)))).collect();
    if !names.is_empty() {
        shown.push_str(&format!(", operation `{}`", cut(&names.join("`, `"))));
    }
    shown
}

impl Near {
    /// Finds out how it could answer, or that it cannot.
    fn finish(&mut self, live: &Request) {
        let Some(recorded) = recordings::recorded_request(self.id) else { return };
        let recorded = of_same_method(recorded, live);
        if self.lacks.is_none() && matcher::key(&recorded).is_none() {
            self.lacks = Some("no key of the matcher".to_owned());
        }
        if self.lacks.is_none() {
            // It is read several times, and a coded one decoded as often.
            let is_whole = self.is_bounded || is_coded(live) || is_coded(&recorded);
            let limit = if is_whole { 0 } else { CONTENT };
            self.would_match_with = matcher::suggest(live, &recorded, limit);
        }
    }

    /// Whether something differs that was only compared as a whole.
    pub(crate) fn is_guessed(&self) -> bool {
        let is_whole = |difference: &Difference| {
            let (Difference::Value { name, .. } | Difference::Added { name, .. } | Difference::Missing { name, .. }) =
                difference
            else {
                return false;
            };
            name == "content"
        };
        self.is_bounded && self.comparison.differences.iter().any(is_whole)
    }
}

fn common_prefix(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
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

/// The bytes of contents that are still compared by what they mean: explaining must cost little, whatever was sent.
struct Contents {
    left: u64,
}

impl Default for Contents {
    fn default() -> Self {
        Self { left: ALL_CONTENTS }
    }
}

/// Most bytes of a content that is compared by what it means.
pub(crate) const CONTENT: u64 = 1 << 20;

/// Most bytes that a coded one may decode to.
const CODED_CONTENT: u64 = 64 << 10;

/// What a coded one counts as: work that its few bytes give no time for.
const CODED_COST: u64 = 256 << 10;

/// Most bytes of all contents that are compared so for one request.
pub(crate) const ALL_CONTENTS: u64 = 4 << 20;

impl Contents {
    /// How many bytes of its content may be looked at; zero if it is larger than that, and compared as a whole.
    fn limit_for(&mut self, request: &Request) -> u64 {
        let is_coded = is_coded(request);
        let most = if is_coded { CODED_CONTENT } else { CONTENT };
        let size = request.body().size().unwrap_or(most);
        let cost = if is_coded && size > 0 { CODED_COST } else { size };
        if size > most || cost > self.left {
            return 0;
        }
        self.left -= cost;
        most
    }
}

fn is_coded(request: &Request) -> bool {
    ["content-encoding", "grpc-encoding"].iter().any(|name| request.field(name).is_some())
}
