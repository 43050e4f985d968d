//! The heads of messages: the checks that every format shares, and the memory that keeps what passes them.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use http::Version;

/// What is wrong with a piece of a head.
#[derive(Debug)]
pub(crate) struct Defect {
    /// The byte of the piece that is wrong.
    pub(crate) at: usize,
    pub(crate) what: String,
}

impl From<Defect> for String {
    fn from(defect: Defect) -> Self {
        defect.what
    }
}

/// Keeps the pieces of heads, many in one allocation, and bounds the size of each head.
pub(crate) struct Heads {
    block: BytesMut,
    /// What the current head may still take.
    left: u64,
}

impl Heads {
    pub(crate) fn new() -> Self {
        Self { block: BytesMut::with_capacity(BLOCK), left: 0 }
    }

    /// Starts the next head.
    pub(crate) fn begin(&mut self) {
        self.left = HEAD_LIMIT;
    }

    /// Counts a piece of `len` bytes, before it is read.
    pub(crate) fn spend(&mut self, len: u64) -> Result<(), Defect> {
        match self.left.checked_sub(len) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Defect { at: 0, what: format!("the head is larger than {HEAD_LIMIT} bytes") }),
        }
    }

    /// A piece of a head line or a field value.
    pub(crate) fn line(&mut self, piece: &[u8], what: &str) -> Result<Bytes, Defect> {
        self.keep(piece, what, is_text)
    }

    /// A method or a field name.
    pub(crate) fn token(&mut self, piece: &[u8], what: &str) -> Result<Bytes, Defect> {
        if piece.is_empty() {
            return Err(Defect { at: 0, what: format!("the {what} has no name") });
        }
        self.keep(piece, what, is_token)
    }

    /// Counts and keeps a piece of a head line.
    pub(crate) fn counted_line(&mut self, piece: &[u8], what: &str) -> Result<Bytes, Defect> {
        self.spend(piece.len() as u64)?;
        self.line(piece, what)
    }

    /// Counts and keeps a method.
    pub(crate) fn counted_token(&mut self, piece: &[u8], what: &str) -> Result<Bytes, Defect> {
        self.spend(piece.len() as u64)?;
        self.token(piece, what)
    }

    /// Counts and keeps a field.
    pub(crate) fn field(&mut self, name: &[u8], value: &[u8], what: &str) -> Result<(Bytes, Bytes), Defect> {
        self.spend((name.len() + value.len()) as u64 + FIELD_OVERHEAD)?;
        Ok((self.token(name, what)?, self.line(value, what)?))
    }

    fn keep(&mut self, piece: &[u8], what: &str, is_allowed: fn(u8) -> bool) -> Result<Bytes, Defect> {
        if let Some((at, byte)) = piece.iter().enumerate().find(|(_, byte)| !is_allowed(**byte)) {
            let found = byte.escape_ascii();
            return Err(Defect { at, what: format!("the {what} has a `{found}` in it") });
        }
        self.block.extend_from_slice(piece);
        Ok(self.block.split().freeze())
    }
}

/// Whether a name is that of a pseudo field of HTTP/2 or SPDY. Recorders up to version 7 keep them, and HAR files have them
/// even in HTTP/1.1.
pub(crate) fn is_pseudo(name: &[u8]) -> bool {
    name.starts_with(b":")
}

/// The values of the field lines that a recorder joined to one by line feeds, as browsers' developer tools do where a field
/// repeats. No value begins with white space, so a line that does continues the one before it (RFC 9112, section 5.2). No
/// recorder joins by a carriage return: one stays where it is, to be refused.
pub(crate) fn lines(joined: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut lines: Vec<Cow<'_, [u8]>> = Vec::new();
    let mut rest = joined;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(at);
        add_line(&mut lines, line);
        rest = after.get(1..).unwrap_or_default();
    }
    add_line(&mut lines, rest);
    if lines.len() > 1 {
        lines.retain(|line| !line.is_empty());
    }
    if lines.is_empty() {
        lines.push(Cow::default());
    }
    lines
}

fn add_line<'j>(lines: &mut Vec<Cow<'j, [u8]>>, line: &'j [u8]) {
    match lines.last_mut() {
        Some(folded) if line.starts_with(b" ") || line.starts_with(b"\t") => {
            folded.to_mut().extend([b" ", line.trim_ascii_start()].concat());
        }
        _ => lines.push(line.into()),
    }
}

pub(crate) fn status(status: i64) -> Result<u16, Defect> {
    match u16::try_from(status) {
        Ok(status @ 100..=999) => Ok(status),
        _ => {
            let what = format!("the response's status should be within 100 to 999, found `{status}`");
            Err(Defect { at: 0, what })
        }
    }
}

/// The version of a name, under all the names that recorders use. Anything unheard of is taken for HTTP/1.1, which it is
/// replayed as.
pub(crate) fn version(name: &[u8]) -> Version {
    match name.to_ascii_lowercase().as_slice() {
        b"http/0.9" => Version::HTTP_09,
        b"http/1.0" => Version::HTTP_10,
        b"http/2.0" | b"http/2" | b"h2" => Version::HTTP_2,
        b"http/3.0" | b"http/3" | b"h3" => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}

/// Seconds since the epoch. What no clock shows counts as missing, so that arithmetic on times stays sane.
pub(crate) fn time(seconds: f64) -> Option<f64> {
    (0.0..END_OF_YEAR_9999).contains(&seconds).then_some(seconds)
}

/// What RFC 9110, section 5.5 lets stand in a field value: nothing that ends a line, and no other control character.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a field costs besides its bytes, counted as in RFC 9113, section 6.5.2.
pub(crate) const FIELD_OVERHEAD: u64 = 32;
/// Room for the heads of some dozens of exchanges.
const BLOCK: usize = 64 * 1024;
/// Larger than what servers and clients accept, and few enough fields for any header map.
pub(crate) const HEAD_LIMIT: u64 = 512 * 1024;
const END_OF_YEAR_9999: f64 = 253_402_300_800.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(joined: &str) -> Vec<String> {
        lines(joined.as_bytes()).iter().map(|line| str::from_utf8(line).unwrap().to_owned()).collect()
    }

    #[test]
    fn joined_lines_are_told_apart() {
        assert_eq!(split("a=1; Path=/\nb=2"), ["a=1; Path=/", "b=2"]);
        assert_eq!(split("a\n\nb\n"), ["a", "b"]);
        assert_eq!(split("folded\n  once\n\tand again\nb"), ["folded once and again", "b"]);
        assert_eq!(split(""), [""]);
        assert_eq!(split("\n"), [""]);
        assert_eq!(split(" as it is "), [" as it is "]);
        // What is left of these is refused.
        assert_eq!(split("a\r\nb\r"), ["a\r", "b\r"]);
    }

    proptest! {
        #[test]
        fn no_line_has_a_line_feed_and_there_is_one_at_least(joined in prop::collection::vec(any::<u8>(), 0..20)) {
            let lines = lines(&joined);
            prop_assert!(!lines.is_empty());
            prop_assert!(lines.iter().all(|line| !line.contains(&b'\n')));
            if !joined.contains(&b'\n') {
                prop_assert_eq!(lines.concat(), joined);
            }
        }
    }
}
