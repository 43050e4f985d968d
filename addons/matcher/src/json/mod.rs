//! JSON bodies by their values.

mod least;
mod number;
mod told;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use json_pointer::{JsonPointer, Segment, behind, behind_element};
use redaction::json_text::Cursor;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

pub(crate) use least::has_at_least;
pub(crate) use told::{detail, tell, tell_below};

/// How deep values may be nested, so that reading them cannot use up the stack.
const DEPTH: usize = 128;

/// How many members objects may have that are read at once, so that listing them cannot use up the memory.
const MEMBERS: usize = 1 << 19;

/// How many bytes a value may have to stand for itself, and not by its digest.
const WRITTEN: usize = 64 << 10;

/// What a JSON text means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// All of it is ignored.
    Nothing,
    /// The text in one form: without white space and what is ignored, the members of each object by their names, the last
    /// one of the same name only, and numbers by their values. An ignored element before another one is `0`.
    Whole(Vec<u8>),
    /// A mark and the digest of such a text that is long. Long values within it stand by theirs.
    Digest(Vec<u8>),
}

/// Whether the order of elements counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elements {
    InOrder,
    InAnyOrder,
}

/// What a text means without the values that are ignored; nothing when it is not valid or goes beyond a limit.
///
/// It is read once, whatever is nested in it.
pub(crate) fn meaning(text: &[u8], ignored: &[JsonPointer], elements: Elements) -> Option<Meaning> {
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    meaning_without(text, &ignored, elements)
}

/// The same without the values that the ends of pointers lead to.
pub(crate) fn meaning_without(text: &[u8], ignored: &[&[Segment]], elements: Elements) -> Option<Meaning> {
    let text: &RawValue = serde_json::from_slice(text).ok()?;
    let mut writer = Writer { cursor: Cursor::new(text.get()), written: Vec::new(), depth: 0, members: 0, elements };
    if is_ignored(ignored) {
        return Some(Meaning::Nothing);
    }
    writer.value(ignored)?;
    Some(if writer.written.contains(&DIGEST) {
        Meaning::Digest(writer.written)
    } else {
        Meaning::Whole(writer.written)
    })
}

/// Stands before a digest. No value begins with it, and no string has it, as it would be escaped there.
const DIGEST: u8 = 0;

fn is_ignored(pointers: &[&[Segment]]) -> bool {
    pointers.iter().any(|pointer| pointer.is_empty())
}

/// Writes values in their one form.
struct Writer<'t> {
    cursor: Cursor<'t>,
    written: Vec<u8>,
    depth: usize,
    /// The members of all objects that are not at their end, and the elements of arrays that are to be put in order.
    members: usize,
    elements: Elements,
}

/// Where a member is in what was written.
struct Member {
    start: u32,
    name_end: u32,
    end: u32,
}

impl Writer<'_> {
    /// Writes a value. What is ignored are the ends of pointers that led here.
    fn value(&mut self, ignored: &[&[Segment]]) -> Option<()> {
        let start = self.written.len();
        match self.cursor.peek()? {
            b'{' => self.within(|writer| writer.object(ignored)),
            b'[' if self.elements == Elements::InAnyOrder => self.within(|writer| writer.unordered_array(ignored)),
            b'[' => self.within(|writer| writer.array(ignored)),
            _ => {
                let scalar = self.cursor.scalar()?;
                self.scalar(scalar)?;
                self.shorten(start);
                Some(())
            }
        }
    }

    fn within(&mut self, write: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.depth > DEPTH {
            return None;
        }
        self.depth += 1;
        write(self)?;
        self.depth -= 1;
        Some(())
    }

    fn array(&mut self, ignored: &[&[Segment]]) -> Option<()> {
        let start = self.written.len();
        let mut digest: Option<Sha256> = None;
        self.cursor.takes(b'[');
        self.written.push(b'[');
        let (mut number, mut left_out, mut is_empty) = (0, 0_usize, true);
        while self.cursor.goes_on(b']', number == 0) {
            let behind = behind_element(ignored, number);
            number += 1;
            if is_ignored(&behind) {
                self.cursor.value()?;
                left_out += 1;
                continue;
            }
            for _ in 0..std::mem::take(&mut left_out) {
                self.written.extend_from_slice(if is_empty { b"0" } else { b",0" });
                is_empty = false;
            }
            if !is_empty {
                self.written.push(b',');
            }
            is_empty = false;
            self.value(&behind)?;
            if self.written.len() - start > WRITTEN {
                digest.get_or_insert_default().update(self.written.get(start..)?);
                self.written.truncate(start);
            }
        }
        self.written.push(b']');
        match digest {
            None => self.shorten(start),
            Some(mut digest) => {
                digest.update(self.written.get(start..)?);
                self.replace(start, digest);
            }
        }
        Some(())
    }

    fn unordered_array(&mut self, ignored: &[&[Segment]]) -> Option<()> {
        let start = self.written.len();
        let mut elements: Vec<Box<[u8]>> = Vec::new();
        self.cursor.takes(b'[');
        let mut number = 0;
        while self.cursor.goes_on(b']', number == 0) {
            let behind = behind_element(ignored, number);
            number += 1;
            if is_ignored(&behind) {
                self.cursor.value()?;
                continue;
            }
            if self.members == MEMBERS {
                return None;
            }
            self.members += 1;
            self.value(&behind)?;
            elements.push(self.written.get(start..)?.into());
            self.written.truncate(start);
        }
        self.members -= elements.len();
        elements.sort();
        self.written.push(b'[');
        self.written.extend_from_slice(&elements.join(b",".as_slice()));
        self.written.push(b']');
        self.shorten(start);
        Some(())
    }

    fn object(&mut self, ignored: &[&[Segment]]) -> Option<()> {
        let start = self.written.len();
        let mut members: Vec<Member> = Vec::new();
        self.cursor.takes(b'{');
        self.written.push(b'{');
        let mut is_first = true;
        while self.cursor.goes_on(b'}', is_first) {
            is_first = false;
            let name = self.cursor.name()?;
            let behind = if ignored.is_empty() { Vec::new() } else { behind(ignored, unescaped(name)?.as_bytes()) };
            if is_ignored(&behind) {
                self.cursor.value()?;
                continue;
            }
            if self.members == MEMBERS {
                return None;
            }
            self.members += 1;
            let before = self.written.len();
            self.scalar(name)?;
            let name_end = self.written.len();
            self.written.push(b':');
            self.value(&behind)?;
            members.push(Member { start: before as u32, name_end: name_end as u32, end: self.written.len() as u32 });
            self.written.push(b',');
        }
        self.members -= members.len();
        if !members.is_empty() {
            // The comma behind the last one.
            self.written.pop();
        }
        self.written.push(b'}');
        let is_sorted = members.is_sorted_by(|one, other| self.name(one) < self.name(other));
        if is_sorted {
            self.shorten(start)
        } else {
            self.sort(start, members)?
        }
        Some(())
    }

    /// Puts the members of an object in order that begins at a position and goes to the end. The last of one name stays.
    fn sort(&mut self, start: usize, mut members: Vec<Member>) -> Option<()> {
        members.reverse();
        members.sort_by(|one, other| self.name(one).cmp(self.name(other)));
        members.dedup_by(|later, kept| self.name(later) == self.name(kept));
        let length = members.iter().map(|member| (member.end - member.start) as usize + 1).sum::<usize>() + 1;
        let pieces = members.iter().enumerate().flat_map(|(number, member)| {
            let opening = if number == 0 { b"{" } else { b"," };
            [opening.as_slice(), self.written.get(member.start as usize..member.end as usize).unwrap_or_default()]
        });
        let pieces = pieces.chain([b"}".as_slice()]);
        if length > WRITTEN {
            let digest = pieces.fold(Sha256::new(), |digest, piece| digest.chain_update(piece));
            self.replace(start, digest);
        } else {
            let sorted: Vec<u8> = pieces.flatten().copied().collect();
            self.written.truncate(start);
            self.written.extend_from_slice(&sorted);
        }
        Some(())
    }

    fn name(&self, member: &Member) -> &[u8] {
        self.written.get(member.start as usize..member.name_end as usize).unwrap_or_default()
    }

    /// Writes a number by its value, a literal as it is, and a string with the escapes that it needs.
    fn scalar(&mut self, scalar: &[u8]) -> Option<()> {
        if scalar.first() == Some(&b'"') && scalar.contains(&b'\\') {
            serde_json::to_writer(&mut self.written, &unescaped(scalar)?).ok()?;
        } else if let Some(plain) = number::plain(scalar) {
            self.written.extend_from_slice(plain.as_bytes());
        } else {
            self.written.extend_from_slice(scalar);
        }
        Some(())
    }

    /// Lets what was written from a position on stand by its digest, if it is long.
    fn shorten(&mut self, start: usize) {
        if let Some(value) = self.written.get(start..).filter(|value| value.len() > WRITTEN) {
            self.replace(start, Sha256::new_with_prefix(value));
        }
    }

    fn replace(&mut self, start: usize, digest: Sha256) {
        self.written.truncate(start);
        self.written.push(DIGEST);
        self.written.extend_from_slice(&digest.finalize());
    }
}

/// A string without its quotes and escapes.
pub(crate) fn unescaped(string: &[u8]) -> Option<Cow<'_, str>> {
    let text = str::from_utf8(string).ok()?;
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Some(text.into()),
        _ => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}
