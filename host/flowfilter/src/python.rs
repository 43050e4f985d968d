//! Python's regular expressions in the words of the `regex` crate.
//!
//! Most is the same. What means something else there is written in another way, and what has no counterpart is refused.

use std::fmt::Write;

/// Translates a pattern, for a text or for bytes; `has_lines` is whether `$` stands before every line break.
pub(crate) fn translate(pattern: &str, is_text: bool, has_lines: bool) -> Result<String, String> {
    let characters = pattern.chars().collect();
    let mut translator =
        Translator { characters, at: 0, is_text, has_lines, last: Last::Other, translated: String::new() };
    while let Some(character) = translator.next() {
        translator.piece(character)?;
    }
    Ok(translator.translated)
}

struct Translator {
    characters: Vec<char>,
    at: usize,
    is_text: bool,
    has_lines: bool,
    last: Last,
    translated: String,
}

/// What came before, as far as quantifiers have to know it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Quantifier,
    /// A quantifier with the `?` that makes it reluctant.
    Reluctant,
    Other,
}

impl Translator {
    fn piece(&mut self, character: char) -> Result<(), String> {
        let before = std::mem::replace(&mut self.last, Last::Other);
        match character {
            '*' | '+' | '?' => return self.quantifier(character, before),
            '{' => return self.braces(before),
            '\\' => return self.escape(),
            '[' => return self.class(),
            '(' => return self.group(),
            '}' => self.translated.push_str(r"\}"),
            ']' => self.translated.push_str(r"\]"),
            // Python's `$` also stands before a line break at the very end.
            '$' if !self.has_lines => self.translated.push_str(r"(?:\n?\z)"),
            '|' | ')' | '^' | '$' | '.' => self.translated.push(character),
            _ => self.literal(character),
        }
        Ok(())
    }

    fn quantifier(&mut self, sign: char, before: Last) -> Result<(), String> {
        self.last = match (before, sign) {
            (Last::Other, _) => Last::Quantifier,
            (Last::Quantifier, '?') => Last::Reluctant,
            _ => return Err(format!("`{sign}` repeats what is repeated already")),
        };
        self.translated.push(sign);
        Ok(())
    }

    /// A repetition such as `{2,}`, or only a brace.
    fn braces(&mut self, before: Last) -> Result<(), String> {
        let Some(len) = self.rest().iter().position(|&next| next == '}') else {
            self.translated.push_str(r"\{");
            return Ok(());
        };
        let inner: String = self.rest().iter().take(len).collect();
        let is_number = |text: &str| text.chars().all(|next| next.is_ascii_digit());
        let (least, most) = match inner.split_once(',') {
            Some((least, most)) if is_number(least) && is_number(most) => (least, Some(most)),
            None if is_number(&inner) && !inner.is_empty() => (inner.as_str(), None),
            _ => {
                self.translated.push_str(r"\{");
                return Ok(());
            }
        };
        if before != Last::Other {
            return Err(format!("`{{{inner}}}` repeats what is repeated already"));
        }
        let least = if least.is_empty() { "0" } else { least };
        let most = most.map(|most| format!(",{most}")).unwrap_or_default();
        self.translated.push_str(&format!("{{{least}{most}}}"));
        self.at += len + 1;
        self.last = Last::Quantifier;
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.translated.push('(');
        if self.rest().first() != Some(&'?') {
            return Ok(());
        }
        self.at += 1;
        self.translated.push('?');
        let refused = match self.rest() {
            ['=' | '!', ..] | ['<', '=' | '!', ..] => "look-around is not supported, because it can take forever",
            ['P', '=', ..] => BACK_REFERENCE,
            ['(', ..] | ['>', ..] | ['#', ..] => "conditions, atomic groups and comments are not supported",
            rest => {
                let flags = rest.iter().take_while(|next| next.is_ascii_alphabetic() && **next != 'P');
                let flags: String = flags.collect();
                self.has_lines = self.has_lines || flags.contains('m');
                if !flags.contains('x') {
                    return self.group_head();
                }
                "verbose patterns are not supported"
            }
        };
        Err(refused.to_owned())
    }

    /// Copies the flags or the name of a group, to the sign that ends them.
    fn group_head(&mut self) -> Result<(), String> {
        while let Some(next) = self.next() {
            self.translated.push(next);
            if matches!(next, ':' | ')' | '>') {
                return Ok(());
            }
        }
        Err("a group is not closed".to_owned())
    }

    /// What a backslash does outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        match self.rest().first().copied() {
            Some('Z') => self.translated.push_str(r"\z"),
            Some(letter @ ('A' | 'b' | 'B' | 'd' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                self.translated.extend(['\\', letter]);
            }
            Some('1'..='9') if !self.is_octal(3) => return Err(BACK_REFERENCE.to_owned()),
            Some(character) if !character.is_ascii() => self.literal(character),
            _ => {
                let character = self.escaped_character()?;
                self.code(character);
                return Ok(());
            }
        }
        self.at += 1;
        Ok(())
    }

    /// A class such as `[^a-z]`. Python has no classes within classes, and nothing that joins them.
    fn class(&mut self) -> Result<(), String> {
        self.translated.push('[');
        if self.rest().first() == Some(&'^') {
            self.translated.push('^');
            self.at += 1;
        }
        let mut is_first = true;
        loop {
            match self.next() {
                None => return Err("a `[` is without its `]`".to_owned()),
                Some(']') if !is_first => break,
                Some(character) => self.class_item(character)?,
            }
            is_first = false;
            if let ['-', next, ..] = self.rest()
                && *next != ']'
            {
                let next = *next;
                self.translated.push('-');
                self.at += 2;
                self.class_item(next)?;
            }
        }
        self.translated.push(']');
        Ok(())
    }

    fn class_item(&mut self, character: char) -> Result<(), String> {
        if character != '\\' {
            self.literal(character);
            return Ok(());
        }
        match self.rest().first().copied() {
            Some(letter @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                self.translated.extend(['\\', letter]);
                self.at += 1;
            }
            Some('b') => {
                self.code(8);
                self.at += 1;
            }
            Some(character) if !character.is_ascii() => {
                self.literal(character);
                self.at += 1;
            }
            _ => {
                let character = self.escaped_character()?;
                self.code(character);
            }
        }
        Ok(())
    }

    /// The one character that is written with a backslash.
    fn escaped_character(&mut self) -> Result<u32, String> {
        let Some(character) = self.next() else {
            return Err("a backslash stands at its end".to_owned());
        };
        Ok(match character {
            'a' => 7,
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            'x' => self.hexadecimal(2)?,
            'u' if self.is_text => self.hexadecimal(4)?,
            'U' if self.is_text => self.hexadecimal(8)?,
            '0'..='7' => {
                self.at -= 1;
                let len = (1..=3).rev().find(|len| self.is_octal(*len)).unwrap_or(1);
                let digits = self.rest().iter().take(len).filter_map(|digit| digit.to_digit(8));
                let code = digits.fold(0, |code, digit| code * 8 + digit);
                self.at += len;
                code
            }
            letter if letter.is_ascii_alphanumeric() => return Err(format!("`\\{letter}` has no meaning")),
            other => other.into(),
        })
    }

    fn hexadecimal(&mut self, len: usize) -> Result<u32, String> {
        let digits: String = self.rest().iter().take(len).filter(|next| next.is_ascii_hexdigit()).collect();
        self.at += len;
        match u32::from_str_radix(&digits, 16) {
            Ok(code) if digits.len() == len => Ok(code),
            _ => Err(format!("{len} hexadecimal digits are missing after a backslash")),
        }
    }

    /// Whether `len` octal digits follow that make a byte.
    fn is_octal(&self, len: usize) -> bool {
        let digits = self.rest().get(..len).unwrap_or_default();
        let is_octal = |digit: &char| digit.is_digit(8);
        digits.len() == len && digits.iter().all(is_octal) && (len < 3 || matches!(digits.first(), Some('0'..='3')))
    }

    /// A character that stands for itself. Among bytes it is those that it has in UTF-8.
    fn literal(&mut self, character: char) {
        if character.is_ascii_alphanumeric() || character == '_' {
            self.translated.push(character);
        } else if self.is_text {
            self.code(character.into());
        } else {
            let mut buffer = [0; 4];
            character.encode_utf8(&mut buffer).bytes().for_each(|byte| self.code(byte.into()));
        }
    }

    /// A character, or a byte, by its number.
    fn code(&mut self, code: u32) {
        // Writing to a string cannot fail. Only the short form can mean a byte.
        let _ = match code {
            ..=0xff => write!(self.translated, r"\x{code:02x}"),
            _ => write!(self.translated, r"\x{{{code:x}}}"),
        };
    }

    fn next(&mut self) -> Option<char> {
        let next = self.characters.get(self.at).copied();
        self.at += usize::from(next.is_some());
        next
    }

    fn rest(&self) -> &[char] {
        self.characters.get(self.at..).unwrap_or_default()
    }
}

const BACK_REFERENCE: &str = "back-references are not supported, because they can take forever";

#[cfg(test)]
mod tests;
