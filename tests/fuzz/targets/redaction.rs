//! Secrets in the target, the fields and the content of a message: whatever these are, redacting twice is redacting once.

#![no_main]

use std::sync::LazyLock;

use fuzz::message::Message;
use libfuzzer_sys::fuzz_target;
use redaction::{Redacted, Rules};

static RULES: LazyLock<[Rules; 3]> = LazyLock::new(|| {
    let rules = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Rules::parse(&texts).expect("rules")
    };
    [
        rules(&["field:x-secret", "cookie:pw", "query:pw", "form:pw", "json:/user/pw", "json:/*/pw/0"]),
        rules(&["field:glob:x-*", "cookie:glob:*", "query:glob:*w", "form:glob:p*", "json:"]),
        rules(&["json:/*"]),
    ]
});

fuzz_target!(|bytes: &[u8]| {
    let message = Message::parse(bytes);
    // As the text of a rule, each line is one or none.
    for text in String::from_utf8_lossy(bytes).lines().take(4) {
        let _ = Rules::parse(&[text.to_owned()]).map_err(|error| error.to_string());
    }
    let field = |wanted: &str| message.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let content_type = field("content-type").map(|(_, value)| value.as_slice());
    let coding = field("content-encoding").map(|(_, value)| value.as_slice());
    for rules in &*RULES {
        let once = rules.target(&message.target).into_owned();
        assert_eq!(rules.target(&once), once);
        for (name, value) in &message.fields {
            let once = rules.field(name, value).into_owned();
            assert_eq!(*rules.field(name, &once), once);
        }
        if let Some((once, coding)) = kept(rules, content_type, coding, &message.content) {
            assert!(!once.is_empty() || message.content.is_empty());
            assert_eq!(kept(rules, content_type, coding, &once).map(|(content, _)| content), Some(once));
        }
        if !rules.applies_to_content(content_type) {
            assert_eq!(rules.content(content_type, coding, &message.content), Redacted::Unchanged);
        }
    }
});

/// What is recorded of a content, and the coding that it still has; nothing if that is nothing.
fn kept<'c>(
    rules: &Rules,
    content_type: Option<&[u8]>,
    coding: Option<&'c [u8]>,
    content: &[u8],
) -> Option<(Vec<u8>, Option<&'c [u8]>)> {
    match rules.content(content_type, coding, content) {
        Redacted::Unchanged => Some((content.to_vec(), coding)),
        Redacted::Changed { content, decoded } => Some((content, coding.filter(|_| !decoded))),
        Redacted::Refused(_) => None,
    }
}
