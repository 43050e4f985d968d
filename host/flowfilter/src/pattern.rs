//! Patterns, which are Python's regular expressions.

use regex::bytes::{Regex, RegexBuilder};

use crate::python;

/// A pattern that was compiled.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

/// What a pattern is for, which decides on how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes in one line.
    Bytes,
    /// Bytes in lines, each of which has a start and an end.
    Lines,
    /// Bytes where a dot is also the end of a line.
    Body,
    /// A text in one line.
    Text,
    /// A text in lines, each of which has a start and an end.
    TextLines,
}

impl Pattern {
    /// Compiles a pattern, or says why it is none.
    pub(crate) fn parse(text: &str, kind: Kind) -> Result<Self, String> {
        let is_text = matches!(kind, Kind::Text | Kind::TextLines);
        let has_lines = matches!(kind, Kind::Lines | Kind::TextLines);
        let translated = python::translate(text, is_text, has_lines)?;
        let regex = RegexBuilder::new(&translated)
            .unicode(is_text)
            .case_insensitive(true)
            .multi_line(has_lines)
            .dot_matches_new_line(kind == Kind::Body)
            .size_limit(SIZE_LIMIT)
            .build();
        regex.map(Self).map_err(|error| reason(&error))
    }

    /// Whether it occurs in these bytes.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }
}

/// The point of an error that shows the pattern first, in several lines.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large once it is compiled".to_owned(),
        error => {
            let text = error.to_string();
            text.rsplit("error: ").next().unwrap_or_default().trim().replace('\n', " ")
        }
    }
}

/// Room for any pattern that is worth writing.
const SIZE_LIMIT: usize = 4 << 20;
