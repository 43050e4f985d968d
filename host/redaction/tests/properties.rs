//! What holds for all messages.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use memchr::memmem;
use proptest::prelude::*;
use redaction::{REPLACEMENT, Redacted, Rules};

fn rules() -> Rules {
    let texts = ["field:x-secret", "cookie:pw", "query:pw", "form:pw", "json:/user/pw", "json:/*/pw/0"];
    Rules::parse(&texts.map(str::to_owned)).expect("rules")
}

/// Texts made of what the rules look for.
fn pieces(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..=most).prop_map(|pieces| pieces.concat())
}

fn secret() -> impl Strategy<Value = String> {
    "S3CR3T[a-zA-Z0-9]{4,12}"
}

fn space() -> impl Strategy<Value = String> {
    pieces(&[" ", "\t", "\n", "\r\n"], 2)
}

/// JSON values around this leaf.
fn json(leaf: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names = prop::sample::select(&["a", "pw", "user", "\\u0070w", "é", "\\ud800", "x\\\"y"][..]);
        let member =
            (names, space(), inner.clone()).prop_map(|(name, space, value)| format!("\"{name}\"{space}:{value}"));
        prop_oneof![
            (space(), prop::collection::vec(inner, 1..4))
                .prop_map(|(space, values)| format!("[{}]", values.join(&format!(",{space}")))),
            (space(), prop::collection::vec(member, 1..4))
                .prop_map(|(space, members)| format!("{{{space}{}{space}}}", members.join(","))),
        ]
    })
}

fn plain() -> impl Strategy<Value = String> {
    json(
        prop::sample::select(&["1", "-1.50e3", "null", "\"\"", "\"pw\"", "\"\\ud83d\\ude00 \\n\""][..])
            .prop_map(str::to_owned)
            .boxed(),
    )
}

prop_compose! {
    /// A text around one secret value, before and after it was redacted, and the secret.
    fn json_text()(
        secret in secret(),
    )(
        value in json(prop_oneof![Just(format!("\"{secret}\"")), Just(format!("\"\\\\{secret}\\\"é\""))].boxed()),
        name in prop::sample::select(&["pw", "\\u0070w", "p\\u0077"][..]),
        spaces in prop::array::uniform4(space()),
        noise in prop::array::uniform3(plain()),
        secret in Just(secret),
    ) -> (String, String, String) {
        let [a, b, c, d] = &spaces;
        let [x, y, z] = &noise;
        // The noise is where no pointer leads to.
        let text = |value: &str| {
            format!("{a}{{\"x\":[[{x}]],{b}\"user\":{{\"y\":[{y}],\"{name}\"{c}:{d}{value}{a}}},\"z\":[[{z}]]}}{c}")
        };
        (text(&value), text(&format!("\"{REPLACEMENT}\"")), secret)
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

/// What is kept of a content that is not coded.
fn kept(content_type: Option<&str>, content: &[u8]) -> Vec<u8> {
    match rules().content(content_type.map(str::as_bytes), None, content) {
        Redacted::Unchanged => content.to_vec(),
        Redacted::Changed { content, decoded } => {
            assert!(!decoded);
            content
        }
        Redacted::Refused(_) => Vec::new(),
    }
}

fn target(target: &str) -> String {
    rules().target(target).into_owned()
}

fn field(name: &str, value: &str) -> String {
    String::from_utf8(rules().field(name, value.as_bytes()).into_owned()).expect("UTF-8")
}

fn holds(content: &[u8], secret: &str) -> bool {
    memmem::find(content, secret.as_bytes()).is_some()
}

const JSON_TYPES: [Option<&str>; 5] =
    [Some("application/json"), Some("a/b+json"), Some("text/plain"), Some("application/x-www-form-urlencoded"), None];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn secrets_in_json_are_replaced_and_nothing_else((text, redacted, secret) in json_text(), which in 0..JSON_TYPES.len()) {
        let content_type = JSON_TYPES[which];
        prop_assert!(holds(text.as_bytes(), &secret) && !holds(redacted.as_bytes(), &secret));
        prop_assert_eq!(String::from_utf8(kept(content_type, text.as_bytes())).expect("UTF-8"), redacted.clone());
        let lines = |text: &str| text.replace(['\r', '\n'], " ").trim().to_owned() + "\n";
        let twice = lines(&text).repeat(2);
        prop_assert_eq!(String::from_utf8(kept(Some("application/x-ndjson"), twice.as_bytes())).expect("UTF-8"), lines(&redacted).repeat(2));
        let coded = rules().content(content_type.map(str::as_bytes), Some(b"gzip"), &gzip(text.as_bytes()));
        prop_assert_eq!(coded, Redacted::Changed { content: redacted.into_bytes(), decoded: true });
    }

    #[test]
    fn no_secret_is_left_in_broken_json(
        (text, _, secret) in json_text(),
        at in any::<prop::sample::Index>(),
        damage in pieces(&["", "\"", "{", "]", ",", "\\", "x"], 2),
        cut: bool,
    ) {
        let mut broken = text.clone().into_bytes();
        let at = at.index(broken.len());
        broken.splice(at..if cut { broken.len() } else { at }, damage.into_bytes());
        let at_name = text.find("\"user\"").is_some_and(|name| name <= at) && text.find(&secret).is_some_and(|end| at < end);
        if at_name {
            // A name that was damaged names something else.
            return Ok(());
        }
        for content_type in JSON_TYPES {
            prop_assert!(!holds(&kept(content_type, &broken), &secret), "{}", String::from_utf8_lossy(&broken));
        }
    }

    #[test]
    fn secrets_in_events_are_replaced((text, redacted, secret) in json_text(), end in prop::sample::select(&["\n", "\r\n", "\r"][..])) {
        let one_line = |text: &str| format!("event: a{end}data: {}{end}{end}data: [DONE]{end}{end}", text.replace(['\r', '\n'], " "));
        let kept_of = |stream: &str| String::from_utf8(kept(Some("text/event-stream"), stream.as_bytes())).expect("UTF-8");
        prop_assert_eq!(kept_of(&one_line(&text)), one_line(&redacted));
        let lines: Vec<String> = text.lines().map(|line| format!("data:{line}{end}")).collect();
        let many = kept_of(&lines.concat());
        prop_assert!(!holds(many.as_bytes(), &secret));
        prop_assert!(many.contains(REPLACEMENT));
        prop_assert_eq!(kept_of(&many), many);
    }

    #[test]
    fn secrets_in_pairs_are_replaced_and_nothing_else(
        secret in secret(),
        name in prop::sample::select(&["pw", "%70w", "p%77"][..]),
        around in prop::array::uniform2(pieces(&["a=1", "pwd=2", "&", "=", "%", "+", "pw"], 6)),
        more in pieces(&["=", "%26", "?", "+", "é"], 3),
    ) {
        let [before, after] = &around;
        let pairs = |value: &str| format!("x{before}&{name}={value}&y{after}");
        let (text, redacted) = (pairs(&format!("{more}{secret}{more}")), pairs(REPLACEMENT));
        // What stands around may have secrets of its own.
        let expected = |text: &str| text.replace("&pw=", "&\0").contains('\0');
        prop_assume!(!expected(before) && !expected(after));
        for content_type in [Some("application/x-www-form-urlencoded"), Some("text/plain"), None] {
            prop_assert_eq!(kept(content_type, text.as_bytes()), redacted.as_bytes());
        }
        let url = |pairs: &str| format!("/pw={secret}?{pairs}");
        prop_assert_eq!(target(&url(&text)), url(&redacted));
        prop_assert_eq!(field("Location", &url(&text)), url(&redacted));
    }

    #[test]
    fn secrets_in_multipart_forms_are_replaced_and_nothing_else(secret in secret(), values in prop::array::uniform3(pieces(&["a", "\r\n", "-", "=", ";", "pw"], 5))) {
        let [a, b, c] = &values;
        let form = |value: &str| {
            let parts = [("x", a.as_str()), ("pw", value), ("y", b)];
            let parts = parts.map(|(name, value)| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
            format!("{c}\r\n{}--B--\r\n", parts.concat())
        };
        let content_type = Some("multipart/form-data; boundary=B");
        let redacted = kept(content_type, form(&format!("{a}{secret}{b}")).as_bytes());
        prop_assert_eq!(redacted, form(REPLACEMENT).into_bytes());
        for end in 0..form(&secret).len() - "--\r\n".len() {
            prop_assert!(!holds(&kept(content_type, &form(&secret).as_bytes()[..end]), &secret));
        }
    }

    #[test]
    fn secrets_in_fields_are_replaced_and_nothing_else(secret in "S3CR3T[!-:<-~]{0,9}", around in prop::array::uniform2(pieces(&["a=1", "; ", ";", "=", "b", "PW=1"], 5))) {
        let [before, after] = &around;
        let cookies = |value: &str| format!("x{before};pw={value};y{after}");
        prop_assert_eq!(field("COOKIE", &cookies(&secret)), cookies(REPLACEMENT));
        let set = |value: &str| format!("pw={value};{after}");
        prop_assert_eq!(field("set-cookie", &set(&secret)), set(REPLACEMENT));
        prop_assert_eq!(field("X-Secret", &cookies(&secret)), REPLACEMENT);
    }

    #[test]
    fn redacting_twice_changes_nothing(
        content in pieces(&["{", "}", "[", "]", "\"pw\"", "\"user\"", ":", ",", "1", "\n", "data:", "pw=", "&", "--B", "--", "\r\n", "Content-Disposition: form-data; name=pw"], 14),
        content_type in prop::option::of(prop::sample::select(&["application/json", "text/event-stream", "multipart/form-data; boundary=B", "application/x-www-form-urlencoded"][..])),
        target in pieces(&["/", "?", "#", "&", "=", "pw", "é", ";", "%70w", "+"], 10),
        name in prop::sample::select(&["cookie", "set-cookie", "location", "x-secret"][..]),
    ) {
        let once = kept(content_type, content.as_bytes());
        prop_assert_eq!(kept(content_type, &once), once);
        let once = self::target(&target);
        prop_assert_eq!(self::target(&once), once);
        let once = field(name, &target);
        prop_assert_eq!(field(name, &once), once);
    }

    #[test]
    fn nothing_panics_on_arbitrary_input(
        texts in prop::collection::vec("((field|query|form|json|cookie):)?(glob:)?[/*?a-c~:]{0,6}|.*", 0..4),
        target: String,
        name: String,
        content in prop::collection::vec(any::<u8>(), 0..100),
        content_type in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        coding in prop::option::of(prop::sample::select(&["gzip", "br", "zstd", "deflate", "x"][..])),
    ) {
        for rules in Rules::parse(&texts).into_iter().chain([rules()]) {
            rules.target(&target);
            for name in [&name, "cookie", "set-cookie", "location"] {
                rules.field(name, &content);
            }
            rules.content(content_type.as_deref(), coding.map(str::as_bytes), &content);
            for content_type in ["application/json", "text/event-stream", "multipart/form-data; boundary=a", ""] {
                rules.content(Some(content_type.as_bytes()), coding.map(str::as_bytes), &content);
            }
        }
    }
}
