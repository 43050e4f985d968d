use bytes::Bytes;

use super::*;

/// The head of a request of this version and target, with these fields.
fn parts(version: Version, method: &str, target: &str, fields: &[(&'static str, &'static str)]) -> Parts {
    let uri = Uri::from_maybe_shared(Bytes::copy_from_slice(target.as_bytes())).expect(target);
    let mut request = http::Request::builder().version(version).method(method).uri(uri);
    for &(name, value) in fields {
        request = request.header(name, value);
    }
    request.body(()).unwrap().into_parts().0
}

fn head(parts: Parts, entry: &Entry, host: HostField) -> Result<RequestHead, Fault> {
    parsed(parts, entry, host).map(|(head, _)| head)
}

fn admitted(method: &str, target: &str, entry: &Entry) -> Result<RequestHead, String> {
    head(parts(Version::HTTP_11, method, target, &[("host", "a.example")]), entry, HostField::Rewritten)
        .map_err(|fault| fault.detail)
}

fn tunnel() -> Entry {
    Entry::Tunnel(Destination::new(Scheme::Https, "a.example", 443).unwrap())
}

fn reverse() -> Entry {
    Entry::Reverse(Destination::new(Scheme::Http, "b.example", 3000).unwrap())
}

fn refusal(why: &str) -> Result<RequestHead, String> {
    Err(format!("the request cannot be taken: {why}"))
}

fn assert_refused(found: Result<RequestHead, String>, why: &str) {
    assert_eq!(found.map(|head| head.shown()), refusal(why).map(|head| head.shown()));
}

#[test]
fn a_request_goes_where_its_url_says() {
    let head = admitted("GET", "HTTP://User.example:8080/a?b", &Entry::Proxy).unwrap();
    assert_eq!(head.destination, Destination::new(Scheme::Http, "User.example", 8080).unwrap());
    assert_eq!(head.authority.unwrap(), "User.example:8080");
    assert_eq!(head.target.as_str(), "/a?b");
    assert_eq!(head.fields.get(&header::HOST).unwrap(), "User.example:8080");
    let head = admitted("GET", "http://a.example?b", &Entry::Proxy).unwrap();
    assert_eq!(head.target.as_str(), "/?b");
    assert_eq!(admitted("GET", "http://a.example", &Entry::Proxy).unwrap().target.as_str(), "/");
}

#[test]
fn a_path_alone_is_for_servers_and_not_for_a_proxy() {
    let why = "its target is a path, and this is a proxy: ask it for a whole URL (or use --mode reverse)";
    assert_refused(admitted("GET", "/a", &Entry::Proxy), why);
    assert_refused(admitted("OPTIONS", "*", &Entry::Proxy), why);
    assert_eq!(admitted("GET", "/a", &tunnel()).unwrap().shown(), "https://a.example/a");
    let head = admitted("GET", "/a", &reverse()).unwrap();
    assert_eq!(head.shown(), "http://b.example:3000/a");
    assert_eq!(head.fields.get(&header::HOST).unwrap(), "b.example:3000");
}

#[test]
fn a_host_field_that_is_kept_stays_as_it_came() {
    let found = |entry: &Entry, version, target, host: &'static str| {
        let head = head(parts(version, "GET", target, &[("host", host)]), entry, HostField::Kept).unwrap();
        let field = head.fields.get(&header::HOST).unwrap().to_str().unwrap().to_owned();
        (head.destination.host().to_owned(), head.authority.unwrap().to_string(), field)
    };
    let owned =
        |destination: &str, named: &str, field: &str| (destination.to_owned(), named.to_owned(), field.to_owned());
    let url = found(&Entry::Proxy, Version::HTTP_11, "http://a.example/", "Other.example");
    assert_eq!(url, owned("a.example", "a.example", "Other.example"));
    let named = found(&reverse(), Version::HTTP_11, "/", "A.example:81");
    assert_eq!(named, owned("b.example", "A.example:81", "A.example:81"));
    let none = parts(Version::HTTP_10, "GET", "/", &[]);
    let none = head(none, &reverse(), HostField::Kept).unwrap();
    assert_eq!(none.fields.get(&header::HOST).unwrap(), "b.example:3000");
}

#[test]
fn other_schemes_are_refused() {
    assert_refused(admitted("GET", "ftp://a.example/", &Entry::Proxy), "the scheme `ftp` is not http or https");
}

#[test]
fn the_server_as_a_whole_is_asked_for_by_options_only() {
    for target in ["http://a.example", "http://a.example:80"] {
        assert_eq!(admitted("OPTIONS", target, &Entry::Proxy).unwrap().target, Target::Asterisk, "{target}");
    }
    assert_eq!(admitted("OPTIONS", "http://a.example/", &Entry::Proxy).unwrap().target.as_str(), "/");
    assert_eq!(admitted("OPTIONS", "*", &tunnel()).unwrap().target, Target::Asterisk);
    assert_eq!(admitted("OPTIONS", "*", &reverse()).unwrap().target, Target::Asterisk);
    assert_refused(admitted("GET", "*", &tunnel()), "its target is `*`, which only OPTIONS asks for");
}

#[test]
fn what_is_no_path_is_refused() {
    let why = "its target is a host, which only CONNECT asks for";
    for entry in [Entry::Proxy, tunnel(), reverse()] {
        assert_refused(admitted("GET", "a.example:443", &entry), why);
    }
}

#[test]
fn a_host_is_a_name_or_an_address_with_a_port() {
    for host in ["u@a.example", "a.example:", "a.example:99999", "a b", ""] {
        let fields: [(&'static str, &'static str); 1] = [("host", host)];
        let found = head(parts(Version::HTTP_11, "GET", "/", &fields), &tunnel(), HostField::Rewritten);
        assert!(found.is_err(), "{host}");
    }
    for target in ["http://u@a.example/", "http://a.example:0/"] {
        assert!(admitted("GET", target, &Entry::Proxy).is_err(), "{target}");
    }
    let two = [("host", "a.example"), ("host", "a.example")];
    let found =
        head(parts(Version::HTTP_11, "GET", "/", &two), &tunnel(), HostField::Rewritten).map_err(|fault| fault.detail);
    assert_refused(found, "it has more than one host field");
    let found =
        head(parts(Version::HTTP_11, "GET", "/", &[]), &tunnel(), HostField::Rewritten).map_err(|fault| fault.detail);
    assert_refused(found, "it has no host field");
}

#[test]
fn a_host_field_that_says_another_host_is_refused_in_http2() {
    let over_http2 = |host| {
        let parts = parts(Version::HTTP_2, "GET", "https://a.example/b", &[("host", host)]);
        head(parts, &tunnel(), HostField::Rewritten).map_err(|fault| fault.detail)
    };
    for same in ["a.example", "A.Example", "a.example:443"] {
        assert_eq!(over_http2(same).unwrap().shown(), "https://a.example/b", "{same}");
    }
    for other in ["b.example", "a.example:80", "a.example.", "u@a.example"] {
        assert!(over_http2(other).is_err(), "{other}");
    }
}

#[test]
fn framing_that_could_be_read_in_two_ways_is_refused() {
    let refused = |version, fields: &[(&'static str, &'static str)]| {
        let fields = [&[("host", "a.example")], fields].concat();
        head(parts(version, "POST", "/", &fields), &tunnel(), HostField::Rewritten).is_err()
    };
    assert!(refused(Version::HTTP_11, &[("transfer-encoding", "gzip, chunked")]));
    assert!(refused(Version::HTTP_10, &[("transfer-encoding", "chunked")]));
    assert!(refused(Version::HTTP_11, &[("content-length", "1"), ("content-length", "1")]));
    assert!(refused(Version::HTTP_2, &[("te", "gzip")]));
    assert!(!refused(Version::HTTP_11, &[("transfer-encoding", "chunked"), ("te", "gzip")]));
}

#[test]
fn an_upgrade_is_asked_for_by_both_fields() {
    let upgrade = |fields: &[(&'static str, &'static str)]| {
        let fields = [&[("host", "a.example")], fields].concat();
        head(parts(Version::HTTP_11, "GET", "/", &fields), &tunnel(), HostField::Rewritten).unwrap().upgrade
    };
    assert_eq!(upgrade(&[("connection", "x, Upgrade"), ("upgrade", "websocket")]).unwrap(), "websocket");
    assert_eq!(upgrade(&[("upgrade", "websocket")]), None);
    assert_eq!(upgrade(&[("connection", "upgrade"), ("upgrade", "h2c")]), None);
}
