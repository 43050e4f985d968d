//! JSON for people: indented, and otherwise as it was written.
//!
//! Only the white space changes. Reading the values and writing them again would lose the digits of numbers, the order of
//! keys and keys that come twice.

use serde::de::IgnoredAny;

/// The document with each item on a line of its own; nothing if this is no JSON.
pub(super) fn indented(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut writer = Writer { out: String::with_capacity(text.len() * 2), depth: 0 };
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                writer.out.push('"');
                while let Some(character) = rest.next() {
                    writer.out.push(character);
                    match character {
                        '\\' => writer.out.extend(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                writer.out.push(character);
                while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => writer.out.push(close),
                    None => writer.open(),
                }
            }
            '}' | ']' => {
                writer.close();
                writer.out.push(character);
            }
            ',' => {
                writer.out.push(',');
                writer.line();
            }
            ':' => writer.out.push_str(": "),
            _ if character.is_ascii_whitespace() => {}
            _ => writer.out.push(character),
        }
    }
    Some(writer.out)
}

struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    fn open(&mut self) {
        self.depth += 1;
        self.line();
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line();
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn only_white_space_changes() {
        let text = r#"{"b":1.50,"a" : [ ] ,"a":{"x":"[1, 2]\"{:"},"l":[1,[true]]}"#;
        let expected = "{\n  \"b\": 1.50,\n  \"a\": [],\n  \"a\": {\n    \"x\": \"[1, 2]\\\"{:\"\n  },\n  \"l\": [\n    1,\n    [\n      \
                        true\n    ]\n  ]\n}";
        assert_eq!(indented(text).unwrap(), expected);
        assert_eq!(indented(&indented(text).unwrap()).unwrap(), expected);
        assert_eq!(indented("{}").unwrap(), "{}");
        assert_eq!(indented("\"a\"").unwrap(), "\"a\"");
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for text in ["", "{", "a", "{} {}", "[1,]"] {
            assert_eq!(indented(text), None, "{text}");
        }
    }
}
