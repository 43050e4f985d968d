//! What a matcher asks about a request.

use redaction::DECODED_LIMIT;

/// A request, as far as a key may depend on it.
///
/// Every answer may cost a call to the host: a key asks each question at most once for a field, and only if its
/// options make the answer count.
pub trait Subject {
    /// The method as sent.
    fn method(&self) -> String;

    /// `http` or `https`.
    fn scheme(&self) -> String;

    /// The host that the request would be sent to: a name, or an address without brackets.
    fn host(&self) -> String;

    /// The port that the request would be sent to.
    fn port(&self) -> u16;

    /// The host the client named, with its port where it wrote one; nothing when it named none.
    fn authority(&self) -> Option<String>;

    /// Path and query as sent; `*` for the asterisk form, empty for CONNECT.
    fn target(&self) -> String;

    /// All lines of a field joined by `, `; nothing when it is absent. The name is compared without regard to case.
    fn field(&self, name: &str) -> Option<Vec<u8>>;

    /// The lines of a field; none when it is absent.
    fn field_lines(&self, name: &str) -> Vec<Vec<u8>>;

    /// The bytes of the content, before content coding is undone. Asked only if the key depends on what they mean.
    fn content(&self) -> Content;

    /// The SHA-256 digest of the same bytes.
    fn digest(&self) -> Digest;

    /// How many bytes a content may decode to for its meaning to be looked at. Of one with more, its bytes as sent count.
    fn most_decoded(&self) -> usize {
        DECODED_LIMIT
    }
}

/// The content of a request, or why it cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it, possibly nothing.
    Bytes(Vec<u8>),
    /// The recording does not hold it.
    NotRecorded,
    /// It cannot be had: it is too large, late or broken off.
    Unreadable,
}

/// The digest of a request's content, or why it cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// The 32 bytes of the digest of a content that is not empty.
    Known(Vec<u8>),
    /// There is no content, or an empty one.
    Empty,
    /// The recording does not hold the content.
    NotRecorded,
    /// The content cannot be had: it is too large, late or broken off.
    Unreadable,
}
