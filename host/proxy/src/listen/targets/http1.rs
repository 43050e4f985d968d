//! Where targets are in HTTP/1.

use memchr::memchr;

use crate::flow::raw_bytes::{is_raw, push_stand_in};

/// How far a client's requests were followed.
#[derive(Debug, Default)]
pub(super) struct Http1 {
    place: Place,
    /// The beginning of a line that has not ended.
    line: Vec<u8>,
    framing: Framing,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// A request's line, or an empty one before it (RFC 9112 §2.2).
    #[default]
    Start,
    /// What follows in the line.
    Line(Part),
    /// The head's other lines.
    Fields,
    /// So many bytes of content.
    Content(u64),
    /// The line before a chunk.
    ChunkSize,
    /// So many bytes of a chunk, with the line's end behind it.
    Chunk(u64),
    /// The lines behind the last chunk.
    Trailers,
    /// Something that is not known, to the end.
    Unknown,
}

/// A part of a request's line.
#[derive(Clone, Copy, Debug)]
enum Part {
    Method,
    /// The beginning of a target, with so many slashes so far.
    Scheme(u8),
    Authority,
    Path,
    Version,
}

/// What the fields of a head say of its content.
#[derive(Clone, Copy, Debug, Default)]
enum Framing {
    #[default]
    None,
    Length(u64),
    Chunked,
    Unknown,
}

/// How a request begins that opens a tunnel.
const CONNECT: &[u8] = b"CONNECT ";

/// Longer lines than the HTTP library takes are not looked at.
const LONGEST_LINE: usize = 64 * 1024;

impl Http1 {
    /// Follows what came. Gives what is to be read instead, if there are bytes in targets that need stand-ins.
    pub(super) fn look(&mut self, came: &[u8]) -> Option<Vec<u8>> {
        let mut instead: Option<Vec<u8>> = None;
        let mut at = 0;
        while let Some(next) = came.get(at..).filter(|next| !next.is_empty()) {
            let taken = match &mut self.place {
                Place::Unknown => next.len(),
                Place::Content(left) | Place::Chunk(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(next.len());
                    *left -= taken as u64;
                    taken
                }
                _ => memchr(b'\n', next).map_or(next.len(), |end| end + 1),
            };
            let (next, _) = next.split_at(taken);
            match self.place {
                Place::Start | Place::Line(_) => {
                    if let Some(changed) = self.request_line(next) {
                        instead.get_or_insert_with(|| came.get(..at).unwrap_or_default().to_vec()).extend(changed);
                        at += taken;
                        continue;
                    }
                }
                Place::Fields | Place::ChunkSize | Place::Trailers => self.line(next),
                Place::Content(0) => self.place = Place::Start,
                Place::Chunk(0) => self.place = Place::ChunkSize,
                Place::Content(_) | Place::Chunk(_) | Place::Unknown => {}
            }
            if let Some(instead) = &mut instead {
                instead.extend_from_slice(next);
            }
            at += taken;
        }
        instead
    }

    /// Follows a part of a request's line; the bytes that are to be read instead.
    fn request_line(&mut self, next: &[u8]) -> Option<Vec<u8>> {
        let ends = next.last() == Some(&b'\n');
        let mut part = match self.place {
            Place::Line(part) => part,
            _ if matches!(next, b"\r\n" | b"\n" | b"\r") => return None,
            _ => Part::Method,
        };
        let is_begun = matches!(self.place, Place::Line(_));
        let mut opens_tunnel = next.starts_with(CONNECT);
        let mut instead = None;
        if !ends || is_begun || next.iter().any(|&byte| is_raw(byte)) {
            let mut changed = Vec::new();
            for &byte in next {
                if matches!(part, Part::Method) && self.line.len() < CONNECT.len() {
                    self.line.push(byte);
                }
                part = part.with(byte);
                match part {
                    Part::Path if is_raw(byte) => push_stand_in(&mut changed, byte),
                    _ => changed.push(byte),
                }
            }
            opens_tunnel = self.line == CONNECT;
            instead = (changed.len() != next.len()).then_some(changed);
        }
        self.place = if !ends {
            Place::Line(part)
        } else if opens_tunnel {
            // What follows its head is no HTTP, or not of this connection.
            Place::Unknown
        } else {
            Place::Fields
        };
        if ends {
            self.framing = Framing::None;
            self.line.clear();
        }
        instead
    }

    /// Follows a part of a line.
    fn line(&mut self, next: &[u8]) {
        if next.last() == Some(&b'\n') && self.line.is_empty() {
            return self.whole_line(next);
        }
        self.line.extend_from_slice(next);
        if self.line.len() > LONGEST_LINE {
            self.line = Vec::new();
            self.place = Place::Unknown;
        } else if self.line.last() == Some(&b'\n') {
            let line = std::mem::take(&mut self.line);
            self.whole_line(&line);
        }
    }

    fn whole_line(&mut self, line: &[u8]) {
        let is_empty = matches!(line, b"\r\n" | b"\n");
        self.place = match self.place {
            Place::Fields if is_empty => match self.framing {
                Framing::None | Framing::Length(0) => Place::Start,
                Framing::Length(length) => Place::Content(length),
                Framing::Chunked => Place::ChunkSize,
                Framing::Unknown => Place::Unknown,
            },
            Place::Fields => {
                self.framing = self.framing.with(line);
                Place::Fields
            }
            Place::ChunkSize => match chunk_size(line) {
                Some(0) => Place::Trailers,
                Some(size) => Place::Chunk(size.saturating_add(2)),
                None => Place::Unknown,
            },
            Place::Trailers if line == b"\r\n" => Place::Start,
            Place::Trailers if !line.ends_with(b"\r\n") => Place::Unknown,
            place => place,
        };
    }
}

impl Part {
    /// The part that a byte is of.
    fn with(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Method, b' ') => Self::Scheme(0),
            (Self::Method, _) => Self::Method,
            (_, b' ' | b'\r' | b'\n') => Self::Version,
            // A path at once: the usual form.
            (Self::Scheme(0), b'/') => Self::Path,
            (Self::Scheme(0), b':') => Self::Scheme(1),
            (Self::Scheme(slashes @ 1..), b'/') => {
                if slashes > 1 {
                    Self::Authority
                } else {
                    Self::Scheme(slashes + 1)
                }
            }
            (Self::Scheme(_), _) => Self::Scheme(0),
            (Self::Authority, b'/' | b'?') => Self::Path,
            (part, _) => part,
        }
    }
}

impl Framing {
    /// What is known with a further line.
    fn with(self, line: &[u8]) -> Self {
        // Few fields begin so.
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T' | b'u' | b'U' | b' ' | b'\t')) {
            return self;
        }
        let Some((name, value)) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) else {
            return Self::Unknown;
        };
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let is = |field: &str| name.eq_ignore_ascii_case(field.as_bytes());
        let said = if is("content-length") {
            std::str::from_utf8(value).ok().and_then(|length| length.parse().ok()).map(Self::Length)
        } else if is("transfer-encoding") {
            value.eq_ignore_ascii_case(b"chunked").then_some(Self::Chunked)
        } else if is("upgrade") || line.starts_with(b" ") || line.starts_with(b"\t") {
            None
        } else {
            return self;
        };
        // What contradicts itself is for the HTTP library to refuse.
        said.filter(|_| matches!(self, Self::None)).unwrap_or(Self::Unknown)
    }
}

/// The size that the line before a chunk says.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.strip_suffix(b"\r\n")?.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next()?;
    u64::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?, 16).ok()
}
