//! The process itself: stopping, and files that change under it.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use tempfile::TempDir;

use crate::harness::{Origin, Proxyhost, Wire, component, get, recording, soon};

#[tokio::test]
async fn a_response_in_flight_is_finished_before_the_process_ends() {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let origin = Origin::scripted(move |mut wire: Wire| {
        let mut stopping = receiver.clone();
        async move {
            wire.request().await;
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
            soon("the signal", stopping.wait_for(|stopping| *stopping)).await.expect("the test runs");
            wire.send("two").await;
        }
    })
    .await;
    let mut proxy = Proxyhost::with([]).start().await;
    let mut idle = proxy.connect().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(wire.head().await.expect("a head").status(), 200);
    assert_eq!(wire.take(3).await, b"one");
    proxy.terminate();
    proxy.wait_for_log("stopping").await;
    // Who has nothing to finish is let go.
    assert_eq!(idle.read_to_end().await, b"");
    sender.send(true).expect("the origin runs");
    assert_eq!(wire.read_to_end().await, b"two");
    assert_eq!(proxy.ended().await.code(), Some(0));
}

#[tokio::test]
async fn the_process_ends_at_once_when_nothing_is_in_flight() {
    let recording = recording([get("http://shop.example/cart")]);
    let proxy = Proxyhost::replaying(&recording).await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get("http://shop.example/cart").await.status(), 200);
    assert_eq!(proxy.stop().await.code(), Some(0));
}

#[tokio::test]
async fn a_signal_is_heard_as_soon_as_the_log_says_that_it_listens() {
    for _ in 0..5 {
        assert_eq!(Proxyhost::with([]).start().await.stop().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_recording_that_was_cut_fails_its_own_flows_only() {
    let (cut, whole) = ("http://shop.example/cut", "http://shop.example/whole");
    let large = vec![b'a'; 100_000];
    let cut_file = recording([get(cut).body("x"), get(cut).body("y"), get(cut).body(&large)]);
    let whole_file = recording([get(whole).body("one"), get(whole).body("two"), get(whole).body("three")]);
    let proxy = Proxyhost::with(["-k"]).replay(&cut_file).replay(&whole_file).start().await;
    let mut wire = proxy.connect().await;
    cut_file.truncate(10);
    for expected in ["one", "two", "three"] {
        let response = wire.get(cut).await;
        assert_eq!(response.first, "HTTP/1.1 502 Bad Gateway");
        assert_eq!(response.field("proxy-status"), Some("proxyhost; error=http_response_incomplete"));
        assert_eq!(wire.get(whole).await.text(), expected);
    }
    assert_eq!(proxy.stop().await.code(), Some(0));
}

#[tokio::test]
async fn a_recorded_body_that_is_cut_while_it_is_sent_is_not_passed_off_as_whole() {
    let (cut, whole) = ("http://shop.example/cut", "http://shop.example/whole");
    let file =
        recording([get(whole).body("whole"), get(cut).body(vec![b'a'; 1 << 20]), get(cut).body(vec![b'a'; 1 << 20])]);
    let proxy = Proxyhost::replaying(&file).await;
    // The beginning of the large body can still be read.
    file.truncate(200_000);
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {cut} HTTP/1.1\r\nHost: shop.example\r\n\r\n")).await;
    assert!(wire.read_to_end().await.len() < 1 << 20);
    let mut client = proxy.http2().await;
    let request = http::Request::get(cut).body(Default::default()).expect("a valid request");
    // The second one is gone as a whole.
    let response = client.send(request).await.expect("an answer");
    assert_eq!(response.status(), 502);
    assert_eq!(client.get(whole).await.text(), "whole");
}

#[tokio::test]
async fn a_recording_that_vanishes_is_served_all_the_same() {
    let url = "http://shop.example/cart";
    let file = recording([get(url).body("recorded")]);
    let proxy = Proxyhost::replaying(&file).await;
    drop(file);
    assert_eq!(proxy.connect().await.get(url).await.text(), "recorded");
}

#[tokio::test]
async fn a_response_that_never_ends_does_not_keep_the_process() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        wire.request().await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
        wire.read_to_end().await;
    })
    .await;
    let mut proxy = Proxyhost::with([]).config("[limits]\ndrain_seconds = 1\n").start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(wire.head().await.expect("a head").status(), 200);
    let mut tunnel = proxy.tunnel(&origin.authority()).await;
    tunnel.send(b"\x00\x01\x02\x03\x04\x05\x06\x07").await;
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(0));
    assert!(proxy.log().ends_with("WARN stopped before all connections had finished"), "{}", proxy.log());
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        wire.request().await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
        wire.read_to_end().await;
    })
    .await;
    let mut proxy = Proxyhost::with([]).config("[limits]\ndrain_seconds = 86400\n").start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(wire.head().await.expect("a head").status(), 200);
    proxy.terminate();
    proxy.wait_for_log("stopping").await;
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(1));
    assert!(proxy.log().ends_with("WARN stopped at once: asked to a second time"), "{}", proxy.log());
}

#[tokio::test]
async fn a_signal_ends_the_process_while_it_compiles_addons_too() {
    let cache = TempDir::new().expect("a temporary folder");
    let mut child = Proxyhost::with([]).cache(cache.path()).loading();
    let artefacts = cache.path().join("proxyhost");
    let compiling = async {
        // Nothing is logged so early.
        while !artefacts.join("key").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon("the cache", compiling).await;
    let signalled = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(signalled.expect("kill").success());
    let ended = tokio::task::spawn_blocking(move || child.wait().expect("a child of ours"));
    assert!(!soon("the end of the process", ended).await.expect("no panic").success());
    // What it left behind does no harm.
    let output = Proxyhost::with(["addons", "--no-default-addons"]).cache(cache.path()).run();
    assert!(output.status.success());
}

#[test]
fn compiled_addons_that_were_changed_are_compiled_again() {
    let cache = TempDir::new().expect("a temporary folder");
    let list = || {
        let start = Proxyhost::with(["addons", "--no-default-addons", "--addon"]).arg(component("probe"));
        let output = start.cache(cache.path()).run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let folder = cache.path().join("proxyhost");
    let artefact = || {
        let entries = fs::read_dir(&folder).expect("the cache");
        let mut files = entries.map(|entry| entry.expect("a file").path());
        files.find(|path| path.file_name().is_some_and(|name| name != "key")).expect("an artefact")
    };
    assert_eq!(list(), "");
    let file = artefact();
    let whole = fs::read(&file).expect("an artefact");
    let mut changed = whole.clone();
    *changed.last_mut().expect("an artefact") ^= 1;
    fs::write(&file, changed).expect("a file of ours");
    assert_eq!(list(), "");
    assert!(fs::read(artefact()).expect("an artefact") == whole);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a folder of ours");
    let warning = list();
    assert!(warning.contains("is open to others, with mode 777 instead of 700"), "{warning}");
    assert_eq!(warning.lines().count(), 1, "{warning}");
}

#[test]
fn addons_run_where_what_is_compiled_finds_no_room() {
    let (folder, cache) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let addons = |limit: &str| {
        // A limit of file sizes is a full disk. Memories of components, which are files too, are smaller.
        let script = format!("ulimit -f {limit} && exec \"$0\" addons --no-default-addons --addon \"$1\"");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_proxyhost")]).arg(component("probe")).current_dir(&folder);
        let output = command.env("HOME", folder.path()).env("XDG_CACHE_HOME", cache.path()).output().expect("a shell");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let kept = || {
        let entries = fs::read_dir(cache.path().join("proxyhost")).expect("the cache");
        let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name != "key").collect::<Vec<_>>()
    };
    let listed = addons("256");
    assert!(listed.contains("probe"), "{listed}");
    // Nothing of it is left, whole or in part.
    assert_eq!(kept(), [""; 0]);
    assert_eq!(addons("unlimited"), listed);
    assert_eq!(kept().len(), 1);
}

#[test]
fn addons_run_where_the_address_space_is_limited() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let flows = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/shop.mitm");
    // A pool would reserve terabytes; three gigabytes are enough without one.
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 3000000 && exec \"$0\" check -S \"$1\"", env!("CARGO_BIN_EXE_proxyhost")])
        .arg(flows)
        .current_dir(&folder)
        .env("HOME", folder.path())
        .env("XDG_CACHE_HOME", std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .output()
        .expect("a shell");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(log.contains("WARN addons run slower: their memory cannot be reserved in advance"), "{log}");
}

#[tokio::test]
async fn a_warning_is_logged_once() {
    let mut proxy = Proxyhost::with(["--listen", "0.0.0.0:0", "--allow-open", "--insecure"]).listeners(2).start().await;
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(0));
    let log = proxy.log();
    let warnings: Vec<&str> = log.lines().filter(|line| line.starts_with("WARN")).collect();
    let expected = [
        "WARN everyone who can reach 0.0.0.0:0 can use the proxy, without a password",
        "WARN upstream certificates are not verified",
    ];
    assert_eq!(warnings, expected);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_until_one_closes() {
    let origin = Origin::answering(|_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await;
    let proxy = Proxyhost::with(["--client-connections", "1"]).start().await;
    // A tunnel counts as long as it is open.
    let mut first = proxy.tunnel(&origin.authority()).await;
    assert_eq!(first.ask("GET", "/", &origin.authority(), &[], b"").await.status(), 204);
    proxy.wait_for_log("as many connections as there may be").await;
    let mut second = proxy.connect().await;
    second.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(origin.received().len(), 1);
    drop(first);
    assert_eq!(second.response("GET").await.status(), 204);
}

#[tokio::test]
async fn flows_beyond_the_limit_are_refused_until_one_ends() {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let origin = Origin::scripted(move |mut wire: Wire| {
        let mut released = receiver.clone();
        async move {
            wire.request().await;
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
            soon("the release", released.wait_for(|released| *released)).await.expect("the test runs");
            wire.send("two").await;
        }
    })
    .await;
    let proxy = Proxyhost::with(["--flows-in-flight", "1"]).start().await;
    let url = origin.url("/");
    let mut first = proxy.connect().await;
    first.send(format!("GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    // Its head is there, and its content is not yet whole.
    let head = first.head().await.expect("a response");
    assert_eq!(head.status(), 200);
    let refused = proxy.connect().await.get(&url).await;
    assert_eq!(
        (refused.status(), refused.field("proxy-status")),
        (503, Some("proxyhost; error=proxy_internal_response"))
    );
    assert_eq!(refused.field("retry-after"), Some("1"));
    sender.send(true).expect("the origin waits");
    assert_eq!(first.take(6).await, b"onetwo");
    // On this connection, the next request is read when the flow before it has ended.
    assert_eq!(first.get(&url).await.text(), "onetwo");
}
