//! Keys of requests, two of them with a zero byte between: parts say of what the keys are made, and a redacted request has
//! the key of the live one. Contents are compared in each way that a recording may ask for, and are like themselves.

#![no_main]

use std::sync::LazyLock;

use fuzz::message::Message;
use libfuzzer_sys::fuzz_target;
use matcher::{Comparison, JsonPointer, NameList, Options, Rules, Subject, key, key_by, parts, suggest};
use redaction::Redacted;

static OPTIONS: LazyLock<[Options; 4]> = LazyLock::new(|| {
    let wide = Options {
        use_headers: ["X-Tok", "Host"].map(str::to_owned).into(),
        ignore_params: NameList::new(["t", "glob:*x"]),
        ignore_payload_params: NameList::new(["t", "glob:*x"]),
        ignore_json: ["/t", "/*/0"].iter().filter_map(|pointer| JsonPointer::parse(pointer).ok()).collect(),
        canonical_json: true,
        graphql: true,
        ..Options::default()
    };
    let texts = ["field:x-tok", "query:t", "form:t", "json:/t", "json:/*/0", "cookie:t"].map(str::to_owned);
    let redact = Rules::parse(&texts).expect("rules");
    let redacted = Options { redact: redact.clone(), ..wide.clone() };
    [Options::default(), wide, Options { redact, ..Options::default() }, redacted]
});

fuzz_target!(|bytes: &[u8]| {
    let middle = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let one = Message::parse(&bytes[..middle]);
    let other = Message::parse(bytes.get(middle + 1..).unwrap_or(bytes));
    for options in &*OPTIONS {
        check_same(&one, &other, options);
        let mut more = one.clone();
        more.fields.push(("X-Unrelated".to_owned(), b"1".to_vec()));
        assert!(check_same(&one, &more, options), "a field that does not count");
        for comparison in comparisons(&other) {
            let compared = key_by(&one, &comparison, options);
            assert!(compared.is_some() && compared == key_by(&more, &comparison, options), "{comparison:?}");
        }
        for live in [&one, &other] {
            if let Some(recorded) = recorded(live, &options.redact) {
                assert!(check_same(live, &recorded, options), "{:#?}", parts(&recorded, options));
            }
        }
    }
});

/// The ways to compare, some of them with at least what a request has.
fn comparisons(least: &Message) -> impl Iterator<Item = Comparison> {
    let kinds = ["*/*", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/xml"];
    kinds.into_iter().flat_map(|kind| {
        [None, Some(least.content.clone())].map(|at_least| Comparison {
            media_type: kind.to_owned(),
            any_order: at_least.is_some(),
            at_least,
        })
    })
}

/// Whether the requests have the same key. They have exactly if the same parts are made of them.
fn check_same(one: &Message, other: &Message, options: &Options) -> bool {
    let keys = [key(one, options), key(other, options)];
    assert!(keys.iter().all(Option::is_some));
    let parts = [one, other].map(|request| {
        let mut parts = parts(request, options);
        parts.retain(|part| !part.detail);
        parts
    });
    assert_eq!(keys[0] == keys[1], parts[0] == parts[1], "{parts:#?}");
    // Requests that match need no other options.
    assert!(keys[0] != keys[1] || suggest(one, other, options).is_none());
    keys[0] == keys[1]
}

/// The request as a recorder writes it; nothing if its content is left out.
fn recorded(live: &Message, rules: &Rules) -> Option<Message> {
    let mut recorded = live.clone();
    recorded.target = rules.target(&live.target).into_owned();
    for (name, value) in &mut recorded.fields {
        *value = rules.field(name, value).into_owned();
    }
    let (kind, coding) = (live.field("content-type"), live.field("content-encoding"));
    match rules.content(kind.as_deref(), coding.as_deref(), &live.content) {
        Redacted::Unchanged => {}
        Redacted::Changed { content, decoded } => {
            recorded.content = content;
            recorded.fields.retain(|(name, _)| !decoded || !name.eq_ignore_ascii_case("content-encoding"));
        }
        Redacted::Refused(_) => return None,
    }
    Some(recorded)
}
