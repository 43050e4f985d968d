//! Replay never leaks: a server that is there sees no connection.

use tokio::net::TcpStream;

use crate::harness::{Flow, Http2, Origin, Proxyhost, RecordingFile, Start, Target, Wire, component, get, recording};

/// Two responses for each road to the server, so that roads do not use up each other's.
fn two_for_each_road(origin: &Origin) -> RecordingFile {
    let two = |scheme: &str, road: &str| -> [Flow; 2] {
        let flow = get(format!("{scheme}://{}/{road}", origin.authority()));
        [flow.clone().body("one"), flow.body("two")]
    };
    let roads = [
        two("http", "plain"),
        two("http", "tunnel"),
        two("https", "tls"),
        two("http", "http2"),
        two("https", "tls-http2"),
        two("http", "reverse"),
        two("https", "reverse-tls"),
        two("http", "upstream"),
        two("https", "upstream-tls"),
        two("http", "socks"),
        two("https", "socks-tls"),
    ];
    recording(roads.into_iter().flatten())
}

/// What a client sees of a request without a recorded response.
#[derive(Clone, Copy)]
enum Miss {
    Killed,
    Status(u16),
}

impl Miss {
    async fn happens_to(self, mut wire: Wire, target: &str, host: &str) {
        match self {
            Self::Killed => {
                wire.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
                assert_eq!(wire.read_to_end().await, b"", "{target}");
            }
            Self::Status(status) => {
                assert_eq!(wire.ask("GET", target, host, &[], b"").await.status(), status, "{target}");
            }
        }
    }

    async fn happens_in_http2(self, client: &mut Http2, url: &str) {
        match self {
            Self::Killed => client.is_reset(url).await,
            Self::Status(status) => assert_eq!(client.get(url).await.status(), status, "{url}"),
        }
    }
}

/// On every road: two hits, a miss because both were used, and a miss because nothing was recorded.
async fn nothing_leaks(policy: &str, miss: Miss) {
    let origin = Origin::silent().await;
    let recording = two_for_each_road(&origin);
    let authority = origin.authority();
    let proxy = Proxyhost::with(["--server-replay-extra", policy])
        .replay(&recording)
        .mode("regular")
        .mode(&format!("reverse:http://{authority}"))
        .mode(&format!("reverse:https://{authority}"))
        .mode(&format!("upstream:http://{authority}"))
        .mode("socks5")
        .start()
        .await;
    let [reverse, reverse_tls] = proxy.reverse_addresses()[..] else { panic!("two reverse proxies") };
    let roads = ["plain", "tunnel", "tls", "reverse", "reverse-tls", "upstream", "upstream-tls", "socks", "socks-tls"];
    for road in roads {
        let open = async || match road {
            "plain" => proxy.connect().await,
            "tunnel" => proxy.tunnel(&authority).await,
            "tls" => proxy.tls(&authority).await,
            "upstream" => proxy.connect_to("by way of").await,
            "upstream-tls" => {
                let tunnel = proxy.tunnel_in(proxy.connect_to("by way of").await, &authority).await;
                proxy.tls_to(tunnel, "localhost", b"http/1.1").await.0
            }
            "socks" => proxy.socks(&authority).await,
            "socks-tls" => proxy.tls_to(proxy.socks(&authority).await, "localhost", b"http/1.1").await.0,
            "reverse" => Wire::new(TcpStream::connect(reverse).await.expect("it listens")),
            _ => Wire::new(TcpStream::connect(reverse_tls).await.expect("it listens")),
        };
        let target = |path: &str| match road {
            "plain" | "upstream" => format!("http://{authority}/{path}"),
            _ => format!("/{path}"),
        };
        let mut wire = open().await;
        assert_eq!(wire.ask("GET", &target(road), &authority, &[], b"").await.text(), "one", "{road}");
        assert_eq!(wire.ask("GET", &target(road), &authority, &[], b"").await.text(), "two", "{road}");
        miss.happens_to(wire, &target(road), &authority).await;
        miss.happens_to(open().await, &target("never-recorded"), &authority).await;
    }
    for (mut client, scheme, road) in
        [(proxy.http2().await, "http", "http2"), (proxy.tls_http2(&authority).await, "https", "tls-http2")]
    {
        let url = format!("{scheme}://{authority}/{road}");
        assert_eq!(client.get(&url).await.text(), "one", "{road}");
        assert_eq!(client.get(&url).await.text(), "two", "{road}");
        miss.happens_in_http2(&mut client, &url).await;
        miss.happens_in_http2(&mut client, &format!("{scheme}://{authority}/never-recorded")).await;
    }
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn with_kill_nothing_reaches_a_server_on_any_road() {
    nothing_leaks("kill", Miss::Killed).await;
}

#[tokio::test]
async fn with_a_status_nothing_reaches_a_server_on_any_road() {
    nothing_leaks("404", Miss::Status(404)).await;
}

#[tokio::test]
async fn a_tunnel_of_something_else_is_closed_and_reaches_no_server() {
    let origin = Origin::silent().await;
    let recording = recording([get(origin.url("/"))]);
    let host = origin.authority();
    for (policy, left_alone) in [("kill", "nothing"), ("404", "nothing"), ("kill", "localhost"), ("404", "localhost")] {
        let proxy = Proxyhost::with(["--server-replay-extra", policy, "--ignore-hosts", left_alone])
            .replay(&recording)
            .mode("regular")
            .mode(&format!("upstream:http://{host}"))
            .mode("socks5")
            .start()
            .await;
        let by_way = proxy.connect_to("by way of").await;
        let roads = [proxy.tunnel(&host).await, proxy.tunnel_in(by_way, &host).await, proxy.socks(&host).await];
        for mut wire in roads {
            // It may be closed before anything was sent, when nobody looks at that.
            let _ = wire.try_send(b"\x00\x01\x02\x03 this is not HTTP\r\n\r\n").await;
            assert_eq!(wire.read_to_end().await, b"", "{policy}, {left_alone}");
        }
    }
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_tunnel_in_which_the_client_waits_is_closed_and_reaches_no_server() {
    let origin = Origin::silent().await;
    let recording = recording([get(origin.url("/"))]);
    let proxy = Proxyhost::replaying(&recording).await;
    let mut wire = proxy.tunnel(&origin.authority()).await;
    assert_eq!(wire.read_to_end().await, b"");
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_request_to_change_the_protocol_reaches_no_server() {
    let origin = Origin::silent().await;
    let proxy = Proxyhost::replaying(&recording([get(origin.url("/"))])).await;
    let mut wire = proxy.connect().await;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        origin.url("/chat")
    );
    wire.send(head).await;
    assert_eq!(wire.read_to_end().await, b"");
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn a_body_too_large_to_be_matched_reaches_no_server() {
    let origin = Origin::silent().await;
    let proxy = Proxyhost::replaying(&recording([get(origin.url("/"))])).await;
    let mut wire = proxy.connect().await;
    let size = 17 << 20;
    wire.send(format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n", origin.url("/"))).await;
    // The proxy may close before it has read everything.
    let _ = wire.try_send(vec![b'a'; size]).await;
    assert_eq!(wire.read_to_end().await, b"");
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn an_upload_that_breaks_off_reaches_no_server() {
    let origin = Origin::silent().await;
    let proxy = Proxyhost::replaying(&recording([get(origin.url("/"))])).await;
    let mut wire = proxy.connect().await;
    wire.send(format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf", origin.url("/"))).await;
    wire.finish().await;
    wire.read_to_end().await;
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn nothing_reaches_a_server_when_a_matcher_panics() {
    let origin = Origin::silent().await;
    let proxy = Proxyhost::with(["-k"])
        .replay(&recording([get(origin.url("/"))]))
        .arg("--plug")
        .arg(component("misbehaving-matcher"))
        .set("misbehave", "panic")
        .start()
        .await;
    assert_eq!(proxy.connect().await.get(&origin.url("/bad")).await.status(), 502);
    let mut inside = proxy.tls(&origin.authority()).await;
    assert_eq!(inside.ask("GET", "/bad", &origin.authority(), &[], b"").await.status(), 502);
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn nothing_reaches_a_server_when_the_recording_holds_nothing_to_replay() {
    let origin = Origin::silent().await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/synth_tcp_udp_dns.mitm");
    let proxy = Proxyhost::with(["-k"]).arg("-S").arg(path).start().await;
    proxy.wait_for_log("no recorded response can be used: every request is killed").await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(wire.read_to_end().await, b"");
    assert_eq!(origin.connections().await, 0);
}

/// On every road, with nothing to replay.
async fn nothing_leaks_without_a_recording(start: Start, consequence: &str, miss: Miss) {
    let origin = Origin::silent().await;
    let authority = origin.authority();
    let proxy = start.mode("regular").mode(&format!("reverse:http://{authority}")).start().await;
    let line = format!("WARN no recording is given (-S): {consequence} addon=\"serverreplay\"");
    assert_eq!(proxy.wait_for_log("no recording is given").await, line);
    let [reverse] = proxy.reverse_addresses()[..] else { panic!("one reverse proxy") };
    miss.happens_to(proxy.connect().await, &origin.url("/plain"), &authority).await;
    miss.happens_to(proxy.tunnel(&authority).await, "/tunnel", &authority).await;
    miss.happens_to(proxy.tls(&authority).await, "/tls", &authority).await;
    let wire = Wire::new(TcpStream::connect(reverse).await.expect("it listens"));
    miss.happens_to(wire, "/reverse", &authority).await;
    miss.happens_in_http2(&mut proxy.http2().await, &origin.url("/http2")).await;
    miss.happens_in_http2(&mut proxy.tls_http2(&authority).await, &format!("https://{authority}/tls-http2")).await;
    let mut other = proxy.tunnel(&authority).await;
    other.send(b"\x00\x01\x02\x03 this is not HTTP\r\n\r\n").await;
    assert_eq!(other.read_to_end().await, b"");
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn without_a_recording_nothing_reaches_a_server_either() {
    let (killed, answered) = ("every request is killed", "every request is answered with 404");
    let target = Target::new("visit.mitm");
    for (start, consequence, miss) in [
        (Proxyhost::with(["-k"]), killed, Miss::Killed),
        (Proxyhost::with(["--server-replay-extra", "kill"]), killed, Miss::Killed),
        (Proxyhost::with(["--server-replay-kill-extra"]), killed, Miss::Killed),
        (Proxyhost::with(["--set", "server_replay_extra=404"]), answered, Miss::Status(404)),
        (Proxyhost::with(["-k"]).record(&target), killed, Miss::Killed),
        (Proxyhost::with([]).config("[options]\nserver_replay_extra = 'kill'\n"), killed, Miss::Killed),
        (
            Proxyhost::with([]).config("[options]\nserver_replay = []\nserver_replay_extra = '404'\n"),
            answered,
            Miss::Status(404),
        ),
    ] {
        nothing_leaks_without_a_recording(start, consequence, miss).await;
    }
}

#[test]
fn check_says_what_happens_without_a_recording() {
    let checked = Proxyhost::with(["check", "-k"]).run();
    let (out, err) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(out.contains("addon serverreplay: ok, and nothing is sent to any server\n"), "{out}");
    assert!(err.contains("no recording is given (-S): every request is killed"), "{err}");
}

#[tokio::test]
async fn a_failing_addon_that_is_skipped_lets_nothing_out_where_the_policy_forbids_it() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nleaked".to_vec()).await;
    let recording = recording([get(origin.url("/good")).body("good")]);
    for policy in ["kill", "404"] {
        // The chain is broken on purpose: the addon that would answer or kill crashes, and is passed by.
        let config = "[[addons]]\nuse = 'serverreplay'\non_failure = 'skip'\n";
        let start = Proxyhost::with(["--server-replay-extra", policy]).config(config).replay(&recording);
        let matcher = component("misbehaving-matcher");
        let proxy = start.arg("--plug").arg(matcher).set("misbehave", "panic").start().await;
        let (mut wire, url) = (proxy.connect().await, origin.url("/bad"));
        // Also when it is not called any more.
        for _ in 0..8 {
            let refused = wire.get(&url).await;
            assert_eq!((refused.status(), refused.field("proxy-status")), (502, Some(UNAVAILABLE)), "{policy}");
            assert!(refused.text().starts_with("proxyhost: nothing is sent to any server: addon `serverreplay`"));
        }
        proxy.wait_for_log("failed too often").await;
    }
    assert_eq!(origin.connections().await, 0);
}

const UNAVAILABLE: &str = "proxyhost; error=destination_unavailable";
