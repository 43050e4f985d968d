//! Why a request has no recorded response, for people and for programs.

use proxyhost_sdk::Request;
use serde::Serialize;

use crate::{
    difference::{Difference, Part, name},
    nearest::{ALL_CONTENTS, CONTENT, Near, nearest, parts, shown, with_operation},
    words::{Values, cut, summary},
};

/// Why there is no recorded response.
pub(crate) enum Reason {
    /// The matcher gives the request no key.
    NoKey,
    /// No recorded request has its key.
    NotRecorded,
    /// All responses to such requests, this many, were used.
    Used(u32),
    /// What was recorded with its key has this status, which only requests with other fields get.
    Special(u16),
    /// One of the requests began a WebSocket, and the other did not.
    OtherProtocol,
}

/// Why a request has no recorded response.
pub(crate) struct Report {
    /// The request, as it is shown.
    pub(crate) shown: String,
    /// In a line.
    pub(crate) text: String,
    /// As JSON.
    pub(crate) data: String,
}

/// Says why, and which recorded requests are near.
pub(crate) fn report(request: &Request, reason: &Reason, values: Values) -> Report {
    let parts = parts(request);
    let near = match reason {
        Reason::NotRecorded => nearest(request, &parts),
        Reason::NoKey | Reason::Used(_) | Reason::Special(_) | Reason::OtherProtocol => Vec::new(),
    };
    let why = reason.in_words(&near);
    let data = Data::new(&why, reason, &parts, &near, values);
    // Fails for types with keys that are no texts only.
    let data = serde_json::to_string(&data).unwrap_or_default();
    let shown = with_operation(shown(request), &parts);
    Report { shown, text: text(why, &near, values), data }
}

impl Reason {
    fn in_words(&self, near: &[Near]) -> String {
        match self {
            Self::NoKey => "the matcher gives it no key".to_owned(),
            Self::OtherProtocol => "what was recorded is a WebSocket, and this request does not begin one".to_owned(),
            Self::Special(status @ (206 | 416)) => {
                format!("its recorded response is a {status}, which only answers requests for its own `range`")
            }
            Self::Special(status) => {
                format!("its recorded response is a {status}, which only answers requests with its own preconditions")
            }
            Self::Used(1) => "its recorded response was used (server_replay_reuse serves it again)".to_owned(),
            Self::Used(size) => {
                format!("its {size} recorded responses were used (server_replay_reuse serves them again)")
            }
            Self::NotRecorded if near.is_empty() => "no recorded request has its path, or its host".to_owned(),
            Self::NotRecorded => "no recorded request matches".to_owned(),
        }
    }
}

fn text(why: String, near: &[Near], values: Values) -> String {
    if near.is_empty() {
        return why;
    }
    let listed: Vec<String> = near.iter().map(|near| in_words(near, values)).collect();
    let mut text = format!("nearest: {}", listed.join("; "));
    if near.iter().any(Near::is_guessed) {
        text.push_str(&format!(
            "; contents of more than {} MiB, or of more than {} MiB together, were compared as a whole",
            CONTENT >> 20,
            ALL_CONTENTS >> 20
        ));
    }
    text
}

fn in_words(near: &Near, values: Values) -> String {
    let differences = &near.comparison.differences;
    let mut text = format!("flow {} of {} ({}): ", near.flow, near.file, near.request);
    match &near.lacks {
        Some(lacks) if differences.is_empty() => text.push_str(&format!("the same, but it has {lacks}")),
        Some(lacks) => text.push_str(&format!("{}, and it has {lacks}", summary(differences, values))),
        None => text.push_str(&summary(differences, values)),
    }
    if let Some(options) = &near.would_match_with {
        text.push_str(&format!(" ({options} would match it)"));
    }
    text
}

/// Parts that the data lists at most, and differences from each recorded request.
const LISTED: usize = 64;

/// What programs are told.
#[derive(Serialize)]
struct Data<'a> {
    reason: &'a str,
    parts: Vec<PartData>,
    nearest: Vec<NearData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_match_with: Option<&'a str>,
}

#[derive(Serialize)]
struct PartData {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Serialize)]
struct NearData<'a> {
    flow: u32,
    file: &'a str,
    request: &'a str,
    differences: Vec<DifferenceData>,
    /// How many there are beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    more_differences: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cannot_answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_match_with: Option<&'a str>,
    /// Whether the content was compared as a whole, because of its size.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_bounded: bool,
}

#[derive(Serialize)]
struct DifferenceData {
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl<'a> Data<'a> {
    fn new(why: &'a str, reason: &Reason, parts: &[Part], near: &'a [Near], values: Values) -> Self {
        let listed = parts.iter().take(LISTED);
        Self {
            reason: why,
            parts: listed
                .map(|part| PartData { name: cut(&name(part)), value: values.shown(&part.name, &part.value) })
                .collect(),
            nearest: near.iter().map(|near| NearData::new(near, values)).collect(),
            would_match_with: matches!(reason, Reason::Used(_)).then_some("--server-replay-reuse"),
        }
    }
}

impl<'a> NearData<'a> {
    fn new(near: &'a Near, values: Values) -> Self {
        let differences = &near.comparison.differences;
        Self {
            flow: near.flow,
            file: &near.file,
            request: &near.request,
            differences: differences.iter().take(LISTED).map(|one| DifferenceData::new(one, values)).collect(),
            more_differences: differences.len().saturating_sub(LISTED),
            cannot_answer: near.lacks.as_deref(),
            would_match_with: near.would_match_with.as_deref(),
            is_bounded: near.is_guessed(),
        }
    }
}

impl DifferenceData {
    fn new(difference: &Difference, values: Values) -> Self {
        let shown = |name: &str, value: &[u8]| values.shown(name, value);
        let (part, kind, live, recorded) = match difference {
            Difference::Value { name, live, recorded } => {
                (Some(name), "value", shown(name, live), shown(name, recorded))
            }
            Difference::Added { name, live } => (Some(name), "added", shown(name, live), None),
            Difference::Missing { name, recorded } => (Some(name), "missing", None, shown(name, recorded)),
            Difference::Written { name } => (Some(name), "written", None, None),
            Difference::Order => (None, "order", None, None),
        };
        Self { part: part.map(|name| cut(name)), kind, live, recorded }
    }
}
