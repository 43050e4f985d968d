//! Ways in beside those of a proxy and a server: SOCKS; and a way out, by another proxy.

use crate::harness::{Origin, Proxyhost, Start, Wire, latin1};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A proxy that goes by way of another one, as whose client it trusts that one's authority.
fn by_way_of(next: &Proxyhost, scheme: &str) -> Start {
    let address = next.address();
    Proxyhost::with(["--no-via"])
        .mode(&format!("upstream:{scheme}://localhost:{}", address.port()))
        .arg("--upstream-ca")
        .arg(next.ca_certificate())
}

/// A tunnel by way of the next proxy.
async fn tunnel(proxy: &Proxyhost, authority: &str) -> Wire {
    proxy.tunnel_in(proxy.connect_to("by way of").await, authority).await
}

#[tokio::test]
async fn everything_goes_by_way_of_the_next_proxy() {
    let plain = Origin::answering(|_| HELLO.to_vec()).await;
    let secure = Origin::answering_tls(|_| HELLO.to_vec()).await;
    let echo = Origin::scripted(|mut wire| async move {
        let greeting = wire.take(5).await;
        wire.send(greeting).await;
    })
    .await;
    let chat = Origin::scripted(|mut wire| async move {
        let asked = wire.head().await.expect("a request");
        assert_eq!(asked.first, "GET /ws HTTP/1.1");
        wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nwelcome").await;
        drop(wire.read_to_end().await);
    })
    .await;
    let next = Proxyhost::with(["--no-via", "-v", "--proxy-auth", "ann:s3:cret"])
        .arg("--upstream-ca")
        .arg(secure.ca())
        .start()
        .await;
    for scheme in ["http", "https"] {
        let proxy = by_way_of(&next, scheme).arg("-v").arg("--upstream-auth").arg("ann:s3:cret").start().await;
        let mut client = proxy.connect_to("by way of").await;
        assert_eq!(client.get(&plain.url("/a?b")).await.text(), "hello");
        assert_eq!(client.ask("OPTIONS", &plain.url(""), &plain.authority(), &[], b"").await.text(), "hello");
        assert_eq!(client.get(&secure.url("/c")).await.text(), "hello");
        let host = secure.authority();
        let (mut inside, _) = proxy.tls_to(tunnel(&proxy, &host).await, "localhost", b"http/1.1").await;
        assert_eq!(inside.ask("GET", "/d", &host, &[], b"").await.text(), "hello");
        let mut socket = proxy.connect_to("by way of").await;
        let fields = "Connection: Upgrade\r\nUpgrade: websocket";
        let (url, host) = (chat.url("/ws"), chat.authority());
        socket.send(format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n\r\n")).await;
        assert_eq!(socket.head().await.expect("an answer").status(), 101);
        assert_eq!(socket.take(7).await, b"welcome");
        let mut opaque = tunnel(&proxy, &echo.authority()).await;
        opaque.send(b"\x00\x01\x02\x03\x04").await;
        assert_eq!(opaque.read_to_end().await, b"\x00\x01\x02\x03\x04");
        assert!(!proxy.log().contains("s3:cret") && !proxy.log().contains("YW5uOnMzOmNyZXQ="), "{}", proxy.log());
    }
    let firsts = |origin: &Origin| origin.received().into_iter().map(|request| request.first).collect::<Vec<_>>();
    assert_eq!(firsts(&plain), ["GET /a?b HTTP/1.1", "OPTIONS * HTTP/1.1"].repeat(2));
    assert_eq!(firsts(&secure), ["GET /c HTTP/1.1", "GET /d HTTP/1.1"].repeat(2));
    for request in plain.received().iter().chain(&secure.received()) {
        assert_eq!(request.field("proxy-authorization"), None);
    }
    // It saw each of them: it is not only called a way.
    next.wait_for_lines("/a?…", 2).await;
    next.wait_for_lines("/d", 2).await;
}

#[tokio::test]
async fn what_the_next_proxy_does_not_do_is_said_by_its_name() {
    let next = Proxyhost::with(["--proxy-auth", "ann:s3cret"]).start().await;
    let name = format!("localhost:{}", next.address().port());
    let nobody = by_way_of(&next, "http").start().await;
    let other = by_way_of(&next, "http").arg("--upstream-auth").arg("ann:wr0ng").start().await;
    for (proxy, why) in [
        (&nobody, format!("the proxy `{name}` on the way wants to know its user (--upstream-auth NAME:PASSWORD)")),
        (&other, format!("the proxy `{name}` on the way does not take the user that --upstream-auth names")),
    ] {
        for url in ["http://shop.example/", "https://shop.example/"] {
            let refused = proxy.connect_to("by way of").await.get(url).await;
            let server = if url.starts_with("https") { "shop.example:443" } else { "shop.example:80" };
            assert_eq!(refused.status(), 502);
            let text = refused.text();
            let (said, _) = text.split_once(" (flow").expect("a text with the flow");
            assert_eq!(said, format!("proxyhost: cannot connect to `{server}`: {why}"));
        }
        assert!(!proxy.log().contains("wr0ng"), "{}", proxy.log());
    }
    let answering = |answer: &'static [u8]| {
        Origin::scripted(move |mut wire: Wire| async move {
            drop(wire.head().await);
            wire.send(answer).await;
        })
    };
    let refusing = answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let talking = answering(b"SSH-2.0-nonsense\r\n\r\n").await;
    let closing = answering(b"").await;
    let gone = Proxyhost::with([]).start().await.address();
    for (next, expected) in [
        (refusing.address(), "on the way opens no tunnel to it, and answers 403 Forbidden"),
        (talking.address(), "on the way gave no usable answer when it was asked for a tunnel"),
        (closing.address(), "on the way gave no usable answer when it was asked for a tunnel"),
        (gone, "on the way cannot be reached: the connection failed"),
    ] {
        let proxy = Proxyhost::with([]).mode(&format!("upstream:http://{next}")).start().await;
        let refused = proxy.connect_to("by way of").await.get("https://shop.example/").await;
        assert_eq!(refused.status(), 502);
        assert!(refused.text().contains(&format!("the proxy `{next}` {expected}")), "{}", refused.text());
    }
    let proxy = Proxyhost::with([]).mode(&format!("upstream:http://{}", closing.address())).start().await;
    let refused = proxy.connect_to("by way of").await.get("http://shop.example/").await;
    assert!(refused.text().contains(&format!("(by way of the proxy `{}`)", closing.address())), "{}", refused.text());
}

/// As old proxies answer, with the first bytes of the server behind it.
#[tokio::test]
async fn what_a_server_says_first_is_not_lost_in_a_tunnel_of_the_next_proxy() {
    let next = Origin::scripted(|mut wire| async move {
        let asked = wire.head().await.expect("a request");
        let head = format!("HTTP/1.0 200 Connection established\r\nProxy-Agent: old\r\n\r\n{}\r\n", asked.first);
        wire.send(head).await;
        let more = wire.take(4).await;
        wire.send(more).await;
    })
    .await;
    let proxy = Proxyhost::with([]).mode(&format!("upstream:http://{}", next.authority())).start().await;
    let mut wire = tunnel(&proxy, "mail.example:8025").await;
    wire.send(b"\x00\x01\x02\x03").await;
    let expected = b"CONNECT mail.example:8025 HTTP/1.1\r\n\x00\x01\x02\x03";
    assert_eq!(latin1(&wire.read_to_end().await), latin1(expected));
}

#[tokio::test]
async fn the_server_of_a_reverse_proxy_is_told_the_user() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let other = Origin::answering(|_| HELLO.to_vec()).await;
    let config = "upstream_auth = 'ann:s3cret'\n";
    let proxy = Proxyhost::with([]).config(config).mode(&format!("reverse:{}", origin.url(""))).mode("regular");
    let proxy = proxy.start().await;
    let ask = [("Authorization", "Bearer mine")];
    assert_eq!(proxy.connect_reverse().await.ask("GET", "/", "a", &ask, b"").await.text(), "hello");
    assert_eq!(proxy.connect().await.get(&other.url("/")).await.text(), "hello");
    assert_eq!(origin.received()[0].field("authorization"), Some("Basic YW5uOnMzY3JldA=="));
    assert_eq!(other.received()[0].field("authorization"), None);
}

/// What a SOCKS client of version 5 gets: the connection, or the number of the refusal.
async fn socks(proxy: &Proxyhost, user: Option<(&str, &str)>, host: &str, port: u16) -> Result<Wire, u8> {
    let mut wire = proxy.connect_to("SOCKS").await;
    match user {
        None => {
            wire.send(b"\x05\x01\x00").await;
            if wire.take(2).await != b"\x05\x00" {
                return Err(0xff);
            }
        }
        Some((name, password)) => {
            wire.send(b"\x05\x02\x00\x02").await;
            assert_eq!(wire.take(2).await, b"\x05\x02");
            let (name, password) = (name.as_bytes(), password.as_bytes());
            wire.send([&[1, name.len() as u8], name, &[password.len() as u8], password].concat()).await;
            if wire.take(2).await != b"\x01\x00" {
                return Err(0xff);
            }
        }
    }
    let mut request = vec![5, 1, 0];
    match host.parse::<std::net::Ipv4Addr>() {
        Ok(address) => request.extend([&[1], &address.octets()[..]].concat()),
        Err(_) => request.extend([&[3, host.len() as u8], host.as_bytes()].concat()),
    }
    wire.send([&request[..], &port.to_be_bytes()].concat()).await;
    let reply = wire.take(10).await;
    if reply[1] == 0 { Ok(wire) } else { Err(reply[1]) }
}

#[tokio::test]
async fn socks_clients_reach_servers_by_name_and_address() {
    let plain = Origin::answering(|_| HELLO.to_vec()).await;
    let secure = Origin::answering_tls(|_| HELLO.to_vec()).await;
    let speaking = Origin::scripted(|mut wire| async move {
        wire.send(b"220 ready\r\n").await;
        drop(wire.read_to_end().await);
    })
    .await;
    let proxy = Proxyhost::with(["--no-via", "--egress-deny", "ads.example"])
        .mode("socks5")
        .arg("--upstream-ca")
        .arg(secure.ca())
        .start()
        .await;
    for host in ["localhost", "127.0.0.1"] {
        let mut wire = socks(&proxy, None, host, plain.address().port()).await.expect("a connection");
        assert_eq!(wire.ask("GET", "/a", &plain.authority(), &[], b"").await.text(), "hello");
        // The certificate is of the name, whether or not the client knew the address.
        let wire = socks(&proxy, None, host, secure.address().port()).await.expect("a connection");
        let (mut inside, _) = proxy.tls_to(wire, "localhost", b"http/1.1").await;
        assert_eq!(inside.ask("GET", "/b", &secure.authority(), &[], b"").await.text(), "hello");
    }
    let log = proxy.log();
    let line = format!("GET http://{}/a 200", plain.authority());
    assert_eq!(log.matches(&line).count(), 2, "{log}");
    let mut wire = socks(&proxy, None, "localhost", speaking.address().port()).await.expect("a connection");
    assert_eq!(wire.take(11).await, b"220 ready\r\n");
    assert_eq!(socks(&proxy, None, "ads.example", 80).await.err(), Some(2));
    // A host that is named where the client only knew an address: this address, and rules about the name.
    let wire_to = async || socks(&proxy, None, "127.0.0.1", plain.address().port()).await.expect("a connection");
    let named = wire_to().await.ask("GET", "/", "nowhere.invalid", &[], b"").await;
    assert_eq!(named.text(), "hello");
    assert_eq!(wire_to().await.ask("GET", "/", "ads.example", &[], b"").await.status(), 403);
    // By SOCKS 4a.
    let mut wire = proxy.connect_to("SOCKS").await;
    let port = plain.address().port().to_be_bytes();
    wire.send([&b"\x04\x01"[..], &port, b"\x00\x00\x00\x01\x00localhost\x00"].concat()).await;
    assert_eq!(wire.take(8).await, b"\x00\x5a\x00\x00\x00\x00\x00\x00");
    assert_eq!(wire.ask("GET", "/", &plain.authority(), &[], b"").await.text(), "hello");
}

#[tokio::test]
async fn socks_asks_for_users_and_says_what_is_no_socks() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let port = origin.address().port();
    let proxy = Proxyhost::with(["--proxyauth", "ann:s3cret"]).mode("socks5").start().await;
    assert_eq!(socks(&proxy, None, "localhost", port).await.err(), Some(0xff));
    assert_eq!(socks(&proxy, Some(("ann", "wrong")), "localhost", port).await.err(), Some(0xff));
    let mut wire = socks(&proxy, Some(("ann", "s3cret")), "localhost", port).await.expect("a connection");
    assert_eq!(wire.ask("GET", "/", &origin.authority(), &[], b"").await.text(), "hello");
    assert_eq!(origin.connections().await, 1);
    let mut wire = proxy.connect_to("SOCKS").await;
    wire.send(b"GET / HTTP/1.1\r\n\r\n").await;
    drop(wire.read_to_end().await);
    let line = proxy.wait_for_log("does not speak SOCKS").await;
    assert!(line.starts_with("WARN the client 127.0.0.1:") && line.contains("it sent `GET / HTTP"), "{line}");
    assert!(!proxy.log().contains("s3cret"), "{}", proxy.log());
}

#[tokio::test]
async fn what_is_not_to_be_looked_into_is_passed_on() {
    let secure = Origin::answering_tls(|_| HELLO.to_vec()).await;
    let plain = Origin::answering(|_| HELLO.to_vec()).await;
    let start = || Proxyhost::with([]).mode("regular").mode("socks5").arg("--upstream-ca").arg(secure.ca());
    let port = secure.address().port();
    let by_place = start().arg("--ignore-hosts").arg(format!("^LOCALHOST:{port}$")).start().await;
    let by_others = start().arg("--allow-hosts").arg(r"\.example").start().await;
    let host = secure.authority();
    for (proxy, is_untouched) in [(&by_place, true), (&by_others, true)] {
        let tunnel = proxy.tunnel(&host).await;
        assert_eq!(proxy.is_behind(tunnel, "localhost").await, !is_untouched, "{}", proxy.log());
        proxy.wait_for_log(&format!("passing on a tunnel to {host} that is not to be looked into")).await;
    }
    // Named inside of what only has an address.
    let by_name = start().config(&format!("ignore_hosts = ['localhost:{port}']\n")).start().await;
    let wire = socks(&by_name, None, "127.0.0.1", port).await.expect("a connection");
    assert!(!by_name.is_behind(wire, "localhost").await);
    // Requests that name their server themselves are not in a tunnel.
    assert_eq!(by_others.connect().await.get(&plain.url("/")).await.text(), "hello");
    by_others.wait_for_log("200").await;
    // Others are looked into as ever.
    let by_another = start().arg("--ignore-hosts").arg("another").start().await;
    assert!(by_another.is_behind(by_another.tunnel(&host).await, "localhost").await);
}
