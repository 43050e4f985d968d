use http::{Version, uri::PathAndQuery};

use super::*;
use crate::flow::{Destination, FlowId, Note, Scheme};

fn request(method: Method, host: &str, path: &str) -> Request {
    let head = RequestHead {
        method,
        destination: Destination::new(Scheme::Http, host, 80).unwrap(),
        authority: None,
        target: Target::Path(PathAndQuery::try_from(path).unwrap()),
        version: Version::HTTP_11,
        fields: Fields::default(),
        accepts_trailers: false,
        upgrade: None,
    };
    Request::new(FlowId(1), head, Body::Empty)
}

fn onboarding() -> Onboarding {
    let dir = tempfile::tempdir().unwrap();
    Onboarding::new(&CertificateAuthority::load_or_create(dir.path()).unwrap())
}

#[test]
fn its_hosts_are_answered_and_no_others() {
    let onboarding = onboarding();
    let status = |method: Method, host: &str, path: &str| {
        let answer = onboarding.answer(&request(method, host, path), &Action::Next(()));
        answer.map(|answer| answer.head.status.as_u16())
    };
    for host in ["mitm.it", "MITM.it", "proxyhost.local"] {
        for path in ["/", "/?x=1", "/cert/pem", "/cert/cer", "/cert/p12", "/proxyhost-ca-cert.der"] {
            assert_eq!(status(Method::GET, host, path), Some(200), "{host}{path}");
        }
        assert_eq!(status(Method::GET, host, "/proxyhost-ca.pem"), Some(404));
        assert_eq!(status(Method::POST, host, "/"), Some(405));
    }
    for host in ["mitm.it.example", "xmitm.it", "localhost"] {
        assert_eq!(status(Method::GET, host, "/"), None, "{host}");
    }
}

#[test]
fn what_an_addon_decided_stays_unless_it_found_nothing() {
    let (onboarding, asked) = (onboarding(), request(Method::GET, "mitm.it", "/"));
    let answered = |request: &Request| {
        let own = Response::new(StatusCode::OK, Fields::default(), Body::Empty);
        [Action::<()>::Kill, Action::Respond(Box::new(own))]
            .map(|decided| onboarding.answer(request, &decided).is_some())
    };
    assert_eq!(answered(&asked), [false, false]);
    let note = Note { addon: "a".into(), name: "missed".to_owned(), text: String::new(), data: None };
    asked.notes.add(note).unwrap();
    assert_eq!(answered(&asked), [true, true]);
}
