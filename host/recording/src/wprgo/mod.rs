//! The requests of Web Page Replay archives (`.wprgo`), which Chromium's benchmarks record: messages as Go writes them to a
//! connection, in base64.
//!
//! `message` takes such a message apart and `chunked` undoes its transfer coding.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    document::{Entry, Outcome},
    model::{Content, Exchange, Fields, Flow, Request, Response, has_no_body},
    reading::{
        Unfit, Url,
        heads::{self, Defect, Heads, is_pseudo},
    },
};

mod chunked;
mod message;

use message::Message;

/// Reads the request listed under `url`, the `number`th of its file.
pub(crate) fn read(text: &RawValue, url: &str, number: usize, heads: &mut Heads) -> Result<Outcome, String> {
    let url = match Url::parse(url) {
        Ok(url) => url,
        Err(Unfit::Scheme(scheme)) => return Ok(Outcome::Other(format!("the scheme is `{scheme}`"))),
        Err(Unfit::Malformed(what)) => return Err(format!("its URL {what}")),
    };
    let mut archived = Entry::whole(text.get())?;
    let asked = decode(&mut archived, "SerializedRequest")?;
    let answered = decode(&mut archived, "SerializedResponse")?;
    if answered.is_empty() {
        return Ok(Outcome::Other("the request got no response".into()));
    }
    let asked = Message::request(asked.into()).map_err(|what| format!("the request {what}"))?;
    if asked.method == "CONNECT" {
        return Ok(Outcome::Other("the request opens a tunnel".into()));
    }
    let request = request(asked, &url, heads)?;
    let answered = Message::response(answered.into(), |status| has_no_body(&request.method, status))
        .map_err(|what| format!("the response {what}"))?;
    let response = response(answered, heads)?;
    let is_websocket = response.status == 101;
    let flow = Flow {
        id: String::new(),
        client: None,
        server: None,
        request,
        response: Some(response),
        error: None,
        websocket: None,
    };
    Ok(Outcome::Exchange(Box::new(Exchange { number, is_websocket, comparison: None, query_is_least: false, flow })))
}

fn decode(archived: &mut Entry, place: &str) -> Result<Vec<u8>, String> {
    STANDARD
        .decode(archived.take_text(place)?.unwrap_or_default())
        .map_err(|error| format!("`{place}` is not base64: {error}"))
}

fn request(message: Message, url: &Url<'_>, heads: &mut Heads) -> Result<Request<Content>, String> {
    heads.begin();
    // An absolute-form target is that of a proxy, and the URL has it too.
    let path = match message.target.as_bytes() {
        [b'/', ..] | b"*" => &message.target,
        _ => &url.path,
    };
    Ok(Request {
        ended_at: None,
        method: heads.counted_token(message.method.as_bytes(), "request's method")?,
        scheme: url.scheme.into(),
        host: heads.counted_line(url.host.as_bytes(), "request's host")?,
        port: url.port,
        authority: Bytes::new(),
        path: heads.counted_line(path.as_bytes(), "request's path")?,
        version: message.version,
        fields: fields(message.fields, heads, "request's field")?,
        trailers: fields(message.trailers, heads, "request's trailer")?,
        content: Content::Held(message.body),
        started_at: 0.0,
    })
}

fn response(message: Message, heads: &mut Heads) -> Result<Response<Content>, String> {
    heads.begin();
    Ok(Response {
        ended_at: None,
        pieces: Vec::new(),
        version: message.version,
        status: heads::status(message.status.into())?,
        reason: heads.counted_line(message.reason.as_bytes(), "response's reason")?,
        fields: fields(message.fields, heads, "response's field")?,
        trailers: fields(message.trailers, heads, "response's trailer")?,
        content: Content::Held(message.body),
        started_at: 0.0,
    })
}

/// The fields that concern more than the framing in the archive.
fn fields(found: Fields, heads: &mut Heads, what: &str) -> Result<Fields, Defect> {
    let is_kept = |name: &[u8]| !is_pseudo(name) && !name.eq_ignore_ascii_case(b"transfer-encoding");
    let kept = found.into_iter().filter(|(name, _)| is_kept(name));
    kept.map(|(name, value)| heads.field(&name, &value, what)).collect()
}

#[cfg(test)]
mod tests;
