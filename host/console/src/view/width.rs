//! Texts by the columns that they take on the screen.

use ratatui::{
    style::Style,
    text::{Line, Span},
};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// What takes the place of what is left out.
const ELLIPSIS: &str = "…";

/// A text of others on one line, harmless.
pub(crate) fn clean(text: &str) -> String {
    oneline::escaped(text)
}

/// The columns of a text.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// A text without its end if it takes more columns.
pub(crate) fn short(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let kept = start(text, most.saturating_sub(1));
    format!("{kept}{}", if most == 0 { "" } else { ELLIPSIS })
}

/// A text without its middle if it takes more columns: of a path, start and end tell most.
pub(crate) fn without_middle(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(1);
    let tail = end(text, room / 2);
    let head = start(text, room - columns(tail));
    format!("{head}{}{tail}", if most == 0 { "" } else { ELLIPSIS })
}

/// A text of exactly so many columns: cut, or with spaces behind it.
pub(crate) fn left(text: &str, width: usize) -> String {
    let text = short(text, width);
    let spaces = width.saturating_sub(columns(&text));
    format!("{text}{:spaces$}", "")
}

/// A text of exactly so many columns: cut, or with spaces before it.
pub(crate) fn right(text: &str, width: usize) -> String {
    let text = short(text, width);
    let spaces = width.saturating_sub(columns(&text));
    format!("{:spaces$}{text}", "")
}

/// As much of the beginning as fits.
fn start(text: &str, most: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > most
    });
    text.get(..end.map_or(text.len(), |(at, _)| at)).unwrap_or_default()
}

/// As much of the end as fits.
fn end(text: &str, most: usize) -> &str {
    let mut used = 0;
    let start = text.char_indices().rev().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > most
    });
    let start = start.map_or(0, |(at, character)| at + character.len_utf8());
    text.get(start..).unwrap_or_default()
}

/// Lines of others, wrapped and harmless. A line that goes on is not indented: it can be copied as it is.
pub(crate) fn wrapped(text: &str, style: Style, width: u16) -> impl Iterator<Item = Line<'static>> + use<> {
    let clean = clean(text);
    let mut rest = clean.as_str();
    let mut parts = Vec::new();
    loop {
        let part = start(rest, width.max(1).into());
        // A character that is wider than the screen.
        let part = if part.is_empty() { rest } else { part };
        parts.push(Line::from(Span::styled(part.to_owned(), style)));
        rest = rest.get(part.len()..).unwrap_or_default();
        if rest.is_empty() {
            return parts.into_iter();
        }
    }
}

/// Text as lines at words' ends, for sentences.
pub(crate) fn filled(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in clean(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(short(word, width)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_columns() {
        assert_eq!(without_middle("shop.example/api/orders/1042", 16), "shop.exa…rs/1042");
        assert_eq!(left("日本語", 5), "日本…");
        assert_eq!(right("7", 3), "  7");
        assert_eq!(short("abc", 0), "");
        let lines: Vec<String> = wrapped("abcdef\u{1b}", Style::new(), 4).map(|line| line.to_string()).collect();
        assert_eq!(lines, ["abcd", "ef\\u", "{1b}"]);
        assert_eq!(filled("one two  three", 7), ["one two", "three"]);
    }
}
