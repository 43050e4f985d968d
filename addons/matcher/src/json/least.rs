//! JSON that has at least what another one has.

use json_pointer::{JsonPointer, Segment, behind, behind_element};
use serde_json::Value;

use super::{Elements, is_ignored, number};

/// Bytes of a text that is looked at, so that its values fit into memory.
const TEXT: usize = 1 << 20;

/// Pairs of values that are compared at most.
const STEPS: usize = 200_000;

/// Whether a JSON text has all members and elements that another one has, with the same values, but for those that are
/// ignored. Elements are in the same order, others between them, unless their order does not count.
pub(crate) fn has_at_least(text: &[u8], least: &[u8], ignored: &[JsonPointer], elements: Elements) -> bool {
    let value = |text: &[u8]| serde_json::from_slice::<Value>(text).ok().filter(|_| text.len() <= TEXT);
    let (Some(value), Some(least)) = (value(text), value(least)) else { return false };
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    Comparison { elements, steps: 0 }.has(&value, &least, &ignored)
}

struct Comparison {
    elements: Elements,
    steps: usize,
}

impl Comparison {
    fn has(&mut self, value: &Value, least: &Value, ignored: &[&[Segment]]) -> bool {
        self.steps += 1;
        if self.steps > STEPS {
            return false;
        }
        if is_ignored(ignored) {
            return true;
        }
        match (value, least) {
            (Value::Object(members), Value::Object(least)) => least.iter().all(|(name, least)| {
                let behind = behind(ignored, name.as_bytes());
                is_ignored(&behind) || members.get(name).is_some_and(|value| self.has(value, least, &behind))
            }),
            (Value::Array(elements), Value::Array(least)) => self.has_elements(elements, least, ignored),
            (Value::Number(one), Value::Number(other)) => {
                let form = |number: &serde_json::Number| {
                    let text = number.to_string();
                    number::plain(text.as_bytes()).unwrap_or(text)
                };
                form(one) == form(other)
            }
            _ => value == least,
        }
    }

    /// Each element is there once, for itself.
    fn has_elements(&mut self, elements: &[Value], least: &[Value], ignored: &[&[Segment]]) -> bool {
        let mut left: Vec<Option<&Value>> = elements.iter().map(Some).collect();
        let mut from = 0;
        least.iter().enumerate().all(|(number, least)| {
            let behind = behind_element(ignored, number);
            if is_ignored(&behind) {
                return true;
            }
            let mut candidates = left.iter().enumerate().skip(from);
            let found = candidates.find(|(_, value)| value.is_some_and(|value| self.has(value, least, &behind)));
            let Some(at) = found.map(|(at, _)| at) else { return false };
            match self.elements {
                Elements::InOrder => from = at + 1,
                Elements::InAnyOrder => {
                    if let Some(taken) = left.get_mut(at) {
                        *taken = None;
                    }
                }
            }
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str, least: &str, elements: Elements) -> bool {
        has_at_least(text.as_bytes(), least.as_bytes(), &[], elements)
    }

    #[test]
    fn further_members_and_elements_do_not_matter() {
        use Elements::{InAnyOrder, InOrder};
        for (text, least, elements, expected) in [
            (r#"{"b":[1,2.0,{"x":1}],"a":null,"c":3}"#, r#"{"a":null,"b":[2,{}]}"#, InOrder, true),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, InOrder, false),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, InOrder, false),
            ("[1,2,3]", "[3,1]", InOrder, false),
            ("[1,2,3]", "[3,1]", InAnyOrder, true),
            ("[1,2]", "[1,1]", InAnyOrder, false),
            ("[]", "{}", InOrder, false),
            ("[1", "[1", InOrder, false),
        ] {
            assert_eq!(has(text, least, elements), expected, "{text} {least} {elements:?}");
        }
    }

    #[test]
    fn comparing_has_an_end() {
        let many = |of: &str| format!("[{}]", vec![of; 20_000].join(","));
        assert!(!has(&many("1"), &many("2"), Elements::InAnyOrder));
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(!has(&deep, &deep, Elements::InOrder));
    }
}
