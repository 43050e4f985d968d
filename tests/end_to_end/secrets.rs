//! What the log says of what others sent: no secrets, and nothing that commands a terminal.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::harness::{Origin, Proxyhost, component, get, recording};

/// Planted wherever a client or a server may have a secret.
const SECRET: &str = "s3cret";

#[tokio::test]
async fn no_secret_is_logged_whatever_becomes_of_a_flow() {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("user:{SECRET}")));
    let answer = format!(
        "HTTP/1.1 200 {SECRET}\r\nSet-Cookie: a={SECRET}\r\nLocation: http://u:{SECRET}@a/?{SECRET}\r\nContent-Length: \
         6\r\n\r\n{SECRET}"
    );
    let bad = format!("HTTP/1.1 200 OK\r\nSet-Cookie {SECRET}\r\n\r\n");
    let origin = Origin::answering(move |request| {
        if request.first.contains("/bad-server") { bad.clone().into_bytes() } else { answer.clone().into_bytes() }
    })
    .await;
    let url = |path: &str| origin.url(path);
    let hit = url(&format!("/hit?token={SECRET}"));
    let fields = [
        ("Authorization", format!("Bearer {SECRET}")),
        ("Cookie", format!("a={SECRET}; {SECRET}")),
        ("Proxy-Authorization", basic.clone()),
        ("X-Api-Key", SECRET.to_owned()),
        ("Referer", format!("http://u:{SECRET}@a/?{SECRET}")),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for policy in ["forward", "kill", "404"] {
        let recorded = fields.iter().fold(get(&hit), |flow, (name, value)| flow.request_field(name, value));
        let recorded = recording([recorded.body(SECRET)]);
        let config = format!(
            "[[addons]]\nuse = '{}'\noptions = {{ probe = ['/crash request panic it broke', '/kill request kill'] }}\n",
            component("probe").display()
        );
        let start = Proxyhost::with(["--server-replay-extra", policy, "--rheader", "x-api-key"]).config(&config);
        // All that there is below trace, of libraries too.
        let proxy = start.env("PROXYHOST_LOG", "debug").replay(&recorded).start().await;
        let host = origin.authority();
        for target in [
            hit.clone(),
            hit.clone(),
            url(&format!("/hit?{SECRET}")),
            url(&format!("/hit?token=other{SECRET}&{SECRET}&{SECRET}==")),
            url(&format!("/crash?{SECRET}")),
            url(&format!("/kill?{SECRET}")),
            url(&format!("/bad-server?{SECRET}")),
            format!("http://127.0.0.1:1/refused?{SECRET}"),
            format!("http://user:{SECRET}@{host}/"),
            format!("http://user:{SECRET}@{host}:99999/?{SECRET}"),
            format!("ftp://user:{SECRET}@{host}/?{SECRET}"),
            format!("/?{SECRET}"),
        ] {
            ask(&proxy, &format!("POST {target} HTTP/1.1\r\nHost: {host}"), &fields).await;
            ask(&proxy, &format!("GET {target} HTTP/1.1\r\nHost: user:{SECRET}@{host}"), &fields).await;
            ask(&proxy, &format!("GET {target} HTTP/1.1\r\nHost: {host}"), &fields).await;
        }
        ask(&proxy, &format!("CONNECT user:{SECRET}@{host} HTTP/1.1\r\nHost: {host}"), &fields).await;
        let request = http::Request::get(&hit).header("authorization", SECRET).body(Default::default());
        // Whether it is answered depends on the policy.
        let _ = proxy.http2().await.send(request.expect("a request")).await;
        let mut inside = proxy.tunnel(&host).await;
        inside.send(format!("GET /?{SECRET} HTTP/1.1\r\nHost: user:{SECRET}@{host}\r\n\r\n")).await;
        inside.read_to_end().await;
        let mut opaque = proxy.tunnel(&host).await;
        opaque.send(format!("\0{SECRET}\r\n\r\n")).await;
        opaque.finish().await;
        opaque.read_to_end().await;
        proxy.wait_for_log("CONNECT").await;
        let log = proxy.log();
        for line in ["INFO", "WARN", "ERROR", "DEBUG", "/hit?…", "addon failed"] {
            assert!(log.contains(line), "{line}: {log}");
        }
        for secret in [SECRET, &basic[6..]] {
            let found: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
            assert!(found.is_empty(), "{policy}: {found:#?}");
        }
    }
}

/// Sends a request on a connection of its own, and waits for whatever comes.
async fn ask(proxy: &Proxyhost, head: &str, fields: &[(&str, &str)]) {
    let mut wire = proxy.connect().await;
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = SECRET.len();
    wire.send(format!("{head}\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n{SECRET}")).await;
    wire.read_to_end().await;
}

/// Escape sequences of both kinds, marks that turn text around, and ends of lines of all kinds.
const HARMFUL: &str = "\u{1b}[2J\u{9b}2J\u{7}\u{8}a\u{202e}b\u{2066}c\u{85}d\u{2028}e\r\nERROR forged";

#[tokio::test]
async fn nothing_that_others_say_commands_the_terminal() {
    let one_line = HARMFUL.replace(['\r', '\n'], " ");
    let probe = component("probe");
    let start = Proxyhost::with(["-vv", "--addon"]).arg(&probe).set("probe_text", HARMFUL);
    let start = start.set("probe", &format!("/crash request panic {one_line}"));
    let proxy = start.set("probe", &format!("/refuse request method {one_line}")).start().await;
    let mut wire = proxy.connect().await;
    for path in ["crash", "refuse"] {
        wire.get(&format!("http://127.0.0.1:1/{path}")).await;
    }
    for host in ["\u{9b}2J", "a\u{202e}b", "a\u{85}b"] {
        let mut wire = proxy.connect().await;
        wire.send(format!("GET http://127.0.0.1/ HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        wire.read_to_end().await;
    }
    // The log is written behind the answers; this is the last of them.
    proxy.wait_for_log("u{85}b` is not a host").await;
    assert!(proxy.log().contains("addon failed"), "{}", proxy.log());
    assert_harmless(&proxy.log());
    let listed = Proxyhost::with(["--addon"]).arg(&probe).set("probe_text", HARMFUL).arg("addons").run();
    assert!(listed.status.success());
    assert_harmless(&String::from_utf8(listed.stdout).expect("UTF-8"));
}

#[test]
fn nothing_that_is_named_commands_the_terminal() {
    let name = format!("{HARMFUL}.toml");
    let folder = format!("/dev/null/{HARMFUL}");
    for args in [
        &["--config", &name][..],
        &["--addon", &name],
        &["--plug", &name],
        &["-S", &name, "check"],
        &["--ca-dir", &folder, "ca"],
        &["--proxy-auth-file", &name],
        &["--mode", HARMFUL],
        &["flows", "list", &name],
        &[HARMFUL],
    ] {
        let output = Proxyhost::with(args.iter().copied()).run();
        assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
        assert_harmless(&String::from_utf8(output.stderr).expect("UTF-8"));
    }
}

#[track_caller]
fn assert_harmless(text: &str) {
    let harmful = |line: &&str| line.contains(oneline::is_harmful) || line.starts_with("ERROR forged");
    let found: Vec<&str> = text.split('\n').filter(harmful).collect();
    assert!(found.is_empty(), "{found:#?}");
}
