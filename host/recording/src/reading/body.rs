//! Bodies that are not as they were sent, and the fields that say how they are coded.

use bytes::Bytes;

use crate::{
    media_type::parameter,
    model::{Content, Fields},
};

/// A body, and whether the file had it as text or as bytes.
pub(crate) struct Body {
    pub(crate) content: Content,
    pub(crate) form: Form,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Bytes,
    /// Bytes that have their content coding, whatever it is.
    Coded,
    /// A form in parameters, of which the bytes are made; if not all of them are there, what it has at least.
    Params {
        at_least: Option<Bytes>,
    },
}

impl Body {
    /// One of no bytes.
    pub(crate) fn empty() -> Self {
        Self { content: Content::Held(Bytes::new()), form: Form::Text }
    }

    /// One that there was, and that nobody kept.
    pub(crate) fn not_recorded() -> Self {
        Self { content: Content::NotRecorded, form: Form::Text }
    }

    /// Makes the fields of a message true to its body: drops the transfer coding, and a content coding that the body does not
    /// have, and names UTF-8 as the charset if the body was recoded to it.
    pub(crate) fn make_true(&self, fields: &mut Fields) {
        fields.remove("transfer-encoding");
        self.make_coding_true(fields);
    }

    /// Makes the fields of a message true to its body, whose transfer coding is told as it was.
    pub(crate) fn make_coding_true(&self, fields: &mut Fields) {
        let (start, is_ascii) = match &self.content {
            Content::Held(bytes) => (&bytes[..], bytes.is_ascii()),
            Content::Quoted(string) => (string.start(), string.is_ascii()),
            Content::NotRecorded | Content::Stored(_) => return,
        };
        let has_coding = |value: &[u8]| match self.form {
            Form::Text | Form::Params { .. } => false,
            Form::Bytes => starts_as(start, value),
            Form::Coded => true,
        };
        fields.retain_lines("content-encoding", |value| has_coding(value));
        if self.form == Form::Text && !start.is_empty() {
            fields.lines_mut("content-type").for_each(|kind| name_utf8(kind, is_ascii));
        }
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

/// Sets the charset of a `Content-Type` that names another one, in which the text would be another one. One without stays
/// without, as it was recorded.
fn name_utf8(kind: &mut Bytes, is_ascii: bool) {
    let Ok(text) = str::from_utf8(kind) else { return };
    let Some(range) = parameter(text, "charset") else { return };
    let (before, rest) = text.split_at(range.start);
    let (charset, after) = rest.split_at(range.len());
    if !charset.eq_ignore_ascii_case("utf-8") && (is_wide(charset) || !is_ascii) {
        *kind = format!("{before}utf-8{after}").into();
    }
}

/// Whether the characters of a charset have several bytes each, those of ASCII too.
pub(crate) fn is_wide(charset: &str) -> bool {
    let starts_with = |wide: &str| charset.get(..wide.len()).is_some_and(|start| start.eq_ignore_ascii_case(wide));
    ["utf-16", "utf-32", "ucs-", "unicode"].into_iter().any(starts_with)
}
