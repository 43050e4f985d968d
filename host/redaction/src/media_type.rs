//! Which kind of content a media type names.
//!
//! What senders write is often wrong, so a kind is found where a strict reader would find none, such as a form in
//! `text/html, application/x-www-form-urlencoded`.

use crate::bytes::contains_in_any_case;

/// The value of a `content-type` field.
#[derive(Clone, Copy, Debug)]
pub struct MediaType<'a>(&'a [u8]);

impl<'a> MediaType<'a> {
    /// The type that a field's value names; an empty one where there is no field.
    pub fn new(content_type: Option<&'a [u8]>) -> Self {
        Self(content_type.unwrap_or_default())
    }

    /// The type without its parameters, as it is written.
    pub fn essence(self) -> &'a [u8] {
        self.0.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
    }

    /// Whether the type says nothing about the content.
    pub fn is_unclear(self) -> bool {
        let essence = self.essence();
        // Tools and pages send anything as plain text, because nobody told them to say what it is.
        essence.is_empty() || essence.eq_ignore_ascii_case(b"text/plain")
    }

    /// Whether it is a form in parts (RFC 7578).
    pub fn is_multipart_form(self) -> bool {
        contains_in_any_case(self.0, b"multipart/form-data")
    }

    /// Whether it is made of parts, whatever for (RFC 2046, section 5.1).
    pub fn is_multipart(self) -> bool {
        let is_kind =
            self.essence().get(..b"multipart/".len()).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/"));
        is_kind || self.is_multipart_form()
    }

    /// Whether it is a GraphQL document by itself.
    pub fn is_graphql(self) -> bool {
        self.essence().eq_ignore_ascii_case(b"application/graphql")
    }

    /// Whether it is XML, or a format that is written as XML (RFC 7303).
    pub fn is_xml(self) -> bool {
        let essence = self.essence();
        ends_with_in_any_case(essence, b"/xml") || ends_with_in_any_case(essence, b"+xml")
    }

    /// Whether it is a form that is written like a query.
    pub fn is_urlencoded_form(self) -> bool {
        contains_in_any_case(self.0, b"application/x-www-form-urlencoded")
    }

    /// Whether it is a stream of events.
    pub fn is_event_stream(self) -> bool {
        contains_in_any_case(self.essence(), b"event-stream")
    }

    /// Whether it is JSON, or a format that is written as one JSON text (RFC 6839, section 3.1).
    pub fn is_json(self) -> bool {
        let essence = self.essence();
        ends_with_in_any_case(essence, b"/json") || ends_with_in_any_case(essence, b"+json")
    }

    /// Whether it is JSON or one of its many relatives, such as `application/x-ndjson`.
    pub fn is_like_json(self) -> bool {
        contains_in_any_case(self.essence(), b"json")
    }

    /// Whether it is made of gRPC messages in any format: gRPC, and gRPC-Web but for its text form.
    pub fn is_grpc(self) -> bool {
        let essence = self.essence().to_ascii_lowercase();
        let Some(rest) = essence.strip_prefix(b"application/grpc") else {
            return false;
        };
        let rest = rest.strip_prefix(b"-web").unwrap_or(rest);
        rest.is_empty() || rest.starts_with(b"+")
    }
}

fn ends_with_in_any_case(text: &[u8], end: &[u8]) -> bool {
    text.split_at_checked(text.len().saturating_sub(end.len())).is_some_and(|(_, last)| last.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::MediaType;

    fn named(content_type: &str) -> MediaType<'_> {
        MediaType::new(Some(content_type.as_bytes()))
    }

    #[test]
    fn types_of_framed_messages_are_known() {
        for content_type in [
            "application/grpc",
            "Application/gRPC+proto; charset=x",
            "application/grpc-web",
            "application/grpc-web+json",
        ] {
            assert!(named(content_type).is_grpc(), "{content_type}");
        }
        for content_type in
            ["", "application/grpc-web-text", "application/grpc-web-text+proto", "application/grpcx", "text/grpc"]
        {
            assert!(!named(content_type).is_grpc(), "{content_type}");
        }
    }

    #[test]
    fn relatives_of_json_are_not_all_one_text() {
        for (content_type, is_json, is_like_json) in [
            ("application/json", true, true),
            ("Application/JSON ; charset=utf-8", true, true),
            ("application/problem+Json", true, true),
            ("application/x-ndjson", false, true),
            ("json", false, true),
            ("text/html; x=/json", false, false),
            ("", false, false),
        ] {
            let found = named(content_type);
            assert_eq!((found.is_json(), found.is_like_json()), (is_json, is_like_json), "{content_type}");
        }
    }

    #[test]
    fn forms_streams_and_unclear_types_are_known() {
        assert!(named("Multipart/Form-Data; boundary=A").is_multipart_form());
        assert!(named("text/html, application/x-www-form-urlencoded").is_urlencoded_form());
        assert!(named("text/Event-Stream; a=b").is_event_stream());
        assert!(!named("a/b; x=event-stream").is_event_stream());
        for content_type in [None, Some(b"".as_slice()), Some(b" Text/Plain; charset=utf-8")] {
            assert!(MediaType::new(content_type).is_unclear());
        }
        assert!(!named("text/plainer").is_unclear());
    }
}
