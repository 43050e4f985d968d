//! Requests and responses of a record: their heads are copied and checked, their bodies only located.

use bytes::{Bytes, BytesMut};
use http::Version;

use super::content::Content;
use super::exchange::{RecordedRequest, RecordedResponse};
use super::tnetstring::{Frame, Kind, Reader, Trouble};

pub(super) fn request(reader: &mut Reader<'_>, heads: &mut Heads, frame: Frame) -> Result<RecordedRequest, Trouble> {
    let parts = Parts::read(reader, frame, "request")?;
    let (fields, pseudo_authority) = fields(reader, heads, parts.fields, "request's field")?;
    let (trailers, _) = self::fields(reader, heads, parts.trailers, "request's trailer")?;
    let Some(method) = parts.method else {
        return Err(Trouble::flaw(frame.start, "the request has no method"));
    };
    let scheme = heads.line(reader, parts.scheme, "request's scheme")?;
    let authority = heads.line(reader, parts.authority, "request's authority")?;
    Ok(RecordedRequest {
        method: heads.token(reader, method, "request's method")?,
        host: heads.line(reader, parts.host, "request's host")?,
        port: port(reader, parts.port, &scheme)?,
        authority: match pseudo_authority {
            Some(pseudo) if authority.is_empty() => pseudo,
            _ => authority,
        },
        path: heads.line(reader, parts.path, "request's path")?,
        version: version(reader, parts.version, "request's version")?,
        content: content(reader, parts.content, "request's content")?,
        started_at: time(reader, parts.started_at, "request's start")?.unwrap_or(0.0),
        scheme,
        fields,
        trailers,
    })
}

/// `asked_at` stands in for a response's start that was not recorded.
pub(super) fn response(
    reader: &mut Reader<'_>,
    heads: &mut Heads,
    frame: Frame,
    asked_at: f64,
) -> Result<RecordedResponse, Trouble> {
    let parts = Parts::read(reader, frame, "response")?;
    let (fields, _) = fields(reader, heads, parts.fields, "response's field")?;
    let (trailers, _) = self::fields(reader, heads, parts.trailers, "response's trailer")?;
    Ok(RecordedResponse {
        version: version(reader, parts.version, "response's version")?,
        status: status(reader, parts.status, frame)?,
        reason: heads.line(reader, parts.reason, "response's reason")?,
        content: content(reader, parts.content, "response's content")?,
        started_at: time(reader, parts.started_at, "response's start")?.unwrap_or(asked_at),
        fields,
        trailers,
    })
}

/// The values of a message under all the names that they have in the versions of the format. Null is as good as missing.
#[derive(Default)]
struct Parts {
    method: Option<Frame>,
    scheme: Option<Frame>,
    host: Option<Frame>,
    port: Option<Frame>,
    authority: Option<Frame>,
    path: Option<Frame>,
    status: Option<Frame>,
    reason: Option<Frame>,
    version: Option<Frame>,
    fields: Option<Frame>,
    content: Option<Frame>,
    trailers: Option<Frame>,
    started_at: Option<Frame>,
}

impl Parts {
    fn read(reader: &mut Reader<'_>, frame: Frame, what: &str) -> Result<Self, Trouble> {
        let mut parts = Self::default();
        let mut dict = reader.inside(frame, Kind::Dict, what)?;
        while let Some((key, value)) = reader.entry(&mut dict)? {
            let slot = match reader.string(key, "key")? {
                b"method" => &mut parts.method,
                b"scheme" => &mut parts.scheme,
                b"host" => &mut parts.host,
                b"port" => &mut parts.port,
                b"authority" => &mut parts.authority,
                b"path" => &mut parts.path,
                b"status_code" | b"code" => &mut parts.status,
                b"reason" | b"msg" => &mut parts.reason,
                b"http_version" | b"httpversion" => &mut parts.version,
                b"headers" => &mut parts.fields,
                b"content" | b"body" => &mut parts.content,
                b"trailers" => &mut parts.trailers,
                b"timestamp_start" => &mut parts.started_at,
                _ => continue,
            };
            *slot = value.present();
        }
        Ok(parts)
    }
}

type Fields = Vec<(Bytes, Bytes)>;

/// The fields of a head, without pseudo fields, and the `:authority` that was among those.
fn fields(
    reader: &mut Reader<'_>,
    heads: &mut Heads,
    frame: Option<Frame>,
    what: &str,
) -> Result<(Fields, Option<Bytes>), Trouble> {
    let (mut fields, mut authority) = (Vec::new(), None);
    let Some(frame) = frame else {
        return Ok((fields, authority));
    };
    let mut list = reader.inside(frame, Kind::List, what)?;
    while let Some(pair) = reader.item(&mut list)? {
        let mut pair_items = reader.inside(pair, Kind::List, what)?;
        let name = reader.item(&mut pair_items)?;
        let value = reader.item(&mut pair_items)?;
        let (Some(name), Some(value)) = (name, value) else {
            return Err(Trouble::flaw(pair.start, format!("the {what} is not a name and a value")));
        };
        // Recorders up to version 7 keep the pseudo fields of HTTP/2, and converted HAR files have them even in HTTP/1.1.
        match reader.string(name, what)? {
            b":authority" => authority = Some(heads.line(reader, Some(value), what)?),
            b":method" | b":scheme" | b":path" | b":protocol" | b":status" => {}
            _ => {
                heads.spend(FIELD_OVERHEAD, name)?;
                fields.push((heads.token(reader, name, what)?, heads.line(reader, Some(value), what)?));
            }
        }
    }
    Ok((fields, authority))
}

fn port(reader: &mut Reader<'_>, frame: Option<Frame>, scheme: &[u8]) -> Result<u16, Trouble> {
    let Some(frame) = frame else {
        return Ok(if scheme == b"https" { 443 } else { 80 });
    };
    let port = reader.integer(frame, "request's port")?;
    u16::try_from(port).map_err(|_| {
        let what = format!("the request's port should be within 0 to 65535, found `{port}`");
        Trouble::flaw(frame.start, what)
    })
}

fn status(reader: &mut Reader<'_>, frame: Option<Frame>, response: Frame) -> Result<u16, Trouble> {
    let Some(frame) = frame else {
        return Err(Trouble::flaw(response.start, "the response has no status"));
    };
    let status = reader.integer(frame, "response's status")?;
    match u16::try_from(status) {
        Ok(status @ 100..=999) => Ok(status),
        _ => {
            let what = format!("the response's status should be within 100 to 999, found `{status}`");
            Err(Trouble::flaw(frame.start, what))
        }
    }
}

/// `HTTP/1.1`, or `[1, 1]` in versions before 0.14. Anything unheard of is taken for HTTP/1.1, which it is replayed as.
fn version(reader: &mut Reader<'_>, frame: Option<Frame>, what: &str) -> Result<Version, Trouble> {
    let Some(frame) = frame else {
        return Ok(Version::HTTP_11);
    };
    if frame.kind == Kind::List {
        let mut list = reader.inside(frame, Kind::List, what)?;
        let major = match reader.item(&mut list)? {
            Some(item) => reader.integer(item, what)?,
            None => 1,
        };
        let minor = match reader.item(&mut list)? {
            Some(item) => reader.integer(item, what)?,
            None => 0,
        };
        return Ok(match (major, minor) {
            (0, 9) => Version::HTTP_09,
            (1, 0) => Version::HTTP_10,
            (2, _) => Version::HTTP_2,
            _ => Version::HTTP_11,
        });
    }
    Ok(match reader.string(frame, what)? {
        b"HTTP/0.9" => Version::HTTP_09,
        b"HTTP/1.0" => Version::HTTP_10,
        b"HTTP/2.0" | b"HTTP/2" => Version::HTTP_2,
        b"HTTP/3" | b"HTTP/3.0" => Version::HTTP_3,
        _ => Version::HTTP_11,
    })
}

/// Missing or null if it was not stored; versions up to 0.13 can also have the integer 0 then.
fn content(reader: &mut Reader<'_>, frame: Option<Frame>, what: &str) -> Result<Content, Trouble> {
    let Some(frame) = frame else {
        return Ok(Content::NotRecorded);
    };
    match frame.kind {
        Kind::Bytes | Kind::Text => Ok(Content::Stored(frame.into())),
        _ => match reader.integer(frame, what)? {
            0 => Ok(Content::NotRecorded),
            _ => Err(Trouble::flaw(frame.start, format!("the {what} is a number"))),
        },
    }
}

/// Seconds since the epoch. What no clock shows counts as missing, so that arithmetic on times stays sane.
fn time(reader: &mut Reader<'_>, frame: Option<Frame>, what: &str) -> Result<Option<f64>, Trouble> {
    let Some(frame) = frame else {
        return Ok(None);
    };
    let seconds = reader.float(frame, what)?;
    Ok((0.0..END_OF_YEAR_9999).contains(&seconds).then_some(seconds))
}

/// Keeps the pieces of heads, many in one allocation, and bounds the size of each head.
pub(super) struct Heads {
    block: BytesMut,
    /// What the current head may still take.
    left: u64,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self { block: BytesMut::with_capacity(BLOCK), left: 0 }
    }

    /// Starts the next head.
    pub(super) fn begin(&mut self) {
        self.left = HEAD_LIMIT;
    }

    /// A piece of a head line or a field value; empty if it is missing.
    fn line(&mut self, reader: &mut Reader<'_>, frame: Option<Frame>, what: &str) -> Result<Bytes, Trouble> {
        match frame {
            Some(frame) => self.keep(reader, frame, what, is_text),
            None => Ok(Bytes::new()),
        }
    }

    /// A method or a field name.
    fn token(&mut self, reader: &mut Reader<'_>, frame: Frame, what: &str) -> Result<Bytes, Trouble> {
        if frame.len == 0 {
            return Err(Trouble::flaw(frame.start, format!("the {what} has no name")));
        }
        self.keep(reader, frame, what, is_token)
    }

    fn keep(
        &mut self,
        reader: &mut Reader<'_>,
        frame: Frame,
        what: &str,
        is_allowed: fn(u8) -> bool,
    ) -> Result<Bytes, Trouble> {
        self.spend(frame.len, frame)?;
        let piece = reader.string(frame, what)?;
        if let Some(at) = piece.iter().position(|byte| !is_allowed(*byte)) {
            let found = piece[at].escape_ascii();
            let offset = frame.start + at as u64;
            return Err(Trouble::flaw(offset, format!("the {what} has a `{found}` in it")));
        }
        self.block.extend_from_slice(piece);
        Ok(self.block.split().freeze())
    }

    fn spend(&mut self, len: u64, frame: Frame) -> Result<(), Trouble> {
        match self.left.checked_sub(len) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let what = format!("the head is larger than {HEAD_LIMIT} bytes");
                Err(Trouble::flaw(frame.start, what))
            }
        }
    }
}

/// What RFC 9110, section 5.5 lets stand in a field value: nothing that ends a line, and no other control character.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Room for the heads of some dozens of exchanges.
const BLOCK: usize = 64 * 1024;
/// Larger than what servers and clients accept, and few enough fields for any header map.
const HEAD_LIMIT: u64 = 512 * 1024;
/// What a field costs besides its bytes, counted as in RFC 9113, section 6.5.2.
const FIELD_OVERHEAD: u64 = 32;
const END_OF_YEAR_9999: f64 = 253_402_300_800.0;

#[cfg(test)]
mod tests;
