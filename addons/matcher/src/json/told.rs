//! JSON texts value by value, for people.

use json_pointer::{JsonPointer, Segment, behind, behind_element, push};
use redaction::json_text::Cursor;
use serde_json::value::RawValue;

use super::{DEPTH, is_ignored, number, unescaped};
use crate::part::{Kind, Sink};

/// Tells the values of a JSON text that have none of their own and are not ignored, in order: where each is, as a JSON
/// pointer, and the value in one form. Every array has a mark before its elements, which sets it apart from an object with
/// members called `0`, `1`, …. What is nested too deep is told as it is written.
///
/// Ends early when a value is told and `see` does not want another; the rest of the text is then told in one, without a
/// pointer. Tells nothing of a text that is not valid.
pub(crate) fn tell(text: &[u8], ignored: &[JsonPointer], see: &mut dyn FnMut(Told<'_>) -> bool) {
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    tell_below(text, String::new(), &ignored, see);
}

/// The same of a text that is a value of another one, where a pointer leads to.
pub(crate) fn tell_below(text: &[u8], pointer: String, ignored: &[&[Segment]], see: &mut dyn FnMut(Told<'_>) -> bool) {
    let Ok(text) = serde_json::from_slice::<&RawValue>(text) else { return };
    let text = text.get();
    let mut walk = Walk { cursor: Cursor::new(text), pointer, depth: 0, see };
    if walk.value(ignored).is_none() {
        let rest = text.as_bytes().get(walk.cursor.position()..).unwrap_or_default();
        see(Told::Rest(rest));
    }
}

/// Hands a piece of a JSON text on as a detail; whether another one is wanted.
pub(crate) fn detail<S: Sink>(told: Told<'_>, sink: &mut S) -> bool {
    match told {
        Told::Value(pointer, value) => sink.detail(Kind::Json, pointer.as_bytes(), value),
        Told::Rest(rest) => sink.detail(Kind::Json, b"", rest),
    }
}

/// A piece of a JSON text.
pub(crate) enum Told<'a> {
    /// A value, and where it is.
    Value(&'a str, &'a [u8]),
    /// All that is behind the last value that was wanted.
    Rest(&'a [u8]),
}

struct Walk<'t, 's> {
    cursor: Cursor<'t>,
    pointer: String,
    depth: usize,
    see: &'s mut dyn FnMut(Told<'_>) -> bool,
}

impl Walk<'_, '_> {
    /// Reads one value; nothing when no more is wanted. What is ignored are the ends of pointers that led here.
    fn value(&mut self, ignored: &[&[Segment]]) -> Option<()> {
        if is_ignored(ignored) {
            return self.cursor.value().map(drop);
        }
        match self.cursor.peek()? {
            b'{' if self.depth < DEPTH => self.object(ignored),
            b'[' if self.depth < DEPTH => self.array(ignored),
            _ => {
                let value = self.cursor.value()?;
                match unescaped(value) {
                    Some(string) if value.first() == Some(&b'"') && value.contains(&b'\\') => {
                        self.leaf(&serde_json::to_vec(&string).ok()?)
                    }
                    _ => match number::plain(value) {
                        Some(plain) => self.leaf(plain.as_bytes()),
                        None => self.leaf(value),
                    },
                }
            }
        }
    }

    fn object(&mut self, ignored: &[&[Segment]]) -> Option<()> {
        self.cursor.takes(b'{');
        let (mut is_first, mut is_empty) = (true, true);
        while self.cursor.goes_on(b'}', is_first) {
            is_first = false;
            let name = unescaped(self.cursor.name()?)?;
            let behind = behind(ignored, name.as_bytes());
            is_empty &= is_ignored(&behind);
            self.child(&name, &behind)?;
        }
        if is_empty { self.leaf(b"{}") } else { Some(()) }
    }

    fn array(&mut self, ignored: &[&[Segment]]) -> Option<()> {
        self.leaf(b"[]")?;
        self.cursor.takes(b'[');
        let mut number = 0;
        while self.cursor.goes_on(b']', number == 0) {
            self.child(&number.to_string(), &behind_element(ignored, number))?;
            number += 1;
        }
        Some(())
    }

    fn child(&mut self, name: &str, behind: &[&[Segment]]) -> Option<()> {
        let parent = self.pointer.len();
        push(&mut self.pointer, name);
        self.depth += 1;
        self.value(behind)?;
        self.depth -= 1;
        self.pointer.truncate(parent);
        Some(())
    }

    fn leaf(&mut self, value: &[u8]) -> Option<()> {
        (self.see)(Told::Value(&self.pointer, value)).then_some(())
    }
}
