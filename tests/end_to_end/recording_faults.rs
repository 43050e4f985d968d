//! Recording while its file, its folder or its disk fails: traffic goes on, and so does recording when it can.

use std::{
    collections::HashSet,
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{net::TcpStream, task::JoinSet};

use crate::harness::{Origin, Proxyhost, Target, Wire, soon};

/// A recording in either format, and everything that has to be whole in it.
const NAMES: [&str; 2] = ["visit.mitm", "visit.har"];

/// Answers with as many bytes as the path says.
async fn origin() -> Origin {
    Origin::answering(|request| {
        let size = request.first.split(['/', ' ']).find_map(|part| part.parse().ok()).unwrap_or(5);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; size]].concat()
    })
    .await
}

/// Asks for paths that are asked for once each, until the log has a line, and answers with how often.
async fn ask_until(proxy: &Proxyhost, origin: &Origin, line: &str) -> usize {
    let mut wire = proxy.connect().await;
    for number in 0..100_000 {
        if proxy.log().contains(line) {
            return number;
        }
        assert_eq!(wire.get(&origin.url(&format!("/5/until/{number}"))).await.text(), "xxxxx");
    }
    panic!("no `{line}` in the log:\n{}", proxy.log());
}

/// The paths of the exchanges in a recording, which has to be whole.
fn paths(path: &Path) -> Vec<String> {
    let check = Proxyhost::with(["flows", "check"]).arg(path).run();
    assert!(check.status.success(), "{check:?}");
    listed(path)
}

/// The paths of the exchanges in a recording, up to its last whole one.
fn listed(path: &Path) -> Vec<String> {
    let listed = Proxyhost::with(["flows", "list", "--json"]).arg(path).run();
    let text = String::from_utf8(listed.stdout).expect("UTF-8");
    let path = |line: &str| {
        let (_, rest) = line.split_once("\"url\":\"http://")?;
        Some(rest.split('"').next()?.split_once('/')?.1.to_owned())
    };
    text.lines().filter_map(path).collect()
}

fn count(proxy: &Proxyhost, text: &str) -> usize {
    proxy.log().lines().filter(|line| line.contains(text)).count()
}

#[tokio::test]
async fn a_file_that_is_removed_or_renamed_is_said_once_and_opened_again() {
    let origin = origin().await;
    for name in NAMES {
        for is_renamed in [false, true] {
            let target = Target::new(name);
            let rotated = target.path().with_extension("1");
            let proxy = Proxyhost::with([]).record(&target).start().await;
            let mut wire = proxy.connect().await;
            assert_eq!(wire.get(&origin.url("/5/before")).await.status(), 200);
            if is_renamed {
                fs::rename(target.path(), &rotated).expect("a recording");
            } else {
                fs::remove_file(target.path()).expect("a recording");
            }
            // Without traffic too.
            let said = proxy.wait_for_log("while it was recorded to").await;
            assert!(said.starts_with("WARN") && said.contains(name), "{said}");
            for path in ["/5/after", "/100000/after"] {
                assert_eq!(wire.get(&origin.url(path)).await.status(), 200);
            }
            assert_eq!(count(&proxy, "while it was recorded to"), 1);
            assert!(proxy.stop().await.success());
            assert_eq!(paths(target.path()), ["5/after", "100000/after"], "{name}");
            if is_renamed {
                assert_eq!(paths(&rotated), ["5/before"], "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_hangup_opens_the_file_again_and_stops_nothing() {
    let origin = origin().await;
    for name in NAMES {
        let target = Target::new(name);
        let proxy = Proxyhost::with([]).record(&target).start().await;
        let mut wire = proxy.connect().await;
        // Nothing is to be done.
        proxy.signal("HUP");
        assert_eq!(wire.get(&origin.url("/5/before")).await.status(), 200);
        fs::rename(target.path(), target.path().with_extension("1")).expect("a recording");
        for _ in 0..20 {
            proxy.signal("HUP");
        }
        proxy.wait_for_log("it was renamed").await;
        assert_eq!(wire.get(&origin.url("/5/after")).await.status(), 200);
        assert!(proxy.stop().await.success());
        assert_eq!(paths(target.path()), ["5/after"]);
        assert_eq!(paths(&target.path().with_extension("1")), ["5/before"]);
    }
}

#[tokio::test]
async fn what_a_full_disk_does_not_take_is_counted_and_recording_goes_on_with_space() {
    let origin = origin().await;
    for name in NAMES {
        let target = Target::new(name);
        let proxy = Proxyhost::with([]).record(&target).start().await;
        let mut wire = proxy.connect().await;
        assert_eq!(wire.get(&origin.url("/5/before")).await.status(), 200);
        // As a disk that is full: small flows do not fit either.
        proxy.limit("fsize", "1000");
        for path in ["/5/lost", "/200/lost", "/5000/lost", "/40000/lost", "/300000/lost"] {
            assert_eq!(wire.get(&origin.url(path)).await.status(), 200, "traffic goes on");
        }
        proxy.limit("fsize", "unlimited");
        ask_until(&proxy, &origin, "recording goes on").await;
        assert_eq!(count(&proxy, "ERROR"), 1, "{}", proxy.log());
        assert!(proxy.wait_for_log("ERROR").await.contains("File too large"), "{}", proxy.log());
        assert!(proxy.wait_for_log("recording goes on").await.ends_with("lost=5"), "{}", proxy.log());
        assert!(proxy.stop().await.success());
        let paths = paths(target.path());
        assert_eq!(paths.first().map(String::as_str), Some("5/before"));
        assert!(paths.len() > 1 && paths.iter().all(|path| !path.contains("lost")), "{paths:?}");
    }
}

#[tokio::test]
async fn a_body_larger_than_the_disk_costs_its_own_flow_only() {
    let origin = origin().await;
    for name in NAMES {
        let target = Target::new(name);
        let proxy = Proxyhost::with([]).record(&target).start().await;
        let mut wire = proxy.connect().await;
        // Temporary files are as large.
        proxy.limit("fsize", "1000000");
        assert_eq!(wire.get(&origin.url("/5/before")).await.status(), 200);
        for number in 0..3 {
            let answer = wire.get(&origin.url(&format!("/20000000/{number}"))).await;
            assert_eq!(answer.body.len(), 20_000_000);
        }
        assert_eq!(wire.get(&origin.url("/5/after")).await.status(), 200);
        proxy.wait_for_log("ERROR").await;
        assert_eq!(count(&proxy, "ERROR"), 1, "{}", proxy.log());
        assert!(proxy.stop().await.success());
        assert_eq!(paths(target.path()), ["5/before", "5/after"]);
    }
}

#[tokio::test]
async fn a_folder_that_is_removed_is_made_again_and_one_that_cannot_be_is_said_once() {
    let origin = origin().await;
    for name in NAMES {
        let target = Target::new(&format!("in/{name}"));
        let folder = target.path().parent().expect("a folder").to_owned();
        let proxy = Proxyhost::with([]).record(&target).start().await;
        let mut wire = proxy.connect().await;
        fs::remove_dir_all(&folder).expect("a folder");
        assert_eq!(wire.get(&origin.url("/100000/again")).await.status(), 200);
        assert_eq!(paths(target.path()), ["100000/again"]);
        fs::remove_dir_all(&folder).expect("a folder");
        fs::write(&folder, "no folder").expect("a file");
        for path in ["/5/lost", "/100000/lost", "/5/lost"] {
            assert_eq!(wire.get(&origin.url(path)).await.status(), 200);
        }
        proxy.wait_for_log("ERROR").await;
        assert_eq!(count(&proxy, "ERROR"), 1, "{}", proxy.log());
        fs::remove_file(&folder).expect("the file");
        ask_until(&proxy, &origin, "recording goes on").await;
        assert!(proxy.log().contains("lost=3"), "{}", proxy.log());
    }
}

#[tokio::test]
async fn a_second_proxy_refuses_a_file_that_the_first_one_opened_again() {
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    fs::rename(target.path(), target.path().with_extension("1")).expect("a recording");
    proxy.wait_for_log("it was renamed").await;
    let said = Proxyhost::with(["--listen", "127.0.0.1:0"]).append(&target).refusal();
    assert!(said.contains("is being written already"), "{said}");
}

/// A few rounds of many: `PROXYHOST_KILLS=100` makes more of them.
#[tokio::test]
async fn a_proxy_that_is_killed_at_any_moment_leaves_what_its_clients_have_seen() {
    let origin = origin().await;
    let rounds = std::env::var("PROXYHOST_KILLS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6);
    for round in 0..rounds {
        let target = Target::new(NAMES[round % NAMES.len()]);
        let proxy = Proxyhost::with([]).record(&target).start().await;
        let (url, seen) = (origin.url("/"), Arc::<Mutex<Vec<String>>>::default());
        let mut clients = JoinSet::new();
        for client in 0..4 {
            let (address, url, seen) = (proxy.address(), url.clone(), seen.clone());
            clients.spawn(async move { ask_until_it_dies(address, &url, client, &seen).await });
        }
        // Any moment is as good as another: the number of answers until then differs from round to round.
        let enough = 1 + round * 37 % 101;
        soon("answers", async {
            while seen.lock().expect("nothing panics").len() < enough {
                tokio::task::yield_now().await;
            }
        })
        .await;
        // SIGKILL.
        drop(proxy);
        clients.join_all().await;
        // What was being written at that moment is left out.
        let there: HashSet<String> = listed(target.path()).into_iter().collect();
        let seen = seen.lock().expect("nothing panics");
        assert!(seen.len() >= enough);
        assert!(seen.iter().all(|path| there.contains(path)), "round {round}: {seen:?} and not {there:?}");
    }
}

/// Asks for paths of its own, and notes each that it got the whole answer for.
async fn ask_until_it_dies(address: SocketAddr, url: &str, client: usize, seen: &Mutex<Vec<String>>) {
    for number in 0.. {
        let size = [5, 3_000, 70_000, 300_000][number % 4];
        let path = format!("{size}/{client}/{number}");
        let Ok(stream) = TcpStream::connect(address).await else { return };
        let mut wire = Wire::new(stream);
        let request = format!("GET {url}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        if wire.try_send(request).await.is_err() {
            return;
        }
        let answer = wire.read_to_end().await;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |end| end + 4);
        if answer.len() < end + size {
            return;
        }
        seen.lock().expect("nothing panics").push(path);
    }
}
