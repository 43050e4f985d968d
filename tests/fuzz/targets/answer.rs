//! Fields of requests and responses that give an answer its form, each on a line of its own: parts are within the content, and
//! an address that a client knows is not mapped again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serverreplay::{
    accepted::{accepts, codings},
    allowed::Allowed,
    ranges::{self, Asked},
    reverse::{Mapping, Server},
    validators::{Conditions, Since, Validators, Verdict, is_in_range},
};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    check_range(line(), line());
    check_conditions(line(), line());
    check_codings(line(), line());
    check_allowed(line(), line());
    check_addresses(line());
});

fn check_range(field: &[u8], answered: &[u8]) {
    let size = answered.len() as u64;
    if let Some(wanted) = ranges::parse(field) {
        assert_eq!(ranges::parse(ranges::written(&wanted).as_bytes()).as_ref(), Some(&wanted));
        if let Asked::Parts(parts) = ranges::asked(&wanted, size) {
            assert!(parts.iter().all(|(first, last)| first <= last && *last < size));
        }
    }
    if let Some((part, whole)) = ranges::content_range(answered) {
        for way in ranges::ways_to_ask((part, whole)) {
            // Each of them asks for this part, of a content that is long enough.
            let size = whole.unwrap_or(u64::MAX);
            assert!(part.1 == u64::MAX || ranges::asked(&[way], size) == Asked::Parts(vec![part]));
        }
    }
}

fn check_conditions(known: &[u8], tag: &[u8]) {
    let conditions = Conditions { none_match: Some(known.to_vec()), ..Conditions::default() };
    let validators = Validators { tag: Some(tag.to_vec()), last_modified: Some(known.to_vec()) };
    let verdict = conditions.verdict(&validators, Since::Any);
    assert_ne!(verdict, Verdict::Failed);
    let weak = Validators { tag: Some([b"W/", tag].concat()), ..validators.clone() };
    // How strong it is does not count.
    assert!(tag.starts_with(b"W/") || tag.first().is_none_or(|byte| b" \t,".contains(byte)) || conditions.verdict(&weak, Since::Any) == verdict);
    is_in_range(known, &validators, tag.len() as u64);
}

fn check_codings(accepted: &[u8], applied: &[u8]) {
    for coding in codings(applied) {
        assert!(!coding.is_empty() && coding.trim() == coding);
        assert!(!accepts(b"", &coding));
        accepts(accepted, &coding);
    }
}

fn check_allowed(origin: &[u8], headers: &[u8]) {
    let mut allowed = Allowed::new(origin);
    let is_allowed = allowed.add("PUT", |name| (name == "access-control-allow-origin").then(|| headers.to_vec()));
    assert_eq!(is_allowed, headers == b"*" || headers.eq_ignore_ascii_case(origin));
    assert_eq!(allowed.answer(b"PUT", Some(headers)).is_some(), is_allowed);
}

fn check_addresses(value: &[u8]) {
    let client = Some(("http".to_owned(), "127.0.0.1:8080".to_owned()));
    let mapping = Mapping { servers: vec![Server::new("https", "a.example")], client, path: "/".to_owned() };
    if let Some(mapped) = mapping.cookie(value) {
        assert!(mapped.len() < value.len());
        assert_eq!(mapping.cookie(&mapped), None);
    }
    let Ok(text) = str::from_utf8(value) else { return };
    for map in [Mapping::url, Mapping::refresh, Mapping::link] {
        if let Some(mapped) = map(&mapping, text) {
            assert_eq!(map(&mapping, &mapped), None);
        }
    }
}
