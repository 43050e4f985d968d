//! How a message of a client differs from the recorded one.

use serde_json::Value;

/// A message of a client that is not the recorded one. Messages may be secret, so it tells where they differ, not how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the message among those of the client, from 1.
    pub number: usize,
    /// What is different, on one line.
    pub what: String,
}

/// A message as it is compared.
#[derive(Clone, Copy)]
pub struct Said<'m> {
    /// Whether it is text, and not binary.
    pub is_text: bool,
    /// What it says.
    pub content: &'m [u8],
}

/// Larger messages are not looked into: they take too long.
const LOOKED_INTO: usize = 1 << 20;

/// Longer pointers are not shown.
const POINTER: usize = 200;

/// What is different between a message and the recorded one, if something is.
pub fn between(recorded: Said<'_>, came: Said<'_>) -> Option<String> {
    if recorded.is_text != came.is_text {
        return Some(format!("it is {}, recorded is {}", described(came), described(recorded)));
    }
    let at = first_difference(recorded.content, came.content)?;
    let place = if recorded.is_text { json_place(recorded.content, came.content) } else { None };
    let place = place.map(|place| format!(", {place}")).unwrap_or_default();
    let (len, recorded_len) = (came.content.len(), recorded.content.len());
    Some(format!("it differs at byte {at}{place}; its length is {len}, recorded is {recorded_len}"))
}

/// What is different if no message is left in the recording.
pub fn extra(came: Said<'_>) -> String {
    format!("it is {}, recorded is no further message", described(came))
}

fn described(message: Said<'_>) -> String {
    let kind = if message.is_text { "text" } else { "binary" };
    format!("{kind} of length {}", message.content.len())
}

/// The index of the first byte that differs, which is the length of the shorter one if the longer one starts with it.
fn first_difference(recorded: &[u8], came: &[u8]) -> Option<usize> {
    let differs = recorded.iter().zip(came).position(|(recorded, came)| recorded != came);
    differs.or_else(|| (recorded.len() != came.len()).then(|| recorded.len().min(came.len())))
}

/// Where two JSON texts differ.
fn json_place(recorded: &[u8], came: &[u8]) -> Option<String> {
    if recorded.len().max(came.len()) > LOOKED_INTO {
        return None;
    }
    let recorded: Value = serde_json::from_slice(recorded).ok()?;
    let came: Value = serde_json::from_slice(came).ok()?;
    let mut path = Vec::new();
    if !differ(&recorded, &came, &mut path) {
        return Some("though it is the same JSON".into());
    }
    let pointer: String =
        path.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect();
    match pointer.len() {
        0 => Some("in all of its JSON".into()),
        1..=POINTER => Some(format!("at `{}` in its JSON", pointer.escape_debug())),
        _ => None,
    }
}

/// Whether the values differ. `path` leads to the first difference then, as far as the recording goes: what only the client
/// has is not named.
fn differ(recorded: &Value, came: &Value, path: &mut Vec<String>) -> bool {
    match (recorded, came) {
        (Value::Object(recorded), Value::Object(came)) => {
            for (name, value) in recorded {
                path.push(name.clone());
                if came.get(name).is_none_or(|came| differ(value, came, path)) {
                    return true;
                }
                path.pop();
            }
            recorded.len() != came.len()
        }
        (Value::Array(recorded), Value::Array(came)) => {
            for (index, (recorded, came)) in recorded.iter().zip(came).enumerate() {
                path.push(index.to_string());
                if differ(recorded, came, path) {
                    return true;
                }
                path.pop();
            }
            recorded.len() != came.len()
        }
        _ => recorded != came,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(recorded: &str, came: &str) -> Option<String> {
        let said = |text: &'static str| Said { is_text: true, content: text.as_bytes() };
        between(said(recorded.to_owned().leak()), said(came.to_owned().leak()))
    }

    #[test]
    fn equal_messages_do_not_differ() {
        assert_eq!(what("", ""), None);
        assert_eq!(what("{\"a\": 1}", "{\"a\": 1}"), None);
    }

    #[test]
    fn kinds_sizes_and_places_are_told() {
        let text = Said { is_text: true, content: b"secret" };
        let binary = Said { is_text: false, content: b"secrets" };
        assert_eq!(between(text, binary).unwrap(), "it is binary of length 7, recorded is text of length 6");
        assert_eq!(extra(text), "it is text of length 6, recorded is no further message");
        assert_eq!(what("secret", "sacred").unwrap(), "it differs at byte 1; its length is 6, recorded is 6");
        assert_eq!(what("secret", "secrets").unwrap(), "it differs at byte 6; its length is 7, recorded is 6");
        let number = Said { is_text: false, content: b"1" };
        let other = Said { is_text: false, content: b"2" };
        assert_eq!(between(number, other).unwrap(), "it differs at byte 0; its length is 1, recorded is 1");
    }

    #[test]
    fn json_is_looked_into() {
        for (recorded, came, place) in [
            (r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": [1, 3]}}"#, "at byte 16, at `/a/b/1` in its JSON"),
            (r#"{"a": 1, "b": 2}"#, r#"{"a": 1}"#, "at byte 7, at `/b` in its JSON"),
            (r#"{"x": {"a": 1}}"#, r#"{"x": {"a": 1, "secret": 2}}"#, "at byte 13, at `/x` in its JSON"),
            (r#"{"x": [1]}"#, r#"{"x": [1, 2]}"#, "at byte 8, at `/x` in its JSON"),
            (r#"{"a/b~c\n": 1}"#, r#"{"a/b~c\n": 2}"#, "at byte 12, at `/a~1b~0c\\n` in its JSON"),
            ("[1]", "{}", "at byte 0, in all of its JSON"),
            ("[1, 2]", "[1,2]", "at byte 3, though it is the same JSON"),
            ("[1, 2]", "[1", "at byte 2"),
        ] {
            let sizes = format!("its length is {}, recorded is {}", came.len(), recorded.len());
            assert_eq!(what(recorded, came).unwrap(), format!("it differs {place}; {sizes}"));
        }
    }

    #[test]
    fn long_names_are_not_shown() {
        let named = |value: u8| format!("{{\"{}\": {value}}}", "n".repeat(300));
        assert_eq!(what(&named(1), &named(2)).unwrap(), "it differs at byte 305; its length is 307, recorded is 307");
    }
}
