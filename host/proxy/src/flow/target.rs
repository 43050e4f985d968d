//! What a request asks for at its destination.

use http::uri::PathAndQuery;

/// The target of a request beside its host (RFC 9112 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path with its query, as sent.
    Path(PathAndQuery),
    /// The server as a whole: the asterisk form of `OPTIONS`.
    Asterisk,
    /// The destination itself, for `CONNECT`.
    Tunnel,
}

impl Target {
    /// The target of a text: a path that starts with `/`, with or without a query, or `*`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Asterisk);
        }
        // The parser would silently drop a fragment.
        let path: PathAndQuery = text.parse().ok()?;
        (text.starts_with('/') && path.as_str() == text).then_some(Self::Path(path))
    }

    /// Path and query as sent; `*` for the asterisk form, empty for CONNECT.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Path(path) => path.as_str(),
            Self::Asterisk => "*",
            Self::Tunnel => "",
        }
    }

    /// Its part of a URI. What is none, a tunnel, is the root.
    pub fn into_path(self) -> PathAndQuery {
        match self {
            Self::Path(path) => path,
            Self::Asterisk => PathAndQuery::from_static("*"),
            Self::Tunnel => PathAndQuery::from_static("/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_path_or_an_asterisk() {
        for text in ["/", "/a?b", "/?", "//a", "*"] {
            assert_eq!(Target::parse(text).expect(text).as_str(), text);
        }
        for text in ["", "a", "?a", "/a#b", "/a b", "**", "http://a/", "/a\n"] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }
}
