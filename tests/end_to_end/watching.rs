//! Files that change while the proxy runs, and signals that have them read.

use std::{fs, path::Path};

use crate::harness::{Origin, Proxyhost, Start, Target, Wire, component, get, loadable_anew};

const URL: &str = "http://shop.example/cart";

fn cart(body: &str) -> Vec<u8> {
    get(URL).body(body).write()
}

fn replaying(args: &[&str]) -> Start {
    let config = "[options]\nserver_replay = [\"cart.mitm\"]\nserver_replay_extra = \"kill\"\n";
    Proxyhost::with(args.iter().copied()).file("cart.mitm", &cart("first")).config(config)
}

async fn asked(proxy: &Proxyhost) -> String {
    proxy.connect().await.get(URL).await.text()
}

fn write(proxy: &Proxyhost, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(proxy.folder().join(name), bytes).expect("a file");
}

/// Has what changed taken over: `--watch` sees it by itself.
fn tell(proxy: &Proxyhost, watches: bool) {
    if !watches {
        proxy.signal("HUP");
    }
}

#[tokio::test]
async fn what_changes_is_taken_over_as_it_changes() {
    takes_over(true).await;
}

#[tokio::test]
async fn what_has_changed_is_taken_over_on_sighup() {
    takes_over(false).await;
}

async fn takes_over(watches: bool) {
    let args: &[&str] = if watches { &["--watch"] } else { &[] };
    let plug = fs::read(component("path-id-matcher")).expect("it was built");
    let start = replaying(args).file("matcher.wasm", &plug);
    let addon = fs::read(component("maintenance-banner")).expect("it was built");
    let start = start.file("banner.wasm", &addon);
    let proxy = start.arg("--addon").arg("banner.wasm").arg("--plug").arg("matcher.wasm").start().await;
    assert_eq!(asked(&proxy).await, "first");

    write(&proxy, "cart.mitm", [cart("first"), cart("second, and longer")].concat());
    tell(&proxy, watches);
    proxy.wait_for_log("changed: files of serverreplay read again").await;
    assert_eq!(asked(&proxy).await, "second, and longer");

    // What is broken is told, and what there is goes on.
    write(&proxy, "cart.mitm", "no recording");
    tell(&proxy, watches);
    let line = proxy.wait_for_log("cannot take over what has changed").await;
    let expected = "ERROR cannot take over what has changed, so everything stays as it was: addon `serverreplay`: \
                    recording `cart.mitm` is of no known format: ";
    assert!(line.replace(&proxy.folder().display().to_string(), "").replace("`/", "`").starts_with(expected), "{line}");
    write(&proxy, "cart.mitm", [cart("first"), cart("second, and longer"), cart("third")].concat());
    write(&proxy, "matcher.wasm", loadable_anew(&plug, 1));
    tell(&proxy, watches);
    proxy.wait_for_log("changed: addon serverreplay replaced").await;
    assert_eq!(asked(&proxy).await, "third");

    write(&proxy, "banner.wasm", "no component");
    tell(&proxy, watches);
    proxy.wait_for_log("is some other file, not a WebAssembly component").await;
    write(&proxy, "banner.wasm", loadable_anew(&addon, 1));
    tell(&proxy, watches);
    proxy.wait_for_log("changed: addon banner replaced").await;

    write(&proxy, "test.toml", "[options]\nserver_replay = [\"cart.mitm\"]\nserver_replay_extra = 404\n");
    tell(&proxy, watches);
    proxy.wait_for_log("changed: server_replay_extra = 404").await;
    assert_eq!(proxy.connect().await.get(URL).await.status(), 404);
    write(&proxy, "test.toml", "[options]\nserver_replay_extr = 500\n");
    tell(&proxy, watches);
    let line = proxy.wait_for_log("no addon has an option `server_replay_extr`").await;
    assert!(line.starts_with("ERROR cannot take over what has changed, so everything stays as it was: "), "{line}");
    assert_eq!(proxy.connect().await.get(URL).await.status(), 404);
    assert!(proxy.stop().await.success());
}

#[tokio::test]
async fn a_file_that_is_put_in_the_place_of_another_is_seen() {
    let proxy = replaying(&["--watch"]).start().await;
    assert_eq!(asked(&proxy).await, "first");
    for body in ["second", "third"] {
        write(&proxy, "cart.new", cart(body));
        let changes = proxy.log().matches("changed: ").count();
        fs::rename(proxy.folder().join("cart.new"), proxy.folder().join("cart.mitm")).expect("a file in its place");
        proxy.wait_for_lines("changed: ", changes + 1).await;
        // It is another exchange of the same key.
        assert_eq!(asked(&proxy).await, body);
    }
}

#[tokio::test]
async fn a_recording_that_was_added_while_it_runs_is_watched_too() {
    let proxy = replaying(&["--watch", "--control", "0"]).start().await;
    fs::create_dir(proxy.folder().join("more")).expect("a folder");
    write(&proxy, "more/other.mitm", get("http://shop.example/other").body("early").write());
    proxy.ctl(&["recordings", "add", "more/other.mitm"]).await;
    write(&proxy, "more/other.mitm", get("http://shop.example/other").body("later").write());
    proxy.wait_for_log("changed: files of serverreplay read again").await;
    assert_eq!(proxy.connect().await.get("http://shop.example/other").await.text(), "later");
}

#[tokio::test]
async fn what_was_set_while_it_runs_stays_until_the_configuration_says_something_else() {
    let proxy = replaying(&["--control", "0"]).start().await;
    proxy.ctl(&["options", "set", "server_replay_extra=404"]).await;
    let config = "[options]\nserver_replay = [\"cart.mitm\"]\nserver_replay_extra = \"kill\"\n";
    write(&proxy, "test.toml", format!("{config}server_replay_refresh = false\n"));
    assert_eq!(proxy.ctl(&["reload"]).await, "server_replay_refresh = false\n");
    assert_eq!(proxy.ctl(&["options", "get", "server_replay_extra"]).await, "404\n");
    write(&proxy, "test.toml", config.replace("\"kill\"", "500"));
    assert_eq!(proxy.ctl(&["reload"]).await, "server_replay_extra = 500, server_replay_refresh = true\n");
}

#[tokio::test]
async fn what_only_a_start_can_change_is_told() {
    let proxy = replaying(&["--control", "0"]).start().await;
    let config =
        "[options]\nserver_replay = [\"cart.mitm\"]\nserver_replay_extra = \"kill\"\nrecord_redact = [\"field:x\"]\n";
    write(&proxy, "test.toml", format!("ca_dir = \"other\"\n{config}"));
    assert_eq!(proxy.ctl(&["reload"]).await, "nothing has changed\n");
    let line = proxy.wait_for_log("option `record_redact` changed").await;
    assert_eq!(line, "WARN option `record_redact` changed in the configuration, which only a start can take over");
}

#[tokio::test]
async fn a_report_is_said_on_sigusr1() {
    let proxy = replaying(&[]).start().await;
    assert_eq!(asked(&proxy).await, "first");
    proxy.signal("USR1");
    let line = proxy.wait_for_log("1 request: ").await;
    assert_eq!(line, "INFO 1 request: 1 replayed, 0 missed, 0 recorded exchanges never served, 0 failed");
}

#[tokio::test]
async fn a_recording_that_grows_by_itself_is_not_read_again_and_again() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlive".to_vec()).await;
    let visit = Target::new("visit.mitm");
    fs::write(visit.path(), cart("first")).expect("a file");
    let start = Proxyhost::with(["--watch", "--server-replay-mode", "auto", "-S"]).arg(visit.path());
    let proxy = start.append(&visit).file("note.txt", b"").start().await;
    let mut wire: Wire = proxy.connect().await;
    assert_eq!(wire.get(URL).await.text(), "first");
    for path in ["/a", "/b", "/c"] {
        assert_eq!(wire.get(&origin.url(path)).await.text(), "live");
        wait_until_recorded(visit.path(), path).await;
    }
    // It has seen all of that when it has seen what came after it.
    proxy.signal("HUP");
    proxy.wait_for_log("read again: nothing has changed").await;
    assert!(!proxy.log().contains("changed: files"), "{}", proxy.log());
    assert_eq!(proxy.log().matches("to replay").count(), 1, "{}", proxy.log());
}

async fn wait_until_recorded(file: &Path, path: &str) {
    let recorded = async {
        while !String::from_utf8_lossy(&fs::read(file).expect("it is there")).contains(path) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    crate::harness::soon("a recorded flow", recorded).await;
}
