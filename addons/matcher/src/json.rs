//! JSON bodies by their values.

use std::{borrow::Cow, collections::BTreeMap};

use json_pointer::{JsonPointer, Segment, behind, push};
use serde_json::value::RawValue;

/// How deep values may be nested, so that reading them cannot use up the stack.
const DEPTH: usize = 128;

/// How many bytes all pointers may have, so that a long name above many values cannot use up the memory.
const POINTERS: usize = 16 << 20;

/// A value that has no values of its own, or the mark of an array.
pub(crate) struct Leaf<'a> {
    /// Where it is, as a JSON pointer.
    pub(crate) pointer: String,
    /// The value as JSON: numbers as they were written, strings with the escapes they need.
    pub(crate) value: Cow<'a, str>,
}

/// The values of a JSON text that are not ignored; nothing when it is not valid or goes beyond a limit.
///
/// Every array leaves a mark beside its elements, which sets it apart from an object with members called `0`, `1`, ….
/// Of members with the same name the last counts.
pub(crate) fn leaves<'a>(text: &'a [u8], ignored: &[JsonPointer]) -> Option<Vec<Leaf<'a>>> {
    let text: &'a RawValue = serde_json::from_slice(text).ok()?;
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    let mut walk = Walk { pointer: String::new(), depth: 0, room: POINTERS, leaves: Vec::new() };
    walk.value(text, &ignored)?;
    Some(walk.leaves)
}

struct Walk<'a> {
    pointer: String,
    depth: usize,
    room: usize,
    leaves: Vec<Leaf<'a>>,
}

impl<'a> Walk<'a> {
    /// Reads one value. What is ignored are the ends of pointers that led here.
    ///
    /// Values are cut out as text and read level by level, because numbers are only compared as written that way.
    fn value(&mut self, value: &'a RawValue, ignored: &[&[Segment]]) -> Option<()> {
        if ignored.iter().any(|pointer| pointer.is_empty()) {
            return Some(());
        }
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &'a RawValue> = serde_json::from_str(text).ok()?;
                let before = self.leaves.len();
                for (name, member) in members {
                    self.child(&name, member, ignored)?;
                }
                if self.leaves.len() == before {
                    self.leaf("{}")?;
                }
            }
            Some(b'[') => {
                self.leaf("[]")?;
                let elements: Vec<&'a RawValue> = serde_json::from_str(text).ok()?;
                for (number, element) in elements.into_iter().enumerate() {
                    self.child(&number.to_string(), element, ignored)?;
                }
            }
            Some(b'"') => {
                let string: String = serde_json::from_str(text).ok()?;
                self.leaf(serde_json::to_string(&string).ok()?)?;
            }
            _ => self.leaf(text)?,
        }
        Some(())
    }

    fn child(&mut self, name: &str, value: &'a RawValue, ignored: &[&[Segment]]) -> Option<()> {
        if self.depth == DEPTH {
            return None;
        }
        let ignored = behind(ignored, name);
        let parent = self.pointer.len();
        push(&mut self.pointer, name);
        self.depth += 1;
        self.value(value, &ignored)?;
        self.depth -= 1;
        self.pointer.truncate(parent);
        Some(())
    }

    fn leaf(&mut self, value: impl Into<Cow<'a, str>>) -> Option<()> {
        self.room = self.room.checked_sub(self.pointer.len())?;
        self.leaves.push(Leaf { pointer: self.pointer.clone(), value: value.into() });
        Some(())
    }
}
