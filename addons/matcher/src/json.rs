//! JSON bodies by their values.

use std::borrow::Cow;

use json_pointer::{JsonPointer, Segment, behind, behind_element, push};
use redaction::json_text::Cursor;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

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
    /// one of the same name only, and numbers as they were written. An ignored element before another one is `0`.
    Whole(Vec<u8>),
    /// A mark and the digest of such a text that is long. Long values within it stand by theirs.
    Digest(Vec<u8>),
}

/// What a text means without the values that are ignored; nothing when it is not valid or goes beyond a limit.
///
/// It is read once, whatever is nested in it.
pub(crate) fn meaning(text: &[u8], ignored: &[JsonPointer]) -> Option<Meaning> {
    let text: &RawValue = serde_json::from_slice(text).ok()?;
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    let mut writer = Writer { cursor: Cursor::new(text.get()), written: Vec::new(), depth: 0, members: 0 };
    if is_ignored(&ignored) {
        return Some(Meaning::Nothing);
    }
    writer.value(&ignored)?;
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
    /// The members of all objects that are not at their end.
    members: usize,
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

    /// Writes a number or literal as it is, and a string with the escapes that it needs.
    fn scalar(&mut self, scalar: &[u8]) -> Option<()> {
        if scalar.first() == Some(&b'"') && scalar.contains(&b'\\') {
            serde_json::to_writer(&mut self.written, &unescaped(scalar)?).ok()?;
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
fn unescaped(string: &[u8]) -> Option<Cow<'_, str>> {
    let text = str::from_utf8(string).ok()?;
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Some(text.into()),
        _ => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// Tells the values of a JSON text that have none of their own and are not ignored, in order: where each is, as a JSON
/// pointer, and the value in one form. Every array has a mark before its elements, which sets it apart from an object with
/// members called `0`, `1`, …. What is nested too deep is told as it is written.
///
/// Ends early when a value is told and `see` does not want another; the rest of the text is then told in one, without a
/// pointer. Tells nothing of a text that is not valid.
pub(crate) fn tell(text: &[u8], ignored: &[JsonPointer], see: &mut dyn FnMut(Told<'_>) -> bool) {
    let Ok(text) = serde_json::from_slice::<&RawValue>(text) else { return };
    let text = text.get();
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    let mut walk = Walk { cursor: Cursor::new(text), pointer: String::new(), depth: 0, see };
    if walk.value(&ignored).is_none() {
        let rest = text.as_bytes().get(walk.cursor.position()..).unwrap_or_default();
        see(Told::Rest(rest));
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
                    _ => self.leaf(value),
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

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, collections::BTreeMap};

    use json_pointer::{JsonPointer, Segment, behind, push};
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::{DEPTH, DIGEST, MEMBERS, Meaning, Told, WRITTEN, meaning, tell};

    fn pointers(texts: &[&str]) -> Vec<JsonPointer> {
        texts.iter().map(|text| JsonPointer::parse(text).unwrap()).collect()
    }

    fn meant(text: &str, ignored: &[&str]) -> Option<String> {
        match meaning(text.as_bytes(), &pointers(ignored))? {
            Meaning::Nothing => Some("nothing".to_owned()),
            Meaning::Whole(text) => Some(String::from_utf8(text).unwrap()),
            Meaning::Digest(_) => Some("digest".to_owned()),
        }
    }

    #[test]
    fn texts_have_one_form() {
        for (ignored, text, expected) in [
            ([].as_slice(), r#" { "b" : [ 1.0 , "\u0061\n" ] , "a" : { } } "#, r#"{"a":{},"b":[1.0,"a\n"]}"#),
            (&[], r#"{"a":1,"b":2,"a":3,"\u0061":4}"#, r#"{"a":4,"b":2}"#),
            (&["/t", "/a/0"], r#"{"t":1,"a":[1,2,{"t":1}]}"#, r#"{"a":[0,2,{"t":1}]}"#),
            (&["/*"], "[1,2]", "[]"),
            (&[""], "1", "nothing"),
            (&[], "null", "null"),
        ] {
            assert_eq!(meant(text, ignored).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "[1,]", "1 2", r#"{"a":"\ud800"}"#, r#"{"\ud800":1}"#] {
            assert_eq!(meant(text, &[]), None, "{text}");
        }
    }

    #[test]
    fn long_values_stand_by_their_digests() {
        let long = "x".repeat(WRITTEN);
        let array = format!("[{}1]", "1,".repeat(WRITTEN));
        for text in
            [format!("\"{long}\""), array, format!("{{\"b\":\"{long}\",\"a\":1}}"), format!("[{{\"a\":\"{long}\"}}]")]
        {
            let Some(Meaning::Digest(digest)) = meaning(text.as_bytes(), &[]) else { panic!("{}", text.len()) };
            assert!(digest.contains(&DIGEST) && digest.len() < 100);
            assert_eq!(meaning(format!(" {text}").as_bytes(), &[]), Some(Meaning::Digest(digest.clone())));
            let other = text.replacen('1', "2", 1).replacen("xx", "xy", 1);
            assert_ne!(meaning(other.as_bytes(), &[]), Some(Meaning::Digest(digest)));
        }
    }

    #[test]
    fn only_so_many_members_are_listed_at_once() {
        let members = |count: usize| format!("{{{}}}", vec!["\"a\":1"; count].join(","));
        assert!(meaning(members(MEMBERS).as_bytes(), &[]).is_some());
        assert_eq!(meaning(members(MEMBERS + 1).as_bytes(), &[]), None);
        // Those of objects that are at their end no longer count.
        let several = format!("[{0},{0}]", members(MEMBERS));
        assert!(meaning(several.as_bytes(), &[]).is_some());
    }

    /// A value that has no values of its own, or the mark of an array.
    struct Leaf<'a> {
        /// Where it is, as a JSON pointer.
        pointer: String,
        /// The value as JSON: numbers as they were written, strings with the escapes they need.
        value: Cow<'a, str>,
    }

    /// The values of a JSON text that are not ignored; nothing when it is not valid or goes beyond a limit.
    ///
    /// Every array leaves a mark beside its elements, which sets it apart from an object with members called `0`, `1`, ….
    /// Of members with the same name the last counts.
    fn leaves<'a>(text: &'a [u8], ignored: &[JsonPointer]) -> Option<Vec<Leaf<'a>>> {
        let text: &'a RawValue = serde_json::from_slice(text).ok()?;
        let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
        let mut walk = Walk { pointer: String::new(), depth: 0, leaves: Vec::new() };
        walk.value(text, &ignored)?;
        Some(walk.leaves)
    }

    struct Walk<'a> {
        pointer: String,
        depth: usize,
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
            self.leaves.push(Leaf { pointer: self.pointer.clone(), value: value.into() });
            Some(())
        }
    }

    /// What is told of a text, as long as it is wanted.
    fn told(text: &str, ignored: &[JsonPointer], most: usize) -> Vec<(String, String)> {
        let mut told = Vec::new();
        tell(text.as_bytes(), ignored, &mut |piece| {
            let (pointer, value) = match piece {
                Told::Value(pointer, value) => (pointer, value),
                Told::Rest(rest) => ("rest", rest),
            };
            told.push((pointer.to_owned(), String::from_utf8(value.to_vec()).unwrap()));
            told.len() < most
        });
        told
    }

    #[test]
    fn values_are_told_until_no_more_are_wanted() {
        let pairs = |expected: &[(&str, &str)]| -> Vec<(String, String)> {
            expected.iter().map(|&(pointer, value)| (pointer.to_owned(), value.to_owned())).collect()
        };
        let text = r#" {"b":[1.0,"\u0061/"],"a~":{"x":{}}} "#;
        let all = [("/b", "[]"), ("/b/0", "1.0"), ("/b/1", "\"a/\""), ("/a~0/x", "{}")];
        assert_eq!(told(text, &[], 9), pairs(&all));
        assert_eq!(told(text, &pointers(&["/a~0", "/b/0"]), 9), pairs(&[all[0], all[2]]));
        assert_eq!(told(text, &[], 2), pairs(&[all[0], all[1], ("rest", r#","\u0061/"],"a~":{"x":{}}}"#)]));
        assert_eq!(told("1", &[], 9), pairs(&[("", "1")]));
        assert_eq!(told("[1,]", &[], 9), []);
        let deep = format!("{}1{}", "[".repeat(DEPTH + 2), "]".repeat(DEPTH + 2));
        assert_eq!(told(&deep, &[], 999).last().map(|(_, value)| value.as_str()), Some("[[1]]"));
    }

    fn text() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(&["1", "1.0", "\"a\"", "\"\\u0061\"", "null", "0", "{}", "[]"][..]);
        leaf.prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
            let name = prop::sample::select(&["\"t\"", "\"0\"", "\"\\u0074\"", "\"1\""][..]);
            let member = (name, inner.clone()).prop_map(|(name, value)| format!("{name} : {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..3).prop_map(|elements| format!("[{}]", elements.join(" ,"))),
                prop::collection::vec(member, 0..3).prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn texts_mean_the_same_exactly_if_their_values_do(one in text(), other in text(), ignores: bool) {
            let ignored = pointers(if ignores { &["/t", "/*/0", "/1/t"] } else { &[] });
            let values = |text: &str| -> Vec<(String, String)> {
                let leaves = leaves(text.as_bytes(), &ignored).unwrap();
                leaves.into_iter().map(|leaf| (leaf.pointer, leaf.value.into_owned())).collect()
            };
            let [first, second] = [&one, &other].map(|text| meaning(text.as_bytes(), &ignored));
            prop_assert_eq!(first == second, values(&one) == values(&other));
            // What people are told of the one form is what they would be told of the text.
            if let Some(Meaning::Whole(form)) = first {
                let form = str::from_utf8(&form).unwrap();
                prop_assert_eq!(values(form), values(&one));
                prop_assert_eq!(told(form, &ignored, usize::MAX), values(form));
            }
        }
    }
}
