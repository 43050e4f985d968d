//! The response that a stub defines.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Version;
use serde_json::{Value, value::RawValue};

use super::{Files, as_text, compact};
use crate::{
    document::{Entry, quoted, should_be},
    model::{Content, Fields, Piece, Response, has_no_body},
    reading::{
        body::{Body, Form},
        heads::{self, Heads},
    },
};

/// Reads the response of a stub to a request with `method`. `json` is the text of its JSON body.
pub(super) fn read(
    stub: &Entry,
    json: Option<&RawValue>,
    method: &[u8],
    files: &mut Files,
    heads: &mut Heads,
) -> Result<Response<Content>, String> {
    for key in ["fault", "proxyBaseUrl"] {
        if stub.get(&format!("response.{key}"))?.is_some() {
            return Err(format!("its response is made by `{key}`"));
        }
    }
    if let [transformer, ..] = stub.list("response.transformers")? {
        let name = as_text(transformer).unwrap_or_default();
        return Err(format!("its response is made by the transformer `{}`", name.escape_debug()));
    }
    let status = match stub.number("response.status")? {
        None | Some(0.0) => 200,
        Some(status) if status.fract() == 0.0 => heads::status(status as i64)?,
        Some(status) => return Err(format!("`response.status` should be a whole number, found `{status}`")),
    };
    let reason = stub.text("response.statusMessage")?.unwrap_or_default();
    let mut fields = fields(stub, heads)?;
    let started_at = delay(stub)?;
    let content = if has_no_body(method, status) {
        Content::Held(Bytes::new())
    } else {
        let body = body(stub, json, files)?;
        body.make_true(&mut fields);
        body.content
    };
    Ok(Response {
        ended_at: None,
        pieces: dribble(stub, content.size().unwrap_or(0))?,
        version: Version::HTTP_11,
        status,
        reason: heads.counted_line(reason.as_bytes(), "response's reason")?,
        fields,
        content,
        trailers: Fields::new(),
        started_at,
    })
}

/// After how many seconds the response begins. Where that is drawn at random, it is what half of the draws exceed.
fn delay(stub: &Entry) -> Result<f64, String> {
    let number = |key: &str| stub.number(&format!("response.{key}"));
    let drawn = match stub.get("response.delayDistribution")? {
        None => None,
        Some(_) => match (number("delayDistribution.lower")?, number("delayDistribution.upper")?) {
            (Some(lower), Some(upper)) => Some(lower.midpoint(upper)),
            _ => number("delayDistribution.median")?.or(number("delayDistribution.milliseconds")?),
        },
    };
    let milliseconds = number("fixedDelayMilliseconds")?.unwrap_or(0.0) + drawn.unwrap_or(0.0);
    Ok(heads::time(milliseconds / 1000.0).unwrap_or(0.0))
}

/// The pieces of a body of `size` bytes that is sent in several, each of them after the same time.
fn dribble(stub: &Entry, size: u64) -> Result<Vec<Piece>, String> {
    let number = |key: &str| stub.number(&format!("response.chunkedDribbleDelay.{key}"));
    if stub.get("response.chunkedDribbleDelay")?.is_none() {
        return Ok(Vec::new());
    }
    let (Some(count), Some(milliseconds)) = (number("numberOfChunks")?, number("totalDuration")?) else {
        return Ok(Vec::new());
    };
    // A number that is too large for an integer becomes the largest one, and one below 0 becomes 0.
    let count = (count as u64).min(size).min(MOST_PIECES);
    if count == 0 {
        return Ok(Vec::new());
    }
    let (len, interval) = (size / count, (milliseconds.min(LONGEST) * 1000.0) as u64 / count);
    let piece = |index: u64| Piece {
        len: if index + 1 == count { size - len * index } else { len },
        after_micros: interval.saturating_mul(index + 1),
    };
    Ok((0..count).map(piece).collect())
}

/// As many pieces as are worth telling apart.
const MOST_PIECES: u64 = 10_000;
/// A day in milliseconds.
const LONGEST: f64 = 86_400_000.0;

/// The fields, of which each has one value or a list of them.
fn fields(stub: &Entry, heads: &mut Heads) -> Result<Fields, String> {
    let place = "response.headers";
    let headers = match stub.get(place)? {
        None => return Ok(Fields::new()),
        Some(Value::Object(headers)) => headers,
        Some(other) => return Err(should_be(&quoted(place), "an object", other)),
    };
    let mut fields = Fields::new();
    for (name, value) in headers {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values {
            let Some(value) = as_text(value) else {
                return Err(should_be(&quoted(&format!("{place}.{name}")), "a string or a list of strings", value));
            };
            for line in heads::lines(value.as_bytes()) {
                let (name, value) = heads.field(name.as_bytes(), &line, "response's field")?;
                fields.push(name, value);
            }
        }
    }
    Ok(fields)
}

/// The body, in the order in which WireMock looks for it.
fn body(stub: &Entry, json: Option<&RawValue>, files: &mut Files) -> Result<Body, String> {
    let held = |bytes: Bytes, form| Body { content: Content::Held(bytes), form };
    if let Some(value) = stub.get("response.jsonBody")? {
        return Ok(held(compact(value, json).into(), Form::Text));
    }
    if let Some(text) = stub.text("response.base64Body")? {
        let bytes = STANDARD.decode(text).map_err(|error| format!("`response.base64Body` is not base64: {error}"))?;
        return Ok(held(bytes.into(), Form::Bytes));
    }
    if let Some(name) = stub.text("response.bodyFileName")? {
        return Ok(held(files.read(name)?, Form::Bytes));
    }
    let text = stub.text("response.body")?.unwrap_or_default();
    Ok(held(Bytes::copy_from_slice(text.as_bytes()), Form::Text))
}
