//! One entry as an exchange.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;

use super::{attached::Attached, body, clock};
use crate::{
    document::{Entry, Outcome, item_text, quoted, should_be},
    model::{Content, Exchange, Fields, Flow, Request, Response, has_no_body},
    reading::{
        Unfit, Url,
        heads::{self, FIELD_OVERHEAD, Heads, is_pseudo},
    },
};

/// Reads the `number`th entry of its file.
pub(super) fn read(
    mut entry: Entry,
    number: usize,
    heads: &mut Heads,
    attached: &mut Attached,
) -> Result<Outcome, String> {
    let method = entry.text("request.method")?.ok_or("`request.method` is missing")?.to_owned();
    let url = entry.text("request.url")?.ok_or("`request.url` is missing")?.to_owned();
    let url = match Url::parse(&url) {
        Ok(url) => url,
        Err(Unfit::Scheme(scheme)) => return Ok(Outcome::Other(format!("the scheme is `{scheme}`"))),
        Err(Unfit::Malformed(what)) => return Err(format!("`request.url` {what}")),
    };
    if method == "CONNECT" {
        return Ok(Outcome::Other("the request opens a tunnel".into()));
    }
    if let Some(failure) = failure(&entry)? {
        return Ok(Outcome::Other(failure));
    }
    let started_at = entry.text("startedDateTime")?.and_then(clock::seconds).and_then(heads::time);
    let request = request(&mut entry, &method, &url, started_at, heads, attached)?;
    let response = response(&mut entry, &request, heads, attached)?;
    let is_websocket = response.status == 101 || entry.get("_webSocketMessages")?.is_some();
    let flow = Flow {
        id: String::new(),
        client: None,
        server: None,
        request,
        response: Some(response),
        error: None,
        websocket: None,
    };
    Ok(Outcome::Exchange(Box::new(Exchange { number, is_websocket, flow })))
}

/// Why there was no response, or none to its end. Chrome and mitmproxy write `_error`, Playwright `_failureText`.
fn failure(entry: &Entry) -> Result<Option<String>, String> {
    for place in ["response._error", "response._failureText", "_error"] {
        match entry.get(place)? {
            None => {}
            Some(Value::String(said)) if said.is_empty() => {}
            Some(Value::String(said)) => {
                let printable = |character: char| if character.is_control() { ' ' } else { character };
                let said: String = said.chars().take(REASON_LIMIT).map(printable).collect();
                return Ok(Some(format!("the request failed: {said}")));
            }
            Some(_) => return Ok(Some("the request failed".into())),
        }
    }
    let is_answered = entry.get("response")?.is_some() && entry.number("response.status")? != Some(0.0);
    Ok((!is_answered).then(|| "the request got no response".into()))
}

fn request(
    entry: &mut Entry,
    method: &str,
    url: &Url<'_>,
    started_at: Option<f64>,
    heads: &mut Heads,
    attached: &mut Attached,
) -> Result<Request<Content>, String> {
    heads.begin();
    let (mut fields, authority) = fields(entry, "request.headers", heads, "request's field")?;
    let body = body::of_request(entry, &fields, attached)?;
    body.make_true(&mut fields);
    Ok(Request {
        method: heads.counted_token(method.as_bytes(), "request's method")?,
        scheme: url.scheme.into(),
        host: heads.counted_line(url.host.as_bytes(), "request's host")?,
        port: url.port,
        authority,
        path: heads.counted_line(url.path.as_bytes(), "request's path")?,
        version: heads::version(entry.text("request.httpVersion")?.unwrap_or_default().as_bytes()),
        fields,
        content: body.content,
        trailers: Fields::new(),
        started_at: started_at.unwrap_or(0.0),
        ended_at: None,
    })
}

fn response(
    entry: &mut Entry,
    request: &Request<Content>,
    heads: &mut Heads,
    attached: &mut Attached,
) -> Result<Response<Content>, String> {
    heads.begin();
    let status = match entry.number("response.status")? {
        Some(status) if status.fract() == 0.0 => heads::status(status as i64)?,
        Some(status) => return Err(format!("`response.status` should be a whole number, found `{status}`")),
        None => return Err("`response.status` is missing".into()),
    };
    let (mut fields, _) = fields(entry, "response.headers", heads, "response's field")?;
    let body = body::of_response(entry, &request.method, status, &fields, attached)?;
    if !has_no_body(&request.method, status) {
        body.make_true(&mut fields);
    }
    let reason = entry.text("response.statusText")?.unwrap_or_default();
    Ok(Response {
        version: heads::version(entry.text("response.httpVersion")?.unwrap_or_default().as_bytes()),
        status,
        reason: heads.counted_line(reason.as_bytes(), "response's reason")?,
        fields,
        content: body.content,
        trailers: Fields::new(),
        started_at: answered_at(entry, request.started_at)?,
        ended_at: None,
        pieces: Vec::new(),
    })
}

/// The fields of a head, without pseudo fields, and the `:authority` that was among those.
fn fields(entry: &Entry, place: &str, heads: &mut Heads, what: &str) -> Result<(Fields, Bytes), String> {
    let (mut fields, mut authority) = (Fields::new(), Bytes::new());
    for (index, item) in entry.list(place)?.iter().enumerate() {
        let at = |defect: heads::Defect| format!("{} (`{place}[{index}]`)", defect.what);
        let (name, value) = name_and_value(item, &format!("{place}[{index}]"))?;
        heads.spend((name.len() + value.len()) as u64).map_err(at)?;
        match name.as_bytes() {
            b":authority" => authority = heads.line(&value, what).map_err(at)?,
            name if is_pseudo(name) => {}
            name => {
                heads.spend(FIELD_OVERHEAD).map_err(at)?;
                let name = heads.token(name, what).map_err(at)?;
                fields.push(name, heads.line(&value, what).map_err(at)?);
            }
        }
    }
    Ok((fields, authority))
}

/// A field is `{"name": …, "value": …}`; some recorders write `[name, value]`. A value that is no text is there in base64
/// too, if this program wrote it.
fn name_and_value<'v>(item: &'v Value, place: &str) -> Result<(&'v str, Cow<'v, [u8]>), String> {
    match item {
        Value::Object(_) => {
            let bytes = item_text(item, "_base64", place)?;
            let value = item_text(item, "value", place)?;
            Ok((
                item_text(item, "name", place)?,
                match STANDARD.decode(bytes) {
                    Ok(bytes) if !bytes.is_empty() => bytes.into(),
                    _ => value.as_bytes().into(),
                },
            ))
        }
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(name), Value::String(value)] => Ok((name, value.as_bytes().into())),
            _ => Err(format!("{} is not a name and a value", quoted(place))),
        },
        other => Err(should_be(&quoted(place), "an object", other)),
    }
}

/// When the response's head had arrived: after the phases up to `wait`, or at the end of `time` if none is known. The time
/// for TLS is part of that for connecting.
fn answered_at(entry: &Entry, started_at: f64) -> Result<f64, String> {
    if started_at == 0.0 {
        return Ok(started_at);
    }
    let (mut took, mut is_known) = (0.0, false);
    for phase in ["blocked", "dns", "connect", "send", "wait"] {
        // Recorders write -1 for a phase that there was not.
        if let Some(milliseconds) = entry.number(&format!("timings.{phase}"))?.filter(|took| *took >= 0.0) {
            took += milliseconds;
            is_known = true;
        }
    }
    if !is_known {
        took = entry.number("time")?.filter(|took| *took >= 0.0).unwrap_or(0.0);
    }
    Ok(heads::time(started_at + took / 1000.0).unwrap_or(started_at))
}

/// How much of a recorder's own words a message repeats.
const REASON_LIMIT: usize = 100;

#[cfg(test)]
mod tests;
