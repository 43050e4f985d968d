//! The components among the examples do what they say, with the shipped addon as it is.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::harness::{Message, Proxyhost, RecordingFile, Start, component, get, recording};

/// The components among the examples.
const EXAMPLES: [&str; 3] = ["maintenance-banner", "path-id-matcher", "session-refresher"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the host is in the workspace")
}

/// Replays the recorded visit to `shop.example`, and sends nothing anywhere.
fn shop() -> Start {
    Proxyhost::with(["--server-replay-extra", "404", "-S"]).arg(root().join("examples/shop.mitm"))
}

async fn ask(start: Start, url: &str) -> Message {
    start.start().await.connect().await.get(url).await
}

const ORDER: &str = "{\"id\": 1042, \"state\": \"shipped\", \"total\": 6980}\n";

#[tokio::test]
async fn the_matcher_answers_for_another_id() {
    let url = "http://shop.example/api/orders/7";
    assert_eq!(ask(shop(), url).await.status(), 404);
    let by_flag = ask(shop().arg("--plug").arg(component("path-id-matcher")), url).await;
    assert_eq!((by_flag.status(), by_flag.text().as_str()), (200, ORDER));
    let config = format!("plugs = ['{}']\n", component("path-id-matcher").display());
    let by_file = ask(shop().config(&config), url).await;
    assert_eq!((by_file.status(), by_file.text().as_str()), (200, ORDER));
}

#[tokio::test]
async fn the_matcher_builds_on_the_shipped_one() {
    let plugged = || shop().arg("--plug").arg(component("path-id-matcher"));
    let url = "http://shop.example/api/products?page=1&utm_source=mail";
    assert_eq!(ask(plugged(), url).await.status(), 404);
    assert_eq!(ask(plugged().set("server_replay_ignore_params", "utm_source"), url).await.status(), 200);
    let miss = ask(plugged(), "http://shop.example/api/carts/7").await;
    assert!(miss.text().contains("path is `/api/carts/:id`, not `/api/orders/:id`"), "{}", miss.text());
}

/// The cookies that a login sets.
async fn cookies(start: Start) -> Vec<String> {
    let body = b"user=alice&password=example";
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let proxy = start.start().await;
    let mut wire = proxy.connect().await;
    let response = wire.ask("POST", "https://shop.example/login", "shop.example", &form, body).await;
    assert_eq!(response.status(), 200);
    response.lines("set-cookie").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_refresher_lets_cookies_live_for_a_while() {
    let plugged = || shop().arg("--plug").arg(component("session-refresher"));
    let ends = |cookies: &[String], expected: &str| -> Vec<bool> {
        cookies.iter().map(|cookie| cookie.ends_with(expected)).collect()
    };
    assert_eq!(ends(&cookies(shop()).await, "; Max-Age=3600"), [false; 3]);
    let by_flag = cookies(plugged()).await;
    assert_eq!(
        by_flag[0],
        "session=c2hvcC1zZXNzaW9u; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax; Max-Age=3600"
    );
    assert_eq!(ends(&by_flag, "; Max-Age=3600"), [true, true, false]);
    assert_eq!(by_flag[2], "theme=dark; Path=/");
    let config = format!(
        "[[addons]]\nuse = 'serverreplay'\nplugs = ['{}']\noptions = {{ cookie_lifetime = 800 }}\n",
        component("session-refresher").display()
    );
    assert_eq!(ends(&cookies(shop().config(&config)).await, "; Max-Age=800"), [false, true, false]);
    let refused = plugged().set("cookie_lifetime", "-1").refusal();
    assert_eq!(
        refused,
        "error: addon `session_refresher`: option `cookie_lifetime` is a number of seconds from 0, not -1\n"
    );
}

#[tokio::test]
async fn the_refresher_builds_on_the_shipped_one() {
    let url = "http://shop.example/old";
    let recording = recording([get(url).at(1_000_000_000.0).field("Last-Modified", "Sun, 09 Sep 2001 01:46:40 GMT")]);
    let start = || Proxyhost::with(["-k"]).replay(&recording).arg("--plug").arg(component("session-refresher"));
    let refreshed = ask(start(), url).await;
    assert_ne!(refreshed.field("last-modified"), Some("Sun, 09 Sep 2001 01:46:40 GMT"));
    let recorded = ask(start().arg("--norefresh"), url).await;
    assert_eq!(recorded.field("last-modified"), Some("Sun, 09 Sep 2001 01:46:40 GMT"));
}

fn with_banner(start: Start, text: &str) -> Start {
    start.arg("--addon").arg(component("maintenance-banner")).arg("--banner").arg(text)
}

#[tokio::test]
async fn the_addon_edits_pages_and_nothing_else() {
    let proxy = with_banner(shop(), "Back at 6 & later").start().await;
    let mut wire = proxy.connect().await;
    let page = wire.get("http://shop.example/").await;
    assert_eq!(page.field("x-maintenance"), Some("banner"));
    assert_eq!(page.field("content-length"), Some(page.body.len().to_string().as_str()));
    let expected = "<body class=\"home\"><p role=\"status\">Back at 6 &amp; later</p>\n";
    assert!(page.text().contains(expected), "{}", page.text());
    let image = wire.get("http://shop.example/logo.png").await;
    assert_eq!((image.field("x-maintenance"), image.body.len()), (None, 1104));
}

#[tokio::test]
async fn the_addon_leaves_coded_and_large_pages_alone() {
    let large = format!("<body>{}", "x".repeat(1 << 20));
    let recording: RecordingFile = recording([
        get("http://shop.example/coded")
            .field("Content-Type", "text/html")
            .field("Content-Encoding", "x-own")
            .body("<body>"),
        get("http://shop.example/large").field("Content-Type", "text/html").body(&large),
    ]);
    let proxy = with_banner(Proxyhost::with(["-k"]).replay(&recording), "soon").start().await;
    let mut wire = proxy.connect().await;
    let coded = wire.get("http://shop.example/coded").await;
    assert_eq!((coded.field("x-maintenance"), coded.text().as_str()), (None, "<body>"));
    let whole = wire.get("http://shop.example/large").await;
    assert_eq!(whole.field("x-maintenance"), None);
    assert!(whole.text() == large, "the page has changed");
}

#[tokio::test]
async fn the_addon_answers_health_checks() {
    let health = ask(with_banner(Proxyhost::with(["--offline"]), "soon"), "http://any.example/healthz").await;
    assert_eq!((health.status(), health.text().as_str()), (200, "ok\n"));
    assert_eq!(
        with_banner(shop(), " ").refusal(),
        "error: addon `maintenance_banner`: option `banner` is empty: give it a text, or leave the addon out\n"
    );
}

#[test]
fn the_example_configuration_is_good() {
    // It names components where the command in it puts them: beside the examples, in the target folder.
    let folder = TempDir::new().expect("a temporary folder");
    let [flows, built] = ["examples", "target/wasm32-wasip2/release"].map(|within| folder.path().join(within));
    for folder in [&flows, &built] {
        fs::create_dir_all(folder).expect("a folder in the temporary one");
    }
    let copy = |from: &Path, to: &Path| {
        fs::copy(from, to).expect("it can be copied");
    };
    let config = folder.path().join("examples/proxyhost.toml");
    copy(&root().join("examples/proxyhost.toml"), &config);
    copy(&root().join("examples/shop.mitm"), &flows.join("shop.mitm"));
    for component in EXAMPLES.map(component) {
        copy(&component, &built.join(component.file_name().expect("a file")));
    }
    let output = Proxyhost::with(["check", "--config"]).arg(&config).run();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "listener 127.0.0.1:8080: ok\naddon maintenance_banner: ok\naddon serverreplay: ok, and nothing is sent to any \
         server\naddon record: ok, with nothing to do\nthe configuration is good\n"
    );
}
