//! How a file is read, by its first bytes.

use std::path::Path;

use super::{RecordingError, Window};

/// How many bytes at the start of a file decide on its format.
const FORMAT_BYTES: usize = 16;

/// How a file is read, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    FlowFile,
    Json,
    Gzip,
    Zlib,
    Zip,
    Utf16,
    Unknown,
}

impl Signature {
    pub(crate) fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => return Self::Gzip,
            // RFC 1950, section 2.2: deflate with the usual window, and a check of both bytes.
            [0x78, check, ..] if (0x7800 + u16::from(*check)).is_multiple_of(31) => return Self::Zlib,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Self::Zip,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..] => return Self::Utf16,
            _ => {}
        }
        let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
        // A file may be indented further than this.
        if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[') | None) {
            return Self::Json;
        }
        let digits = first.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match first.get(digits) {
            Some(b':') | None if digits > 0 => Self::FlowFile,
            _ => Self::Unknown,
        }
    }

    /// The signature of a file, and the bytes that it was told by.
    pub(crate) fn read(path: &Path, window: &mut Window<'_>) -> Result<(Self, Vec<u8>), RecordingError> {
        let len = window.size().min(FORMAT_BYTES as u64) as usize;
        let first = window.get(0, len).map_err(|source| RecordingError::reading(path, 0, source))?;
        Ok((Self::of(first), first.to_vec()))
    }

    /// Why a file that starts with `first` is not read where another signature should be.
    pub(crate) fn refusal(self, path: &Path, first: &[u8]) -> RecordingError {
        let path = path.into();
        match self {
            Self::Utf16 => RecordingError::Utf16 { path },
            Self::FlowFile | Self::Json | Self::Gzip | Self::Zlib | Self::Zip | Self::Unknown => {
                RecordingError::UnknownFormat { path, found: first.escape_ascii().to_string() }
            }
        }
    }
}
