//! Connections to servers that end while they are kept for the next request.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::harness::{Origin, Proxyhost, Wire, recording, soon};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A server that answers the first request of each connection, and leaves when the second one is there; with the number of
/// requests it was sent.
async fn forgetful() -> (Origin, Arc<AtomicUsize>) {
    let seen = Arc::<AtomicUsize>::default();
    let count = seen.clone();
    let origin = Origin::scripted(move |mut wire: Wire| {
        let count = count.clone();
        async move {
            if wire.request().await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
                wire.send(EMPTY).await;
            }
            if wire.request().await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
    .await;
    (origin, seen)
}

#[tokio::test]
async fn a_request_that_may_be_repeated_goes_out_again_once() {
    for (method, body) in
        [("GET", ""), ("HEAD", ""), ("OPTIONS", ""), ("TRACE", ""), ("DELETE", ""), ("PUT", ""), ("GET", "")]
    {
        let (origin, seen) = forgetful().await;
        let proxy = Proxyhost::with([]).start().await;
        let mut wire = proxy.connect().await;
        for _ in 0..2 {
            let response = wire.ask(method, &origin.url("/"), "localhost", &[], body.as_bytes()).await;
            assert_eq!(response.status(), 200, "{method}: {response:?}");
        }
        assert_eq!(seen.load(Ordering::Relaxed), 3, "{method}");
        assert_eq!(origin.connections().await, 2, "{method}");
    }
}

#[tokio::test]
async fn a_request_that_must_not_be_repeated_or_cannot_be_is_sent_once() {
    // Nobody has kept the content of the second one.
    for (method, body) in [("POST", ""), ("PUT", "body"), ("PATCH", "body"), ("POST", "body"), ("PROPFIND", "")] {
        let (origin, seen) = forgetful().await;
        let proxy = Proxyhost::with([]).start().await;
        let mut wire = proxy.connect().await;
        let first = wire.ask(method, &origin.url("/"), "localhost", &[], body.as_bytes()).await;
        assert_eq!(first.status(), 200, "{method}");
        let second = wire.ask(method, &origin.url("/"), "localhost", &[], body.as_bytes()).await;
        assert_eq!(second.status(), 502, "{method}");
        assert_eq!(second.field("proxy-status"), Some("proxyhost; error=http_response_incomplete"), "{method}");
        assert_eq!(seen.load(Ordering::Relaxed), 2, "{method}");
    }
}

#[tokio::test]
async fn content_that_an_addon_has_read_goes_out_again() {
    let (origin, seen) = forgetful().await;
    let url = origin.url("/");
    // The matcher compares the content, so that it is kept.
    let recorded = recording([crate::harness::post(&url, "other")]);
    let proxy = Proxyhost::with(["--set", "server_replay_extra=forward"]).replay(&recorded).start().await;
    let mut wire = proxy.connect().await;
    for _ in 0..2 {
        let response = wire.ask("PUT", &url, "localhost", &[], b"body").await;
        assert_eq!(response.status(), 200);
    }
    assert_eq!(seen.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_server_that_always_leaves_is_asked_twice_at_most() {
    let seen = Arc::<AtomicUsize>::default();
    let count = seen.clone();
    let origin = Origin::scripted(move |mut wire: Wire| {
        let count = count.clone();
        async move {
            while wire.request().await.is_some() {
                // It answers the first request of all.
                if count.fetch_add(1, Ordering::Relaxed) > 0 {
                    return;
                }
                wire.send(HELLO).await;
            }
        }
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get(&origin.url("/")).await.status(), 200);
    assert_eq!(wire.get(&origin.url("/")).await.status(), 502);
    assert_eq!(seen.load(Ordering::Relaxed), 3);
    // On a fresh connection, it is not the connection's age.
    assert_eq!(wire.get(&origin.url("/")).await.status(), 502);
    assert_eq!(seen.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_server_that_leaves_after_each_answer_without_a_word_fails_nobody() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        if wire.request().await.is_some() {
            wire.send(HELLO).await;
        }
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    for _ in 0..200 {
        assert_eq!(soon("an answer", wire.get(&origin.url("/"))).await.text(), "hello");
    }
}
