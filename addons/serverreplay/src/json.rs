//! Writing JSON (RFC 8259).

use std::fmt::{Display, Write};

/// A list of objects, or the members of an object, as they are written.
pub(crate) struct Json {
    text: String,
    close: char,
}

impl Json {
    /// An empty list.
    pub(crate) fn list() -> Self {
        Self { text: "[".to_owned(), close: ']' }
    }

    /// An empty object.
    pub(crate) fn object() -> Self {
        Self { text: "{".to_owned(), close: '}' }
    }

    /// Adds an object to a list.
    pub(crate) fn item(&mut self, write: impl FnOnce(&mut Self)) {
        let mut object = Self::object();
        write(&mut object);
        self.separate();
        self.text.push_str(&object.finish());
    }

    /// Adds a member that is a text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        string(&mut self.text, value);
    }

    /// Adds a member that is a number.
    pub(crate) fn number(&mut self, name: &str, value: impl Display) {
        self.raw(name, &value.to_string());
    }

    /// Adds a member that is written already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.text.push_str(json);
    }

    /// The whole.
    pub(crate) fn finish(mut self) -> String {
        self.text.push(self.close);
        self.text
    }

    fn name(&mut self, name: &str) {
        self.separate();
        string(&mut self.text, name);
        self.text.push(':');
    }

    fn separate(&mut self) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
    }
}

fn string(text: &mut String, value: &str) {
    text.push('"');
    for char in value.chars() {
        match char {
            '"' | '\\' => text.extend(['\\', char]),
            '\0'..'\u{20}' | '\u{7f}' => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(char));
            }
            _ => text.push(char),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_members_separated() {
        let mut list = Json::list();
        assert_eq!(Json::list().finish(), "[]");
        for _ in 0..2 {
            list.item(|object| {
                object.text("a\"", "b\\\n\u{1b}ä");
                object.number("n", 7);
                object.raw("r", "[]");
            });
        }
        let object = r#"{"a\"":"b\\\u000a\u001bä","n":7,"r":[]}"#;
        assert_eq!(list.finish(), format!("[{object},{object}]"));
    }
}
