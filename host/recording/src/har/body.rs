//! The bodies of an entry.
//!
//! Browsers keep bodies as they show them: decoded, and as text in Unicode. So the fields that speak of another form are
//! made true to the body, but for `Content-Length`, which is made true when a message is sent.
//!
//! A body of which the file has nothing, or only the start, is not recorded: it is neither empty nor whole.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use serde_json::Value;

use super::{
    attached::Attached,
    extra::Extra,
    form, kind,
    loss::{self, Told},
    polly,
};
use crate::{
    document::{Entry, Text},
    json_string::single_byte,
    media_type::parameter,
    model::{Content, Fields, has_no_body},
    reading::body::{Body, Form},
};

/// The body of the request with `fields`.
pub(super) fn of_request(
    entry: &mut Entry,
    fields: &Fields,
    extra: Option<&Extra>,
    attached: &mut Attached,
) -> Result<Body, String> {
    let place = "request.postData";
    let size = entry.size("request.bodySize")?;
    let has_text = entry.text(&format!("{place}.text"))?.is_some();
    if let Some(body) = written(entry, place, size, telling(fields, extra), attached)? {
        return Ok(body);
    }
    if let Some(body) = own(entry, "request", telling(fields, extra), attached)? {
        return Ok(body);
    }
    let params = entry.list(&format!("{place}.params"))?;
    if !params.is_empty() {
        let kind = kind::named(entry, fields)?;
        let place = format!("{place}.params");
        return match kind::known(&kind) {
            Some(kind::MULTIPART) => {
                form::multipart(params, parameter(&kind, "boundary").and_then(|range| kind.get(range)), &place)
            }
            Some(kind::JSON) => form::json(params, &place),
            _ => form::urlencoded(params, size.or_else(|| content_length(fields)), &place),
        };
    }
    let is_empty = match size.or_else(|| content_length(fields)) {
        Some(size) => size == 0,
        None => has_text || !loss::may_have_body(entry, fields)?,
    };
    let is_lost = loss::is_told(entry, place)? || loss::is_discarded(entry, "request")?;
    Ok(if is_empty && !is_lost { Body::empty() } else { Body::not_recorded() })
}

/// The body of the response with `status` and `fields` to a request with `method`.
pub(super) fn of_response(
    entry: &mut Entry,
    method: &[u8],
    status: u16,
    fields: &Fields,
    extra: Option<&Extra>,
    attached: &mut Attached,
) -> Result<Body, String> {
    let place = "response.content";
    let size = entry.size(&format!("{place}.size"))?;
    if has_no_body(method, status) {
        // A browser shows what its cache has, which answers whoever has it not.
        let is_cached = status == 304 && extra.is_none() && !method.eq_ignore_ascii_case(b"HEAD");
        let cached = if is_cached { written(entry, place, size, telling(fields, extra), attached)? } else { None };
        return Ok(cached.unwrap_or_else(Body::empty));
    }
    let has_text = entry.text(&format!("{place}.text"))?.is_some();
    if let Some(body) = written(entry, place, size, telling(fields, extra), attached)? {
        return Ok(body);
    }
    if let Some(body) = own(entry, "response", telling(fields, extra), attached)? {
        return Ok(body);
    }
    // This program marks what it does not have.
    if extra.is_some() {
        return Ok(Body::empty());
    }
    // Browsers forget the body of a redirect at once, and nobody reads it.
    if matches!(status, 300..=399) && fields.get("location").is_some() {
        return Ok(Body::empty());
    }
    let was_sent = entry.size("response.bodySize")?.unwrap_or(0) > 0;
    let is_empty = match size {
        Some(0) => has_text || !was_sent,
        Some(_) => false,
        None => has_text && !was_sent,
    };
    let is_lost = loss::is_told(entry, place)? || loss::is_discarded(entry, "response")?;
    // A coded body may be longer than what it means; any other would have been there.
    let was_empty = fields.get("content-encoding").is_some() || content_length(fields).unwrap_or(0) == 0;
    Ok(if is_empty && was_empty && !is_lost { Body::empty() } else { Body::not_recorded() })
}

/// The body in a member of the recorder's own, such as that in which HTTP Toolkit has requests that are no text: HAR has no
/// `encoding` for them.
fn own(entry: &mut Entry, message: &str, fields: &Fields, attached: &mut Attached) -> Result<Option<Body>, String> {
    for key in ["_content", "_postData"] {
        let place = format!("{message}.{key}");
        if entry.get(&place)?.is_some_and(Value::is_object) {
            let size = entry.size(&format!("{place}.size"))?;
            if let Some(body) = written(entry, &place, size, fields, attached)? {
                return Ok(Some(body));
            }
        }
    }
    Ok(None)
}

/// The fields that tell how a body is written. This program writes it so that nothing has to be guessed.
fn telling<'f>(fields: &'f Fields, extra: Option<&Extra>) -> &'f Fields {
    static NONE: Fields = Fields::new();
    if extra.is_some() { &NONE } else { fields }
}

/// What is written as `text` or named as `_file` there; nothing if it is empty. `size` is how many bytes it should be, and
/// `fields` are those of its message, as far as they tell how it is written.
fn written(
    entry: &mut Entry,
    place: &str,
    size: Option<u64>,
    fields: &Fields,
    attached: &mut Attached,
) -> Result<Option<Body>, String> {
    if let Some(name) = entry.text(&format!("{place}._file"))? {
        let wanted = Told::of(entry, place, size, fields)?;
        return Ok(Some(of_file(attached.read(name)?, &wanted)));
    }
    // This program says so of bodies that cannot be told by their fields.
    let mark = entry.text(&format!("{place}._body"))?;
    if mark == Some("missing") {
        return Ok(Some(Body::not_recorded()));
    }
    let is_coded = mark == Some("coded");
    let encoding = Encoding::of(entry, place)?;
    let is_lost = loss::is_told(entry, place)?;
    let wanted = Told::of(entry, place, size, fields)?;
    let place = format!("{place}.text");
    let text = match entry.take_long_text(&place)? {
        None => return Ok(None),
        Some(Text::Held(text)) if text.is_empty() => return Ok(None),
        Some(Text::Left(string)) if polly::may_have_written(&string, encoding, fields) => {
            let (string, _) = string.text(false);
            let read = entry.strings().read(&string)?;
            Text::Held(String::from_utf8(read).map_err(|error| format!("`{place}` is not text: {error}"))?)
        }
        Some(text) => text,
    };
    let (written, characters, line_ends) = (text.len(), text.characters(), text.line_ends());
    let as_bytes = wanted.is_of_single_bytes(&text);
    let of_polly = match &text {
        Text::Held(text) if !is_coded => polly::read(text, encoding, fields),
        Text::Held(_) | Text::Left(_) => None,
    };
    let not_base64 = |error| format!("`{place}` is not base64: {error}");
    let (content, form) = match (of_polly, text, encoding) {
        (Some((bytes, form)), ..) => (Content::Held(bytes.into()), form),
        (None, Text::Held(text), Encoding::Base64) => {
            (Content::Held(decode(text).map_err(not_base64)?.into()), Form::Bytes)
        }
        (None, Text::Left(string), Encoding::Base64) => {
            (Content::Quoted(string.base64().map_err(not_base64)?.into()), Form::Bytes)
        }
        (None, _, Encoding::Hex) => return Err(format!("`{place}` is not hexadecimal")),
        (None, Text::Held(text), Encoding::None) => {
            let (bytes, form) = encode(text, as_bytes);
            (Content::Held(bytes.into()), form)
        }
        (None, Text::Left(string), Encoding::None) => {
            let (string, is_bytes) = string.text(as_bytes);
            (Content::Quoted(string.into()), if is_bytes { Form::Bytes } else { Form::Text })
        }
    };
    let form = if is_coded { Form::Coded } else { form };
    let line_ends = if form == Form::Text { line_ends } else { 0 };
    let have = content.size().unwrap_or_default();
    let is_cut = !is_coded && wanted.is_more_than(have, written, characters, line_ends);
    Ok(Some(if is_lost || is_cut { Body::not_recorded() } else { Body { content, form } }))
}

/// How a text stands for bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    None,
    Base64,
    Hex,
}

impl Encoding {
    fn of(entry: &Entry, place: &str) -> Result<Self, String> {
        let encoding = match entry.text(&format!("{place}.encoding"))? {
            None => entry.text(&format!("{place}._encoding"))?,
            encoding => encoding,
        };
        Ok(match encoding {
            Some(name) if name.eq_ignore_ascii_case("base64") => Self::Base64,
            Some(name) if name.eq_ignore_ascii_case("hex") => Self::Hex,
            // Polly.JS before version 6.
            _ if entry.get(&format!("{place}._isBinary"))? == Some(&Value::Bool(true)) => Self::Hex,
            _ => Self::None,
        })
    }
}

/// The bytes of a text: one for each character `as_bytes`, if there is one for each, otherwise UTF-8.
fn encode(text: String, as_bytes: bool) -> (Vec<u8>, Form) {
    let bytes = || text.chars().map(single_byte::byte).collect::<Option<Vec<u8>>>();
    match (as_bytes && !text.is_ascii()).then(bytes).flatten() {
        Some(bytes) => (bytes, Form::Bytes),
        None => (text.into_bytes(), Form::Text),
    }
}

/// The body that is in a file of its own: as it was sent, or, where that is known, as the text that a browser made of it.
fn of_file(bytes: Bytes, wanted: &Told) -> Body {
    let text = str::from_utf8(&bytes).ok().map(|text| Text::Held(text.to_owned()));
    let (bytes, form) = match text {
        Some(text) if wanted.is_of_single_bytes(&text) => match text {
            Text::Held(text) => {
                let (bytes, form) = encode(text, true);
                (bytes.into(), form)
            }
            Text::Left(_) => (bytes, Form::Text),
        },
        // What has several bytes for each character has zeros among them.
        Some(Text::Held(text)) if wanted.is_recoded() && !text.contains('\0') => (bytes, Form::Text),
        _ => (bytes, Form::Bytes),
    };
    Body { content: Content::Held(bytes), form }
}

/// Some recorders break the lines, or leave the padding out.
pub(super) fn decode(text: String) -> Result<Vec<u8>, base64::DecodeError> {
    let mut text = text.into_bytes();
    text.retain(|byte| !byte.is_ascii_whitespace());
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let mut bytes = GeneralPurpose::new(&alphabet::STANDARD, config).decode(text)?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

pub(super) fn content_length(fields: &Fields) -> Option<u64> {
    str::from_utf8(fields.get("content-length")?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
