//! JSON that is written while its parts are made.

use std::io::{self, Read, Write};

use base64::{engine::general_purpose::STANDARD, write::EncoderWriter};
use serde::Serialize;

/// An object, member after member.
pub(super) struct Object<'w> {
    out: &'w mut dyn Write,
    is_empty: bool,
}

impl<'w> Object<'w> {
    pub(super) fn begin(out: &'w mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{")?;
        Ok(Self { out, is_empty: true })
    }

    /// Starts a member; its value is to be written next.
    pub(super) fn key(&mut self, key: &str) -> io::Result<&mut dyn Write> {
        if !self.is_empty {
            self.out.write_all(b",")?;
        }
        self.is_empty = false;
        serde_json::to_writer(&mut *self.out, key)?;
        self.out.write_all(b":")?;
        Ok(&mut *self.out)
    }

    pub(super) fn member(&mut self, key: &str, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
        Ok(serde_json::to_writer(self.key(key)?, value)?)
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(b"}")
    }
}

/// Writes what is read, which must be UTF-8, as a string.
pub(super) fn text(out: &mut dyn Write, mut source: impl Read) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut buffer = [0; BUFFER];
    loop {
        let len = source.read(&mut buffer)?;
        if len == 0 {
            return out.write_all(b"\"");
        }
        for piece in buffer.get(..len).unwrap_or_default().split_inclusive(|byte| must_be_escaped(*byte)) {
            let (plain, byte) = match piece.split_last() {
                Some((byte, plain)) if must_be_escaped(*byte) => (plain, byte),
                _ => {
                    out.write_all(piece)?;
                    continue;
                }
            };
            out.write_all(plain)?;
            match byte {
                b'"' | b'\\' => out.write_all(&[b'\\', *byte])?,
                b'\n' => out.write_all(b"\\n")?,
                b'\r' => out.write_all(b"\\r")?,
                b'\t' => out.write_all(b"\\t")?,
                _ => write!(out, "\\u{byte:04x}")?,
            }
        }
    }
}

/// RFC 8259, section 7. The bytes of longer characters are none of these.
fn must_be_escaped(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'"' | b'\\')
}

/// Writes what is read as a string in base64.
pub(super) fn base64(out: &mut dyn Write, mut source: impl Read) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut encoder = EncoderWriter::new(&mut *out, &STANDARD);
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()?;
    drop(encoder);
    out.write_all(b"\"")
}

const BUFFER: usize = 16 * 1024;
