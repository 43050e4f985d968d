//! What becomes of requests without a recorded response, and what is said about them.

use crate::harness::{Flow, Proxyhost, RecordingFile, get, post, recording};

#[tokio::test]
async fn a_killed_http1_request_gets_not_one_byte() {
    let recording = recording([get("http://shop.example/cart"), get("https://shop.example/cart")]);
    let proxy = Proxyhost::replaying(&recording).await;
    let mut wire = proxy.connect().await;
    wire.send("GET http://shop.example/other HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    assert_eq!(wire.read_to_end().await, b"");
    let mut wire = proxy.tls("shop.example:443").await;
    wire.send("GET /other HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    assert_eq!(wire.read_to_end().await, b"");
}

#[tokio::test]
async fn a_killed_http2_request_is_reset_and_its_connection_goes_on() {
    let flow = get("https://shop.example/cart");
    let proxy = Proxyhost::replaying(&recording([flow.clone().body("one"), flow.body("two")])).await;
    let mut client = proxy.tls_http2("shop.example:443").await;
    client.is_reset("https://shop.example/other").await;
    assert_eq!(client.get("https://shop.example/cart").await.text(), "one");
    client.is_reset("https://shop.example/other").await;
    assert_eq!(client.get("https://shop.example/cart").await.text(), "two");
    client.is_reset("https://shop.example/cart").await;
}

#[tokio::test]
async fn a_status_policy_answers_with_an_explanation_and_keeps_the_connection() {
    let recording = recording([get("http://shop.example/cart?page=1").body("hit")]);
    let proxy = Proxyhost::with(["--server-replay-extra", "404"]).replay(&recording).start().await;
    let mut wire = proxy.connect().await;

    let miss = wire.get("http://shop.example/basket?page=1").await;
    assert_eq!(miss.first, "HTTP/1.1 404 Not Found");
    assert_eq!(miss.field("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(
        miss.text(),
        "no recorded response for GET http://shop.example/basket?…: nearest: flow 1 of test.flows (GET \
         http://shop.example/cart?…): path is `/basket`, not `/cart`\n"
            .replace('…', "\u{e2}\u{80}\u{a6}")
    );
    assert_eq!(wire.get("http://shop.example/cart?page=1").await.text(), "hit");
    let used = wire.get("http://shop.example/cart?page=1").await;
    assert_eq!(used.status(), 404);
    assert_eq!(
        used.text(),
        "no recorded response for GET http://shop.example/cart?…: its recorded response was used \
         (server_replay_reuse serves it again)\n"
            .replace('…', "\u{e2}\u{80}\u{a6}")
    );
}

#[tokio::test]
async fn a_204_policy_answers_without_content() {
    let recording = recording([get("http://shop.example/cart")]);
    let proxy = Proxyhost::with(["--server-replay-extra", "204"]).replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    let miss = wire.get("http://shop.example/other").await;
    assert_eq!((miss.first.as_str(), miss.fields), ("HTTP/1.1 204 No Content", Vec::new()));
    assert_eq!(wire.get("http://shop.example/cart").await.status(), 200);
}

#[tokio::test]
async fn the_log_says_why_there_was_no_answer() {
    let recording = recording([get("http://shop.example/cart")]);
    let proxy = Proxyhost::replaying(&recording).await;
    let started = proxy.wait_for_log("to replay").await;
    assert_eq!(started, format!("INFO {}: 1 response to replay addon=\"serverreplay\"", recording.path().display()));

    let mut wire = proxy.connect().await;
    wire.send("POST http://shop.example/cart HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1\r\n\r\nx").await;
    assert_eq!(wire.read_to_end().await, b"");
    assert_eq!(
        proxy.wait_for_log("killed").await,
        "WARN killed POST http://shop.example/cart: no recorded response: nearest: flow 1 of test.flows (GET \
         http://shop.example/cart): method is `POST`, not `GET`, content differs addon=\"serverreplay\" flow=1"
    );
}

#[tokio::test]
async fn secrets_are_neither_in_the_log_nor_in_the_explanation() {
    let recorded = post("http://shop.example/login?token=s3cret-a", "password=s3cret-b");
    let recording = recording([recorded.request_field("X-Key", "s3cret-c").field("Set-Cookie", "id=s3cret-d")]);
    let start = Proxyhost::with(["-v", "-v", "--rheader", "x-key", "--server-replay-extra", "404"]);
    let proxy = start.replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    let url = "http://shop.example/login?token=s3cret-e";
    let fields = [("X-Key", "s3cret-f"), ("Cookie", "id=s3cret-g"), ("Authorization", "Bearer s3cret-h")];
    let miss = wire.ask("POST", url, "shop.example", &fields, b"password=s3cret-i").await;
    assert_eq!(miss.status(), 404);
    assert!(!miss.text().contains("s3cret"), "{}", miss.text());
    let fields = [("X-Key", "s3cret-c"), ("Content-Type", "text/plain")];
    let url = "http://shop.example/login?token=s3cret-a";
    let hit = wire.ask("POST", url, "shop.example", &fields, b"password=s3cret-b").await;
    assert_eq!(hit.field("set-cookie"), Some("id=s3cret-d"));
    proxy.wait_for_log("answered 404").await;
    assert!(!proxy.log().contains("s3cret"), "{}", proxy.log());
}

/// A proxy that answers misses with 404 and a text.
async fn explaining<const N: usize>(args: [&str; N], recording: &RecordingFile) -> Proxyhost {
    Proxyhost::with(["--server-replay-extra", "404"].into_iter().chain(args)).replay(recording).start().await
}

const CHAT: &str = "http://shop.example/chat";

/// What a proxy says to a content of a type, sent to [`CHAT`].
async fn told(proxy: &Proxyhost, content_type: &str, content: &str) -> String {
    let mut wire = proxy.connect().await;
    let fields = [("Content-Type", content_type)];
    let miss = wire.ask("POST", CHAT, "shop.example", &fields, content.as_bytes()).await;
    assert_eq!(miss.status(), 404, "{}", proxy.log());
    let text = String::from_utf8(miss.body).expect("UTF-8");
    let told = text.strip_prefix(&format!("no recorded response for POST {CHAT}: nearest: ")).map(str::to_owned);
    told.unwrap_or(text)
}

fn chat(content_type: &str, content: impl AsRef<[u8]>) -> Flow {
    post(CHAT, content).request_field("Content-Type", content_type)
}

const NAMED: &str = "flow 1 of test.flows (POST http://shop.example/chat)";

#[tokio::test]
async fn json_and_forms_are_compared_member_by_member() {
    let json = "application/json";
    let recorded = r#"{"messages":[{"role":"user","content":"s3cret"}],"nonce":1}"#;
    let proxy = explaining([], &recording([chat(json, recorded)])).await;
    for (live, differences) in [
        (
            r#"{"messages":[{"role":"user","content":"0ther"}]}"#,
            "/messages/0/content differs, /nonce only recorded (--set server_replay_ignore_json=/messages/0/content \
             --set server_replay_ignore_json=/nonce would match it)",
        ),
        (
            r#"{"nonce":2,"messages":[{"role":"user","content":"s3cret"}]}"#,
            "/nonce differs (--set server_replay_ignore_json=/nonce would match it)",
        ),
        (
            r#"{ "nonce":1, "messages":[{"role":"user","content":"s3cret"}]}"#,
            "content is written differently (--set server_replay_canonical_json=true would match it)",
        ),
        ("{", "content differs (--replay-ignore-content would match it)"),
    ] {
        assert_eq!(told(&proxy, json, live).await, format!("{NAMED}: {differences}\n"));
    }
    let form = "application/x-www-form-urlencoded";
    let proxy = explaining([], &recording([chat(form, "user=a&csrf=s3cret")])).await;
    assert_eq!(
        told(&proxy, form, "user=a&csrf=2&x=1").await,
        format!(
            "{NAMED}: form csrf differs, form x not recorded (--replay-ignore-payload-param csrf \
             --replay-ignore-payload-param x would match it)\n"
        )
    );
    let multipart = |boundary: &str, token: &str| {
        let field = |name: &str, value: &str| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n")
        };
        let content = format!("{}{}--{boundary}--\r\n", field("user", "a"), field("csrf", token));
        (format!("multipart/form-data; boundary={boundary}"), content)
    };
    let (content_type, content) = multipart("A", "1");
    let proxy = explaining([], &recording([chat(&content_type, content)])).await;
    let (content_type, content) = multipart("B", "2");
    assert_eq!(
        told(&proxy, &content_type, &content).await,
        format!("{NAMED}: multipart csrf differs (--replay-ignore-payload-param csrf would match it)\n")
    );
}

#[tokio::test]
async fn the_nearest_has_most_parts_in_common() {
    let json = "application/json";
    let contents = [r#"{"a":1}"#, r#"{"a":2,"b":2,"c":3,"d":4}"#, r#"{"a":1,"b":2}"#];
    let recording = recording(contents.map(|content| chat(json, content)));
    let proxy = explaining([], &recording).await;
    let told = told(&proxy, json, r#"{"a":1,"b":2,"c":2,"d":3}"#).await;
    let order: Vec<&str> = told.split("; ").map(|near| near.split(" of ").next().unwrap_or_default()).collect();
    assert_eq!(order, ["flow 3", "flow 1", "flow 2"]);
}

#[tokio::test]
async fn what_is_suggested_matches_when_it_is_given() {
    let recorded = post("http://shop.example/chat?_=1", r#"{"nonce":1,"a":[1]}"#);
    let recording = recording([recorded.request_field("Content-Type", "application/json").body("hit")]);
    let options = [
        ["--replay-ignore-param", "_"].as_slice(),
        &["--set", "server_replay_ignore_json=/a/1", "--set", "server_replay_ignore_json=/nonce"],
    ]
    .concat();
    let url = "http://shop.example/chat?_=2";
    let fields = [("Content-Type", "application/json")];
    let live = br#"{"a":[1,2],"nonce":2}"#;
    let proxy = explaining([], &recording).await;
    let miss = proxy.connect().await.ask("POST", url, "shop.example", &fields, live).await;
    assert!(miss.text().contains(&format!("({} would match it)", options.join(" "))), "{}", miss.text());
    let start = Proxyhost::with(["-k"].into_iter().chain(options)).replay(&recording);
    let proxy = start.start().await;
    let hit = proxy.connect().await.ask("POST", url, "shop.example", &fields, live).await;
    assert_eq!(hit.text(), "hit");
}

#[tokio::test]
async fn values_are_shown_to_who_wants_them_but_for_secrets() {
    let json = "application/json";
    let recording = recording([chat(json, r#"{"pw":"redacted","nonce":"recorded"}"#)]);
    let args = ["--show-values", "--control", "0", "--record-redact", "json:/pw"];
    let proxy = explaining(args, &recording).await;
    assert_eq!(
        told(&proxy, json, r#"{"pw":"s3cret","nonce":"live","x":[]}"#).await,
        format!(
            "{NAMED}: /nonce is `\"live\"`, not `\"recorded\"`, /x (`[]`) not recorded (--set \
             server_replay_ignore_json=/nonce --set server_replay_ignore_json=/x would match it)\n"
        )
    );
    let missed = proxy.ctl(&["--json", "run", "replay.server.missed"]).await;
    let missed: serde_json::Value = serde_json::from_str(&missed).expect("JSON");
    let data = &missed["data"][0]["details"];
    assert_eq!(
        data["nearest"],
        serde_json::json!([{
            "flow": 1,
            "file": "test.flows",
            "request": "POST http://shop.example/chat",
            "differences": [
                {"part": "/nonce", "kind": "value", "live": "\"live\"", "recorded": "\"recorded\""},
                {"part": "/x", "kind": "added", "live": "[]"},
            ],
            "would_match_with":
                "--set server_replay_ignore_json=/nonce --set server_replay_ignore_json=/x",
        }])
    );
    assert_eq!(data["parts"][0], serde_json::json!({"name": "method", "value": "POST"}));
    assert!(!proxy.log().contains("s3cret"), "{}", proxy.log());
}

#[tokio::test]
async fn a_recorded_request_that_cannot_answer_is_named_as_that() {
    let recording = recording([get("http://shop.example/a").unanswered()]);
    let proxy = explaining([], &recording).await;
    let mut wire = proxy.connect().await;
    let miss = wire.get("http://shop.example/a").await;
    let named = "flow 1 of test.flows (GET http://shop.example/a)";
    assert_eq!(
        miss.text(),
        format!(
            "no recorded response for GET http://shop.example/a: nearest: {named}: the same, but it has no response\n"
        )
    );
    let miss = wire.ask("DELETE", "http://shop.example/a", "shop.example", &[], b"").await;
    assert_eq!(
        miss.text(),
        format!(
            "no recorded response for DELETE http://shop.example/a: nearest: {named}: method is `DELETE`, not `GET`, and \
             it has no response\n"
        )
    );
}

#[tokio::test]
async fn a_page_of_another_origin_may_read_why() {
    let proxy = explaining([], &recording([get("http://shop.example/cart")])).await;
    let mut wire = proxy.connect().await;
    for (fields, expected) in [
        ([("Origin", "http://app.example"), ("X", "")], [Some("http://app.example"), Some("Origin"), None]),
        (
            [("Origin", "http://app.example"), ("Cookie", "a=1")],
            [Some("http://app.example"), Some("Origin"), Some("true")],
        ),
        ([("Origin", "null"), ("X", "")], [Some("null"), Some("Origin"), None]),
        ([("Origin", "http://shop.example"), ("X", "")], [None; 3]),
        ([("Y", ""), ("X", "")], [None; 3]),
    ] {
        let miss = wire.ask("GET", "http://shop.example/other", "shop.example", &fields, b"").await;
        let names = ["access-control-allow-origin", "vary", "access-control-allow-credentials"];
        assert_eq!(names.map(|name| miss.field(name)), expected, "{fields:?}");
    }
}

#[tokio::test]
async fn explaining_large_contents_stays_within_the_limits_of_a_hook() {
    let json = "application/json";
    let large = |first: usize, bytes: usize| {
        let members: Vec<String> = (0..bytes / 20).map(|number| format!(r#""{number:07}":"{first:02}ab""#)).collect();
        format!("{{{}}}", members.join(","))
    };
    let whole = "contents of more than 1 MiB, or of more than 4 MiB together, were compared as a whole";
    // As many as are compared, of a MiB each.
    let recording = recording((0..40).map(|number| chat(json, large(number, 1 << 20))));
    for args in [&[] as &[&str], &["--set", "server_replay_canonical_json=true"]] {
        let start = Proxyhost::with(["--server-replay-extra", "404"].into_iter().chain(args.iter().copied()));
        let proxy = start.replay(&recording).start().await;
        let told_of_one = told(&proxy, json, &large(99, 1 << 20)).await;
        assert!(told_of_one.starts_with(&format!("{NAMED}: /0000000 differs, /0000001 differs, ")), "{told_of_one}");
        let told = told(&proxy, json, &large(99, 15 << 20)).await;
        let expected = "content differs (--replay-ignore-content would match it)";
        assert!(told.starts_with(&format!("{NAMED}: {expected}; ")), "{told}");
        assert!(told.ends_with(&format!("; {whole}\n")), "{told}");
    }
}

#[tokio::test]
async fn explaining_many_parts_stays_within_the_limits_of_a_hook() {
    let recording = recording((0..40).map(|number| get(format!("http://shop.example/chat?b={number}"))));
    let proxy = explaining([], &recording).await;
    let miss = proxy.connect().await.get(&format!("http://shop.example/chat?{}", "a&".repeat(20_000))).await;
    let expected = "nearest: flow 1 of test.flows (GET http://shop.example/chat?";
    assert!(miss.text().contains(expected), "{}", miss.text());
}
