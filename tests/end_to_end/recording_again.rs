//! Recording where something was recorded before, and where servers would say that nothing is new.

use std::fs;

use crate::harness::{Origin, Proxyhost, Target};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_recording_that_is_there_is_only_replaced_by_force() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    for name in ["visit.mitm", "visit.har"] {
        let target = Target::new(name);
        let known = Proxyhost::with([]).record(&target).start().await;
        known.connect().await.get(&origin.url("/old")).await;
        assert!(known.stop().await.success());
        let before = fs::read(target.path()).expect("a recording");
        let said = Proxyhost::with(["--listen", "127.0.0.1:0"]).record(&target).refusal();
        let size = before.len();
        assert!(said.contains(&format!("is there already, with {size} bytes: append to it (`-w +FILE`)")), "{said}");
        assert_eq!(fs::read(target.path()).expect("a recording"), before);

        let proxy = Proxyhost::with(["--control", "0"]).start().await;
        let said = proxy.try_ctl(&["run", "save.file", target.path().to_str().expect("UTF-8")]).await;
        assert_eq!(said.code, Some(1), "{said:?}");
        assert_eq!(fs::read(target.path()).expect("a recording"), before);
        drop(proxy);

        let proxy = Proxyhost::with([]).config("force = true\n").record(&target).start().await;
        proxy.connect().await.get(&origin.url("/new")).await;
        assert!(proxy.stop().await.success());
        let after = String::from_utf8_lossy(&fs::read(target.path()).expect("a recording")).into_owned();
        assert!(after.contains("/new") && !after.contains("/old"), "{after}");
    }
    // An empty file is none.
    let target = Target::new("empty.mitm");
    fs::write(target.path(), b"").expect("a file");
    Proxyhost::with([]).record(&target).start().await;
}

#[tokio::test]
async fn servers_can_be_made_to_answer_whole() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with(["--anticache", "--anticomp"]).record(&target).start().await;
    let fields =
        [("If-None-Match", "\"a\""), ("If-Modified-Since", "now"), ("Accept-Encoding", "gzip"), ("X-Other", "1")];
    proxy.connect().await.ask("GET", &origin.url("/"), &origin.authority(), &fields, b"").await;
    let [request] = &origin.received()[..] else { panic!("one request") };
    let seen = ["if-none-match", "if-modified-since", "accept-encoding", "x-other"].map(|name| request.field(name));
    assert_eq!(seen, [None, None, Some("identity"), Some("1")]);
}
