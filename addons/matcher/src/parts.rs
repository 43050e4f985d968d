//! Multipart contents by their parts, without the boundaries between them.

use redaction::{
    media_type::MediaType,
    multipart::{self, Part},
};

use crate::{
    Options,
    json::{self, Elements, Meaning},
    part::{Kind, Sink},
};

/// How deep multipart contents may be within each other, so that each byte is looked at so often at most.
const DEPTH: usize = 8;

/// Tells the parts of a multipart content, those of its parts too; nothing, with nothing told, when it is not whole.
pub(crate) fn describe<S: Sink>(boundary: &[u8], content: &[u8], options: &Options, sink: &mut S) -> Option<()> {
    describe_within("", 0, boundary, content, options, sink)
}

fn describe_within<S: Sink>(
    above: &str,
    depth: usize,
    boundary: &[u8],
    content: &[u8],
    options: &Options,
    sink: &mut S,
) -> Option<()> {
    if depth == DEPTH {
        return None;
    }
    for (before, part) in multipart::parts(boundary, content)?.enumerate() {
        let number = format!("{above}{}", before + 1);
        let mut content_type = None;
        for (name, value) in part.fields() {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if name == "content-type" {
                content_type = Some(value);
            }
            sink.part(Kind::Part, format!("{number} {name}").as_bytes(), without_boundary(value));
        }
        let inner = content_type.and_then(inner_boundary);
        let told = inner
            .and_then(|inner| describe_within(&format!("{number}."), depth + 1, inner, part.content, options, sink));
        if told.is_none() {
            describe_value(Kind::Part, number.as_bytes(), content_type, part.content, options, sink);
        }
    }
    Some(())
}

/// Tells what a part holds: JSON by its values, where JSON counts so.
pub(crate) fn describe_value<S: Sink>(
    kind: Kind,
    name: &[u8],
    content_type: Option<&[u8]>,
    value: &[u8],
    options: &Options,
    sink: &mut S,
) {
    let is_json = options.canonical_json && MediaType::new(content_type).is_json();
    match is_json.then(|| json::meaning(value, &[], Elements::InOrder)).flatten() {
        Some(Meaning::Whole(meaning) | Meaning::Digest(meaning)) => sink.part(kind, name, &meaning),
        Some(Meaning::Nothing) | None => sink.part(kind, name, value),
    }
}

/// The boundary between the parts of a part, if its type says that it has some.
pub(crate) fn inner_boundary(content_type: &[u8]) -> Option<&[u8]> {
    if is_multipart(content_type) { multipart::boundary(content_type) } else { None }
}

/// Whether a multipart content has a part like each one of another content, which begins with its boundary.
pub(crate) fn has_at_least(boundary: Option<&[u8]>, content: &[u8], least: &[u8], elements: Elements) -> bool {
    let (Some(boundary), Some(of_least)) = (boundary, multipart::boundary_of(least)) else { return false };
    let Some(least) = multipart::parts(of_least, least) else { return false };
    least.take(PARTS).all(|least| {
        let found =
            multipart::parts(boundary, content).map(|mut parts| parts.any(|part| is_like(part, least, elements)));
        found.unwrap_or(false)
    })
}

/// Parts that are asked for at most.
const PARTS: usize = 100;

/// Whether a part has all fields of another one and holds the same; JSON by its values.
fn is_like(part: Part<'_>, least: Part<'_>, elements: Elements) -> bool {
    let mut is_json = false;
    let has_fields = least.fields().all(|(name, wanted)| {
        let mut same_name = part.fields().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        is_json |= name.eq_ignore_ascii_case(b"content-type") && MediaType::new(Some(wanted)).is_json();
        if name.eq_ignore_ascii_case(b"content-disposition") {
            let parameters = [b"name".as_slice(), b"filename"].into_iter();
            let mut given = parameters.filter_map(|name| Some((name, multipart::parameter(wanted, name)?)));
            let field = same_name.next().map_or(b"".as_slice(), |(_, value)| value);
            given.all(|(name, value)| multipart::parameter(field, name) == Some(value))
        } else {
            same_name.any(|(_, value)| value == wanted)
        }
    });
    let meaning = |text| json::meaning(text, &[], elements);
    has_fields && (part.content == least.content || is_json && meaning(part.content) == meaning(least.content))
}

/// The type of a part: of one that has parts itself, without the boundary between them.
pub(crate) fn without_boundary(content_type: &[u8]) -> &[u8] {
    if is_multipart(content_type) { MediaType::new(Some(content_type)).essence() } else { content_type }
}

fn is_multipart(content_type: &[u8]) -> bool {
    MediaType::new(Some(content_type)).is_multipart()
}
