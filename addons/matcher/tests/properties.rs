//! What holds for all requests.

mod request;

use matcher::{Comparison, JsonPointer, NameList, Options, Rules, key_by};
use proptest::prelude::*;
use request::{Request, same};

/// Texts that are often equal, and made of what the rules look for.
fn text(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..=most).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    text(&["/", "a", ";", "?", "&", "=", "t", "#", "%41", "%ff", "%", "+", "*"], 8)
}

fn authority() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text(&["a", "A", ":", "1", "[", "]", "."], 4))
}

fn body() -> impl Strategy<Value = (Option<&'static str>, String)> {
    let form = text(&["t", "=", "&", "1", "+", "%20"], 6);
    let multipart = text(
        &["--A", "--", "\r\n", "\r\n\r\n", "Content-Disposition: form-data; name=t", "1", "; filename=x", "\r\n--A--"],
        9,
    );
    let related = text(
        &[
            "--A\r\n",
            "X: 1\r\n",
            "\r\n",
            "1",
            "Content-Type: multipart/a; boundary=B\r\n",
            "--B\r\n",
            "--B--\r\n",
            "--A--",
        ],
        12,
    );
    let json = text(&["{", "}", "[", "]", "\"t\"", ":", ",", "1", " ", "\"0\"", "[]", "{\"t\":1}"], 7);
    let types = |types: &'static [&'static str]| prop::option::of(prop::sample::select(types));
    prop_oneof![
        (types(&["application/x-www-form-urlencoded"]), form),
        (
            types(&["multipart/form-data; boundary=A", "multipart/form-data; boundary=\"A\"", "multipart/form-data"]),
            multipart
        ),
        (types(&["application/json", "a/b+json"]), json),
        (types(&["application/json", "application/graphql"]), graphql()),
        (types(&["multipart/related; boundary=A", "multipart/mixed; boundary=\"A\"", "multipart/related"]), related),
    ]
}

fn graphql() -> impl Strategy<Value = String> {
    let document = text(&["query", " ", "{a}", "t", "(", ")", "#", ","], 4);
    let other = text(&[",\"variables\":{\"t\":1}", ",\"operationName\":\"t\"", ",\"extensions\":{}", ",\"t\":null"], 3);
    let one = (document, other).prop_map(|(document, other)| format!("{{\"query\":\"{document}\"{other}}}")).boxed();
    (one.clone(), one, 0..3usize).prop_map(|(one, other, form)| match form {
        0 => one,
        1 => format!("[{one},{other}]"),
        _ => "query t{a}".to_owned(),
    })
}

/// How a recording may let contents be compared.
fn comparison() -> impl Strategy<Value = Comparison> {
    let kinds = [
        "*/*",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/mixed",
        "text/xml",
        "a/b",
        "application/graphql",
    ];
    (prop::sample::select(kinds.to_vec()), any::<bool>(), prop::option::of(body())).prop_map(
        |(kind, any_order, least)| Comparison {
            media_type: kind.to_owned(),
            any_order,
            at_least: least.map(|(_, text)| text.into_bytes()),
        },
    )
}

prop_compose! {
    fn request()(
        method in prop::sample::select(&["GET", "get", "POST"][..]),
        scheme in prop::sample::select(&["http", "https"][..]),
        host in prop::sample::select(&["a", "b"][..]),
        port in 80..82u16,
        path in path(),
        authority in authority(),
        token in prop::option::of(text(&["1"], 2)),
        coding in prop::option::of(prop::sample::select(&["gzip", "br", "zstd", "deflate", "identity"][..])),
        (content_type, body) in body(),
    ) -> Request {
        let fields = [("Host", authority), ("X-Tok", token), ("Content-Encoding", coding.map(str::to_owned)), ("Content-Type", content_type.map(str::to_owned))];
        Request {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
            path,
            fields: fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
            body,
            body_base64: None,
        }
    }
}

prop_compose! {
    fn options()(
        use_headers in prop::sample::subsequence(&["X-Tok", "Host"][..], 0..=2),
        [ignore_content, ignore_params, ignore_payload_params, ignore_json] in any::<[bool; 4]>(),
        [canonical_json, graphql, ignore_host, ignore_port, ignore_scheme, ignore_origin] in any::<[bool; 6]>(),
        redact: bool,
    ) -> Options {
        Options {
            use_headers: use_headers.into_iter().map(str::to_owned).collect(),
            ignore_content,
            ignore_params: names(ignore_params),
            ignore_payload_params: names(ignore_payload_params),
            ignore_json: pointers(ignore_json),
            canonical_json,
            graphql,
            ignore_host,
            ignore_port,
            ignore_scheme,
            ignore_origin,
            redact: rules(redact),
        }
    }
}

fn rules(given: bool) -> Rules {
    let texts = ["query:t", "form:t", "json:/t", "field:x-tok"].map(str::to_owned);
    Rules::parse(if given { &texts } else { &[] }).expect("rules")
}

fn names(given: bool) -> NameList {
    NameList::new(given.then_some("t"))
}

fn pointers(given: bool) -> Vec<JsonPointer> {
    given.then(|| JsonPointer::parse("/t").expect("a pointer")).into_iter().collect()
}

/// A request and one that differs from it in few things.
fn neighbours() -> impl Strategy<Value = (Request, Request)> {
    (request(), request(), any::<[bool; 5]>()).prop_map(|(one, other, taken)| {
        let mut near = one.clone();
        let [origin, path, fields, body, method] = taken;
        if origin {
            (near.scheme, near.host, near.port) = (other.scheme, other.host, other.port);
        }
        if path {
            near.path = other.path;
        }
        if fields {
            near.fields = other.fields;
        }
        if body {
            near.body = other.body;
        }
        if method {
            near.method = other.method;
        }
        (one, near)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn keys_are_equal_exactly_if_parts_are((one, other) in neighbours(), options in options()) {
        // The comparison checks it.
        same(&one, &other, &options);
    }

    #[test]
    fn nothing_panics_on_arbitrary_texts(
        path in any::<String>(),
        host in any::<String>(),
        body in prop::collection::vec(any::<u8>(), 0..100),
        base in request(),
        options in options(),
    ) {
        let mut request = Request { path, body_base64: Some(body), ..base };
        request.fields.push(("Host".to_owned(), host));
        prop_assert!(same(&request, &request.clone(), &options));
    }

    #[test]
    fn ignoring_more_only_widens((one, mut other) in neighbours(), options in options()) {
        // Bytes that are equal mean different things under different types, once their meaning counts.
        for name in ["Content-Type", "Content-Encoding"] {
            other.fields.retain(|(field, _)| field != name);
            other.fields.extend(one.fields.iter().filter(|(field, _)| field == name).cloned());
        }
        if !same(&one, &other, &options) {
            return Ok(());
        }
        let narrow = || options.clone();
        for wide in [
            Options { ignore_content: true, ..narrow() },
            Options { ignore_params: names(true), ..narrow() },
            Options { ignore_payload_params: names(true), ..narrow() },
            Options { ignore_json: pointers(true), ..narrow() },
            Options { canonical_json: true, ..narrow() },
            Options { graphql: true, ..narrow() },
            Options { ignore_host: true, ..narrow() },
            Options { ignore_port: true, ..narrow() },
            Options { ignore_scheme: true, ..narrow() },
            Options { ignore_origin: true, ..narrow() },
            Options { use_headers: Vec::new(), ..narrow() },
            Options { redact: rules(true), ..narrow() },
        ] {
            prop_assert!(same(&one, &other, &wide), "{wide:?}");
        }
    }

    #[test]
    fn equal_contents_match_by_any_comparison(
        (one, near) in neighbours(),
        options in options(),
        comparison in comparison(),
        kind in prop::option::of("[a-z]/[a-z]"),
    ) {
        // Only a multipart type says what a content is made of, by its boundary.
        let mut other = one.clone();
        other.fields.retain(|(name, _)| name != "Content-Type");
        other.fields.extend(kind.map(|kind| ("Content-Type".to_owned(), kind)));
        let mut untyped = one.clone();
        untyped.fields.retain(|(name, _)| name != "Content-Type");
        prop_assert_eq!(key_by(&untyped, &comparison, &options), key_by(&other, &comparison, &options));
        prop_assert!(key_by(&near, &comparison, &options).is_some());
        // Where any content will do, only heads count.
        let anything = Comparison { media_type: "*/*".to_owned(), ..Comparison::default() };
        let without = Options { ignore_content: true, ..options.clone() };
        prop_assert_eq!(key_by(&one, &anything, &options) == key_by(&near, &anything, &options), same(&one, &near, &without));
    }

    #[test]
    fn the_order_of_fields_does_not_matter(base in request(), options in options(), seed in any::<[u8; 4]>()) {
        let mut shuffled = base.clone();
        for (at, with) in seed.into_iter().enumerate() {
            let length = shuffled.fields.len();
            if at < length {
                shuffled.fields.swap(at, with as usize % length);
            }
        }
        prop_assert!(same(&base, &shuffled, &options));
    }

    #[test]
    fn other_fields_do_not_matter(base in request(), value in ".*", options in options()) {
        let mut more = base.clone();
        more.fields.insert(0, ("Cookie".to_owned(), value));
        prop_assert!(same(&base, &more, &options));
    }

    #[test]
    fn pairs_count_however_they_are_encoded(pairs in prop::collection::vec(any::<(Vec<u8>, Vec<u8>)>(), 0..4)) {
        let (mut escaped, mut plain) = ("/?".to_owned(), "/?".to_owned());
        for (name, value) in &pairs {
            for (text, end) in [(name, '='), (value, '&')] {
                for &byte in text {
                    escaped.push_str(&format!("%{byte:02x}"));
                    match byte {
                        b' ' => plain.push('+'),
                        _ if byte.is_ascii_alphanumeric() => plain.push(byte.into()),
                        _ => plain.push_str(&format!("%{byte:02X}")),
                    }
                }
                escaped.push(end);
                plain.push(end);
            }
        }
        let request = |path| Request { path, ..Request::default() };
        prop_assert!(same(&request(escaped.clone()), &request(plain), &Options::default()));
        escaped.push_str("%00=");
        prop_assert!(!same(&request(escaped.clone()), &request(escaped + "&x"), &Options::default()));
    }
}
