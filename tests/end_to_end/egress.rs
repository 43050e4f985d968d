//! Where connections may go, whatever asks for them.

use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Message, Origin, Proxyhost, Wire};

const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const DENIED: Option<&str> = Some("proxyhost; error=destination_ip_prohibited");

fn assert_denied(response: &Message, what: &str) {
    assert_eq!((response.status(), response.field("proxy-status")), (403, DENIED), "{what}: {response:?}");
}

#[tokio::test]
async fn reserved_ports_are_closed_for_whatever_asks() {
    let proxy = Proxyhost::with([]).start().await;
    for port in [22, 25, 81] {
        let host = format!("localhost:{port}");
        let mut wire = proxy.connect().await;
        assert_denied(&wire.get(&format!("http://{host}/")).await, &host);
        assert_denied(&wire.ask("CONNECT", &host, &host, &[], b"").await, &host);
    }
}

#[tokio::test]
async fn rules_hold_for_requests_tunnels_and_a_reverse_proxys_server() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let (host, port) = (origin.authority(), origin.address().port());
    for rule in ["localhost".to_owned(), "l*t".to_owned(), format!("*:{port}"), "127.0.0.0/8".to_owned()] {
        let reverse = format!("reverse:http://localhost:{port}");
        let proxy = Proxyhost::with(["--egress-deny", &rule]).mode("regular").mode(&reverse).start().await;
        let mut wire = proxy.connect().await;
        assert_denied(&wire.get(&origin.url("/")).await, &rule);
        let mut inside = proxy.connect_reverse().await;
        assert_denied(&inside.ask("GET", "/", "anything", &[], b"").await, &rule);
        let tunnel = wire.ask("CONNECT", &host, &host, &[], b"").await;
        if tunnel.status() == 200 {
            // The name is not resolved before something is sent.
            assert!(rule.contains('/'), "{rule}");
            let mut opaque = proxy.tunnel(&host).await;
            opaque.send(b"\x00\x01\x02\x03\x04\x05\x06\x07").await;
            assert_eq!(opaque.read_to_end().await, b"");
        } else {
            assert_denied(&tunnel, &rule);
        }
    }
    assert_eq!(origin.connections().await, 0);
}

#[tokio::test]
async fn where_something_is_allowed_the_rest_is_not() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let config = format!("[egress]\nallow = ['localhost:{}']\n", origin.address().port());
    let reversed = Origin::answering(|_| EMPTY.to_vec()).await;
    let reverse = format!("reverse:http://127.0.0.1:{}", reversed.address().port());
    let proxy = Proxyhost::with([]).config(&config).mode("regular").mode(&reverse).start().await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get(&origin.url("/")).await.status(), 200);
    assert_denied(&wire.get(&format!("http://{}/", origin.address())).await, "by its address");
    assert_denied(&wire.get(&reversed.url("/")).await, "another port");
    // The server of a reverse proxy was named by who runs it.
    assert_eq!(proxy.connect_reverse().await.ask("GET", "/", "anything", &[], b"").await.status(), 200);
}

#[tokio::test]
async fn the_proxy_does_not_connect_to_itself_by_any_name() {
    for listen in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
        // There may be no IPv6 here.
        if TcpListener::bind(listen).await.is_err() {
            continue;
        }
        let proxy = Proxyhost::with(["--no-via", "--allow-open"]).mode(&format!("regular@{listen}")).start().await;
        let port = proxy.address().port();
        let mut hosts =
            vec!["127.0.0.1", "127.0.0.2", "0.0.0.0", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"];
        if listen.starts_with('[') {
            hosts.extend(["[::1]", "[::]"]);
        }
        for host in hosts {
            let mut wire = Wire::new(TcpStream::connect(("127.0.0.1", port)).await.expect("it listens"));
            let response = wire.get(&format!("http://{host}:{port}/")).await;
            let expected = Some("proxyhost; error=proxy_loop_detected");
            assert_eq!(response.field("proxy-status"), expected, "{host} on {listen}: {response:?}");
        }
    }
}
