use super::*;
use crate::flow::Scheme;

fn policy(allow: &[&str], deny: &[&str]) -> Policy {
    let rules = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Policy { allow: rules(allow), deny: rules(deny), named: Vec::new() }
}

fn destination(host: &str, port: u16) -> Destination {
    Destination::new(Scheme::Http, host, port).unwrap()
}

/// What is said of an address, for a proxy that listens on its own one.
fn verdict(own: &str, address: &str) -> Option<FaultKind> {
    let egress = Egress::default();
    egress.listens_on(own.parse().unwrap());
    let address: SocketAddr = address.parse().unwrap();
    let destination = destination("a.example", address.port());
    egress.check_address(&destination, address.ip()).err().map(|fault| fault.kind)
}

#[test]
fn every_spelling_of_the_proxys_own_address_is_recognised() {
    let loopback = ["127.0.0.1:8080", "127.0.0.2:8080", "0.0.0.0:8080", "[::ffff:127.0.0.1]:8080", "[::]:8080"];
    for address in loopback {
        assert_eq!(verdict("127.0.0.1:8080", address), Some(FaultKind::Loop), "{address}");
        assert_eq!(verdict("0.0.0.0:8080", address), Some(FaultKind::Loop), "{address}");
        assert_eq!(verdict("[::]:8080", address), Some(FaultKind::Loop), "{address}");
    }
    for address in ["[::1]:8080", "[::]:8080", "0.0.0.0:8080"] {
        assert_eq!(verdict("[::1]:8080", address), Some(FaultKind::Loop), "{address}");
    }
    assert_eq!(verdict("127.0.0.1:8080", "127.0.0.1:8081"), None);
}

#[test]
fn who_listens_on_all_addresses_is_none_of_other_machines() {
    for own in ["0.0.0.0:8080", "[::]:8080"] {
        for address in ["192.0.2.1:8080", "[2001:db8::1]:8080"] {
            assert_eq!(verdict(own, address), None, "{own} {address}");
        }
    }
    // The address that this machine would use is one of its own, whatever it is.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:80").is_ok() {
        let own = SocketAddr::new(socket.local_addr().unwrap().ip(), 8080).to_string();
        assert_eq!(verdict("0.0.0.0:8080", &own), Some(FaultKind::Loop), "{own}");
    }
}

#[test]
fn addresses_of_no_server_are_denied() {
    let special = [
        "169.254.169.254:80",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::169.254.169.254]:80",
        "[fd00:ec2::254]:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
        "[fe80::1]:80",
        "[ff02::1]:80",
    ];
    for address in special {
        assert_eq!(verdict("127.0.0.1:8080", address), Some(FaultKind::Denied), "{address}");
    }
    for address in ["127.0.0.1:80", "10.0.0.1:80", "192.0.2.1:443", "[2001:db8::1]:443"] {
        assert_eq!(verdict("127.0.0.1:8080", address), None, "{address}");
    }
}

#[test]
fn reserved_ports_are_for_who_lists_them() {
    let allowed = |allow: &[&str], port| Egress::new(policy(allow, &[])).check(&destination("a", port)).is_ok();
    for port in [80, 443, 1024, 8443] {
        assert!(allowed(&[], port), "{port}");
    }
    for port in [1, 22, 25, 79, 81, 444, 1023] {
        assert!(!allowed(&[], port), "{port}");
        assert!(!allowed(&["*", "a"], port), "{port}");
        assert!(allowed(&["*", &format!("a:{port}")], port), "{port}");
        assert!(allowed(&["*", "*:1-1023"], port), "{port}");
        assert!(!allowed(&["*", &format!("b:{port}")], port), "{port}");
    }
    let fault = Egress::default().check(&destination("a.example", 25)).unwrap_err();
    assert_eq!(
        fault.detail,
        "port 25 of `a.example` is reserved for something else than the web; [egress] allow can list it, as \
         `a.example:25`, and whatever else is to be reached, such as `*`"
    );
}

#[test]
fn what_is_denied_or_not_allowed_is_refused_by_name_or_address() {
    // allow, deny, host, port, address; then whether its name passes, and whether its address does.
    type Row<'a> = (&'a [&'a str], &'a [&'a str], &'a str, u16, &'a str, bool, bool);
    let table: [Row<'_>; 14] = [
        (&[], &["*.ads.example"], "x.ads.example", 80, "192.0.2.1", false, false),
        (&[], &["*.ads.example"], "ads.example", 80, "192.0.2.1", true, true),
        (&[], &["10.0.0.0/8"], "a.example", 80, "10.1.1.1", true, false),
        (&[], &["10.0.0.0/8"], "a.example", 80, "::ffff:10.1.1.1", true, false),
        (&[], &["127.0.0.9"], "a.example", 80, "127.0.0.9", true, false),
        (&["*"], &["10.0.0.0/8:80"], "a.example", 8080, "10.1.1.1", true, true),
        (&["*.example"], &["a.example"], "a.example", 80, "192.0.2.1", false, false),
        (&["*.example"], &[], "b.example", 443, "192.0.2.1", true, true),
        (&["*.example"], &[], "b.test", 443, "192.0.2.1", false, false),
        (&["192.0.2.0/24"], &[], "b.test", 443, "192.0.2.1", true, true),
        (&["192.0.2.0/24"], &[], "b.test", 443, "198.51.100.1", true, false),
        (&["192.0.2.0/24:22"], &[], "b.test", 22, "192.0.2.1", true, true),
        (&["*"], &[], "b.test", 80, "169.254.169.254", true, false),
        (&["*", "169.254.169.254"], &[], "b.test", 80, "169.254.169.254", true, true),
    ];
    for (allow, deny, host, port, address, by_name, by_address) in table {
        let egress = Egress::new(policy(allow, deny));
        let destination = destination(host, port);
        assert_eq!(egress.check(&destination).is_ok(), by_name, "{allow:?} {deny:?} {host}:{port}");
        let checked = egress.check_address(&destination, address.parse().unwrap());
        assert_eq!(checked.is_ok(), by_address, "{allow:?} {deny:?} {host}:{port} {address}");
        assert!(checked.err().is_none_or(|fault| fault.kind == FaultKind::Denied));
    }
}

#[test]
fn a_server_that_the_operator_named_is_allowed_unless_it_is_denied() {
    let named = |deny: &[&str]| {
        let policy = Policy { named: vec![destination("backend", 81)], ..policy(&["*.example"], deny) };
        Egress::new(policy)
    };
    assert!(named(&[]).check(&destination("BACKEND", 81)).is_ok());
    assert!(named(&[]).check(&destination("backend", 82)).is_err());
    assert!(named(&["backend"]).check(&destination("backend", 81)).is_err());
}

#[test]
fn what_is_sealed_says_why_until_it_is_unsealed() {
    let egress = Egress::default();
    let destination = destination("a.example", 80);
    assert!(egress.check_seal().is_ok() && egress.check(&destination).is_ok());
    egress.seal("something else");
    egress.seal("addon `x` forbids it");
    let expected = Err(Fault::new(FaultKind::Offline, "addon `x` forbids it"));
    assert_eq!(egress.check_seal(), expected);
    // What is answered from a recording can still be asked for.
    assert!(egress.check(&destination).is_ok());
    egress.unseal();
    assert!(egress.check_seal().is_ok());
}
