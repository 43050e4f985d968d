//! Requests that are broken, unusual, or not for a proxy.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::harness::{Framing, Origin, Proxyhost, Wire, get, post, recording};

const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_request_that_could_be_read_in_two_ways_is_refused_and_its_connection_closed() {
    let origin = Origin::silent().await;
    let proxy = Proxyhost::with([]).start().await;
    let url = origin.url("/");
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for head in [
        format!("POST {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        format!("POST {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 2\r\n\r\nab"),
        format!("POST {url} HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\na"),
        format!("POST {url} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("POST {url} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        format!("POST {url} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        format!("POST {url} HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: a b\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: user@localhost\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: localhost:99999\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost : localhost\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n folded\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n"),
        "GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET http://user@localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "CONNECT localhost HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "CONNECT localhost:1234 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab".to_owned(),
        "\x16\x03\x01\x02\x00 this is TLS for a port that is not\r\n\r\n".to_owned(),
    ] {
        let mut wire = proxy.connect().await;
        wire.send(format!("{head}{smuggled}")).await;
        let response = wire.response("GET").await;
        assert_eq!(response.status(), 400, "{head:?}");
        assert_eq!(wire.read_to_end().await, b"", "{head:?}");
    }
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_request_line_that_is_none_reaches_no_server_through_a_tunnel() {
    let origin = Origin::silent().await;
    let proxy = Proxyhost::with([]).start().await;
    let host = origin.authority();
    for line in [
        "GET  / HTTP/1.1",
        "GET  HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET * HTTP/1.1",
        "GET a.example:80 HTTP/1.1",
        "GET / HTTP/9",
    ] {
        let mut wire = proxy.tunnel(&host).await;
        wire.send(format!("{line}\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(wire.response("GET").await.status(), 400, "{line}");
        assert_eq!(wire.read_to_end().await, b"", "{line}");
    }
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_proxy_is_asked_for_whole_urls_and_opens_tunnels_to_hosts_only() {
    let origin = Origin::silent().await;
    let proxy = Proxyhost::with([]).start().await;
    let host = origin.authority();
    for line in
        ["GET /", "OPTIONS *", &format!("CONNECT http://{host}/"), &format!("CONNECT {host}/a"), "CONNECT localhost:0"]
    {
        let mut wire = proxy.connect().await;
        wire.send(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(wire.response("GET").await.status(), 400, "{line}");
        assert_eq!(wire.read_to_end().await, b"", "{line}");
    }
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_length_beside_chunks_does_not_count() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nab\r\n0\r\n\r\n",
        origin.url("/")
    ))
    .await;
    // It may be refused as well (RFC 9112 §6.3), but not be passed on with both.
    let status = wire.response("POST").await.status();
    assert!(matches!(status, 200 | 400), "{status}");
    for request in origin.received() {
        assert_eq!(request.text(), "ab");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let proxy = Proxyhost::with([]).start().await;
    let many: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(100_000));
    for fields in [many, long] {
        let mut wire = proxy.connect().await;
        wire.send(format!("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).await;
        assert_eq!(wire.response("GET").await.status(), 431);
    }
}

#[tokio::test]
async fn what_is_not_for_this_place_is_refused() {
    let origin = Origin::silent().await;
    let reverse = format!("reverse:{}", origin.url(""));
    let proxy = Proxyhost::with([]).mode("regular").mode(&reverse).start().await;
    let mut wire = proxy.connect().await;
    let mail = wire.ask("CONNECT", "localhost:25", "localhost:25", &[], b"").await;
    assert_eq!(mail.field("proxy-status"), Some("proxyhost; error=destination_ip_prohibited"));
    assert_eq!(mail.status(), 403);
    let mut wire = proxy.connect_reverse().await;
    let tunnel = wire.ask("CONNECT", "localhost:443", "localhost:443", &[], b"").await;
    assert_eq!(tunnel.status(), 405);
    assert_eq!(tunnel.field("proxy-status"), Some("proxyhost; error=http_request_denied"));
    let mut wire = proxy.connect().await;
    let last = wire.ask("TRACE", &origin.url("/"), "localhost", &[("Max-Forwards", "0")], b"").await;
    assert_eq!(last.status(), 405);
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_target_without_a_path_gets_one_and_an_asterisk_stays() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let proxy = Proxyhost::with([]).start().await;
    let (host, url) = (origin.authority(), origin.url(""));
    let mut wire = proxy.connect().await;
    assert_eq!(wire.ask("GET", &url, &host, &[], b"").await.status(), 200);
    assert_eq!(wire.ask("GET", &format!("{url}?a=b"), &host, &[], b"").await.status(), 200);
    assert_eq!(wire.ask("OPTIONS", &url, &host, &[], b"").await.status(), 200);
    assert_eq!(wire.ask("OPTIONS", &origin.url("/"), &host, &[], b"").await.status(), 200);
    let mut inside = proxy.tunnel(&host).await;
    assert_eq!(inside.ask("OPTIONS", "*", &host, &[("Max-Forwards", "3")], b"").await.status(), 200);
    let received = origin.received();
    assert_eq!(received[0].first, "GET / HTTP/1.1");
    assert_eq!(received[1].first, "GET /?a=b HTTP/1.1");
    assert_eq!(received[2].first, "OPTIONS * HTTP/1.1");
    assert_eq!(received[3].first, "OPTIONS / HTTP/1.1");
    assert_eq!(received[4].first, "OPTIONS * HTTP/1.1");
    assert_eq!(received[4].field("max-forwards"), Some("2"));
}

#[tokio::test]
async fn an_http10_client_gets_what_it_understands() {
    let url = "http://shop.example/cart";
    let flow = get(url).body("content");
    let proxy = Proxyhost::replaying(&recording([flow.clone(), flow.trailer("X-Sum", "1"), get(url)])).await;
    for _ in 0..2 {
        let mut wire = proxy.connect().await;
        wire.send(format!("GET {url} HTTP/1.0\r\n\r\n")).await;
        let response = wire.response("GET").await;
        assert_ne!(response.framing, Framing::Chunked, "{response:?}");
        assert_eq!(response.text(), "content");
        assert_eq!(wire.read_to_end().await, b"");
    }
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {url} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")).await;
    assert_eq!(wire.response("GET").await.status(), 200);
}

#[tokio::test]
async fn a_replayed_upload_is_asked_for_with_100() {
    let url = "http://shop.example/cart";
    let proxy = Proxyhost::replaying(&recording([post(url, "body").body("hit")])).await;
    let mut wire = proxy.connect().await;
    wire.send(format!(
        "POST {url} HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.response("POST").await.status(), 100);
    wire.send("body").await;
    assert_eq!(wire.response("POST").await.text(), "hit");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_harms_nobody() {
    let url = "http://shop.example/cart";
    let recorded = recording((0..20).map(|number| post(url, "body").body(number.to_string())));
    let config = "[[addons]]\nuse = 'serverreplay'\nlimits = { instances = 1 }\n";
    let proxy = Proxyhost::with(["-k"]).config(config).replay(&recorded).start().await;
    for number in 0..10 {
        let mut leaving = proxy.connect().await;
        leaving
            .send(format!(
                "POST {url} HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbo"
            ))
            .await;
        // The matcher waits for the rest now, in the only instance there is.
        assert_eq!(leaving.response("POST").await.status(), 100);
        drop(leaving);
        let response = proxy.connect().await.ask("POST", url, "shop.example", &[], b"body").await;
        assert_eq!(response.text(), number.to_string());
    }
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        wire.head().await.expect("a request");
        wire.send("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno").await;
        wire.read_to_end().await;
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nfirst", origin.url("/")))
        .await;
    let response = wire.response("POST").await;
    assert_eq!((response.status(), response.text().as_str()), (413, "no"));
}

#[tokio::test]
async fn interim_responses_pass() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        wire.request().await.expect("a request");
        wire.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n").await;
        wire.send(EMPTY).await;
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    let hints = wire.get(&origin.url("/")).await;
    assert_eq!((hints.first.as_str(), hints.field("link")), ("HTTP/1.1 103 Early Hints", Some("</style.css>")));
    assert_eq!(wire.response("GET").await.status(), 200);
}

#[tokio::test]
async fn the_authority_is_made_once_and_only_its_owner_reads_its_key() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let ca = folder.path().join("new/ca");
    let guide = || {
        let output = Proxyhost::with(["ca", "--ca-dir"]).arg(&ca).run();
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let first = guide();
    let certificate = fs::read(ca.join("proxyhost-ca-cert.pem")).expect("it was made");
    let key = fs::metadata(ca.join("proxyhost-ca.pem")).expect("it was made");
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert!(first.contains(ca.join("proxyhost-ca-cert.pem").to_str().expect("UTF-8")), "{first}");
    assert_eq!(guide(), first);
    assert_eq!(fs::read(ca.join("proxyhost-ca-cert.pem")).expect("it is there"), certificate);
}
