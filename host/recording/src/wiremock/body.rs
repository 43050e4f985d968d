//! The body that a pattern matches, and how far others may differ from it.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use form_urlencoded::Serializer;
use serde_json::{Map, Value, value::RawValue};

use super::{
    as_text, compact,
    request::{exact, keys},
};
use crate::{
    document::{Entry, should_be},
    model::{Comparison, Content},
};

/// The body of a stub's request.
pub(super) struct Body {
    pub(super) content: Content,
    /// How it is compared, if not by its bytes.
    pub(super) comparison: Option<Comparison>,
}

/// Reads the body of a stub's request. `json` is the text of its JSON body.
pub(super) fn read(stub: &Entry, json: Option<&RawValue>) -> Result<Body, String> {
    let (patterns, parts) = (stub.list("request.bodyPatterns")?, stub.list("request.multipartPatterns")?);
    let fields = stub.get("request.formParameters")?;
    match (patterns, parts, fields) {
        ([], [], None) => Ok(Body::any()),
        ([], [], Some(Value::Object(fields))) => form(fields),
        ([], parts, None) => multipart(parts),
        ([Value::Object(pattern)], [], None) => one(pattern, json),
        ([other], [], None) => Err(should_be("`request.bodyPatterns[0]`", "an object", other)),
        _ => Err("its patterns for the body are several, and one request has one body".into()),
    }
}

impl Body {
    /// What is not said may be anything, as in WireMock.
    fn any() -> Self {
        Self { content: Content::NotRecorded, comparison: Some(Comparison::by_meaning(Comparison::ANYTHING)) }
    }

    fn exact(bytes: Vec<u8>) -> Self {
        Self { content: Content::Held(bytes.into()), comparison: None }
    }

    /// One that has these bytes, or others that mean the same.
    fn meaning(bytes: Vec<u8>, comparison: Comparison) -> Self {
        Self { content: Content::Held(bytes.into()), comparison: Some(comparison) }
    }
}

fn one(pattern: &Map<String, Value>, json: Option<&RawValue>) -> Result<Body, String> {
    let is_set = |key: &str| pattern.get(key) == Some(&Value::Bool(true));
    if let Some(text) = pattern.get("equalTo").and_then(as_text) {
        return placeholders(pattern, "enablePlaceholders", text).map(Body::exact);
    }
    if let Some(text) = pattern.get("equalToXml").and_then(as_text) {
        let text = placeholders(pattern, "enablePlaceholders", text)?;
        return Ok(Body::meaning(text, Comparison::by_meaning("application/xml")));
    }
    if let Some(value) = pattern.get("equalToJson") {
        let text = match value {
            Value::String(text) => text.clone(),
            value => String::from_utf8_lossy(&compact(value, json)).into_owned(),
        };
        let text = placeholders(pattern, "", text)?;
        let at_least = is_set("ignoreExtraElements").then(|| Bytes::from(text.clone()));
        let in_any_order = is_set("ignoreArrayOrder");
        return Ok(Body::meaning(text, Comparison { media_type: "application/json", in_any_order, at_least }));
    }
    if let Some(Value::String(text)) = pattern.get("binaryEqualTo") {
        let bytes = STANDARD.decode(text).map_err(|error| format!("`binaryEqualTo` is not base64: {error}"))?;
        return Ok(Body::exact(bytes));
    }
    if is_set("absent") {
        return Ok(Body::exact(Vec::new()));
    }
    if pattern.contains_key("anything") {
        return Ok(Body::any());
    }
    Err(format!("its body is matched by {}, and one request has one body: use `equalTo`", keys(pattern)))
}

/// A form with at least these fields.
fn form(fields: &Map<String, Value>) -> Result<Body, String> {
    let mut form = Serializer::new(String::new());
    for (name, matcher) in fields {
        for value in exact(matcher, &format!("request.formParameters.{name}"))? {
            form.append_pair(name, &value);
        }
    }
    let form = form.finish();
    let comparison = Comparison::at_least("application/x-www-form-urlencoded", form.clone().into());
    Ok(Body::meaning(form.into_bytes(), comparison))
}

/// A multipart body with at least these parts: WireMock itself asks for no more, whatever the matching type.
fn multipart(parts: &[Value]) -> Result<Body, String> {
    let mut written = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let place = format!("request.multipartPatterns[{index}]");
        let Value::Object(part) = part else { return Err(should_be(&format!("`{place}`"), "an object", part)) };
        written.push(self::part(part, &place)?);
    }
    let mut boundary = b"----part".to_vec();
    while written.iter().any(|part| part.windows(boundary.len()).any(|window| window == boundary)) {
        boundary.push(b'-');
    }
    let mut body = Vec::new();
    for part in written {
        body.extend([b"--", boundary.as_slice(), b"\r\n", &part, b"\r\n"].concat());
    }
    body.extend([b"--", boundary.as_slice(), b"--\r\n"].concat());
    Ok(Body {
        content: Content::NotRecorded,
        comparison: Some(Comparison::at_least("multipart/form-data", body.into())),
    })
}

/// What a part has: its fields, an empty line and its content.
fn part(part: &Map<String, Value>, place: &str) -> Result<Vec<u8>, String> {
    let text = |key: &str| part.get(key).and_then(as_text);
    let (mut name, mut file, mut fields) = (text("name"), text("fileName").or_else(|| text("filename")), Vec::new());
    for (field, matcher) in part.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if field.eq_ignore_ascii_case("content-disposition") {
            let said = ["equalTo", "contains"].iter().find_map(|key| matcher.get(key).and_then(as_text));
            let said =
                said.ok_or_else(|| format!("its `{place}.headers.{field}` is matched by {}", said_by(matcher)))?;
            name = parameter(&said, "name").or(name);
            file = parameter(&said, "filename").or(file);
            continue;
        }
        for value in exact(matcher, &format!("{place}.headers.{field}"))? {
            fields.push((field.clone(), value));
        }
    }
    let body = match part.get("bodyPatterns").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(pattern)]) => one(pattern, None)?,
        _ => return Err(format!("its `{place}` does not say what one part has")),
    };
    let Content::Held(content) = body.content else {
        return Err(format!("its `{place}` does not say what one part has"));
    };
    // Only JSON has another form of its own within a part.
    let is_json = body.comparison.is_some_and(|comparison| comparison.media_type == "application/json");
    if is_json && !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        fields.push(("Content-Type".into(), "application/json".into()));
    }
    let mut written = Vec::new();
    if name.is_some() || file.is_some() {
        let quoted = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("; {name}=\"{}\"", line(value))).unwrap_or_default()
        };
        let disposition = format!("form-data{}{}", quoted("name", &name), quoted("filename", &file));
        fields.insert(0, ("Content-Disposition".into(), disposition));
    }
    for (name, value) in &fields {
        written.extend(format!("{}: {}\r\n", line(name), line(value)).into_bytes());
    }
    Ok([written, b"\r\n".to_vec(), content.to_vec()].concat())
}

/// A text that cannot break its line.
fn line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// The quoted value of a parameter in a piece of a field's value.
fn parameter(text: &str, name: &str) -> Option<String> {
    let mut pieces = text.split([';', ' ']).filter_map(|piece| piece.trim().split_once('='));
    pieces.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_matches('"').to_owned())
}

fn said_by(matcher: &Value) -> String {
    matcher.as_object().map_or_else(|| "nothing".into(), keys)
}

/// Refuses a body in which something stands for what is not known.
fn placeholders(pattern: &Map<String, Value>, switch: &str, body: String) -> Result<Vec<u8>, String> {
    if pattern.get(switch) == Some(&Value::Bool(true)) || body.contains("${json-unit.") || body.contains("${xmlunit.") {
        return Err("its body has placeholders, and one request has one body".into());
    }
    Ok(body.into_bytes())
}
