//! Addons, plugs and recordings that are added, replaced and removed while the proxy runs.

use std::fs;

use serde_json::json;

use crate::{
    control::valid_numbers,
    harness::{Proxyhost, component, get, loadable_anew},
};

const URL: &str = "http://shop.example/orders/1042";

#[tokio::test]
async fn a_recording_is_the_same_by_whatever_path_it_is_named() {
    let start = Proxyhost::with(["-k", "--control", "0", "-S", "shop.mitm"]);
    let proxy = start.file("shop.mitm", &get(URL).body("here").write()).start().await;
    for same in ["shop.mitm", "./shop.mitm", &proxy.folder().join("shop.mitm").display().to_string()] {
        assert_eq!(proxy.ctl(&["recordings", "add", same]).await, "nothing has changed\n", "{same}");
    }
    assert_eq!(proxy.ctl(&["recordings", "remove", "shop.mitm"]).await, "server_replay = (none)\n");
    let said = proxy.try_ctl(&["recordings", "remove", "shop.mitm"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    // What was so already is no change in the log either.
    assert_eq!(proxy.ctl(&["options", "set", "server_replay_refresh=true"]).await, "nothing has changed\n");
    proxy.ctl(&["options", "set", "server_replay_refresh=false"]).await;
    proxy.wait_for_log("changed: server_replay_refresh = false").await;
    assert!(!proxy.log().lines().any(|line| line.trim_end().ends_with("changed:")), "{}", proxy.log());
    assert_eq!(proxy.ctl(&["recordings", "add", "./shop.mitm"]).await, "server_replay = shop.mitm\n");
    assert_eq!(proxy.ctl(&["recordings", "remove", "shop.mitm"]).await, "server_replay = (none)\n");
}

#[tokio::test]
async fn an_addon_is_known_by_its_name_which_no_other_gets() {
    // Who wants one twice from the start has it twice.
    let twice = component("counting").display().to_string();
    let proxy = Proxyhost::with(["--control", "0", "--addon", &twice, "--addon", &twice]).start().await;
    assert_eq!(proxy.ctl(&["addons"]).await.matches("counting: ").count(), 2);
    valid_numbers(&proxy.ctl(&["metrics"]).await);
    let header = component("header").display().to_string();
    assert_eq!(proxy.ctl(&["addons", "add", &header]).await, "addon header added\n");
    let taken = |name: &str| format!("there is an addon `{name}` already: replace it, or remove it first\n");
    for args in [&["addons", "add", &twice][..], &["addons", "add", &header], &["addons", "replace", "header", &twice]]
    {
        let said = proxy.try_ctl(args).await;
        let name = if args.contains(&"replace") || args.contains(&twice.as_str()) { "counting" } else { "header" };
        assert!(said.code == Some(1) && said.error.ends_with(&taken(name)), "{args:?}: {said:?}");
    }
    let said = proxy.ctl(&["addons", "replace", "header", &component("outer-probe").display().to_string()]).await;
    assert_eq!(said, "addon outer_probe added, addon header removed\n");
}

#[tokio::test]
async fn components_are_sent_and_replaced_by_others_that_are_sent() {
    let start = Proxyhost::with(["--control", "0", "-S", "shop.mitm", "--server-replay-extra", "404"]);
    let start = start.arg("--set").arg("server_replay_reuse=first");
    let proxy = start.file("shop.mitm", &get(URL).body("here").write()).start().await;
    let (address, token) = proxy.control().await;
    let bearer = format!("Bearer {token}");
    let send = async |method: &str, path: &str, kind: &str, bytes: &[u8]| {
        let fields = [("authorization", bearer.as_str()), ("content-type", kind)];
        let answer = proxy.connect_control().await.ask(method, path, &address, &fields, bytes).await;
        (answer.status(), answer.text())
    };
    let other_order = async || proxy.connect().await.get("http://shop.example/orders/7").await.status();
    let matcher = fs::read(component("path-id-matcher")).expect("it was built");
    assert_eq!(other_order().await, 404);
    let (status, said) = send("POST", "/v1/plugs/mine", "application/wasm", &matcher).await;
    assert_eq!((status, said.contains("mine, matcher")), (200, true), "{said}");
    assert_eq!(other_order().await, 200);
    let (status, said) = send("PUT", "/v1/plugs/mine", "application/wasm", &loadable_anew(&matcher, 1)).await;
    assert_eq!((status, said.contains("addon serverreplay replaced")), (200, true), "{said}");
    let (status, said) = send("PUT", "/v1/plugs/mine", "application/wasm", b"no component").await;
    assert_eq!((status, said.contains("not a WebAssembly component")), (400, true), "{said}");
    assert_eq!(other_order().await, 200);
    let path = component("path-id-matcher").display().to_string();
    assert_eq!(
        proxy.ctl(&["plugs", "replace", "mine", &path]).await,
        "plugs of serverreplay = path_id_matcher, matcher, refresher\n"
    );
    assert_eq!(proxy.try_ctl(&["plugs", "replace", "mine", &path]).await.code, Some(2));
    proxy.ctl(&["plugs", "remove", "path_id_matcher"]).await;
    assert_eq!(other_order().await, 404);

    let banner = fs::read(component("maintenance-banner")).expect("it was built");
    assert_eq!(send("POST", "/v1/addons/banner", "application/wasm", &banner).await.0, 200);
    assert_eq!(send("POST", "/v1/addons/banner", "application/wasm", &banner).await.0, 409);
    let (status, said) = send("PUT", "/v1/addons/banner", "application/wasm", &loadable_anew(&banner, 1)).await;
    assert_eq!((status, said.contains("addon banner replaced")), (200, true), "{said}");

    // As in the configuration file, a number stands for the text; and what takes nothing needs no document.
    let values = json!({ "server_replay_extra": 418 }).to_string();
    assert_eq!(send("PATCH", "/v1/options", "application/json", values.as_bytes()).await.0, 200);
    assert_eq!(other_order().await, 418);
    for path in ["/v1/commands/replay.server.reset", "/v1/sessions/reset"] {
        assert_eq!(send("POST", path, "text/plain", b"").await.0, 200, "{path}");
    }
}
