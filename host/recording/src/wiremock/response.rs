//! The response that a stub defines.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Version;
use serde_json::{Value, value::RawValue};

use super::{Files, as_text, compact};
use crate::{
    document::{Entry, quoted, should_be},
    model::{Content, Fields, Response, has_no_body},
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
    let content = if has_no_body(method, status) {
        Content::Held(Bytes::new())
    } else {
        let body = body(stub, json, files)?;
        body.make_true(&mut fields);
        body.content
    };
    Ok(Response {
        ended_at: None,
        pieces: Vec::new(),
        version: Version::HTTP_11,
        status,
        reason: heads.counted_line(reason.as_bytes(), "response's reason")?,
        fields,
        content,
        trailers: Fields::new(),
        started_at: 0.0,
    })
}

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
