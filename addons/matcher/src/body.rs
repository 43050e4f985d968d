//! What counts of a content: its bytes, or what a form, JSON text or gRPC content means.

use std::borrow::Cow;

use redaction::{Redacted, decode_within, media_type::MediaType, multipart, query};
use sha2::{Digest as _, Sha256};

use crate::{
    Content, Digest, Options, Subject, grpc,
    json::{self, Meaning, Told},
    part::{Kind, Sink},
};

/// The content counts, but nobody can tell what it is.
pub(crate) struct Unreadable;

/// Tells what counts of the content.
///
/// A content that is not what its type says, or whose coding cannot be undone, counts byte by byte.
pub(crate) fn describe<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) -> Result<(), Unreadable> {
    if options.ignore_content {
        return Ok(());
    }
    let form = Form::of(subject, options);
    if form.is_decoded() && describe_decoded(subject, &form, options, sink).is_some() {
        return Ok(());
    }
    match subject.digest() {
        Digest::Known(digest) => {
            sink.part(Kind::Content, b"", &digest);
            // What is redacted and could not be told above may hold secrets.
            if S::EXPLAINS && !form.is_redacted {
                tell_content(subject, &form, options, sink);
            }
        }
        Digest::Empty => sink.part(Kind::Content, b"", b""),
        Digest::NotRecorded => sink.part(Kind::Unreadable, b"", b"not recorded"),
        Digest::Unreadable => return Err(Unreadable),
    }
    Ok(())
}

/// Tells what a content means, or what it is when redacted; nothing, with nothing told, when its bytes as sent count
/// instead.
fn describe_decoded<S: Sink>(subject: &impl Subject, form: &Form, options: &Options, sink: &mut S) -> Option<()> {
    let Content::Bytes(content) = subject.content() else {
        return None;
    };
    let content = decode_within(&content, subject.field("content-encoding").as_deref(), subject.most_decoded())?;
    let content = redact(content, form.content_type.as_deref(), options)?;
    let told = match form.format {
        Some(format) if form.counts => describe_format(subject, form, format, &content, options, sink),
        _ => None,
    };
    // Redaction undoes codings, so a recording may have none where the live request has one.
    told.or_else(|| {
        form.is_redacted.then(|| {
            describe_bytes(&content, sink);
            tell(form, &content, options, sink);
        })
    })
}

/// Tells for people what a content means that counts byte by byte, if it means something.
fn tell_content<S: Sink>(subject: &impl Subject, form: &Form, options: &Options, sink: &mut S) {
    if form.format.is_none() {
        return;
    }
    if let Content::Bytes(content) = subject.content()
        && let Some(content) =
            decode_within(&content, subject.field("content-encoding").as_deref(), subject.most_decoded())
    {
        tell(form, &content, options, sink);
    }
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

/// How a content is to be read.
struct Form {
    content_type: Option<Vec<u8>>,
    format: Option<Format>,
    counts: bool,
    is_redacted: bool,
}

impl Form {
    fn of(subject: &impl Subject, options: &Options) -> Self {
        let content_type = subject.field("content-type");
        let format = Format::of(MediaType::new(content_type.as_deref()));
        let is_redacted = options.redact.applies_to_content(content_type.as_deref());
        Self { format, counts: format.is_some_and(|format| format.counts(options)), is_redacted, content_type }
    }

    /// Whether what counts is under the content's coding.
    fn is_decoded(&self) -> bool {
        self.counts || self.is_redacted
    }
}

/// A format whose meaning is known.
#[derive(Clone, Copy)]
enum Format {
    Grpc,
    Multipart,
    Urlencoded,
    Json,
}

impl Format {
    fn of(media_type: MediaType<'_>) -> Option<Self> {
        if media_type.is_grpc() {
            Some(Self::Grpc)
        } else if media_type.is_multipart_form() {
            Some(Self::Multipart)
        } else if media_type.is_urlencoded_form() {
            Some(Self::Urlencoded)
        } else {
            media_type.is_json().then_some(Self::Json)
        }
    }

    /// Whether the meaning counts, and not the bytes.
    fn counts(self, options: &Options) -> bool {
        match self {
            // How messages are compressed and cut into frames says nothing about the call. A multipart body begins with a
            // boundary that is another one each time, so its bytes never match.
            Self::Grpc | Self::Multipart => true,
            Self::Urlencoded => !options.ignore_payload_params.is_empty(),
            Self::Json => options.canonical_json || !options.ignore_json.is_empty(),
        }
    }
}

/// Tells what a content of a format means; nothing, with nothing told, when it is none.
fn describe_format<S: Sink>(
    subject: &impl Subject,
    form: &Form,
    format: Format,
    content: &[u8],
    options: &Options,
    sink: &mut S,
) -> Option<()> {
    match format {
        Format::Grpc => describe_grpc(subject, content, sink),
        Format::Multipart => {
            describe_multipart(form.content_type.as_deref().unwrap_or_default(), content, options, sink)
        }
        Format::Urlencoded => describe_urlencoded(content, options, sink),
        Format::Json => describe_json(content, options, sink),
    }
}

/// Tells for people what a content means whose bytes were told as what counts.
fn tell<S: Sink>(form: &Form, content: &[u8], options: &Options, sink: &mut S) {
    if !S::EXPLAINS {
        return;
    }
    match form.format {
        Some(Format::Urlencoded) => {
            for (name, value) in query::pairs(content) {
                if !options.ignore_payload_params.contains(&name) {
                    // All of them: those that are not named are told in one.
                    sink.detail(Kind::Form, &name, &value);
                }
            }
        }
        Some(Format::Json) => tell_json(content, options, sink),
        // Where their meaning does not count, they have none.
        Some(Format::Grpc | Format::Multipart) | None => {}
    }
}

fn tell_json<S: Sink>(content: &[u8], options: &Options, sink: &mut S) {
    json::tell(content, &options.ignore_json, &mut |told| match told {
        Told::Value(pointer, value) => sink.detail(Kind::Json, pointer.as_bytes(), value),
        Told::Rest(rest) => sink.detail(Kind::Json, b"", rest),
    });
}

fn describe_grpc<S: Sink>(subject: &impl Subject, content: &[u8], sink: &mut S) -> Option<()> {
    let mut messages = grpc::messages(content).filter(|messages| !messages.is_empty())?;
    if messages.iter().any(|message| message.is_compressed) {
        grpc::decompress(&mut messages, subject.field("grpc-encoding").as_deref(), subject.most_decoded())?;
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
    sink.part(Kind::Json, b"", &meaning);
    if S::EXPLAINS {
        tell_json(content, options, sink);
    }
    Some(())
}
