//! Media types, as `Content-Type` fields have them.
//!
//! Not by `mediatype` or `mime`, which refuse the whole field for what recordings are full of: types without a slash, and
//! boundaries that should be quoted and are not, such as `----=_Part_1`. Nor do they say where in the field a value is, so that
//! it can be replaced and all else stays as it was sent.

use std::ops::Range;

/// The type without its parameters.
pub fn essence(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}

/// Where the value of a parameter is in a media type, without quotes. An empty one counts as missing.
pub fn parameter(kind: &str, name: &str) -> Option<Range<usize>> {
    let mut rest = essence_end(kind);
    while let Some(part) = next_part(kind, &mut rest) {
        let Some((key, value)) = kind.get(part.clone())?.split_once('=') else { continue };
        if key.trim().eq_ignore_ascii_case(name) {
            let bare = value.trim().trim_matches('"');
            let start = part.start + key.len() + 1 + value.find(bare)?;
            return (!bare.is_empty()).then_some(start..start + bare.len());
        }
    }
    None
}

fn essence_end(kind: &str) -> usize {
    kind.find(';').unwrap_or(kind.len())
}

/// The next parameter after the semicolon at `at`, which moves on to the one after it. Semicolons in quotes are none.
fn next_part(kind: &str, at: &mut usize) -> Option<Range<usize>> {
    let start = *at + 1;
    let rest = kind.get(start..)?;
    let mut is_quoted = false;
    let is_end = |byte: u8| {
        is_quoted ^= byte == b'"';
        byte == b';' && !is_quoted
    };
    let end = start + rest.bytes().position(is_end).unwrap_or(rest.len());
    *at = end;
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value<'k>(kind: &'k str, name: &str) -> Option<&'k str> {
        parameter(kind, name).map(|range| &kind[range])
    }

    #[test]
    fn a_type_is_taken_apart_however_it_is_written() {
        assert_eq!(essence(" text/html ; charset=utf-8"), "text/html");
        assert_eq!(essence("json"), "json");
        assert_eq!(value("text/html;Charset=\"utf-8\" ; a=b", "charset"), Some("utf-8"));
        assert_eq!(value("text/html; a; b = c ;d=", "b"), Some("c"));
        assert_eq!(value("json; charset=x", "charset"), Some("x"));
        assert_eq!(value("multipart/form-data; boundary=----=_Part_1/2:3", "boundary"), Some("----=_Part_1/2:3"));
        assert_eq!(value("a/b; x=\"1;boundary=2\"; boundary=\"3;4\"", "boundary"), Some("3;4"));
        for missing in ["", "a/b", "a/b;", "a/b; charset", "a/b; charset=", "a/b; charset=\"\"", "charset=x"] {
            assert_eq!(value(missing, "charset"), None, "{missing}");
        }
    }

    proptest! {
        #[test]
        fn any_field_is_survived(kind in "[ab;=\" \\té]{0,20}|\\PC{0,20}", name in "[a=]{0,2}") {
            if let Some(range) = parameter(&kind, &name) {
                prop_assert!(kind.get(range).is_some());
            }
        }
    }
}
