//! What a block of a string stands for.

use base64::Engine;
use bytes::Bytes;

use super::{
    Form, single_byte,
    survey::BASE64,
    token::{self, Token},
};

/// Decodes a block; nothing if it is none of the form.
pub(super) fn decode(mut raw: Vec<u8>, form: Form) -> Option<Bytes> {
    let unescaped = if memchr::memchr(b'\\', &raw).is_some() {
        // Half a character at the end has no other half.
        raw.push(b'"');
        let (unescaped, left) = unescape(&raw);
        (left.len() == 1).then_some(unescaped)?
    } else {
        raw
    };
    meaning(unescaped, form)
}

/// What the start of a string stands for, as far as it can be told.
pub(super) fn decode_start(raw: &[u8], form: Form) -> Bytes {
    let (mut start, _) = unescape(raw);
    match form {
        Form::Text | Form::SingleBytes => {
            start.truncate(start.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len()))
        }
        Form::Base64 => {
            start.retain(|byte| !byte.is_ascii_whitespace());
            start.truncate(start.len() / 4 * 4);
        }
    }
    meaning(start, form).unwrap_or_default()
}

fn meaning(unescaped: Vec<u8>, form: Form) -> Option<Bytes> {
    match form {
        Form::Text => Some(unescaped.into()),
        Form::SingleBytes => {
            let characters = str::from_utf8(&unescaped).ok()?.chars();
            characters.map(single_byte::byte).collect::<Option<Vec<u8>>>().map(Bytes::from)
        }
        Form::Base64 => {
            let mut symbols = unescaped;
            symbols.retain(|byte| !byte.is_ascii_whitespace());
            BASE64.decode(&symbols).ok().map(Bytes::from)
        }
    }
}

/// The text up to what is no whole token, and what comes from there on.
fn unescape(raw: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut unescaped = Vec::with_capacity(raw.len());
    let mut left = raw;
    loop {
        let len = match token::next(left) {
            Token::Plain(bytes) => {
                unescaped.extend_from_slice(bytes);
                bytes.len()
            }
            Token::Escaped(character, len) => {
                unescaped.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                len
            }
            Token::End | Token::Incomplete | Token::Broken => return (unescaped, left),
        };
        left = left.get(len..).unwrap_or_default();
    }
}
