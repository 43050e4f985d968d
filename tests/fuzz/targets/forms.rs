//! Forms and JSON taken apart, a media type in the first line: the pieces make up the whole again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redaction::{json_text::Cursor, multipart, query};

fuzz_target!(|bytes: &[u8]| {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (content_type, rest) = bytes.split_at(line);
    let content = rest.get(1..).unwrap_or_default();
    check_pairs(content);
    check_multipart(content_type, content);
    if let Ok(text) = str::from_utf8(content) {
        check_json(text);
    }
});

fn check_pairs(content: &[u8]) {
    let pairs: Vec<_> = query::pairs(content).collect();
    let written: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let written = written.join("&");
    // A pair of two empty texts is written as `=`.
    assert_eq!(query::pairs(written.as_bytes()).collect::<Vec<_>>(), pairs);
    assert!(pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= content.len());
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn check_multipart(content_type: &[u8], content: &[u8]) {
    let Some(fields) = multipart::parse(content_type, content) else { return };
    let mut rest = content;
    for field in fields {
        // Names, file names and types are before the value, all of it in the order of the content.
        let end = field.value.as_ptr_range().end.addr() - rest.as_ptr().addr();
        let (part, after) = rest.split_at(end);
        assert!(part.ends_with(field.value));
        let head = &part[..part.len() - field.value.len()];
        for text in [Some(field.name), field.file_name, field.file_type].into_iter().flatten() {
            assert!(text.is_empty() || head.windows(text.len()).any(|window| window == text));
        }
        assert!(head.ends_with(b"\r\n\r\n") && after.starts_with(b"\r\n--"));
        rest = after;
    }
}

/// What is read of a valid text is all of it; of another, there is an end.
fn check_json(text: &str) {
    let is_valid = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let whole = Cursor::new(text).value();
    let mut cursor = Cursor::new(text);
    let walked = walk(&mut cursor, 0);
    if is_valid {
        let white = [' ', '\t', '\n', '\r'];
        assert_eq!(whole, Some(text.trim_matches(white).as_bytes()));
        assert!(walked.is_none_or(|()| cursor.peek().is_none()));
        assert!(walked.is_some() || text.len() > DEPTH);
    }
}

const DEPTH: usize = 200;

/// Takes a value piece by piece; nothing when it is none, or nested too deep for that.
fn walk(cursor: &mut Cursor<'_>, depth: usize) -> Option<()> {
    if depth == DEPTH {
        return None;
    }
    let mut is_first = true;
    if cursor.takes(b'{') {
        while cursor.goes_on(b'}', is_first) {
            cursor.name()?;
            walk(cursor, depth + 1)?;
            is_first = false;
        }
    } else if cursor.takes(b'[') {
        while cursor.goes_on(b']', is_first) {
            walk(cursor, depth + 1)?;
            is_first = false;
        }
    } else {
        cursor.scalar()?;
    }
    Some(())
}
