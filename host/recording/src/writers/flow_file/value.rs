//! Values that are to be written. Their lengths are known before the first byte is, so nothing is held to count it, and
//! content may stay where it is until it is copied.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
};

use crate::json_string::JsonString;

/// A value with the length of its payload.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    len: u64,
    kind: u8,
    payload: Payload<'a>,
}

#[derive(Debug)]
enum Payload<'a> {
    Own(Vec<u8>),
    Borrowed(&'a [u8]),
    File { file: &'a File, offset: u64 },
    Quoted { file: &'a File, string: &'a JsonString },
    Items(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    pub(crate) fn null() -> Self {
        Self::borrowed(b'~', b"")
    }

    pub(crate) fn bytes(bytes: &'a [u8]) -> Self {
        Self::borrowed(b',', bytes)
    }

    pub(crate) fn text(text: &'a str) -> Self {
        Self::borrowed(b';', text.as_bytes())
    }

    /// Text of this value alone.
    pub(crate) fn owned_text(text: String) -> Self {
        Self::own(b';', text.into_bytes())
    }

    pub(crate) fn boolean(is: bool) -> Self {
        Self::borrowed(b'!', if is { b"true" } else { b"false" })
    }

    pub(crate) fn integer(number: impl Into<u64>) -> Self {
        Self::own(b'#', number.into().to_string().into_bytes())
    }

    /// The shortest digits that are read as the same number, as Python writes them too.
    pub(crate) fn float(number: f64) -> Self {
        Self::own(b'^', format!("{number:?}").into_bytes())
    }

    /// Bytes that are copied out of a file.
    pub(crate) fn stored(file: &'a File, offset: u64, len: u64) -> Self {
        Self { len, kind: b',', payload: Payload::File { file, offset } }
    }

    /// Bytes that are decoded out of a file.
    pub(crate) fn quoted(file: &'a File, string: &'a JsonString) -> Self {
        Self { len: string.size(), kind: b',', payload: Payload::Quoted { file, string } }
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::items(b']', items)
    }

    /// Integers, which need less memory together than each alone.
    pub(crate) fn integers(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut written = Vec::new();
        for number in numbers {
            let number = number.to_string();
            written.extend_from_slice(number.len().to_string().as_bytes());
            written.push(b':');
            written.extend_from_slice(number.as_bytes());
            written.push(b'#');
        }
        Self::own(b']', written)
    }

    pub(crate) fn dict(entries: Vec<(&'a str, Self)>) -> Self {
        let items = entries.into_iter().flat_map(|(key, value)| [Self::text(key), value]);
        Self::items(b'}', items.collect())
    }

    /// The value that there may be, or null.
    pub(crate) fn or_null<T>(value: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        value.map_or_else(Self::null, make)
    }

    /// Writes the value with its frame.
    ///
    /// # Errors
    /// When `out` fails, or a file that content is copied out of. What was written until then is part of a value.
    pub(crate) fn write<W: Write>(&self, out: &mut W) -> io::Result<()> {
        write_len(self.len, out)?;
        match &self.payload {
            Payload::Own(bytes) => out.write_all(bytes)?,
            Payload::Borrowed(bytes) => out.write_all(bytes)?,
            Payload::File { file, offset } => copy(file, *offset, self.len, out)?,
            Payload::Quoted { file, string } => {
                io::copy(&mut string.reader(file), out)?;
            }
            Payload::Items(items) => items.iter().try_for_each(|item| item.write(out))?,
        }
        out.write_all(&[self.kind])
    }

    fn own(kind: u8, bytes: Vec<u8>) -> Self {
        Self { len: bytes.len() as u64, kind, payload: Payload::Own(bytes) }
    }

    fn borrowed(kind: u8, bytes: &'a [u8]) -> Self {
        Self { len: bytes.len() as u64, kind, payload: Payload::Borrowed(bytes) }
    }

    fn items(kind: u8, items: Vec<Self>) -> Self {
        Self { len: items.iter().map(Self::framed_len).sum(), kind, payload: Payload::Items(items) }
    }

    /// The length with the frame around the payload: digits, a colon and a type.
    fn framed_len(&self) -> u64 {
        u64::from(self.len.checked_ilog10().unwrap_or(0)) + 1 + 2 + self.len
    }
}

/// Writes a length and the colon behind it. A flow has some hundred, and the standard library's formatting of them took a fifth
/// of the time of recording one.
fn write_len<W: Write>(len: u64, out: &mut W) -> io::Result<()> {
    // As many digits as a number may have, and the colon.
    let mut text = [b':'; 21];
    let (mut left, mut used) = (len, 1);
    for digit in text.iter_mut().rev().skip(1) {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    out.write_all(text.get(text.len() - used..).unwrap_or_default())
}

fn copy<W: Write>(file: &File, offset: u64, len: u64, out: &mut W) -> io::Result<()> {
    let copied = io::copy(&mut Part { file, offset, left: len }, out)?;
    if copied < len {
        let missing = format!("{} bytes of the content are missing", len - copied);
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, missing));
    }
    Ok(())
}

/// A part of a file. It is read at positions, because the place where the file itself is read is shared by all who have it.
struct Part<'f> {
    file: &'f File,
    offset: u64,
    left: u64,
}

impl io::Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read_at(buffer.get_mut(..len).unwrap_or_default(), self.offset)?;
        self.offset += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
impl Value<'_> {
    /// The keys of a dict.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let Payload::Items(items) = &self.payload else { return Vec::new() };
        let key = |item: &'_ Self| match item.payload {
            Payload::Borrowed(key) => std::str::from_utf8(key).unwrap(),
            _ => panic!("a key is borrowed"),
        };
        items.iter().step_by(2).map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn written(value: &Value<'_>) -> String {
        let mut out = Vec::new();
        value.write(&mut out).unwrap();
        assert_eq!(out.len() as u64, value.framed_len());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lengths_are_written_in_all_their_digits() {
        for len in [0, 9, 10, 99, 100, 12_345, u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            write_len(len, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{len}:"));
        }
    }

    #[test]
    fn every_kind_is_written_as_python_does() {
        for (value, expected) in [
            (Value::null(), "0:~"),
            (Value::bytes(b"ab"), "2:ab,"),
            (Value::text("\u{e9}"), "2:\u{e9};"),
            (Value::owned_text("0123456789".into()), "10:0123456789;"),
            (Value::boolean(true), "4:true!"),
            (Value::boolean(false), "5:false!"),
            (Value::integer(0_u64), "1:0#"),
            (Value::integer(u64::MAX), "20:18446744073709551615#"),
            (Value::float(1_795_415_694.633_101_5), "18:1795415694.6331015^"),
            (Value::float(2.0), "3:2.0^"),
            (Value::list(vec![]), "0:]"),
            (Value::list(vec![Value::null(), Value::bytes(b"")]), "6:0:~0:,]"),
            (Value::integers([]), "0:]"),
            (Value::integers([7, 1000]), "11:1:7#4:1000#]"),
            (Value::dict(vec![("a", Value::null()), ("b", Value::dict(vec![]))]), "14:1:a;0:~1:b;0:}}"),
            (Value::or_null(None, Value::text), "0:~"),
            (Value::or_null(Some("x"), Value::text), "1:x;"),
        ] {
            assert_eq!(written(&value), expected);
        }
    }

    #[test]
    fn lengths_of_every_magnitude_are_counted() {
        let bytes = vec![b'x'; 100_000];
        for len in [0, 1, 9, 10, 99, 100, 999, 1000, 9_999, 10_000, 99_999, 100_000] {
            let nested = Value::list(vec![Value::bytes(&bytes[..len])]);
            assert!(written(&nested).ends_with(",]"));
        }
    }

    #[test]
    fn stored_bytes_are_copied_from_their_place_without_moving_in_the_file() {
        let file = samples::file(b"0123456789");
        let opened = File::open(&file.path).unwrap();
        assert_eq!(written(&Value::stored(&opened, 2, 5)), "5:23456,");
        assert_eq!(written(&Value::stored(&opened, 0, 10)), "10:0123456789,");
        assert_eq!(written(&Value::stored(&opened, 10, 0)), "0:,");
        let error = Value::stored(&opened, 8, 5).write(&mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "3 bytes of the content are missing");
    }
}
