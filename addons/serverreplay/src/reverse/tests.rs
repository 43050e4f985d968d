use proptest::prelude::*;

use super::*;

fn mapping(server: (&str, &str), client: Option<(&str, &str)>) -> Mapping {
    let client = client.map(|(scheme, authority)| (scheme.to_owned(), authority.to_owned()));
    Mapping { servers: vec![Server::new(server.0, server.1)], client, path: "/login?next=1".to_owned() }
}

const CLIENT: Option<(&str, &str)> = Some(("http", "127.0.0.1:8080"));

#[test]
fn urls_of_the_server_become_those_that_the_client_knows() {
    let https = mapping(("https", "real.example"), CLIENT);
    for (url, expected) in [
        ("https://real.example/home?a=1#b", Some("http://127.0.0.1:8080/home?a=1#b")),
        ("HTTPS://Real.Example:443", Some("http://127.0.0.1:8080")),
        ("https://real.example?a", Some("http://127.0.0.1:8080?a")),
        ("http://real.example/home", Some("http://127.0.0.1:8080/home")),
        ("https://user:secret@real.example/", Some("http://127.0.0.1:8080/")),
        ("//real.example/home", Some("//127.0.0.1:8080/home")),
        ("https://real.example:8443/", None),
        ("https://www.real.example/", None),
        ("https://real.example.evil/", None),
        ("https://other.example/?to=https://real.example/", None),
        ("/home", None),
        ("home//real.example", None),
        ("ftp://real.example/", None),
        ("", None),
    ] {
        assert_eq!(https.url(url).as_deref(), expected, "{url}");
    }
    let with_port = mapping(("http", "[::1]:3000"), Some(("https", "proxy.example")));
    assert_eq!(with_port.url("http://[::1]:3000/a").as_deref(), Some("https://proxy.example/a"));
    assert_eq!(with_port.url("http://[::1]/a"), None);
}

#[test]
fn a_server_that_sends_to_the_other_scheme_does_not_send_around_for_ever() {
    let http = mapping(("http", "real.example"), CLIENT);
    assert_eq!(http.url("https://real.example/login?next=1"), None);
    assert_eq!(http.url("https://real.example/home").as_deref(), Some("http://127.0.0.1:8080/home"));
}

#[test]
fn without_a_host_of_the_client_urls_have_none() {
    let nameless = mapping(("http", "real.example"), None);
    for (url, expected) in [
        ("http://real.example/home", "/home"),
        ("http://real.example", "/"),
        ("http://real.example?a", "/?a"),
        ("http://real.example//evil.example/", "/.//evil.example/"),
    ] {
        assert_eq!(nameless.url(url).as_deref(), Some(expected), "{url}");
    }
}

#[test]
fn refreshes_and_links_name_urls_too() {
    let mapping = mapping(("https", "real.example"), CLIENT);
    for (value, expected) in [
        ("5; url=https://real.example/a", Some("5; url=http://127.0.0.1:8080/a")),
        ("0;URL = 'https://real.example/a' ", Some("0;URL = 'http://127.0.0.1:8080/a' ")),
        ("0, https://real.example/a", Some("0, http://127.0.0.1:8080/a")),
        ("5", None),
        ("5; url=/a", None),
        ("5; url=", None),
    ] {
        assert_eq!(mapping.refresh(value).as_deref(), expected, "{value}");
    }
    let links = r#"<https://real.example/?page=2>; rel="next", </a>, <https://cdn.example/>"#;
    let mapped = r#"<http://127.0.0.1:8080/?page=2>; rel="next", </a>, <https://cdn.example/>"#;
    assert_eq!(mapping.link(links).as_deref(), Some(mapped));
    assert_eq!(mapping.link("</a>; rel=next, <open"), None);
}

#[test]
fn cookies_are_for_the_host_that_was_asked() {
    let plain = mapping(("https", "www.real.example"), CLIENT);
    for (value, expected) in [
        ("a=b; Domain=www.real.example; Path=/", Some("a=b; Path=/")),
        ("a=b; domain = .Real.Example; Path=/", Some("a=b; Path=/")),
        ("a=b;Secure;HttpOnly", Some("a=b;HttpOnly")),
        ("a=b; Secure; SameSite=None; Partitioned", Some("a=b")),
        ("a=b; SameSite=None", None),
        ("a=b; Secure; SameSite=Lax", Some("a=b; SameSite=Lax")),
        ("__Host-a=b; Secure; Path=/", None),
        ("__Secure-a=b; Secure; Domain=real.example", Some("__Secure-a=b; Secure")),
        ("a=b; Domain=other.example", None),
        ("a=b; Domain=al.example", None),
        ("secure; Path=/", None),
    ] {
        let found = plain.cookie(value.as_bytes()).map(|value| String::from_utf8(value).expect("it was text"));
        assert_eq!(found.as_deref(), expected, "{value}");
    }
    // The client knows the server by its own name, or by TLS.
    let same = mapping(("https", "www.real.example"), Some(("https", "dev.real.example:8443")));
    assert_eq!(same.cookie(b"a=b; Domain=real.example; Secure"), None);
    assert_eq!(same.cookie(b"a=b; Domain=www.real.example; Secure").as_deref(), Some(&b"a=b; Secure"[..]));
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_is_mapped_twice(value in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let mapping = mapping(("https", "real.example"), CLIENT);
        mapping.refresh(&value);
        mapping.link(&value);
        mapping.cookie(&bytes);
        if let Some(mapped) = mapping.url(&value) {
            prop_assert_eq!(mapping.url(&mapped), None);
        }
        let cookie = format!("a=b;{value}");
        if let Some(mapped) = mapping.cookie(cookie.as_bytes()) {
            prop_assert_eq!(mapping.cookie(&mapped), None);
        }
    }
}
