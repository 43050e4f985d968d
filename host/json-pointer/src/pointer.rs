//! Pointers that somebody wrote.

use std::fmt;

/// Points at values of a JSON text, as RFC 6901 describes; in addition a segment `*` stands for every member or element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPointer(Vec<Segment>);

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// To every member or element.
    Every,
    /// To the member of this name, or the element of this number.
    One(String),
}

impl Segment {
    /// Whether the step leads to the member of this name, or the element whose number this is.
    pub fn leads_to(&self, name: impl AsRef<[u8]>) -> bool {
        match self {
            Self::Every => true,
            Self::One(one) => one.as_bytes() == name.as_ref(),
        }
    }

    /// Whether the step leads to the element of this number, which is not written out: arrays may be long.
    fn leads_to_element(&self, mut number: usize) -> bool {
        let Self::One(one) = self else { return true };
        let mut digits = one.bytes().rev();
        loop {
            if digits.next().is_none_or(|digit| usize::from(digit) != usize::from(b'0') + number % 10) {
                return false;
            }
            number /= 10;
            if number == 0 {
                return digits.next().is_none();
            }
        }
    }
}

impl JsonPointer {
    /// Parses a pointer such as `/items/*/id`; the empty one points at the whole text.
    ///
    /// # Errors
    /// When the text is no such pointer.
    pub fn parse(text: &str) -> Result<Self, BadPointer> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let segments = text.strip_prefix('/').and_then(|rest| rest.split('/').map(parse_segment).collect());
        segments.map(Self).ok_or_else(|| BadPointer(text.to_owned()))
    }

    /// The steps from the whole text down.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

/// What is left of the pointers that lead to a name, or the number of an element, behind it.
pub fn behind<'p>(pointers: &[&'p [Segment]], name: impl AsRef<[u8]>) -> Vec<&'p [Segment]> {
    let steps = pointers.iter().filter_map(|pointer| pointer.split_first());
    steps.filter(|(segment, _)| segment.leads_to(name.as_ref())).map(|(_, rest)| rest).collect()
}

/// What is left of the pointers that lead to the element of a number behind it.
pub fn behind_element<'p>(pointers: &[&'p [Segment]], number: usize) -> Vec<&'p [Segment]> {
    let steps = pointers.iter().filter_map(|pointer| pointer.split_first());
    steps.filter(|(segment, _)| segment.leads_to_element(number)).map(|(_, rest)| rest).collect()
}

/// Adds a step to a pointer: to the member of this name, or the element whose number this is.
pub fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    for character in name.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(character),
        }
    }
}

fn parse_segment(text: &str) -> Option<Segment> {
    if text == "*" {
        return Some(Segment::Every);
    }
    let mut pieces = text.split('~');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let (escaped, rest) = match (piece.strip_prefix('0'), piece.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            _ => return None,
        };
        name.push(escaped);
        name.push_str(rest);
    }
    Some(Segment::One(name))
}

/// A text that is not a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPointer(String);

impl fmt::Display for BadPointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`{}` is not a JSON pointer: expected names that each follow a `/`, with `~1` for `/` and `~0` for `~`, \
             such as `/items/*/id`",
            self.0
        )
    }
}

impl std::error::Error for BadPointer {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn segments_are_unescaped_and_stars_stand_alone() {
        let one = |name: &str| Segment::One(name.to_owned());
        for (text, segments) in [
            ("", vec![]),
            ("/", vec![one("")]),
            ("/a/*/b*", vec![one("a"), Segment::Every, one("b*")]),
            ("/~01/~1~0", vec![one("~1"), one("/~")]),
        ] {
            assert_eq!(JsonPointer::parse(text), Ok(JsonPointer(segments)), "{text}");
        }
        for text in ["a", "/~", "/~2", "/a~"] {
            assert!(JsonPointer::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pointers_are_followed_step_by_step() {
        let pointers = ["/a/*/c", "/a/b", "/*", "/c/d"].map(|text| JsonPointer::parse(text).unwrap());
        let pointers: Vec<&[Segment]> = pointers.iter().map(JsonPointer::segments).collect();
        let below = behind(&pointers, "a");
        assert_eq!(below.iter().map(|rest| rest.len()).collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(behind(&below, b"b").len(), 2);
    }

    proptest! {
        #[test]
        fn elements_are_found_by_their_written_number(name in "[0-9a]{0,3}", number in 0..1200usize) {
            let pointer = JsonPointer(vec![Segment::One(name)]);
            let pointers = [pointer.segments()];
            prop_assert_eq!(behind_element(&pointers, number), behind(&pointers, number.to_string()));
        }

        #[test]
        fn what_is_written_is_read_again(names in prop::collection::vec("[a/~0-9é]{0,4}", 0..4)) {
            let mut pointer = String::new();
            names.iter().for_each(|name| push(&mut pointer, name));
            let segments = names.into_iter().map(Segment::One).collect();
            prop_assert_eq!(JsonPointer::parse(&pointer), Ok(JsonPointer(segments)));
        }
    }
}
