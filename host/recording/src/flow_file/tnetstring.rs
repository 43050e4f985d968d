//! The framing of flow files: `LENGTH:PAYLOAD` and a type byte, dicts and lists holding more of the same.
//!
//! A [`Frame`] says where a value lies and of what kind it is. Nothing below it is looked at until someone asks, so unknown
//! and large values cost nothing, and no input can make the reader recurse.

use std::io;

use crate::{model::Span, reading::Window};

/// Where a value lies, and its kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The first byte of the payload.
    pub(super) start: u64,
    /// The length of the payload.
    pub(super) len: u64,
    pub(super) kind: Kind,
}

impl Frame {
    /// The position after the payload, which is that of the type byte.
    fn end(&self) -> u64 {
        self.start + self.len
    }

    /// The position of the frame that follows.
    pub(super) fn next(&self) -> u64 {
        self.end() + 1
    }

    /// This frame, unless it is null.
    pub(super) fn present(self) -> Option<Self> {
        (self.kind != Kind::Null).then_some(self)
    }
}

impl From<Frame> for Span {
    fn from(frame: Frame) -> Self {
        Self::new(frame.start, frame.len)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bytes,
    Text,
    Integer,
    Float,
    Bool,
    Null,
    List,
    Dict,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b',' => Self::Bytes,
            b';' => Self::Text,
            b'#' => Self::Integer,
            b'^' => Self::Float,
            b'!' => Self::Bool,
            b'~' => Self::Null,
            b']' => Self::List,
            b'}' => Self::Dict,
            _ => return None,
        })
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Text => "text",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Bool => "a bool",
            Self::Null => "null",
            Self::List => "a list",
            Self::Dict => "a dict",
        }
    }
}

/// Why a value cannot be read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The file cannot be read, so nothing can.
    Io { offset: u64, source: io::Error },
    /// The value is not what it should be.
    Flaw(Flaw),
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) offset: u64,
    pub(super) what: String,
}

impl Trouble {
    pub(super) fn flaw(offset: u64, what: impl Into<String>) -> Self {
        Self::Flaw(Flaw { offset, what: what.into() })
    }

    /// Nothing instead of a flaw, for values that may be left out. A file that cannot be read stays an error.
    pub(super) fn without_flaw<T>(self) -> Result<Option<T>, Self> {
        match self {
            Self::Flaw(_) => Ok(None),
            trouble => Err(trouble),
        }
    }
}

/// The frames inside a list or a dict that were not read yet.
pub(super) struct Inside {
    at: u64,
    end: u64,
}

/// Reads frames, and the values in them.
pub(super) struct Reader<'f> {
    window: Window<'f>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(window: Window<'f>) -> Self {
        Self { window }
    }

    /// The size of the file.
    pub(super) fn size(&self) -> u64 {
        self.window.size()
    }

    /// The frame at `at`, which lies wholly before `end`.
    pub(super) fn frame(&mut self, at: u64, end: u64) -> Result<Frame, Trouble> {
        let io_trouble = |source| Trouble::Io { offset: at, source };
        let room = end.saturating_sub(at);
        let prefix = self.window.get(at, room.min(PREFIX_LIMIT as u64) as usize).map_err(io_trouble)?;
        let digits = prefix.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = prefix.split_at(digits);
        let len = number.iter().fold(0, |len, digit| len * 10 + u64::from(digit - b'0'));
        match rest.first() {
            Some(b':') if digits > 0 => {}
            None if prefix.len() < PREFIX_LIMIT => {
                return Err(Trouble::flaw(at, "the length is cut off"));
            }
            _ => {
                let found = prefix.escape_ascii();
                return Err(Trouble::flaw(at, format!("a length such as `1852:` should be, found `{found}`")));
            }
        }
        let start = at + digits as u64 + 1;
        // The type byte needs room too.
        let left = end.saturating_sub(start);
        if len >= left {
            let what = format!("{len} bytes and a type should follow, and only {left} bytes are left");
            return Err(Trouble::flaw(at, what));
        }
        let offset = start + len;
        let byte = self.window.byte(offset).map_err(|source| Trouble::Io { offset, source })?;
        let Some(kind) = Kind::of(byte) else {
            let found = byte.escape_ascii();
            return Err(Trouble::flaw(offset, format!("a type should be, found `{found}`")));
        };
        Ok(Frame { start, len, kind })
    }

    /// The inside of a dict or a list, which must be the `kind` asked for; `what` names it in messages.
    pub(super) fn inside(&self, frame: Frame, kind: Kind, what: &str) -> Result<Inside, Trouble> {
        if frame.kind != kind {
            return Err(unexpected(frame, kind.name(), what));
        }
        Ok(Inside { at: frame.start, end: frame.end() })
    }

    /// The next item of a list.
    pub(super) fn item(&mut self, list: &mut Inside) -> Result<Option<Frame>, Trouble> {
        if list.at >= list.end {
            return Ok(None);
        }
        let frame = self.frame(list.at, list.end)?;
        list.at = frame.next();
        Ok(Some(frame))
    }

    /// The next entry of a dict. Its key is still to be read with [`Reader::string`].
    pub(super) fn entry(&mut self, dict: &mut Inside) -> Result<Option<(Frame, Frame)>, Trouble> {
        let Some(key) = self.item(dict)? else {
            return Ok(None);
        };
        match self.item(dict)? {
            Some(value) => Ok(Some((key, value))),
            None => Err(Trouble::flaw(dict.at, "a dict ends after a key")),
        }
    }

    /// The payload of bytes or text. Files of the Python 2 era have bytes where later ones have text.
    pub(super) fn string(&mut self, frame: Frame, what: &str) -> Result<&[u8], Trouble> {
        if !matches!(frame.kind, Kind::Bytes | Kind::Text) {
            return Err(unexpected(frame, "bytes or text", what));
        }
        self.payload(frame, STRING_LIMIT, what)
    }

    pub(super) fn integer(&mut self, frame: Frame, what: &str) -> Result<i64, Trouble> {
        match frame.kind {
            Kind::Integer => self.number(frame, what),
            _ => Err(unexpected(frame, "an integer", what)),
        }
    }

    /// A float, or an integer as one.
    pub(super) fn float(&mut self, frame: Frame, what: &str) -> Result<f64, Trouble> {
        match frame.kind {
            Kind::Integer | Kind::Float => self.number(frame, what),
            _ => Err(unexpected(frame, "a number", what)),
        }
    }

    pub(super) fn boolean(&mut self, frame: Frame, what: &str) -> Result<bool, Trouble> {
        if frame.kind != Kind::Bool {
            return Err(unexpected(frame, "a bool", what));
        }
        match self.payload(frame, NUMBER_LIMIT, what)? {
            b"true" => Ok(true),
            b"false" => Ok(false),
            other => {
                let found = other.escape_ascii();
                Err(Trouble::flaw(frame.start, format!("the {what} should be `true` or `false`, found `{found}`")))
            }
        }
    }

    fn number<N: std::str::FromStr>(&mut self, frame: Frame, what: &str) -> Result<N, Trouble> {
        let payload = self.payload(frame, NUMBER_LIMIT, what)?;
        let number = std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok());
        number.ok_or_else(|| {
            let found = payload.escape_ascii();
            Trouble::flaw(frame.start, format!("the {what} should be a number, found `{found}`"))
        })
    }

    fn payload(&mut self, frame: Frame, limit: u64, what: &str) -> Result<&[u8], Trouble> {
        let Frame { start, len, .. } = frame;
        if len > limit {
            let what = format!("the {what} has {len} bytes, at most {limit} are read");
            return Err(Trouble::flaw(start, what));
        }
        self.window.get(start, len as usize).map_err(|source| Trouble::Io { offset: start, source })
    }
}

fn unexpected(frame: Frame, expected: &str, what: &str) -> Trouble {
    let found = frame.kind.name();
    Trouble::flaw(frame.start, format!("the {what} should be {expected}, found {found}"))
}

/// The format allows twelve digits and a colon.
const PREFIX_LIMIT: usize = 13;
/// Longer than any head that a server or a client accepts.
const STRING_LIMIT: u64 = 512 * 1024;
/// Every integer of 64 bits and every float in Python's notation is shorter.
const NUMBER_LIMIT: u64 = 32;

#[cfg(test)]
mod tests;
