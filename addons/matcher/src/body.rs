//! What counts of a content: its bytes, or what a form, JSON text or gRPC content means.

use std::borrow::Cow;

use redaction::{Redacted, decode_within, media_type::MediaType, multipart, query};
use sha2::{Digest as _, Sha256};

use crate::{
    Comparison, Content, Digest, Options, Subject, graphql, grpc,
    json::{self, Meaning},
    part::{Kind, Sink},
    parts,
    reading::{Format, Reading},
    xml,
};

/// The content counts, but nobody can tell what it is.
pub(crate) struct Unreadable;

/// Tells what counts of the content.
///
/// A content that is not what its type says counts byte by byte before it was coded, and one whose coding cannot be undone as
/// it was sent.
pub(crate) fn describe<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) -> Result<(), Unreadable> {
    if options.ignore_content {
        return Ok(());
    }
    let reading = Reading::of(subject, options);
    if reading.is_decoded() && describe_decoded(subject, &reading, options, sink).is_some() {
        return Ok(());
    }
    match subject.digest() {
        Digest::Known(digest) => {
            match uncoded(subject) {
                Some(content) => describe_bytes(&content, sink),
                None => sink.part(Kind::Content, b"", &digest),
            }
            // What is redacted and could not be told above may hold secrets.
            if S::EXPLAINS && !reading.is_redacted {
                tell_content(subject, &reading, options, sink);
            }
        }
        Digest::Empty => sink.part(Kind::Content, b"", b""),
        Digest::NotRecorded => sink.part(Kind::Unreadable, b"", b"not recorded"),
        Digest::Unreadable => return Err(Unreadable),
    }
    Ok(())
}

/// Tells what counts of a content that is compared as a recording says. Contents of equal bytes are told alike, whatever
/// their fields say, but for one coded and the other not.
pub(crate) fn describe_by<S: Sink>(
    subject: &impl Subject,
    comparison: &Comparison,
    options: &Options,
    sink: &mut S,
) -> Result<(), Unreadable> {
    if options.ignore_content || comparison.takes_anything() {
        return Ok(());
    }
    let sent = match (subject.content(), &comparison.at_least) {
        (Content::Bytes(sent), _) => sent,
        // Of the recorded one, no more may be there than what others have at least.
        (Content::NotRecorded, Some(least)) => least.clone(),
        _ => return Err(Unreadable),
    };
    let coding = subject.field("content-encoding");
    let content = decode_within(&sent, coding.as_deref(), subject.most_decoded()).unwrap_or(Cow::Borrowed(&sent));
    let reading = Reading::by(comparison, subject, &content, options);
    let redacted = |content| redact(content, reading.content_type.as_deref(), options);
    let content = redacted(Cow::Borrowed(&content)).unwrap_or(Cow::Borrowed(&content));
    let told = match &comparison.at_least {
        Some(least) => {
            let least = redacted(Cow::Borrowed(least)).unwrap_or(Cow::Borrowed(least));
            has_at_least(&reading, &content, &least, options).then(|| sink.part(Kind::Least, b"", b""))
        }
        None => reading.format.and_then(|format| describe_format(subject, &reading, format, &content, options, sink)),
    };
    if told.is_none() {
        describe_bytes(&content, sink);
    }
    Ok(())
}

/// Tells what a content means, or what it is when redacted; nothing, with nothing told, when its bytes as sent count
/// instead.
fn describe_decoded<S: Sink>(subject: &impl Subject, reading: &Reading, options: &Options, sink: &mut S) -> Option<()> {
    let Content::Bytes(content) = subject.content() else {
        return None;
    };
    let content = decode_within(&content, subject.field("content-encoding").as_deref(), subject.most_decoded())?;
    let content = redact(content, reading.content_type.as_deref(), options)?;
    let told = match reading.format {
        Some(format) if reading.counts => describe_format(subject, reading, format, &content, options, sink),
        _ => None,
    };
    // Redaction undoes codings, so a recording may have none where the live request has one.
    told.or_else(|| {
        reading.is_redacted.then(|| {
            describe_bytes(&content, sink);
            tell(reading, &content, options, sink);
        })
    })
}

/// Tells for people what a content means that counts byte by byte, if it means something.
fn tell_content<S: Sink>(subject: &impl Subject, reading: &Reading, options: &Options, sink: &mut S) {
    if reading.format.is_none() {
        return;
    }
    if let Content::Bytes(content) = subject.content()
        && let Some(content) =
            decode_within(&content, subject.field("content-encoding").as_deref(), subject.most_decoded())
    {
        tell(reading, &content, options, sink);
    }
}

/// A coded content before it was coded: what a coding makes of the same content differs from run to run, by a time in gzip's
/// header alone. Nothing when it is not coded, or that cannot be undone.
fn uncoded(subject: &impl Subject) -> Option<Vec<u8>> {
    let coding = subject.field("content-encoding")?;
    let Content::Bytes(content) = subject.content() else { return None };
    let most = content.len().saturating_mul(RATIO).max(FREE).min(subject.most_decoded());
    match decode_within(&content, Some(&coding), most)? {
        Cow::Owned(content) => Some(content),
        Cow::Borrowed(_) => None,
    }
}

/// How many times as long a content may become that decodes to more than [`FREE`] bytes, if nobody asked for what it means:
/// the time that is given grows with the bytes that came.
const RATIO: usize = 10;

/// What any content may decode to.
const FREE: usize = 1 << 20;

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

/// Tells what a content of a format means; nothing, with nothing told, when it is none.
fn describe_format<S: Sink>(
    subject: &impl Subject,
    reading: &Reading,
    format: Format,
    content: &[u8],
    options: &Options,
    sink: &mut S,
) -> Option<()> {
    match format {
        Format::Grpc => describe_grpc(subject, content, sink),
        Format::Multipart => describe_multipart(reading, content, options, sink),
        Format::Urlencoded => describe_urlencoded(reading, content, options, sink),
        Format::Json => describe_json(reading, content, options, sink),
        Format::Graphql if options.graphql => graphql::describe_document(content, sink),
        Format::Graphql => None,
        Format::Xml => xml::meaning(content).map(|meaning| sink.part(Kind::Content, b"", &Sha256::digest(meaning))),
    }
}

/// Whether a content has all that another one of the same format has.
fn has_at_least(reading: &Reading, content: &[u8], least: &[u8], options: &Options) -> bool {
    match reading.format {
        Some(Format::Json) => json::has_at_least(content, least, &options.ignore_json, reading.elements),
        Some(Format::Urlencoded) => {
            let counted = |(name, _): &(Cow<'_, [u8]>, _)| !options.ignore_payload_params.contains(name);
            let mut left: Vec<_> = query::pairs(content).take(PAIRS).collect();
            query::pairs(least).filter(counted).all(|pair| {
                let found = left.iter().position(|other| *other == pair);
                found.map(|at| left.swap_remove(at)).is_some()
            })
        }
        Some(Format::Multipart) => {
            let kind = reading.content_type.as_deref().unwrap_or_default();
            parts::has_at_least(multipart::boundary(kind), content, least, reading.elements)
        }
        _ => content == least,
    }
}

/// Fields of a form that are looked at where a recording says what a form has at least.
const PAIRS: usize = 10_000;

/// Tells for people what a content means whose bytes were told as what counts.
fn tell<S: Sink>(reading: &Reading, content: &[u8], options: &Options, sink: &mut S) {
    if !S::EXPLAINS {
        return;
    }
    match reading.format {
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
        Some(Format::Grpc | Format::Multipart | Format::Graphql | Format::Xml) | None => {}
    }
}

fn tell_json<S: Sink>(content: &[u8], options: &Options, sink: &mut S) {
    json::tell(content, &options.ignore_json, &mut |told| json::detail(told, sink));
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

fn describe_multipart<S: Sink>(reading: &Reading, content: &[u8], options: &Options, sink: &mut S) -> Option<()> {
    let content_type = reading.content_type.as_deref().unwrap_or_default();
    let is_form = MediaType::new(Some(content_type)).is_multipart_form();
    let form = if is_form { multipart::parse(content_type, content) } else { None };
    // Where a part of a form has no name, it is one of parts nevertheless.
    let Some(fields) = form else {
        return parts::describe(multipart::boundary(content_type)?, content, options, sink);
    };
    for field in fields {
        if !options.ignore_payload_params.contains(field.name) {
            describe_field(&field, options, sink);
        }
    }
    Some(())
}

fn describe_field<S: Sink>(field: &multipart::Field<'_>, options: &Options, sink: &mut S) {
    let boundary = field.file_type.and_then(|kind| parts::inner_boundary(kind));
    let is_operation = options.graphql && field.name == b"operations";
    if is_operation && graphql::describe(field.value, &options.ignore_json, sink).is_some() {
        return;
    }
    match boundary {
        // Files that are sent together as one field have a boundary of their own.
        Some(boundary) => {
            sink.part(Kind::Multipart, field.name, b"");
            if parts::describe(boundary, field.value, options, sink).is_none() {
                sink.part(Kind::Multipart, field.name, field.value);
            }
        }
        None => parts::describe_value(Kind::Multipart, field.name, field.file_type, field.value, options, sink),
    }
    if let Some(file_name) = field.file_name {
        sink.part(Kind::FileName, field.name, file_name);
    }
    if let Some(file_type) = field.file_type {
        sink.part(Kind::FileType, field.name, parts::without_boundary(file_type));
    }
}

fn describe_urlencoded<S: Sink>(reading: &Reading, content: &[u8], options: &Options, sink: &mut S) -> Option<()> {
    let mut pairs = query::pairs(content).peekable();
    pairs.peek()?;
    let counted = pairs.filter(|(name, _)| !options.ignore_payload_params.contains(name));
    if reading.is_in_any_order() {
        let mut counted: Vec<_> = counted.collect();
        counted.sort();
        counted.iter().for_each(|(name, value)| sink.part(Kind::Form, name, value));
    } else {
        counted.for_each(|(name, value)| sink.part(Kind::Form, &name, &value));
    }
    Some(())
}

fn describe_json<S: Sink>(reading: &Reading, content: &[u8], options: &Options, sink: &mut S) -> Option<()> {
    if options.graphql && graphql::describe(content, &options.ignore_json, sink).is_some() {
        return Some(());
    }
    // Where only GraphQL counts by what it means.
    let counts = options.canonical_json || !options.ignore_json.is_empty() || reading.is_told;
    if !counts {
        return None;
    }
    let meaning = match json::meaning(content, &options.ignore_json, reading.elements)? {
        Meaning::Nothing => return Some(()),
        Meaning::Whole(meaning) | Meaning::Digest(meaning) => meaning,
    };
    sink.part(Kind::Json, b"", &meaning);
    if S::EXPLAINS {
        tell_json(content, options, sink);
    }
    Some(())
}
