//! Redacted recordings and live requests.

mod request;

use std::{cell::Cell, io::Write};

use flate2::{Compression, write::GzEncoder};
use matcher::{Content, Digest, JsonPointer, NameList, Options, Rules, Subject, key, parts};
use redaction::Redacted;
use request::{Request, same};

const TEXTS: [&str; 6] =
    ["field:authorization", "query:glob:*token", "form:pw", "json:/user/pw", "json:/*/*/otp", "cookie:session"];

fn options() -> Options {
    let redact = Rules::parse(&TEXTS.map(str::to_owned)).expect("rules");
    Options {
        redact,
        use_headers: ["Authorization", "Cookie", "Referer"].map(str::to_owned).into(),
        ..Options::default()
    }
}

fn request(path: &str, fields: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Request {
    Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        fields: fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body_base64: Some(body.into()),
        ..Request::default()
    }
}

fn typed(content_type: &str, body: &str) -> Request {
    request("/", &[("Content-Type", content_type)], body)
}

/// The request as a recorder writes it.
fn recorded(live: &Request) -> Request {
    let rules = options().redact;
    let mut recorded = live.clone();
    recorded.path = rules.target(&live.path).into_owned();
    for (name, value) in &mut recorded.fields {
        *value = String::from_utf8(rules.field(name, value.as_bytes()).into_owned()).expect("UTF-8");
    }
    let body = live.body_base64.clone().expect("a body");
    let redacted =
        rules.content(live.field("content-type").as_deref(), live.field("content-encoding").as_deref(), &body);
    if let Redacted::Changed { content, decoded } = redacted {
        recorded.body_base64 = Some(content);
        recorded.fields.retain(|(name, _)| !decoded || !name.eq_ignore_ascii_case("content-encoding"));
    }
    recorded
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// What a secret changes of a request, and what another difference changes.
fn cases(make: impl Fn(&str, &str) -> Request) -> [Request; 3] {
    [make("S3CR3T", "a"), make("other", "a"), make("S3CR3T", "b")]
}

fn check([one, secret, other]: [Request; 3], options: &Options) {
    let kept = recorded(&one);
    assert_ne!(
        kept.path + &format!("{:?}{:?}", kept.fields, kept.body_base64),
        one.path.clone() + &format!("{:?}{:?}", one.fields, one.body_base64)
    );
    for live in [&one, &secret, &recorded(&secret)] {
        assert!(same(&recorded(&one), live, options), "{live:?}");
        // A recording from before there were rules counts redacted as well.
        assert!(same(&one, live, options), "{live:?}");
    }
    for live in [&other, &recorded(&other)] {
        assert!(!same(&recorded(&one), live, options), "{live:?}");
        assert!(!same(&one, live, options), "{live:?}");
    }
    for part in parts(&one, options) {
        assert!(!String::from_utf8_lossy(&part.value).contains("S3CR3T"), "{}", part.name);
    }
}

#[test]
fn other_secrets_match_and_other_values_do_not() {
    let options = options();
    let empty = |path: String, fields: &[(&str, &str)]| request(&path, fields, "");
    check(cases(|secret, value| empty(format!("/?a_token={secret}&x={value}"), &[])), &options);
    check(cases(|secret, value| empty(format!("/{value}"), &[("authorization", secret)])), &options);
    check(cases(|secret, value| empty("/".to_owned(), &[("Referer", &format!("/{value}?token={secret}"))])), &options);
    let cookies = |secret: &str, value: &str| {
        let lines = [("Cookie", format!("session={secret}")), ("Cookie", format!("a={value}"))];
        empty("/".to_owned(), &lines.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    check(cases(cookies), &options);
    for (content_type, body) in [
        ("application/json", r#"{"user":{"pw":"SECRET"},"x":"VALUE"}"#),
        ("application/json", r#"{"user":{"pw":["SECRET"],"pw":"SECRET"},"VALUE":[{"otp":"SECRET"}]}"#),
        ("application/x-ndjson", "{\"user\":{\"pw\":\"SECRET\"}}\n{\"x\":\"VALUE\"}"),
        ("text/event-stream", "data: {\"user\":{\"pw\":\"SECRET\"}}\n\nid: VALUE\n\n"),
        ("application/x-www-form-urlencoded", "x=VALUE&pw=SECRET"),
        ("text/plain", r#"{"user":{"pw":"SECRET"},"x":"VALUE"}"#),
        (
            "multipart/form-data; boundary=B",
            "--B\r\nContent-Disposition: form-data; name=pw\r\n\r\nSECRET\r\n--B\r\nContent-Disposition: form-data; \
             name=x\r\n\r\nVALUE\r\n--B--\r\n",
        ),
    ] {
        let body = |secret: &str, value: &str| body.replace("SECRET", secret).replace("VALUE", value);
        let pointers = vec![JsonPointer::parse("/ignored").expect("a pointer")];
        for options in [
            options.clone(),
            Options { canonical_json: true, ..options.clone() },
            Options { ignore_json: pointers, ignore_payload_params: NameList::new(["ignored"]), ..options.clone() },
        ] {
            check(cases(|secret, value| typed(content_type, &body(secret, value))), &options);
            let coded = |secret: &str, value: &str| {
                let fields = [("Content-Type", content_type), ("Content-Encoding", "gzip")];
                request("/", &fields, gzip(&body(secret, value)))
            };
            check(cases(coded), &options);
        }
    }
}

#[test]
fn contents_that_cannot_be_redacted_count_by_their_bytes() {
    let options = Options { canonical_json: true, ..options() };
    for content_type in ["application/json", "text/plain"] {
        let [one, other] = ["1", "2"].map(|secret| typed(content_type, &format!("{{\"user\":{{\"pw\":{secret}")));
        assert!(same(&one, &one.clone(), &options));
        assert!(!same(&one, &other, &options));
    }
    let coded = |body| request("/", &[("Content-Type", "application/json"), ("Content-Encoding", "x")], body);
    assert!(!same(&coded("{\"a\":1}"), &coded("{\"a\":2}"), &options));
}

#[test]
fn no_content_is_no_content_in_any_coding() {
    let bare = typed("application/json", "");
    let coded = request("/", &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")], gzip(""));
    let damaged = request("/", &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")], "");
    assert!(same(&bare, &coded, &options()));
    assert!(same(&bare, &damaged, &options()));
}

/// Counts what is asked about a request.
#[derive(Default)]
struct Asked {
    request: Request,
    fields: Cell<usize>,
    lines: Cell<usize>,
    contents: Cell<usize>,
    digests: Cell<usize>,
}

impl Subject for Asked {
    fn method(&self) -> String {
        self.request.method()
    }

    fn scheme(&self) -> String {
        self.request.scheme()
    }

    fn host(&self) -> String {
        self.request.host()
    }

    fn port(&self) -> u16 {
        self.request.port()
    }

    fn authority(&self) -> Option<String> {
        self.request.authority()
    }

    fn target(&self) -> String {
        self.request.target()
    }

    fn field(&self, name: &str) -> Option<Vec<u8>> {
        self.fields.set(self.fields.get() + 1);
        self.request.field(name)
    }

    fn field_lines(&self, name: &str) -> Vec<Vec<u8>> {
        self.lines.set(self.lines.get() + 1);
        self.request.field_lines(name)
    }

    fn content(&self) -> Content {
        self.contents.set(self.contents.get() + 1);
        self.request.content()
    }

    fn digest(&self) -> Digest {
        self.digests.set(self.digests.get() + 1);
        self.request.digest()
    }
}

/// How often fields, lines, contents and digests are asked for.
fn questions(content_type: &str, options: &Options) -> [usize; 4] {
    let asked = Asked { request: typed(content_type, "a=1"), ..Asked::default() };
    assert!(key(&asked, options).is_some());
    [asked.fields.get(), asked.lines.get(), asked.contents.get(), asked.digests.get()]
}

#[test]
fn only_rules_about_a_content_make_it_be_read() {
    let none = Options { redact: Rules::default(), ..options() };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(questions(form, &none), [5, 0, 0, 1]);
    assert_eq!(questions("image/png", &options()), [2, 3, 0, 1]);
    assert_eq!(questions(form, &options()), [2, 3, 1, 0]);
    assert_eq!(questions(form, &Options { ignore_content: true, ..options() }), [0, 3, 0, 0]);
}
