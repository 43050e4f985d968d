//! What two JSON documents have apart, by pointers to the places (RFC 6901).

use std::ops::ControlFlow;

use json_pointer::{Difference, compare};
use serde_json::Value;

use super::text;

/// A line for each place where the documents differ, at most [`MOST`] and one that says how many more there are; nothing if
/// one of them is no JSON document.
pub(super) fn differences(old: &[u8], new: &[u8]) -> Option<Vec<String>> {
    let parse =
        |bytes| serde_json::from_slice::<Value>(bytes).ok().filter(|value| value.is_object() || value.is_array());
    let (old, new) = (parse(old)?, parse(new)?);
    let (mut lines, mut more) = (Vec::new(), 0);
    let _: ControlFlow<()> = compare(&old, &new, &mut |Difference { place, old, new }| {
        if lines.len() < MOST {
            let place = place.split_last().map_or_else(|| "all".to_owned(), |_| place.to_string());
            lines.push(format!("{place}: {} -> {}", shown(old), shown(new)));
        } else {
            more += 1;
        }
        ControlFlow::Continue(())
    });
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Some(lines)
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| text::cut(&value.to_string(), VALUE_WIDTH))
}

/// Enough to see what changed.
const MOST: usize = 20;
const VALUE_WIDTH: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(old: &str, new: &str) -> Option<Vec<String>> {
        differences(old.as_bytes(), new.as_bytes())
    }

    #[test]
    fn places_are_pointed_at() {
        let old = r#"{"a": {"b/c~": 1}, "gone": null, "list": [1, 2, {"x": true}], "same": [[]]}"#;
        let new = r#"{"same": [[]], "a": {"b/c~": "1"}, "list": [1, 3, {"x": false}, 4], "new": {}}"#;
        let expected = [
            "/a/b~1c~0: 1 -> \"1\"",
            "/gone: null -> none",
            "/list/1: 2 -> 3",
            "/list/2/x: true -> false",
            "/list/3: none -> 4",
            "/new: none -> {}",
        ];
        assert_eq!(lines(old, new).unwrap(), expected);
        assert_eq!(lines("{}", "[]").unwrap(), ["all: {} -> []"]);
        assert_eq!(lines("{ }", "{}").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_no_document_is_not_compared() {
        for text in ["", "1", "{", "\"a\""] {
            assert_eq!(lines(text, "{}"), None);
            assert_eq!(lines("{}", text), None);
        }
    }

    #[test]
    fn many_differences_are_counted() {
        let numbers: Vec<usize> = (0..50).collect();
        let found = lines("[]", &format!("{numbers:?}")).unwrap();
        assert_eq!((found.len(), found.last().unwrap().as_str()), (MOST + 1, "and 30 more"));
    }
}
