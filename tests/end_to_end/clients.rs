//! Clients that leave, that close their side only, or that take nothing of what they asked for.

use std::sync::Arc;

use tokio::{net::TcpStream, sync::Semaphore};

use crate::harness::{Origin, Proxyhost, Wire, soon};

/// No timeout of servers ends what these tests wait for.
const PATIENT: &str = "[limits]\nfirst_byte_seconds = 3600\nidle_seconds = 3600\n";

/// A server that takes a request, says so, and is silent until the proxy leaves.
async fn silent() -> (Origin, Arc<Semaphore>) {
    let asked = Arc::new(Semaphore::new(0));
    let said = asked.clone();
    let origin = Origin::scripted(move |mut wire| {
        let said = said.clone();
        async move {
            wire.request().await.expect("a request");
            said.add_permits(1);
            assert_eq!(wire.read_to_end().await, b"");
        }
    });
    (origin.await, asked)
}

/// Waits for something that is said once.
async fn said(semaphore: &Semaphore) {
    soon("a request", semaphore.acquire()).await.expect("nobody closes it").forget();
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_flow_with_it_on_every_road() {
    let (origin, asked) = silent().await;
    let authority = origin.authority();
    let proxy = Proxyhost::with([]).config(PATIENT).mode("regular").mode(&format!("reverse:http://{authority}"));
    let proxy = proxy.start().await;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    for (mut wire, target) in [
        (proxy.connect().await, origin.url("/")),
        (proxy.connect_reverse().await, "/".to_owned()),
        (proxy.tunnel(&authority).await, "/".to_owned()),
    ] {
        wire.send(get(&target)).await;
        said(&asked).await;
        drop(wire);
        origin.done().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_a_tunnel_with_tls_takes_its_flow_with_it() {
    let asked = Arc::new(Semaphore::new(0));
    let asking = asked.clone();
    let origin = Origin::answering_tls(move |request| {
        if request.first.starts_with("GET /first ") {
            asking.add_permits(1);
            // Nothing is an answer that never comes.
            return Vec::new();
        }
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()
    })
    .await;
    let proxy = Proxyhost::with(["--insecure"]).config(PATIENT).start().await;
    let authority = origin.authority();
    let mut wire = proxy.tls(&authority).await;
    wire.send(format!("GET /first HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
    said(&asked).await;
    drop(wire);
    origin.done().await;
    let mut next = proxy.tls(&authority).await;
    assert_eq!(next.ask("GET", "/", &authority, &[], b"").await.status(), 200);
}

#[tokio::test]
async fn a_client_that_resets_its_connection_takes_its_flow_with_it() {
    let (origin, asked) = silent().await;
    let proxy = Proxyhost::with([]).config(PATIENT).start().await;
    let stream = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    stream.set_zero_linger().expect("a socket");
    let mut wire = Wire::new(stream);
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    said(&asked).await;
    drop(wire);
    origin.done().await;
}

#[tokio::test]
async fn a_client_that_closes_its_side_only_gets_its_answer_to_the_end() {
    let go_on = Arc::new(Semaphore::new(0));
    let told = go_on.clone();
    let origin = Origin::scripted(move |mut wire| {
        let told = told.clone();
        async move {
            wire.request().await.expect("a request");
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
            said(&told).await;
            wire.send("two").await;
        }
    })
    .await;
    let proxy = Proxyhost::with([]).config(PATIENT).start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    wire.finish().await;
    let head = wire.head().await.expect("an answer");
    assert_eq!(head.first, "HTTP/1.1 200 OK");
    assert_eq!(wire.take(3).await, b"one");
    go_on.add_permits(1);
    assert_eq!(wire.read_to_end().await, b"two");
}

/// A proxy with short limits.
const SHORT: &str = "[limits]\nfirst_byte_seconds = 3600\nidle_seconds = 1\ntunnel_idle_seconds = 1\n";

/// A server that answers without end, until the proxy leaves.
async fn endless() -> Origin {
    Origin::scripted(|mut wire| async move {
        if wire.take(1).await == b"G" {
            wire.head().await.expect("a request");
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        }
        let piece = [b"10000\r\n".to_vec(), vec![b'a'; 0x10000], b"\r\n".to_vec()].concat();
        while wire.try_send(&piece).await.is_ok() {}
    })
    .await
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_on_every_road() {
    let origin = endless().await;
    let authority = origin.authority();
    let proxy = Proxyhost::with([]).config(SHORT).start().await;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n").into_bytes();
    for (mut wire, sent) in [
        (proxy.connect().await, get(&origin.url("/"))),
        (proxy.tunnel(&authority).await, get("/")),
        (proxy.tunnel(&authority).await, b"\x00 not HTTP".to_vec()),
        (proxy.connect().await, http2_get(&authority, 0)),
        (proxy.connect().await, http2_get(&authority, 1 << 30)),
    ] {
        wire.send(sent).await;
        origin.connections().await;
        origin.done().await;
    }
}

/// A request in HTTP/2 whose sender opens its windows by so much.
fn http2_get(authority: &str, window: u32) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([[0, 0, 6, 4, 0, 0, 0, 0, 0].as_slice(), &[0, 4], &window.to_be_bytes()].concat());
    if window > 0 {
        bytes.extend([[0, 0, 4, 8, 0, 0, 0, 0, 0].as_slice(), &window.to_be_bytes()].concat());
    }
    let mut fields = Vec::new();
    for (name, value) in [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", authority)] {
        let length = |text: &str| u8::try_from(text.len()).expect("a short text");
        fields.extend([&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat());
    }
    let length = u8::try_from(fields.len()).expect("a short head");
    bytes.extend([[0, 0, length, 1, 5, 0, 0, 0, 1].as_slice(), &fields].concat());
    bytes
}

#[tokio::test]
async fn a_tunnel_and_an_upgraded_connection_through_which_nothing_passes_are_closed() {
    let origin = Origin::scripted(|mut wire| async move {
        if wire.take(1).await == b"G" {
            wire.head().await.expect("a request");
            wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").await;
        }
        wire.send("hello").await;
        wire.read_to_end().await;
    })
    .await;
    let authority = origin.authority();
    let proxy = Proxyhost::with([]).config(SHORT).start().await;
    let mut tunnel = proxy.tunnel(&authority).await;
    tunnel.send(b"\x00 not HTTP").await;
    assert_eq!(tunnel.read_to_end().await, b"hello");
    let mut upgraded = proxy.connect().await;
    let upgrade = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", origin.url("/"));
    upgraded.send(upgrade).await;
    assert_eq!(upgraded.head().await.expect("an answer").status(), 101);
    assert_eq!(upgraded.read_to_end().await, b"hello");
    origin.done().await;
}

#[tokio::test]
async fn connections_are_taken_again_when_there_are_file_descriptors_and_the_log_says_it_once() {
    let proxy = Proxyhost::with(["--offline"]).start().await;
    proxy.limit_files(40);
    let mut many = Vec::new();
    for _ in 0..60 {
        many.push(proxy.connect().await);
    }
    proxy.wait_for_log("cannot take connections for now").await;
    drop(many);
    assert_eq!(proxy.connect().await.get("http://a.example/").await.status(), 502);
    assert_eq!(proxy.log().matches("cannot take connections for now").count(), 1, "{}", proxy.log());
}
