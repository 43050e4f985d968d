//! One flow as an entry.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Version;
use serde_json::{Value, json};

use super::{body::Body, cookies, date, json::Object};
use crate::{
    har::{EXTRA, Extra, text, url},
    media_type::essence,
    model::{Fields, Flow, Request, Response, Source, WebSocket},
    writers::pieces::noted_pieces,
};

/// How each entry starts and ends, which is what tells whole ones.
pub(super) const ENTRY_START: &[u8] = br#"{"startedDateTime":"#;
pub(super) const ENTRY_END: &[u8] = br#""}"#;

/// Writes the flow in one line.
pub(super) fn write(out: &mut dyn Write, flow: &Flow<Source>) -> io::Result<()> {
    let timings = Timings::of(flow);
    let mut entry = Object::begin(out)?;
    entry.member("startedDateTime", &date::iso(flow.request.started_at))?;
    entry.member("time", &timings.total())?;
    write_request(entry.key("request")?, &flow.request)?;
    let failure = flow.error.as_ref().map(|failure| failure.reason.as_str());
    match &flow.response {
        Some(response) => write_response(entry.key("response")?, response, failure)?,
        None => entry.member("response", &no_response(failure))?,
    }
    entry.member("cache", &json!({}))?;
    entry.member("timings", &timings.json())?;
    if let Some(server) = &flow.server {
        entry.member("serverIPAddress", &server.ip())?;
    }
    if let Some(websocket) = &flow.websocket {
        entry.member("_resourceType", "websocket")?;
        write_messages(entry.key("_webSocketMessages")?, websocket)?;
    }
    entry.member(EXTRA, &Extra::of(flow, flow.response.as_ref().map_or(&[], noted_pieces)))?;
    // Last, because of how an entry ends.
    entry.member("_id", &flow.id)?;
    entry.end()
}

fn write_request(out: &mut dyn Write, request: &Request<Source>) -> io::Result<()> {
    let url = url(request);
    let body = Body::of_request(&request.content, &request.fields)?;
    let cookies = values(&request.fields, "cookie").flat_map(|value| cookies::of_request(&value).collect::<Vec<_>>());
    let (_, query) = url.split_once('?').unwrap_or_default();
    let mut object = Object::begin(out)?;
    object.member("method", &text(&request.method))?;
    object.member("url", &url)?;
    object.member("httpVersion", version(request.version))?;
    object.member("cookies", &cookies.collect::<Vec<_>>())?;
    object.member("headers", &headers(&request.fields, &request.authority))?;
    object.member("queryString", &pairs(query.as_bytes()))?;
    if !body.is_empty() {
        let mut data = Object::begin(object.key("postData")?)?;
        let kind = values(&request.fields, "content-type").next().unwrap_or_default();
        data.member("mimeType", &kind)?;
        data.member("params", &params(&kind, request))?;
        body.write(&mut data, "_encoding")?;
        data.end()?;
    }
    object.member("headersSize", &-1)?;
    object.member("bodySize", &size(body.len))?;
    object.end()
}

fn write_response(out: &mut dyn Write, response: &Response<Source>, failure: Option<&str>) -> io::Result<()> {
    let body = Body::of_response(&response.content, &response.fields)?;
    let cookies: Vec<Value> =
        values(&response.fields, "set-cookie").map(|value| cookies::of_response(&value)).collect();
    let mut object = Object::begin(out)?;
    object.member("status", &response.status)?;
    object.member("statusText", &text(&response.reason))?;
    object.member("httpVersion", version(response.version))?;
    object.member("cookies", &cookies)?;
    object.member("headers", &headers(&response.fields, b""))?;
    let mut content = Object::begin(object.key("content")?)?;
    content.member("size", &size(body.size))?;
    if let (Some(size), Some(len)) = (body.size, body.len) {
        content.member("compression", &(size as i64 - len as i64))?;
    }
    content.member("mimeType", &values(&response.fields, "content-type").next().unwrap_or_default())?;
    body.write(&mut content, "encoding")?;
    content.end()?;
    object.member("redirectURL", &values(&response.fields, "location").next().unwrap_or_default())?;
    object.member("headersSize", &-1)?;
    object.member("bodySize", &size(body.len))?;
    if let Some(failure) = failure {
        object.member("_error", failure)?;
    }
    object.end()
}

/// What browsers write where there was none.
fn no_response(failure: Option<&str>) -> Value {
    json!({
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_transferSize": 0,
        "_error": failure,
    })
}

/// As Chrome writes them. A binary message is in base64.
fn write_messages(out: &mut dyn Write, websocket: &WebSocket<Source>) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, message) in websocket.messages.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        let body = Body::of_message(&message.content, message.is_text)?;
        let mut object = Object::begin(out)?;
        object.member("type", if message.from_client { "send" } else { "receive" })?;
        object.member("time", &message.at)?;
        object.member("opcode", &if message.is_text { 1 } else { 2 })?;
        body.write_message(&mut object, message.is_text)?;
        object.end()?;
    }
    out.write_all(b"]")
}

/// Milliseconds, of which only those are known that a proxy sees.
struct Timings {
    send: f64,
    wait: f64,
    receive: f64,
}

impl Timings {
    fn of(flow: &Flow<Source>) -> Self {
        let started = flow.request.started_at;
        let sent = flow.request.ended_at.unwrap_or(started);
        let failed = flow.error.as_ref().and_then(|failure| failure.at);
        let answered = flow.response.as_ref().map(|response| response.started_at).or(failed);
        // A response may start before its request ends.
        let answered = answered.unwrap_or(sent).max(started);
        let sent = sent.min(answered);
        let ended = flow.response.as_ref().map(|response| response.ended_at.or(failed).unwrap_or(answered));
        Self {
            send: milliseconds(started, sent),
            wait: milliseconds(sent, answered),
            receive: milliseconds(answered, ended.unwrap_or(answered)),
        }
    }

    fn total(&self) -> f64 {
        rounded(self.send + self.wait + self.receive)
    }

    fn json(&self) -> Value {
        let Self { send, wait, receive } = self;
        json!({"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": send, "wait": wait, "receive": receive})
    }
}

fn milliseconds(from: f64, to: f64) -> f64 {
    rounded((to - from).max(0.0) * 1000.0)
}

/// Microseconds are all that clocks tell.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1000.0).round() / 1000.0
}

/// The fields in order, after the `:authority` as browsers write it. A value that is no UTF-8 is also there as it is.
fn headers(fields: &Fields, authority: &[u8]) -> Vec<Value> {
    let line = |name: &[u8], value: &[u8]| match str::from_utf8(value) {
        Ok(value) => json!({"name": text(name), "value": value}),
        Err(_) => json!({"name": text(name), "value": text(value), "_base64": STANDARD.encode(value)}),
    };
    let authority = (!authority.is_empty()).then(|| line(b":authority", authority));
    authority.into_iter().chain(fields.iter().map(|(name, value)| line(name, value))).collect()
}

fn params(kind: &str, request: &Request<Source>) -> Vec<Value> {
    match &request.content {
        Source::Bytes(form)
            if essence(kind).eq_ignore_ascii_case("application/x-www-form-urlencoded") && form.len() <= FORM_LIMIT =>
        {
            pairs(form)
        }
        _ => Vec::new(),
    }
}

/// The decoded parameters of a query or a form.
fn pairs(encoded: &[u8]) -> Vec<Value> {
    form_urlencoded::parse(encoded).map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn values<'f>(fields: &'f Fields, name: &'f str) -> impl Iterator<Item = Cow<'f, str>> {
    fields.lines(name).map(|value| text(value))
}

fn size(size: Option<u64>) -> i64 {
    size.map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX))
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// The largest form whose parameters are listed beside its text.
const FORM_LIMIT: usize = 64 * 1024;
