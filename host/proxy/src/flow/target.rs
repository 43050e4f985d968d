//! What a request asks for at its destination.

use std::{borrow::Cow, sync::Arc};

use http::uri::PathAndQuery;

use super::raw_bytes;

/// The target of a request beside its host (RFC 9112 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path with its query, as sent.
    Path(PathAndQuery),
    /// The same with bytes that a URI cannot have, such as a raw `"`.
    Raw(Raw),
    /// The server as a whole: the asterisk form of `OPTIONS`.
    Asterisk,
    /// The destination itself, for `CONNECT`.
    Tunnel,
}

/// A path with its query that a URI cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(Arc<str>);

impl Raw {
    /// Path and query as sent, but for bytes that are not UTF-8: U+10FE80 to U+10FEFF stand for those.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Target {
    /// The target of a text: a path that starts with `/`, with or without a query, or `*`. The characters U+10FE00 to
    /// U+10FEFF stand for the bytes 0 to 255.
    pub fn parse(text: &str) -> Option<Self> {
        if raw_bytes::may_stand_in(text) {
            return Self::of_bytes(&raw_bytes::restored(text));
        }
        if text == "*" {
            return Some(Self::Asterisk);
        }
        // The parser would silently drop a fragment.
        let path = text.parse().ok().filter(|path: &PathAndQuery| path.as_str() == text && text.starts_with('/'));
        path.map(Self::Path).or_else(|| Self::raw(text.as_bytes()))
    }

    /// The same of the bytes that were sent.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !raw_bytes::may_stand_in(text) => Self::parse(text),
            _ => Self::raw(bytes),
        }
    }

    /// Spaces and control characters stand in no target, and a fragment is none of it.
    fn raw(bytes: &[u8]) -> Option<Self> {
        let is_target =
            bytes.first() == Some(&b'/') && !bytes.iter().any(|byte| matches!(byte, 0..=b' ' | b'#' | 0x7F));
        (is_target && raw_bytes::length_for_uri(bytes) <= LONGEST)
            .then(|| Self::Raw(Raw(raw_bytes::as_text(bytes).into())))
    }

    /// A target as the URI of a request has it, where stand-ins are for bytes that no URI can have.
    pub fn of_uri(path: &PathAndQuery) -> Option<Self> {
        if raw_bytes::may_stand_in(path.as_str()) {
            Self::of_bytes(&raw_bytes::restored(path.as_str()))
        } else {
            path.as_str().starts_with('/').then(|| Self::Path(path.clone()))
        }
    }

    /// Path and query as sent; `*` for the asterisk form, empty for CONNECT. U+10FE80 to U+10FEFF stand for bytes that are
    /// not UTF-8.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Path(path) => path.as_str(),
            Self::Raw(raw) => raw.as_str(),
            Self::Asterisk => "*",
            Self::Tunnel => "",
        }
    }

    /// The bytes that were sent.
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Raw(raw) => raw_bytes::restored(raw.as_str()),
            _ => Cow::Borrowed(self.as_str().as_bytes()),
        }
    }

    /// Its part of a URI. What is none, a tunnel, is the root. Stand-ins are for bytes that no URI can have. Nothing if that
    /// makes it too long for one.
    pub fn into_path(self) -> Option<PathAndQuery> {
        match self {
            Self::Path(path) => Some(path),
            Self::Raw(raw) => PathAndQuery::try_from(raw_bytes::for_uri(&raw_bytes::restored(raw.as_str()))).ok(),
            Self::Asterisk => Some(PathAndQuery::from_static("*")),
            Self::Tunnel => Some(PathAndQuery::from_static("/")),
        }
    }

    /// The same target with what a URI cannot have percent-encoded, for servers that nothing else can be sent to.
    #[must_use]
    pub fn encoded(self) -> Self {
        match self {
            Self::Raw(raw) => {
                let encoded = raw_bytes::encoded(&raw_bytes::restored(raw.as_str()));
                encoded.parse().map_or(Self::Raw(raw), Self::Path)
            }
            other => other,
        }
    }
}

/// Most bytes of a path in a URI of the library.
const LONGEST: usize = 65_534;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_target_is_a_path_or_an_asterisk() {
        for text in ["/", "/a?b", "/?", "//a", "*", "/a?b={}|^\\`\"<>", "/\"<>`", "/ä?ö"] {
            assert_eq!(Target::parse(text).expect(text).as_str(), text);
        }
        for text in ["", "a", "?a", "/a#b", "/a b", "**", "http://a/", "/a\n", "/\"\u{7f}", "\"", "/<#", "/< "] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_uri_cannot_have_is_told_apart_from_what_stands_for_it() {
        let target = |bytes: &[u8]| Target::of_bytes(bytes).unwrap();
        assert_eq!(target(b"/caf\xe9").as_str(), "/caf\u{10fee9}");
        assert_eq!(target("/\u{10fee9}".as_bytes()).as_str(), "/\u{10fef4}\u{10fe8f}\u{10febb}\u{10fea9}");
        assert_eq!(target(b"/?a=\"%22\xff").encoded().as_str(), "/?a=%22%22%FF");
        assert_eq!(target(b"/\"?`"), Target::Path(PathAndQuery::from_static("/\"?`")));
        assert_eq!(target(b"/a?b=\"").into_path().unwrap(), "/a?b=\u{10fe22}");
        assert!(Target::of_bytes(&[b"/".as_slice(), &[0xff; LONGEST]].concat()).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_the_same_after_every_way(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let bytes = [b"/".as_slice(), &bytes].concat();
            let Some(target) = Target::of_bytes(&bytes) else { return Ok(()) };
            prop_assert_eq!(&*target.to_bytes(), &*bytes);
            let parsed = Target::parse(target.as_str());
            prop_assert_eq!(parsed.as_ref(), Some(&target));
            prop_assert_eq!(Target::of_uri(&target.clone().into_path().unwrap()), Some(target));
        }
    }
}
