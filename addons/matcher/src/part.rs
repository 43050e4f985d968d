//! Where parts go: into a key, or into a list for people.

use sha2::{Digest as _, Sha256};

use crate::Part;

/// What a part is of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Method,
    Scheme,
    Host,
    Port,
    Path,
    Query,
    Field,
    /// The digest of a content that counts byte by byte; empty for an empty content.
    Content,
    /// A content that nobody has.
    Unreadable,
    Form,
    Multipart,
    /// The file name of the multipart field before it.
    FileName,
    /// The content type of the multipart field before it.
    FileType,
    /// A JSON text in its one form; as a detail, a value of it.
    Json,
    /// The digest of all parts of a content that counts by its meaning.
    Meaning,
    Grpc,
    /// A gRPC message whose compression cannot be undone.
    GrpcCompressed,
    /// What a part of a multipart content holds, or one of its fields.
    Part,
    /// The name of a GraphQL operation, empty if it has none.
    Operation,
    /// A GraphQL document in one form.
    Document,
    /// A member of a GraphQL request beside these, such as its variables.
    Member,
    /// A content that has at least what is asked for.
    Least,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Port => "port",
            Self::Path => "path",
            Self::Query => "query",
            Self::Field => "header",
            Self::Content | Self::Unreadable | Self::Meaning | Self::Least => "content",
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::FileName => "multipart-filename",
            Self::FileType => "multipart-type",
            Self::Json => "json",
            Self::Grpc => "grpc message",
            Self::GrpcCompressed => "grpc compressed message",
            Self::Part => "part",
            Self::Operation => "operation",
            Self::Document => "graphql query",
            Self::Member => "graphql",
        }
    }

    /// Whether the part's name is one that the request or an option gave it.
    fn is_named(self) -> bool {
        let is_one = matches!(self, Self::Operation | Self::Document | Self::Least);
        matches!(self, Self::Query | Self::Field) || (self.is_meaning() && !is_one)
    }

    /// Whether the part says what a content means.
    fn is_meaning(self) -> bool {
        let is_of_a_form = matches!(self, Self::Form | Self::Multipart | Self::FileName | Self::FileType);
        let is_of_a_request = matches!(self, Self::Operation | Self::Document | Self::Member);
        is_of_a_form
            || is_of_a_request
            || matches!(self, Self::Json | Self::Grpc | Self::GrpcCompressed | Self::Part | Self::Least)
    }
}

/// Takes the parts of a request in order.
pub(crate) trait Sink {
    /// Whether the parts are for people: then what a content means is told as details, also where it does not count.
    const EXPLAINS: bool;

    /// Takes one part. Only some kinds have a name.
    fn part(&mut self, kind: Kind, name: &[u8], value: &[u8]);

    /// Takes a detail of the last part; whether another one is wanted.
    fn detail(&mut self, kind: Kind, name: &[u8], value: &[u8]) -> bool;
}

/// Makes a key: the parts one after the other, those of a content as one digest at the end.
pub(crate) struct Digested {
    key: Vec<u8>,
    meaning: Option<Gathered>,
}

impl Digested {
    pub(crate) fn new() -> Self {
        /// Enough for most requests, so that the key need not grow.
        const USUAL: usize = 192;
        Self { key: Vec::with_capacity(USUAL), meaning: None }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if let Some(meaning) = self.meaning.take() {
            self.part(Kind::Meaning, b"", &meaning.finish());
        }
        self.key
    }
}

impl Sink for Digested {
    const EXPLAINS: bool = false;

    fn part(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        if kind.is_meaning() {
            let meaning = self.meaning.get_or_insert_default();
            write(kind, name, value, |bytes| meaning.add(bytes));
        } else {
            write(kind, name, value, |bytes| self.key.extend_from_slice(bytes));
        }
    }

    fn detail(&mut self, _: Kind, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

/// Makes a digest of many small pieces, which cost more by themselves than their bytes do.
#[derive(Default)]
struct Gathered {
    digest: Sha256,
    pieces: Vec<u8>,
}

impl Gathered {
    fn add(&mut self, piece: &[u8]) {
        const ENOUGH: usize = 4096;
        if self.pieces.len() + piece.len() > ENOUGH {
            self.digest.update(&self.pieces);
            self.pieces.clear();
        }
        if piece.len() > ENOUGH {
            self.digest.update(piece);
        } else {
            self.pieces.extend_from_slice(piece);
        }
    }

    fn finish(mut self) -> [u8; 32] {
        self.digest.update(&self.pieces);
        self.digest.finalize().into()
    }
}

/// Writes a part so that its end is known from its beginning: then no two lists of parts look the same.
fn write(kind: Kind, name: &[u8], value: &[u8], mut put: impl FnMut(&[u8])) {
    put(&[kind as u8]);
    if kind.is_named() {
        write_counted(name, &mut put);
    }
    write_counted(value, &mut put);
}

/// Writes the length in groups of seven bits, the lowest first, and then the bytes.
fn write_counted(bytes: &[u8], put: &mut impl FnMut(&[u8])) {
    let mut rest = bytes.len();
    while rest >= 0x80 {
        put(&[rest as u8 | 0x80]);
        rest >>= 7;
    }
    put(&[rest as u8]);
    put(bytes);
}

/// Makes a list for people. A query or content may have more parts than anybody reads, and than there is memory for: from some
/// part on they are one.
#[derive(Default)]
pub(crate) struct Named {
    parts: Vec<Part>,
    /// Of the parts of query and content.
    bytes: usize,
    rest: Option<Gathered>,
    /// Whether the rest is of details.
    rest_is_detail: bool,
}

impl Named {
    /// Parts that are named.
    const PARTS: usize = 1024;

    /// Bytes that names and values of such parts have together.
    const BYTES: usize = 256 << 10;

    pub(crate) fn finish(mut self) -> Vec<Part> {
        if let Some(rest) = self.rest {
            let name = "the rest".to_owned();
            let detail = self.rest_is_detail;
            self.parts.push(Part { name, value: readable_digest(&rest.finish()), detail });
        }
        self.parts
    }

    /// Whether a part of query or content is one more that is named. If not, it is one of the rest.
    fn has_room(&mut self, kind: Kind, name: &[u8], value: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(name.len() + value.len().min(SHORT));
        let is_full = self.rest.is_some() || self.bytes > Self::BYTES || self.parts.len() >= Self::PARTS;
        if is_full {
            let rest = self.rest.get_or_insert_default();
            write(kind, name, value, |bytes| rest.add(bytes));
        }
        !is_full
    }
}

impl Sink for Named {
    const EXPLAINS: bool = true;

    fn part(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        let value = match kind {
            Kind::Content => readable_digest(value),
            // It is spelled out by details. Bytes that are the same count as something else.
            Kind::Json => [b"json ".as_slice(), &readable_digest(&Sha256::digest(value))].concat(),
            // These two can be as many as whoever sends the request likes.
            _ if !kind.is_meaning() && kind != Kind::Query => value.to_vec(),
            _ if self.has_room(kind, name, value) => short(value),
            _ => return,
        };
        let name = if kind == Kind::Json { Kind::Content.label().to_owned() } else { named(kind, name) };
        self.parts.push(Part { name, value, detail: false });
    }

    fn detail(&mut self, kind: Kind, name: &[u8], value: &[u8]) -> bool {
        if self.has_room(kind, name, value) {
            self.parts.push(Part { name: named(kind, name), value: short(value), detail: true });
        } else {
            self.rest_is_detail = true;
        }
        self.rest.is_none()
    }
}

/// Bytes of a value that stands for itself in a list for people.
const SHORT: usize = 512;

/// The value, or the beginning of a long one and its digest.
fn short(value: &[u8]) -> Vec<u8> {
    let Some((beginning, _)) = value.split_at_checked(SHORT).filter(|(_, rest)| !rest.is_empty()) else {
        return value.to_vec();
    };
    let size = format!("… ({} bytes, ", value.len());
    [beginning, size.as_bytes(), &readable_digest(&Sha256::digest(value)), b")"].concat()
}

fn named(kind: Kind, name: &[u8]) -> String {
    let mut label = kind.label().to_owned();
    if !kind.is_named() {
        return label;
    }
    match kind {
        // A pointer says what it is. Only a text without members or elements has none.
        Kind::Json if !name.is_empty() => label.clear(),
        Kind::Json => return label,
        _ => label.push(' '),
    }
    push_readable(&mut label, name);
    label
}

/// Adds a name as it is, but for bytes that are not UTF-8 and `%`: they become `%FF`, so that names stay different.
fn push_readable(label: &mut String, name: &[u8]) {
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '%' => label.push_str("%25"),
                _ => label.push(character),
            }
        }
        for &byte in chunk.invalid() {
            label.push_str(percent_encoding::percent_encode_byte(byte));
        }
    }
}

fn readable_digest(digest: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    if !digest.is_empty() {
        text.extend_from_slice(b"sha-256:");
    }
    for byte in digest {
        for nibble in [byte >> 4, byte & 0xf] {
            text.push(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
        }
    }
    text
}
