use proptest::prelude::*;
use regex::bytes::RegexBuilder;

use super::translate;

fn is_in(pattern: &str, is_text: bool, haystack: &[u8]) -> bool {
    let translated = translate(pattern, is_text, false).unwrap();
    let regex = RegexBuilder::new(&translated).unicode(is_text).case_insensitive(true).build();
    regex.unwrap_or_else(|error| panic!("{pattern} -> {translated}: {error}")).is_match(haystack)
}

#[test]
fn what_python_takes_literally_is_a_literal() {
    for (pattern, haystack) in [
        (r#"{"a": [{}]"#, r#"{"a": {"#),
        ("a{", "a{"),
        ("a{1,x}", "a{1,x}"),
        ("a{}", "a{}"),
        ("}]", "}]"),
        ("[[]", "["),
        ("[]a]", "]"),
        ("[a&&b]", "&"),
        ("[+--]", ","),
        ("[~~x]", "~"),
        ("[[:digit:]]", ":]"),
        (r"\<a\>", "<a>"),
        (r"\é", "é"),
        ("#  a", "#  a"),
        (r"[\]\-]", "-"),
        (r"[\b]", "\u{8}"),
    ] {
        assert!(is_in(pattern, true, haystack.as_bytes()), "{pattern}");
        assert!(is_in(pattern, false, haystack.as_bytes()), "{pattern} in bytes");
    }
}

#[test]
fn repetitions_count_as_in_python() {
    assert!(is_in("^a{2}$", true, b"aa") && !is_in("^a{2}$", true, b"a"));
    assert!(is_in("^a{,2}$", true, b"") && !is_in("^a{,2}$", true, b"aaa"));
    assert!(is_in("^a{2,}?$", true, b"aaa") && is_in("^a{,}$", true, b"aaa"));
    for pattern in ["a**", "a*+", "a{2}{3}", "a{2}*", "a???"] {
        let error = translate(pattern, true, false).unwrap_err();
        assert!(error.ends_with("repeats what is repeated already"), "{pattern}: {error}");
    }
}

#[test]
fn the_end_is_before_a_last_line_break_too() {
    assert!(is_in("a$", true, b"a\n") && is_in("a$", true, b"a") && !is_in("a$", true, b"a\nb"));
    assert!(is_in(r"a\Z", true, b"a") && !is_in(r"a\Z", true, b"a\n"));
    assert!(is_in("(?m)a$", true, b"a\nb"));
}

#[test]
fn characters_are_bytes_where_only_those_count() {
    assert!(is_in("é", false, "é".as_bytes()) && !is_in("é", false, b"\xe9"));
    assert!(is_in(r"\xe9", false, b"\xe9") && is_in(r"\xe9", true, "é".as_bytes()));
    assert!(is_in("[é]", false, b"\xa9"));
    assert!(is_in("É", true, "é".as_bytes()) && !is_in("É", false, "é".as_bytes()));
    assert!(is_in(r"\w", true, "é".as_bytes()) && !is_in(r"\w", false, "é".as_bytes()));
    assert!(is_in(r"\u00e9", true, "é".as_bytes()));
    assert!(is_in(r"\101[\60]\0", true, b"a0\0"));
}

#[test]
fn what_has_no_counterpart_is_refused() {
    let look = "look-around is not supported, because it can take forever";
    let back = "back-references are not supported, because they can take forever";
    for (pattern, expected) in [
        ("a(?=b)", look),
        ("(?<!a)b", look),
        (r"(a)\1", back),
        ("(?P<n>a)(?P=n)", back),
        ("(?>a)", "conditions, atomic groups and comments are not supported"),
        ("(?x)a", "verbose patterns are not supported"),
        (r"\q", r"`\q` has no meaning"),
        ("a\\", "a backslash stands at its end"),
        (r"\xf", "2 hexadecimal digits are missing after a backslash"),
        ("[a", "a `[` is without its `]`"),
        ("(?i", "a group is not closed"),
    ] {
        assert_eq!(translate(pattern, true, false).unwrap_err(), expected, "{pattern}");
    }
}

proptest! {
    #[test]
    fn any_pattern_is_translated_or_refused(pattern in r"[a-c\[\](){}?*+.^$|\\&~0-9xuUP<>=!:,é-]{0,24}", is_text: bool) {
        if let Ok(translated) = translate(&pattern, is_text, false) {
            // What Python refuses may be left over, and must be refused here then.
            let _ = RegexBuilder::new(&translated).unicode(is_text).size_limit(1 << 16).build();
        }
    }

    #[test]
    fn an_escaped_text_is_found_as_it_is(text in "[ -~é]{1,20}") {
        let escape = |character: char| {
            if character.is_ascii_alphanumeric() { character.to_string() } else { format!("\\{character}") }
        };
        let pattern: String = text.chars().map(escape).collect();
        prop_assert!(is_in(&pattern, true, text.as_bytes()));
        prop_assert!(is_in(&pattern, false, text.as_bytes()));
    }
}
