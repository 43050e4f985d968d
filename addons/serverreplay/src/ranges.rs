//! Parts of contents (RFC 9110, section 14).

use std::fmt::Write;

/// A range of bytes that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// From this byte on, to the other one if there is one, which is part of it.
    From(u64, Option<u64>),
    /// The last bytes, so many.
    Last(u64),
}

/// The first and the last byte of a part.
pub type Part = (u64, u64);

/// Most parts of an answer: more are no honest wish.
const MOST_PARTS: usize = 16;

/// What is asked for of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it, as a `Range` field may be left out of account.
    Whole,
    /// Nothing that it has.
    Unsatisfiable,
    /// These parts.
    Parts(Vec<Part>),
}

/// The ranges of a `Range` field; nothing when they are not of bytes, or not well-formed.
pub fn parse(field: &[u8]) -> Option<Vec<Range>> {
    let text = str::from_utf8(field).ok()?;
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let ranges = set.split(',').map(str::trim).filter(|range| !range.is_empty()).map(range);
    ranges.collect::<Option<Vec<_>>>().filter(|ranges| !ranges.is_empty())
}

fn range(text: &str) -> Option<Range> {
    let (first, last) = text.split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What no number can hold is behind every content's end.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (first.trim(), last.trim()) {
        ("", last) => number(last).map(Range::Last),
        (first, "") => Some(Range::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

/// Ranges as they are always written.
pub fn written(ranges: &[Range]) -> String {
    let mut text = String::from("bytes=");
    for (position, range) in ranges.iter().enumerate() {
        let comma = if position > 0 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = match range {
            Range::From(first, Some(last)) => write!(text, "{comma}{first}-{last}"),
            Range::From(first, None) => write!(text, "{comma}{first}-"),
            Range::Last(bytes) => write!(text, "{comma}-{bytes}"),
        };
    }
    text
}

/// What ranges mean for a content of so many bytes.
pub fn asked(ranges: &[Range], size: u64) -> Asked {
    let part = |range: &Range| match *range {
        Range::From(first, last) => {
            (first < size).then(|| (first, last.unwrap_or(u64::MAX).min(size.saturating_sub(1))))
        }
        Range::Last(bytes) => (bytes > 0 && size > 0).then(|| (size.saturating_sub(bytes), size.saturating_sub(1))),
    };
    let parts: Vec<Part> = ranges.iter().filter_map(part).collect();
    let bytes = parts.iter().fold(0_u64, |sum, (first, last)| sum.saturating_add(last - first + 1));
    match parts.len() {
        0 => Asked::Unsatisfiable,
        1 => Asked::Parts(parts),
        // Overlapping parts would be more than the content (RFC 9110, section 17.15).
        2..=MOST_PARTS if bytes <= size => Asked::Parts(parts),
        _ => Asked::Whole,
    }
}

/// What a `Content-Range` field says of its part, and of the whole if it does.
pub fn content_range(field: &[u8]) -> Option<(Part, Option<u64>)> {
    let text = str::from_utf8(field).ok()?.trim();
    let (unit, rest) = text.split_once(' ')?;
    let (part, size) = rest.trim().split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let part = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let is_part = unit.eq_ignore_ascii_case("bytes") && part.0 <= part.1;
    is_part.then(|| (part, size.trim().parse().ok().filter(|size| part.1 < *size)))
}

/// Whether a part is all of its content.
pub fn is_whole(((first, last), size): (Part, Option<u64>)) -> bool {
    first == 0 && last.checked_add(1) == size
}

/// All ways to ask for a part alone.
pub fn ways_to_ask(((first, last), size): (Part, Option<u64>)) -> Vec<Range> {
    let mut ways = vec![Range::From(first, Some(last))];
    if let Some(size) = size.filter(|size| last.checked_add(1) == Some(*size)) {
        ways.push(Range::From(first, None));
        ways.push(Range::Last(size.saturating_sub(first)));
    }
    ways
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_ranges_of_bytes_are_read() {
        let from = |first, last| Some(vec![Range::From(first, last)]);
        for (field, expected) in [
            ("bytes=0-0", from(0, Some(0))),
            ("Bytes = 5 - 9", from(5, Some(9))),
            ("bytes=5-", from(5, None)),
            ("bytes=-7", Some(vec![Range::Last(7)])),
            ("bytes=0-1,, -2", Some(vec![Range::From(0, Some(1)), Range::Last(2)])),
            ("bytes=99999999999999999999-", from(u64::MAX, None)),
            ("bytes=9-5", None),
            ("bytes=", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("lines=0-1", None),
            ("bytes 0-1", None),
        ] {
            assert_eq!(parse(field.as_bytes()), expected, "{field}");
        }
    }

    #[test]
    fn what_is_asked_for_depends_on_the_size() {
        let of = |field: &str, size| asked(&parse(field.as_bytes()).expect("ranges"), size);
        assert_eq!(of("bytes=0-99", 10), Asked::Parts(vec![(0, 9)]));
        assert_eq!(of("bytes=-3", 10), Asked::Parts(vec![(7, 9)]));
        assert_eq!(of("bytes=-30", 10), Asked::Parts(vec![(0, 9)]));
        assert_eq!(of("bytes=0-1,8-", 10), Asked::Parts(vec![(0, 1), (8, 9)]));
        assert_eq!(of("bytes=0-1,20-", 10), Asked::Parts(vec![(0, 1)]));
        assert_eq!(of("bytes=0-,0-", 10), Asked::Whole);
        for field in ["bytes=10-", "bytes=-0"] {
            assert_eq!(of(field, 10), Asked::Unsatisfiable, "{field}");
        }
        assert_eq!(of("bytes=0-", 0), Asked::Unsatisfiable);
    }

    #[test]
    fn a_part_can_be_asked_for_in_several_ways() {
        let ways = |field: &str| {
            let range = content_range(field.as_bytes())?;
            Some(ways_to_ask(range).iter().map(|way| written(&[*way])).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(ways("bytes 0-4/10").as_deref(), Some("bytes=0-4"));
        assert_eq!(ways("bytes 5-9/10").as_deref(), Some("bytes=5-9 bytes=5- bytes=-5"));
        assert_eq!(ways("bytes 5-9/*").as_deref(), Some("bytes=5-9"));
        assert_eq!(ways("bytes */10"), None);
        assert_eq!(ways("bytes 9-5/10"), None);
        let is_all = |field: &str| content_range(field.as_bytes()).is_some_and(is_whole);
        assert!(is_all("bytes 0-9/10") && !is_all("bytes 0-8/10") && !is_all("bytes 1-9/10") && !is_all("bytes 0-9/*"));
    }

    proptest! {
        #[test]
        fn parts_are_within_the_content(field in "bytes=([0-9]{0,3}-[0-9]{0,3},?){0,5}", size in 0..500_u64) {
            let Some(ranges) = parse(field.as_bytes()) else { return Ok(()) };
            prop_assert_eq!(parse(written(&ranges).as_bytes()), Some(ranges.clone()));
            if let Asked::Parts(parts) = asked(&ranges, size) {
                for (first, last) in parts {
                    prop_assert!(first <= last && last < size);
                }
            }
        }

        #[test]
        fn nothing_panics(field in prop::collection::vec(any::<u8>(), 0..40), size in any::<u64>()) {
            content_range(&field).map(ways_to_ask);
            parse(&field).map(|ranges| asked(&ranges, size));
        }
    }
}
