//! Texts of recordings, made harmless: whoever made a recording must not command the terminal that shows it.

use std::{fmt::Write, path::Path};

/// A text of one line: everything escaped that moves the cursor or changes what is seen.
pub(super) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push(&mut shown, character);
    }
    shown
}

/// Bytes of one line, which usually are ASCII. What is not UTF-8 is taken for Latin-1.
pub(super) fn bytes(bytes: &[u8]) -> String {
    line(&decoded(bytes))
}

/// A text of several lines, which tabs may be in.
pub(super) fn lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive('\n') {
        let (content, end) = match part.strip_suffix('\n') {
            Some(content) => (content.strip_suffix('\r').unwrap_or(content), "\n"),
            None => (part, ""),
        };
        for character in content.chars() {
            match character {
                '\t' => shown.push('\t'),
                _ => push(&mut shown, character),
            }
        }
        shown.push_str(end);
    }
    shown
}

/// A path.
pub(super) fn path(path: &Path) -> String {
    line(&path.to_string_lossy())
}

/// At most so many characters of a text, with a sign that there are more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// A URL in at most so many characters: of one that is longer the scheme goes first, then the host and the query are cut, and
/// the path last, in its middle.
pub(super) fn short_url(url: &str, most: usize) -> String {
    let len = |text: &str| text.chars().count();
    if len(url) <= most {
        return url.to_owned();
    }
    let Some((_, rest)) = url.split_once("://") else { return cut(url, most) };
    let (host, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if len(rest) <= most || target.is_empty() {
        return cut(rest, most);
    }
    let (path, query) = target.split_at(target.find(['?', '#']).unwrap_or(target.len()));
    let room = most.saturating_sub(len(path) + usize::from(!query.is_empty()));
    let host = cut(host, room.max(LEAST_HOST.min(most / 2)));
    let left = most.saturating_sub(len(&host));
    let path = cut_within(path, left.saturating_sub(usize::from(!query.is_empty())));
    let query = if query.is_empty() { String::new() } else { cut(query, left.saturating_sub(len(&path))) };
    cut(&(host + &path + &query), most)
}

/// At most so many characters of a text: its start and its end.
fn cut_within(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (start, end) = (kept / 2, kept - kept / 2);
    let first = characters.iter().take(start);
    first.chain([&'…']).chain(characters.iter().skip(characters.len() - end)).collect()
}

/// Room in which most hosts can be told apart.
const LEAST_HOST: usize = 12;

/// The text that bytes are: UTF-8 if they are that, otherwise Latin-1.
pub(super) fn decoded(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => latin1(bytes),
    }
}

/// The text that bytes of Latin-1 are.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Bytes in lines of sixteen, with their place, as numbers and as characters.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (index, row) in bytes.chunks(ROW).enumerate() {
        let numbers: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let printable = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' };
        let characters: String = row.iter().map(printable).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(dump, "{:08x}  {:<47}  {characters}", index * ROW, numbers.join(" "));
    }
    dump
}

const ROW: usize = 16;

fn push(shown: &mut String, character: char) {
    if oneline::is_harmful(character) {
        shown.extend(character.escape_unicode());
    } else {
        shown.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_commands_a_terminal_is_escaped() {
        assert_eq!(line("a\x1b[2J\u{9b}31m\r\n\t\u{202e}é"), "a\\u{1b}[2J\\u{9b}31m\\u{d}\\u{a}\\u{9}\\u{202e}é");
        assert_eq!(bytes(b"caf\xe9 \x07"), "café \\u{7}");
        assert_eq!(lines("a\tb\r\nc\rd\n\x1b"), "a\tb\nc\\u{d}d\n\\u{1b}");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("ab", 0), "…");
    }

    #[test]
    fn the_path_of_a_long_url_stays() {
        let url = "https://shop.example/api/v1/orders/1042?page=2&sort=date";
        assert_eq!(short_url(url, 60), url);
        assert_eq!(short_url(url, 50), "shop.example/api/v1/orders/1042?page=2&sort=date");
        assert_eq!(short_url(url, 40), "shop.example/api/v1/orders/1042?page=2&…");
        assert_eq!(short_url(url, 32), "shop.example/api/v1/orders/1042…");
        assert_eq!(short_url(url, 28), "shop.example/api/v1…rs/1042…");
        assert_eq!(short_url("http://a-long-name.of-a-host.example/x", 20), "a-long-name.of-a-…/x");
        assert_eq!(short_url("no URL at all", 6), "no UR…");
    }

    #[test]
    fn a_dump_has_sixteen_bytes_a_line() {
        let expected = "00000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................\n\
                        00000010  41 ff                                            A.\n";
        let bytes: Vec<u8> = (0..16).chain([b'A', 0xff]).collect();
        assert_eq!(hex(&bytes), expected);
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(text: String) {
            prop_assert!(!line(&text).contains(char::is_control));
            for most in [0, 1, 7, 30] {
                let shown = short_url(&["http://", &text].concat(), most);
                prop_assert!(shown.chars().count() <= most.max(1), "{}", shown);
            }
            prop_assert!(!lines(&text).contains(|left: char| left.is_control() && left != '\n' && left != '\t'));
        }
    }
}
