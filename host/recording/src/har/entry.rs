//! One entry as an exchange.

use std::borrow::Cow;

use bytes::Bytes;
use http::Version;
use serde::Deserialize;
use serde_json::Value;

use super::{
    attached::Attached,
    body, clock,
    extra::{Extra, KEY as EXTRA},
    field::{self, Pseudo, cookies, field},
    kind, messages,
};
use crate::{
    document::{Entry, Outcome},
    model::{Comparison, Content, Exchange, Fields, Flow, Request, Response, WebSocket, has_no_body},
    reading::{
        Unfit, Url,
        body::Body,
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
    let pseudo = Pseudo::of_request(&entry)?;
    let method = given(&entry, "request.method")?.or(pseudo.method.clone()).ok_or("`request.method` is missing")?;
    let written_url = pseudo.url(given(&entry, "request.url")?).ok_or("`request.url` is missing")?;
    let url = match Url::parse(&written_url) {
        Ok(url) => url,
        Err(Unfit::Scheme(scheme)) => return Ok(Outcome::Other(format!("the scheme is `{scheme}`"))),
        Err(Unfit::Malformed(what)) => return Err(format!("`request.url` {what}")),
    };
    if method == "CONNECT" {
        return Ok(Outcome::Other("the request opens a tunnel".into()));
    }
    // Somebody else's member of that name says nothing here.
    let extra = entry.take(EXTRA).filter(Value::is_object).and_then(|value| Extra::deserialize(value).ok());
    if extra.is_none()
        && let Some(failure) = failure(&entry)?
    {
        return Ok(Outcome::Other(failure));
    }
    let started_at = entry.text("startedDateTime")?.and_then(clock::seconds).and_then(heads::time);
    let version = given(&entry, "request.httpVersion")?.or(pseudo.version).unwrap_or_default();
    let (mut request, comparison) = request(&mut entry, &method, &url, extra.as_ref(), heads, attached)?;
    request.version = heads::version(version.as_bytes());
    request.started_at = started_at.unwrap_or(0.0);
    let has_response = extra.is_none() || is_answered(&entry)?;
    let response = has_response.then(|| response(&mut entry, &request, extra.as_ref(), heads, attached)).transpose()?;
    if let Some(extra) = &extra {
        extra.complete_request(&mut request, &written_url, heads)?;
    }
    let has_messages = entry.get("_webSocketMessages")?.is_some();
    let is_upgraded = response.as_ref().is_some_and(|response| response.status == 101);
    let opened_at = response.as_ref().map_or(request.started_at, |response| response.started_at);
    let (client, server) = extra.as_ref().map(Extra::addresses).unwrap_or_default();
    let flow = Flow {
        id: extra.as_ref().and(entry.text("_id")?).unwrap_or_default().to_owned(),
        client,
        server,
        websocket: websocket(&entry, extra.as_ref(), opened_at)?,
        request,
        response,
        error: extra.as_ref().and_then(Extra::failure),
    };
    let is_websocket = is_upgraded || has_messages || url.is_websocket;
    Ok(Outcome::Exchange(Box::new(Exchange { number, is_websocket, comparison, query_is_least: false, flow })))
}

/// The text at a path, if there is some.
fn given(entry: &Entry, path: &str) -> Result<Option<String>, String> {
    Ok(entry.text(path)?.filter(|text| !text.is_empty()).map(ToOwned::to_owned))
}

/// Why there was no response, or none to its end. Chrome and mitmproxy write `_error`, Playwright `_failureText`.
fn failure(entry: &Entry) -> Result<Option<String>, String> {
    for place in ["response._error", "response._failureText", "_error"] {
        match entry.get(place)? {
            None => {}
            Some(Value::String(said)) if said.is_empty() => {}
            Some(Value::String(said)) => {
                let said: String = oneline::spaced(said).take(REASON_LIMIT).collect();
                return Ok(Some(format!("the request failed: {said}")));
            }
            Some(_) => return Ok(Some("the request failed".into())),
        }
    }
    Ok((!is_answered(entry)?).then(|| "the request got no response".into()))
}

fn is_answered(entry: &Entry) -> Result<bool, String> {
    let has_status = entry.get("response")?.is_some() && entry.get("response.status")?.is_some();
    // Recorders write 0 or -1 where nothing came.
    Ok(has_status && entry.number("response.status")?.is_none_or(|status| status > 0.0))
}

/// What was said over the WebSocket, if it was recorded and every message can be read. `opened_at` is when it was opened.
fn websocket(entry: &Entry, extra: Option<&Extra>, opened_at: f64) -> Result<Option<WebSocket<Content>>, String> {
    let Some(json) = entry.text("_webSocketMessages")? else { return Ok(None) };
    let messages = messages::read(json, entry.strings(), opened_at);
    let end = extra.and_then(Extra::end_of_session).unwrap_or_default();
    Ok(messages.map(|messages| WebSocket { messages, ..end }))
}

/// The request, as far as HAR has it, without its version and its start, and how its body is compared.
fn request(
    entry: &mut Entry,
    method: &str,
    url: &Url<'_>,
    extra: Option<&Extra>,
    heads: &mut Heads,
    attached: &mut Attached,
) -> Result<(Request<Content>, Option<Box<Comparison>>), String> {
    heads.begin();
    let (mut fields, authority) = fields(entry, "request.headers", heads, "request's field", extra.is_some())?;
    if extra.is_none() {
        field::leave_out_repeated(&mut fields);
    }
    let body = body::of_request(entry, &fields, extra, attached)?;
    make_true(&mut fields, &body, extra);
    // Those that this program wrote say all of it by fields.
    let comparison = if extra.is_none() { kind::tell(entry, &mut fields, &body, heads)? } else { None };
    let request = Request {
        method: heads.counted_token(method.as_bytes(), "request's method")?,
        scheme: url.scheme.into(),
        host: heads.counted_line(url.host.as_bytes(), "request's host")?,
        port: url.port,
        authority,
        path: heads.counted_line(url.path.as_bytes(), "request's path")?,
        version: Version::HTTP_11,
        fields,
        content: body.content,
        trailers: Fields::new(),
        started_at: 0.0,
        ended_at: None,
    };
    Ok((request, comparison))
}

/// The response to a request, whose start is that of the entry.
fn response(
    entry: &mut Entry,
    request: &Request<Content>,
    extra: Option<&Extra>,
    heads: &mut Heads,
    attached: &mut Attached,
) -> Result<Response<Content>, String> {
    heads.begin();
    let status = match entry.number("response.status")? {
        Some(status) if status.fract() == 0.0 => heads::status(status as i64)?,
        Some(status) => return Err(format!("`response.status` should be a whole number, found `{status}`")),
        None => return Err("`response.status` is missing".into()),
    };
    let (mut fields, _) = fields(entry, "response.headers", heads, "response's field", extra.is_some())?;
    let body = body::of_response(entry, &request.method, status, &fields, extra, attached)?;
    let is_cached = status == 304 && body.content.size().is_some_and(|size| size > 0);
    if is_cached || !has_no_body(&request.method, status) {
        make_true(&mut fields, &body, extra);
    }
    // A 304 need not say what the content is that the cache has.
    if is_cached && fields.get("content-type").is_none() {
        let kind = entry.text("response.content.mimeType")?.filter(|kind| !kind.is_empty());
        let kind = kind.map(|kind| heads.counted_line(kind.as_bytes(), "response's field")).transpose()?;
        fields.extend(kind.map(|kind| (Bytes::from_static(b"Content-Type"), kind)));
    }
    let reason = match extra.and_then(Extra::reason) {
        Some(reason) => reason,
        None => entry.text("response.statusText")?.unwrap_or_default().into(),
    };
    let (started_at, ended_at) = match extra.and_then(|extra| extra.response_times(request.started_at)) {
        Some(exact) => exact,
        None => {
            let answered_at = answered_at(entry, request.started_at)?;
            let received = entry.number("timings.receive")?.filter(|took| *took > 0.0 && answered_at > 0.0);
            (answered_at, received.and_then(|took| heads::time(answered_at + took / 1000.0)))
        }
    };
    let sent = entry.size("response.bodySize")?;
    Ok(Response {
        version: heads::version(entry.text("response.httpVersion")?.unwrap_or_default().as_bytes()),
        status,
        reason: heads.counted_line(&reason, "response's reason")?,
        pieces: extra.map(|extra| extra.pieces(body.content.size(), sent)).unwrap_or_default(),
        fields,
        content: body.content,
        trailers: extra.map(|extra| extra.response_trailers(heads)).transpose()?.unwrap_or_default(),
        started_at,
        ended_at,
    })
}

/// Makes fields true to a body. Those that this program wrote tell the transfer coding as it was.
fn make_true(fields: &mut Fields, body: &Body, extra: Option<&Extra>) {
    match extra {
        Some(_) => body.make_coding_true(fields),
        None => body.make_true(fields),
    }
}

/// The fields of a head, without pseudo fields, and the authority that was among those. Whether this program wrote them, which
/// joins nothing, `is_own` says.
fn fields(entry: &Entry, place: &str, heads: &mut Heads, what: &str, is_own: bool) -> Result<(Fields, Bytes), String> {
    let (mut fields, mut authority) = (Fields::new(), Bytes::new());
    for (index, item) in entry.list(place)?.iter().enumerate() {
        let at = |defect: heads::Defect| format!("{} (`{place}[{index}]`)", defect.what);
        let (name, mut values) = field(item, &format!("{place}[{index}]"))?;
        if !is_own && name.eq_ignore_ascii_case("set-cookie") {
            values =
                values.iter().flat_map(|joined| cookies(joined)).map(|cookie| Cow::Owned(cookie.to_vec())).collect();
        }
        for value in values {
            heads.spend((name.len() + value.len()) as u64).map_err(at)?;
            match name.to_ascii_lowercase().as_bytes() {
                b":authority" => authority = heads.line(&value, what).map_err(at)?,
                // That of SPDY.
                b":host" if authority.is_empty() => authority = heads.line(&value, what).map_err(at)?,
                name if is_pseudo(name) || !is_own && field::is_of_firefox(name) => {}
                _ => {
                    heads.spend(FIELD_OVERHEAD).map_err(at)?;
                    let name = heads.token(name.as_bytes(), what).map_err(at)?;
                    fields.push(name, heads.line(&value, what).map_err(at)?);
                }
            }
        }
    }
    Ok((fields, authority))
}

/// When the response's head had arrived: after the phases up to `wait`, or at the end of `time` if none is known. The time
/// for TLS is part of that for connecting.
fn answered_at(entry: &Entry, started_at: f64) -> Result<f64, String> {
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
