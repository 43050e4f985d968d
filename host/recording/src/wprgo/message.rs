//! A message as it was on a connection of HTTP/1.

use bytes::Bytes;
use http::Version;
use httparse::{Header, Status};

use super::chunked;
use crate::model::Fields;

/// The parts of a message. Those of the other kind are empty.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) version: Version,
    pub(super) fields: Fields,
    /// Without its transfer coding.
    pub(super) body: Bytes,
    pub(super) trailers: Fields,
}

/// What says where a body ends.
enum Framing {
    Empty,
    Chunked,
    Length(u64),
    UntilTheEnd,
}

impl Message {
    pub(super) fn request(bytes: Bytes) -> Result<Self, String> {
        let mut headers = vec![httparse::EMPTY_HEADER; FIELDS_LIMIT];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(&bytes).map_err(|error| format!("is malformed: {error}"))?;
        let Status::Complete(head) = status else {
            return Err("has no whole head".into());
        };
        let mut message = Self {
            method: parsed.method.unwrap_or_default().into(),
            target: parsed.path.unwrap_or_default().into(),
            status: 0,
            reason: String::new(),
            version: if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 },
            fields: kept(&bytes, parsed.headers),
            body: Bytes::new(),
            trailers: Fields::new(),
        };
        message.take_body(bytes.slice(head..), Framing::Empty)?;
        Ok(message)
    }

    /// `has_no_body` says so by the status.
    pub(super) fn response(bytes: Bytes, has_no_body: impl Fn(u16) -> bool) -> Result<Self, String> {
        let (bytes, version) = as_http1(bytes);
        let mut headers = vec![httparse::EMPTY_HEADER; FIELDS_LIMIT];
        let mut parsed = httparse::Response::new(&mut headers);
        let status = parsed.parse(&bytes).map_err(|error| format!("is malformed: {error}"))?;
        let Status::Complete(head) = status else {
            return Err("has no whole head".into());
        };
        let minor = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut message = Self {
            method: String::new(),
            target: String::new(),
            status: parsed.code.unwrap_or_default(),
            reason: parsed.reason.unwrap_or_default().into(),
            version: version.unwrap_or(minor),
            fields: kept(&bytes, parsed.headers),
            body: Bytes::new(),
            trailers: Fields::new(),
        };
        if version.is_some() {
            // HTTP/2 has none, but Go writes its own.
            message.reason.clear();
        }
        if !has_no_body(message.status) && message.status >= 200 {
            message.take_body(bytes.slice(head..), Framing::UntilTheEnd)?;
        }
        Ok(message)
    }

    /// Takes the body out of what follows the head. `otherwise` is where it ends if no field says so.
    fn take_body(&mut self, rest: Bytes, otherwise: Framing) -> Result<(), String> {
        match self.framing(otherwise)? {
            Framing::Empty => {}
            Framing::UntilTheEnd => self.body = rest,
            Framing::Length(len) => {
                let have = rest.len();
                let len = usize::try_from(len).ok().filter(|len| *len <= have);
                let len = len.ok_or_else(|| format!("has a body of {have} bytes, and more are announced"))?;
                self.body = rest.slice(..len);
            }
            Framing::Chunked => {
                let (body, trailers) =
                    chunked::decode(&rest).map_err(|what| format!("has a chunked body that {what}"))?;
                self.body = body.into();
                self.trailers = trailers;
            }
        }
        Ok(())
    }

    /// RFC 9112, section 6.3.
    fn framing(&self, otherwise: Framing) -> Result<Framing, String> {
        if let Some(coding) = self.fields.lines("transfer-encoding").last() {
            let last = coding.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
            return if last.eq_ignore_ascii_case(b"chunked") {
                Ok(Framing::Chunked)
            } else {
                Err(format!("has the transfer coding `{}`, and only `chunked` is read", last.escape_ascii()))
            };
        }
        let Some(length) = self.fields.get("content-length") else { return Ok(otherwise) };
        let number = str::from_utf8(length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        match number.and_then(|text| text.parse().ok()) {
            Some(length) => Ok(Framing::Length(length)),
            None => Err(format!("has a `Content-Length` that is none: `{}`", length.escape_ascii())),
        }
    }
}

/// Go writes responses of HTTP/2 as if they were of HTTP/1.
fn as_http1(bytes: Bytes) -> (Bytes, Option<Version>) {
    match bytes.strip_prefix(b"HTTP/2.0") {
        Some(rest) => ([&b"HTTP/1.1"[..], rest].concat().into(), Some(Version::HTTP_2)),
        None => (bytes, None),
    }
}

/// The fields, which share the memory of the message.
pub(super) fn kept(bytes: &Bytes, headers: &[Header<'_>]) -> Fields {
    let kept = |header: &Header<'_>| (bytes.slice_ref(header.name.as_bytes()), bytes.slice_ref(header.value));
    headers.iter().map(kept).collect()
}

/// More fields than any server takes.
pub(super) const FIELDS_LIMIT: usize = 1024;
