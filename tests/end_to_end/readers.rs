//! Recordings as the tools of the field write them: each is replayed as it was meant.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Message, Proxyhost};

fn tool(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/tools").join(name)
}

/// A folder with a file of these.
fn written(name: &str, document: &impl ToString) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, document.to_string()).expect("a file");
    (folder, path)
}

async fn get(proxy: &Proxyhost, url: &str) -> Message {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (host, path) = rest.split_at(rest.find('/').expect("a path"));
    match scheme {
        "https" => proxy.tls(&format!("{host}:443")).await.ask("GET", path, host, &[], b"").await,
        _ => proxy.connect().await.get(url).await,
    }
}

#[tokio::test]
async fn what_tools_of_the_field_wrote_is_replayed() {
    let entry = |url: &str, fields: Value, text: &str| {
        json!({"request": {"method": "GET", "url": url, "headers": fields},
            "response": {"status": 200, "headers": [], "content": {"text": text}}})
    };
    let names =
        [(":host", "two.example"), (":method", "GET"), (":path", "/y?z"), (":scheme", "http"), (":version", "SPDY/3")];
    let spdy: Vec<_> = names.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let unicode = entry("http://b\u{fc}cher.example/?a", json!([["Host", "b\u{fc}cher.example"]]), "b\u{fc}cher");
    let escaped = entry("http://b%C3%BCcher.example/escaped", json!([]), "escaped");
    let entries = [unicode, escaped, entry("/y?z", spdy.into(), "y")];
    let (_folder, made) = written("made.har", &json!({"log": {"entries": entries}}));
    let proxy = Proxyhost::with(["-k", "--no-pop"]);
    let files = ["set-cookie-newline.har", "spdy-pseudo.har", "playwright-resources-dir/trace.har", "mitmproxy.zhar"];
    let proxy = files.iter().fold(proxy, |proxy, name| proxy.arg("-S").arg(tool(name)));
    let proxy = proxy.arg("-S").arg(tool("httptoolkit-binary-request.har")).arg("-S").arg(&made).start().await;

    let page = get(&proxy, "https://login.example/").await;
    assert_eq!(page.lines("set-cookie"), ["sid=abc; Path=/; HttpOnly", "csrf=tok; Path=/"]);
    assert_eq!(page.text(), "<p>in</p>");
    for (url, text) in [
        ("https://spdy.example/x.js", "var a"),
        ("https://pw.example/", "from file"),
        ("http://z.example/", "zz"),
        ("http://xn--bcher-kva.example/?a", "b\u{fc}cher"),
        ("http://xn--bcher-kva.example/escaped", "escaped"),
        ("http://two.example/y?z", "y"),
    ] {
        let answer = get(&proxy, url).await;
        assert_eq!((answer.status(), &answer.body[..]), (200, text.as_bytes()), "{url}");
    }
    let mut posting = proxy.tls("api.example:443").await;
    let kind = [("Content-Type", "application/x-protobuf")];
    for (body, text) in [(b"\x00\x01\xff\xfe\x0a\x00", "ok"), (b"\x09\x09\x09\xfe\x0a\x00", "second")] {
        assert_eq!(posting.ask("POST", "/pb", "api.example", &kind, body).await.text(), text);
    }
}

#[test]
fn what_got_no_response_is_no_damage() {
    let check = |path: &Path| {
        let output = Proxyhost::with(["flows", "check"]).arg(path).run();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = check(&tool("retried.har"));
    assert_eq!(
        (code, said.contains("ok, 2 exchanges, 1 entry: the request got no response")),
        (Some(0), true),
        "{said}"
    );
    // A body that would be above the folder is one that cannot be had.
    let up = json!({"request": {"method": "GET", "url": "http://a/"}, "response": {"status": 200, "content": {"_file": "../x"}}});
    let (folder, inner) = written("inner/up.har", &json!({"log": {"entries": [up]}}));
    fs::write(folder.path().join("x"), "secret").expect("a file");
    let (code, said) = check(&inner);
    assert_eq!(code, Some(1));
    assert!(said.contains("the body's file `../x` is not in the recording's folder"), "{said}");
}

#[tokio::test]
async fn dates_are_refreshed_by_the_date_where_there_is_no_time_or_it_is_asked_for() {
    let left = |answer: &Message| {
        let seconds = |date: &str| {
            let date = httpdate::parse_http_date(date).expect("a date");
            date.duration_since(std::time::UNIX_EPOCH).expect("our time").as_secs()
        };
        let cookie = answer.field("set-cookie").expect("a cookie");
        let expires = cookie.split_once("Expires=").expect("an expiry").1;
        (seconds(expires) - seconds(answer.field("date").expect("a date")), expires.contains("2024"))
    };
    let day = 24 * 60 * 60;
    // This one was recorded by a clock that was a year ahead.
    let fields = json!([
        ["Date", "Fri, 01 Mar 2024 10:00:00 GMT"],
        ["Set-Cookie", "a=1; Expires=Sat, 02 Mar 2024 10:00:00 GMT"]
    ]);
    let ahead = json!({"startedDateTime": "2025-03-01T10:00:00Z", "request": {"method": "GET", "url": "http://ahead.example/"},
        "response": {"status": 200, "headers": fields, "content": {"text": "x"}}});
    let (_folder, ahead) = written("ahead.har", &json!({"log": {"entries": [ahead]}}));
    let proxy = Proxyhost::with(["-k", "--no-pop", "--control", "127.0.0.1:0"]);
    let proxy = proxy.arg("-S").arg(tool("nodate.har")).arg("-S").arg(&ahead).start().await;
    let age = |answer: &Message| {
        let date = httpdate::parse_http_date(answer.field("date").expect("a date")).expect("a date");
        std::time::SystemTime::now().duration_since(date).map_or(0, |age| age.as_secs())
    };
    let undated = get(&proxy, "http://d.example/").await;
    assert_eq!(left(&undated), (day, false));
    assert!(age(&undated) < 3600);
    assert!(age(&get(&proxy, "http://d.example/2").await) < 3600);
    let wrong = get(&proxy, "http://ahead.example/").await;
    assert!(age(&wrong) > 300 * day, "{:?}", wrong.field("date"));
    proxy.ctl(&["options", "set", "server_replay_refresh_from=date"]).await;
    let right = get(&proxy, "http://ahead.example/").await;
    assert_eq!(left(&right), (day, false));
    assert!(age(&right) < 3600);
}

#[tokio::test]
async fn a_stub_of_wiremock_answers_what_it_says() {
    // As text, because the order of the parameters counts.
    let search = |accept: &str, answer: &str| {
        let query = r#""queryParameters": {"q": {"equalTo": "a b"}, "n": {"equalTo": "1"}}"#;
        let fields = format!(r#""headers": {{"Accept": {{"equalTo": "{accept}"}}}}"#);
        let request = format!(r#"{{"method": "GET", "urlPath": "/search", {query}, {fields}}}"#);
        format!(r#"{{"request": {request}, "response": {answer}}}"#)
    };
    let stubs = [
        r#"{"request": {"url": "/any"}, "response": {"body": "any"}}"#.to_owned(),
        r#"{"request": {"method": "GET", "urlPattern": "^/api/users\\.json\\?page=1$"}, "response": {"body": "literal"}}"#.to_owned(),
        search("text/plain", r#"{"body": "plain", "fixedDelayMilliseconds": 300}"#),
        search("text/html", r#"{"body": "html"}"#),
        r#"{"request": {"method": "GET", "urlPath": "/pages", "queryParameters": {"more": {"absent": true}}}, "response": {"body": "no more"}}"#.to_owned(),
        r#"{"name": "the open one", "request": {"method": "GET", "urlPattern": "/files/.*"}, "response": {}}"#.to_owned(),
    ];
    let (folder, _) = written("mappings/stubs.json", &format!(r#"{{"mappings": [{}]}}"#, stubs.join(",")));
    let proxy = Proxyhost::with([
        "-k",
        "--server-replay-timing",
        "original",
        "--rheader",
        "accept",
        "--control",
        "127.0.0.1:0",
    ]);
    let proxy = proxy.arg("-S").arg(folder.path()).start().await;
    proxy.wait_for_log("stub `the open one`: its `request.urlPattern` does not say what one request has").await;
    let mut wire = proxy.connect().await;
    let host = "localhost:8080";
    let mut ask = async |method: &str, path: &str, accept: &str| {
        let url = format!("http://{host}{path}");
        let fields = [("Accept", accept)];
        let fields = if accept.is_empty() { &[] } else { &fields[..] };
        wire.ask(method, &url, host, fields, b"").await
    };
    assert_eq!(ask("GET", "/api/users.json?page=1", "").await.text(), "literal");
    assert_eq!(ask("GET", "/search?q=a%20b&n=1", "text/html").await.text(), "html");
    let asked = std::time::Instant::now();
    assert_eq!(ask("GET", "/search?q=a+b&n=1", "text/plain").await.text(), "plain");
    assert!(asked.elapsed().as_millis() >= 300);
    assert_eq!(ask("GET", "/pages", "").await.text(), "no more");
    // Once for all methods, as any other exchange.
    assert_eq!(ask("PATCH", "/any", "").await.text(), "any");
    assert!(proxy.ctl(&["run", "replay.server.unused"]).await.trim().is_empty());
    proxy.ctl(&["options", "set", "server_replay_reuse=first", "server_replay_extra=404"]).await;
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        assert_eq!(ask(method, "/any", "").await.text(), "any", "{method}");
    }
    let head = ask("HEAD", "/any", "").await;
    assert_eq!((head.status(), head.text()), (200, String::new()));
    // A path takes what has its parameters, in any order and with others.
    for query in ["q=a%20b&n=1", "n=1&q=a+b", "x=&n=1&n=2&q=a+b&q="] {
        assert_eq!(ask("GET", &format!("/search?{query}"), "text/html").await.text(), "html", "{query}");
    }
    for query in ["q=a+b", "q=a+b&n=2", "n=1&q=a%2Bb", ""] {
        assert_eq!(ask("GET", &format!("/search?{query}"), "text/html").await.status(), 404, "{query}");
    }
    assert_eq!(ask("GET", "/pages", "").await.text(), "no more");
    assert_eq!(ask("GET", "/pages?more=1", "").await.status(), 404);
    let missed = ask("PUT", "/any?more=1", "").await.text();
    assert!(missed.contains("(ANY http://localhost:8080/any): query more not recorded"), "{missed}");
    // Which methods those are, is said.
    let other = ask("PROPFIND", "/any", "").await.text();
    assert!(other.contains("method is `PROPFIND`, not `ANY`"), "{other}");
}

#[tokio::test]
async fn stubs_with_a_304_and_a_206_answer_who_asks_for_them() {
    // WireMock records none of the fields that asked for them.
    let stub = |status: u16, fields: Value| json!({"request": {"method": "GET", "url": "/a"}, "response": {"status": status, "headers": fields}});
    let part = set_body(stub(206, json!({"Content-Range": "bytes 2-5/10", "ETag": "\"v1\""})), "2345");
    let whole = set_body(stub(200, json!({"ETag": "\"v2\""})), "whole");
    let stubs = json!({"mappings": [stub(304, json!({"ETag": "\"v1\""})), part, whole]});
    let (_folder, path) = written("stubs.json", &stubs);
    let proxy = Proxyhost::with(["--server-replay-extra", "404", "--no-pop", "-S"]).arg(path).start().await;
    let mut wire = proxy.connect().await;
    for (fields, expected) in [
        (&[("If-None-Match", "\"v1\"")][..], (304, "")),
        (&[("Range", "bytes=2-5")], (206, "2345")),
        (&[], (200, "whole")),
    ] {
        let answer = wire.ask("GET", "http://localhost:8080/a", "localhost:8080", fields, b"").await;
        assert_eq!((answer.status(), &answer.text()[..]), expected, "{fields:?}");
    }
}

fn set_body(mut stub: Value, body: &str) -> Value {
    stub["response"]["body"] = body.into();
    stub
}

#[tokio::test]
async fn json_of_which_chrome_har_has_the_members_is_found_by_them() {
    let entry = |params: Value, answer: &str| {
        json!({"request": {"method": "POST", "url": "http://a.example/", "bodySize": 30,
                "headers": [["Content-Type", "application/json"], ["Content-Type", "application/json"]],
                "postData": {"mimeType": "application/json", "params": params}},
            "response": {"status": 200, "headers": [], "content": {"size": 2 * answer.len(), "text": answer}}})
    };
    let one = entry(
        json!([{"name": "id", "value": 1}, {"name": "tags", "value": "a"}, {"name": "tags", "value": "b"}]),
        "one",
    );
    let two = entry(json!([{"name": "id", "value": 2}]), "two");
    let har = json!({"log": {"version": "1.2", "creator": {"name": "chrome-har"}, "entries": [one, two]}});
    let (_folder, path) = written("a.har", &har);
    let proxy = Proxyhost::with(["--server-replay-extra", "404", "--no-pop", "-S"]).arg(path).start().await;
    let mut wire = proxy.connect().await;
    for (body, expected) in
        [(r#"{"tags": ["a", "b"], "id": 1.0, "none": []}"#, "one"), (r#"{"id": 2, "none": []}"#, "two")]
    {
        let fields = [("Content-Type", "application/json")];
        let answer = wire.ask("POST", "http://a.example/", "a.example", &fields, body.as_bytes()).await;
        assert_eq!((answer.status(), &answer.text()[..]), (200, expected), "{body}");
    }
    let other =
        wire.ask("POST", "http://a.example/", "a.example", &[("Content-Type", "application/json")], br#"{"id": 3}"#);
    assert_eq!(other.await.status(), 404);
}

#[tokio::test]
async fn what_chrome_har_wrote_of_chromium_is_what_was_sent() {
    let proxy = Proxyhost::with(["-k", "--norefresh", "-S"]).arg(tool("chrome-har.har")).start().await;
    let host = "127.0.0.1:9000";
    let every_byte: Vec<u8> = (0..=255).collect();
    let upload = [
        "--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nÜber uns\r\n".as_bytes(),
        b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n",
        b"Content-Type: application/octet-stream\r\n\r\n\0\x01\xff\xfe\r\n\x80\r\n--x--\r\n",
    ]
    .concat();
    let zipped =
        [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xabV\xaa\xca,(HMQ\xb2R()*M\xad\x05\0"[..], b"\xcc\xa5\xde\r\x10\0\0\0"]
            .concat();
    let mut wire = proxy.connect().await;
    for (method, path, fields, sent, expected) in [
        ("GET", "/cookies", &[][..], &b""[..], &b"cookies"[..]),
        (
            "POST",
            "/orders",
            &[("Content-Type", "application/json")],
            b"{\"id\":1,\"name\":\"K\xc3\xa4se\"}",
            b"{\"created\":true}",
        ),
        (
            "POST",
            "/form",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            b"user=J%20Doe&next=%2Fa~b&n=1+2",
            b"",
        ),
        ("POST", "/upload", &[("Content-Type", "multipart/form-data; boundary=x")], &upload, b"{\"uploaded\":true}"),
        ("POST", "/binary", &[("Content-Type", "application/octet-stream")], b"\0\x01\xff\xfe\n\0", &every_byte),
        (
            "POST",
            "/zipped",
            &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
            &zipped,
            b"{\"unzipped\":true}",
        ),
        ("GET", "/range", &[("Range", "bytes=2-5")], b"", b"2345"),
        ("GET", "/events", &[], b"", "data: 1\n\ndata: zwölf\n\n".as_bytes()),
        ("GET", "/latin1", &[], b"", b"caf\xe9 \xa35"),
        ("GET", "/lines", &[], b"", b"a\r\nb\nc\rd\xe2\x80\xa8e\0f\t\"\\"),
    ] {
        let answer = wire.ask(method, &format!("http://{host}{path}"), host, fields, sent).await;
        assert_eq!(String::from_utf8_lossy(&answer.body), String::from_utf8_lossy(expected), "{path}");
        assert_eq!(answer.body, expected, "{path}");
        if path == "/cookies" {
            let lines = ["sid=abc; Path=/; HttpOnly", "lang=de; Path=/; Expires=Fri, 01 Mar 2030 10:00:00 GMT"];
            assert_eq!(answer.lines("set-cookie"), lines);
        }
    }
}
