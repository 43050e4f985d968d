//! Dates and cookies that are moved: a line with the delta in seconds, and lines of `NAME: VALUE`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use refresher::{Date, refresh_fields, refresh_value};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let delta: f64 = str::from_utf8(first).ok().and_then(|delta| delta.parse().ok()).unwrap_or(1.0);
    let fields: Vec<(String, &[u8])> = lines
        .map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (name, value) = line.split_at(colon);
            (String::from_utf8_lossy(name).into_owned(), value.get(2..).unwrap_or_default())
        })
        .collect();
    let edits = refresh_fields(&fields, delta);
    assert!(edits.is_sorted_by(|one, other| one.line < other.line));
    for edit in edits {
        let (name, value) = &fields[edit.line];
        assert_eq!(refresh_value(name, value, delta).as_ref(), Some(&edit.value));
        assert_ne!(*value, edit.value);
        // What was written is a date in the one form, which stays as it is when no time passes. A date that could not be
        // moved so far is still in another form.
        let written = refresh_value(name, &edit.value, 0.0).unwrap_or(edit.value.clone());
        assert_eq!(refresh_value(name, &written, 0.0), None);
        if !name.eq_ignore_ascii_case("set-cookie") {
            let date = Date::parse(&edit.value).expect("a date");
            assert_eq!((date.to_string().as_bytes(), &written), (&edit.value[..], &edit.value));
        }
        let is_control = |byte: &u8| byte.is_ascii_control();
        assert!(!edit.value.iter().any(is_control) || value.iter().any(is_control));
    }
});
