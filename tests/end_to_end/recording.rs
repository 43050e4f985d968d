//! Recording what passes, and replaying the recording with the server gone.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::harness::{Message, Origin, Proxyhost, RecordingFile, Target, get, recording};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nX-Camel: 1\r\nContent-Length: 5\r\n\r\nhello";

/// What a proxy wrote, as a recording.
fn recorded(target: &Target) -> RecordingFile {
    RecordingFile::of_bytes(&fs::read(target.path()).expect("something was recorded"))
}

#[tokio::test]
async fn what_was_recorded_replays_with_the_server_gone() {
    let origin = Origin::answering(|request| match request.first.split(' ').nth(1) {
        Some("/chunked") => {
            b"HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n4\r\n\
                              defg\r\n0\r\nX-Sum: 7\r\n\r\n"
                .to_vec()
        }
        Some("/none") => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        Some("/echo") => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.body.len());
            [head.as_bytes(), &request.body].concat()
        }
        _ => HELLO.to_vec(),
    })
    .await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    let asked = ask_all(&proxy, &origin).await;
    drop(proxy);
    assert_eq!(fs::metadata(target.path()).expect("a recording").permissions().mode() & 0o777, 0o600);

    let proxy = Proxyhost::replaying(&recorded(&target)).await;
    let replayed = ask_all(&proxy, &origin).await;
    for (asked, replayed) in asked.iter().zip(&replayed) {
        // What is added on the way, and the framing, may differ.
        let (asked_fields, replayed_fields) = (shown(asked), shown(replayed));
        assert_eq!((&asked.first, asked_fields, asked.text()), (&replayed.first, replayed_fields, replayed.text()));
        assert_eq!(asked.trailers, replayed.trailers);
    }
    assert_eq!(origin.received().len(), asked.len());
}

fn shown(message: &Message) -> Vec<(String, String)> {
    message.fields_without(&["via", "date", "content-length", "transfer-encoding"])
}

async fn ask_all(proxy: &Proxyhost, origin: &Origin) -> Vec<Message> {
    let mut wire = proxy.connect().await;
    let authority = origin.authority();
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("GET", "/", ""),
        ("GET", "/chunked", ""),
        ("DELETE", "/none", ""),
        ("HEAD", "/", ""),
        ("POST", "/echo", "1=2"),
    ] {
        answers.push(
            wire.ask(method, &origin.url(path), &authority, &[("X-Mine", "1"), ("TE", "trailers")], body.as_bytes())
                .await,
        );
    }
    answers
}

#[tokio::test]
async fn names_keep_their_case_and_the_proxys_own_fields_are_not_recorded() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    proxy.connect().await.ask("GET", &origin.url("/"), &origin.authority(), &[("X-MINE", "1")], b"").await;
    drop(proxy);
    let bytes = fs::read(target.path()).expect("a recording");
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("6:X-MINE,") && holds("7:X-Camel,") && holds("4:Host,"));
    assert!(!holds("proxyhost-") && !holds("3:via,"), "{}", bytes.escape_ascii());
}

#[tokio::test]
async fn https_is_recorded_over_both_versions() {
    let origin = Origin::http2(|request| {
        let mut response = http::Response::new(format!("you asked for {}", request.uri().path()).into());
        response.headers_mut().insert("x-two", http::HeaderValue::from_static("2"));
        response
    })
    .await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with(["--upstream-ca"]).arg(origin.ca()).record(&target).start().await;
    let authority = origin.authority();
    let first = proxy.tls_http2(&authority).await.get(&origin.url("/a")).await;
    let second = proxy.tls(&authority).await.ask("GET", "/b", &authority, &[], b"").await;
    assert_eq!((first.text(), second.text()), ("you asked for /a".to_owned(), "you asked for /b".to_owned()));
    drop(proxy);

    let proxy = Proxyhost::replaying(&recorded(&target)).await;
    let first = proxy.tls(&authority).await.ask("GET", "/a", &authority, &[], b"").await;
    let second = proxy.tls_http2(&authority).await.get(&origin.url("/b")).await;
    assert_eq!((first.text(), second.text()), ("you asked for /a".to_owned(), "you asked for /b".to_owned()));
    assert_eq!(first.field("x-two"), Some("2"));
}

#[tokio::test]
async fn every_response_that_a_client_has_seen_is_in_the_file_when_the_proxy_is_killed() {
    let origin = Origin::answering(|request| {
        let body = vec![b'x'; request.first.len() * 5000];
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
    })
    .await;
    for seen in 1..8 {
        let target = Target::new("visit.mitm");
        let proxy = Proxyhost::with([]).record(&target).start().await;
        let mut wire = proxy.connect().await;
        for number in 0..seen {
            assert_eq!(wire.get(&origin.url(&format!("/{number}"))).await.status(), 200);
        }
        // SIGKILL.
        drop(proxy);
        let replaying = Proxyhost::replaying(&recorded(&target)).await;
        let mut wire = replaying.connect().await;
        for number in 0..seen {
            assert_eq!(wire.get(&origin.url(&format!("/{number}"))).await.status(), 200);
        }
    }
}

#[tokio::test]
async fn a_recording_with_a_broken_end_is_repaired_before_it_goes_on() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let target = Target::new("visit.mitm");
    let whole = recording([get("http://old.example/").body("old")]);
    let mut bytes = fs::read(whole.path()).expect("a recording");
    bytes.extend_from_within(..100);
    fs::write(target.path(), &bytes).expect("a file");
    let proxy = Proxyhost::with([]).append(&target).start().await;
    let notice = proxy.wait_for_log("WARN").await;
    assert!(notice.contains("100 bytes"), "{notice}");
    assert_eq!(proxy.connect().await.get(&origin.url("/")).await.text(), "hello");
    drop(proxy);

    let proxy = Proxyhost::replaying(&recorded(&target)).await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get("http://old.example/").await.text(), "old");
    assert_eq!(wire.get(&origin.url("/")).await.text(), "hello");
    assert!(!proxy.log().contains("damaged"), "{}", proxy.log());
}

#[tokio::test]
async fn what_is_no_recording_is_not_appended_to() {
    let target = Target::new("letter.txt");
    fs::write(target.path(), "Dear Sir or Madam,").expect("a file");
    let said = Proxyhost::with([]).append(&target).refusal();
    assert!(said.contains("letter.txt"), "{said}");
    assert_eq!(fs::read(target.path()).expect("the file"), b"Dear Sir or Madam,");
}

#[tokio::test]
async fn two_proxies_do_not_record_to_one_file() {
    let target = Target::new("visit.mitm");
    let _first = Proxyhost::with([]).record(&target).start().await;
    for second in [
        Proxyhost::with(["--listen", "127.0.0.1:0"]).record(&target),
        Proxyhost::with(["--listen", "127.0.0.1:0"]).append(&target),
    ] {
        let said = second.refusal();
        assert!(said.contains("visit.mitm"), "{said}");
    }
}

#[tokio::test]
async fn a_check_leaves_the_recording_as_it_is() {
    let target = Target::new("visit.mitm");
    fs::write(target.path(), fs::read(recording([get("http://a.example/")]).path()).expect("a recording"))
        .expect("a file");
    let before = fs::read(target.path()).expect("a recording");
    assert!(Proxyhost::with(["check", "--force"]).record(&target).run().status.success());
    assert!(Proxyhost::with(["check"]).append(&target).run().status.success());
    let said = Proxyhost::with(["check"]).record(&target).refusal();
    assert!(said.contains("(`-w +FILE`), replace it (`--force`)"), "{said}");
    assert_eq!(fs::read(target.path()).expect("a recording"), before);
}

#[tokio::test]
async fn an_upload_is_recorded_while_it_passes() {
    let origin = Origin::answering(|request| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Size: {}\r\n\r\n", request.body.len());
        head.into_bytes()
    })
    .await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    // Larger than what the host would collect for an addon.
    let upload = vec![b'u'; 20 << 20];
    let answer = proxy.connect().await.ask("PUT", &origin.url("/"), &origin.authority(), &[], &upload).await;
    assert_eq!(answer.field("x-size"), Some("20971520"));
    drop(proxy);

    let proxy =
        Proxyhost::with(["-k"]).set("server_replay_ignore_content", "true").replay(&recorded(&target)).start().await;
    let answer = proxy.connect().await.ask("PUT", &origin.url("/"), &origin.authority(), &[], b"other").await;
    assert_eq!(answer.field("x-size"), Some("20971520"));
    assert!(fs::metadata(target.path()).expect("a recording").len() > 20 << 20);
}

#[tokio::test]
async fn a_filter_chooses_what_is_recorded() {
    let origin = Origin::answering(|request| {
        if request.first.contains("missing") {
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()
        } else {
            HELLO.to_vec()
        }
    })
    .await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with(["--save-stream-filter", "!~c 404 & !~u /private"]).record(&target).start().await;
    let mut wire = proxy.connect().await;
    for path in ["/missing", "/private", "/public"] {
        wire.get(&origin.url(path)).await;
    }
    drop(proxy);
    let proxy = Proxyhost::with(["--server-replay-extra", "418"]).replay(&recorded(&target)).start().await;
    let mut wire = proxy.connect().await;
    for (path, status) in [("/missing", 418), ("/private", 418), ("/public", 200)] {
        assert_eq!(wire.get(&origin.url(path)).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_used_is_refused() {
    for (filter, why) in [("~c", "~c"), ("~b secret", "bodies")] {
        let target = Target::new("visit.mitm");
        let said = Proxyhost::with(["--save-stream-filter", filter]).record(&target).refusal();
        assert!(said.contains(why) && said.contains("save_stream_filter"), "{said}");
        assert!(!target.path().exists());
    }
}

#[tokio::test]
async fn a_failed_request_is_recorded_with_its_reason() {
    let origin = Origin::scripted(|wire| async move { drop(wire) }).await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    assert_eq!(proxy.connect().await.get(&origin.url("/")).await.status(), 502);
    drop(proxy);
    let bytes = fs::read(target.path()).expect("a recording");
    assert!(bytes.windows(3).any(|window| window == b"msg"), "{}", bytes.escape_ascii());
    let said = Proxyhost::with(["flows", "list"]).arg(target.path()).run();
    assert!(String::from_utf8_lossy(&said.stdout).contains(&origin.url("/")), "{said:?}");
}

#[tokio::test]
async fn a_redacted_recording_holds_no_secret_and_matches_requests_with_others() {
    let origin = Origin::answering(|_| {
        let body = br#"{"token": "S3CRET-from-server", "ok": true}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: session=S3CRET-cookie; Path=/\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    })
    .await;
    let rules =
        ["field:authorization", "query:token", "form:password", "json:/password", "json:/token", "cookie:session"];
    let target = Target::new("visit.mitm");
    let mut start = Proxyhost::with([]).record(&target);
    for rule in rules {
        start = start.arg("--record-redact").arg(rule);
    }
    let proxy = start.start().await;
    let answers = ask_with_secrets(&proxy, &origin, "S3CRET").await;
    assert!(answers.iter().all(|answer| answer.text().contains("S3CRET-from-server")), "traffic is not changed");
    drop(proxy);
    let bytes = fs::read(target.path()).expect("a recording");
    assert!(!bytes.windows(6).any(|window| window == b"S3CRET"), "{}", bytes.escape_ascii());

    let recording = recorded(&target);
    let mut start = Proxyhost::with(["--server-replay-extra", "404", "--rheader", "authorization"]).replay(&recording);
    for rule in rules {
        start = start.arg("--record-redact").arg(rule);
    }
    let proxy = start.start().await;
    for answer in ask_with_secrets(&proxy, &origin, "ANOTHER").await {
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert!(answer.text().contains("\"ok\": true"), "{answer:?}");
    }
    let mut wire = proxy.connect().await;
    let body = br#"{"user": "other", "password": "x"}"#;
    let fields = [("Content-Type", "application/json"), ("Authorization", "x")];
    let other = wire.ask("POST", &origin.url("/json?token=1"), &origin.authority(), &fields, body).await;
    assert_eq!(other.status(), 404, "what is no secret still counts");
}

async fn ask_with_secrets(proxy: &Proxyhost, origin: &Origin, secret: &str) -> Vec<Message> {
    let mut wire = proxy.connect().await;
    let (authority, cookie) = (origin.authority(), format!("a=1; session={secret}"));
    let bearer = format!("Bearer {secret}");
    let mut answers = Vec::new();
    for (path, kind, body) in [
        ("/json", "application/json", format!(r#"{{"user": "me", "password": "{secret}"}}"#)),
        ("/form", "application/x-www-form-urlencoded", format!("user=me&password={secret}")),
    ] {
        let fields = [("Content-Type", kind), ("Authorization", bearer.as_str()), ("Cookie", cookie.as_str())];
        let url = origin.url(&format!("{path}?token={secret}&page=1"));
        answers.push(wire.ask("POST", &url, &authority, &fields, body.as_bytes()).await);
    }
    answers
}

#[tokio::test]
async fn auto_replays_what_is_known_and_records_the_rest() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let target = Target::new("visit.mitm");
    let auto = || Proxyhost::with(["--server-replay-mode", "auto", "-S"]).arg(target.path()).append(&target);
    // The file is not there yet.
    let proxy = auto().start().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let (mut wire, url) = (proxy.connect().await, origin.url("/new"));
        clients.push(tokio::spawn(async move { wire.get(&url).await.text() }));
    }
    for client in clients {
        assert_eq!(client.await.expect("an answer"), "hello");
    }
    assert_eq!(origin.received().len(), 4);
    assert!(proxy.stop().await.success());

    let proxy = auto().start().await;
    let mut wire = proxy.connect().await;
    for _ in 0..4 {
        assert_eq!(wire.get(&origin.url("/new")).await.text(), "hello");
    }
    assert_eq!(origin.received().len(), 4, "known requests are not sent");
    assert_eq!(wire.get(&origin.url("/newer")).await.text(), "hello");
    assert_eq!(origin.received().len(), 5);
    assert!(proxy.stop().await.success());

    let proxy = Proxyhost::replaying(&recorded(&target)).await;
    assert_eq!(proxy.connect().await.get(&origin.url("/newer")).await.text(), "hello");
}

#[tokio::test]
async fn modes_that_record_need_a_file_and_never_replace_what_they_replay() {
    let known = recording([get("http://a.example/")]);
    for mode in ["auto", "record"] {
        let said = Proxyhost::with(["--server-replay-mode", mode]).replay(&known).refusal();
        assert!(said.contains("-w FILE"), "{said}");
    }
    let before = fs::read(known.path()).expect("a recording");
    let said = Proxyhost::with(["-w"]).arg(known.path()).replay(&known).refusal();
    assert!(said.contains("-w +FILE"), "{said}");
    assert_eq!(fs::read(known.path()).expect("a recording"), before);
    let target = Target::new("visit.mitm");
    for (mode, forwarded) in [("auto", "what was not recorded"), ("record", "everything")] {
        for policy in ["kill", "404"] {
            let args = ["--server-replay-extra", policy, "--server-replay-mode", mode];
            let expected = format!(
                "error: addon `serverreplay`: server_replay_mode={mode} forwards {forwarded}, so server_replay_extra \
                 must be forward; leave one of them out\n"
            );
            assert_eq!(Proxyhost::with(args).replay(&known).record(&target).refusal(), expected);
            assert_eq!(Proxyhost::with(args).record(&target).refusal(), expected);
        }
    }
}

#[tokio::test]
async fn record_mode_replays_nothing() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let known = recording([get(origin.url("/")).body("old")]);
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with(["--server-replay-mode", "record"]).replay(&known).record(&target).start().await;
    assert_eq!(proxy.connect().await.get(&origin.url("/")).await.text(), "hello");
}

#[tokio::test]
async fn a_har_file_is_written_for_its_ending() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let target = Target::new("visit.har");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    assert_eq!(proxy.connect().await.get(&origin.url("/a")).await.text(), "hello");
    drop(proxy);
    let proxy = Proxyhost::with([]).append(&target).start().await;
    assert_eq!(proxy.connect().await.get(&origin.url("/b")).await.text(), "hello");
    drop(proxy);
    let text = fs::read_to_string(target.path()).expect("a recording");
    assert!(text.contains("\"log\""), "{text}");
    let proxy = Proxyhost::replaying(&recorded(&target)).await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get(&origin.url("/a")).await.text(), "hello");
    assert_eq!(wire.get(&origin.url("/b")).await.text(), "hello");
}

#[tokio::test]
async fn answers_of_addons_are_not_recorded() {
    let known = recording([get("http://known.example/").body("known")]);
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with(["-k"]).replay(&known).record(&target).start().await;
    assert_eq!(proxy.connect().await.get("http://known.example/").await.text(), "known");
    assert!(proxy.stop().await.success());
    assert_eq!(fs::read(target.path()).expect("an empty recording"), b"");
}
