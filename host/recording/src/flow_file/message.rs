//! Requests and responses of a record: their heads are copied and checked, their bodies only located.

use bytes::Bytes;
use http::Version;

use super::tnetstring::{Frame, Kind, Reader, Trouble};
use crate::{
    model::{Content, Fields, Request, Response},
    reading::heads::{self, Defect, FIELD_OVERHEAD, Heads, is_pseudo},
};

pub(super) fn request(reader: &mut Reader<'_>, heads: &mut Heads, frame: Frame) -> Result<Request<Content>, Trouble> {
    let parts = Parts::read(reader, frame, "request")?;
    let (fields, pseudo_authority) = fields(reader, heads, parts.fields, "request's field")?;
    let (trailers, _) = self::fields(reader, heads, parts.trailers, "request's trailer")?;
    let Some(method) = parts.method else {
        return Err(Trouble::flaw(frame.start, "the request has no method"));
    };
    let scheme = line(reader, heads, parts.scheme, "request's scheme")?;
    let authority = line(reader, heads, parts.authority, "request's authority")?;
    Ok(Request {
        method: token(reader, heads, method, "request's method")?,
        host: line(reader, heads, parts.host, "request's host")?,
        port: port(reader, parts.port, &scheme)?,
        authority: match pseudo_authority {
            Some(pseudo) if authority.is_empty() => pseudo,
            _ => authority,
        },
        path: line(reader, heads, parts.path, "request's path")?,
        version: version(reader, parts.version, "request's version")?,
        content: content(reader, parts.content, "request's content")?,
        started_at: time(reader, parts.started_at, "request's start")?.unwrap_or(0.0),
        ended_at: end(reader, parts.ended_at)?,
        scheme,
        fields,
        trailers,
    })
}

/// The pieces of its body are not in the message. `asked_at` stands in for a response's start that was not recorded.
pub(super) fn response(
    reader: &mut Reader<'_>,
    heads: &mut Heads,
    frame: Frame,
    asked_at: f64,
) -> Result<Response<Content>, Trouble> {
    let parts = Parts::read(reader, frame, "response")?;
    let (fields, _) = fields(reader, heads, parts.fields, "response's field")?;
    let (trailers, _) = self::fields(reader, heads, parts.trailers, "response's trailer")?;
    Ok(Response {
        version: version(reader, parts.version, "response's version")?,
        status: status(reader, parts.status, frame)?,
        reason: line(reader, heads, parts.reason, "response's reason")?,
        content: content(reader, parts.content, "response's content")?,
        started_at: time(reader, parts.started_at, "response's start")?.unwrap_or(asked_at),
        ended_at: end(reader, parts.ended_at)?,
        pieces: Vec::new(),
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
    ended_at: Option<Frame>,
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
                b"timestamp_end" => &mut parts.ended_at,
                _ => continue,
            };
            *slot = value.present();
        }
        Ok(parts)
    }
}

/// The fields of a head, without pseudo fields, and the `:authority` that was among those.
fn fields(
    reader: &mut Reader<'_>,
    heads: &mut Heads,
    frame: Option<Frame>,
    what: &str,
) -> Result<(Fields, Option<Bytes>), Trouble> {
    let (mut fields, mut authority) = (Fields::new(), None);
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
        match reader.string(name, what)? {
            b":authority" => authority = Some(line(reader, heads, Some(value), what)?),
            name if is_pseudo(name) => {}
            _ => {
                let flaw = |defect: Defect| Trouble::flaw(value.start, defect.what);
                heads.spend(FIELD_OVERHEAD).map_err(flaw)?;
                let name = token(reader, heads, name, what)?;
                // mitmproxy keeps them joined when it reads a HAR file that has them so.
                if reader.string(value, what)?.contains(&b'\n') {
                    for line in heads::lines(reader.string(value, what)?) {
                        heads.spend(FIELD_OVERHEAD + line.len() as u64).map_err(flaw)?;
                        fields.push(name.clone(), heads.line(&line, what).map_err(flaw)?);
                    }
                } else {
                    fields.push(name, line(reader, heads, Some(value), what)?);
                }
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
    heads::status(status).map_err(|defect| Trouble::flaw(frame.start, defect.what))
}

/// `HTTP/1.1`, or `[1, 1]` in versions before 0.14.
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
    Ok(heads::version(reader.string(frame, what)?))
}

/// Missing or null if it was not stored; versions up to 0.13 can also have the integer 0 then.
pub(super) fn content(reader: &mut Reader<'_>, frame: Option<Frame>, what: &str) -> Result<Content, Trouble> {
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

pub(super) fn time(reader: &mut Reader<'_>, frame: Option<Frame>, what: &str) -> Result<Option<f64>, Trouble> {
    match frame {
        Some(frame) => Ok(heads::time(reader.float(frame, what)?)),
        None => Ok(None),
    }
}

/// Nothing depends on when a message ended, so an end that is none counts as missing.
fn end(reader: &mut Reader<'_>, frame: Option<Frame>) -> Result<Option<f64>, Trouble> {
    time(reader, frame, "message's end").or_else(Trouble::without_flaw)
}

/// A piece of a head line or a field value; empty if it is missing.
fn line(reader: &mut Reader<'_>, heads: &mut Heads, frame: Option<Frame>, what: &str) -> Result<Bytes, Trouble> {
    match frame {
        Some(frame) => keep(reader, heads, frame, what, Heads::line),
        None => Ok(Bytes::new()),
    }
}

/// A method or a field name.
fn token(reader: &mut Reader<'_>, heads: &mut Heads, frame: Frame, what: &str) -> Result<Bytes, Trouble> {
    keep(reader, heads, frame, what, Heads::token)
}

fn keep(
    reader: &mut Reader<'_>,
    heads: &mut Heads,
    frame: Frame,
    what: &str,
    checked: fn(&mut Heads, &[u8], &str) -> Result<Bytes, Defect>,
) -> Result<Bytes, Trouble> {
    let flaw = |defect: Defect| Trouble::flaw(frame.start + defect.at as u64, defect.what);
    heads.spend(frame.len).map_err(flaw)?;
    checked(heads, reader.string(frame, what)?, what).map_err(flaw)
}

#[cfg(test)]
mod tests;
