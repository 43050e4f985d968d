//! What is said to the proxy in short texts: targets, hosts, listeners and modes, and where it may connect to. Whatever the text,
//! it is refused, or means what is written there.
//!
//! Configuration files and command lines are in `config`; heads of requests beside `listen::admit`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use proptest::prelude::*;
use proxyhost::{
    flow::{Destination, Scheme, Target},
    listen::mode::{ListenAddress, Mode, ModeSpec},
    upstream::Egress,
};

/// Texts that are nearly hosts, ports and URLs.
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
            "#",
            "*",
            ".",
            "80",
            "0",
            "65536",
            " ",
            "\n",
            "é",
            "%41",
            "http",
            "https",
            "://",
            "regular",
            "reverse",
            "127.0.0.1",
        ][..],
    );
    prop_oneof![4 => prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(&[Scheme::Http, Scheme::Https][..])
}

/// Whether a host can stand in a URL and in a field by itself.
fn is_clean(host: &str) -> bool {
    !host.is_empty()
        && !host.contains(|sign: char| sign.is_control() || sign.is_whitespace() || "@/?#\\".contains(sign))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_target_stays_as_it_is_written(text in text()) {
        let Some(target) = Target::parse(&text) else { return Ok(()) };
        prop_assert_eq!(target.as_str(), &text);
        prop_assert!(!text.contains(|sign: char| sign.is_control() || sign == ' ' || sign == '#'));
        let path = target.clone().into_path().expect("a short path");
        if target != Target::Asterisk {
            prop_assert_eq!(Target::of_uri(&path), Some(target));
        }
    }

    #[test]
    fn a_destination_is_one_host_and_one_port(scheme in scheme(), host in text(), port: u16) {
        let Ok(destination) = Destination::new(scheme, &host, port) else { return Ok(()) };
        prop_assert!(is_clean(destination.host()), "{:?}", destination);
        prop_assert_ne!(destination.port(), 0);
        let authority = destination.authority();
        prop_assert_eq!(authority.port_u16().unwrap_or(scheme.default_port()), port);
        // What is made of it is the same again.
        let again = Destination::new(scheme, authority.host(), port);
        prop_assert_eq!(again.as_ref(), Ok(&destination));
        prop_assert_eq!(destination.clone().with_scheme(scheme), destination);
    }

    #[test]
    fn a_listener_is_a_host_and_a_port_that_are_written_there(text in text()) {
        if let Ok(ListenAddress { host, port }) = ListenAddress::parse(&text) {
            prop_assert!(host.as_deref().is_none_or(|host| is_clean(host) && text.contains(host)));
            let written = text.rsplit(':').next().unwrap_or_default();
            prop_assert_eq!(written.parse(), Ok(port));
        }
    }

    #[test]
    fn a_mode_is_refused_or_names_its_server(text in text()) {
        match ModeSpec::parse(&text) {
            Ok(ModeSpec { mode: Mode::Regular, .. }) => prop_assert!(text.starts_with("regular")),
            Ok(ModeSpec { mode: Mode::Reverse(destination), .. }) => {
                let scheme = if destination.has_http2() { "h2c" } else { destination.scheme().name() };
                let prefix = format!("reverse:{scheme}://");
                prop_assert!(text.to_ascii_lowercase().starts_with(&prefix));
                prop_assert!(is_clean(destination.host()));
            }
            Ok(ModeSpec { mode: Mode::Upstream(destination), .. }) => {
                prop_assert!(text.starts_with("upstream:"));
                prop_assert!(is_clean(destination.host()));
            }
            Ok(ModeSpec { mode: Mode::Socks, .. }) => prop_assert!(text.starts_with("socks5")),
            Ok(ModeSpec { mode: Mode::Transparent, .. }) => prop_assert!(text.starts_with("transparent")),
            Err(_) => {}
        }
    }

    #[test]
    fn the_proxys_own_address_is_refused_in_every_form(last: [u8; 3], unspecified: bool, port in 1024_u16..) {
        let egress = Egress::default();
        let loopback = Ipv4Addr::new(127, last[0], last[1], last[2]);
        let own = if unspecified { Ipv4Addr::UNSPECIFIED } else { loopback };
        egress.listens_on(SocketAddr::new(own.into(), port));
        let destination = Destination::new(Scheme::Http, "own.example", port).expect("a host and a port");
        for form in [IpAddr::V4(loopback), loopback.to_ipv6_mapped().into()] {
            prop_assert!(egress.check_address(&destination, form).is_err());
        }
    }
}
