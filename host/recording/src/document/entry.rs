//! Looking into an entry, with the place of what is wrong in each message.

use serde_json::Value;

use super::{
    Strings,
    pruned::{self, Keys},
};
use crate::json_string::{Surveyed, single_byte};

/// One entry, and its strings that were left in the file. Of equal keys in an object the last counts, and null is as good as
/// missing.
pub(crate) struct Entry(Value, Strings);

/// A text of an entry.
pub(crate) enum Text {
    Held(String),
    /// It is in the file.
    Left(Surveyed),
}

impl Text {
    /// How many bytes it has.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Held(text) => text.len() as u64,
            Self::Left(string) => string.len(),
        }
    }

    /// How many characters it has.
    pub(crate) fn characters(&self) -> u64 {
        match self {
            Self::Held(text) => text.chars().count() as u64,
            Self::Left(string) => string.characters(),
        }
    }

    /// Whether all its characters are of Latin-1.
    pub(crate) fn is_latin1(&self) -> bool {
        match self {
            Self::Held(text) => text.chars().all(single_byte::is_latin1),
            Self::Left(string) => string.is_latin1(),
        }
    }

    /// Whether it has characters that no text has.
    pub(crate) fn has_controls(&self) -> bool {
        match self {
            Self::Held(text) => text.chars().any(single_byte::is_of_no_text),
            Self::Left(string) => string.has_controls(),
        }
    }

    /// How many lines end in it.
    pub(crate) fn line_ends(&self) -> u64 {
        match self {
            Self::Held(text) => text.bytes().filter(|byte| *byte == b'\n').count() as u64,
            Self::Left(string) => string.line_ends(),
        }
    }
}

impl Entry {
    /// An entry of a HAR file. What recorders add of their own is dropped.
    pub(crate) fn parse(text: &str, strings: Strings) -> Result<Self, String> {
        Self::with(text, Keys::Known, strings)
    }

    /// An item with all that is in it.
    pub(crate) fn whole(text: &str) -> Result<Self, String> {
        Self::with(text, Keys::All, Strings::default())
    }

    fn with(text: &str, keys: Keys, strings: Strings) -> Result<Self, String> {
        match parse(text, |text| pruned::parse(text, keys))
            .map_err(|error| format!("the entry is not readable: {}", reason(&error)))?
        {
            value @ Value::Object(_) => Ok(Self(value, strings)),
            other => Err(should_be("the entry", "an object", &other)),
        }
    }

    /// The value at a path such as `request.url`.
    pub(crate) fn get(&self, path: &str) -> Result<Option<&Value>, String> {
        let mut value = &self.0;
        let mut read = 0;
        for key in path.split('.') {
            let Value::Object(object) = value else {
                return Err(should_be(&quoted(&path[..read]), "an object", value));
            };
            value = match object.get(key) {
                None | Some(Value::Null) => return Ok(None),
                Some(value) => value,
            };
            read += key.len() + usize::from(read > 0);
        }
        Ok(Some(value))
    }

    /// The text at a path.
    pub(crate) fn text(&self, path: &str) -> Result<Option<&str>, String> {
        match self.get(path)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(should_be(&quoted(path), "a string", other)),
        }
    }

    /// The text at a path, taken out of the entry.
    pub(crate) fn take_text(&mut self, path: &str) -> Result<Option<String>, String> {
        self.text(path)?;
        let pointer = format!("/{}", path.replace('.', "/"));
        match self.0.pointer_mut(&pointer).map(Value::take) {
            Some(Value::String(text)) => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    /// The text at a path, taken out of the entry, wherever it is.
    pub(crate) fn take_long_text(&mut self, path: &str) -> Result<Option<Text>, String> {
        Ok(self.take_text(path)?.map(|text| match self.1.take(&text) {
            Some(left) => Text::Left(left),
            None => Text::Held(text),
        }))
    }

    /// Its strings that were left in the file.
    pub(crate) fn strings(&self) -> &Strings {
        &self.1
    }

    /// The value under a key of the entry, taken out of it.
    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.get_mut(key).map(Value::take).filter(|value| !value.is_null())
    }

    /// The number at a path.
    pub(crate) fn number(&self, path: &str) -> Result<Option<f64>, String> {
        match self.get(path)? {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(other) => Err(should_be(&quoted(path), "a number", other)),
        }
    }

    /// The number of bytes at a path, if it is known. Recorders write -1 where it is not.
    pub(crate) fn size(&self, path: &str) -> Result<Option<u64>, String> {
        Ok(self.number(path)?.filter(|size| *size >= 0.0).map(|size| size as u64))
    }

    /// The list at a path; empty if it is missing.
    pub(crate) fn list(&self, path: &str) -> Result<&[Value], String> {
        match self.get(path)? {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => Err(should_be(&quoted(path), "a list", other)),
        }
    }
}

/// Parses JSON in which there may be half a character, which JavaScript allows in a string and Python makes of a byte that is
/// no text.
pub(crate) fn parse<T>(text: &str, by: impl Fn(&str) -> serde_json::Result<T>) -> serde_json::Result<T> {
    match by(text) {
        // Of a leading half without its other one, the parser only says that an escape ends too early.
        Err(error) if ["surrogate", "hex escape"].iter().any(|what| error.to_string().contains(what)) => {
            by(&without_surrogates(text))
        }
        parsed => parsed,
    }
}

/// JSON with the replacement character for each escaped surrogate that is not one of a pair.
fn without_surrogates(json: &str) -> String {
    let mut replaced = String::with_capacity(json.len());
    let mut left = json;
    while let Some(at) = left.find('\\') {
        let (before, escape) = left.split_at(at);
        replaced.push_str(before);
        let len = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(_), _) => {
                replaced.push_str("\\ufffd");
                left = &escape[6..];
                continue;
            }
            // The escaped character, which may be a backslash.
            (None, _) => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        replaced.push_str(&escape[..len]);
        left = &escape[len..];
    }
    replaced + left
}

/// The surrogate that is escaped at the start.
fn surrogate(json: &str) -> Option<u32> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..=0xdfff).contains(code))
}

/// The text under a key of an item in a list; empty if it is missing. `place` is the item's.
pub(crate) fn item_text<'v>(item: &'v Value, key: &str, place: &str) -> Result<&'v str, String> {
    match item.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(should_be(&quoted(&format!("{place}.{key}")), "a string", other)),
    }
}

/// Says that the value at a place is of another kind than it should be.
pub(crate) fn should_be(place: &str, kind: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("{place} should be {kind}, found {found}")
}

pub(crate) fn quoted(path: &str) -> String {
    format!("`{path}`")
}

/// What a parser says, without the line, which the text of many files has only one of.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].chars().take(REASON_LIMIT).collect()
}

/// How much of a text from the file a message repeats.
const REASON_LIMIT: usize = 200;
