//! The bodies of an entry.
//!
//! Browsers keep bodies as they show them: decoded, and as text in Unicode. So the fields that speak of another form are
//! made true to the body, but for `Content-Length`, which is made true when a message is sent.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{attached::Attached, extra::Extra, form};
use crate::{
    document::{Entry, Text},
    media_type::{essence, parameter},
    model::{Content, Fields, has_no_body},
    reading::body::{Body, Form},
};

/// The body of the request with `fields`.
pub(super) fn of_request(entry: &mut Entry, fields: &Fields, attached: &mut Attached) -> Result<Body, String> {
    let place = "request.postData";
    let size = entry.size("request.bodySize")?;
    if let Some(body) = written(entry, place, size, attached)? {
        return Ok(body);
    }
    let params = entry.list(&format!("{place}.params"))?;
    if !params.is_empty() {
        let kind = match entry.text(&format!("{place}.mimeType"))?.unwrap_or_default() {
            "" => fields.get("content-type").and_then(|value| str::from_utf8(value).ok()).unwrap_or_default(),
            kind => kind,
        };
        let place = format!("{place}.params");
        let bytes = if essence(kind).eq_ignore_ascii_case(MULTIPART) {
            match parameter(kind, "boundary").and_then(|range| kind.get(range)) {
                Some(boundary) => form::multipart(params, boundary, &place)?,
                // Nothing can be told apart without its boundary.
                None => return Ok(Body::not_recorded()),
            }
        } else {
            form::urlencoded(params, &place)?
        };
        return Ok(Body { content: Content::Held(bytes.into()), form: Form::Bytes });
    }
    let size = size.or_else(|| content_length(fields)).unwrap_or(0);
    Ok(if size == 0 { Body::empty() } else { Body::not_recorded() })
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
    if has_no_body(method, status) {
        return Ok(Body::empty());
    }
    let size = entry.size(&format!("{place}.size"))?;
    let has_text = entry.text(&format!("{place}.text"))?.is_some();
    if let Some(body) = written(entry, place, size, attached)? {
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
    let is_empty = match size {
        Some(0) => has_text || entry.size("response.bodySize")?.unwrap_or(0) == 0,
        Some(_) => false,
        None => has_text,
    };
    // A coded body may be longer than what it means; any other would have been there.
    let was_empty = fields.get("content-encoding").is_some() || content_length(fields).unwrap_or(0) == 0;
    Ok(if is_empty && was_empty { Body::empty() } else { Body::not_recorded() })
}

/// What is written as `text` or named as `_file` there; nothing if it is empty. `size` is how many bytes it should be.
fn written(entry: &mut Entry, place: &str, size: Option<u64>, attached: &mut Attached) -> Result<Option<Body>, String> {
    if let Some(name) = entry.text(&format!("{place}._file"))? {
        return Ok(Some(Body { content: Content::Held(attached.read(name)?), form: Form::Bytes }));
    }
    // This program says so of bodies that cannot be told by their fields.
    let mark = entry.text(&format!("{place}._body"))?;
    if mark == Some("missing") {
        return Ok(Some(Body::not_recorded()));
    }
    let is_coded = mark == Some("coded");
    let encoding = match entry.text(&format!("{place}.encoding"))? {
        None => entry.text(&format!("{place}._encoding"))?,
        encoding => encoding,
    };
    let is_base64 = encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"));
    let place = format!("{place}.text");
    let not_base64 = |error| format!("`{place}` is not base64: {error}");
    let (content, form) = match entry.take_long_text(&place)? {
        None => return Ok(None),
        Some(Text::Held(text)) if text.is_empty() => return Ok(None),
        Some(Text::Held(text)) => {
            let (bytes, form) =
                if is_base64 { (decode(text).map_err(not_base64)?, Form::Bytes) } else { encode(text, size) };
            (Content::Held(bytes.into()), form)
        }
        Some(Text::Left(string)) if is_base64 => {
            (Content::Quoted(string.base64().map_err(not_base64)?.into()), Form::Bytes)
        }
        Some(Text::Left(string)) => {
            let (string, is_bytes) = string.text(size);
            (Content::Quoted(string.into()), if is_bytes { Form::Bytes } else { Form::Text })
        }
    };
    let form = if is_coded { Form::Coded } else { form };
    Ok(Some(Body { content, form }))
}

/// The bytes of a text: one for each character if that makes `size`, otherwise UTF-8. mitmproxy writes bytes so that are no
/// text, and browsers write pages so that are in Latin-1.
fn encode(text: String, size: Option<u64>) -> (Vec<u8>, Form) {
    let Some(size) = size.filter(|size| *size != text.len() as u64 && !text.is_ascii()) else {
        return (text.into_bytes(), Form::Text);
    };
    let bytes: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
    match bytes.filter(|bytes| bytes.len() as u64 == size) {
        Some(bytes) => (bytes, Form::Bytes),
        None => (text.into_bytes(), Form::Text),
    }
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

fn content_length(fields: &Fields) -> Option<u64> {
    str::from_utf8(fields.get("content-length")?).ok()?.trim().parse().ok()
}

const MULTIPART: &str = "multipart/form-data";

#[cfg(test)]
mod tests;
