//! Whatever target and host a request has, it is refused, or goes to one host that it names.

use std::net::Ipv4Addr;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// Texts that are nearly targets and hosts.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "a",
            "A.example",
            "[",
            "]",
            "::1",
            ":",
            "@",
            "/",
            "?",
            "*",
            ".",
            "80",
            "0",
            "65536",
            "%41",
            "http",
            "ftp",
            "://",
            "\\",
            ",",
            "-",
        ][..],
    );
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

fn entry() -> impl Strategy<Value = Entry> {
    let server = |scheme, port| Destination::new(scheme, "b.example", port).expect("a destination");
    let reverse = move || Entry::Reverse(server(Scheme::Http, 3000));
    prop_oneof![
        Just(()).prop_map(|()| Entry::Proxy),
        Just(()).prop_map(move |()| reverse()),
        Just(()).prop_map(move |()| Entry::Tunnel(server(Scheme::Https, 443))),
        Just(()).prop_map(move |()| {
            let address = Ipv4Addr::new(192, 0, 2, 1);
            let place = Destination::new(Scheme::Http, &address.to_string(), 8080).expect("a destination");
            Entry::Address(place, address.into())
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_head_names_one_clean_host_or_is_refused(
        method in prop::sample::select(&["GET", "OPTIONS", "CONNECT"][..]),
        version in prop::sample::select(&[Version::HTTP_10, Version::HTTP_11, Version::HTTP_2][..]),
        target in text(),
        host in prop::option::of(text()),
        entry in entry(),
    ) {
        let Ok(uri) = Uri::from_maybe_shared(Bytes::from(target.clone())) else { return Ok(()) };
        let mut request = http::Request::builder().method(method).version(version).uri(uri);
        if let Some(host) = &host {
            request = request.header(header::HOST, host);
        }
        let Ok(request) = request.body(()) else { return Ok(()) };
        let head = match parsed(request.into_parts().0, &entry, HostField::default()) {
            Ok((head, _)) => head,
            Err(fault) => {
                prop_assert!(!fault.detail.contains(|sign: char| sign.is_control()), "{}", fault.detail);
                return Ok(());
            }
        };
        let authority = head.authority.as_ref().map_or("", |authority| authority.as_str());
        for host in [head.destination.host(), authority] {
            prop_assert!(!host.contains(['@', '/', '?', '#', ' ', '\\']), "{:?}", head);
        }
        prop_assert_ne!(head.destination.port(), 0);
        let target = head.target.as_str();
        prop_assert!(target.is_empty() || target == "*" || target.starts_with('/'), "{:?}", head);
        // What goes out in HTTP/1 is a request that would be let in again.
        if version < Version::HTTP_2 {
            prop_assert!(head.fields.map().get_all(&header::HOST).iter().count() <= 1);
        }
    }
}
