//! A line that is being edited.

use crate::key::Key;

/// A text with a cursor in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Editor {
    text: String,
    /// Where the next character goes, in bytes; always between characters.
    cursor: usize,
}

impl Editor {
    /// A text, with the cursor at its end.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor.
    pub(crate) fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    /// What stands after it.
    pub(crate) fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// Has something else in the place of what stands before the cursor from there on.
    pub(crate) fn replace_from(&mut self, start: usize, with: &str) {
        let Some(kept) = self.text.get(..start) else { return };
        let text = format!("{kept}{with}{}", self.after());
        self.cursor = start + with.len();
        self.text = text;
    }

    /// Edits by a key. Whether the key means something here.
    pub(crate) fn press(&mut self, key: &Key) -> bool {
        match key {
            Key::Char(character) => self.insert(&character.to_string()),
            // Only the first line: the others would be lost in a line anyway.
            Key::Paste(text) => self.insert(text.lines().next().unwrap_or_default()),
            Key::Backspace | Key::Control('h') => {
                let start = self.previous();
                self.replace_from(start, "");
            }
            Key::Delete | Key::Control('d') => {
                let end = self.next();
                self.text.replace_range(self.cursor..end, "");
            }
            Key::Left | Key::Control('b') => self.cursor = self.previous(),
            Key::Right | Key::Control('f') => self.cursor = self.next(),
            Key::Home | Key::Control('a') => self.cursor = 0,
            Key::End | Key::Control('e') => self.cursor = self.text.len(),
            Key::Control('u') => self.replace_from(0, ""),
            Key::Control('k') => self.text.truncate(self.cursor),
            Key::Control('w') => {
                let start = self.before().trim_end().rfind([' ', '/']).map_or(0, |at| at + 1);
                self.replace_from(start, "");
            }
            _ => return false,
        }
        true
    }

    fn insert(&mut self, text: &str) {
        let text: String = text.chars().filter(|character| !oneline::is_harmful(*character)).collect();
        self.replace_from(self.cursor, &text);
    }

    fn previous(&self) -> usize {
        self.before().char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn next(&self) -> usize {
        self.cursor + self.after().chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_by_characters() {
        let mut editor = Editor::new("größe");
        for key in [Key::Backspace, Key::Left, Key::Backspace, Key::Char('x'), Key::Home, Key::Delete, Key::End] {
            assert!(editor.press(&key));
        }
        assert_eq!((editor.text(), editor.before()), ("rxß", "rxß"));
        editor.press(&Key::Control('u'));
        editor.press(&Key::Paste("one\x1b[2J two\nthree".to_owned()));
        assert_eq!(editor.text(), "one[2J two");
        editor.press(&Key::Control('w'));
        assert_eq!(editor.text(), "one[2J ");
    }
}
