//! Where pointers lead to in JSON texts.

use std::{borrow::Cow, fmt};

use json_pointer::{JsonPointer, Segment, behind, behind_element};
use memchr::memmem;
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, Visitor},
};

use crate::{edit::Edit, json_text::Cursor};

/// [`crate::REPLACEMENT`] as JSON.
const REPLACEMENT: &str = "\"redacted\"";

/// The text may hold a value that is to be replaced, but is no JSON in which it could be found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

/// Finds the values at the pointers in a text of any number of JSON values, in order and apart; whether the text is that.
///
/// # Errors
/// When the text is no JSON, but may be meant as one that holds such a value.
pub(crate) fn find(text: &[u8], pointers: &[JsonPointer], found: &mut dyn FnMut(Edit)) -> Result<bool, Unclear> {
    let places = str::from_utf8(text).ok().filter(|text| is_json(text));
    match places.and_then(|text| places_in(text, pointers, found)) {
        Some(()) => Ok(true),
        None if may_hold(text, pointers) => Err(Unclear),
        None => Ok(false),
    }
}

/// Whether a text has the beginning of a JSON object or array.
pub(crate) fn begins(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    text.starts_with(b"{") || text.starts_with(b"[")
}

/// Whether a text is made of JSON values only.
fn is_json(text: &str) -> bool {
    serde_json::Deserializer::from_str(unmarked(text)).into_iter::<IgnoredAny>().all(|value| value.is_ok())
}

/// Some writers begin with a mark that is not part of the text.
fn unmarked(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Of members with the same name all count: nobody knows which of them a reader takes.
fn places_in(text: &str, pointers: &[JsonPointer], found: &mut dyn FnMut(Edit)) -> Option<()> {
    let pointers: Vec<&[Segment]> = pointers.iter().map(JsonPointer::segments).collect();
    let values = unmarked(text);
    let mut walk = Walk { cursor: Cursor::new(values), start: text.len() - values.len(), found };
    while walk.cursor.peek().is_some() {
        walk.value(&pointers)?;
    }
    Some(())
}

struct Walk<'t, 'f> {
    cursor: Cursor<'t>,
    /// Where in the text the cursor began.
    start: usize,
    found: &'f mut dyn FnMut(Edit),
}

impl Walk<'_, '_> {
    /// Looks into one value with the ends of the pointers that led here, so never deeper than a pointer is long.
    fn value(&mut self, pointers: &[&[Segment]]) -> Option<()> {
        let first = self.cursor.peek()?;
        if pointers.iter().any(|pointer| pointer.is_empty()) {
            let start = self.start + self.cursor.position();
            let range = start..start + self.cursor.value()?.len();
            (self.found)(Edit { range, with: REPLACEMENT });
            return Some(());
        }
        match first {
            b'{' if !pointers.is_empty() => self.members(pointers),
            b'[' if !pointers.is_empty() => self.elements(pointers),
            _ => self.cursor.value().map(drop),
        }
    }

    fn members(&mut self, pointers: &[&[Segment]]) -> Option<()> {
        self.cursor.takes(b'{');
        let mut is_first = true;
        while self.cursor.goes_on(b'}', is_first) {
            let Name(name) = name_of(self.cursor.name()?)?;
            self.value(&behind(pointers, &name))?;
            is_first = false;
        }
        Some(())
    }

    fn elements(&mut self, pointers: &[&[Segment]]) -> Option<()> {
        self.cursor.takes(b'[');
        let mut number = 0;
        while self.cursor.goes_on(b']', number == 0) {
            self.value(&behind_element(pointers, number))?;
            number += 1;
        }
        Some(())
    }
}

/// A member's name from its string.
fn name_of(string: &[u8]) -> Option<Name<'_>> {
    match string.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(name) if memchr::memchr(b'\\', name).is_none() => Some(Name(name.into())),
        _ => serde_json::from_slice(string).ok(),
    }
}

/// Whether a text that is no JSON may be meant as one with a value at a pointer.
pub(crate) fn may_hold(text: &[u8], pointers: &[JsonPointer]) -> bool {
    // Encodings that are not UTF-8 write names in other ways. They are full of zeros.
    let is_disguised = memchr::memchr(0, text).is_some() || has_escapes(text);
    !pointers.is_empty() && (is_disguised || pointers.iter().any(|pointer| may_name(text, pointer)))
}

/// Whether JSON with a value at a pointer may be within a text of another kind.
pub(crate) fn may_embed(text: &[u8], pointers: &[JsonPointer]) -> bool {
    let names = || pointers.iter().filter_map(last_name);
    // The quotes are escaped in JSON that is a string of other JSON.
    let is_quoted = |name: &str| ["\"", "\\\""].iter().any(|end| contains(text, &format!("\"{name}{end}")));
    names().any(is_quoted) || names().next().is_some() && text.contains(&b'"') && has_escapes(text)
}

fn may_name(text: &[u8], pointer: &JsonPointer) -> bool {
    let Some(name) = last_name(pointer) else {
        return true;
    };
    let needs_escape = name.bytes().any(|byte| matches!(byte, b'"' | b'\\' | b'/' | 0..0x20));
    contains(text, name) || needs_escape && text.contains(&b'\\')
}

/// The last name that a text must have if there is a value at the pointer. The numbers of elements are not written.
fn last_name(pointer: &JsonPointer) -> Option<&str> {
    pointer.segments().iter().rev().find_map(|segment| match segment {
        Segment::One(name) if !name.bytes().all(|byte| byte.is_ascii_digit()) => Some(name.as_str()),
        _ => None,
    })
}

/// Whether names may be written with the numbers of their characters.
fn has_escapes(text: &[u8]) -> bool {
    contains(text, "\\u")
}

fn contains(text: &[u8], pattern: &str) -> bool {
    memmem::find(text, pattern.as_bytes()).is_some()
}

/// A member's name without its escapes. Half of a surrogate pair is not UTF-8, but a name.
struct Name<'a>(Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = Name<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_bytes<E: de::Error>(self, name: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Name(name.into()))
            }

            fn visit_bytes<E: de::Error>(self, name: &[u8]) -> Result<Self::Value, E> {
                Ok(Name(name.to_vec().into()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use json_pointer::JsonPointer;

    use super::{REPLACEMENT, Unclear, find};
    use crate::edit::Edited;

    fn redacted(text: &[u8], pointers: &[&str]) -> Result<String, Unclear> {
        let pointers: Vec<_> = pointers.iter().map(|text| JsonPointer::parse(text).unwrap()).collect();
        let mut edited = Edited::new(text);
        find(text, &pointers, &mut |edit| edited.edit(edit))?;
        Ok(String::from_utf8_lossy(&edited.finish().unwrap()).into_owned())
    }

    #[test]
    fn the_replacement_is_the_one_of_the_crate() {
        assert_eq!(REPLACEMENT, format!("\"{}\"", crate::REPLACEMENT));
    }

    #[test]
    fn values_are_replaced_and_all_else_stays() {
        for (pointers, text, expected) in [
            (["/p"].as_slice(), r#" { "p" : "x\"y" , "q":1.0e5 } "#, r#" { "p" : "redacted" , "q":1.0e5 } "#),
            (
                &["/p"],
                r#"{"p":{"a":[1]},"p":[2],"\u0070":null}"#,
                r#"{"p":"redacted","p":"redacted","\u0070":"redacted"}"#,
            ),
            (&["/p"], r#"{"a":{"p":1},"P":1}"#, r#"{"a":{"p":1},"P":1}"#),
            (&["/*/p"], r#"[{"p":1},{"q":2},3,{"p":4}]"#, r#"[{"p":"redacted"},{"q":2},3,{"p":"redacted"}]"#),
            (
                &["/a/1", "/b/*"],
                r#"{"a":[1,2],"b":{"x":1,"y":[]}}"#,
                r#"{"a":[1,"redacted"],"b":{"x":"redacted","y":"redacted"}}"#,
            ),
            (&["/a", "/a/b"], r#"{"a":{"b":1}}"#, r#"{"a":"redacted"}"#),
            (&["/~1~0é"], r#"{"\/~\u00e9":1}"#, r#"{"\/~\u00e9":"redacted"}"#),
            (&["/*"], r#"{"\ud800":1}"#, r#"{"\ud800":"redacted"}"#),
            (&[""], " [1] ", r#" "redacted" "#),
            (&["/p"], "{\"p\":1}\n{\"p\":2}\r\n", "{\"p\":\"redacted\"}\n{\"p\":\"redacted\"}\r\n"),
            (&["/p"], "\u{feff}{\"p\":1}", "\u{feff}{\"p\":\"redacted\"}"),
        ] {
            for text in [text, expected] {
                assert_eq!(redacted(text.as_bytes(), pointers).as_deref(), Ok(expected), "{pointers:?} {text}");
            }
        }
    }

    #[test]
    fn what_is_no_json_is_refused_if_a_name_may_be_in_it() {
        for (pointer, text) in [
            ("/a/pw", &b"{\"pw\":1"[..]),
            ("/a/pw", b"cb({\"a\":{\"pw\":1}})"),
            ("/pw/*/0", b"{\"pw\":"),
            ("/*/0", b"["),
            ("", b"{"),
            ("/pw", b"{\"\\u0070w\":"),
            ("/pw", b"{\0\"\0p\0w"),
            ("/a~1b", b"{\"a\\/b\":"),
            ("/pw", b"{\"pw\":\"\xff\"}"),
        ] {
            assert_eq!(redacted(text, &[pointer]), Err(Unclear), "{pointer}");
        }
        for text in ["[DONE]", r#"{"a":"\n"#, "p w"] {
            assert_eq!(redacted(text.as_bytes(), &["/a/pw", "/pw/0"]).as_deref(), Ok(text));
        }
    }

    #[test]
    fn json_within_other_texts_is_seen() {
        let may_embed = |text: &str| super::may_embed(text.as_bytes(), &[JsonPointer::parse("/a/pw/0").unwrap()]);
        for text in [r#"42["e",{"pw":["#, r#"x={\"a\":{\"pw\":"#, r#"x={"\u0070w":"#] {
            assert!(may_embed(text), "{text}");
        }
        for text in ["pw=1", r#"the "pwd" or 'pw'"#, r"C:\users", ""] {
            assert!(!may_embed(text), "{text}");
        }
        assert!(!super::may_embed(b"\"\\u0070w\"", &[]));
    }

    #[test]
    fn nothing_is_looked_into_deeper_than_a_pointer_goes() {
        let nested = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
        let text = [b"{\"a\":", nested.as_slice(), b",\"p\":1}"].concat();
        let redacted = redacted(&text, &["/p", "/a/0/0/1"]).unwrap();
        assert!(redacted.starts_with("{\"a\":[[[[") && redacted.ends_with("]]]],\"p\":\"redacted\"}"));
    }
}
