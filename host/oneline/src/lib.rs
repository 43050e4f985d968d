//! Texts for people that stay on one line: chains of errors, and what others wrote.
//!
//! Text from files, peers and addons may hold anything, and is shown in a terminal: it must neither command that nor
//! forge lines. [`escaped`] keeps what was there readable, [`spaced`] keeps it short.

use std::{error::Error, iter};

/// An error and its causes, joined by `: `.
pub fn chain(error: &dyn Error) -> String {
    levels(error).collect::<Vec<_>>().join(": ")
}

/// What an error and each of its causes say, the error first. No level may say what one below it says again.
pub fn levels(error: &dyn Error) -> impl Iterator<Item = String> {
    iter::successors(Some(error), |&error| error.source()).map(ToString::to_string)
}

/// Whether a character does something instead of being seen: it moves the cursor, ends the line or turns text around.
pub fn is_harmful(character: char) -> bool {
    // The breaks of lines and paragraphs, then the marks that set the direction of text (Unicode Annex 9, section 2).
    let is_break = matches!(character, '\u{2028}' | '\u{2029}');
    let is_mark =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_break || is_mark
}

/// A text with an escape such as `\n` or `\u{1b}` for each harmful character.
pub fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// The characters of a text with a space for each harmful one, so that the text does not become longer.
pub fn spaced(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|character| if is_harmful(character) { ' ' } else { character })
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::*;

    const HARMFUL: &str = "a\n\r\t\u{1b}[2J\u{9b}\u{2028}\u{202e}\u{2066}\u{200f}é";

    #[test]
    fn harmful_characters_are_escaped_or_left_out() {
        assert_eq!(escaped(HARMFUL), r"a\n\r\t\u{1b}[2J\u{9b}\u{2028}\u{202e}\u{2066}\u{200f}é");
        assert_eq!(spaced(HARMFUL).collect::<String>(), "a    [2J     é");
    }

    #[test]
    fn a_chain_has_each_level_once() {
        let error = io::Error::other(io::Error::other("below"));
        assert_eq!(chain(&error), "below");
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text: String) {
            prop_assert!(!escaped(&text).contains(is_harmful));
            prop_assert!(!spaced(&text).any(is_harmful));
            if !text.contains(is_harmful) {
                prop_assert_eq!(escaped(&text), text);
            }
        }
    }
}
