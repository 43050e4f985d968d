//! What counts of a content: its bytes, or what a form or JSON text means.

use crate::{
    Content, Digest, Options, Subject,
    bytes::contains_in_any_case,
    decode::decode,
    json, multipart,
    part::{Kind, Sink},
    query,
};

/// The content counts, but nobody can tell what it is.
pub(crate) struct Unreadable;

/// Tells what counts of the content.
///
/// A content that is not what its type says, or whose coding cannot be undone, counts byte by byte.
pub(crate) fn describe<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) -> Result<(), Unreadable> {
    if options.ignore_content || describe_meaning(subject, options, sink).is_some() {
        return Ok(());
    }
    match subject.digest() {
        Digest::Known(digest) => sink.part(Kind::Content, b"", &digest),
        Digest::Empty => sink.part(Kind::Content, b"", b""),
        Digest::NotRecorded => sink.part(Kind::Unreadable, b"", b"not recorded"),
        Digest::Unreadable => return Err(Unreadable),
    }
    Ok(())
}

/// Tells what a form or JSON text means; nothing, with nothing told, when the bytes of the content count instead.
fn describe_meaning<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) -> Option<()> {
    let content_type = subject.field("content-type")?;
    let format = Format::of(&content_type, options)?;
    let Content::Bytes(content) = subject.content() else {
        return None;
    };
    let content = decode(content, subject.field("content-encoding").as_deref())?;
    match format {
        Format::Multipart => describe_multipart(&content_type, &content, options, sink),
        Format::Urlencoded => describe_urlencoded(&content, options, sink),
        Format::Json => describe_json(&content, options, sink),
    }
}

/// A format whose meaning counts.
enum Format {
    Multipart,
    Urlencoded,
    Json,
}

impl Format {
    fn of(content_type: &[u8], options: &Options) -> Option<Self> {
        // A multipart body begins with a boundary that is another one each time, so its bytes never match.
        if contains_in_any_case(content_type, b"multipart/form-data") {
            return Some(Self::Multipart);
        }
        if !options.ignore_payload_params.is_empty()
            && contains_in_any_case(content_type, b"application/x-www-form-urlencoded")
        {
            return Some(Self::Urlencoded);
        }
        let wanted = options.canonical_json || !options.ignore_json.is_empty();
        (wanted && is_json(content_type)).then_some(Self::Json)
    }
}

fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    essence.ends_with(b"/json") || essence.ends_with(b"+json")
}

fn describe_multipart<S: Sink>(content_type: &[u8], content: &[u8], options: &Options, sink: &mut S) -> Option<()> {
    for field in multipart::parse(content_type, content)? {
        if options.ignore_payload_params.contains(field.name) {
            continue;
        }
        sink.part(Kind::Multipart, field.name, field.value);
        if let Some(file_name) = field.file_name {
            sink.part(Kind::FileName, field.name, file_name);
        }
        if let Some(file_type) = field.file_type {
            sink.part(Kind::FileType, field.name, file_type);
        }
    }
    Some(())
}

fn describe_urlencoded<S: Sink>(content: &[u8], options: &Options, sink: &mut S) -> Option<()> {
    let mut pairs = query::pairs(content).peekable();
    pairs.peek()?;
    for (name, value) in pairs {
        if !options.ignore_payload_params.contains(&name) {
            sink.part(Kind::Form, &name, &value);
        }
    }
    Some(())
}

fn describe_json<S: Sink>(content: &[u8], options: &Options, sink: &mut S) -> Option<()> {
    for leaf in json::leaves(content, &options.ignore_json)? {
        sink.part(Kind::Json, leaf.pointer.as_bytes(), leaf.value.as_bytes());
    }
    Some(())
}
