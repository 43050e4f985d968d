//! The bodies of an entry, and the fields that say how a body is coded.
//!
//! Browsers keep bodies as they show them: decoded, and as text in Unicode. So the fields that speak of another form are
//! made true to the body, but for `Content-Length`, which is made true when a message is sent.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::attached::Attached;
use super::form;
use crate::document::json::Entry;
use crate::model::{Content, Fields, has_no_body};

/// A body, and whether the file had it as text or as bytes.
pub(crate) struct Body {
    pub(crate) content: Content,
    pub(crate) form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Bytes,
    /// Bytes that have their content coding, whatever it is.
    Coded,
}

impl Body {
    fn empty() -> Self {
        Self { content: Content::Held(Bytes::new()), form: Form::Text }
    }

    fn not_recorded() -> Self {
        Self { content: Content::NotRecorded, form: Form::Text }
    }
}

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
        let bytes = match kind.get(..MULTIPART.len()).is_some_and(|start| start.eq_ignore_ascii_case(MULTIPART)) {
            false => form::urlencoded(params, &place)?,
            true => match parameter(kind, "boundary") {
                Some(range) => form::multipart(params, &kind[range], &place)?,
                // Nothing can be told apart without its boundary.
                None => return Ok(Body::not_recorded()),
            },
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
    let Some(text) = entry.take_text(&place)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let (bytes, form) = match is_base64 {
        true => (decode(text).map_err(|error| format!("`{place}` is not base64: {error}"))?, Form::Bytes),
        false => encode(text, size),
    };
    let form = if is_coded { Form::Coded } else { form };
    Ok(Some(Body { content: Content::Held(bytes.into()), form }))
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
fn decode(text: String) -> Result<Vec<u8>, base64::DecodeError> {
    let mut text = text.into_bytes();
    text.retain(|byte| !byte.is_ascii_whitespace());
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let mut bytes = GeneralPurpose::new(&alphabet::STANDARD, config).decode(text)?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// Makes the fields of a message true to its body: drops the transfer coding, and a content coding that the body does not
/// have, and names UTF-8 as the charset if the body was recoded to it.
pub(crate) fn make_true(fields: &mut Fields, body: &Body) {
    fields.remove("transfer-encoding");
    let Content::Held(bytes) = &body.content else { return };
    let has_coding = |value: &[u8]| match body.form {
        Form::Text => false,
        Form::Bytes => starts_as(bytes, value),
        Form::Coded => true,
    };
    fields.retain_lines("content-encoding", |value| has_coding(value));
    if body.form == Form::Text && !bytes.is_ascii() {
        fields.lines_mut("content-type").for_each(name_utf8);
    }
}

/// Whether the bytes start as the last of the codings does. Of those without a magic number nothing is known, and browsers
/// decode all.
fn starts_as(bytes: &[u8], codings: &[u8]) -> bool {
    let last = codings.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
    match last.to_ascii_lowercase().as_slice() {
        b"gzip" | b"x-gzip" => bytes.starts_with(b"\x1f\x8b"),
        b"zstd" => bytes.starts_with(b"\x28\xb5\x2f\xfd"),
        _ => false,
    }
}

/// Sets the charset of a `Content-Type` that names another one. One without stays without, as it was recorded.
fn name_utf8(kind: &mut Bytes) {
    let Ok(text) = str::from_utf8(kind) else { return };
    if let Some(range) = parameter(text, "charset").filter(|range| !text[range.clone()].eq_ignore_ascii_case("utf-8")) {
        *kind = format!("{}utf-8{}", &text[..range.start], &text[range.end..]).into();
    }
}

/// Where the value of a parameter is in a media type, without quotes.
pub(crate) fn parameter(kind: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    for part in kind.split(';') {
        let start = at;
        at += part.len() + 1;
        let Some((key, value)) = part.split_once('=') else { continue };
        if key.trim().eq_ignore_ascii_case(name) {
            let bare = value.trim().trim_matches('"');
            let from = start + key.len() + 1 + value.find(bare)?;
            return (!bare.is_empty()).then_some(from..from + bare.len());
        }
    }
    None
}

fn content_length(fields: &Fields) -> Option<u64> {
    str::from_utf8(fields.get("content-length")?).ok()?.trim().parse().ok()
}

const MULTIPART: &str = "multipart/form-data";

#[cfg(test)]
mod tests;
