//! What is said at the end of a run, to people, to programs and by the exit code.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Proxyhost, Start, get};

const ORDERS: &str = "http://shop.example/orders";

/// A proxy that replays four exchanges, of which two are never served, and misses one request.
async fn visit(args: &[&str]) -> Proxyhost {
    let proxy = shop(args).start().await;
    for path in ["/orders", "/cart"] {
        let answer = proxy.connect().await.get(&format!("http://shop.example{path}")).await;
        assert_eq!(answer.text(), path);
    }
    let missed = proxy.connect().await.get(&format!("{ORDERS}?page=2")).await;
    assert_eq!(missed.status(), 404);
    proxy
}

fn shop(args: &[&str]) -> Start {
    let flows = ["/orders", "/cart", "/orders/1042", "/help"];
    let flows = flows.map(|path| get(format!("http://shop.example{path}")).body(path).write()).concat();
    let start = Proxyhost::with(["-S", "shop.mitm", "--server-replay-extra", "404"]).file("shop.mitm", &flows);
    args.iter().fold(start, Start::arg)
}

#[tokio::test]
async fn a_run_of_one_miss_and_two_unused_exchanges_is_reported_whole() {
    let mut proxy = visit(&["--report", "report.json", "--fail-on", "miss,unused,error"]).await;
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(3));
    let report: Value =
        serde_json::from_slice(&fs::read(proxy.folder().join("report.json")).expect("a report")).expect("JSON");
    let exchange = |number: u32, path: &str, hits: u32| {
        let request = format!("GET http://shop.example{path}");
        json!({ "file": "shop.mitm", "number": number, "request": request, "status": 200, "hits": hits })
    };
    let exchanges =
        [exchange(1, "/orders", 1), exchange(2, "/cart", 1), exchange(3, "/orders/1042", 0), exchange(4, "/help", 0)];
    let part = |name: &str, value: &str| json!({ "name": name, "value": value });
    let expected = json!({
        "session": null,
        "flows": 3,
        "exchanges": exchanges,
        "misses": [{
            "flow": 3,
            "session": "",
            "request": "GET http://shop.example/orders?…",
            "reason": REASON,
            "data": {
                "reason": "no recorded request matches",
                "parts": [
                    part("method", "GET"),
                    part("scheme", "http"),
                    part("host", "shop.example"),
                    part("port", "80"),
                    part("path", "/orders"),
                    { "name": "query page" },
                    { "name": "content" },
                ],
                "nearest": [{
                    "file": "shop.mitm",
                    "flow": 1,
                    "request": "GET http://shop.example/orders",
                    "differences": [{ "kind": "added", "part": "query page" }],
                    "would_match_with": "--replay-ignore-param page",
                }],
            },
        }],
        "missed": 1,
        "failures": [],
        "failed": 0,
    });
    assert_eq!(report, expected);

    // A paragraph for people, after the last flow.
    let log = proxy.log();
    let said: Vec<&str> = log.lines().skip_while(|line| !line.contains("3 requests: ")).collect();
    let expected = [
        "WARN 3 requests: 2 replayed, 1 missed, 2 recorded exchanges never served, 0 failed",
        &format!("WARN missed GET http://shop.example/orders?…: {REASON} (flow 3)"),
        "WARN never served GET http://shop.example/orders/1042 200: flow 3 of shop.mitm",
        "WARN never served GET http://shop.example/help 200: flow 4 of shop.mitm",
        "ERROR the run failed (--fail-on miss,unused,error)",
    ];
    assert_eq!(said, expected);
}

const REASON: &str = "nearest: flow 1 of shop.mitm (GET http://shop.example/orders): query page not recorded \
                      (--replay-ignore-param page would match it)";

#[tokio::test]
async fn the_same_is_reported_for_systems_that_know_junit() {
    let mut proxy = visit(&["--report", "report.xml", "--fail-on", "unused"]).await;
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(3));
    let report = fs::read_to_string(proxy.folder().join("report.xml")).expect("a report");
    let expected = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="proxyhost" tests="5" failures="2" errors="0" skipped="1">
  <testsuite name="proxyhost" tests="5" failures="2" errors="0" skipped="1">
    <testcase classname="proxyhost.recorded" name="flow 1 of shop.mitm: GET http://shop.example/orders 200"/>
    <testcase classname="proxyhost.recorded" name="flow 2 of shop.mitm: GET http://shop.example/cart 200"/>
    <testcase classname="proxyhost.recorded" name="flow 3 of shop.mitm: GET http://shop.example/orders/1042 200">
      <failure type="unused" message="was never served"></failure>
    </testcase>
    <testcase classname="proxyhost.recorded" name="flow 4 of shop.mitm: GET http://shop.example/help 200">
      <failure type="unused" message="was never served"></failure>
    </testcase>
    <testcase classname="proxyhost.missed" name="flow 3: GET http://shop.example/orders?…">
      <skipped message="{REASON}"/>
    </testcase>
  </testsuite>
</testsuites>
"#
    );
    assert_eq!(report, expected);
}

#[tokio::test]
async fn a_run_fails_for_what_it_is_to_fail_for_and_nothing_else() {
    for (fail_on, code) in [("error", 0), ("miss", 3), ("unused", 3), ("error,unused", 3)] {
        let mut proxy = visit(&["--fail-on", fail_on]).await;
        proxy.terminate();
        assert_eq!(proxy.ended().await.code(), Some(code), "{fail_on}");
    }
    let mut proxy = visit(&[]).await;
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(0));
    for fail_on in [r#""unused, error""#, r#"["error", "unused"]"#] {
        let config = format!("fail_on = {fail_on}");
        let mut proxy = shop(&[]).file("proxyhost.toml", config.as_bytes()).start().await;
        proxy.terminate();
        assert_eq!(proxy.ended().await.code(), Some(3), "{fail_on}");
    }
    // Something that fails.
    let mut proxy = Proxyhost::with(["--offline", "--fail-on", "error"]).start().await;
    assert_eq!(proxy.connect().await.get("http://shop.example/").await.status(), 502);
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(3));
    let said = Proxyhost::with(["--fail-on", "mis"]).refusal();
    assert!(said.contains("`mis` is nothing to fail on: name some of miss, unused, error"), "{said}");
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_told() {
    let gone = "(--report): No such file or directory (os error 2)\n";
    let said = Proxyhost::with(["--report", "gone/report.json"]).refusal();
    assert!(said.starts_with("error: cannot write the report to `") && said.ends_with(gone), "{said}");
    // At the end it is too late to do better.
    let mut proxy = visit(&["--report", "report.json"]).await;
    fs::create_dir(proxy.folder().join("report.json")).expect("something in the way");
    proxy.terminate();
    assert_ne!(proxy.ended().await.code(), Some(0));
    let log = proxy.log();
    let expected = "cannot write the report to `";
    assert!(log.lines().last().is_some_and(|line| line.contains(expected)), "{log}");
}

#[tokio::test]
async fn it_ends_by_itself_when_all_was_served() {
    let mut proxy = shop(&["--exit-when-used", "--fail-on", "unused,miss"]).start().await;
    for path in ["/orders", "/cart", "/orders/1042", "/help"] {
        let answer = proxy.connect().await.get(&format!("http://shop.example{path}")).await;
        assert_eq!(answer.text(), path);
    }
    assert_eq!(proxy.ended().await.code(), Some(0));
    assert!(proxy.log().contains("every recorded response was served"), "{}", proxy.log());
}

#[tokio::test]
async fn it_says_that_nothing_can_be_served_yet() {
    let proxy = Proxyhost::with(["--exit-when-used"]).start().await;
    proxy.wait_for_log("nothing is replayed yet, so that `--exit-when-used` waits").await;
}
