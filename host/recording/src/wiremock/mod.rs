//! WireMock's stub mappings, of which each is an exchange if its request pattern matches one request only.
//!
//! Where a pattern leaves something open that a request must have, it has what WireMock itself would serve: the host is
//! `localhost`, the port 8080, or 8443 for `https`. Where a host is given without a port, it is the usual one of the scheme.
//! A whole URL without a query has none, and a path takes any query that has its parameters. A pattern without a
//! body takes any, one without a method has `ANY`, and a pattern of one text only is that text. Delays are times: of a stub
//! without a `Date`, only how long its response takes is known.
//!
//! The exchanges are in the order in which WireMock prefers the stubs: those of lower priority numbers come first, and of
//! equal ones that which is earlier in its file, as when WireMock imports them; files are read by their names. The stubs
//! of a scenario are in the order of its states.
//!
//! `request` and `response` read the two halves of a stub, `body` what it says of the request's body, `pattern` the patterns in
//! it that are none, and `files` the bodies in
//! files of their own.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::{
    document::{Entry, Outcome},
    model::{Exchange, Flow},
    reading::heads::Heads,
};

mod body;
mod files;
mod pattern;
mod request;
mod response;

pub(crate) use files::Files;

/// The stubs of a recording, until all are read.
pub(crate) struct Stubs {
    files: Files,
    found: Vec<Stub>,
}

struct Stub {
    exchange: Exchange,
    priority: f64,
    scenario: Option<Step>,
}

/// The place of a stub in its scenario.
struct Step {
    scenario: String,
    /// The state in which it matches; any if there is none.
    from: Option<String>,
    /// The state that it leads to; the same if there is none.
    to: Option<String>,
}

impl Stubs {
    pub(crate) fn new(files: Files) -> Self {
        Self { files, found: Vec::new() }
    }

    /// Reads a stub, the `number`th of its recording.
    pub(crate) fn read(&mut self, text: &RawValue, number: usize, heads: &mut Heads) -> Result<Outcome, String> {
        let stub = Entry::whole(text.get())?;
        let name = name(&stub);
        let stub = self.stub(&stub, text, number, heads);
        self.found.push(stub.map_err(|reason| format!("stub `{name}`: {reason}"))?);
        Ok(Outcome::Later)
    }

    fn stub(&mut self, stub: &Entry, text: &RawValue, number: usize, heads: &mut Heads) -> Result<Stub, String> {
        // What is wrong with it is said below.
        let raw: Raw = serde_json::from_str(text.get()).unwrap_or_default();
        heads.begin();
        let RawRequest { body_patterns: patterns, query_parameters: query } = raw.request.unwrap_or_default();
        let json = patterns.first().and_then(|pattern| pattern.equal_to_json);
        let (request, comparison) = request::read(stub, json, &query.unwrap_or_default(), heads)?;
        heads.begin();
        let json = raw.response.and_then(|response| response.json_body);
        let response = response::read(stub, json, &request.method, &mut self.files, heads)?;
        let scenario = match stub.text("scenarioName")? {
            None | Some("") => None,
            Some(scenario) => Some(Step {
                scenario: scenario.into(),
                from: stub.text("requiredScenarioState")?.map(Into::into),
                to: stub.text("newScenarioState")?.map(Into::into),
            }),
        };
        let id = stub.text("id")?.or(stub.text("uuid")?).unwrap_or_default().to_owned();
        let response = Some(response);
        let flow = Flow { id, client: None, server: None, request, response, error: None, websocket: None };
        let comparison = comparison.map(Box::new);
        let query_is_least = request::query_is_least(stub)?;
        let exchange = Exchange { number, is_websocket: false, comparison, query_is_least, flow };
        Ok(Stub { exchange, priority: stub.number("priority")?.unwrap_or(USUAL_PRIORITY), scenario })
    }

    /// Forgets those after the `number`th of the recording.
    pub(crate) fn forget_after(&mut self, number: usize) {
        self.found.retain(|stub| stub.exchange.number <= number);
    }

    /// The exchanges in the order in which WireMock would answer.
    pub(crate) fn finish(mut self) -> impl Iterator<Item = Exchange> {
        self.found.sort_by(|one, other| one.priority.total_cmp(&other.priority));
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, stub) in self.found.iter().enumerate() {
            if let Some(step) = &stub.scenario {
                places.entry(step.scenario.clone()).or_default().push(place);
            }
        }
        let mut stubs: Vec<Option<Stub>> = self.found.into_iter().map(Some).collect();
        // The stubs of a scenario change places among themselves.
        for places in places.into_values() {
            let taken = places.iter().filter_map(|place| stubs.get_mut(*place)?.take()).collect();
            for (place, stub) in places.iter().zip(by_state(taken)) {
                if let Some(slot) = stubs.get_mut(*place) {
                    *slot = Some(stub);
                }
            }
        }
        stubs.into_iter().flatten().map(|stub| stub.exchange)
    }
}

/// The stubs of one scenario in the order in which its states are reached. Those that never match come last.
fn by_state(mut stubs: Vec<Stub>) -> Vec<Stub> {
    let mut steps: HashMap<&str, Vec<&str>> = HashMap::new();
    for step in stubs.iter().filter_map(|stub| stub.scenario.as_ref()) {
        if let (Some(from), Some(to)) = (&step.from, &step.to) {
            steps.entry(from).or_default().push(to);
        }
    }
    let mut reached = HashMap::from([("Started".to_owned(), 0)]);
    let mut states = VecDeque::from(["Started"]);
    while let Some(state) = states.pop_front() {
        for &to in steps.get(state).into_iter().flatten() {
            if !reached.contains_key(to) {
                reached.insert(to.to_owned(), reached.len());
                states.push_back(to);
            }
        }
    }
    stubs.sort_by_key(|stub| match stub.scenario.as_ref().and_then(|step| step.from.as_ref()) {
        None => 0,
        Some(state) => reached.get(state).copied().unwrap_or(usize::MAX),
    });
    stubs
}

/// How a message calls a stub.
fn name(stub: &Entry) -> String {
    let text = |place: &str| stub.text(place).ok().flatten().filter(|text| !text.is_empty());
    let name = text("name").or(text("id")).or(text("uuid")).map(ToOwned::to_owned);
    let name = name.unwrap_or_else(|| {
        let urls = ["url", "urlPath", "urlPattern", "urlPathPattern", "urlPathTemplate"];
        let url = urls.iter().find_map(|key| text(&format!("request.{key}"))).unwrap_or("any URL");
        format!("{} {url}", text("request.method").unwrap_or("ANY"))
    });
    name.chars().take(NAME_SHOWN).flat_map(char::escape_debug).collect()
}

/// JSON whose text matters, because it is sent in the order in which it was written.
#[derive(Default, Deserialize)]
struct Raw<'t> {
    #[serde(borrow, default)]
    request: Option<RawRequest<'t>>,
    #[serde(borrow, default)]
    response: Option<RawResponse<'t>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest<'t> {
    #[serde(borrow, default)]
    body_patterns: Vec<RawPattern<'t>>,
    #[serde(default)]
    query_parameters: Option<Names>,
}

/// The names of an object's members, with their places in the file.
#[derive(Default)]
struct Names(HashMap<String, usize>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        let mut names = HashMap::new();
        while let Some((name, IgnoredAny)) = map.next_entry()? {
            names.insert(name, names.len());
        }
        Ok(Names(names))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPattern<'t> {
    #[serde(borrow, default)]
    equal_to_json: Option<&'t RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResponse<'t> {
    #[serde(borrow, default)]
    json_body: Option<&'t RawValue>,
}

/// The JSON as WireMock writes it: in the order of the file, without white space between the values.
fn compact(value: &Value, raw: Option<&RawValue>) -> Vec<u8> {
    let Some(raw) = raw else { return value.to_string().into_bytes() };
    let (mut in_string, mut is_escaped) = (false, false);
    let kept = raw.get().bytes().filter(|byte| {
        if in_string {
            in_string = *byte != b'"' || is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            return true;
        }
        in_string = *byte == b'"';
        !byte.is_ascii_whitespace()
    });
    kept.collect()
}

/// A value that is sent as text, whatever it is written as.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

const USUAL_PRIORITY: f64 = 5.0;
const NAME_SHOWN: usize = 100;

#[cfg(test)]
mod tests;
