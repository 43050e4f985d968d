//! Flows such as pass through the proxy: every head is one that HTTP allows, and everything else is arbitrary.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Version;
use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use recording::{Failure, Fields, Flow, Message, Piece, Request, Response, Source, WebSocket};

/// A flow that is to be written.
#[derive(Debug)]
pub struct AnyFlow(pub Flow<Source>);

impl<'a> Arbitrary<'a> for AnyFlow {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let websocket = if input.ratio(1, 4)? { Some(websocket(input)?) } else { None };
        Ok(Self(Flow {
            id: input.arbitrary()?,
            client: address(input)?,
            server: address(input)?,
            request: request(input)?,
            response: if input.ratio(7, 8)? { Some(response(input)?) } else { None },
            error: if input.ratio(1, 8)? {
                Some(Failure { reason: reason(input)? + ".", at: Some(time(input)?) })
            } else {
                None
            },
            websocket,
        }))
    }
}

/// The name of the plain flow.
pub const ID: &str = "6fe4a1a4-0d3c-4c4e-9d0b-000000000000";

/// `GET http://a.example/`, answered with `hello`.
pub fn plain() -> Flow<Source> {
    Flow {
        id: ID.into(),
        client: None,
        server: None,
        request: Request {
            method: "GET".into(),
            scheme: "http".into(),
            host: "a.example".into(),
            port: 80,
            authority: Bytes::new(),
            path: "/".into(),
            version: Version::HTTP_11,
            fields: Fields::new(),
            content: Source::Bytes(Bytes::new()),
            trailers: Fields::new(),
            started_at: 1_700_000_000.0,
            ended_at: None,
        },
        response: Some(Response {
            version: Version::HTTP_11,
            status: 200,
            reason: "OK".into(),
            fields: Fields::new(),
            content: Source::Bytes("hello".into()),
            trailers: Fields::new(),
            started_at: 1_700_000_001.0,
            ended_at: None,
            pieces: Vec::new(),
        }),
        error: None,
        websocket: None,
    }
}

fn request(input: &mut Unstructured<'_>) -> Result<Request<Source>> {
    let methods = ["GET", "HEAD", "POST", "get", "OPTIONS", "M-SEARCH"];
    let method = Bytes::from(*input.choose(&methods)?);
    let version = version(input)?;
    Ok(Request {
        method,
        scheme: Bytes::from(*input.choose(&["http", "https"])?),
        host: Bytes::from(*input.choose(&["a.example", "A.example", "::1", "192.0.2.1", "caf\u{e9}"])?),
        port: *input.choose(&[80, 443, 8080, 0, 65535])?,
        authority: if version >= Version::HTTP_2 { "b.example:81".into() } else { Bytes::new() },
        path: path(input)?,
        version,
        fields: fields(input)?,
        content: content(input)?,
        trailers: if input.ratio(1, 8)? { fields(input)? } else { Fields::new() },
        started_at: time(input)?,
        ended_at: if input.arbitrary()? { Some(time(input)?) } else { None },
    })
}

fn response(input: &mut Unstructured<'_>) -> Result<Response<Source>> {
    let statuses = [200, 204, 304, 302, 101, 100, 404, 999];
    let content = content(input)?;
    Ok(Response {
        version: version(input)?,
        status: *input.choose(&statuses)?,
        reason: value(input)?,
        fields: fields(input)?,
        pieces: pieces(&content, input)?,
        content,
        trailers: if input.ratio(1, 8)? { fields(input)? } else { Fields::new() },
        started_at: time(input)?,
        ended_at: if input.arbitrary()? { Some(time(input)?) } else { None },
    })
}

fn websocket(input: &mut Unstructured<'_>) -> Result<WebSocket<Source>> {
    let mut messages = Vec::new();
    for _ in 0..input.int_in_range(0..=4)? {
        messages.push(Message {
            is_text: input.arbitrary()?,
            from_client: input.arbitrary()?,
            content: content(input)?,
            at: time(input)?,
        });
    }
    Ok(WebSocket {
        messages,
        closed_by_client: input.arbitrary()?,
        close_code: input.arbitrary()?,
        close_reason: if input.arbitrary()? { Some(reason(input)?) } else { None },
        ended_at: if input.arbitrary()? { Some(time(input)?) } else { None },
    })
}

/// A frame has room for no longer one.
fn reason(input: &mut Unstructured<'_>) -> Result<String> {
    Ok(input.arbitrary::<&str>()?.chars().take(123).collect())
}

fn address(input: &mut Unstructured<'_>) -> Result<Option<SocketAddr>> {
    input.arbitrary::<Option<(std::net::IpAddr, u16)>>().map(|address| address.map(SocketAddr::from))
}

fn version(input: &mut Unstructured<'_>) -> Result<Version> {
    input.choose(&[Version::HTTP_11, Version::HTTP_2, Version::HTTP_10, Version::HTTP_09, Version::HTTP_3]).copied()
}

/// What a clock of today may show.
fn time(input: &mut Unstructured<'_>) -> Result<f64> {
    Ok(f64::from(input.arbitrary::<u32>()?) + f64::from(input.int_in_range(0..=999_999)?) / 1e6)
}

fn path(input: &mut Unstructured<'_>) -> Result<Bytes> {
    let bytes: &[u8] = input.arbitrary()?;
    let visible = |byte: &u8| matches!(byte, 0x21..=0x7e | 0x80..);
    Ok(std::iter::once(b'/').chain(bytes.iter().copied().filter(visible)).collect())
}

fn fields(input: &mut Unstructured<'_>) -> Result<Fields> {
    let names = [
        "Host",
        "content-type",
        "Content-Encoding",
        "content-length",
        "Transfer-Encoding",
        "set-cookie",
        "Cookie",
        "location",
        "trailer",
        "X-a",
    ];
    let values = [
        "text/plain; charset=utf-8",
        "text/html;charset=latin1",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=\"a\"",
        "gzip",
        "deflate",
        "br",
        "chunked",
        "3",
    ];
    let mut fields = Fields::new();
    for _ in 0..input.int_in_range(0..=6)? {
        let name = Bytes::from(*input.choose(&names)?);
        let value = if input.arbitrary()? { Bytes::from(*input.choose(&values)?) } else { value(input)? };
        fields.push(name, value);
    }
    Ok(fields)
}

/// A field value as hyper takes it off the wire.
fn value(input: &mut Unstructured<'_>) -> Result<Bytes> {
    let bytes: &[u8] = input.arbitrary()?;
    let allowed = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    let value: Vec<u8> = bytes.iter().copied().filter(allowed).collect();
    Ok(Bytes::copy_from_slice(value.trim_ascii()))
}

fn content(input: &mut Unstructured<'_>) -> Result<Source> {
    let kinds = input.int_in_range(0..=9)?;
    let bytes: &[u8] = input.arbitrary()?;
    Ok(match kinds {
        0 => Source::NotRecorded,
        1 => Source::Bytes(packed(bytes)),
        2 => Source::Bytes(String::from_utf8_lossy(bytes).into_owned().into()),
        _ => Source::Bytes(Bytes::copy_from_slice(bytes)),
    })
}

fn packed(bytes: &[u8]) -> Bytes {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}

/// The pieces in which the content came: two, with any times in order.
fn pieces(content: &Source, input: &mut Unstructured<'_>) -> Result<Vec<Piece>> {
    let Source::Bytes(bytes) = content else { return Ok(Vec::new()) };
    let len = bytes.len() as u64;
    if len < 2 || input.arbitrary()? {
        return Ok(Vec::new());
    }
    let first = input.int_in_range(1..=len - 1)?;
    let (start, wait) = (input.arbitrary::<u32>()?.into(), u64::from(input.arbitrary::<u32>()?));
    Ok(vec![Piece { len: first, after_micros: start }, Piece { len: len - first, after_micros: start + wait }])
}
