//! The options of server replay have their effect, under today's names and under the old flags.

use std::time::SystemTime;

use crate::harness::{Flow, Framing, Proxyhost, RecordingFile, get, post, recording};

const CART: &str = "http://shop.example/cart";

fn three() -> RecordingFile {
    recording(["one", "two", "three"].map(|body| get(CART).body(body)))
}

/// What five requests for the same get: the bodies, and nothing for a miss.
async fn five(args: &[&str]) -> Vec<String> {
    let recording = three();
    let start = Proxyhost::with(["--server-replay-extra", "204"]).replay(&recording);
    let proxy = args.iter().fold(start, |start, arg| start.arg(arg)).start().await;
    let mut wire = proxy.connect().await;
    let mut bodies = Vec::new();
    for _ in 0..5 {
        bodies.push(wire.get(CART).await.text());
    }
    bodies
}

#[tokio::test]
async fn each_mode_of_reuse_serves_its_own_order() {
    for (mode, expected) in [
        ("off", ["one", "two", "three", "", ""]),
        ("first", ["one"; 5]),
        ("last", ["three"; 5]),
        ("cycle", ["one", "two", "three", "one", "two"]),
        ("stick", ["one", "two", "three", "three", "three"]),
        ("true", ["one"; 5]),
        ("false", ["one", "two", "three", "", ""]),
    ] {
        assert_eq!(five(&["--set", &format!("server_replay_reuse={mode}")]).await, expected, "{mode}");
    }
}

#[tokio::test]
async fn old_flags_of_reuse_serve_the_first() {
    for flag in ["--no-pop", "--server-replay-reuse"] {
        assert_eq!(five(&[flag]).await, ["one"; 5], "{flag}");
    }
    assert_eq!(five(&["--set", "server_replay_nopop=true"]).await, ["one"; 5]);
}

#[tokio::test]
async fn the_flag_of_reuse_takes_its_value_or_stands_alone() {
    let cycle = ["one", "two", "three", "one", "two"];
    assert_eq!(five(&["--server-replay-reuse", "cycle"]).await, cycle);
    assert_eq!(five(&["--server-replay-reuse=cycle"]).await, cycle);
    assert_eq!(five(&["--server-replay-reuse", "-v"]).await, ["one"; 5]);
    let help = Proxyhost::with(["--help"]).run();
    let help = String::from_utf8_lossy(&help.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("[one of: off, first, last, cycle, stick, true, false]"), "{help}");
    // What follows is the command, and not a value.
    assert!(Proxyhost::with(["--server-replay-reuse", "check"]).run().status.success());
    for wrong in [&["--server-replay-reuse=never"][..], &["--server-replay-reuse", "never"]] {
        let said = Proxyhost::with(wrong.iter().copied()).refusal();
        assert!(said.contains("is one of off, first"), "{said}");
    }
}

#[tokio::test]
async fn several_recordings_are_used_one_after_the_other() {
    let (first, second) = (recording([get(CART).body("first")]), recording([get(CART).body("second")]));
    let proxy = Proxyhost::with(["-k"]).replay(&first).replay(&second).start().await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get(CART).await.text(), "first");
    assert_eq!(wire.get(CART).await.text(), "second");
}

/// A response with a date in each place that has one, an hour after the recording where it is about the future.
fn dated() -> Flow {
    get(CART)
        .at(1_700_000_000.0)
        .field("Date", "Tue, 14 Nov 2023 22:13:20 GMT")
        .field("Expires", "Tue, 14 Nov 2023 23:13:20 GMT")
        .field("Last-Modified", "Tue, 14 Nov 2023 21:13:20 GMT")
        .field("Set-Cookie", "Id=a ;Path=/; EXPIRES=Tue, 14 Nov 2023 23:13:20 GMT;HttpOnly")
        .field("X-Date", "Tue, 14 Nov 2023 22:13:20 GMT")
}

fn seconds(date: &str) -> u64 {
    let date = httpdate::parse_http_date(date).unwrap_or_else(|_| panic!("`{date}` is no date"));
    date.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

#[tokio::test]
async fn dates_and_the_expiry_of_cookies_move_with_the_time() {
    let recording = recording([dated()]);
    let proxy = Proxyhost::replaying(&recording).await;
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let before = now();
    let response = proxy.connect().await.get(CART).await;
    let date = seconds(response.field("date").expect("a date"));
    // What comes out is rounded down.
    assert!((before - 1..=now()).contains(&date), "{response:?}");
    assert_eq!(seconds(response.field("expires").expect("an expiry")), date + 3600);
    assert_eq!(seconds(response.field("last-modified").expect("a date")), date - 3600);
    assert_eq!(response.field("x-date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
    let cookie = response.field("set-cookie").expect("a cookie");
    let expires = cookie.strip_prefix("Id=a ;Path=/; EXPIRES=").and_then(|rest| rest.strip_suffix(";HttpOnly"));
    assert_eq!(seconds(expires.unwrap_or_else(|| panic!("{cookie}"))), date + 3600);
}

#[tokio::test]
async fn without_refresh_everything_is_as_recorded() {
    for flags in [&["--norefresh"][..], &["--no-server-replay-refresh"], &["--set", "server_replay_refresh=false"]] {
        let recording = recording([dated()]);
        let start = flags.iter().fold(Proxyhost::with(["-k"]), |start, flag| start.arg(flag));
        let proxy = start.replay(&recording).start().await;
        let response = proxy.connect().await.get(CART).await;
        let expected = [
            ("Date", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("Expires", "Tue, 14 Nov 2023 23:13:20 GMT"),
            ("Last-Modified", "Tue, 14 Nov 2023 21:13:20 GMT"),
            ("Set-Cookie", "Id=a ;Path=/; EXPIRES=Tue, 14 Nov 2023 23:13:20 GMT;HttpOnly"),
            ("X-Date", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ];
        let shown = response.fields_without(&["content-length"]);
        let shown: Vec<(&str, &str)> = shown.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(shown, expected);
    }
}

/// Whether a request is answered from a recording of another one, without flags and with them.
async fn matches(recorded: Flow, flags: &[&str], live: (&str, &str, &[(&str, &str)], &[u8])) -> [bool; 2] {
    let recording = recording([recorded.body("hit")]);
    let (method, url, fields, body) = live;
    let mut found = [false; 2];
    for (found, flags) in found.iter_mut().zip([&[], flags]) {
        let start = Proxyhost::with(["--server-replay-extra", "404"]).replay(&recording);
        let proxy = flags.iter().fold(start, |start, flag| start.arg(flag)).start().await;
        let host = url.split('/').nth(2).expect("a host");
        let response = proxy.connect().await.ask(method, url, host, fields, body).await;
        *found = response.status() == 200;
    }
    found
}

#[tokio::test]
async fn parameters_are_ignored_by_name() {
    let recorded = get("http://shop.example/cart?page=1&time=1");
    let live = ("GET", "http://shop.example/cart?page=1&time=2", &[][..], &b""[..]);
    assert_eq!(matches(recorded.clone(), &["--replay-ignore-param", "time"], live).await, [false, true]);
    let live = ("GET", "http://shop.example/cart?page=2&time=2", &[][..], &b""[..]);
    assert_eq!(matches(recorded, &["--replay-ignore-param", "time"], live).await, [false, false]);
}

#[tokio::test]
async fn content_and_payload_parameters_are_ignored() {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let recorded = post(CART, "a=1&time=1").request_field(form[0].0, form[0].1);
    let live = ("POST", CART, &form[..], &b"a=1&time=2"[..]);
    assert_eq!(matches(recorded.clone(), &["--replay-ignore-payload-param", "time"], live).await, [false, true]);
    assert_eq!(matches(recorded, &["--replay-ignore-content"], live).await, [false, true]);
}

#[tokio::test]
async fn host_port_and_scheme_are_ignored() {
    let recorded = get(CART);
    let live = |url: &'static str| ("GET", url, &[][..], &b""[..]);
    let host = live("http://other.example/cart");
    assert_eq!(matches(recorded.clone(), &["--replay-ignore-host"], host).await, [false, true]);
    let port = live("http://shop.example:8080/cart");
    assert_eq!(matches(recorded.clone(), &["--set", "server_replay_ignore_port"], port).await, [false, true]);
    let scheme = live("https://shop.example:80/cart");
    assert_eq!(matches(recorded.clone(), &["--set", "server_replay_ignore_scheme"], scheme).await, [false, true]);
    let origin = live("https://other.example:8443/cart");
    assert_eq!(matches(recorded, &["--set", "server_replay_ignore_origin"], origin).await, [false, true]);
}

#[tokio::test]
async fn a_named_field_has_to_match_as_well() {
    let of = |account: &str| get(CART).request_field("X-Account", account).body(account);
    let recording = recording([of("a"), of("b")]);
    for flag in ["--rheader", "--server-replay-use-header"] {
        let proxy = Proxyhost::with(["-k", flag, "x-account"]).replay(&recording).start().await;
        let mut wire = proxy.connect().await;
        for account in ["b", "a"] {
            let response = wire.ask("GET", CART, "shop.example", &[("X-Account", account)], b"").await;
            assert_eq!(response.text(), account, "{flag}");
        }
    }
}

#[tokio::test]
async fn the_flag_that_was_renamed_says_so_and_works() {
    let recording = recording([get(CART)]);
    let proxy = Proxyhost::with(["--server-replay-kill-extra"]).replay(&recording).start().await;
    let line = proxy.wait_for_log("deprecated").await;
    let expected = "WARN `--server-replay-kill-extra`: option `server_replay_kill_extra` is deprecated; use \
                    server_replay_extra=kill instead";
    assert_eq!(line, expected);
    let mut wire = proxy.connect().await;
    wire.send("GET http://shop.example/other HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    assert_eq!(wire.read_to_end().await, b"");
}

#[tokio::test]
async fn a_replayed_response_is_framed_for_the_client_whatever_the_recording_says() {
    let wrong = |field: &str, value: &str| get(CART).field(field, value).field("X-Kept", "1").body("content");
    let recording = recording([
        wrong("Content-Length", "3"),
        wrong("Transfer-Encoding", "chunked"),
        wrong("Connection", "close, x-gone").field("X-Gone", "1").field("Keep-Alive", "timeout=5"),
        wrong("X-Other", "1").trailer("X-Sum", "abc").field("Content-Length", "7"),
        get(CART).status(304, "Not Modified").field("Content-Length", "100"),
        get(CART).status(204, "No Content").field("Content-Length", "0"),
        get(CART).status(299, "Quite Fine").body("content"),
        get(CART).method("HEAD").field("Content-Length", "1000"),
    ]);
    let proxy = Proxyhost::with(["-k", "--set", "server_replay_reuse=cycle"]).replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    for framing in [Framing::Length, Framing::Chunked, Framing::Length] {
        let response = wire.get(CART).await;
        assert_eq!((response.framing, response.text().as_str()), (framing, "content"));
        assert_eq!(
            response.fields_without(&["content-length", "transfer-encoding"]),
            [("X-Kept".to_owned(), "1".to_owned())]
        );
    }
    let takes_trailers = [("TE", "trailers"), ("Connection", "TE")];
    let trailed = wire.ask("GET", CART, "shop.example", &takes_trailers, b"").await;
    assert_eq!((trailed.framing, trailed.text().as_str()), (Framing::Chunked, "content"));
    assert_eq!(trailed.trailers, [("x-sum".to_owned(), "abc".to_owned())]);
    let known = [("If-None-Match", "\"a\"")];
    for (fields, expected) in [(&known[..], "HTTP/1.1 304 Not Modified"), (&[], "HTTP/1.1 204 No Content")] {
        let response = wire.ask("GET", CART, "shop.example", fields, b"").await;
        assert_eq!((response.first.as_str(), response.fields), (expected, Vec::new()));
    }
    assert_eq!(wire.get(CART).await.first, "HTTP/1.1 299 Quite Fine");
    let head = wire.ask("HEAD", CART, "shop.example", &[], b"").await;
    assert_eq!(head.field("content-length"), Some("1000"));

    let mut client = proxy.http2().await;
    for _ in 0..3 {
        let response = client.get(CART).await;
        assert_eq!(response.text(), "content");
        assert_eq!(response.fields_without(&["content-length"]), [("x-kept".to_owned(), "1".to_owned())]);
    }
    let trailed = client.get(CART).await;
    assert_eq!(trailed.text(), "content");
    assert_eq!(trailed.trailers, [("x-sum".to_owned(), "abc".to_owned())]);
    assert_eq!(client.ask("GET", CART, &known, b"").await.status(), 304);
    assert_eq!(client.get(CART).await.status(), 204);
    assert_eq!(client.get(CART).await.status(), 299);
    let head = client.ask("HEAD", CART, &[], b"").await;
    assert_eq!(head.field("content-length"), Some("1000"));
}

#[tokio::test]
async fn a_large_recorded_body_arrives_whole() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let recording = recording([get(CART).body(&body), get(CART).body(&body)]);
    let proxy = Proxyhost::replaying(&recording).await;
    let response = proxy.connect().await.get(CART).await;
    assert!(response.framing == Framing::Length && response.body == body);
    assert!(proxy.http2().await.get(CART).await.body == body);
}

#[tokio::test]
async fn a_flag_that_turns_off_what_is_deprecated_names_what_is_off() {
    let proxy = Proxyhost::with(["--no-server-replay-kill-extra"]).start().await;
    let line = proxy.wait_for_log("deprecated").await;
    let expected = "WARN `--no-server-replay-kill-extra`: option `server_replay_kill_extra` is deprecated; use \
                    server_replay_extra=forward instead";
    assert_eq!(line, expected);
}

#[tokio::test]
async fn the_short_flag_of_mitmproxys_other_one_says_what_it_is() {
    let proxy = Proxyhost::with(["-k"]).start().await;
    proxy.wait_for_log("-k kills requests that no recording answers; it is not --insecure").await;
}
