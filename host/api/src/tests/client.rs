//! `ctl` in front of a served fake.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, atomic::Ordering},
};

use control::Event;
use tempfile::TempDir;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    fake::answered,
    harness::{PATIENCE, Served, TOKEN},
};
use crate::ctl;

/// A script's view of a served fake.
struct Script {
    served: Served,
    folder: TempDir,
}

impl Script {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let token = folder.path().join("token");
        fs::write(&token, TOKEN).expect("a file");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("its mode");
        Self { served: Served::start().await, folder }
    }

    /// What `ctl` prints, or how it fails: its exit code and message.
    async fn ctl(&self, line: &str) -> Result<String, (u8, String)> {
        let token = self.folder.path().join("token");
        let place = format!("--control {} --token-file {}", self.served.address, token.display());
        // A blank in an argument is written as `_`.
        let arguments: Vec<String> =
            format!("ctl {place} {line}").split(' ').map(|word| word.replace('_', " ")).collect();
        let ran = spawn_blocking(move || {
            let matches = ctl::command().try_get_matches_from(arguments).expect("a command line");
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let outcome = ctl::run(&matches, &mut out, &mut err);
            assert_eq!(String::from_utf8_lossy(&err), "");
            match outcome {
                Ok(()) => Ok(String::from_utf8_lossy(&out).into_owned()),
                Err(error) => Err((error.exit_code(), oneline::chain(&error))),
            }
        });
        timeout(PATIENCE, ran).await.expect("an end in time").expect("it does not panic")
    }

    async fn prints(&self, line: &str, expected: &str) {
        assert_eq!(self.ctl(line).await, Ok(expected.to_owned()), "{line}");
    }

    async fn asks(&self, line: &str, asked: &str) {
        let printed = self.ctl(line).await;
        assert_eq!(self.served.fake.asked(), [asked], "{line}: {printed:?}");
        assert!(printed.is_ok(), "{line}: {printed:?}");
    }

    async fn fails(&self, line: &str, code: u8, message: &str) {
        assert_eq!(self.ctl(line).await, Err((code, message.to_owned())), "{line}");
    }
}

const FLOW: &str = "     4  22:13:20  GET     200         47 B   0.4 ms  http://shop.example/api/orders?id=1 · replayed: flow \
                    4 of shop.mitm\n";

#[tokio::test]
async fn what_there_is_is_listed_in_lines() {
    let script = Script::start().await;
    script.prints("wait", "").await;
    script.prints("status", "127.0.0.1:8080 (regular)\n127.0.0.1:8080 (regular, session a)\n").await;
    script
        .prints("flows", &format!(
            "{FLOW}     5  22:13:20  GET     failed       0 B   0.4 ms  http://shop.example/\\u{{1b}}[2J · connection \
             refused by 127.0.0.1:1\n"
        ))
        .await;
    script.prints("flows ~m_GET_&_~c_200", FLOW).await;
    script.prints("flows --session a --limit 3", FLOW).await;
    script
        .prints(
            "flow 4",
            &format!(
                "{FLOW}\nrequest HTTP/1.1\naccept: */*\nx-latin: Y2Fm6Q==\n(0 B)\n\nresponse HTTP/1.1\ncontent-type: \
             text/html; charset=utf-8\ncontent-encoding: gzip\nx-sum: \\u{{1b}}[2J\n(25 B)\n"
            ),
        )
        .await;
    script.prints("flow 4 --body response", "hello").await;
    script
        .prints(
            "options",
            "* refresh = false\n  most = 3\n  order = old\n* files = a.mitm, b c\n  fixed =  (only a start can set it)\n",
        )
        .await;
    script.prints("options get files", "a.mitm, b c\n").await;
    script.prints("options get refresh", "false\n").await;
    script.prints("commands", "replay.server.file FILE [HOW…]: Replays a file [keys: Rs]\n").await;
    script.prints("addons", "serverreplay (off): replays [shipped]\n  plug matcher\n").await;
    script.prints("plugs", "matcher in serverreplay\n").await;
    script
        .prints(
            "recordings",
            "shop.mitm (serverreplay): 1 of 2 exchanges used, and 1 answer nothing\n     1     2×  200 GET \
             http://shop.example/1\n     3     0×  200 GET http://shop.example/3\n",
        )
        .await;
    script
        .prints(
            "sessions",
            "(none): 4 flows, 1 miss, 0 failures, 3 recorded exchanges used\na: 4 flows, 1 miss, 0 failures, 3 \
             recorded exchanges used\n",
        )
        .await;
    script.prints("run replay.server.count", "2 left\n\\u{1b}1 used\n").await;
    script
        .prints(
            "metrics",
            "# HELP proxyhost_flows_total Flows\n# TYPE proxyhost_flows_total counter\nproxyhost_flows_total 5\n",
        )
        .await;
}

#[tokio::test]
async fn programs_get_json() {
    let script = Script::start().await;
    for (line, count) in [
        ("flows", 2),
        ("flow 4", 1),
        ("options", 5),
        ("options get most", 1),
        ("commands", 1),
        ("addons", 1),
        ("plugs", 1),
        ("recordings", 1),
        ("sessions", 2),
        ("report", 1),
        ("status", 1),
        ("run replay.server.count", 1),
        ("reload", 1),
    ] {
        let printed = script.ctl(&format!("{line} --json")).await.expect(line);
        let lines: Vec<serde_json::Value> =
            printed.lines().map(|line| serde_json::from_str(line).expect("a JSON document")).collect();
        assert!(lines.len() == count && lines.iter().all(serde_json::Value::is_object), "{line}: {printed}");
    }
}

#[tokio::test]
async fn what_is_to_change_is_asked_for() {
    let script = Script::start().await;
    script.asks("options set refresh=false", "Options([(\"refresh\", Text(\"false\"))])").await;
    script
        .asks(
            "options set b==x a= files=1 files=2 files=3",
            "Options([(\"a\", Text(\"\")), (\"b\", Text(\"=x\")), (\"files\", Value(Texts([\"1\", \"2\", \"3\"])))])",
        )
        .await;
    script.asks("options unset a b", "Options([(\"a\", Default), (\"b\", Default)])").await;
    script
        .asks(
            "run replay.server.count -x --json --session=1",
            "run replay.server.count [\"-x\", \"--json\", \"--session=1\"] \"\"",
        )
        .await;
    script.asks("--session a run replay.server.count", "run replay.server.count [] \"a\"").await;
    script.asks("addons add serverreplay", "AddAddon(\"serverreplay\")").await;
    script.asks("addons replace a/b x.wasm", "ReplaceAddon { name: \"a/b\", file: \"x.wasm\" }").await;
    script.asks("addons remove a", "RemoveAddon(\"a\")").await;
    script.asks("plugs replace m x.wasm", "ReplacePlug { name: \"m\", file: \"x.wasm\" }").await;
    script.asks("plugs add matcher", "AddPlug(\"matcher\")").await;
    script.asks("plugs remove matcher", "RemovePlug(\"matcher\")").await;
    script.asks("recordings add /a_b&c.mitm", "AddRecording { addon: None, file: \"/a b&c.mitm\" }").await;
    script.asks("recordings remove /a_b&c.mitm", "RemoveRecording { addon: None, file: \"/a b&c.mitm\" }").await;
    script.asks("save /dev/null ~e", "save [5] null").await;
    script.asks("save --force /dev/null ~e", "save [5] null replacing").await;
    script.asks("clear", "clear").await;
    script.asks("reset", "reset None").await;
    script.asks("reset --session a", "reset Some(\"a\")").await;
    script.asks("reload", "Reload").await;
    script.asks("stop", "stop").await;
    // Files are named as this process finds them.
    let here = std::path::absolute("Cargo.toml").expect("a folder");
    script.asks("addons add Cargo.toml", &format!("AddAddon({here:?})")).await;
}

#[tokio::test]
async fn a_failure_says_what_was_attempted_and_why() {
    let script = Script::start().await;
    script.fails("run none", 2, "cannot run `none`: there is no command `none`").await;
    script.fails("run refuse", 1, "cannot run `refuse`: no room for `x`").await;
    script.fails("run fail", 1, "cannot run `fail`: the disk is full").await;
    script.fails("clear --session a", 2, "`clear` is not about one session: leave out `--session`").await;
    script.fails("options set =x", 2, "`=x` sets nothing: write NAME=VALUE").await;
    script.fails("reset --session none", 2, "cannot reset: there is no session `none`").await;
    script.fails("options set x", 2, "`x` sets nothing: write NAME=VALUE").await;
    script.fails("options get x", 2, "cannot show option `x`: there is no option `x`: `/v1/options` lists them").await;
    script
        .fails(
            "flow 5 --body request",
            1,
            "cannot show the body of the request of flow 5: the content was not kept: it was too large, or passed unseen",
        )
        .await;
    let needed = "`~c` needs a status code such as `404`";
    script.fails("flows ~c", 2, &format!("cannot list flows: at character 3 of filter `~c`, {needed}")).await;
    let token = script.folder.path().join("token");
    fs::write(&token, "another token that is wrong".replace(' ', "-")).expect("a file");
    script.fails("flows", 1, "cannot list flows: this is not the token of the proxy").await;
}

#[tokio::test]
async fn a_proxy_that_does_not_serve_is_waited_for() {
    let script = Script::start().await;
    *script.served.fake.is_serving.lock().expect("nobody panicked") = false;
    script.fails("wait --timeout 0", 1, "the proxy does not serve after 0 seconds").await;
    let fake = script.served.fake.clone();
    let serving = async move {
        *fake.is_serving.lock().expect("nobody panicked") = true;
    };
    let (waited, ()) = tokio::join!(script.ctl("wait"), serving);
    assert_eq!(waited, Ok(String::new()));
}

#[tokio::test]
async fn flows_are_followed_without_a_gap() {
    let mut script = Script::start().await;
    let fake = script.served.fake.clone();
    let stop = script.served.stop.take();
    let passing = async {
        while fake.events.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        let mut next = answered().summary;
        // The first was listed already, and is not said twice.
        for id in [4, 6] {
            next.id = id;
            fake.events.send(Event::FlowEnded { flow: Arc::new(next.clone()) }).expect("somebody listens");
        }
        // What has begun is finished.
        while !fake.events.is_empty() || !fake.is_listed.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        drop(stop);
    };
    let (printed, ()) = tokio::join!(script.ctl("flows --follow --session a"), passing);
    // It ends with the proxy.
    assert_eq!(printed, Ok(FLOW.to_owned() + &FLOW.replacen("     4", "     6", 1)));
}
