//! Fields that concern one connection are no part of a recording.

use std::fs;

use crate::harness::{Origin, Proxyhost, Target};

/// Such fields of a client, and what stands in them.
const OF_THE_HOP: [(&str, &str); 6] = [
    ("Proxy-Authorization", "Basic c2VjcmV0OnNlY3JldA=="),
    ("Proxy-Connection", "Keep-Alive"),
    ("Keep-Alive", "timeout=1"),
    ("TE", "trailers"),
    ("Connection", "X-Hop, TE"),
    ("X-Hop", "of the hop"),
];

#[tokio::test]
async fn what_concerns_a_connection_is_not_recorded() {
    let origin = Origin::answering(|_| {
        let head =
            "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nProxy-Connection: x\r\n";
        let rest = "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nProxy-Authorization: x\r\nX-Sum: y\r\n\r\n";
        [head, rest].concat().into_bytes()
    })
    .await;
    let authority = origin.authority();
    for name in ["visit.mitm", "visit.har"] {
        let target = Target::new(name);
        let mode = format!("reverse:http://{authority}");
        let proxy = Proxyhost::with([]).mode("regular").mode(&mode).record(&target).start().await;
        for (mut wire, url) in [
            (proxy.connect().await, origin.url("/")),
            (proxy.connect_reverse().await, "/".to_owned()),
            (proxy.tunnel(&authority).await, "/".to_owned()),
        ] {
            let answer = wire.ask("GET", &url, &authority, &OF_THE_HOP, b"").await;
            assert_eq!(answer.text(), "ok");
            let mut head = format!("POST {url} HTTP/1.1\r\nHost: {authority}\r\n");
            for (name, value) in OF_THE_HOP {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\nProxy-Authorization: x\r\n\r\n")).await;
            assert_eq!(wire.response("POST").await.text(), "ok");
        }
        let fields = [OF_THE_HOP[0], ("content-type", "text/plain")];
        proxy.http2().await.ask("POST", &origin.url("/"), &fields, b"x").await;
        assert!(proxy.stop().await.success());
        let recorded = String::from_utf8_lossy(&fs::read(target.path()).expect("a recording")).to_ascii_lowercase();
        assert!(recorded.contains("x-sum"), "{recorded}");
        for (name, _) in OF_THE_HOP.into_iter().filter(|(name, _)| *name != "TE") {
            let named = [format!(":{name},"), format!("\"name\":\"{name}\"")].map(|text| text.to_ascii_lowercase());
            assert!(named.iter().all(|text| !recorded.contains(text.as_str())), "{name}: {recorded}");
        }
    }
}
