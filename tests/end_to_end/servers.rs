//! Servers that speak TLS or HTTP/2, that cannot be reached, or that misbehave.

use std::sync::Arc;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::harness::{Message, Origin, Proxyhost, Start, Wire};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A proxy that trusts a server.
fn trusting(origin: &Origin) -> Start {
    Proxyhost::with(["--no-via"]).arg("--upstream-ca").arg(origin.ca())
}

/// What is said to the client when a server is at fault.
fn assert_fault(response: &Message, status: u16, kind: &str, text: &str) {
    assert_eq!(response.status(), status, "{response:?}");
    assert_eq!(response.field("proxy-status"), Some(format!("proxyhost; error={kind}").as_str()));
    assert_eq!(response.field("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.text(), text);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let origin = Origin::answering_tls(|_| HELLO.to_vec()).await;
    let proxy = Proxyhost::with([]).start().await;
    let host = origin.authority();
    let response = proxy.tls(&host).await.ask("GET", "/", &host, &[], b"").await;
    assert_fault(
        &response,
        502,
        "tls_certificate_error",
        &format!(
            "proxyhost: cannot connect to `{host}`: its certificate is not trusted: no authority that is trusted here has \
             signed it (--upstream-ca trusts an authority or this certificate, --insecure any) (flow 2)\n"
        ),
    );
    assert_eq!(origin.received(), []);
}

#[tokio::test]
async fn certificates_are_verified_whatever_the_way() {
    let origins = [(Origin::answering_tls(|_| HELLO.to_vec()).await, true), (Origin::http2(echo).await, false)];
    for (origin, is_http1) in origins {
        let host = origin.authority();
        let reverse = |url: &str| format!("reverse:{url}");
        let assert_refused = |response: Message, way: &str| {
            assert_eq!(response.field("proxy-status"), Some("proxyhost; error=tls_certificate_error"), "{way}");
        };
        // An authority that is not trusted, then a host that the certificate is not for.
        let untrusted = Proxyhost::with([]).mode("regular").mode(&reverse(&origin.url("")));
        let elsewhere = format!("[::ffff:127.0.0.1]:{}", origin.address().port());
        let mistaken = trusting(&origin).mode("regular").mode(&reverse(&format!("https://{elsewhere}")));
        for (start, host) in [(untrusted, &host), (mistaken, &elsewhere)] {
            let proxy = start.start().await;
            let url = format!("https://{host}/");
            assert_refused(proxy.connect().await.get(&url).await, "plain");
            assert_refused(proxy.http2().await.ask("GET", &url, &[], b"").await, "over HTTP/2");
            assert_refused(proxy.connect_reverse().await.ask("GET", "/", "a", &[], b"").await, "reverse");
            assert_refused(proxy.tls(host).await.ask("GET", "/", host, &[], b"").await, "in a tunnel");
            // HTTP/2 has no upgrades, and a server that speaks nothing else has no certificate for them.
            if is_http1 {
                let upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
                assert_refused(proxy.tls(host).await.ask("GET", "/", host, &upgrade, b"").await, "upgrade");
            }
        }
        assert_eq!(origin.received(), []);
    }
}

#[tokio::test]
async fn a_certificate_of_a_named_authority_is_accepted_and_any_if_asked_for() {
    let origin = Origin::answering_tls(|_| HELLO.to_vec()).await;
    let host = origin.authority();
    let proxy = trusting(&origin).start().await;
    assert_eq!(proxy.tls(&host).await.ask("GET", "/", &host, &[], b"").await.text(), "hello");
    assert_eq!(proxy.connect().await.get(&origin.url("/")).await.text(), "hello");
    let proxy = Proxyhost::with(["--insecure"]).start().await;
    assert_eq!(proxy.tls(&host).await.ask("GET", "/", &host, &[], b"").await.text(), "hello");
}

/// What `openssl req -x509` makes: a server that is its own authority, and names its host where hosts were named of old.
#[tokio::test]
async fn a_certificate_that_signed_itself_is_accepted_when_it_is_given() {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let der = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = config.expect("ring has them").with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], der.into()).expect("a key that fits");
    let tls = TlsAcceptor::from(Arc::new(config));
    let origin = Origin::scripted(move |wire| {
        let tls = tls.clone();
        async move {
            let Ok(stream) = tls.accept(wire.into_stream()).await else { return };
            let mut wire = Wire::new(stream);
            wire.request().await;
            wire.send(HELLO).await;
        }
    })
    .await;
    let host = origin.authority();
    let url = format!("https://{host}/");
    let start = || Proxyhost::with([]).file("server.pem", certificate.pem().as_bytes());
    let proxy = start().arg("--upstream-ca").arg("server.pem").start().await;
    assert_eq!(proxy.connect().await.get(&url).await.text(), "hello");
    let elsewhere = format!("https://127.0.0.1:{}/", origin.address().port());
    for (proxy, url, why) in [
        (&proxy, elsewhere.as_str(), "it names no host, and `127.0.0.1` is asked for"),
        (&start().start().await, &url, "it is that of an authority, and not of a server"),
    ] {
        let refused = proxy.connect().await.get(url).await;
        let said = format!("its certificate is not trusted: {why} (--upstream-ca");
        assert!(refused.text().contains(&said), "{}", refused.text());
    }
}

#[tokio::test]
async fn what_a_server_does_instead_of_tls_is_a_sentence() {
    for (sent, why) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "what it sends is not TLS"),
        (b"", "it closed the connection during the handshake"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "it wants a key exchange or cipher that is not known here"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "it wants another version of TLS than 1.2 and 1.3"),
    ] {
        let origin = Origin::scripted(move |mut wire: Wire| async move {
            wire.take(5).await;
            wire.send(sent).await;
            wire.finish().await;
            wire.read_to_end().await;
        })
        .await;
        let host = origin.authority();
        let proxy = Proxyhost::with([]).start().await;
        let refused = proxy.connect().await.get(&format!("https://{host}/")).await;
        let said = format!("proxyhost: cannot connect to `{host}`: the TLS handshake failed: {why} (flow 1)\n");
        assert_eq!(refused.text(), said);
    }
}

#[tokio::test]
async fn a_reverse_proxy_reaches_its_server_over_tls_and_names_it() {
    let origin = Origin::answering_tls(|_| HELLO.to_vec()).await;
    let proxy = trusting(&origin).mode(&format!("reverse:{}", origin.url(""))).start().await;
    let mut wire = proxy.connect_reverse().await;
    assert_eq!(wire.ask("GET", "/a?b", "anything.example", &[], b"").await.text(), "hello");
    let [request] = &origin.received()[..] else { panic!("one request") };
    assert_eq!(request.first, "GET /a?b HTTP/1.1");
    assert_eq!(request.field("host"), Some(origin.authority().as_str()));
}

/// Says in its body what it was asked.
fn echo(request: &http::Request<Bytes>) -> http::Response<Bytes> {
    let uri = request.uri();
    let mut text = format!("{:?} {} {uri}\n", request.version(), request.method());
    let mut lines: Vec<String> =
        request.headers().iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().expect("ASCII"))).collect();
    lines.sort();
    text.push_str(&lines.concat());
    text.push_str(&String::from_utf8_lossy(request.body()));
    let response = http::Response::builder().status(203).header("x-origin", "1").header("date", "today");
    response.body(text.into()).expect("a valid response")
}

#[tokio::test]
async fn an_http1_client_meets_an_http2_server() {
    let origin = Origin::http2(echo).await;
    let proxy = trusting(&origin).start().await;
    let host = origin.authority();
    let mut wire = proxy.tls(&host).await;
    let fields = [("X-One", "1"), ("Connection", "x-hop"), ("X-Hop", "2")];
    let response = wire.ask("POST", "/a?b", &host, &fields, b"body").await;
    assert_eq!(response.first, "HTTP/1.1 203 Non Authoritative Information");
    let expected = format!("HTTP/2.0 POST https://{host}/a?b\ncontent-length: 4\nx-one: 1\nbody");
    assert_eq!(response.text(), expected);
    assert_eq!(response.field("x-origin"), Some("1"));
    let again = wire.ask("GET", "/", &host, &[], b"").await;
    assert_eq!(again.text(), format!("HTTP/2.0 GET https://{host}/\n"));
    assert_eq!(origin.connections().await, 1);
}

#[tokio::test]
async fn an_http2_client_meets_an_http1_server() {
    let origin = Origin::answering_tls(|_| {
        b"HTTP/1.1 299 Fine\r\nX-One: 1\r\nDate: today\r\nConnection: X-Hop\r\nX-Hop: 2\r\nTransfer-Encoding: \
          chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            .to_vec()
    })
    .await;
    let proxy = trusting(&origin).start().await;
    let mut client = proxy.tls_http2(&origin.authority()).await;
    let fields = [("cookie", "a=1"), ("cookie", "b=2"), ("x-two", "2")];
    let response = client.ask("POST", &origin.url("/a?b"), &fields, b"body").await;
    assert_eq!((response.status(), response.text().as_str()), (299, "hello"));
    assert_eq!(response.fields, [("x-one".to_owned(), "1".to_owned()), ("date".to_owned(), "today".to_owned())]);
    let [request] = &origin.received()[..] else { panic!("one request") };
    assert_eq!((request.first.as_str(), request.text().as_str()), ("POST /a?b HTTP/1.1", "body"));
    let mut lines: Vec<String> = request.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.sort();
    let expected = [
        "content-length: 4".to_owned(),
        "cookie: a=1; b=2".to_owned(),
        format!("host: {}", origin.authority()),
        "x-two: 2".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn an_http2_client_meets_an_http2_server() {
    let origin = Origin::http2(echo).await;
    let proxy = trusting(&origin).start().await;
    let mut client = proxy.tls_http2(&origin.authority()).await;
    let response = client.ask("POST", &origin.url("/a?b"), &[("x-one", "1")], b"body").await;
    let host = origin.authority();
    let expected = format!("HTTP/2.0 POST https://{host}/a?b\ncontent-length: 4\nx-one: 1\nbody");
    assert_eq!((response.status(), response.text()), (203, expected));
}

#[tokio::test]
async fn offline_answers_502_and_opens_nothing() {
    let origin = Origin::silent().await;
    let host = origin.authority();
    let proxy = Proxyhost::with(["--offline"]).mode("regular").mode(&format!("reverse:http://{host}")).start().await;
    let text =
        |flow: u32| format!("proxyhost: nothing is sent to `{host}`: the proxy is offline (--offline) (flow {flow})\n");
    let unavailable = "destination_unavailable";
    assert_fault(&proxy.connect().await.get(&origin.url("/")).await, 502, unavailable, &text(1));
    assert_fault(&proxy.connect_reverse().await.ask("GET", "/", "a", &[], b"").await, 502, unavailable, &text(2));
    let mut inside = proxy.tls(&host).await;
    assert_fault(&inside.ask("GET", "/", &host, &[], b"").await, 502, unavailable, &text(4));
    let response = proxy.http2().await.get(&origin.url("/")).await;
    assert_fault(&response, 502, unavailable, &text(5));
    let mut opaque = proxy.tunnel(&host).await;
    opaque.send(b"\x00\x01\x02\x03\x04\x05\x06\x07").await;
    assert_eq!(opaque.read_to_end().await, b"");
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let proxy = Proxyhost::with([]).start().await;
    let response = proxy.connect().await.get(&format!("http://{address}/")).await;
    let text = format!(
        "proxyhost: cannot connect to `{address}`: the connection failed: Connection refused (os error 111) (flow 1)\n"
    );
    assert_fault(&response, 502, "connection_refused", &text);
    let response = proxy.connect().await.get("http://no-such-host.invalid/").await;
    assert_eq!(response.field("proxy-status"), Some("proxyhost; error=dns_error"));
}

#[tokio::test]
async fn a_server_that_talks_nonsense_fails_its_flow_only() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        let request = wire.request().await.expect("a request");
        wire.send(match request.first.split(' ').nth(1) {
            Some("/nothing") => &b""[..],
            Some("/half-a-head") => b"HTTP/1.1 200 OK\r\nContent-Le",
            Some("/no-http") => b"SSH-2.0-OpenSSH\r\n\r\n",
            Some("/two-lengths") => b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            Some("/unasked-switch") => b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            _ => HELLO,
        })
        .await;
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    for path in ["/nothing", "/half-a-head", "/no-http", "/two-lengths", "/unasked-switch"] {
        let response = wire.get(&origin.url(path)).await;
        assert_eq!(response.first, "HTTP/1.1 502 Bad Gateway", "{path}");
        assert_eq!(response.field("proxy-status"), Some("proxyhost; error=http_response_incomplete"), "{path}");
        assert_eq!(wire.get(&origin.url("/")).await.text(), "hello", "{path}");
    }
    origin.done().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_passed_off_as_whole() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        let request = wire.request().await.expect("a request");
        wire.send(match request.first.split(' ').nth(1) {
            Some("/length") => &b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"[..],
            _ => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        })
        .await;
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    for path in ["/length", "/chunked"] {
        let mut wire = proxy.connect().await;
        wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url(path))).await;
        let received = String::from_utf8(wire.read_to_end().await).expect("ASCII");
        // Whether the beginning gets through before the end is known is a matter of luck.
        let is_refused = received.starts_with("HTTP/1.1 502 ") && received.contains(" broke off: ");
        let is_cut = received.ends_with("half") || received.ends_with("half\r\n") || is_refused;
        assert!(is_cut, "{path}: {received}");
        let request = http::Request::get(origin.url(path)).body(Default::default()).expect("a valid request");
        if let Ok(answer) = proxy.http2().await.send(request).await {
            assert_eq!(answer.status(), 502, "the stream was not reset");
        }
    }
    origin.done().await;
}

#[tokio::test]
async fn a_websocket_over_tls_is_passed_through() {
    let origin = Origin::answering_tls(|request| {
        assert_eq!(request.field("upgrade"), Some("websocket"));
        let head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        [&head[..], b"\x81\x05hello"].concat()
    })
    .await;
    let proxy = trusting(&origin).start().await;
    let mut wire = proxy.tls(&origin.authority()).await;
    let fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    let switched = wire.ask("GET", "/chat", &origin.authority(), &fields, b"").await;
    assert_eq!(switched.status(), 101);
    assert_eq!(wire.take(7).await, b"\x81\x05hello");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        let request = wire.request().await.expect("a request");
        if request.first.starts_with("GET /half ") {
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
        }
        wire.read_to_end().await;
    })
    .await;
    let limits = "[limits]\nfirst_byte_seconds = 1\nidle_seconds = 1\n";
    let proxy = Proxyhost::with([]).config(limits).start().await;
    let response = proxy.connect().await.get(&origin.url("/")).await;
    let text = format!("proxyhost: `{}` did not answer within 1s (flow 1)\n", origin.authority());
    assert_fault(&response, 504, "http_response_timeout", &text);
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/half"))).await;
    assert!(wire.read_to_end().await.ends_with(b"half"));
    // The connections to the server were given up as well.
    origin.done().await;
}
