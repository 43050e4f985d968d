//! What addons may do to flows, and what they may not.

use crate::harness::{Framing, Message, Origin, Proxyhost, Start, component, get, recording};

const URL: &str = "http://shop.example/cart";

/// A proxy with the probe and its instructions, outside of server replay.
fn probed(instructions: &[&str]) -> Start {
    with_probe(Proxyhost::with(["--server-replay-extra", "404"]), "probe", instructions)
}

fn with_probe(start: Start, probe: &str, instructions: &[&str]) -> Start {
    let option = probe.replace('-', "_");
    let start = start.arg("--addon").arg(component(probe));
    instructions.iter().fold(start, |start, instruction| start.set(&option, instruction))
}

/// What a client gets for a recorded response while the probe follows its instructions.
async fn answered(instructions: &[&str]) -> Message {
    let recording = recording([get(URL).body("recorded")]);
    let proxy = probed(instructions).replay(&recording).start().await;
    proxy.connect().await.get(URL).await
}

#[tokio::test]
async fn a_change_that_http_does_not_allow_is_refused() {
    let value = |name: &str| {
        format!("EditError::Invalid(\"the value of `{name}` contains a byte that no field value may have\")")
    };
    let host_owned = || "EditError::HostOwned".to_owned();
    let refused = [
        ("set x-a a\\r\\nx-b: b", value("x-a")),
        ("set x-a a\\nb", value("x-a")),
        ("set x-a a\\0b", value("x-a")),
        ("add x-a a\\r\\n\\r\\nbody", value("x-a")),
        ("set x-a  a", "EditError::Invalid(\"the value of `x-a` has white space around it\")".to_owned()),
        ("set x-a a ", "EditError::Invalid(\"the value of `x-a` has white space around it\")".to_owned()),
        ("set x\\r\\na b", "EditError::Invalid(\"`x\\\\r\\\\na` is not a field name\")".to_owned()),
        ("set  b", "EditError::Invalid(\"`` is not a field name\")".to_owned()),
        ("set content-length 5", host_owned()),
        ("set Transfer-Encoding chunked", host_owned()),
        ("add connection close", host_owned()),
        ("set keep-alive timeout=5", host_owned()),
        ("set upgrade websocket", host_owned()),
        ("set trailer x-a", host_owned()),
        ("remove content-length", host_owned()),
    ];
    let on_request = [
        ("method GET\\r\\nx:", "EditError::Invalid(\"`GET\\\\r\\\\nx:` is not a method\")".to_owned()),
        (
            "method CONNECT",
            "EditError::Invalid(\"a tunnel stays one, and no other request becomes one (CONNECT)\")".to_owned(),
        ),
        ("path cart", "EditError::Invalid(\"`cart` is not a path with a query\")".to_owned()),
        ("path /cart#top", "EditError::Invalid(\"`/cart#top` is not a path with a query\")".to_owned()),
        ("path /a\\r\\nb", "EditError::Invalid(\"`/a\\\\r\\\\nb` is not a path with a query\")".to_owned()),
        ("authority a@b", "EditError::Invalid(\"`a@b` is not a host with an optional port\")".to_owned()),
        ("authority a:99999", "EditError::Invalid(\"`a:99999` is not a host with an optional port\")".to_owned()),
        ("authority a:0", "EditError::Invalid(\"`a:0` is not a host with an optional port\")".to_owned()),
        ("authority :80", "EditError::Invalid(\"`:80` is not a host with an optional port\")".to_owned()),
        ("destination http a 0", "EditError::Invalid(\"the port is a number from 1 to 65535, not 0\")".to_owned()),
        ("destination ftp a 21", "EditError::Invalid(\"`ftp` is not http or https\")".to_owned()),
        ("destination http a/b 80", "EditError::Invalid(\"`a/b` is not a host\")".to_owned()),
        ("destination http a@b 80", "EditError::Invalid(\"`a@b` is not a host\")".to_owned()),
        ("destination http  80", "EditError::Invalid(\"`` is not a host\")".to_owned()),
    ];
    let on_response = [
        ("status 0", "EditError::Invalid(\"0 is not a status from 200 to 599\")".to_owned()),
        ("status 101", "EditError::Invalid(\"101 is not a status from 200 to 599\")".to_owned()),
        ("request-path /other", "EditError::ReadOnly".to_owned()),
        ("status 600", "EditError::Invalid(\"600 is not a status from 200 to 599\")".to_owned()),
    ];
    // One proxy for all: each instruction has a path of its own.
    let cases: Vec<(&str, &str, &String)> =
        [("request", &refused[..]), ("response", &refused), ("request", &on_request), ("response", &on_response)]
            .into_iter()
            .flat_map(|(hook, cases)| cases.iter().map(move |(instruction, expected)| (hook, *instruction, expected)))
            .collect();
    let url = |number: usize| format!("http://shop.example/{number}/");
    let recording = recording((0..cases.len()).map(|number| get(url(number)).body("recorded")));
    let lines: Vec<String> =
        cases.iter().enumerate().map(|(number, (hook, line, _))| format!("/{number}/ {hook} {line}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let proxy = probed(&lines).replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    for (number, (hook, line, expected)) in cases.into_iter().enumerate() {
        let response = wire.get(&url(number)).await;
        assert_eq!((response.status(), &response.text()), (418, expected), "{hook} {line}");
    }
}

#[tokio::test]
async fn an_answer_with_a_status_that_no_answer_has_fails_the_flow() {
    for hook in ["request", "response"] {
        for status in [0, 99, 100, 101, 199, 600, 999, 1000, 65535] {
            let response = answered(&[&format!("/ {hook} respond {status} text")]).await;
            assert_eq!(response.first, "HTTP/1.1 502 Bad Gateway", "{hook} {status}");
            assert_eq!(response.text(), "proxyhost: addon `probe` failed (flow 1)\n", "{hook} {status}");
        }
    }
    for status in [200, 299, 599] {
        assert_eq!(answered(&[&format!("/ request respond {status} text")]).await.status(), status);
    }
}

#[tokio::test]
async fn a_hook_that_fails_fails_its_flow_only() {
    let recording = recording([get(URL).body("one"), get(URL).body("two"), get("http://shop.example/bad-response")]);
    for way in ["panic the probe's secret", "loop"] {
        let lines = [format!("/bad-request request {way}"), format!("/bad-response response {way}")];
        let lines: Vec<&str> = lines.iter().map(String::as_str).chain(["/bad-handles request handles"]).collect();
        let proxy = probed(&lines).replay(&recording).start().await;
        let mut wire = proxy.connect().await;
        for path in ["bad-request", "bad-response", "bad-handles"] {
            let response = wire.get(&format!("http://shop.example/{path}")).await;
            assert_eq!(response.status(), 502, "{path} {way}");
            assert_eq!(response.field("proxy-status"), Some("proxyhost; error=proxy_internal_error"));
            assert!(response.text().starts_with("proxyhost: addon `probe` failed (flow "), "{response:?}");
        }
        assert_eq!(wire.get(URL).await.text(), "one");
        assert_eq!(proxy.http2().await.get(URL).await.text(), "two");
    }
}

#[tokio::test]
async fn an_addon_may_end_a_flow_from_both_hooks() {
    for hook in ["request", "response"] {
        let recording = recording([get(URL), get("http://shop.example/bad")]);
        let proxy = probed(&[&format!("/bad {hook} kill")]).replay(&recording).start().await;
        let mut wire = proxy.connect().await;
        wire.send("GET http://shop.example/bad HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
        assert_eq!(wire.read_to_end().await, b"", "{hook}");
        let mut http2 = proxy.http2().await;
        http2.is_reset("http://shop.example/bad").await;
        assert_eq!(http2.get(URL).await.status(), 200);
    }
}

#[tokio::test]
async fn an_earlier_addons_answer_stands() {
    let recording = recording([get(URL).body("recorded"), get("http://shop.example/other").body("recorded")]);
    let proxy = probed(&["/cart request respond 203 the probe's"]).replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    let response = wire.get(URL).await;
    assert_eq!((response.status(), response.text().as_str()), (203, "the probe's"));
    assert_eq!(wire.get("http://shop.example/other").await.text(), "recorded");
}

#[tokio::test]
async fn requests_go_inwards_and_responses_come_back_outwards() {
    let recording = recording([get(URL).field("X-Road", "recorded").request_field("X-Road", "outer inner")]);
    let start = Proxyhost::with(["--server-replay-extra", "404", "--rheader", "x-road"]).replay(&recording);
    let start =
        with_probe(start, "outer-probe", &["/cart request set x-road outer", "/ response append x-road ,outer"]);
    let lines =
        ["/cart request set x-road outer inner", "/ response append x-road ,inner", "/short request respond 200"];
    let proxy = with_probe(start, "probe", &lines).start().await;
    let mut wire = proxy.connect().await;
    // The inner one saw the request last, and the response first.
    assert_eq!(wire.get(URL).await.field("x-road"), Some("recorded,inner,outer"));
    // Who answers does not see its own response.
    assert_eq!(wire.get("http://shop.example/short").await.field("x-road"), Some(",outer"));
}

#[tokio::test]
async fn an_edited_response_is_framed_as_it_is_then() {
    let flow = |url: &str| get(url).field("Content-Length", "8").field("X-Kept", "1").body("recorded");
    let (empty, full, status) = ("http://shop.example/empty", "http://shop.example/full", "http://shop.example/status");
    let recording = recording([empty, full, status].into_iter().flat_map(|url| [flow(url), flow(url)]));
    let lines = ["/empty response body", "/full response body a longer body", "/status response status 204"];
    let proxy = probed(&lines).replay(&recording).start().await;
    let (mut wire, mut http2) = (proxy.connect().await, proxy.http2().await);
    for (url, status, body) in [(empty, 200, ""), (full, 200, "a longer body"), (status, 204, "")] {
        let response = wire.get(url).await;
        assert_eq!((response.status(), response.text().as_str()), (status, body));
        assert_eq!(response.field("x-kept"), Some("1"));
        let response = http2.get(url).await;
        assert_eq!((response.status(), response.text().as_str()), (status, body));
    }
}

/// A body that is no repetition, and the SHA-256 digest of it.
fn large_body(size: usize) -> (Vec<u8>, String) {
    let body: Vec<u8> = (0..size as u64).map(|number| (number * number % 251) as u8).collect();
    let digest = ring::digest::digest(&ring::digest::SHA256, &body);
    (body, digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    for chunk in body.chunks(10_007) {
        sent.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        sent.extend_from_slice(chunk);
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(b"0\r\n\r\n");
    sent
}

#[tokio::test]
async fn a_body_that_an_addon_read_reaches_the_server_whole() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let lines = ["/ request digest", "/ request pieces"];
    let proxy = with_probe(Proxyhost::with([]), "probe", &lines).start().await;
    let (body, digest) = large_body(1_000_003);
    let mut wire = proxy.connect().await;
    let url = origin.url("/upload");
    assert_eq!(wire.ask("POST", &url, &origin.authority(), &[], &body).await.status(), 200);
    let head = format!("POST {url} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n", origin.authority());
    wire.send([head.into_bytes(), chunked(&body)].concat()).await;
    assert_eq!(wire.response("POST").await.status(), 200);
    for request in origin.received() {
        assert_eq!(request.field("x-digest"), Some(format!("1000003 {digest}").as_str()));
        assert_eq!(request.field("x-pieces"), Some("1000003"));
        assert!(request.body == body);
    }
    assert_eq!(origin.received().len(), 2);
}

#[tokio::test]
async fn a_body_beyond_an_addons_limit_still_passes_whole() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let config = format!("[[addons]]\nuse = '{}'\nlimits = {{ body_mib = 1 }}\n", component("probe").display());
    let proxy = Proxyhost::with([]).config(&config).set("probe", "/ request digest").start().await;
    let (body, _) = large_body((1 << 20) + 1);
    let mut wire = proxy.connect().await;
    let url = origin.url("/upload");
    assert_eq!(wire.ask("POST", &url, &origin.authority(), &[], &body).await.status(), 200);
    let head = format!("POST {url} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n", origin.authority());
    wire.send([head.into_bytes(), chunked(&body)].concat()).await;
    assert_eq!(wire.response("POST").await.status(), 200);
    for request in origin.received() {
        assert_eq!(request.field("x-digest"), Some("BodyError::TooLarge"));
        assert!(request.body == body);
    }
    assert_eq!(origin.received().len(), 2);
}

#[tokio::test]
async fn a_response_that_an_addon_read_reaches_the_client_whole() {
    let (body, digest) = large_body(1_000_003);
    let sent = body.clone();
    let origin = Origin::answering(move |_| {
        [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &chunked(&sent)].concat()
    })
    .await;
    let proxy = with_probe(Proxyhost::with([]), "probe", &["/ response digest"]).start().await;
    let mut wire = proxy.connect().await;
    for _ in 0..2 {
        let response = wire.get(&origin.url("/download")).await;
        assert_eq!(response.field("x-digest"), Some(format!("1000003 {digest}").as_str()));
        assert!(response.body == body);
    }
}

#[tokio::test]
async fn an_edited_request_reaches_the_server_as_it_is_then() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let lines = [
        "/ request follow",
        "/ request set X-Set 1",
        "/ request remove x-gone",
        "/ request add x-added a",
        "/ request add x-added b",
        "/ request authority named.example:81",
        "/ request method PUT",
        "/ request body another body",
        "/ request remove x-destination",
        "/ request path /moved?a=b",
    ];
    let proxy = with_probe(Proxyhost::with(["--no-via"]), "probe", &lines).start().await;
    let destination = format!("http localhost {}", origin.address().port());
    let fields = [("X-Destination", destination.as_str()), ("X-Gone", "1"), ("X-Kept", "2")];
    let response = proxy.connect().await.ask("POST", URL, "shop.example", &fields, b"a body").await;
    assert_eq!(response.status(), 200);
    let [request] = &origin.received()[..] else { panic!("one request") };
    assert_eq!(request.first, "PUT /moved?a=b HTTP/1.1");
    assert_eq!((request.framing, request.text().as_str()), (Framing::Length, "another body"));
    let fields: Vec<String> = request.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let expected =
        ["Host: named.example:81", "X-Kept: 2", "Content-Length: 12", "x-set: 1", "x-added: a", "x-added: b"];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn an_addon_cannot_send_a_request_where_none_may_go() {
    let origin = Origin::silent().await;
    let lines = ["/ request follow", "/ error log"];
    let proxy = with_probe(Proxyhost::with([]), "probe", &lines).start().await;
    let own = proxy.address().port();
    for (destination, status, kind) in [
        (format!("http 127.0.0.1 {own}"), 502, "proxy_loop_detected"),
        (format!("https 127.0.0.2 {own}"), 502, "proxy_loop_detected"),
        (format!("http localhost {own}"), 502, "proxy_loop_detected"),
        (format!("http 0.0.0.0 {own}"), 502, "proxy_loop_detected"),
        ("http 169.254.169.254 80".to_owned(), 403, "destination_ip_prohibited"),
        ("http localhost 22".to_owned(), 403, "destination_ip_prohibited"),
        ("https localhost 25".to_owned(), 403, "destination_ip_prohibited"),
    ] {
        let mut wire = proxy.connect().await;
        let response = wire.ask("GET", &origin.url("/"), "a", &[("X-Destination", &destination)], b"").await;
        assert_eq!(response.status(), status, "{destination}");
        assert_eq!(response.field("proxy-status"), Some(format!("proxyhost; error={kind}").as_str()), "{destination}");
        proxy.wait_for_log(&format!("error hook: {kind}: ")).await;
    }
    assert_eq!(origin.connections().await, 0);
}

/// What benchmarks take for an addon that does little.
#[tokio::test]
async fn the_addon_that_is_measured_sets_a_field_of_each_message() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let proxy = Proxyhost::with([]).arg("--addon").arg(component("header")).start().await;
    let answer = proxy.connect().await.get(&origin.url("/")).await;
    assert_eq!(answer.field("x-response-header"), Some("set"));
    assert_eq!(origin.received()[0].field("x-request-header"), Some("set"));
}
