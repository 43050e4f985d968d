//! A flow as a record of version 21 of mitmproxy's flow files.
//!
//! mitmproxy reads strictly: every key of a flow, a connection and a message must be there, and no other. What is not known
//! about the connections is null where it may be.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use http::Version;

use crate::{
    flow_file::RESPONSE_PIECES,
    model::{Fields, Flow, Message, Request, Response, Source, WebSocket},
    writers::pieces::noted_pieces,
};

mod value;

use value::Value;

/// Writes a flow as one record. Its head is made in memory, and contents in files are copied without being held.
///
/// # Errors
/// When `out` fails, or a file that content is copied out of. What was written until then is part of a record.
pub fn write<W: Write>(flow: &Flow<Source>, out: &mut W) -> io::Result<()> {
    self::flow(flow).write(out)
}

fn flow(flow: &Flow<Source>) -> Value<'_> {
    Value::dict(vec![
        ("version", Value::integer(FORMAT_VERSION)),
        ("type", Value::text("http")),
        ("id", Value::text(&flow.id)),
        ("error", error(flow)),
        ("client_conn", client(flow)),
        ("server_conn", server(flow)),
        ("intercepted", Value::boolean(false)),
        ("is_replay", Value::null()),
        ("marked", Value::text("")),
        ("metadata", metadata(flow.response.as_ref())),
        ("comment", Value::text("")),
        ("timestamp_created", Value::float(flow.request.started_at)),
        ("backup", Value::null()),
        ("request", request(&flow.request)),
        ("response", Value::or_null(flow.response.as_ref(), response)),
        ("websocket", Value::or_null(flow.websocket.as_ref(), websocket)),
    ])
}

/// The time must be there, so one that is not known is that of what was last heard.
fn error(flow: &Flow<Source>) -> Value<'_> {
    let heard_at = flow.response.as_ref().map_or(flow.request.started_at, |response| response.started_at);
    Value::or_null(flow.error.as_ref(), |failure| {
        let at = failure.at.unwrap_or(heard_at);
        Value::dict(vec![("msg", Value::text(&failure.reason)), ("timestamp", Value::float(at))])
    })
}

fn client(flow: &Flow<Source>) -> Value<'_> {
    let unknown = || Value::list(vec![Value::text(""), Value::integer(0_u64)]);
    let mut entries = connection(flow, "client");
    entries.extend([
        // These must be there, and mitmproxy itself writes them like this if it does not know them.
        ("peername", flow.client.map_or_else(unknown, address)),
        ("sockname", unknown()),
        ("timestamp_start", Value::float(flow.request.started_at)),
        ("mitmcert", Value::null()),
        ("proxy_mode", Value::text("regular")),
    ]);
    Value::dict(entries)
}

fn server(flow: &Flow<Source>) -> Value<'_> {
    let target = vec![text(&flow.request.host), Value::integer(flow.request.port)];
    let mut entries = connection(flow, "server");
    entries.extend([
        ("address", Value::list(target)),
        ("peername", Value::or_null(flow.server, address)),
        ("sockname", Value::null()),
        ("timestamp_start", Value::null()),
        ("timestamp_tcp_setup", Value::null()),
        ("via", Value::null()),
    ]);
    Value::dict(entries)
}

/// What both connections have.
fn connection<'a>(flow: &'a Flow<Source>, side: &str) -> Vec<(&'a str, Value<'a>)> {
    vec![
        ("id", Value::owned_text(format!("{}-{side}", flow.id))),
        ("transport_protocol", Value::text("tcp")),
        ("error", Value::null()),
        ("tls", Value::boolean(flow.request.scheme.eq_ignore_ascii_case(b"https"))),
        ("certificate_list", Value::list(vec![])),
        ("alpn", Value::null()),
        ("alpn_offers", Value::list(vec![])),
        ("cipher", Value::null()),
        ("cipher_list", Value::list(vec![])),
        ("tls_version", Value::null()),
        ("sni", Value::null()),
        ("timestamp_end", Value::null()),
        ("timestamp_tls_setup", Value::null()),
    ]
}

/// Python has an address of IPv6 with its flow label and its scope.
fn address<'a>(address: SocketAddr) -> Value<'a> {
    let mut parts = vec![Value::owned_text(address.ip().to_string()), Value::integer(address.port())];
    if let SocketAddr::V6(address) = address {
        parts.extend([Value::integer(address.flowinfo()), Value::integer(address.scope_id())]);
    }
    Value::list(parts)
}

fn request(request: &Request<Source>) -> Value<'_> {
    Value::dict(vec![
        ("http_version", version(request.version)),
        ("headers", fields(&request.fields)),
        ("content", content(&request.content)),
        ("trailers", trailers(&request.trailers)),
        ("timestamp_start", Value::float(request.started_at)),
        ("timestamp_end", Value::or_null(request.ended_at, Value::float)),
        ("host", text(&request.host)),
        ("port", Value::integer(request.port)),
        ("method", Value::bytes(&request.method)),
        ("scheme", Value::bytes(&request.scheme)),
        ("authority", Value::bytes(&request.authority)),
        ("path", Value::bytes(&request.path)),
    ])
}

fn response(response: &Response<Source>) -> Value<'_> {
    Value::dict(vec![
        ("http_version", version(response.version)),
        ("headers", fields(&response.fields)),
        ("content", content(&response.content)),
        ("trailers", trailers(&response.trailers)),
        ("timestamp_start", Value::float(response.started_at)),
        ("timestamp_end", Value::or_null(response.ended_at, Value::float)),
        ("status_code", Value::integer(response.status)),
        ("reason", Value::bytes(&response.reason)),
    ])
}

fn version<'a>(version: Version) -> Value<'a> {
    Value::bytes(match version {
        Version::HTTP_09 => b"HTTP/0.9",
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        Version::HTTP_3 => b"HTTP/3",
        _ => b"HTTP/1.1",
    })
}

fn fields(fields: &Fields) -> Value<'_> {
    let pairs = fields.iter().map(|(name, value)| Value::list(vec![Value::bytes(name), Value::bytes(value)]));
    Value::list(pairs.collect())
}

fn trailers(trailers: &Fields) -> Value<'_> {
    if trailers.is_empty() { Value::null() } else { fields(trailers) }
}

fn content(content: &Source) -> Value<'_> {
    match content {
        Source::NotRecorded => Value::null(),
        Source::Bytes(bytes) => Value::bytes(bytes),
        Source::File { file, offset, len } => Value::stored(file, *offset, *len),
        Source::Quoted { file, string } => Value::quoted(file, string),
    }
}

/// Hosts are text. Those that are not never came from a URL.
fn text(bytes: &[u8]) -> Value<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::text(text),
        Err(_) => Value::owned_text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn metadata(response: Option<&Response<Source>>) -> Value<'_> {
    let pieces = response.map_or(&[][..], noted_pieces);
    let numbers = || pieces.iter().flat_map(|piece| [piece.len, piece.after_micros]);
    let entry = (!pieces.is_empty()).then(|| (RESPONSE_PIECES, Value::integers(numbers())));
    Value::dict(entry.into_iter().collect())
}

fn websocket(websocket: &WebSocket<Source>) -> Value<'_> {
    Value::dict(vec![
        ("messages", Value::list(websocket.messages.iter().map(message).collect())),
        ("closed_by_client", Value::or_null(websocket.closed_by_client, Value::boolean)),
        ("close_code", Value::or_null(websocket.close_code, Value::integer)),
        ("close_reason", Value::or_null(websocket.close_reason.as_deref(), Value::text)),
        ("timestamp_end", Value::or_null(websocket.ended_at, Value::float)),
    ])
}

fn message(message: &Message<Source>) -> Value<'_> {
    let opcode: u64 = if message.is_text { 1 } else { 2 };
    Value::list(vec![
        Value::integer(opcode),
        Value::boolean(message.from_client),
        content(&message.content),
        Value::float(message.at),
        // Neither dropped nor injected.
        Value::boolean(false),
        Value::boolean(false),
    ])
}

/// How every flow starts, after its length.
pub(crate) const FIRST_KEY: &[u8; 10] = b"7:version;";

const FORMAT_VERSION: u64 = 21;

#[cfg(test)]
mod tests;
