//! Looking at a running proxy, and changing it: commands, options, and who may.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::harness::{Origin, Proxyhost, Start, Wire, get, recording};

const URL: &str = "http://shop.example/cart";

/// A proxy that replays `cart.mitm` with three answers to one request and another one, and that can be changed.
fn replaying() -> Start {
    let cart = ["first", "second", "third"].map(|body| dated(URL, body));
    let cart = cart.into_iter().chain([dated("http://shop.example/one", "one")]).flatten();
    let other = dated("http://shop.example/other", "other");
    let start = Proxyhost::with(["-k", "--control", "0", "-S", "cart.mitm"]);
    start.file("cart.mitm", &cart.collect::<Vec<u8>>()).file("other.mitm", &other).file("notes.txt", b"not recorded")
}

fn dated(url: &str, body: &str) -> Vec<u8> {
    get(url).body(body).field("date", "Tue, 14 Nov 2023 22:13:20 GMT").write()
}

/// All that a change could change.
async fn state(proxy: &Proxyhost) -> Vec<String> {
    let mut state = Vec::new();
    for args in [&["options", "--json"][..], &["addons", "--json"], &["recordings", "--json"], &["metrics"]] {
        let said = proxy.ctl(args).await;
        state.extend(
            said.lines()
                .filter(|line| !line.starts_with("proxyhost_") || line.contains("generation"))
                .map(str::to_owned),
        );
    }
    state
}

#[tokio::test]
async fn server_replay_does_while_it_runs_what_mitmproxy_does() {
    let proxy = replaying().start().await;
    let cart = || async { proxy.connect().await.get(URL).await.text() };
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "4\n");
    assert_eq!(cart().await, "first");
    let list = "    1 × flow 1 of cart.mitm: GET http://shop.example/cart\n    0 × flow 2 of cart.mitm: GET \
                http://shop.example/cart\n    0 × flow 3 of cart.mitm: GET http://shop.example/cart\n    0 × flow 4 of \
                cart.mitm: GET http://shop.example/one\n";
    assert_eq!(proxy.ctl(&["run", "replay.server.list"]).await, list);
    let unused = list.split_once('\n').map(|(_, unused)| unused).expect("lines");
    assert_eq!(proxy.ctl(&["run", "replay.server.unused"]).await, unused);
    assert_eq!(proxy.ctl(&["run", "replay.server.add", "other.mitm"]).await, "replaying cart.mitm, other.mitm\n");
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "4\n");
    // Once more is not twice.
    assert_eq!(proxy.ctl(&["run", "replay.server.add", "other.mitm"]).await, "replaying cart.mitm, other.mitm\n");
    assert_eq!(proxy.ctl(&["options", "get", "server_replay"]).await, "cart.mitm, other.mitm\n");
    assert_eq!(cart().await, "second");
    assert_eq!(proxy.connect().await.get("http://shop.example/other").await.text(), "other");

    let killed = || async {
        let mut wire = proxy.connect().await;
        wire.send(format!("GET {URL}/gone HTTP/1.1\r\nHost: shop.example\r\n\r\n")).await;
        assert_eq!(wire.read_to_end().await, b"");
    };
    killed().await;
    let missed = proxy.ctl(&["run", "replay.server.missed"]).await;
    let expected = "flow 4: GET http://shop.example/cart/gone: nearest: flow 1 of cart.mitm (GET \
                    http://shop.example/cart): path is `/cart/gone`, not `/cart`";
    assert!(missed.starts_with(expected), "{missed}");
    let data: Value = serde_json::from_str(&proxy.ctl(&["run", "replay.server.missed", "--json"]).await).expect("JSON");
    assert_eq!(data["data"][0]["details"]["nearest"][0]["differences"][0]["part"], "path");

    assert_eq!(proxy.ctl(&["run", "replay.server.file", "other.mitm"]).await, "replaying other.mitm\n");
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "0\n");
    assert_eq!(proxy.ctl(&["run", "replay.server.reset"]).await, "all recorded responses can be served again\n");
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "1\n");
    assert_eq!(proxy.ctl(&["run", "replay.server.stop"]).await, "replaying nothing\n");
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "0\n");
    killed().await;
    let two = ["run", "replay.server", "other.mitm", "cart.mitm"];
    assert_eq!(proxy.ctl(&two).await, "replaying other.mitm, cart.mitm\n");
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "5\n");
    assert!(proxy.stop().await.success());
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_changes_nothing() {
    let proxy = replaying().start().await;
    assert_eq!(proxy.connect().await.get(URL).await.text(), "first");
    let before = state(&proxy).await;
    let folder = proxy.folder();
    let gone = folder.join("gone.mitm").display().to_string();
    let missing = "No such file or directory (os error 2)";
    let cases: [(&[&str], i32, String); 16] = [
        (&["run", "replay.server.cout"], 2, "run `replay.server.cout`: there is no command `replay.server.cout`; did you mean `replay.server.count`?".into()),
        (&["run", "replay.server.count", "x"], 2, "run `replay.server.count`: `x` is one argument too many; it takes no arguments".into()),
        (&["run", "replay.server.file"], 2, "run `replay.server.file`: `file` is missing; it takes FILE".into()),
        (&["run", "replay.server.file", "gone.mitm"], 1, format!("run `replay.server.file`: addon `serverreplay`: cannot open recording `gone.mitm`: {missing}")),
        (&["run", "replay.server", "other.mitm", "gone.mitm"], 1, format!("run `replay.server`: addon `serverreplay`: cannot open recording `gone.mitm`: {missing}")),
        (&["run", "replay.server.add", "notes.txt"], 1, "run `replay.server.add`: addon `serverreplay`: recording `notes.txt` is of no known format: ".into()),
        (&["recordings", "add", "gone.mitm"],
            1,
            format!("replay `{gone}`: addon `serverreplay`: cannot open recording `{gone}`: {missing}"),
        ),
        (
            &["options", "set", "server_replay=gone.mitm"], 1, format!("set `server_replay`: addon `serverreplay`: cannot open recording `gone.mitm`: {missing}")),
        (&["options", "set", "server_replay_refres=false"], 2, "set `server_replay_refres`: there is no option `server_replay_refres`; did you mean `server_replay_refresh`?".into()),
        (&["options", "set", "server_replay_refresh=maybe"], 2, "set `server_replay_refresh`: option `server_replay_refresh` is true or false, not `maybe`".into()),
        (&["options", "set", "record_redact=.*"], 1, "set `record_redact`: only a start can set option `record_redact`: give it on the command line or in the configuration file".into()),
        (&["options", "set", "server_replay_extra=drop"], 1, "set `server_replay_extra`: addon `serverreplay`: option `server_replay_extra` is forward, kill or a status from 200 to 599, not `drop`".into()),
        // All together or none.
        (&["options", "set", "server_replay_refresh=false", "server_replay_extra=drop"], 1, "set `server_replay_extra`, `server_replay_refresh`: addon `serverreplay`: option `server_replay_extra` is ".into()),
        (&["addons", "add", "gone.wasm"], 2, "add addon `gone.wasm`: cannot find addon `gone.wasm`: there is no such file, and ".into()),
        (&["addons", "add", "notes.txt"], 2, format!("add addon `{}`: ", folder.join("notes.txt").display())),
        (&["addons", "remove", "probe"], 2, "remove addon `probe`: there is no addon `probe`".into()),
    ];
    for (args, code, expected) in cases {
        let said = proxy.try_ctl(args).await;
        assert_eq!(said.code, Some(code), "{args:?}: {said:?}");
        assert!(said.error.starts_with(&format!("error: cannot {expected}")), "{args:?}: {said:?}");
        assert_eq!((said.error.matches('\n').count(), said.output.as_str()), (1, ""), "{args:?}: {said:?}");
        assert_eq!(state(&proxy).await, before, "{args:?}");
    }
    assert_eq!(proxy.connect().await.get(URL).await.text(), "second");
}

#[tokio::test]
async fn refreshing_can_be_turned_off_while_it_runs() {
    let proxy = replaying().start().await;
    let recorded = "Tue, 14 Nov 2023 22:13:20 GMT";
    let date = || async { proxy.connect().await.get(URL).await.field("date").map(str::to_owned) };
    assert_ne!(date().await.as_deref(), Some(recorded));
    let said = proxy.ctl(&["options", "set", "server_replay_refresh=false"]).await;
    assert_eq!(said, "server_replay_refresh = false\n");
    assert_eq!(date().await.as_deref(), Some(recorded));
    assert_eq!(proxy.ctl(&["options", "unset", "server_replay_refresh"]).await, "server_replay_refresh = true\n");
    assert_ne!(date().await.as_deref(), Some(recorded));
    assert!(proxy.log().contains("changed: server_replay_refresh = false"), "{}", proxy.log());
}

#[tokio::test]
async fn nothing_goes_out_once_it_kills_and_again_when_it_forwards() {
    let origin = Origin::answering(|_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await;
    let recorded = recording([get(URL)]);
    let proxy = Proxyhost::with(["--control", "0"]).replay(&recorded).start().await;
    let url = origin.url("/a");
    // Two connections that are kept, to us and to the server.
    let (mut one, mut other) = (proxy.connect().await, proxy.connect().await);
    assert_eq!((one.get(&url).await.status(), other.get(&url).await.status()), (204, 204));
    for _ in 0..3 {
        let before = origin.received().len();
        proxy.ctl(&["options", "set", "server_replay_extra=kill"]).await;
        for mut wire in [one, other] {
            wire.send(format!("GET {url} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority())).await;
            assert_eq!(wire.read_to_end().await, b"");
        }
        assert_eq!(origin.received().len(), before);
        proxy.ctl(&["options", "set", "server_replay_extra=forward"]).await;
        (one, other) = (proxy.connect().await, proxy.connect().await);
        assert_eq!((one.get(&url).await.status(), other.get(&url).await.status()), (204, 204));
        assert_eq!(origin.received().len(), before + 2);
    }
}

#[tokio::test]
async fn a_recording_is_begun_and_ended_while_it_runs() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()).await;
    let proxy = Proxyhost::with(["--control", "0"]).start().await;
    let mut wire = proxy.connect().await;
    wire.get(&origin.url("/before")).await;
    assert_eq!(proxy.ctl(&["run", "save.file", "visit.mitm"]).await, "recording to visit.mitm\n");
    wire.get(&origin.url("/within")).await;
    assert_eq!(proxy.ctl(&["run", "save.stop"]).await, "recording no longer\n");
    wire.get(&origin.url("/after")).await;
    assert_eq!(proxy.ctl(&["run", "replay.server.file", "visit.mitm"]).await, "replaying visit.mitm\n");
    let list = proxy.ctl(&["run", "replay.server.list"]).await;
    assert_eq!(list, format!("    0 × flow 1 of visit.mitm: GET {}\n", origin.url("/within")));
    let recorded = origin.received().len();
    assert_eq!(wire.get(&origin.url("/within")).await.text(), "hello");
    assert_eq!(origin.received().len(), recorded);
    // Where nothing can be written, nothing is.
    let said = proxy.try_ctl(&["run", "save.file", "/dev/null/visit.mitm"]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.error.starts_with("error: cannot run `save.file`: addon `record`: "), "{said:?}");
    assert_eq!(said.error.matches('\n').count(), 1, "{said:?}");
}

#[tokio::test]
async fn who_knows_no_token_or_is_a_page_reads_and_changes_nothing() {
    let proxy = replaying().start().await;
    let (address, token) = proxy.control().await;
    let bearer = format!("Bearer {token}");
    let known = ("authorization", bearer.as_str());
    let ask = |fields: Vec<(&'static str, String)>, host: String| {
        let proxy = &proxy;
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let mut wire = proxy.connect_control().await;
            wire.ask("PATCH", "/v1/options", &host, &fields, br#"{"server_replay_extra":"forward"}"#).await
        }
    };
    let json = ("content-type", "application/json".to_owned());
    let authorised = || vec![json.clone(), (known.0, bearer.clone())];
    let with = |name, value: &str| [authorised(), vec![(name, value.to_owned())]].concat();
    let rebound = format!("evil.example:{}", address.rsplit_once(':').expect("a port").1);
    for (fields, host, status) in [
        (vec![json.clone()], &address, 401),
        (vec![json.clone(), ("authorization", "Bearer 0123456789abcdef".to_owned())], &address, 401),
        (authorised(), &rebound, 421),
        (with("origin", "http://evil.example"), &address, 403),
        (with("origin", "null"), &address, 403),
    ] {
        let refused = ask(fields.clone(), host.clone()).await;
        assert_eq!(refused.status(), status, "{fields:?} {host}");
    }
    assert_eq!(proxy.ctl(&["options", "get", "server_replay_extra"]).await, "kill\n");
    assert_eq!(ask(authorised(), address.clone()).await.status(), 200);
    assert_eq!(proxy.ctl(&["options", "get", "server_replay_extra"]).await, "forward\n");
    // The log has the token once.
    assert_eq!(proxy.log().matches(&token).count(), 1);
}

#[tokio::test]
async fn a_client_of_the_proxy_does_not_reach_its_control_api() {
    let proxy = Proxyhost::with(["--control", "0"]).start().await;
    let (address, token) = proxy.control().await;
    let bearer = format!("Bearer {token}");
    let port = address.rsplit_once(':').expect("a port").1.to_owned();
    for host in [address.clone(), format!("localhost:{port}"), format!("127.0.0.2:{port}"), format!("0.0.0.0:{port}")] {
        let mut wire: Wire = proxy.connect().await;
        let fields = [("authorization", bearer.as_str())];
        let answer = wire.ask("GET", &format!("http://{host}/v1/options"), &host, &fields, b"").await;
        let status = answer.field("proxy-status").unwrap_or_default().to_owned();
        assert_eq!(answer.status(), 502, "{host}: {answer:?}");
        // That nothing listens at another address is as good.
        assert!(status.contains("proxy_loop_detected") || status.contains("connection_refused"), "{host}: {status}");
    }
    assert!(proxy.stop().await.success());
}

#[tokio::test]
async fn numbers_say_what_happened() {
    let proxy = replaying().start().await;
    assert_eq!(proxy.connect().await.get(URL).await.text(), "first");
    let mut wire = proxy.connect().await;
    wire.send("GET http://shop.example/gone HTTP/1.1\r\nHost: shop.example\r\n\r\n").await;
    assert_eq!(wire.read_to_end().await, b"");
    let (address, _) = proxy.control().await;
    // A change does not begin them anew.
    proxy.ctl(&["options", "set", "server_replay_refresh=false"]).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(proxy.connect_control().await.ask("GET", path, &address, &[], b"").await.status(), 200);
    }
    let metrics = proxy.connect_control().await.ask("GET", "/metrics", &address, &[], b"").await.text();
    for line in [
        r#"proxyhost_flows_total{outcome="answered"} 1"#,
        r#"proxyhost_flows_total{outcome="killed"} 1"#,
        "proxyhost_misses_total 1",
        r#"proxyhost_hook_calls_total{addon="serverreplay",hook="request"} 2"#,
        r#"proxyhost_hook_failures_total{addon="serverreplay",hook="request"} 0"#,
        "proxyhost_generation 2",
    ] {
        assert!(metrics.lines().any(|found| found == line), "`{line}` is not in\n{metrics}");
    }
    fs::metadata(proxy.folder().join("proxyhost")).expect("the file by which `ctl` finds it");
    assert_eq!(proxy.try_ctl(&["stop"]).await.code, Some(0));
}

#[tokio::test]
async fn numbers_say_what_is_open_and_recorded_and_what_memory_addons_have() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()).await;
    let proxy = Proxyhost::with(["--control", "0", "-w", "visit.mitm"]).start().await;
    let (mut wire, gone) = (proxy.connect().await, proxy.connect().await);
    for _ in 0..3 {
        assert_eq!(wire.get(&origin.url("/hello")).await.status(), 200);
    }
    drop(gone);
    let read = || async { valid_numbers(&proxy.ctl(&["metrics"]).await) };
    let mut found = read().await;
    // The proxy may see a little later that a client has left.
    while found["proxyhost_client_connections"] > 1.0 {
        found = read().await;
    }
    for (name, value) in [
        ("proxyhost_client_connections", 1.0),
        ("proxyhost_client_connections_total", 2.0),
        ("proxyhost_upstream_connections", 1.0),
        ("proxyhost_upstream_connections_total", 1.0),
        (r#"proxyhost_recorded_flows_total{addon="record"}"#, 3.0),
        (r#"proxyhost_recorder_failures_total{addon="record"}"#, 0.0),
        (r#"proxyhost_recorder_backlog_bytes{addon="record"}"#, 0.0),
        (r#"proxyhost_addon_instances{addon="record"}"#, 1.0),
    ] {
        assert_eq!(found.get(name), Some(&value), "{name} in {found:#?}");
    }
    assert!(found[r#"proxyhost_addon_memory_bytes{addon="record"}"#] > 65_536.0, "{found:#?}");
}

/// The samples of a text as Prometheus takes it: each family at once, with its type, and no sample twice.
pub fn valid_numbers(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut families, mut family) = (BTreeMap::new(), BTreeSet::new(), "");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap_or_default();
            assert!(families.insert(family), "`{family}` comes twice in\n{text}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let kind = if family.ends_with("_total") { "counter" } else { "gauge" };
            assert_eq!(rest, format!("{family} {kind}"));
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a name and a value");
            assert!(sample == family || sample.starts_with(&format!("{family}{{")), "`{line}` is not of `{family}`");
            let before = samples.insert(sample.to_owned(), value.parse().expect("a number"));
            assert_eq!(before, None, "`{sample}` comes twice in\n{text}");
        }
    }
    samples
}
