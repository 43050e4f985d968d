//! The host without recordings: their folder, their package and their crates are left out, and it still loads addons and
//! proxies. What a capability is, this shows.
//!
//! ```sh
//! cargo test -p proxyhost --no-default-features --test without_recordings
//! ```

#![cfg(not(feature = "recordings"))]

#[allow(dead_code, unused_imports, reason = "it has what all end-to-end tests are written with")]
#[path = "../end_to_end/harness/mod.rs"]
mod harness;

use harness::{Origin, Proxyhost, component};

#[tokio::test]
async fn an_addon_is_loaded_and_requests_are_proxied_through_it() {
    let origin = Origin::answering(|_| {
        let page = "<html><body>hello</body></html>";
        let length = page.len();
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{page}").into_bytes()
    })
    .await;
    let proxy = Proxyhost::with(["--addon"]).arg(component("maintenance-banner")).start().await;
    let response = proxy.connect().await.get(&origin.url("/")).await;
    assert_eq!(response.status(), 200);
    assert!(response.text().contains("hello") && response.text().len() > 31, "{response:?}");
    assert_eq!(origin.connections().await, 1);
}

#[test]
fn nothing_is_loaded_by_default() {
    let checked = Proxyhost::with(["check"]).run();
    assert!(checked.status.success());
    assert_eq!(String::from_utf8_lossy(&checked.stdout), "listener 127.0.0.1:8080: ok\nthe configuration is good\n");
    let listed = Proxyhost::with(["addons"]).run();
    assert_eq!((listed.status.code(), String::from_utf8_lossy(&listed.stdout).as_ref()), (Some(0), ""));
}

#[test]
fn what_needs_recordings_is_refused() {
    let said = Proxyhost::with(["--addon"]).arg(component("probe")).refusal();
    assert!(
        said.starts_with("error: `probe` imports `proxyhost:recordings/")
            && said.contains("which neither the host nor a plug provides"),
        "{said}"
    );
    let said = Proxyhost::with(["--addon", "serverreplay"]).refusal();
    assert!(said.contains("cannot find addon `serverreplay`"), "{said}");
    let said = Proxyhost::with(["flows", "list", "x.mitm"]).refusal();
    assert_eq!(said, "error: cannot run `flows`: this `proxyhost` was built without recordings\n");
}
