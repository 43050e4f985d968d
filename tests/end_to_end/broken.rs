//! Responses that break off, and streams that have no end: they are recorded with how they ended, and replayed so.

use std::fs;

use crate::harness::{Origin, Proxyhost, Target, Wire, soon};

/// A server of events without end at `/endless`, of some that break off at `/events`, and of a part of what was announced at
/// `/part`.
async fn server() -> Origin {
    Origin::scripted(|mut wire| async move {
        let request = wire.request().await.expect("a request");
        if request.first.contains("/part") {
            return wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello").await;
        }
        let fields = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
        wire.send(format!("{fields}Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")).await;
        wire.send("6\r\nsecond\r\n").await;
        if request.first.contains("/endless") {
            wire.read_to_end().await;
        }
    })
    .await
}

/// What comes of events from the server, and at once from a recording.
const EVENTS: &str = "5\r\nfirst\r\n6\r\nsecond\r\n";
const REPLAYED: &str = "B\r\nfirstsecond\r\n";

/// Asks for something of which this comes at least.
async fn begins(proxy: &Proxyhost, url: &str, expected: &str) -> Wire {
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    let head = wire.head().await.expect("a head");
    assert_eq!(head.status(), 200, "{head:?}");
    assert_eq!(head.field("content-length"), url.ends_with("/part").then_some("100"));
    assert_eq!(String::from_utf8_lossy(&wire.take(expected.len()).await), expected);
    wire
}

#[tokio::test]
async fn what_came_of_a_response_that_broke_off_is_replayed_with_its_end() {
    for name in ["visit.mitm", "visit.har"] {
        is_replayed_with_its_end(&Target::new(name)).await;
    }
}

#[tokio::test]
async fn a_stream_that_goes_on_when_the_proxy_stops_is_recorded_too() {
    let origin = server().await;
    let target = Target::new("visit.mitm");
    let recording = Proxyhost::with([]).config("[limits]\ndrain_seconds = 1\n").record(&target).start().await;
    let url = origin.url("/endless");
    let _client = begins(&recording, &url, EVENTS).await;
    recording.stop().await;
    let replaying = Proxyhost::with(["-k", "-S"]).arg(target.path()).start().await;
    assert_eq!(begins(&replaying, &url, REPLAYED).await.read_to_end().await, b"");
}

async fn is_replayed_with_its_end(target: &Target) {
    let origin = server().await;
    let recording = Proxyhost::with([]).record(target).start().await;
    let (endless, events, part) = (origin.url("/endless"), origin.url("/events"), origin.url("/part"));
    drop(begins(&recording, &endless, EVENTS).await);
    assert_eq!(begins(&recording, &events, EVENTS).await.read_to_end().await, b"");
    assert_eq!(begins(&recording, &part, "hello").await.read_to_end().await, b"");
    soon("the end of the server's connections", origin.done()).await;
    assert!(recording.stop().await.success());
    let bytes = fs::read(target.path()).expect("a recording");
    for (who, times) in [("the client left", 1), ("the server broke off", 2)] {
        let reason = format!("the response broke off: {who}");
        let said = bytes.windows(reason.len()).filter(|window| *window == reason.as_bytes()).count();
        assert_eq!(said, if target.path().ends_with("visit.har") { 2 * times } else { times });
    }

    let check = Proxyhost::with(["flows", "check"]).arg(target.path()).run();
    let said = String::from_utf8_lossy(&check.stdout);
    let holds = "ok, 3 exchanges; 3 can be replayed, 3 of them up to where they broke off (flows 1, 2, 3)";
    assert!(said.contains(holds), "{said}");

    let replaying = || Proxyhost::with(["-k", "--server-replay-reuse", "-S"]).arg(target.path());
    let (closing, holding) = (replaying().start().await, replaying().arg("--server-replay-broken").arg("hold"));
    let holding = holding.start().await;
    for (url, expected) in [(&endless, REPLAYED), (&events, REPLAYED), (&part, "hello")] {
        assert_eq!(begins(&closing, url, expected).await.read_to_end().await, b"", "{url}");
        assert!(begins(&holding, url, expected).await.is_quiet().await, "{url}");
    }
    let mut http2 = closing.http2().await;
    let request = http::Request::get(&endless).body(Default::default()).expect("a request");
    let error = http2.send(request).await.expect_err("the stream was not reset");
    assert!(format!("{error:?}").contains("Reset("), "{error:?}");

    let leaving_out = replaying().set("server_replay_broken", "leave-out").start().await;
    leaving_out.wait_for_log("0 responses to replay; left out: 3 without a complete response").await;
    let mut wire = leaving_out.connect().await;
    wire.send(format!("GET {endless} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    assert_eq!(wire.read_to_end().await, b"");
}
