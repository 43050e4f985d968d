//! GraphQL documents without what does not count (GraphQL specification, section 2.1).

use std::ops::Range;

/// A document in one form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    /// Its tokens, with a space only where they would be one without it.
    pub(super) tokens: Vec<u8>,
    /// The name of its operation, if it has one operation and that has a name.
    pub(super) operation: Option<String>,
}

/// Reads a document; nothing when it is none: what begins in another way, or has a brace without the other one.
pub(super) fn read(text: &str) -> Option<Document> {
    let mut lexer = Lexer { text: text.as_bytes(), at: 0 };
    let mut tokens = Vec::with_capacity(text.len());
    let mut operations = Operations::default();
    while let Some(token) = lexer.next()? {
        let token = text.get(token)?;
        let is_of_a_word = |byte: u8| is_of_a_word(byte) || byte == b'"';
        let (last, first) = (tokens.last().copied(), token.bytes().next()?);
        if last.is_some_and(is_of_a_word) && (is_of_a_word(first) || first == b'.') {
            tokens.push(b' ');
        }
        tokens.extend_from_slice(token.as_bytes());
        operations.see(token)?;
    }
    let is_whole = operations.depth == 0 && operations.selections > 0;
    let operation = if operations.count == 1 { operations.name } else { None };
    is_whole.then_some(Document { tokens, operation })
}

/// What a document defines, by its tokens.
#[derive(Default)]
struct Operations {
    depth: usize,
    /// Braces that were opened.
    selections: usize,
    /// Whether a definition has begun whose selection is still to come.
    is_begun: bool,
    /// Whether the next token may be the name of an operation.
    may_be_named: bool,
    count: usize,
    name: Option<String>,
}

impl Operations {
    /// Looks at the next token; nothing if no document has it there.
    fn see(&mut self, token: &str) -> Option<()> {
        let may_be_named = std::mem::take(&mut self.may_be_named);
        match token {
            "(" | "[" if self.depth == 0 && !self.is_begun => return None,
            "{" | "(" | "[" => {
                // What has no keyword is a query.
                self.count += usize::from(self.depth == 0 && !self.is_begun && token == "{");
                self.is_begun |= self.depth == 0;
                self.selections += usize::from(token == "{");
                self.depth += 1;
            }
            "}" | ")" | "]" => {
                self.depth = self.depth.checked_sub(1)?;
                self.is_begun &= self.depth > 0 || token != "}";
            }
            _ if self.depth > 0 => {}
            "query" | "mutation" | "subscription" if !self.is_begun => {
                self.is_begun = true;
                self.may_be_named = true;
                self.count += 1;
            }
            "fragment" if !self.is_begun => self.is_begun = true,
            _ if !self.is_begun => return None,
            name if may_be_named && name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic()) => {
                self.name = Some(name.to_owned());
            }
            _ => {}
        }
        Some(())
    }
}

struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
}

impl Lexer<'_> {
    /// Where the next token is, or that there is none; nothing when a string does not end.
    #[expect(clippy::option_option, reason = "no end and no token differ")]
    fn next(&mut self) -> Option<Option<Range<usize>>> {
        self.pass_ignored();
        let start = self.at;
        let Some(&first) = self.text.get(start) else { return Some(None) };
        let rest = self.text.get(start..)?;
        self.at += match first {
            b'"' => string_end(rest)?,
            b'.' => rest.iter().position(|byte| *byte != b'.').unwrap_or(rest.len()),
            // A fraction belongs to its number.
            b'0'..=b'9' | b'-' => {
                let is_of_a_number = |byte: &u8| is_of_a_word(*byte) || *byte == b'.';
                rest.iter().position(|byte| !is_of_a_number(byte)).unwrap_or(rest.len())
            }
            _ if is_of_a_word(first) => rest.iter().position(|byte| !is_of_a_word(*byte)).unwrap_or(rest.len()),
            _ => 1,
        };
        Some(Some(start..self.at))
    }

    /// Passes white space, commas and comments.
    fn pass_ignored(&mut self) {
        const MARK: &[u8] = "\u{feff}".as_bytes();
        while let Some(rest) = self.text.get(self.at..) {
            self.at += match rest {
                [b' ' | b'\t' | b'\n' | b'\r' | b',', ..] => 1,
                [b'#', ..] => rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len()),
                _ if rest.starts_with(MARK) => MARK.len(),
                _ => return,
            };
        }
    }
}

/// Whether a byte goes on with a name or a number. Characters that are neither stay whole.
fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+') || !byte.is_ascii()
}

/// How long the string is that a text begins with.
fn string_end(text: &[u8]) -> Option<usize> {
    const BLOCK: &[u8] = br#"""""#;
    let quote: &[u8] = if text.starts_with(BLOCK) { BLOCK } else { b"\"" };
    let mut at = quote.len();
    loop {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        if rest.starts_with(quote) {
            return Some(at + quote.len());
        }
        at += match rest {
            // In a block, only the quotes are escaped, all of them at once.
            [b'\\', after @ ..] if quote == BLOCK => 1 + if after.starts_with(BLOCK) { BLOCK.len() } else { 0 },
            [b'\\', _, ..] => 2,
            _ => 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(text: &str) -> Option<(String, Option<String>)> {
        read(text).map(|read| (String::from_utf8(read.tokens).unwrap(), read.operation))
    }

    #[test]
    fn white_space_commas_and_comments_do_not_count() {
        let plain = "query A($a:[Int!]=[1 -2]@x){b(c:\"d, e\")...F}fragment F on T{g}";
        let spread = "\u{feff}# c {\nquery  A ( $a : [ Int ! ] = [ 1, -2 ] @x ) {\r\n b( c :\t\"d, e\" ),\n ... F # }\n} fragment F on T { g }\n";
        assert_eq!(form(plain), Some((plain.to_owned(), Some("A".to_owned()))));
        assert_eq!(form(spread), form(plain));
        assert_ne!(form("{a b}"), form("{ab}"));
        assert_ne!(form("{a(b:\"x  y\")}"), form("{a(b:\"x y\")}"));
        assert_ne!(form("{a(b:1.5)}"), form("{a(b:1 5)}"));
    }

    #[test]
    fn the_only_operation_names_the_document() {
        for (text, name) in [
            ("{a}", None),
            ("query{a}", None),
            ("query ($x:Int){a}", None),
            ("mutation M{a}", Some("M")),
            ("fragment query on T{a} subscription S{query}", Some("S")),
            ("query A{a} query B{b}", None),
            ("query A{a} {b}", None),
            ("query query{mutation}", Some("query")),
            ("query A($x: String = \"}\") {a(b: \"\"\"}\\\"\"\"{\"\"\")}", Some("A")),
        ] {
            assert_eq!(form(text).map(|(_, name)| name), Some(name.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_documents() {
        for text in ["", "shoes", "query", "{", "}", "{a", "a{b}", "query A", "{a(b:\"}", "red shoes {x}", "query A} {"]
        {
            assert_eq!(form(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[a{}() \",#\\\\\n.]{0,30}|\\PC{0,20}") {
            if let Some((tokens, name)) = form(&text) {
                // One form is its own form.
                prop_assert_eq!(form(&tokens), Some((tokens, name)));
            }
        }
    }
}
