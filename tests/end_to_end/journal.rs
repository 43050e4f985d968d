//! The access log: a line for each flow.

use std::fs;

use crate::harness::{Origin, Proxyhost, Target, Wire, get, recording};

/// The lines of the access log, of which each names the host of the test, with `T` for times.
fn lines(proxy: &Proxyhost, host: &str) -> Vec<String> {
    let log = proxy.log();
    let lines = log.lines().filter(|line| line.contains(host) && !line.contains("listening"));
    lines.map(|line| without_time(&line.replace(host, "HOST"))).collect()
}

/// A time is a number and `ms` or `s`.
fn without_time(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_time = |at: usize| {
        let number = words.get(at).is_some_and(|word| word.parse::<f64>().is_ok());
        number && matches!(words.get(at + 1), Some(&"ms" | &"s"))
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        kept.push(if is_time(at) { "T" } else { *word });
        at += if is_time(at) { 2 } else { 1 };
    }
    kept.join(" ")
}

#[tokio::test]
async fn each_flow_has_a_line_without_what_may_be_secret() {
    let origin = Origin::answering(|request| match request.first.split(' ').nth(1) {
        Some("/chunked") => {
            b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n2\r\n, \r\n0\r\n\r\n".to_vec()
        }
        Some("/large") => {
            let mut large = b"HTTP/1.1 200 OK\r\nContent-Length: 1536\r\n\r\n".to_vec();
            large.extend(vec![b'a'; 1536]);
            large
        }
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec(),
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let host = origin.authority();
    let mut wire = proxy.connect().await;
    wire.get(&origin.url("/a?token=s3cret")).await;
    wire.get(&origin.url("/chunked")).await;
    wire.get(&origin.url("/large")).await;
    wire.ask("HEAD", &origin.url("/head"), &host, &[], b"").await;
    wire.ask("POST", &origin.url("/post"), &host, &[], b"body").await;
    proxy.http2().await.get(&origin.url("/h2")).await;
    proxy.tunnel(&host).await.ask("GET", "/tunnel", &host, &[], b"").await;
    proxy.wait_for_log("/tunnel").await;
    proxy.wait_for_log("/h2").await;
    let mut found = lines(&proxy, &host);
    // The last two have connections of their own.
    found.sort_by_key(|line| line.contains("/tunnel"));
    assert_eq!(
        found,
        [
            "INFO GET http://HOST/a?… 200 5 B T",
            "INFO GET http://HOST/chunked 201 7 B T",
            "INFO GET http://HOST/large 200 1.5 KiB T",
            "INFO HEAD http://HOST/head 200 0 B T",
            "INFO POST http://HOST/post 200 5 B T",
            "INFO GET http://HOST/h2 200 5 B T",
            "INFO GET http://HOST/tunnel 200 5 B T",
        ]
    );
    assert!(!proxy.log().contains("s3cret"), "{}", proxy.log());
}

#[tokio::test]
async fn a_line_says_how_a_flow_ended_that_did_not_go_well() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        let request = wire.request().await;
        if request.is_some_and(|request| request.first.contains("/breaks")) {
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await;
            wire.send(vec![b'a'; 50_000]).await;
            return;
        }
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
        wire.read_to_end().await;
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let host = origin.authority();
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: {host}\r\n\r\n", origin.url("/left"))).await;
    assert_eq!(wire.head().await.expect("a head").status(), 200);
    assert_eq!(wire.take(3).await, b"one");
    drop(wire);
    proxy.wait_for_log("/left").await;
    assert_eq!(lines(&proxy, &host), ["INFO GET http://HOST/left 200 3 B T · the client left"]);

    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: {host}\r\n\r\n", origin.url("/breaks"))).await;
    wire.read_to_end().await;
    let line = proxy.wait_for_log("/breaks").await;
    assert!(line.contains(" 200 48.8 KiB ") && line.contains(" · the body broke off: "), "{line}");
}

#[tokio::test]
async fn a_flow_that_fails_has_one_line_and_one_that_is_killed_too() {
    let recorded = recording([get("http://shop.example/cart")]);
    let proxy = Proxyhost::replaying(&recorded).await;
    let mut wire = proxy.connect().await;
    wire.send("GET http://shop.example/other HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    assert_eq!(wire.read_to_end().await, b"");
    let line = proxy.wait_for_log("INFO GET http://shop.example/other").await;
    assert!(line.starts_with("INFO GET http://shop.example/other killed "), "{line}");

    let proxy = Proxyhost::with(["--offline"]).start().await;
    assert_eq!(proxy.connect().await.get("http://shop.example/a").await.status(), 502);
    proxy.wait_for_log("http://shop.example/a").await;
    assert_eq!(proxy.connect().await.get("http://shop.example/a").await.status(), 502);
    assert_eq!(proxy.log().matches("http://shop.example/a").count(), 1, "{}", proxy.log());
}

#[tokio::test]
async fn the_access_log_is_off_by_q_and_by_its_name() {
    let origin = Origin::answering(|_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await;
    let quiet = Proxyhost::with(["-q"]).start().await;
    let named = Proxyhost::with([]).env("PROXYHOST_LOG", "info,proxyhost::access=off").start().await;
    for mut proxy in [quiet, named] {
        assert_eq!(proxy.connect().await.get(&origin.url("/a")).await.status(), 204);
        proxy.terminate();
        assert_eq!(proxy.ended().await.code(), Some(0));
        assert!(!proxy.log().contains("/a"), "{}", proxy.log());
    }
}

#[tokio::test]
async fn a_line_does_nothing_to_a_terminal() {
    let origin = Origin::answering(|_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    let mut wire = proxy.connect().await;
    wire.get(&origin.url("/%1b[31m")).await;
    let line = proxy.wait_for_log("31m").await;
    assert!(line.chars().all(|char| !char.is_control()), "{line:?}");
    assert!(proxy.stop().await.success());
    assert!(fs::metadata(target.path()).expect("it was recorded").len() > 0);
}
