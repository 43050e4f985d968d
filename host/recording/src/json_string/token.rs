//! What a string of JSON is made of (RFC 8259, section 7).

/// The start of what is left of a string.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'b> {
    /// Bytes that stand for themselves.
    Plain(&'b [u8]),
    /// An escaped character, and how long its escape is.
    Escaped(char, usize),
    /// The quote behind the string.
    End,
    /// What it is, bytes say that are not here.
    Incomplete,
    /// What no escape is.
    Broken,
}

/// The token at the start of `bytes`. Half a character, which JavaScript allows in a string and Python makes of a byte that
/// is no text, is the replacement character.
pub(super) fn next(bytes: &[u8]) -> Token<'_> {
    match bytes {
        [] => Token::Incomplete,
        [b'"', ..] => Token::End,
        [b'\\'] => Token::Incomplete,
        [b'\\', kind, rest @ ..] => match kind {
            b'u' => unicode(rest),
            b'"' | b'\\' | b'/' => Token::Escaped(char::from(*kind), 2),
            b'b' => Token::Escaped('\u{8}', 2),
            b'f' => Token::Escaped('\u{c}', 2),
            b'n' => Token::Escaped('\n', 2),
            b'r' => Token::Escaped('\r', 2),
            b't' => Token::Escaped('\t', 2),
            _ => Token::Broken,
        },
        _ => {
            let len = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
            Token::Plain(bytes.get(..len).unwrap_or_default())
        }
    }
}

/// The character of which `digits` follow `\u`.
fn unicode(digits: &[u8]) -> Token<'_> {
    let code = match unit(digits) {
        Ok(code) => code,
        Err(instead) => return instead,
    };
    let lone = Token::Escaped(char::REPLACEMENT_CHARACTER, UNIT);
    match (code, digits.get(DIGITS..).unwrap_or_default()) {
        (0xd800..=0xdbff, [] | [b'\\']) => Token::Incomplete,
        (0xd800..=0xdbff, [b'\\', b'u', low @ ..]) => match unit(low) {
            Ok(low @ 0xdc00..=0xdfff) => {
                let paired = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                char::from_u32(paired).map_or(lone, |paired| Token::Escaped(paired, 2 * UNIT))
            }
            Err(Token::Incomplete) => Token::Incomplete,
            // Whatever follows, it is not the other half.
            Ok(_) | Err(_) => lone,
        },
        _ => char::from_u32(code).map_or(lone, |character| Token::Escaped(character, UNIT)),
    }
}

fn unit(digits: &[u8]) -> Result<u32, Token<'static>> {
    let here = digits.get(..DIGITS).unwrap_or(digits);
    let mut code = 0;
    for digit in here {
        code = code * 16 + char::from(*digit).to_digit(16).ok_or(Token::Broken)?;
    }
    if here.len() < DIGITS { Err(Token::Incomplete) } else { Ok(code) }
}

const DIGITS: usize = 4;
/// How long an escape of digits is.
const UNIT: usize = 2 + DIGITS;
