//! An addon that does harm ends, says so in the log, and harms nobody else.

use std::path::Path;

use crate::harness::{Origin, Proxyhost, RecordingFile, Start, component, debuggable, get, recording};

const GOOD: &str = "http://shop.example/good";
const BAD: &str = "http://shop.example/hostile";

fn known() -> RecordingFile {
    recording(["one", "two"].map(|body| get(GOOD).body(body)))
}

/// A proxy with the hostile addon outside of server replay: what it is to do, and what stands in its section.
fn hostile(harm: &str, section: &str) -> Start {
    built_as(&component("hostile"), harm, section)
}

fn built_as(addon: &Path, harm: &str, section: &str) -> Start {
    let config =
        format!("[[addons]]\nuse = '{}'\n{section}\n[addons.options]\nhostile = ['{harm}']\n", addon.display());
    Proxyhost::with(["--server-replay-extra", "404", "--set", "server_replay_reuse=cycle"]).config(&config)
}

#[tokio::test]
async fn a_hook_that_sleeps_ends() {
    for hook in ["request", "response"] {
        let bad = recording([get(GOOD).body("one"), get(BAD).body("never")]);
        let start = hostile(&format!("{hook} sleep"), "limits = { hook_seconds = 1 }").replay(&bad);
        let proxy = start.start().await;
        let (mut bad, mut good) = (proxy.connect().await, proxy.connect().await);
        let (failed, served) = tokio::join!(bad.get(BAD), good.get(GOOD));
        assert_eq!((failed.status(), served.text().as_str()), (502, "one"), "{hook}");
        let line = proxy.wait_for_log("addon failed").await;
        assert!(line.starts_with("ERROR addon failed: it took more than its limit of 1s flow="), "{line}");
    }
}

#[tokio::test]
async fn a_singletons_call_that_sleeps_ends_though_its_client_left() {
    let proxy = hostile("request sleep", "limits = { hook_seconds = 1, instances = 1 }").replay(&known()).start().await;
    let mut bad = proxy.connect().await;
    bad.send(format!("GET {BAD} HTTP/1.1\r\nhost: shop.example\r\n\r\n").as_bytes()).await;
    drop(bad);
    assert_eq!(proxy.connect().await.get(GOOD).await.text(), "one");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_hooks_call_and_frees_its_instance() {
    for hook in ["request", "response"] {
        let known = recording([get(GOOD).body("one"), get(BAD).body("never")]);
        let section = "limits = { hook_seconds = 3600, instances = 1 }";
        let proxy = hostile(&format!("{hook} sleep"), section).replay(&known).start().await;
        let mut bad = proxy.connect().await;
        bad.send(format!("GET {BAD} HTTP/1.1\r\nhost: shop.example\r\n\r\n").as_bytes()).await;
        proxy.wait_for_log("sleeping").await;
        drop(bad);
        // It waits for the only instance, and would be refused in the end if that were not free.
        assert_eq!(proxy.connect().await.get(GOOD).await.text(), "one", "{hook}");
        assert_eq!(proxy.stop().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_singletons_call_goes_on_though_its_client_left() {
    let proxy = Proxyhost::with([]).arg("--addon").arg(component("counting")).start().await;
    let mut leaving = proxy.connect().await;
    leaving.send(b"GET http://shop.example/slow HTTP/1.1\r\nhost: shop.example\r\n\r\n").await;
    proxy.wait_for_log("a moment").await;
    drop(leaving);
    // It was counted, and nothing that was counted before is lost.
    assert_eq!(proxy.connect().await.get(GOOD).await.text(), "102");
    assert!(!proxy.log().contains("is lost"), "{}", proxy.log());
}

#[test]
fn an_addon_that_sleeps_while_it_is_configured_ends_the_start() {
    let said = hostile("configure sleep", "limits = { configure_seconds = 1 }").arg("check").refusal();
    assert_eq!(said, "error: cannot configure addon `hostile`: it took more than its limit of 1s\n");
}

#[test]
fn what_an_addon_says_against_its_options_is_shown_as_far_as_anybody_reads() {
    let said = hostile("configure invalid", "").arg("check").refusal();
    assert!(said.len() < 8192 && said.starts_with("error: addon `hostile`: no no no"));
}

#[tokio::test]
async fn a_hook_that_keeps_failing_is_not_called_for_a_while() {
    let proxy = hostile("request trap", "").replay(&known()).start().await;
    let mut wire = proxy.connect().await;
    for _ in 0..5 {
        assert_eq!(wire.get(BAD).await.status(), 502);
    }
    let line = proxy.wait_for_log("failed too often").await;
    let expected =
        "ERROR addon failed too often: its hook is not called for 1s addon=\"hostile\" hook=\"request\" policy=Fail";
    assert_eq!(line, expected);
    let refused = wire.get(GOOD).await;
    assert_eq!(refused.status(), 502);
    assert!(refused.text().starts_with("proxyhost: addon `hostile` failed too often, and is not called for now"));
    // It is called again after a while.
    while wire.get(GOOD).await.status() != 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(proxy.log().matches("on purpose").count(), 1, "one failure a second is written: {}", proxy.log());
}

#[tokio::test]
async fn a_failure_names_the_function_and_its_line() {
    let addon = debuggable("hostile");
    for (harm, said, function) in [
        ("trap", "addon failed: it crashed: ", "perform"),
        ("loop", "addon failed: it computed for more than its limit of 50ms ", "perform"),
        ("handles", "addon failed: it crashed: ", "handles"),
    ] {
        let proxy = built_as(&addon, &format!("request {harm}"), "").replay(&known()).start().await;
        assert_eq!(proxy.connect().await.get(BAD).await.status(), 502);
        let line = proxy.wait_for_log(said).await;
        let place = format!("(in `hostile::misdeeds::{function}` of hostile.wasm, hostile/src/misdeeds.rs:");
        assert!(line.contains(&place) && !line.contains("RUST_BACKTRACE"), "{line}");
    }
}

#[tokio::test]
async fn where_a_failing_addon_is_skipped_flows_pass_it_by() {
    let proxy = hostile("request trap", "on_failure = 'skip'").replay(&known()).start().await;
    let mut wire = proxy.connect().await;
    for _ in 0..20 {
        assert_eq!(wire.get(BAD).await.status(), 404);
    }
    assert_eq!(wire.get(GOOD).await.status(), 200);
    proxy.wait_for_log("failed too often").await;
}

#[tokio::test]
async fn what_an_addon_prints_is_in_the_log_and_never_a_reason_to_fail() {
    let bad = recording([get(BAD).body("served")]);
    let start = hostile("request stderr", "limits = { cpu_ms = 60000, hook_seconds = 60 }").replay(&bad);
    let proxy = start.start().await;
    assert_eq!(proxy.connect().await.get(BAD).await.text(), "served");
    assert_eq!(proxy.wait_for_log("line 1 ").await, "WARN line 1 addon=\"hostile\" flow=1");
    assert!(proxy.log().matches("WARN line").count() <= 1000);
}

#[tokio::test]
async fn a_looping_hook_holds_up_nobody() {
    let proxy =
        hostile("request loop", "on_failure = 'skip'\nlimits = { cpu_ms = 2000 }").replay(&known()).start().await;
    let mut loops = Vec::new();
    for _ in 0..20 {
        let mut wire = proxy.connect().await;
        wire.send(format!("GET {BAD} HTTP/1.1\r\nhost: shop.example\r\n\r\n").as_bytes()).await;
        loops.push(wire);
    }
    // All twenty compute for forty seconds together, and these are answered while they do.
    let mut wire = proxy.connect().await;
    for _ in 0..50 {
        assert_eq!(wire.get(GOOD).await.status(), 200);
    }
    assert!(!proxy.log().contains("addon failed"), "{}", proxy.log());
}

#[tokio::test]
async fn a_matchers_key_of_any_length_is_looked_up() {
    let config = format!(
        "[[addons]]\nuse = 'serverreplay'\nplugs = ['{}']\nlimits = {{ cpu_ms = 60000 }}\n[addons.options]\n\
         hostile = ['matcher invalid']\n",
        component("hostile").display()
    );
    let proxy = Proxyhost::with(["--server-replay-extra", "404"]).config(&config).replay(&known()).start().await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get("http://shop.example/hostile/live").await.status(), 404);
    assert_eq!(wire.get(GOOD).await.status(), 200);
}

#[tokio::test]
async fn a_singleton_keeps_its_state_until_it_crashes_and_is_configured_again() {
    let addon = component("counting");
    let proxy = Proxyhost::with([]).arg("--addon").arg(addon).start().await;
    let mut wire = proxy.connect().await;
    for expected in ["101", "102", "103"] {
        assert_eq!(wire.get(GOOD).await.text(), expected);
    }
    assert_eq!(wire.get("http://shop.example/crash").await.status(), 502);
    proxy.wait_for_log("what the addon kept in its memory is lost; it is configured anew").await;
    assert_eq!(wire.get(GOOD).await.text(), "101");
}

#[tokio::test]
async fn a_body_that_is_slow_to_come_keeps_no_flow_of_a_singleton_waiting() {
    let proxy = Proxyhost::with([]).arg("--addon").arg(component("counting")).start().await;
    let mut slow = proxy.connect().await;
    let head = "POST http://shop.example/echo HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 5\r\n\r\n";
    slow.send(format!("{head}he").as_bytes()).await;
    assert_eq!(proxy.connect().await.get(GOOD).await.text(), "101");
    slow.send(b"llo").await;
    assert_eq!(slow.response("POST").await.text(), "102 hello");
}

#[tokio::test]
async fn every_instance_is_started_once() {
    let origin = Origin::answering(|request| {
        let started = request.field("x-started").unwrap_or_default();
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{started}", started.len()).into_bytes()
    })
    .await;
    let proxy =
        Proxyhost::with([]).arg("--addon").arg(component("probe")).set("probe", "/ request started").start().await;
    let url = origin.url("/");
    let flows = (0..20).map(|_| async { proxy.connect().await.get(&url).await.text() });
    for started in futures_util::future::join_all(flows).await {
        assert_eq!(started, "1");
    }
}

#[tokio::test]
async fn a_requests_body_is_there_for_the_response_hook_if_it_was_kept() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nanswer".to_vec()).await;
    let instructions = [
        "/kept request keep 100",
        "/kept response request-digest",
        "/gone response request-digest",
        "/large request keep 3",
    ];
    let start = Proxyhost::with([]).arg("--addon").arg(component("probe"));
    let proxy = instructions.iter().fold(start, |start, line| start.set("probe", line)).start().await;
    let mut wire = proxy.connect().await;
    let mut digest = async |path: &str| {
        let url = origin.url(path);
        wire.send(format!("POST {url} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello").as_bytes()).await;
        let response = wire.response("POST").await;
        response.field("x-digest").map_or_else(|| response.text(), str::to_owned)
    };
    assert!(digest("/kept").await.starts_with("5 2cf24dba5fb0a30e26e83b2ac5b9e29e"));
    assert_eq!(digest("/gone").await, "BodyError::Gone");
    assert_eq!(digest("/large").await, "EditError::Invalid(\"BodyError::TooLarge\")");
}
