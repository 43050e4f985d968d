//! Many clients at once.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use crate::harness::{Proxyhost, get, recording};

const URL: &str = "http://shop.example/next";

/// Half of the responses are asked for over HTTP/1 connections, the rest over HTTP/2.
const RESPONSES: usize = 1000;
const HTTP1_CLIENTS: usize = 50;
const HTTP2_CONNECTIONS: usize = 5;

#[tokio::test]
async fn a_thousand_requests_for_the_same_get_a_thousand_different_responses() {
    let recording = recording((0..RESPONSES).map(|number| get(URL).body(number.to_string())));
    let proxy = Proxyhost::replaying(&recording).await;
    let mut clients = JoinSet::new();
    for _ in 0..HTTP1_CLIENTS {
        let mut wire = proxy.connect().await;
        clients.spawn(async move {
            let mut bodies = Vec::new();
            for _ in 0..RESPONSES / 2 / HTTP1_CLIENTS {
                bodies.push(wire.get(URL).await.text());
            }
            bodies
        });
    }
    for _ in 0..HTTP2_CONNECTIONS {
        let client = proxy.http2().await;
        for _ in 0..RESPONSES / 2 / HTTP2_CONNECTIONS {
            let mut client = client.clone();
            clients.spawn(async move { vec![client.get(URL).await.text()] });
        }
    }
    let bodies: Vec<String> = clients.join_all().await.into_iter().flatten().collect();
    assert_eq!(bodies.len(), RESPONSES);
    let different: BTreeSet<String> = bodies.into_iter().collect();
    assert_eq!(different, (0..RESPONSES).map(|number| number.to_string()).collect());

    let mut wire = proxy.connect().await;
    wire.send(format!("GET {URL} HTTP/1.1\r\nHost: shop.example\r\n\r\n")).await;
    assert_eq!(wire.read_to_end().await, b"");
    proxy.http2().await.is_reset(URL).await;
}
