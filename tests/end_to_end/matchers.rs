//! A matcher that fails harms the flow it failed for, and nothing else.

use crate::harness::{Origin, Proxyhost, RecordingFile, Start, component, get, recording};

const GOOD: &str = "http://shop.example/good";
const BAD: &str = "http://shop.example/bad";

fn good_ones() -> RecordingFile {
    recording(["one", "two", "three", "four"].map(|body| get(GOOD).body(body)))
}

fn misbehaving(start: Start, way: &str) -> Start {
    start.arg("--plug").arg(component("misbehaving-matcher")).set("misbehave", way)
}

async fn harms_only_its_own_flow(way: &str, cpu_ms: u32, logged: &str) {
    let recording = good_ones();
    let config = format!("[[addons]]\nuse = 'serverreplay'\nlimits = {{ cpu_ms = {cpu_ms} }}\n");
    let start = Proxyhost::with(["-k"]).config(&config).replay(&recording);
    let proxy = misbehaving(start, way).start().await;
    let (mut bad, mut good) = (proxy.connect().await, proxy.connect().await);
    let (failed, served) = tokio::join!(bad.get(BAD), good.get(GOOD));
    assert_eq!(failed.first, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(failed.field("proxy-status"), Some("proxyhost; error=proxy_internal_error"));
    assert_eq!(failed.field("content-type"), Some("text/plain; charset=utf-8"));
    let flow = failed.text().trim_end_matches(")\n").rsplit(' ').next().expect("words").to_owned();
    assert_eq!(failed.text(), format!("proxyhost: addon `serverreplay` failed (flow {flow})\n"));
    assert_eq!(served.text(), "one");
    // The connection on which it happened goes on, and so do others.
    assert_eq!(bad.get(GOOD).await.text(), "two");
    assert_eq!(good.get(GOOD).await.text(), "three");
    let line = proxy.wait_for_log("addon failed").await;
    let expected =
        format!("ERROR addon failed: it {logged} flow={flow} addon=\"serverreplay\" hook=\"request\" policy=Fail");
    assert_eq!(line, expected);
    let mut http2 = proxy.http2().await;
    assert_eq!(http2.get(BAD).await.status(), 502);
    assert_eq!(http2.get(GOOD).await.text(), "four");
}

#[tokio::test]
async fn a_matcher_that_loops_harms_only_its_own_flow() {
    harms_only_its_own_flow("loop", 50, "computed for more than its limit of 50ms").await;
}

#[tokio::test]
async fn a_matcher_that_hoards_memory_harms_only_its_own_flow() {
    // Time must not run out before memory does.
    harms_only_its_own_flow("hoard", 60_000, "wanted more than its limit of 64 MiB of memory").await;
}

#[tokio::test]
async fn a_matcher_that_panics_harms_only_its_own_flow() {
    let recording = good_ones();
    let proxy = misbehaving(Proxyhost::with(["-k"]).replay(&recording), "panic").start().await;
    let mut wire = proxy.connect().await;
    let failed = wire.get(BAD).await;
    assert_eq!(failed.first, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(failed.field("proxy-status"), Some("proxyhost; error=proxy_internal_error"));
    assert_eq!(failed.text(), "proxyhost: addon `serverreplay` failed (flow 1)\n");
    assert_eq!(wire.get(GOOD).await.text(), "one");
    // What it said at the end is for the operator only.
    assert!(proxy.wait_for_log("addon failed: it crashed").await.contains("the matcher's secret"));
}

#[tokio::test]
async fn many_failures_at_once_leave_the_others_alone() {
    let recording = recording((0..20).map(|number| get(GOOD).body(number.to_string())));
    let proxy = misbehaving(Proxyhost::with(["-k"]).replay(&recording), "loop").start().await;
    let client = proxy.http2().await;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..40 {
        let mut client = client.clone();
        let (url, expected) = if number % 2 == 0 { (BAD, 502) } else { (GOOD, 200) };
        clients.spawn(async move { assert_eq!(client.get(url).await.status(), expected) });
    }
    clients.join_all().await;
}

#[tokio::test]
async fn a_matcher_that_fails_is_skipped_where_the_configuration_says_so() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\norigin".to_vec()).await;
    let recording = recording([get(origin.url("/good")).body("replayed")]);
    for way in ["panic", "loop", "hoard"] {
        let config = format!(
            "[[addons]]\nuse = 'serverreplay'\nplugs = ['{}']\non_failure = 'skip'\noptions = {{ misbehave = '{way}', \
             server_replay = '{}', server_replay_extra = 'forward' }}\n",
            component("misbehaving-matcher").display(),
            recording.path().display(),
        );
        let proxy = Proxyhost::with([]).config(&config).start().await;
        let mut wire = proxy.connect().await;
        assert_eq!(wire.get(&origin.url("/bad")).await.text(), "origin", "{way}");
        assert_eq!(wire.get(&origin.url("/good")).await.text(), "replayed", "{way}");
    }
}

#[tokio::test]
async fn a_plug_offers_commands_as_addons_do() {
    let recording = recording([get(GOOD).body("one")]);
    let start = Proxyhost::with(["--server-replay-extra", "404", "--control", "0"]).replay(&recording);
    let proxy = start.start().await;
    let plug = component("misbehaving-matcher").display().to_string();
    let added = "plugs of serverreplay = misbehaving_matcher, refresher\n";
    assert_eq!(proxy.ctl(&["plugs", "add", &plug]).await, added);
    let listed = proxy.ctl(&["commands"]).await;
    let of_plug = listed.lines().find(|line| line.starts_with("misbehave ")).unwrap_or(&listed);
    assert!(of_plug.contains("Fail in another way"), "{listed}");
    assert_eq!(proxy.ctl(&["run", "misbehave", "panic"]).await, "from now on: panic\n");
    assert_eq!(proxy.ctl(&["options", "get", "misbehave"]).await, "panic\n");
    assert_eq!(proxy.connect().await.get(BAD).await.first, "HTTP/1.1 502 Bad Gateway");
    let fails = async |args: &[&str]| {
        let said = proxy.try_ctl(args).await;
        (said.code, said.error)
    };
    let expected = "error: cannot run `misbehave`: addon `serverreplay`: it does `panic` already\n";
    assert_eq!(fails(&["run", "misbehave", "panic"]).await, (Some(1), expected.to_owned()));
    assert_eq!(proxy.ctl(&["run", "misbehave", "none"]).await, "from now on: none\n");
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get(BAD).await.first, "HTTP/1.1 404 Not Found");
    assert_eq!(wire.get(GOOD).await.text(), "one");
    // Those of the addon are there beside them.
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "0\n");
    let removed = "plugs of serverreplay = matcher, refresher\n";
    assert_eq!(proxy.ctl(&["plugs", "remove", "misbehaving_matcher"]).await, removed);
    let expected = "error: cannot remove plug `misbehaving_matcher`: there is no plug `misbehaving_matcher`\n";
    assert_eq!(fails(&["plugs", "remove", "misbehaving_matcher"]).await, (Some(2), expected.to_owned()));
    let expected = "error: cannot run `misbehave`: there is no command `misbehave`\n";
    assert_eq!(fails(&["run", "misbehave", "none"]).await, (Some(2), expected.to_owned()));
    assert_eq!(proxy.ctl(&["save", "one.har", "~c 200"]).await, "1 flow written\n");
    // What is there stays, whatever it is, unless somebody says otherwise.
    let one = proxy.folder().join("one.har");
    let before = std::fs::read(&one).expect("it was written");
    let expected = format!(
        "error: cannot save flows to `{0}`: `{0}` is there already: take another name, or have it replaced (`force`)\n",
        one.display()
    );
    assert_eq!(fails(&["save", "one.har"]).await, (Some(1), expected));
    assert_eq!(std::fs::read(&one).expect("it is there"), before);
    assert_eq!(proxy.ctl(&["save", "--force", "one.har", "~c 404"]).await, "1 flow written\n");
}
