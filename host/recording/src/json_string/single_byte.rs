//! Characters that stand for one byte each.

/// The byte that a character was, if a text was made of bytes by the charset that browsers take where none is named (windows-1252,
/// or Latin-1), which has a character for each.
pub(crate) fn byte(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(byte) => Some(byte),
        Err(_) => {
            let place = OF_WINDOWS.iter().position(|other| *other == character)?;
            u8::try_from(place).ok().map(|place| FIRST_OF_WINDOWS + place)
        }
    }
}

/// Whether Latin-1 has a character.
pub(crate) fn is_latin1(character: char) -> bool {
    u8::try_from(character).is_ok()
}

/// Whether a character is a control character that nobody writes in a text.
pub(crate) fn is_of_no_text(character: char) -> bool {
    character < ' ' && !matches!(character, '\t' | '\n' | '\r' | '\u{8}' | '\u{c}' | '\u{1b}')
}

const FIRST_OF_WINDOWS: u8 = 0x80;

/// What windows-1252 has in the place of Latin-1's control characters; those where it has nothing else stay (WHATWG, Encoding).
const OF_WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_its_character() {
        let text = "aé\u{80}€\u{9f}Ÿ’";
        let bytes: Vec<u8> = text.chars().filter_map(byte).collect();
        assert_eq!(bytes, b"a\xe9\x80\x80\x9f\x9f\x92");
        assert!(['Ā', 'ł', '🧀', '\u{2028}'].into_iter().all(|other| byte(other).is_none()));
    }
}
