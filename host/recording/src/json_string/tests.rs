use std::{fmt::Write, fs, fs::OpenOptions};

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;
use crate::samples;

/// A string in a file, between quotes and with something around it.
fn written(json: &str) -> samples::TempFile {
    samples::file(format!("{{\"text\":\"{json}\"}}").as_bytes())
}

const BEFORE: u64 = 9;

/// Looks at a string in parts of `step` bytes, as if no more were there.
fn surveyed(json: &[u8], step: usize) -> Option<Surveyed> {
    let (mut survey, mut from, mut until) = (Survey::new(BEFORE), 0, 0);
    loop {
        until = (until + step).min(json.len());
        let (len, fed) = survey.feed(&json[from..until]);
        from += len;
        assert_eq!(survey.raw_len(), from as u64);
        match fed {
            Fed::End => {
                assert_eq!(&json[from..], b"\"");
                return survey.finish();
            }
            Fed::More => assert!(until < json.len(), "the quote was there"),
            Fed::Broken => return None,
        }
    }
}

fn text(json: &str, step: usize) -> JsonString {
    surveyed(format!("{json}\"").as_bytes(), step).unwrap().text(false).0
}

fn base64(json: &str, step: usize) -> Result<JsonString, base64::DecodeError> {
    surveyed(format!("{json}\"").as_bytes(), step).unwrap().base64()
}

/// Checks that a string is read as `expected`, whole and in pieces.
fn assert_reads(string: &JsonString, json: &str, expected: &[u8]) {
    let file = written(json);
    let opened = File::open(&file.path).unwrap();
    assert_eq!(string.size(), expected.len() as u64);
    assert!(string.read_at(&opened, 0, u64::MAX).unwrap() == expected);
    let mut copied = Vec::new();
    string.reader(&opened).read_to_end(&mut copied).unwrap();
    assert!(copied == expected);
    for (at, len) in [(0, 1), (1, 0), (expected.len() / 2, 70_000), (expected.len() / 3, 3), (expected.len(), 1)] {
        let end = (at + len).min(expected.len());
        let piece = string.read_at(&opened, at as u64, len as u64).unwrap();
        assert!(piece == expected.get(at..end).unwrap_or_default(), "{at} {len}");
    }
    let start = string.start();
    assert!(expected.starts_with(start) && start.len() <= 4);
}

/// Text as JSON, with more escaped than must be where `style` says so.
fn json(text: &str, style: u8) -> String {
    let mut json = String::new();
    for (index, character) in text.chars().enumerate() {
        let is_escaped = style == 2 || (style == 1 && index % 3 == 0);
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '/' if style > 0 => json.push_str("\\/"),
            '\n' => json.push_str("\\n"),
            character if character < ' ' || is_escaped => {
                let mut units = [0; 2];
                character.encode_utf16(&mut units).iter().for_each(|unit| write!(json, "\\u{unit:04x}").unwrap());
            }
            character => json.push(character),
        }
    }
    json
}

#[test]
fn blocks_are_as_large_as_they_should_be() {
    let long = "x".repeat(200_000);
    let string = text(&long, 10_000);
    let ends: Vec<_> = string.blocks.iter().map(|block| block.raw_end).collect();
    assert_eq!(ends, [32_768, 65_536, 98_304, 131_072, 163_840, 196_608, 200_000]);
    // No character and no group of base64 is in two of them.
    let wide = format!("a{}", "\u{20ac}".repeat(50_000));
    assert_reads(&text(&wide, 10_000), &wide, wide.as_bytes());
    let lines = format!("{}\\r\\n", STANDARD.encode([7; 54])).repeat(1000);
    assert_reads(&base64(&lines, 10_000).unwrap(), &lines, &[7; 54_000]);
}

#[test]
fn half_a_character_is_replaced() {
    for (json, expected) in [
        (r"a\ud83d", "a\u{fffd}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\udce9\\ud83d", "\u{fffd}\\ud83d"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud83d\u0041", "\u{fffd}A"),
    ] {
        for step in 1..8 {
            assert_reads(&text(json, step), json, expected.as_bytes());
        }
    }
}

#[test]
fn what_no_string_has_ends_the_survey() {
    for broken in ["a\n", "a\\x", "\\u12g4", "a\\ud83d\\u12g4"] {
        for step in 1..8 {
            assert!(surveyed(format!("{broken}\"").as_bytes(), step).is_none(), "{broken:?}");
        }
    }
    let (mut survey, text) = (Survey::new(0), b"ab\xff\"");
    assert_eq!(survey.feed(text), (3, Fed::End));
    assert!(survey.finish().is_none(), "it is no text");
}

#[test]
fn what_is_not_base64_is_told_as_the_decoder_tells_it() {
    let long = "QUJD".repeat(10_000);
    for end in
        ["", "QQ", "QQ=", "QQ==", "QUI", "QUI=", "a!", "\u{e9}", "Q", "QR", "=", "QUJD=", "QQ===", "QQ==QQ", "-_"]
    {
        for start in ["", &long] {
            let json = format!("{start}{end}");
            let expected = survey::BASE64.decode(&json);
            let found = base64(&json, 5000);
            match (found, expected) {
                (Ok(string), Ok(expected)) => assert_reads(&string, &json, &expected),
                (Err(found), Err(expected)) => assert_eq!(found.to_string(), expected.to_string(), "{end}"),
                (found, expected) => panic!("{end}: {found:?} {expected:?}"),
            }
        }
    }
    // A block must not become as large as somebody likes.
    assert!(base64(&format!("A{}AAA", " ".repeat(100_000)), 10_000).is_err());
}

#[test]
fn other_text_in_its_place_is_noticed() {
    let json = "0123456789".repeat(10_000);
    let string = text(&json, 10_000);
    let file = written(&json);
    let mut bytes = fs::read(&file.path).unwrap();
    bytes[70_000] = b'x';
    fs::write(&file.path, &bytes).unwrap();
    let opened = File::open(&file.path).unwrap();
    assert_eq!(string.read_at(&opened, 0, 60_000).unwrap(), json[..60_000]);
    let changed = string.read_at(&opened, 70_000, 1).unwrap_err();
    assert!(matches!(changed, Unreadable::Changed(at) if at == BEFORE + 65_536), "{changed:?}");
    let writable = OpenOptions::new().write(true).open(&file.path).unwrap();
    writable.set_len(80_000).unwrap();
    assert_eq!(string.read_at(&opened, 0, 10).unwrap(), "0123456789");
    assert!(matches!(string.read_at(&opened, 99_000, 1).unwrap_err(), Unreadable::Failed(..)));
    assert!(string.reader(&opened).read_to_end(&mut Vec::new()).is_err());
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![any::<String>(), "[a-z]{0,40}", "[\u{80}-\u{ff}]{1,9}", Just("\u{20ac}".to_owned())];
    (prop::collection::vec(piece, 0..4), prop_oneof![Just(1_usize), Just(1), 1..4000_usize])
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_read_as_it_was(text_of_it in any_text(), style in 0..3_u8, step in 1..9000_usize) {
        let json = json(&text_of_it, style);
        let string = text(&json, step.max(json.len() / 2000));
        assert_reads(&string, &json, text_of_it.as_bytes());
        prop_assert_eq!(string.is_ascii(), text_of_it.is_ascii());
    }

    #[test]
    fn any_bytes_are_read_as_they_were(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        times in prop_oneof![Just(1_usize), 1..400_usize],
        (style, step, line) in (0..3_u8, 1..9000_usize, prop_oneof![Just(usize::MAX), 1..80_usize]),
    ) {
        let bytes = bytes.repeat(times);
        let encoded = STANDARD.encode(&bytes);
        let lines: Vec<_> = encoded.as_bytes().chunks(line).map(|line| str::from_utf8(line).unwrap()).collect();
        let json_of_it = json(&lines.join("\n"), style);
        let step = step.max(json_of_it.len() / 2000);
        assert_reads(&base64(&json_of_it, step).unwrap(), &json_of_it, &bytes);
        let characters: String = bytes.iter().copied().map(char::from).collect();
        let json_of_it = json(&characters, style);
        let surveyed = surveyed(format!("{json_of_it}\"").as_bytes(), step).unwrap();
        let (string, is_bytes) = surveyed.text(true);
        prop_assert_eq!(is_bytes, !bytes.is_ascii());
        assert_reads(&string, &json_of_it, &bytes);
    }
}
