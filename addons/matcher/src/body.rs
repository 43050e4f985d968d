//! What counts of a content: its bytes, or what a form, JSON text or gRPC content means.

use std::borrow::Cow;

use redaction::{Redacted, decode, media_type::MediaType, multipart, query};
use sha2::{Digest as _, Sha256};

use crate::{
    Content, Digest, Options, Subject, grpc,
    json::{self, Meaning},
    part::{Kind, Sink},
};

/// The content counts, but nobody can tell what it is.
pub(crate) struct Unreadable;

/// Tells what counts of the content.
///
/// A content that is not what its type says, or whose coding cannot be undone, counts byte by byte.
pub(crate) fn describe<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) -> Result<(), Unreadable> {
    if options.ignore_content || describe_decoded(subject, options, sink).is_some() {
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

/// Tells what a content means, or what it is when redacted; nothing, with nothing told, when its bytes as sent count
/// instead.
fn describe_decoded<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) -> Option<()> {
    let content_type = subject.field("content-type");
    let content_type = content_type.as_deref();
    let is_redacted = options.redact.applies_to_content(content_type);
    let format = Format::of(MediaType::new(content_type), options);
    if format.is_none() && !is_redacted {
        return None;
    }
    let Content::Bytes(content) = subject.content() else {
        return None;
    };
    let content = decode(&content, subject.field("content-encoding").as_deref())?;
    let content = redact(content, content_type, options)?;
    let told = match format {
        Some(Format::Grpc) => describe_grpc(subject, &content, sink),
        Some(Format::Multipart) => describe_multipart(content_type.unwrap_or_default(), &content, options, sink),
        Some(Format::Urlencoded) => describe_urlencoded(&content, options, sink),
        Some(Format::Json) => describe_json(&content, options, sink),
        None => None,
    };
    // Redaction undoes codings, so a recording may have none where the live request has one.
    told.or_else(|| is_redacted.then(|| describe_bytes(&content, sink)))
}

/// The content as it is recorded; nothing when it is not.
fn redact<'a>(content: Cow<'a, [u8]>, content_type: Option<&[u8]>, options: &Options) -> Option<Cow<'a, [u8]>> {
    match options.redact.content(content_type, None, &content) {
        Redacted::Unchanged => Some(content),
        Redacted::Changed { content, .. } => Some(content.into()),
        Redacted::Refused(_) => None,
    }
}

fn describe_bytes<S: Sink>(content: &[u8], sink: &mut S) {
    match content {
        [] => sink.part(Kind::Content, b"", b""),
        _ => sink.part(Kind::Content, b"", &Sha256::digest(content)),
    }
}

/// A format whose meaning counts.
enum Format {
    Grpc,
    Multipart,
    Urlencoded,
    Json,
}

impl Format {
    fn of(media_type: MediaType<'_>, options: &Options) -> Option<Self> {
        // How messages are compressed and cut into frames says nothing about the call.
        if media_type.is_grpc() {
            return Some(Self::Grpc);
        }
        // A multipart body begins with a boundary that is another one each time, so its bytes never match.
        if media_type.is_multipart_form() {
            return Some(Self::Multipart);
        }
        if !options.ignore_payload_params.is_empty() && media_type.is_urlencoded_form() {
            return Some(Self::Urlencoded);
        }
        let wanted = options.canonical_json || !options.ignore_json.is_empty();
        (wanted && media_type.is_json()).then_some(Self::Json)
    }
}

fn describe_grpc<S: Sink>(subject: &impl Subject, content: &[u8], sink: &mut S) -> Option<()> {
    let mut messages = grpc::messages(content).filter(|messages| !messages.is_empty())?;
    if messages.iter().any(|message| message.is_compressed) {
        grpc::decompress(&mut messages, subject.field("grpc-encoding").as_deref())?;
    }
    for (before, message) in messages.iter().enumerate() {
        let kind = if message.is_compressed { Kind::GrpcCompressed } else { Kind::Grpc };
        sink.part(kind, (before + 1).to_string().as_bytes(), &message.bytes);
    }
    Some(())
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
    let meaning = match json::meaning(content, &options.ignore_json)? {
        Meaning::Nothing => return Some(()),
        Meaning::Whole(meaning) | Meaning::Digest(meaning) => meaning,
    };
    // What stands by its digest is no JSON.
    let leaves = if S::EXPLAINS { json::leaves(&meaning, &options.ignore_json) } else { None };
    match leaves {
        Some(leaves) => {
            leaves.iter().for_each(|leaf| sink.part(Kind::Json, leaf.pointer.as_bytes(), leaf.value.as_bytes()))
        }
        None => sink.part(Kind::Json, b"", &meaning),
    }
    Some(())
}
