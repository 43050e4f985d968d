//! How a content is read.

use std::borrow::Cow;

use redaction::{media_type::MediaType, multipart};

use crate::{Comparison, Options, Subject, json::Elements};

/// How a content is to be read.
pub(crate) struct Reading {
    pub(crate) content_type: Option<Vec<u8>>,
    pub(crate) format: Option<Format>,
    /// Whether what it means counts, and not its bytes.
    pub(crate) counts: bool,
    /// Whether there may be secrets in it.
    pub(crate) is_redacted: bool,
    pub(crate) elements: Elements,
    /// Whether a recording says that contents are read so, and not a field.
    pub(crate) is_told: bool,
}

impl Reading {
    /// As its type says.
    pub(crate) fn of(subject: &impl Subject, options: &Options) -> Self {
        let content_type = subject.field("content-type");
        let format = content_type.as_deref().and_then(|kind| Format::of(MediaType::new(Some(kind))));
        let is_redacted = options.redact.applies_to_content(content_type.as_deref());
        let counts = format.is_some_and(|format| format.counts(options));
        Self { format, counts, is_redacted, content_type, elements: Elements::InOrder, is_told: false }
    }

    /// As a recording says.
    pub(crate) fn by(comparison: &Comparison, subject: &impl Subject, content: &[u8], options: &Options) -> Self {
        let told = comparison.media_type.as_bytes();
        let is_multipart = MediaType::new(Some(told)).is_multipart();
        let content_type = if is_multipart { with_boundary(told, subject, content) } else { told.into() };
        let is_redacted = options.redact.applies_to_content(Some(&content_type));
        let elements = if comparison.any_order { Elements::InAnyOrder } else { Elements::InOrder };
        let format = Format::of(MediaType::new(Some(told)));
        let content_type = Some(content_type.into_owned());
        Self { format, counts: true, is_redacted, content_type, elements, is_told: true }
    }

    /// Whether what counts is under the content's coding.
    pub(crate) fn is_decoded(&self) -> bool {
        self.counts || self.is_redacted
    }

    pub(crate) fn is_in_any_order(&self) -> bool {
        self.elements == Elements::InAnyOrder
    }
}

/// A multipart type with the boundary of a content: that which its field names, or that with which it begins.
fn with_boundary<'t>(told: &'t [u8], subject: &impl Subject, content: &[u8]) -> Cow<'t, [u8]> {
    let field = subject.field("content-type").filter(|field| MediaType::new(Some(field)).is_multipart());
    let named = field.as_deref().and_then(multipart::boundary);
    match named.or_else(|| multipart::boundary_of(content)) {
        Some(boundary) => [MediaType::new(Some(told)).essence(), b"; boundary=\"", boundary, b"\""].concat().into(),
        None => told.into(),
    }
}

/// A format whose meaning is known.
#[derive(Clone, Copy)]
pub(crate) enum Format {
    Grpc,
    Multipart,
    Urlencoded,
    Json,
    Graphql,
    Xml,
}

impl Format {
    fn of(media_type: MediaType<'_>) -> Option<Self> {
        if media_type.is_grpc() {
            Some(Self::Grpc)
        } else if media_type.is_multipart() {
            Some(Self::Multipart)
        } else if media_type.is_urlencoded_form() {
            Some(Self::Urlencoded)
        } else if media_type.is_json() {
            Some(Self::Json)
        } else if media_type.is_graphql() {
            Some(Self::Graphql)
        } else {
            media_type.is_xml().then_some(Self::Xml)
        }
    }

    /// Whether the meaning counts, and not the bytes.
    fn counts(self, options: &Options) -> bool {
        match self {
            // How messages are compressed and cut into frames says nothing about the call. A multipart body begins with a
            // boundary that is another one each time, so its bytes never match.
            Self::Grpc | Self::Multipart => true,
            Self::Urlencoded => !options.ignore_payload_params.is_empty(),
            Self::Json => options.canonical_json || !options.ignore_json.is_empty() || options.graphql,
            Self::Graphql => options.graphql,
            Self::Xml => false,
        }
    }
}
