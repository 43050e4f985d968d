//! Changes while clients are served: no request is lost, no recorded answer is given twice, and nothing goes out that must not.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    sync::Arc,
};

use tempfile::TempDir;
use tokio::sync::{Semaphore, watch};

use crate::harness::{Origin, Proxyhost, Wire, component, get, loadable_anew, recording, soon};

const URL: &str = "http://shop.example/cart";

const CLIENTS: usize = 200;
const CHANGES: usize = 40;
/// Requests that are made while a change is.
const DURING_EACH: usize = 40;

#[tokio::test]
async fn changes_lose_no_request_and_give_no_answer_twice() {
    let origin = Origin::silent().await;
    let (url, gone) = (origin.url("/queue"), origin.url("/gone"));
    let folder = TempDir::new().expect("a temporary folder");
    let (queue, addon) = (folder.path().join("queue.mitm"), folder.path().join("serverreplay.wasm"));
    let first: Vec<u8> = (0..CHANGES * DURING_EACH).flat_map(|number| answer(&url, number)).collect();
    fs::write(&queue, first).expect("a file");
    let code = fs::read(component("serverreplay")).expect("it was built");
    fs::write(&addon, &code).expect("a file");
    let start = Proxyhost::with(["--no-default-addons", "--control", "0", "--addon"]).arg(&addon);
    let proxy = start.arg("-k").arg("-S").arg(&queue).start().await;

    let turns = Arc::new(Semaphore::new(0));
    let (given, mut answered) = watch::channel(Vec::new());
    let given = Arc::new(given);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (mut wire, turns, given, url) = (proxy.connect().await, turns.clone(), given.clone(), url.clone());
        clients.push(tokio::spawn(async move {
            while let Ok(turn) = turns.acquire().await {
                turn.forget();
                let answer = wire.get(&url).await;
                assert_eq!(answer.status(), 200, "{answer:?}");
                given.send_modify(|given| given.push(answer.text()));
            }
        }));
    }
    let mut recorded = CHANGES * DURING_EACH;
    for number in 0..CHANGES {
        turns.add_permits(DURING_EACH);
        let said = match number % 4 {
            0 => proxy.ctl(&["options", "set", "server_replay_refresh=false"]).await,
            1 => proxy.ctl(&["options", "unset", "server_replay_refresh"]).await,
            2 => {
                replace(&addon, &loadable_anew(&code, u8::from(number % 8 == 2)));
                proxy.ctl(&["reload"]).await
            }
            _ => {
                append(&queue, &answer(&url, recorded));
                recorded += 1;
                proxy.ctl(&["reload"]).await
            }
        };
        assert_ne!(said, "nothing has changed\n");
        let mut wire = proxy.connect().await;
        wire.send(format!("GET {gone} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority())).await;
        assert_eq!(wire.read_to_end().await, b"");
        let all = answered.wait_for(|given| given.len() >= (number + 1) * DURING_EACH);
        soon("answers", all).await.expect("clients run");
    }
    turns.close();
    for client in clients {
        soon("a client", client).await.expect("every request was answered");
    }
    let given = answered.borrow().clone();
    let distinct: BTreeSet<&String> = given.iter().collect();
    assert_eq!((given.len(), distinct.len()), (CHANGES * DURING_EACH, CHANGES * DURING_EACH));
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, format!("{}\n", recorded - given.len()));
    assert_eq!(origin.connections().await, 0);
    // What came of them is told by all generations together.
    let metrics = proxy.ctl(&["metrics"]).await;
    let calls =
        format!("proxyhost_hook_calls_total{{addon=\"serverreplay\",hook=\"request\"}} {}", given.len() + CHANGES);
    assert!(metrics.lines().any(|line| line == calls), "{metrics}");
    assert!(proxy.stop().await.success());
}

fn answer(url: &str, number: usize) -> Vec<u8> {
    get(url).at(1_700_000_000.0 + number as f64).body(format!("answer {number}")).write()
}

fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).expect("a file");
    fs::rename(beside, path).expect("a file in its place");
}

fn append(path: &Path, bytes: &[u8]) {
    let file = OpenOptions::new().append(true).open(path);
    file.and_then(|mut file| file.write_all(bytes)).expect("a longer file");
}

#[tokio::test]
async fn what_was_used_stays_used_until_it_is_forgotten() {
    let bodies = ["one", "two", "three", "four", "five", "six"];
    let flow = |at: usize| get(URL).at(1_700_000_000.0 + at as f64).body(bodies[at]);
    let file = recording((0..4).map(flow));
    let proxy = Proxyhost::with(["-k", "--control", "0"]).replay(&file).start().await;
    let cart = || async { proxy.connect().await.get(URL).await.text() };
    assert_eq!(cart().await, "one");
    proxy.ctl(&["options", "set", "server_replay_refresh=false"]).await;
    assert_eq!(cart().await, "two");
    // The same again, written anew.
    let same = fs::read(file.path()).expect("the file is there");
    replace(file.path(), &same);
    let said = proxy.ctl(&["reload"]).await;
    assert_eq!(said, "files of serverreplay read again\n");
    assert_eq!(cart().await, "three");
    // Another one before those that were used, another one behind, and one fewer.
    let flows = [5, 1, 2, 3, 4].map(flow).iter().flat_map(|flow| flow.write()).collect::<Vec<u8>>();
    replace(file.path(), &flows);
    proxy.ctl(&["reload"]).await;
    assert_eq!(cart().await, "six");
    assert_eq!(cart().await, "four");
    assert_eq!(cart().await, "five");
    assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "0\n");
    is_killed(proxy.connect().await).await;
    proxy.ctl(&["run", "replay.server.reset"]).await;
    assert_eq!(cart().await, "six");
    assert_eq!(cart().await, "two");
    // Other options, under which requests are the same that were not: what was used of them stays used.
    proxy.ctl(&["options", "set", "server_replay_ignore_content=true"]).await;
    assert_eq!(cart().await, "three");
}

#[tokio::test]
async fn flows_can_be_looked_at_whose_recording_is_gone() {
    let file = recording([get(URL).body("a recorded body").trailer("x-sum", "7")]);
    let proxy = Proxyhost::with(["-k", "--control", "0"]).replay(&file).start().await;
    assert_eq!(proxy.connect().await.get(URL).await.text(), "a recorded body");
    proxy.ctl(&["run", "replay.server.stop"]).await;
    fs::remove_file(file.path()).expect("it was there");
    assert_eq!(proxy.ctl(&["flow", "1", "--body", "response"]).await, "a recorded body");
    let list = proxy.ctl(&["flows"]).await;
    assert!(list.contains("15 B"), "{list}");
}

#[tokio::test]
async fn a_recording_that_is_given_twice_is_served_twice_whatever_changes() {
    let file = recording([get(URL).body("once")]);
    let proxy = Proxyhost::with(["-k", "--control", "0"]).replay(&file).replay(&file).start().await;
    assert_eq!(proxy.connect().await.get(URL).await.text(), "once");
    for value in ["false", "true"] {
        proxy.ctl(&["options", "set", &format!("server_replay_refresh={value}")]).await;
        assert_eq!(proxy.ctl(&["run", "replay.server.count"]).await, "1\n");
    }
    assert_eq!(proxy.connect().await.get(URL).await.text(), "once");
    is_killed(proxy.connect().await).await;
}

async fn is_killed(mut wire: Wire) {
    wire.send(format!("GET {URL} HTTP/1.1\r\nHost: shop.example\r\n\r\n")).await;
    assert_eq!(wire.read_to_end().await, b"");
}
