//! Texts in their one form, and value by value.

use std::{borrow::Cow, collections::BTreeMap};

use json_pointer::{JsonPointer, Segment, behind, push};
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{DEPTH, DIGEST, Elements, MEMBERS, Meaning, WRITTEN, tell, told::Told};

fn meaning(text: &[u8], ignored: &[JsonPointer]) -> Option<Meaning> {
    super::meaning(text, ignored, Elements::InOrder)
}

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
        ([].as_slice(), r#" { "b" : [ 1.0 , "\u0061\n" ] , "a" : { } } "#, r#"{"a":{},"b":[1,"a\n"]}"#),
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
    /// The value as JSON: numbers by their values, strings with the escapes they need.
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
    /// Values are cut out as text and read level by level, so that nothing reads numbers on the way.
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
            // Of the numbers here, only this one has another form.
            Some(b'1') => self.leaf("1")?,
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
    let all = [("/b", "[]"), ("/b/0", "1"), ("/b/1", "\"a/\""), ("/a~0/x", "{}")];
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
