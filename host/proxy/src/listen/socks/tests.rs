use proptest::{collection::vec, prelude::*};
use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::listen::{Entry, Users};

fn gate(users: &[&str]) -> Gate {
    let mut known = Users::default();
    users.iter().for_each(|user| known.add(user).unwrap());
    Gate::new(Entry::Proxy, (!known.is_empty()).then_some(known)).with_session(Session::named("own").unwrap(), None)
}

/// What becomes of a client that sends this, as a line, and what it is told.
async fn said(users: &[&str], sent: &[u8]) -> (String, Vec<u8>) {
    let (mut client, mut server): (DuplexStream, DuplexStream) = duplex(4096);
    client.write_all(sent).await.unwrap();
    client.shutdown().await.unwrap();
    let negotiated = negotiate(&mut server, &gate(users)).await;
    let line = match negotiated {
        Ok(Asked { destination, address, session, .. }) => {
            let place = destination.host_and_port();
            format!("{}://{place} {address:?} {}", destination.scheme().name(), session.name())
        }
        Err(Refusal::Foreign(first)) => format!("foreign {}", first.escape_ascii()),
        Err(Refusal::Fault(fault)) => fault.kind.name().to_owned(),
        Err(Refusal::Left(_)) => "left".to_owned(),
    };
    drop(server);
    let mut told = Vec::new();
    client.read_to_end(&mut told).await.unwrap();
    (line, told)
}

fn name(name: &str, port: u16) -> Vec<u8> {
    [&[5, 1, 0, 3, name.len() as u8], name.as_bytes(), &port.to_be_bytes()].concat()
}

fn user(name: &str, password: &str) -> Vec<u8> {
    [&[1, name.len() as u8], name.as_bytes(), &[password.len() as u8], password.as_bytes()].concat()
}

#[tokio::test]
async fn a_client_says_where_it_wants_to_go() {
    let hello = b"\x05\x01\x00".to_vec();
    let ipv6 = [&[5, 1, 0, 4][..], &Ipv6Addr::LOCALHOST.octets(), &[1, 187]].concat();
    let mapped = [&[5, 1, 0, 4][..], &Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().octets(), &[1, 187]].concat();
    let table: [(Vec<u8>, &str); 6] = [
        (name("shop.example", 80), "http://shop.example:80 None own"),
        (name("shop.example", 8443), "https://shop.example:8443 None own"),
        (name("192.0.2.1", 443), "https://192.0.2.1:443 Some(192.0.2.1) own"),
        (vec![5, 1, 0, 1, 192, 0, 2, 1, 0, 80], "http://192.0.2.1:80 Some(192.0.2.1) own"),
        (ipv6, "https://[::1]:443 Some(::1) own"),
        (mapped, "https://192.0.2.1:443 Some(192.0.2.1) own"),
    ];
    for (request, expected) in table {
        let (line, told) = said(&[], &[hello.clone(), request].concat()).await;
        assert_eq!((line.as_str(), told.as_slice()), (expected, &b"\x05\x00"[..]));
    }
    for (sent, expected) in [
        (&b"\x04\x01\x00\x50\xc0\x00\x02\x01me\0"[..], "http://192.0.2.1:80 Some(192.0.2.1) own"),
        (b"\x04\x01\x01\xbb\x00\x00\x00\x01\0shop.example\0", "https://shop.example:443 None own"),
    ] {
        assert_eq!(said(&[], sent).await, (expected.to_owned(), Vec::new()));
    }
}

#[tokio::test]
async fn what_is_not_served_is_refused_by_its_number() {
    let bind = [b"\x05\x01\x00".to_vec(), vec![5, 2, 0, 1, 192, 0, 2, 1, 0, 80]].concat();
    let kind = [b"\x05\x01\x00".to_vec(), vec![5, 1, 0, 9]].concat();
    let no_host = [b"\x05\x01\x00".to_vec(), name("a b", 80)].concat();
    let no_port = [b"\x05\x01\x00".to_vec(), name("a", 0)].concat();
    for (sent, reply) in [(bind, 7), (kind, 8), (no_host, 1), (no_port, 1)] {
        let (line, told) = said(&[], &sent).await;
        let expected = [&[5, 0][..], &[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!((line.as_str(), told), ("http_request_error", expected));
    }
    let (line, told) = said(&[], b"\x04\x02\x00\x50\xc0\x00\x02\x01\0").await;
    assert_eq!((line.as_str(), told.as_slice()), ("http_request_error", &b"\x00\x5b\0\0\0\0\0\0"[..]));
    let (line, told) = said(&[], b"\x05\x01\x01").await;
    assert_eq!((line.as_str(), told.as_slice()), ("http_request_denied", &b"\x05\xff"[..]));
}

#[tokio::test]
async fn users_are_asked_for_where_there_are_some_and_name_sessions() {
    let both = |given: &[u8]| [b"\x05\x02\x00\x02", given, &name("a", 80)].concat();
    let known = ["ann:s3:cret", "a:b:c"];
    for (users, given, expected, status) in [
        (&known[..], user("ann", "s3:cret"), "http://a:80 None ann", 0),
        (&known, user("ann", "wrong"), "http_request_denied", 1),
        (&known, user("a:b", "c"), "http_request_denied", 1),
        (&known, user("", ""), "http_request_denied", 1),
        (&[], user("test-17", "any"), "http://a:80 None test-17", 0),
        (&[], user("", ""), "http://a:80 None own", 0),
        (&[], user("no session", ""), "http_request_error", 1),
    ] {
        let (line, told) = said(users, &both(&given)).await;
        assert_eq!((line.as_str(), told.as_slice()), (expected, &[5, 2, 1, status][..]));
    }
    let (line, told) = said(&known, &[b"\x05\x01\x00".to_vec(), name("a", 80)].concat()).await;
    assert_eq!((line.as_str(), told.as_slice()), ("http_request_denied", &b"\x05\xff"[..]));
    let (line, told) = said(&known, b"\x04\x01\x00\x50\xc0\x00\x02\x01ann\0").await;
    assert_eq!((line.as_str(), told.as_slice()), ("http_request_denied", &b"\x00\x5b\0\0\0\0\0\0"[..]));
}

#[tokio::test]
async fn whatever_arrives_ends_in_a_connection_or_a_reason() {
    for (sent, expected) in [
        (&b"GET / HTTP/1.1\r\n"[..], "foreign GET / HTTP/1.1\\r\\n"),
        (b"\x16\x03\x01", "foreign \\x16\\x03\\x01"),
        (b"", "left"),
        (b"\x05", "left"),
        (b"\x05\x01\x00\x05\x01\x00\x03\xffshort", "left"),
        (b"\x05\x01\x02\x01\x03an", "left"),
        (b"\x04\x01\x00", "left"),
    ] {
        assert_eq!(said(&[], sent).await.0, expected, "{}", sent.escape_ascii());
    }
    let endless = [b"\x04\x01\x00\x50\xc0\x00\x02\x01".to_vec(), vec![b'a'; 3000]].concat();
    assert_eq!(said(&[], &endless).await.0, "left");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_a_request_or_a_refusal(version in 3u8..7, bytes in vec(any::<u8>(), 0..80), has_users: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let users = if has_users { &["ann:x"][..] } else { &[] };
        let sent = [&[version][..], &bytes].concat();
        let (line, told) = runtime.block_on(said(users, &sent));
        prop_assert!(!line.is_empty() && told.len() <= 14, "{} {:?}", line, told);
    }
}
