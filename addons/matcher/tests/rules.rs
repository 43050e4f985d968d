//! The rules beyond those that the vectors show.

mod request;

use matcher::{Content, Digest, JsonPointer, NameList, Options, Subject, key, parts};
use request::{Request, same};

fn get(path: &str) -> Request {
    Request { path: path.to_owned(), ..Request::default() }
}

fn host(authority: &str) -> Request {
    Request { fields: vec![("Host".to_owned(), authority.to_owned())], ..Request::default() }
}

fn post(content_type: &str, body: &str) -> Request {
    Request {
        method: "POST".to_owned(),
        fields: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body: body.to_owned(),
        ..Request::default()
    }
}

fn multipart(boundary: &str, head: &str, value: &str) -> Request {
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let boundary = boundary.trim_matches('"');
    let body = format!("--{boundary}\r\n{head}\r\n\r\n{value}\r\n--{boundary}--\r\n");
    post(&content_type, &body)
}

fn json(body: &str) -> Request {
    post("application/json", body)
}

fn ignoring_json<const N: usize>(pointers: [&str; N]) -> Options {
    Options {
        ignore_json: pointers.map(|text| JsonPointer::parse(text).expect("a pointer")).into(),
        ..Options::default()
    }
}

fn canonical() -> Options {
    Options { canonical_json: true, ..Options::default() }
}

fn explain(request: &Request, options: &Options) -> Vec<(String, String)> {
    parts(request, options)
        .into_iter()
        .map(|part| (part.name, String::from_utf8_lossy(&part.value).into_owned()))
        .collect()
}

#[test]
fn hosts_lose_port_and_brackets_and_case() {
    let plain = Options::default();
    for (one, other, expected) in [
        ("[::1]", "[::1]:8080", true),
        ("EXAMPLE.com:81", "example.com", true),
        ("example.com:", "example.com", true),
        ("example.com:http", "example.com", false),
        ("a:b:1", "a:b:2", false),
        (":80", "", false),
        ("", "example.com", true),
        ("[::1", "::1", false),
    ] {
        assert_eq!(same(&host(one), &host(other), &plain), expected, "{one} {other}");
    }
}

#[test]
fn paths_lose_only_what_mitmproxy_drops() {
    let plain = Options::default();
    for (one, other, expected) in [
        ("/a#x", "/a", true),
        ("/a#?x=1", "/a", true),
        ("/a;v=1?x=1", "/a?x=1", true),
        ("/a/;v", "/a/", true),
        ("/a;v/", "/a/", false),
        ("*", "/", false),
        ("*", "", true),
        ("/a?&&x=1&", "/a?x=1", true),
        ("/a?=", "/a", false),
        ("/a?x=%", "/a?x=%25", true),
        ("/a?x=+", "/a?x=%20", true),
        ("/a?x=%2B", "/a?x=+", false),
        ("/a?x=1&x=1", "/a?x=1", false),
        ("/a?%FF=1", "/a?%25FF=1", false),
    ] {
        assert_eq!(same(&get(one), &get(other), &plain), expected, "{one} {other}");
    }
}

#[test]
fn characters_that_no_target_has_count_as_they_are_sent() {
    let plain = Options::default();
    for (one, other, expected) in [
        ("/caf\u{e9}/\u{1f980}", "/caf%C3%A9/%F0%9F%A6%80", true),
        ("/?q=caf\u{e9}", "/?q=caf%C3%A9", true),
        ("/caf\u{e9}", "/cafe", false),
        ("/a|b", "/a%7Cb", false),
    ] {
        assert_eq!(same(&get(one), &get(other), &plain), expected, "{one} and {other}");
    }
}

#[test]
fn globs_leave_out_parameters_by_pattern() {
    let options = Options {
        ignore_params: NameList::new(["glob:utm_*"]),
        ignore_payload_params: NameList::new(["glob:*token"]),
        ..Options::default()
    };
    assert!(same(&get("/?utm_source=1&x=1"), &get("/?x=1&utm_term=2"), &options));
    assert!(!same(&get("/?utm=1"), &get("/?utm=2"), &options));
    let form = |body| post("application/x-www-form-urlencoded", body);
    assert!(same(&form("csrf_token=1&a=1"), &form("csrf_token=2&a=1"), &options));
}

#[test]
fn origins_can_be_left_out_in_pieces_or_whole() {
    let one = Request::default();
    let other = Request { scheme: "https".to_owned(), port: 443, ..host("other.com") };
    for (options, expected) in [
        (Options { ignore_scheme: true, ignore_port: true, ..Options::default() }, false),
        (Options { ignore_scheme: true, ignore_port: true, ignore_host: true, ..Options::default() }, true),
        (Options { ignore_origin: true, ..Options::default() }, true),
    ] {
        assert_eq!(same(&one, &other, &options), expected, "{options:?}");
    }
}

#[test]
fn multipart_fields_count_with_their_file_name_and_type() {
    let plain = Options::default();
    let file = "Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain";
    let base = multipart("A", file, "1\r\n");
    for (other, expected) in [
        (multipart("\"B C\"", file, "1\r\n"), true),
        (multipart("B", file, "1"), false),
        (multipart("B", file, "1\n"), false),
        (multipart("B", &file.replace("a.txt", "b.txt"), "1\r\n"), false),
        (multipart("B", &file.replace("plain", "html"), "1\r\n"), false),
        (multipart("B", &file.replace("\"f\"", "\"g\""), "1\r\n"), false),
        (multipart("B", &file.replace("; filename=\"a.txt\"", ""), "1\r\n"), false),
        (multipart("B", &format!("{file}\r\nX-Note: 1"), "1\r\n"), true),
    ] {
        assert_eq!(same(&base, &other, &plain), expected, "{}", other.body);
    }
    let options = Options { ignore_payload_params: NameList::new(["f"]), ..Options::default() };
    assert!(same(&base, &multipart("B", file, "2"), &options));
}

#[test]
fn forms_that_do_not_parse_count_by_their_bytes() {
    let options = Options { ignore_payload_params: NameList::new(["t"]), ..Options::default() };
    let form = |body| post("application/x-www-form-urlencoded", body);
    assert!(!same(&form("&"), &form("&&"), &options));
    assert!(!same(&form("t=1"), &form(""), &options));
    let broken = |body| post("multipart/form-data; boundary=A", body);
    assert!(!same(&broken("--A\r\n\r\n1"), &broken("--A\r\n\r\n2"), &options));
    let mut damaged = [form("t=1"), form("t=2")];
    for request in &mut damaged {
        request.fields.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
    }
    assert!(!same(&damaged[0], &damaged[1], &options));
}

#[test]
fn canonical_json_ignores_how_values_are_written() {
    for (one, other, expected) in [
        (r#"{"a":1,"b":[true,null]}"#, r#" { "b" : [ true , null ] , "a" : 1 } "#, true),
        (r#"{"a":"é/"}"#, r#"{"\u0061":"\u00e9\/"}"#, true),
        (r#"[1.0,2]"#, r#"[1.00,2.0]"#, true),
        (r#"1e5"#, r#"100000.0"#, true),
        (r#"0.1"#, r#"0.10000000000000001"#, false),
        (r#"12345678901234567890123"#, r#"12345678901234567890124"#, false),
        (r#"1"#, r#""1""#, false),
        (r#"[1,2]"#, r#"[2,1]"#, false),
        (r#"["a"]"#, r#"{"0":"a"}"#, false),
        (r#"[]"#, r#"{}"#, false),
        (r#"[[]]"#, r#"[{}]"#, false),
        (r#"{"a/b":1}"#, r#"{"a":{"b":1}}"#, false),
        (r#"{"a":{}}"#, r#"{"a":"{}"}"#, false),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
        (r#"{"a":1"#, r#"{"a": 1"#, false),
        (r#"{"a":1}x"#, r#"{"a":1} x"#, false),
        (r#""\ud800""#, r#" "\ud800""#, false),
    ] {
        assert_eq!(same(&json(one), &json(other), &canonical()), expected, "{one} {other}");
    }
}

#[test]
fn json_is_told_by_its_content_type() {
    for (content_type, expected) in [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("text/json", true),
        ("application/problem+json", true),
        ("application/jsonp", false),
        ("text/plain; x=application/json", false),
    ] {
        let (one, other) = (post(content_type, "[1]"), post(content_type, "[ 1 ]"));
        assert_eq!(same(&one, &other, &canonical()), expected, "{content_type}");
    }
}

#[test]
fn pointers_leave_out_json_values() {
    for (pointers, one, other, expected) in [
        (["/t"], r#"{"a":1,"t":1}"#, r#"{"t":{"x":2},"a":1}"#, true),
        (["/t"], r#"{"a":1,"t":1}"#, r#"{"a":1}"#, true),
        (["/t"], r#"{"t":1}"#, r#"{}"#, true),
        (["/t"], r#"{"a":{"t":1}}"#, r#"{"a":{"t":2}}"#, false),
        (["/*/id"], r#"[{"id":1,"x":1},{"id":2}]"#, r#"[{"x":1},{}]"#, true),
        (["/a/*"], r#"{"a":[1,2]}"#, r#"{"a":[]}"#, true),
        (["/1"], r#"[1,2,3]"#, r#"[1,9,3]"#, true),
        (["/a~1b"], r#"{"a/b":1}"#, r#"{"a/b":2}"#, true),
        ([""], r#"1"#, r#"[]"#, true),
    ] {
        let options = ignoring_json(pointers);
        assert_eq!(same(&json(one), &json(other), &options), expected, "{pointers:?} {one} {other}");
    }
}

#[test]
fn deeply_nested_json_counts_by_its_bytes() {
    for (depth, expected) in [(128, true), (129, false), (2_000, false)] {
        let text = format!("{}{}", "[".repeat(depth + 1), "]".repeat(depth + 1));
        let spaced = text.replacen('[', "[ ", 1);
        assert_eq!(same(&json(&text), &json(&spaced), &canonical()), expected, "{depth}");
    }
}

#[test]
fn long_names_above_many_json_values_are_written_once() {
    for (length, named) in [(100, true), (100_000, false)] {
        let elements = vec!["1"; 1000].join(",");
        let text = format!("{{\"{}\":[{elements}]}}", "a".repeat(length));
        assert!(same(&json(&text), &json(&format!(" {text}")), &canonical()), "{length}");
        let parts = explain(&json(&text), &canonical());
        assert_eq!(parts.len() > 100, named, "{length}");
        assert!(parts.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() < 300_000);
    }
}

#[test]
fn a_content_of_many_parts_is_told_in_few() {
    let form = |last: &str| post("application/x-www-form-urlencoded", &format!("{}b={last}", "a=1&".repeat(100_000)));
    let options = Options { ignore_payload_params: NameList::new(["t"]), ..Options::default() };
    assert!(explain(&form("1"), &options).len() < 1100);
    assert!(same(&form("1"), &form("1"), &options));
    // Parts differ exactly if keys do, which `same` checks.
    assert!(!same(&form("1"), &form("2"), &options));
    let query = |last: &str| get(&format!("/?{}b={last}", "a=1&".repeat(20_000)));
    assert!(explain(&query("1"), &options).len() < 1100);
    assert!(!same(&query("1"), &query("2"), &options));
}

#[test]
fn parts_have_names_for_people() {
    let options = Options { use_headers: vec!["X-Tok".to_owned(), "X-Absent".to_owned()], ..canonical() };
    let mut request = json(r#"{"b":[1],"a~":"x"}"#);
    request.path = "/a?x=1&%FF%25=2".to_owned();
    request.fields.push(("x-tok".to_owned(), "t".to_owned()));
    let expected = [
        ("method", "POST"),
        ("scheme", "http"),
        ("host", "example.com"),
        ("port", "80"),
        ("path", "/a"),
        ("query x", "1"),
        ("query %FF%25", "2"),
        ("header X-Tok", "t"),
        ("content", "json sha-256:3a5f930fbc89d21e3154aab67547bc8e2972ab02e0534584c2def50194bde95e"),
        ("/b", "[]"),
        ("/b/0", "1"),
        ("/a~0", r#""x""#),
    ];
    assert_eq!(explain(&request, &options), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let digest = "sha-256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let content = explain(&post("text/plain", "abc"), &Options::default()).pop();
    assert_eq!(content, Some(("content".to_owned(), digest.to_owned())));
    let content = explain(&get("/"), &Options::default()).pop();
    assert_eq!(content, Some(("content".to_owned(), String::new())));
}

/// A request whose content cannot be had.
struct Unreadable(Content, Digest);

impl Subject for Unreadable {
    fn method(&self) -> String {
        "POST".to_owned()
    }

    fn scheme(&self) -> String {
        "http".to_owned()
    }

    fn host(&self) -> String {
        "example.com".to_owned()
    }

    fn port(&self) -> u16 {
        80
    }

    fn authority(&self) -> Option<String> {
        None
    }

    fn target(&self) -> String {
        "/".to_owned()
    }

    fn field(&self, name: &str) -> Option<Vec<u8>> {
        (name == "content-type").then(|| b"application/json".to_vec())
    }

    fn field_lines(&self, name: &str) -> Vec<Vec<u8>> {
        self.field(name).into_iter().collect()
    }

    fn content(&self) -> Content {
        self.0.clone()
    }

    fn digest(&self) -> Digest {
        self.1.clone()
    }
}

#[test]
fn contents_that_nobody_has_match_no_others() {
    let (known, empty) = (Digest::Known(vec![7; 32]), Digest::Empty);
    let recorded = |digest| key(&Unreadable(Content::Unreadable, digest), &canonical());
    let absent = key(&Unreadable(Content::NotRecorded, Digest::NotRecorded), &canonical());
    assert!(absent.is_some());
    assert_ne!(absent, recorded(known.clone()));
    assert_ne!(absent, recorded(empty));
    assert!(recorded(known).is_some());

    let too_large = Unreadable(Content::Unreadable, Digest::Unreadable);
    assert_eq!(key(&too_large, &canonical()), None);
    let told = parts(&too_large, &canonical()).pop().map(|part| (part.name, part.value));
    assert_eq!(told, Some(("content".to_owned(), b"unreadable".to_vec())));
    let options = Options { ignore_content: true, ..Options::default() };
    assert!(key(&too_large, &options).is_some());
}
