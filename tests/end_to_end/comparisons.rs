//! Requests whose contents mean the same as those recorded, whatever their bytes are.

use std::{io::Write, path::PathBuf};

use flate2::{Compression, GzBuilder, write::ZlibEncoder};

use crate::harness::{Message, Proxyhost, Start, Wire, post, recording};

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const FORM: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];

/// Replays a recording, every response again and again, and explains misses.
fn replaying(name: &str) -> Start {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/matching").join(name);
    Proxyhost::with(["--server-replay-extra", "404", "--no-pop", "-S"]).arg(path)
}

/// The answer to a POST through the proxy.
async fn posted(wire: &mut Wire, url: &str, fields: &[(&str, &str)], body: impl AsRef<[u8]>) -> Message {
    let host = url.split('/').nth(2).expect("a URL").to_owned();
    wire.ask("POST", url, &host, fields, body.as_ref()).await
}

#[tokio::test]
async fn json_that_only_post_data_names_is_compared_by_its_values() {
    for option in ["server_replay_canonical_json=true", "server_replay_canonical_json=false"] {
        let proxy = Proxyhost::with(["--set", option]);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/recordings/matching/playwright-minimal-json.har");
        let proxy = proxy.arg("--server-replay-extra").arg("404").arg("--no-pop").arg("-S").arg(path).start().await;
        let mut wire = proxy.tls("api.example:443").await;
        for (fields, body, expected) in [
            (JSON, r#"{"a":1,"b":2}"#, 200),
            (&[], r#"{"a":1,"b":2}"#, 200),
            (FORM, r#"{"a":1,"b":2}"#, 200),
            (JSON, r#"{ "b": 2.0, "a": 1 }"#, 200),
            (JSON, r#"{"a":1,"b":3}"#, 404),
        ] {
            let answer = wire.ask("POST", "/q", "api.example", fields, body.as_bytes()).await;
            assert_eq!(answer.status(), expected, "{option} {body}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_form_that_is_only_there_as_parameters_is_compared_decoded() {
    let proxy = replaying("params-only.har").start().await;
    let mut wire = proxy.connect().await;
    for (body, expected) in [
        ("user=J%20Doe&next=%2Fa~b%3Fc%3Dd", 200),
        ("user=J+Doe&next=/a%7Eb%3fc%3Dd", 200),
        ("user=J+Doe&next=/a", 404),
        ("next=%2Fa~b%3Fc%3Dd&user=J%20Doe", 404),
    ] {
        let answer = posted(&mut wire, "http://shop.example/login", FORM, body).await;
        assert_eq!(answer.status(), expected, "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn stubs_take_what_their_patterns_for_bodies_take() {
    let proxy = replaying("wiremock-equalToJson").start().await;
    let mut wire = proxy.connect().await;
    for (body, expected) in [
        (r#"{"b": 1, "a": [1, 2]}"#, 200),
        (r#"{"a":[2,1],"b":1.0}"#, 200),
        (r#"{"a":[2,3,1],"b":1,"c":null}"#, 200),
        (r#"{"a":[1,2]}"#, 404),
        ("a=1", 404),
    ] {
        let answer = posted(&mut wire, "http://localhost:8080/p", JSON, body).await;
        assert_eq!(answer.status(), expected, "{body}: {}", answer.text());
    }

    let proxy = replaying("wiremock-recorded-multipart").start().await;
    let mut wire = proxy.connect().await;
    let multipart = [("Content-Type", "multipart/form-data; boundary=B")];
    let body = "--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nother\r\n--B--\r\n";
    for (fields, body) in [(&multipart[..], body), (JSON, "{}"), (&[], "")] {
        let answer = posted(&mut wire, "http://localhost:8080/multi", fields, body).await;
        assert!(answer.text().starts_with("echo POST"), "{}", answer.text());
    }
    let missed = posted(&mut wire, "http://127.0.0.1:8080/multi", &multipart, body).await;
    assert!(missed.text().contains("host is `127.0.0.1`, not `localhost` (--replay-ignore-host"), "{}", missed.text());
    assert!(!missed.text().contains(", content"), "{}", missed.text());
}

#[tokio::test]
async fn coded_and_multipart_contents_are_compared_by_what_is_in_them() {
    let proxy = replaying("gzip-request.mitm").start().await;
    let mut wire = proxy.connect().await;
    let recorded = replaying_content("gzip-request.mitm");
    let gzip = |content: &[u8]| {
        let mut encoder = GzBuilder::new().mtime(7).filename("x").write(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    };
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(&recorded).expect("memory");
    let zlib = zlib.finish().expect("memory");
    for (coding, body, expected) in [
        ("gzip", gzip(&recorded), 200),
        ("deflate", zlib, 200),
        ("identity", recorded.clone(), 200),
        ("gzip", gzip(b"{}"), 404),
    ] {
        let fields = [("Content-Type", "application/json"), ("Content-Encoding", coding)];
        let answer = posted(&mut wire, "http://logs.example/ingest", &fields, body).await;
        assert_eq!(answer.status(), expected, "{coding}: {}", answer.text());
    }

    let proxy = replaying("multipart-related.mitm").start().await;
    let mut wire = proxy.connect().await;
    let related = |boundary: &str, file: &str| {
        format!(
            "--{boundary}\r\nContent-Type: application/json\r\n\r\n{{\"name\":\"a.txt\"}}\r\n--{boundary}\r\nContent-Type: \
             text/plain\r\n\r\n{file}\r\n--{boundary}--"
        )
    };
    for (boundary, file, expected) in
        [("AAA111", "file content", 200), ("=-other-=", "file content", 200), ("AAA111", "other content", 404)]
    {
        let kind = format!("multipart/related; boundary=\"{boundary}\"");
        let fields = [("Content-Type", kind.as_str())];
        let answer = posted(&mut wire, "http://drive.example/upload", &fields, related(boundary, file)).await;
        assert_eq!(answer.status(), expected, "{boundary} {file}: {}", answer.text());
    }
}

/// What the request of a recording says before it was coded.
fn replaying_content(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/matching").join(name);
    let bytes = std::fs::read(path).expect("a recording");
    let start = bytes.windows(2).position(|bytes| bytes == [0x1f, 0x8b]).expect("gzip");
    let mut content = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(&bytes[start..]);
    std::io::Read::read_to_end(&mut decoder, &mut content).expect("gzip");
    content
}

#[tokio::test]
async fn graphql_is_compared_by_its_operation_where_the_user_wants_that() {
    let url = "http://g.example/graphql";
    let query = "query Cart($id: ID!) { cart(id: $id) { total } }";
    let single = format!(r#"{{"operationName":"Cart","query":"{query}","variables":{{"id":1,"all":true}}}}"#);
    let list = format!(r#"[{single},{{"query":"mutation Pay {{ pay }}"}}]"#);
    let flows = [
        post(url, &single).request_field("Content-Type", "application/json").body("cart"),
        post(url, &list).request_field("Content-Type", "application/json").body("list"),
        crate::harness::get(format!("{url}?query=%7Bshop%7Bname%7D%7D&variables=%7B%22a%22:1%7D")).body("shop"),
    ];
    let recording = recording(flows);
    let start = || Proxyhost::with(["--server-replay-extra", "404", "--no-pop"]).replay(&recording);
    let proxy = start().set("server_replay_graphql", "true").start().await;
    let mut wire = proxy.connect().await;
    let spread = r#"{"variables":{"all":true,"id":1.0},"query":"query Cart($id: ID!) {\n  cart(id: $id) {\n    total # it\n  }\n}"}"#;
    let other = spread.replace("1.0", "2");
    for (body, expected) in [
        (single.clone(), "cart".to_owned()),
        (spread.to_owned(), "cart".to_owned()),
        (format!(r#"[{spread},{{"query":"mutation Pay{{pay}}","variables":{{}}}}]"#), "list".to_owned()),
    ] {
        assert_eq!(posted(&mut wire, url, JSON, &body).await.text(), expected, "{body}");
    }
    let shop = format!("{url}?variables=%7B%20%22a%22%3A%201.0%7D&query=%7B%20shop%20%7B%20name%20%7D%20%7D");
    assert_eq!(wire.get(&shop).await.text(), "shop");
    let missed = posted(&mut wire, url, JSON, &other).await.text();
    let expected = "no recorded response for POST http://g.example/graphql, operation `Cart`: nearest: flow 1 of test.flows \
                    (POST http://g.example/graphql, operation `Cart`): /variables/id differs \
                    (--set server_replay_ignore_json=/variables/id would match it)";
    assert!(missed.starts_with(expected), "{missed}");
    let missed = posted(&mut wire, url, JSON, &spread.replace("Cart", "Basket")).await.text();
    assert!(missed.contains("operation is `Basket`, not `Cart`"), "{missed}");

    let proxy = start().start().await;
    let mut wire = proxy.connect().await;
    let missed =
        posted(&mut wire, url, JSON, spread.replace(r#""variables""#, r#""operationName":"Cart","variables""#)).await;
    assert!(missed.text().contains("(--set server_replay_graphql=true would match it)"), "{}", missed.text());
}

#[tokio::test]
async fn a_miss_says_that_a_content_is_not_in_the_recording() {
    let proxy = replaying("graphql-no-postdata.har").start().await;
    let mut wire = proxy.tls("g.example:443").await;
    let missed = wire.ask("POST", "/graphql", "g.example", JSON, br#"{"query":"{a}"}"#).await;
    assert!(missed.text().contains("(--replay-ignore-content would match it)"), "{}", missed.text());
}
