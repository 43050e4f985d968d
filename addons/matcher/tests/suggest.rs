//! What is suggested makes a request match.

mod request;

use matcher::{JsonPointer, NameList, Options, suggest};
use proptest::prelude::*;
use request::{Request, same};

fn get(path: &str) -> Request {
    Request { path: path.to_owned(), ..Request::default() }
}

fn post(content_type: &str, body: &str) -> Request {
    Request {
        method: "POST".to_owned(),
        fields: vec![
            ("Host".to_owned(), "example.com".to_owned()),
            ("Content-Type".to_owned(), content_type.to_owned()),
        ],
        body: body.to_owned(),
        ..Request::default()
    }
}

fn suggested(live: &Request, recorded: &Request) -> Option<String> {
    suggest(live, recorded, &Options::default())
}

/// The words of a suggestion, as a shell splits it.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted, mut is_word) = (Vec::new(), String::new(), false, false);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => (is_quoted, is_word) = (!is_quoted, true),
            ' ' if !is_quoted => {
                words.push(std::mem::take(&mut word));
                is_word = false;
            }
            '\\' if !is_quoted => word.extend(characters.next()),
            _ => {
                word.push(character);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

/// The options with what a suggestion adds, read as the command line is.
fn with(suggestion: &str, options: &Options) -> Options {
    let mut options = options.clone();
    let mut words = words(suggestion).into_iter();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=').filter(|(flag, _)| flag.starts_with("--")) {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        let mut value = || value.clone().or_else(|| words.next()).expect("a value");
        match flag.as_str() {
            "--replay-ignore-content" => options.ignore_content = true,
            "--replay-ignore-host" => options.ignore_host = true,
            "--replay-ignore-param" => options.ignore_params.add(&value()),
            "--replay-ignore-payload-param" => options.ignore_payload_params.add(&value()),
            "--set" => match value().split_once('=').expect("a name and a value") {
                ("server_replay_ignore_json", pointer) => {
                    options.ignore_json.push(JsonPointer::parse(pointer).expect("a pointer"));
                }
                ("server_replay_canonical_json", "true") => options.canonical_json = true,
                ("server_replay_ignore_port", "true") => options.ignore_port = true,
                ("server_replay_ignore_scheme", "true") => options.ignore_scheme = true,
                ("server_replay_ignore_origin", "true") => options.ignore_origin = true,
                other => panic!("{other:?}"),
            },
            other => panic!("{other}"),
        }
    }
    options
}

#[test]
fn the_option_that_leaves_out_least_is_named() {
    let json = |body| post("application/json", body);
    let form = |body| post("application/x-www-form-urlencoded", body);
    let multipart = |boundary: &str, value: &str| {
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let field = "Content-Disposition: form-data; name=\"the token\"";
        post(&content_type, &format!("--{boundary}\r\n{field}\r\n\r\n{value}\r\n--{boundary}--\r\n"))
    };
    for (live, recorded, expected) in [
        (get("/?page=1&_=1"), get("/?page=1&_=2"), "--replay-ignore-param _"),
        (get("/?page=1"), get("/?page=1&a+b=2"), "--replay-ignore-param 'a b'"),
        (get("/?page=1&-x=2"), get("/?page=1"), "--replay-ignore-param=-x"),
        (get("/?it's=2"), get("/"), r"--replay-ignore-param 'it'\''s'"),
        (get("/?a=1&b=1"), get("/?a=2&b=2"), "--replay-ignore-param a --replay-ignore-param b"),
        (Request { port: 81, ..get("/") }, get("/"), "--set server_replay_ignore_port=true"),
        (
            Request { scheme: "https".to_owned(), port: 443, ..get("/") },
            get("/"),
            "--set server_replay_ignore_origin=true",
        ),
        (json(r#"{"a":1,"b":2}"#), json(r#"{"b": 2, "a": 1}"#), "--set server_replay_canonical_json=true"),
        (json(r#"{"nonce":1,"b":2}"#), json(r#"{"b": 2, "nonce": 2}"#), "--set server_replay_ignore_json=/nonce"),
        (json(r#"{"b":2}"#), json(r#"{"b": 2, "a b": 2}"#), "--set 'server_replay_ignore_json=/a b'"),
        (json(r#"{"b":[1,{}]}"#), json(r#"{"b":[1]}"#), "--set server_replay_ignore_json=/b/1"),
        (json(r#"{"a":1,"b":{}}"#), json(r#"{"a":1,"b":{"c":{"d":1}}}"#), "--set server_replay_ignore_json=/b"),
        (json(r#"[1,2,3,4,5]"#), json(r#"[5,4,1,2,0]"#), "--replay-ignore-content"),
        (form("a=1&t=1"), form("a=1&t=2"), "--replay-ignore-payload-param t"),
        (form("a=%20"), form("a=+"), "--replay-ignore-content"),
        (multipart("A", "1"), multipart("B", "2"), "--replay-ignore-payload-param 'the token'"),
        (post("text/plain", "a"), post("text/plain", "b"), "--replay-ignore-content"),
        (
            Request { path: "/?_=1".to_owned(), ..json(r#"{"t":1}"#) },
            Request { path: "/".to_owned(), ..json(r#"{"t":2}"#) },
            "--replay-ignore-param _ --set server_replay_ignore_json=/t",
        ),
    ] {
        let options = Options::default();
        assert_eq!(suggest(&live, &recorded, &options).as_deref(), Some(expected), "{live:?} {recorded:?}");
        assert!(same(&live, &recorded, &with(expected, &options)), "{expected}");
    }
    let other_host = |host: &str| Request { fields: vec![("Host".to_owned(), host.to_owned())], ..get("/") };
    assert_eq!(suggested(&other_host("a"), &other_host("b")).as_deref(), Some("--replay-ignore-host"));
}

#[test]
fn nothing_is_suggested_that_would_not_do_or_says_a_secret() {
    let json = |body| post("application/json", body);
    for (live, recorded) in [
        (get("/a"), get("/b")),
        (get("/"), post("text/plain", "")),
        // The path differs too.
        (get("/a?_=1"), get("/b?_=2")),
        (get("/?a=1&b=2"), get("/?b=2&a=1")),
        (get("/?s3cret"), get("/?0ther")),
        (get("/?%FF=1"), get("/?%FF=2")),
        (get("/?a%0Ab=1"), get("/")),
        (get("/?a=1&b=1&c=1&d=1&e=1"), get("/")),
        // A list would read it as a pattern.
        (get("/?glob:a=1"), get("/")),
        // They match as it is.
        (json("1"), json("1")),
    ] {
        assert_eq!(suggested(&live, &recorded), None, "{live:?} {recorded:?}");
    }
}

fn text(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..=most).prop_map(|pieces| pieces.concat())
}

prop_compose! {
    fn request()(
        method in prop::sample::select(&["GET", "POST"][..]),
        (scheme, port) in prop::sample::select(&[("http", 80), ("https", 443), ("http", 81)][..]),
        host in prop::sample::select(&["a", "b"][..]),
        query in text(&["?", "&", "_=1", "_=2", "-t", "=", "a+b=", "it's", "glob:*", "%FF", "%0A"], 5),
        (content_type, body) in prop_oneof![
            (
                Just("application/json"),
                text(&["{", "}", "[", "]", "\"t\"", "\"a b\"", ":", ",", "1", " ", "{\"t\":1,\"b\":2}", "[2,{}]"], 6)
            ),
            (Just("application/json"), prop::sample::select(&[
                "{\"t\":1}", "{\"t\":2}", "{ \"t\":1}", "{\"b\":1,\"t\":1}", "{\"t\":1,\"b\":[1,{\"*\":1}]}",
                "{\"b\":[1,{\"*\":2,\"-\":null}],\"t\":1}", "{\"t\":{\"a\":1},\"t\":1}", "[1]", "[1,2]", "\"x\"", "",
            ][..]).prop_map(str::to_owned)),
            (Just("application/x-www-form-urlencoded"), text(&["t", "=", "&", "1", "2", "+", "'", "glob:"], 6)),
            (Just("text/plain"), text(&["a", "b"], 2)),
        ],
    ) -> Request {
        let fields = [("Host", host), ("Content-Type", content_type)];
        Request {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
            path: format!("/{query}"),
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body,
            body_base64: None,
        }
    }
}

/// A request and one that differs from it in few things.
fn neighbours() -> impl Strategy<Value = (Request, Request)> {
    (request(), request(), any::<[bool; 4]>()).prop_map(|(one, other, [origin, path, body, method])| {
        let mut near = one.clone();
        if origin {
            (near.scheme, near.host, near.port) = (other.scheme, other.host, other.port);
        }
        if path {
            near.path = other.path;
        }
        if body {
            (near.body, near.fields) = (other.body, other.fields);
        }
        if method {
            near.method = other.method;
        }
        (one, near)
    })
}

prop_compose! {
    fn options()([ignores_param, ignores_field, ignores_json, canonical_json, ignore_host] in any::<[bool; 5]>()) -> Options {
        Options {
            ignore_params: NameList::new(ignores_param.then_some("_")),
            ignore_payload_params: NameList::new(ignores_field.then_some("t")),
            ignore_json: ignores_json.then(|| JsonPointer::parse("/b").expect("a pointer")).into_iter().collect(),
            canonical_json,
            ignore_host,
            ..Options::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_suggested_makes_keys_equal((live, recorded) in neighbours(), options in options()) {
        let matches = same(&live, &recorded, &options);
        match suggest(&live, &recorded, &options) {
            Some(suggestion) => {
                prop_assert!(!matches);
                prop_assert!(same(&live, &recorded, &with(&suggestion, &options)), "{suggestion}");
            }
            // Whatever the contents are, they can be left out.
            None => {
                let head = Options { ignore_content: true, ..options };
                prop_assert!(matches || !same(&live, &recorded, &head));
            }
        }
    }
}
