//! One pattern by itself, which is looked for in names and other short texts.

use std::fmt;

use crate::pattern::{Kind, Pattern};

/// A regular expression of Python's that is looked for anywhere in a text, without regard to case.
#[derive(Clone, Debug)]
pub struct Search {
    text: String,
    pattern: Pattern,
}

impl Search {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is none, or needs backtracking; the text says which.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), pattern: Pattern::parse(text, Kind::Text)? })
    }

    /// Whether it occurs in a text.
    pub fn is_in(&self, text: &str) -> bool {
        self.pattern.is_in(text.as_bytes())
    }
}

impl PartialEq for Search {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Search {}

impl fmt::Display for Search {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
