//! What becomes of requests without a recorded response, and what is said about them.

use crate::harness::{Proxyhost, get, post, recording};

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
