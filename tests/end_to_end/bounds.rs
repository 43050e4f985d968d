//! However much an addon asks of the host, the host stays within bounds, and goes on.

use crate::harness::{Message, Origin, Proxyhost, RecordingFile, Start, Target, component, get, recording};

const URL: &str = "http://shop.example/cart";
const GOOD: &str = "http://shop.example/good";

/// A proxy with the probe, much time and so many MiB of memory for it, outside of server replay.
fn probed(memory_mib: u32, instructions: &[&str]) -> Start {
    let probe = component("probe");
    let config =
        format!("[[addons]]\nuse = '{}'\nlimits = {{ memory_mib = {memory_mib}, cpu_ms = 20000 }}\n", probe.display());
    let start = Proxyhost::with(["--server-replay-extra", "404"]).config(&config);
    instructions.iter().fold(start, |start, instruction| start.set("probe", instruction))
}

fn known() -> RecordingFile {
    recording([get(URL).body("cart"), get(GOOD).body("good"), get(GOOD).body("good")])
}

/// What a client gets while the probe follows an instruction, on a proxy that serves others before and after.
async fn answered(memory_mib: u32, instruction: &str) -> (Message, Proxyhost) {
    let proxy = probed(memory_mib, &[&format!("/cart {instruction}")]).replay(&known()).start().await;
    let mut neighbour = proxy.connect().await;
    assert_eq!(neighbour.get(GOOD).await.text(), "good");
    let response = proxy.connect().await.get(URL).await;
    assert_eq!(neighbour.get(GOOD).await.text(), "good", "{instruction}");
    (response, proxy)
}

#[tokio::test]
async fn a_message_takes_so_much_and_no_more() {
    for instruction in [
        "request flood add 1",
        "request flood add 65000",
        "request flood add-same 1",
        "request flood set 1",
        "request flood method 600000",
        "request flood authority 600000",
        "request flood destination 600000",
        "response flood add 1",
        "response flood add 65000",
        "response flood add-same 1",
        "response flood set 1",
        "response flood lines 1",
    ] {
        let (response, _proxy) = answered(64, instruction).await;
        assert_eq!((response.status(), response.text().as_str()), (418, "EditError::TooLarge"), "{instruction}");
    }
    // What is too long for a path is none.
    let (response, _proxy) = answered(64, "request flood path 600000").await;
    assert_eq!(response.status(), 418);
    assert!(response.text().starts_with("EditError::") && response.text().len() < 500, "{response:?}");
}

#[tokio::test]
async fn what_the_host_holds_for_an_addon_is_the_addons_memory() {
    for instruction in ["request hoard bodies", "request hoard fields", "request hoard responses"] {
        let (response, _proxy) = answered(16, instruction).await;
        assert_eq!((response.status(), response.text().as_str()), (418, "EditError::TooLarge"), "{instruction}");
    }
    for instruction in ["request hoard copies", "replay hoard-requests", "replay hoard-responses"] {
        let long: Vec<(String, String)> = (0..200).map(|n| (format!("X-{n}"), "v".repeat(500))).collect();
        let first = get(URL).body(vec![b'a'; 20_000]).pieces(&[(1, 0); 20_000]);
        let first = long.iter().fold(first, |flow, (name, value)| flow.request_field(name, value));
        let known = recording([first, get(GOOD).body("good")]);
        let start =
            probed(16, &[&format!("/cart {instruction}"), &format!("configure load {}", known.path().display())]);
        let proxy = start.set("probe_files", &known.path().display().to_string()).replay(&known).start().await;
        assert_eq!(proxy.connect().await.get(URL).await.status(), 502, "{instruction}");
        proxy.wait_for_log("it wanted more than its limit of 16 MiB of memory").await;
        assert_eq!(proxy.connect().await.get(GOOD).await.text(), "good", "{instruction}");
    }
}

#[tokio::test]
async fn a_body_is_collected_only_where_the_addon_has_memory_for_it() {
    let origin = Origin::scripted(|mut wire| async move {
        while let Some(request) = wire.request().await {
            let size = if request.first.contains("/large") { 8 << 20 } else { 1 << 10 };
            let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n");
            let answer = [head.into_bytes(), vec![b'a'; size], b"\r\n0\r\n\r\n".to_vec()].concat();
            // The proxy leaves when it has refused to collect it.
            if wire.try_send(answer).await.is_err() {
                return;
            }
        }
    })
    .await;
    let proxy = probed(4, &["/ response read"]).set("server_replay_extra", "forward").start().await;
    let mut wire = proxy.connect().await;
    for _ in 0..3 {
        let large = wire.get(&origin.url("/large")).await;
        assert_eq!(large.text(), "EditError::Invalid(\"Err(BodyError::TooLarge)\")");
        assert_eq!(wire.get(&origin.url("/small")).await.text(), "EditError::Invalid(\"Ok(1024)\")");
    }
}

#[tokio::test]
async fn an_instance_that_leaks_handles_makes_room_before_they_run_out() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let proxy = Proxyhost::with(["--addon"]).arg(component("probe")).set("probe", "/ request leak 100").start().await;
    let mut wire = proxy.connect().await;
    for request in 0..40 {
        assert_eq!(wire.get(&origin.url("/")).await.status(), 200, "{request}");
    }
}

#[tokio::test]
async fn no_number_is_too_strange_for_a_recording() {
    let known = recording([get(URL).body("content").pieces(&[(3, 0), (4, 100)]), get(GOOD).body("good")]);
    let path = known.path().display().to_string();
    let lines = [
        "/not-a-number replay paced NaN",
        "/infinite replay paced inf",
        "/negative replay paced -inf",
        "/huge replay paced 1e300",
        "/tiny replay paced 5e-324",
        "/late replay paced 4294967295ms",
        "/websocket replay websocket 1e300",
        "/number replay number 4294967295",
    ];
    let lines = lines.map(str::to_owned).into_iter().chain([format!("configure load {path}")]);
    let lines: Vec<String> = lines.collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let proxy = probed(64, &lines).set("probe_files", &path).replay(&known).start().await;
    // Nobody waits seven weeks for it.
    let mut late = proxy.connect().await;
    late.send("GET http://shop.example/late HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    for path in ["not-a-number", "infinite", "negative", "huge", "tiny"] {
        let response = proxy.connect().await.get(&format!("http://shop.example/{path}")).await;
        assert_eq!(response.text(), "content", "{path}");
    }
    for path in ["websocket", "number"] {
        let response = proxy.connect().await.get(&format!("http://shop.example/{path}")).await;
        assert_eq!(response.status(), 404, "{path}");
    }
    assert_eq!(proxy.connect().await.get(GOOD).await.text(), "good");
    assert!(!proxy.log().contains("panic"), "{}", proxy.log());
}

#[tokio::test]
async fn recording_one_exchange_without_end_ends() {
    let origin =
        Origin::answering(|_| b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_vec())
            .await;
    let target = Target::new("visit.mitm");
    let path = target.path().display().to_string();
    let lines = [&format!("configure record-to {path}"), "/endless replay save-without-end"];
    let proxy = probed(16, &lines).set("server_replay_extra", "forward").set("probe_output", &path).start().await;
    assert_eq!(proxy.connect().await.get(&origin.url("/endless")).await.status(), 502);
    proxy.wait_for_log("it wanted more than its limit of 16 MiB of memory").await;
    assert_eq!(proxy.connect().await.get(&origin.url("/")).await.text(), "hello");
}

#[test]
fn an_index_over_nothing_stays_within_the_addons_memory() {
    let said = probed(16, &["configure fill-index"]).refusal();
    assert_eq!(said, "error: cannot configure addon `probe`: it wanted more than its limit of 16 MiB of memory\n");
}
