//! Contents that mean the same: coded ones, parts, GraphQL, and those that a recording compares in its own way.

mod request;

use std::io::Write;

use flate2::{Compression, GzBuilder};
use matcher::{Comparison, NameList, Options, key_by, parts};
use request::{Request, same};

fn post(content_type: &str, body: impl Into<Vec<u8>>) -> Request {
    Request {
        method: "POST".to_owned(),
        fields: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body_base64: Some(body.into()),
        ..Request::default()
    }
}

fn gzip(mtime: u32, level: Compression, content: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(mtime).write(Vec::new(), level);
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

fn coded(coding: &str, body: Vec<u8>) -> Request {
    let mut request = post("application/octet-stream", body);
    request.fields.push(("Content-Encoding".to_owned(), coding.to_owned()));
    request
}

#[test]
fn coded_contents_count_before_they_were_coded() {
    let plain = Options::default();
    let text = b"text ".repeat(1000);
    let base = coded("gzip", gzip(1, Compression::fast(), &text));
    for (other, expected) in [
        (coded("GZIP", gzip(2, Compression::best(), &text)), true),
        (coded("identity", text.clone()), true),
        (post("application/octet-stream", text.clone()), true),
        (coded("gzip", gzip(1, Compression::fast(), b"other")), false),
        (coded("gzip", text.clone()[1..].to_vec()), false),
        (coded("unknown", gzip(1, Compression::fast(), &text)), false),
    ] {
        assert_eq!(same(&base, &other, &plain), expected, "{:?}", other.fields);
    }
    // What becomes out of proportion counts as it was sent.
    let bomb = |mtime| coded("gzip", gzip(mtime, Compression::best(), &vec![0; 4 << 20]));
    assert!(!same(&bomb(1), &bomb(2), &plain));
    assert!(same(&bomb(1), &bomb(1), &plain));
}

fn batch(boundary: &str, inner: &str, value: &str) -> Request {
    let body = format!(
        "preamble\r\n--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <1>\r\n\r\nGET /a\r\n\r\n--{boundary}\r\n\
         Content-Type: multipart/alternative; boundary={inner}\r\n\r\n--{inner}\r\n\r\n{value}\r\n--{inner}--\r\n--{boundary}--"
    );
    post(&format!("multipart/mixed; boundary=\"{boundary}\""), body)
}

#[test]
fn boundaries_of_no_multipart_count() {
    let plain = Options::default();
    let base = batch("A", "B", "1");
    assert!(same(&base, &batch("other", "=_x", "1"), &plain));
    assert!(!same(&base, &batch("A", "B", "2"), &plain));
    let replaced = |from: &str, to: &str| {
        let body = String::from_utf8(base.body_base64.clone().expect("a body")).expect("text").replace(from, to);
        post("multipart/mixed; boundary=A", body)
    };
    assert!(same(&base, &replaced("\r\n", "\n").clone(), &Options { ignore_content: true, ..plain.clone() }));
    assert!(!same(&base, &replaced("<1>", "<2>"), &plain));
    assert!(!same(&base, &replaced("application/http", "text/http"), &plain));
    // A form of which a part has no name, or files in a part of their own.
    let form = |boundary: &str, inner: &str| {
        let kind = format!("multipart/form-data; boundary={boundary}");
        post(
            &kind,
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=f\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n\
                 --{inner}\r\nContent-Disposition: file; filename=a\r\n\r\n1\r\n--{inner}--\r\n--{boundary}--\r\n"
            ),
        )
    };
    assert!(same(&form("A", "B"), &form("C", "D"), &plain));
    let unnamed = |boundary: &str| {
        post(&format!("multipart/form-data; boundary={boundary}"), format!("--{boundary}\n\n1\n--{boundary}--\n"))
    };
    assert!(same(&unnamed("A"), &unnamed("B"), &plain));
    // JSON in a part is compared as JSON is.
    let json = |boundary: &str, text: &str| {
        let body = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n{text}\r\n--{boundary}--");
        post(&format!("multipart/related; boundary={boundary}"), body)
    };
    let canonical = Options { canonical_json: true, ..plain.clone() };
    assert!(!same(&json("A", "[1,2]"), &json("B", "[ 1, 2.0 ]"), &plain));
    assert!(same(&json("A", "[1,2]"), &json("B", "[ 1, 2.0 ]"), &canonical));
}

#[test]
fn graphql_counts_by_operation_variables_and_document() {
    let graphql = Options { graphql: true, ..Options::default() };
    let json = |body: &str| post("application/json", body);
    let base = json(r#"{"query":"query A { a(b: 1) }","variables":{"x":1,"y":[2]}}"#);
    for (other, expected) in [
        (r#"{"variables":{"y":[2.0],"x":1},"operationName":"A","query":"query A{a(b:1)}"}"#, true),
        (r#"{"query":"query A{a(b:1)} # note","variables":{"x":1,"y":[2]},"extensions":{}}"#, true),
        (r#"{"query":"query A{a(b:1)}","variables":{"x":2,"y":[2]}}"#, false),
        (r#"{"query":"query B{a(b:1)}","variables":{"x":1,"y":[2]}}"#, false),
        (r#"{"query":"query A{a(b:2)}","variables":{"x":1,"y":[2]}}"#, false),
        (r#"[{"query":"query A{a(b:1)}","variables":{"x":1,"y":[2]}}]"#, false),
    ] {
        assert_eq!(same(&base, &json(other), &graphql), expected, "{other}");
        assert!(!same(&base, &json(other), &Options::default()), "{other}");
    }
    for (one, other, expected) in [
        // A list, whose order is that of the answers.
        (r#"[{"query":"{a}"},{"query":"{b}","variables":null}]"#, r#"[{"query":"{ a }"},{"query":"{ b }"}]"#, true),
        (r#"[{"query":"{a}"},{"query":"{b}"}]"#, r#"[{"query":"{b}"},{"query":"{a}"}]"#, false),
        // A document that the server knows already.
        (
            r#"{"operationName":"A","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
            r#"{"extensions":{"persistedQuery":{"sha256Hash":"ab","version":1}},"variables":{},"operationName":"A"}"#,
            true,
        ),
        (r#"{"id":"1","variables":{"a":1}}"#, r#"{"variables":{"a":1},"id":"1"}"#, true),
        // No GraphQL.
        (r#"{"query":"shoes","a":1}"#, r#"{"query":"shoes", "a":1}"#, false),
        (r#"{"a":1}"#, r#"{"a": 1}"#, false),
        ("[]", "[ ]", false),
    ] {
        assert_eq!(same(&json(one), &json(other), &graphql), expected, "{one} {other}");
    }
    let ignoring = Options {
        ignore_json: vec![matcher::JsonPointer::parse("/variables/x").expect("a pointer")],
        ..graphql.clone()
    };
    assert!(same(&base, &json(r#"{"query":"query A{a(b:1)}","variables":{"y":[2]}}"#), &ignoring));
    let document = |text: &str| post("application/graphql", text);
    assert!(same(&document("{ a }"), &document("{a}"), &graphql));
    let get = |query: &str| Request { path: format!("/graphql?{query}"), ..Request::default() };
    assert!(same(
        &get("query=%7Ba%7D&variables=%7B%22a%22:1%7D&t=1"),
        &get("t=1&variables={%22a%22:1.0}&query={+a+}"),
        &graphql
    ));
    assert!(!same(&get("query=%7Ba%7D&t=1"), &get("query=%7Ba%7D&t=2"), &graphql));
    assert!(!same(&get("query=red+shoes"), &get("query=red++shoes"), &graphql));
    let upload = |boundary: &str, query: &str| {
        let head = "Content-Disposition: form-data; name=";
        let body = format!(
            "--{boundary}\r\n{head}operations\r\n\r\n{{\"query\":\"{query}\",\"variables\":{{\"f\":null}}}}\r\n--{boundary}\r\n{head}0; \
             filename=a\r\n\r\n1\r\n--{boundary}--"
        );
        post(&format!("multipart/form-data; boundary={boundary}"), body)
    };
    assert!(same(&upload("A", "mutation U{u}"), &upload("B", "mutation U { u }"), &graphql));
    let named = parts(&base, &graphql).into_iter().find(|part| part.name == "operation").expect("an operation");
    assert_eq!(named.value, b"A");
}

fn by(media_type: &str) -> Comparison {
    Comparison { media_type: media_type.to_owned(), ..Comparison::default() }
}

fn match_by(comparison: &Comparison, one: &Request, other: &Request) -> bool {
    let options = Options::default();
    let key = key_by(one, comparison, &options);
    assert!(key.is_some());
    key == key_by(other, comparison, &options)
}

#[test]
fn a_recording_says_how_contents_are_compared() {
    let json = |body: &str| post("text/plain", body);
    let base = json(r#"{"a":[1,2],"b":1}"#);
    for (text, by_value, in_any_order, at_least) in [
        (r#"{"b":1.0,"a":[1,2]}"#, true, true, true),
        (r#"{"a":[2,1],"b":1}"#, false, true, true),
        (r#"{"a":[3,2,1],"b":1,"c":{}}"#, false, false, true),
        (r#"{"a":[1,2]}"#, false, false, false),
        ("{", false, false, false),
    ] {
        let by_json = by("application/json");
        let any_order = Comparison { any_order: true, ..by_json.clone() };
        let least = base.body_base64.clone();
        let wide = Comparison { at_least: least, ..any_order.clone() };
        assert_eq!(match_by(&by_json, &base, &json(text)), by_value, "{text}");
        assert_eq!(match_by(&any_order, &base, &json(text)), in_any_order, "{text}");
        assert_eq!(match_by(&wide, &base, &json(text)), at_least, "{text}");
        assert!(match_by(&by("*/*"), &base, &json(text)));
    }
    let coded = |body: &[u8]| coded("gzip", gzip(1, Compression::best(), body));
    assert!(match_by(&by("application/json"), &base, &coded(br#"{"b":1,"a":[1,2]}"#)));
    let form = by("application/x-www-form-urlencoded");
    assert!(match_by(&form, &post("a/b", "a=%20x&b="), &post("a/b", "a=+x&b")));
    assert!(!match_by(&form, &post("a/b", "a=1&b=2"), &post("a/b", "b=2&a=1")));
    let wide = Comparison { any_order: true, at_least: Some(b"b=2&a=1".to_vec()), ..form };
    assert!(match_by(&wide, &post("a/b", "b=2&a=1"), &post("a/b", "a=1&x=y&b=2")));
    assert!(!match_by(&wide, &post("a/b", "b=2&a=1"), &post("a/b", "a=1")));
    let xml = by("application/xml");
    assert!(match_by(&xml, &post("a/b", "<a x='1'><b/></a>"), &post("text/xml", "<a x=\"1\">\n <b></b>\n</a>")));
    assert!(!match_by(&xml, &post("a/b", "<a>"), &post("a/b", "<a >")));
}

#[test]
fn parts_that_a_recording_asks_for_are_there_among_others() {
    let part = |name: &str, value: &str| {
        format!("--A\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n{value}\r\n")
    };
    let body =
        |parts: &[(&str, &str)]| parts.iter().map(|(name, value)| part(name, value)).collect::<String>() + "--A--\r\n";
    let least = "--X\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--X--\r\n";
    let wide = Comparison { any_order: true, at_least: Some(least.into()), ..by("multipart/form-data") };
    let recorded = post("multipart/form-data; boundary=X", least);
    let live = |parts: &[(&str, &str)]| post("multipart/form-data; boundary=A", body(parts));
    assert!(match_by(&wide, &recorded, &live(&[("a", "1"), ("b", "2")])));
    assert!(!match_by(&wide, &recorded, &live(&[("a", "2"), ("b", "1")])));
    assert!(!match_by(&wide, &recorded, &live(&[])));
    // The boundary with which a content begins, where no field names it.
    assert!(match_by(&by("multipart/mixed"), &recorded, &post("a/b", least.replace("--X", "--Y"))));
}

#[test]
fn what_a_user_leaves_out_does_not_count_by_comparison_either() {
    let options = Options { ignore_payload_params: NameList::new(["t"]), ..Options::default() };
    let form = by("application/x-www-form-urlencoded");
    let keys = ["t=1&a=1", "a=1&t=2"].map(|body| key_by(&post("a/b", body), &form, &options));
    assert_eq!(keys[0], keys[1]);
    let without = Options { ignore_content: true, ..options };
    let keys = ["t=1", "{}"].map(|body| key_by(&post("a/b", body), &by("application/json"), &without));
    assert_eq!(keys[0], keys[1]);
}
