use x509_parser::prelude::{FromDer, X509Certificate};

use super::super::handshake::authority;
use super::*;

#[test]
fn bad_names_are_refused() {
    let (authority, _dir) = authority();
    let long = format!("{}example", "a.".repeat(124));
    let table = [
        "",
        ".",
        "..",
        "*",
        "*.example",
        "a b.example",
        " a.example",
        "a.example\n",
        "a\0.example",
        "a\r\nhost: b",
        "\u{7f}",
        "b\u{fc}cher.example",
        "a..example",
        ".example",
        "-a.example",
        "a-.example",
        "a.example:443",
        "user@a.example",
        "a/b",
        "1.2.3",
        "1.2.3.4.5",
        "0x7f000001",
        "[1.2.3.4]",
        "[a.example]",
        "[::1",
        "::1]",
        "fe80::1%eth0",
        "[::1]:443",
        "[[::1]]",
        &"a".repeat(64),
        &"a".repeat(10_000),
        &long,
    ];
    for host in table {
        let refused = authority.leaf(host);
        assert!(matches!(refused, Err(CaError::Host { .. })), "{host:?}");
    }
}

#[test]
fn a_bad_name_is_shown_escaped_and_cut() {
    let error = parse_host(&format!("a\n{}", "b".repeat(10_000))).unwrap_err();
    let expected = format!(
        "cannot make a certificate for `a\\n{}`: expected a DNS name of at most 253 ASCII \
         characters, or an IP address",
        "b".repeat(78)
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn spellings_of_one_host_share_a_certificate() {
    let (authority, _dir) = authority();
    for [one, other] in [["api.example", "API.EXAMPLE."], ["2001:db8::1", "[2001:0DB8:0::1]"]] {
        let (one, other) = (authority.leaf(one), authority.leaf(other));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
    }
}

#[test]
fn a_leaf_says_what_clients_check() {
    let (authority, _dir) = authority();
    let now = OffsetDateTime::now_utc();
    let long = format!("{}.example", "a".repeat(60));
    let mut serials = Vec::new();
    for (host, common_name) in [("api.example", Some("api.example")), (&long, None)] {
        let leaf = authority.leaf_at(host, now).unwrap();
        let (_, parsed) = X509Certificate::from_der(&leaf.cert[0]).unwrap();
        let (_, issuer) = X509Certificate::from_der(&leaf.cert[1]).unwrap();
        let mut names = parsed.subject().iter_common_name();
        assert_eq!(names.next().map(|n| n.as_str().unwrap()), common_name);
        assert!(!parsed.is_ca());
        assert!(parsed.extended_key_usage().unwrap().unwrap().value.server_auth);
        assert_eq!(parsed.issuer().as_raw(), issuer.subject().as_raw());
        assert_eq!(key_id(&parsed), key_id(&issuer));
        parsed.verify_signature(Some(issuer.public_key())).unwrap();

        let validity = parsed.validity();
        let start = validity.not_before.timestamp() - now.unix_timestamp();
        let end = validity.not_after.timestamp() - now.unix_timestamp();
        assert_eq!([start, end], [-2, 197].map(|days| days * 86_400));
        serials.push(parsed.raw_serial().to_vec());
    }
    assert_ne!(serials[0], serials[1]);
}

/// The authority's key, by which leaf and authority name each other.
fn key_id(certificate: &X509Certificate<'_>) -> Vec<u8> {
    use x509_parser::extensions::ParsedExtension::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
    let ids = |pick_authority: bool| {
        certificate.extensions().iter().find_map(move |extension| match extension.parsed_extension() {
            AuthorityKeyIdentifier(id) if pick_authority => Some(id.key_identifier.as_ref()?.0.to_vec()),
            SubjectKeyIdentifier(id) if !pick_authority => Some(id.0.to_vec()),
            _ => None,
        })
    };
    ids(true).or_else(|| ids(false)).unwrap()
}

#[test]
fn no_leaf_outlives_the_authority() {
    let (authority, _dir) = authority();
    let late = authority.expiry - Duration::days(10);
    let leaf = authority.leaf_at("api.example", late).unwrap();
    let (_, parsed) = X509Certificate::from_der(&leaf.cert[0]).unwrap();
    assert_eq!(parsed.validity().not_after.to_datetime(), authority.expiry);
    let refused = authority.leaf_at("api.example", authority.expiry);
    assert!(matches!(refused, Err(CaError::Expired { .. })));
}

#[test]
fn a_leaf_is_made_anew_when_the_clock_leaves_it() {
    let (authority, _dir) = authority();
    let now = OffsetDateTime::now_utc();
    let at = |days| {
        let now = now + Duration::days(days);
        authority.leaf_at("api.example", now).unwrap()
    };
    let first = at(0);
    assert!(Arc::ptr_eq(&first, &at(98)));
    assert!(Arc::ptr_eq(&first, &at(-1)));
    let ahead = at(400);
    assert!(!Arc::ptr_eq(&first, &ahead));
    assert!(Arc::ptr_eq(&ahead, &at(401)));
    let back = at(0);
    assert!(!Arc::ptr_eq(&ahead, &back));
    assert!(Arc::ptr_eq(&back, &at(1)));
}

#[test]
fn only_the_last_thousand_are_kept() {
    let (authority, _dir) = authority();
    let first = authority.leaf("host0.example").unwrap();
    for index in 1..1_000 {
        authority.leaf(&format!("host{index}.example")).unwrap();
    }
    assert!(Arc::ptr_eq(&first, &authority.leaf("host0.example").unwrap()));
    let second = Arc::downgrade(&authority.leaf("host1.example").unwrap());
    for index in 1_000..2_000 {
        authority.leaf(&format!("host{index}.example")).unwrap();
    }
    assert_eq!(authority.leaves.lock().len(), 1_000);
    assert!(second.upgrade().is_none());
}

#[test]
fn concurrent_callers_get_one_certificate() {
    let (authority, _dir) = authority();
    let barrier = std::sync::Barrier::new(8);
    let leaves: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    authority.leaf("api.example").unwrap()
                })
            })
            .collect();
        callers.into_iter().map(|c| c.join().unwrap()).collect()
    });
    assert!(leaves.iter().all(|leaf| Arc::ptr_eq(leaf, &leaves[0])));
}
