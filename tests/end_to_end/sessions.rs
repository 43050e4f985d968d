//! Sessions that clients name: what names them goes no further.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::harness::{Origin, Proxyhost, Target};

const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn basic(user: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(user))
}

#[tokio::test]
async fn what_names_a_session_reaches_neither_servers_nor_recordings() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with(["-vv", "--session-field", "X-Test-Session"]).record(&target).start().await;
    let (url, host, user) = (origin.url("/"), origin.authority(), basic("named-by-user:s3cret"));
    for fields in [[("Proxy-Authorization", user.as_str())], [("x-test-session", "named-by-field")]] {
        assert_eq!(proxy.connect().await.ask("GET", &url, &host, &fields, b"").await.status(), 200);
        assert_eq!(proxy.http2().await.ask("GET", &url, &fields, b"").await.status(), 200);
        assert_eq!(proxy.tunnel(&host).await.ask("GET", "/", &host, &fields, b"").await.status(), 200);
    }
    assert!(!proxy.log().contains("s3cret"), "{}", proxy.log());
    assert!(proxy.stop().await.success());
    let received = origin.received();
    assert_eq!(received.len(), 6);
    for request in received {
        assert_eq!((request.field("proxy-authorization"), request.field("x-test-session")), (None, None));
    }
    let recorded = fs::read(target.path()).expect("something was recorded");
    let recorded = String::from_utf8_lossy(&recorded).to_lowercase();
    for name in ["x-test-session", "proxy-authorization", "named-by"] {
        assert!(!recorded.contains(name), "{name}");
    }
}

#[tokio::test]
async fn a_name_that_no_session_can_have_is_refused_without_being_shown() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let proxy = Proxyhost::with([]).config("session_field = \"x-test-session\"\n").start().await;
    let (url, host, user) = (origin.url("/"), origin.authority(), basic("no name:s3cret"));
    let rule = "the name of a session is 1 to 64 letters, digits, `-`, `_`, `.` or `:`";
    for (field, value, why) in [
        ("Proxy-Authorization", user.as_str(), "the user in its `proxy-authorization` names no session"),
        ("x-test-session", "no name", "its field `x-test-session` names no session"),
    ] {
        let refused = proxy.connect().await.ask("GET", &url, &host, &[(field, value)], b"").await;
        assert_eq!(refused.status(), 400);
        let text = refused.text();
        let told = text.rsplit_once(" (flow ").map(|(told, _)| told);
        assert_eq!(told, Some(format!("proxyhost: the request cannot be taken: {why}: {rule}").as_str()));
        let refused = proxy.connect().await.ask("CONNECT", &host, &host, &[(field, value)], b"").await;
        assert_eq!(refused.status(), 400);
    }
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn sessions_beyond_the_limit_are_refused() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let proxy = Proxyhost::with(["-q", "--session-field", "x-session"]).start().await;
    let (url, host) = (origin.url("/"), origin.authority());
    let mut wire = proxy.connect().await;
    for number in 0..1000 {
        let name = format!("test-{number}");
        assert_eq!(wire.ask("GET", &url, &host, &[("x-session", &name)], b"").await.status(), 200, "{name}");
    }
    let refused = wire.ask("GET", &url, &host, &[("x-session", "one-more")], b"").await;
    assert_eq!(refused.status(), 503);
    assert!(refused.text().contains("there are 1000 sessions already"), "{}", refused.text());
    // Those that there are go on.
    assert_eq!(wire.ask("GET", &url, &host, &[("x-session", "test-17")], b"").await.status(), 200);
    assert_eq!(wire.get(&url).await.status(), 200);
}

#[test]
fn fields_and_names_that_cannot_be_are_told() {
    let wrong = "error: `--session-field`: requests cannot name their session by the field `Host`: HTTP needs it for \
                 something else\nhint: choose a name of your own, such as `x-test-session`\n";
    assert_eq!(Proxyhost::with(["--session-field", "Host"]).refusal(), wrong);
    let config = "[[listeners]]\nmode = \"regular\"\nsession = \"no name\"\n";
    let said = Proxyhost::with([]).config(config).refusal();
    assert!(said.contains("test.toml:3:11: `no name` names no session"), "{said}");
}
