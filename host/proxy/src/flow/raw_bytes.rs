//! Bytes that a URI cannot have and that clients put into targets all the same: raw quotes, angle brackets, accents, bytes of
//! other encodings.
//!
//! They are kept as they came. Where a text is wanted, characters of a plane for private use stand for them: U+10FE00 is the
//! byte 0, U+10FEFF is the byte 255. Where a client sent such a character itself, each of its bytes has a stand-in, so that
//! every text is that of one sequence of bytes.

use std::{borrow::Cow, fmt::Write};

/// The stand-in for the byte 0; those of the others follow.
const STAND_INS: u32 = 0x10_FE00;

/// How all stand-ins begin in UTF-8, and no character of another plane.
const LEAD: u8 = 0xF4;

/// Whether a byte is one that the library of URIs takes nowhere, or only in a path, or only in a query; or one of those
/// that it takes if others are beside it.
pub fn is_raw(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'`' | 0x80..)
}

/// Appends the stand-in for a byte.
pub fn push_stand_in(text: &mut Vec<u8>, byte: u8) {
    let stand_in = char::from_u32(STAND_INS + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER);
    text.extend_from_slice(stand_in.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The bytes as a text that a URI can have.
pub(super) fn for_uri(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() * 4);
    for &byte in bytes {
        if is_raw(byte) { push_stand_in(&mut text, byte) } else { text.push(byte) }
    }
    text
}

/// How long that is.
pub(super) fn length_for_uri(bytes: &[u8]) -> usize {
    bytes.iter().map(|&byte| if is_raw(byte) { 4 } else { 1 }).sum()
}

/// The bytes as a text for people: only what is no UTF-8 has stand-ins.
pub(super) fn as_text(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let encoded = char.encode_utf8(&mut buffer).as_bytes();
            match stood_for(char) {
                None => text.extend_from_slice(encoded),
                Some(_) => encoded.iter().for_each(|&byte| push_stand_in(&mut text, byte)),
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_stand_in(&mut text, byte));
    }
    // Made of characters only.
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether a text can have stand-ins.
pub(super) fn may_stand_in(text: &str) -> bool {
    text.as_bytes().contains(&LEAD)
}

/// The bytes of a text.
pub fn restored(text: &str) -> Cow<'_, [u8]> {
    if !may_stand_in(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for char in text.chars() {
        match stood_for(char) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The same where no byte can stand that a URI cannot have: those are percent-encoded.
pub(super) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for &byte in bytes {
        if is_raw(byte) {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        } else {
            text.push(char::from(byte));
        }
    }
    text
}

/// The byte that a character stands for.
fn stood_for(char: char) -> Option<u8> {
    u32::from(char).checked_sub(STAND_INS).and_then(|byte| u8::try_from(byte).ok())
}
