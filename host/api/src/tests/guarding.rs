//! Who is let through, to each route there is.

use super::harness::{Reply, Served, TOKEN};
use crate::routes::{Needs, ROUTES, Route};

/// The path of a route with something in the place of each name.
fn path(route: &Route) -> String {
    route.path.replace("{id}", "4").replace("{name}", "x")
}

/// Sends the same to each route.
async fn everywhere(fields: &str, mut see: impl FnMut(&Route, Reply)) {
    let served = Served::start().await;
    for route in ROUTES {
        see(route, served.ask_plain(route.method.as_str(), &path(route), fields, b"").await);
        assert_eq!(served.fake.asked(), [""; 0], "{} {}", route.method, route.path);
    }
}

const BEARER: &str = "authorization: Bearer 0123456789abcdef\r\n";

#[tokio::test]
async fn under_a_name_of_somebody_else_nothing_is_answered() {
    for host in [
        "host: evil.example\r\n",
        "host: evil.example:80\r\n",
        "host: localhost.evil.example\r\n",
        "host: 127.0.0.1.evil.example\r\n",
        "host: 192.0.2.1\r\n",
        "host: localhost@evil.example\r\n",
        "host: evil.example@localhost\r\n",
        "host: \r\n",
        "",
        "host: localhost\r\nhost: evil.example\r\n",
        "host: [::2]:80\r\n",
        "host: 127.0.0.1 evil\r\n",
    ] {
        everywhere(&format!("{host}{BEARER}"), |route, reply| {
            assert_eq!(reply.status, 421, "{host:?} {}", route.path);
        })
        .await;
    }
}

#[tokio::test]
async fn under_a_name_of_its_own_it_answers() {
    let served = Served::start_as(Some("Proxy.local")).await;
    for host in
        ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.9:99", "[::1]", "[::ffff:127.0.0.1]:1", "proxy.local:9"]
    {
        let reply = served.ask_plain("GET", "/v1/health", &format!("host: {host}\r\n{BEARER}"), b"").await;
        assert_eq!(reply.status, 200, "{host}");
    }
    // The form of a target that proxies get.
    for (target, status) in [("http://evil.example/v1/health", 421), ("http://localhost/v1/health", 200)] {
        let reply = served.ask_plain("GET", target, &format!("host: localhost\r\n{BEARER}"), b"").await;
        assert_eq!(reply.status, status, "{target}");
    }
}

#[tokio::test]
async fn to_a_page_of_another_origin_nothing_is_answered() {
    for fields in [
        "origin: http://evil.example\r\n",
        "origin: null\r\n",
        "origin: \r\n",
        "origin: http://localhost:3000\r\n",
        "origin: https://localhost\r\n",
        "origin: http://localhost\r\norigin: http://evil.example\r\n",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
        "sec-fetch-site: anything\r\n",
    ] {
        everywhere(&format!("host: localhost\r\n{fields}{BEARER}"), |route, reply| {
            assert_eq!(reply.status, 403, "{fields:?} {}", route.path);
            assert!(!reply.head.contains("access-control-"), "{}", reply.head);
        })
        .await;
    }
}

#[tokio::test]
async fn to_its_own_origin_it_answers_without_letting_others_read() {
    let served = Served::start().await;
    for fields in ["origin: http://localhost:9\r\nsec-fetch-site: same-origin\r\n", "sec-fetch-site: none\r\n"] {
        let reply = served.ask_plain("GET", "/v1/flows", &format!("host: localhost:9\r\n{fields}{BEARER}"), b"").await;
        assert_eq!(reply.status, 200, "{fields}");
        assert!(!reply.head.contains("access-control-"), "{}", reply.head);
    }
    let asked = "origin: http://localhost\r\naccess-control-request-method: PATCH\r\n";
    let reply = served.ask_plain("OPTIONS", "/v1/options", &format!("host: localhost\r\n{asked}{BEARER}"), b"").await;
    assert_eq!(reply.status, 405);
    assert!(!reply.head.contains("access-control-"), "{}", reply.head);
}

#[tokio::test]
async fn without_the_token_nothing_is_shown_or_changed() {
    for fields in [
        String::new(),
        "authorization: Bearer \r\n".to_owned(),
        "authorization: Bearer 0123456789abcdeF\r\n".to_owned(),
        format!("authorization: Basic {TOKEN}\r\n"),
        format!("authorization: Bearer{TOKEN}\r\n"),
        format!("authorization: Bearer {TOKEN}{TOKEN}\r\n"),
        format!("authorization: {TOKEN}\r\n"),
        format!("{BEARER}authorization: Bearer x\r\n"),
        format!("cookie: token={TOKEN}\r\n"),
    ] {
        everywhere(&format!("host: localhost\r\n{fields}"), |route, reply| {
            let expected = if route.needs == Needs::Nothing { 200 } else { 401 };
            assert_eq!(reply.status, expected, "{fields:?} {}", route.path);
            let challenge = reply.field("www-authenticate");
            assert_eq!(challenge, (expected == 401).then_some("bearer realm=\"proxyhost\""));
        })
        .await;
    }
    let served = Served::start().await;
    // Nor in the query, nor by a path that is only almost open, nor is it said what there is.
    for path in
        [format!("/v1/flows?token={TOKEN}"), "/metrics/".to_owned(), "//healthz".to_owned(), "/v1/none".to_owned()]
    {
        assert_eq!(served.ask_with("GET", &path, "", b"").await.status, 401, "{path}");
    }
    let lower = format!("authorization: bearer   {TOKEN} \r\n");
    assert_eq!(served.ask_with("GET", "/v1/flows", &lower, b"").await.status, 200);
}
