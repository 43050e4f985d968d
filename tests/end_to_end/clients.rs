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
