//! The proxy between a client and a server that is there: HTTP/1 on both sides.

use crate::harness::{Framing, Origin, Proxyhost, Wire, soon};

/// A proxy without recordings, and without a field of its own.
async fn proxy() -> Proxyhost {
    Proxyhost::with(["--no-via"]).start().await
}

const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_request_keeps_its_spelling_order_and_lines() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    let (url, host) = (origin.url("/a//b/../c;d=1?x=%20&y&z=%7e#"), origin.authority());
    let url = url.trim_end_matches('#');
    wire.send(format!(
        "get {url} HTTP/1.1\r\nuser-AGENT: a\r\nHOST: {host}\r\nX-Two: 1\r\nX-One:  \t2 3 \r\nX-two: 4\r\nX-Empty:\r\n\
         X-Raw: \u{e4}\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 5\r\nKeep-Alive: timeout=5\r\nProxy-Connection: \
         keep-alive\r\nProxy-Authorization: Basic YTpi\r\nTE: gzip\r\nUpgrade: other\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.response("GET").await.status(), 200);
    let [request] = &origin.received()[..] else { panic!("one request") };
    assert_eq!(request.first, "get /a//b/../c;d=1?x=%20&y&z=%7e HTTP/1.1");
    let lines: Vec<String> = request.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let expected = [
        "user-AGENT: a".to_owned(),
        format!("HOST: {host}"),
        "X-Two: 1".to_owned(),
        "X-two: 4".to_owned(),
        "X-One: 2 3".to_owned(),
        "X-Empty: ".to_owned(),
        "X-Raw: \u{c3}\u{a4}".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_response_keeps_its_reason_spelling_order_and_lines() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 299 Quite  Fine\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\nSET-Cookie: a=1\r\nX-One: 1\r\nSet-cookie: \
          b=2\r\nServer: \xff\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Empty:\r\nContent-LENGTH: \
          4\r\n\r\nbody"
            .to_vec()
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    let response = wire.get(&origin.url("/")).await;
    assert_eq!(response.first, "HTTP/1.1 299 Quite  Fine");
    let lines: Vec<String> = response.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let expected = [
        "date: Tue, 14 Nov 2023 22:13:20 GMT",
        "SET-Cookie: a=1",
        "Set-cookie: b=2",
        "X-One: 1",
        "Server: \u{ff}",
        "X-Empty: ",
        "Content-LENGTH: 4",
    ];
    assert_eq!(lines, expected);
    assert_eq!(response.text(), "body");
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let origin = Origin::answering(|request| {
        let path = request.first.split(' ').nth(1).expect("a target").to_owned();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()).into_bytes()
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    for number in 0..5 {
        assert_eq!(wire.get(&origin.url(&format!("/{number}"))).await.text(), format!("/{number}"));
    }
    // Pipelined requests are answered in order.
    let request = |path: &str| format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url(path));
    wire.send(request("/a") + &request("/b")).await;
    assert_eq!(wire.response("GET").await.text(), "/a");
    assert_eq!(wire.response("GET").await.text(), "/b");
    assert_eq!(origin.connections().await, 1);
}

#[tokio::test]
async fn via_is_added_both_ways_unless_it_is_left_out() {
    let origin =
        Origin::answering(|_| b"HTTP/1.0 200 OK\r\nVia: 1.0 inner\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    let response = wire.ask("GET", &origin.url("/"), "localhost", &[("Via", "1.1 outer")], b"").await;
    let received = origin.received();
    let (outer, own) = received[0].field("via").and_then(|via| via.split_once(", ")).expect("two entries");
    assert_eq!(outer, "1.1 outer");
    assert!(own.starts_with("1.1 proxyhost-"), "{own}");
    assert_eq!(response.field("via"), Some(own.replacen("1.1", "1.0 inner, 1.0", 1).as_str()));

    let proxy = self::proxy().await;
    let response = proxy.connect().await.get(&origin.url("/")).await;
    assert_eq!(response.field("via"), Some("1.0 inner"));
    assert_eq!(origin.received()[1].field("via"), None);
}

#[tokio::test]
async fn a_request_that_comes_back_is_refused() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get(&origin.url("/")).await.status(), 200);
    let via = origin.received()[0].field("via").expect("an entry").to_owned();
    let response = wire.ask("GET", &origin.url("/"), "localhost", &[("Via", &via)], b"").await;
    assert_eq!(response.first, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(response.field("proxy-status"), Some("proxyhost; error=proxy_loop_detected"));
    // Asked for itself, it is a server that has nothing.
    let own = format!("http://{}/", proxy.address());
    let response = wire.get(&own).await;
    assert_eq!(response.field("proxy-status"), Some("proxyhost; error=proxy_loop_detected"));
}

#[tokio::test]
async fn a_client_that_waits_for_100_gets_it_before_it_sends_its_body() {
    let origin = Origin::answering(|request| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", request.body.len(), request.text()).into_bytes()
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    let url = origin.url("/");
    wire.send(format!("POST {url} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"))
        .await;
    assert_eq!(wire.response("POST").await.status(), 100);
    wire.send("body").await;
    assert_eq!(wire.response("POST").await.text(), "body");
    assert_eq!(origin.received()[0].body, b"body");
}

#[tokio::test]
async fn chunks_and_trailers_pass_both_ways() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2;ext=1\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: \
          abc\r\n\r\n"
            .to_vec()
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: \
         chunked\r\nTrailer: X-Check\r\n\r\n3\r\nxyz\r\n0\r\nX-Check: 1\r\n\r\n",
        origin.url("/")
    ))
    .await;
    let response = wire.response("POST").await;
    assert_eq!((response.framing, response.text().as_str()), (Framing::Chunked, "abc"));
    assert_eq!(response.trailers, [("x-sum".to_owned(), "abc".to_owned())]);
    let [request] = &origin.received()[..] else { panic!("one request") };
    assert_eq!((request.framing, request.text().as_str()), (Framing::Chunked, "xyz"));
    assert_eq!(request.trailers, [("x-check".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn responses_without_content_leave_the_connection_in_step() {
    let origin = Origin::answering(|request| match request.first.split(' ').nth(1) {
        Some("/204") => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        Some("/304") => b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 50\r\n\r\n".to_vec(),
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n".to_vec(),
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    let head = wire.ask("HEAD", &origin.url("/"), "localhost", &[], b"").await;
    assert_eq!((head.status(), head.field("content-length")), (200, Some("50")));
    assert_eq!(wire.get(&origin.url("/204")).await.status(), 204);
    let unchanged = wire.get(&origin.url("/304")).await;
    assert_eq!((unchanged.status(), unchanged.field("etag")), (304, Some("\"a\"")));
    assert_eq!(wire.get(&origin.url("/204")).await.status(), 204);
}

#[tokio::test]
async fn a_response_that_ends_with_its_connection_arrives_whole() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        wire.request().await;
        wire.send("HTTP/1.0 200 OK\r\n\r\nuntil the end").await;
    })
    .await;
    let proxy = proxy().await;
    let response = proxy.connect().await.get(&origin.url("/")).await;
    assert_eq!((response.framing, response.text().as_str()), (Framing::Chunked, "until the end"));
    origin.done().await;
}

#[tokio::test]
async fn a_response_is_passed_on_as_it_arrives() {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let origin = Origin::scripted(move |mut wire: Wire| {
        let mut read = receiver.clone();
        async move {
            wire.request().await;
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
            // The rest is only sent when the client has the beginning.
            soon("the client", read.wait_for(|read| *read)).await.expect("the test runs");
            wire.send("two").await;
        }
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(wire.head().await.expect("a head").status(), 200);
    assert_eq!(wire.take(3).await, b"one");
    sender.send(true).expect("the origin runs");
    assert_eq!(wire.take(3).await, b"two");
    origin.done().await;
}

#[tokio::test]
async fn an_upload_is_passed_on_as_it_arrives() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        wire.head().await.expect("a request");
        assert_eq!(wire.take(3).await, b"one");
        wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await;
        assert_eq!(wire.take(3).await, b"two");
        wire.send(EMPTY).await;
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\none", origin.url("/"))).await;
    wire.send("two").await;
    let mut response = wire.response("POST").await;
    if response.status() == 103 {
        response = wire.response("POST").await;
    }
    assert_eq!(response.status(), 200);
    origin.done().await;
}

#[tokio::test]
async fn a_websocket_is_passed_through() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        let request = wire.request().await.expect("a request");
        assert_eq!(request.field("connection"), Some("upgrade"));
        assert_eq!(request.field("upgrade"), Some("websocket"));
        assert_eq!(request.field("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
        wire.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: \
             s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello",
        )
        .await;
        while let Ok(echo) = tokio::time::timeout(std::time::Duration::from_secs(60), wire.take(4)).await {
            wire.send(&echo).await;
            if echo == b"\x00end" {
                break;
            }
        }
    })
    .await;
    let proxy = proxy().await;
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for target in [origin.url("/chat"), "/chat".to_owned()] {
        let mut wire =
            if target.starts_with('/') { proxy.tunnel(&origin.authority()).await } else { proxy.connect().await };
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{handshake}", origin.authority())).await;
        // Nothing at a port of its own is HTTP by default in a tunnel: what the client speaks decides.
        let switched = wire.head().await.expect("an answer");
        assert_eq!(switched.first, "HTTP/1.1 101 Switching Protocols", "{target}");
        assert_eq!(switched.field("connection"), Some("upgrade"));
        assert_eq!(switched.field("upgrade"), Some("websocket"));
        assert_eq!(switched.field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(wire.take(5).await, b"hello");
        wire.send(b"\x81\xff\x00\r").await;
        assert_eq!(wire.take(4).await, b"\x81\xff\x00\r");
        wire.send(b"\x00end").await;
        assert_eq!(wire.read_to_end().await, b"\x00end");
    }
    origin.done().await;
}

#[tokio::test]
async fn a_tunnel_of_something_else_is_passed_through() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        let greeting = wire.take(8).await;
        wire.send([b"you said ", &greeting[..]].concat()).await;
        assert_eq!(wire.read_to_end().await, b"bye");
        wire.send("bye").await;
    })
    .await;
    let proxy = proxy().await;
    let mut wire = proxy.tunnel(&origin.authority()).await;
    wire.send(b"\x00\x01\x02\x03\x04\x05\x06\x07").await;
    assert_eq!(wire.take(17).await, b"you said \x00\x01\x02\x03\x04\x05\x06\x07");
    wire.send("bye").await;
    wire.finish().await;
    assert_eq!(wire.read_to_end().await, b"bye");
    origin.done().await;
}

#[tokio::test]
async fn with_fidelity_via_and_host_stay_as_they_came() {
    let origin =
        Origin::answering(|_| b"HTTP/1.1 200 OK\r\nVia: 1.1 cache\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let reverse = format!("reverse:{}", origin.url(""));
    let proxy = Proxyhost::with(["--fidelity"]).mode("regular").mode(&reverse).start().await;
    let answers = [
        proxy.connect_reverse().await.ask("GET", "/", "Shop.example", &[("Via", "1.0 a")], b"").await,
        proxy.connect().await.ask("GET", &origin.url("/"), "Shop.example", &[("Via", "1.0 a")], b"").await,
    ];
    for answer in answers {
        assert_eq!((answer.status(), answer.field("via")), (200, Some("1.1 cache")));
    }
    let received = origin.received();
    assert_eq!(received.len(), 2);
    for request in received {
        assert_eq!((request.field("host"), request.field("via")), (Some("Shop.example"), Some("1.0 a")));
    }
}

#[tokio::test]
async fn a_loop_of_proxies_that_leave_no_trace_ends() {
    // The first has to know the second's port before that is there.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let few = ["--fidelity", "--flows-in-flight", "100"];
    let first = Proxyhost::with(few).mode(&format!("reverse:http://127.0.0.1:{port}")).start().await;
    let back = format!("reverse:http://{}@{port}", first.reverse_addresses()[0]);
    let _second = Proxyhost::with(few).mode(&back).start().await;
    let answer = first.connect_reverse().await.ask("GET", "/", "a", &[], b"").await;
    assert_eq!(
        (answer.status(), answer.field("proxy-status")),
        (503, Some("proxyhost; error=proxy_internal_response"))
    );
}
