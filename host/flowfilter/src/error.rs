//! Why an expression is no filter.

use std::fmt;

/// Why an expression is no filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The expression.
    pub expression: String,
    /// The character in it that is wrong, from 1.
    pub character: usize,
    /// What is wrong there.
    pub what: String,
}

impl ParseError {
    /// The same without what was attempted, for those who say that themselves.
    pub fn reason(&self) -> String {
        let Self { expression, character, what } = self;
        format!("at character {character} of filter `{expression}`, {what}")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expression, character, what } = self;
        write!(formatter, "cannot read filter `{expression}`: at character {character}, {what}")
    }
}

impl std::error::Error for ParseError {}
