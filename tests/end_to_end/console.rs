//! The console of the real proxy, in a terminal.
//!
//! Screens are compared with those in `console/`; `RENEW_SCREENS=1` writes these anew, to be looked at before they are kept.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::harness::{Origin, Proxyhost, Start, Terminal, Wire};

/// Of all responses of the recording.
const RECORDED_DATE: &str = "Tue, 24 Nov 2026 08:33:02 GMT";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A console, with the recording `shop.mitm` at hand.
fn console() -> Start {
    let shop = fs::read(repository().join("examples/shop.mitm")).expect("an example");
    Proxyhost::with(["--console"]).set("server_replay_extra", "404").file("shop.mitm", &shop)
}

/// The screen becomes like the one that is kept under that name.
async fn assert_screen(terminal: &mut Terminal, name: &str) {
    let path = repository().join("tests/end_to_end/console").join(name).with_extension("txt");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let is_renewed = env::var_os("RENEW_SCREENS").is_some();
    let within = Duration::from_secs(if is_renewed { 3 } else { 60 });
    let Err(screen) = terminal.becomes(&kept, within).await else { return };
    assert!(is_renewed, "the screen is not like `{name}` (RENEW_SCREENS=1 keeps it):\n{screen}");
    fs::write(&path, &screen).expect("the screens can be written");
}

#[tokio::test]
async fn a_recording_is_loaded_an_option_changed_and_a_miss_understood() {
    let mut terminal = console().in_terminal();
    terminal.shows("no flows yet").await;
    let mut client = terminal.connect().await;
    assert_eq!(client.get("http://shop.example/api/orders/1042").await.first, "HTTP/1.1 404 Not Found");
    terminal.shows("404").await;
    terminal.enter("z");
    terminal.shows("no flows yet").await;

    terminal.enter("Rs");
    terminal.shows("replay.server.file FILE:").await;
    terminal.enter("sho\t");
    terminal.shows("shop.mitm").await;
    assert_screen(&mut terminal, "file").await;
    terminal.enter("\r");
    terminal.shows("server_replay = shop.mitm").await;
    let replayed = client.get("http://shop.example/api/orders/1042").await;
    assert_eq!(replayed.text(), "{\"id\": 1042, \"state\": \"shipped\", \"total\": 6980}\n");
    assert_ne!(replayed.field("date"), Some(RECORDED_DATE));
    terminal.shows("api/orders/1042").await;

    terminal.enter("o/refresh\r");
    terminal.shows("with `refresh`").await;
    terminal.enter("\r");
    terminal.shows("server_replay_refresh = false").await;
    assert_screen(&mut terminal, "option").await;
    let replayed = client.get("http://shop.example/api/products?page=1").await;
    assert_eq!(replayed.field("date"), Some(RECORDED_DATE));

    assert_eq!(client.get("http://shop.example/api/products?page=2").await.first, "HTTP/1.1 404 Not Found");
    terminal.enter("qq");
    terminal.shows("page=2").await;
    terminal.shows("203 B").await;
    assert_screen(&mut terminal, "flows").await;
    terminal.enter("f~c 404\r");
    terminal.shows("1 of 3 [f:~c 404]").await;
    assert_screen(&mut terminal, "filtered").await;
    terminal.enter("\r");
    terminal.shows("this request").await;
    assert_screen(&mut terminal, "miss").await;

    terminal.enter("q:replay.server.count\r");
    terminal.shows("\n8").await;
    assert_screen(&mut terminal, "count").await;
    terminal.enter("e");
    terminal.shows("10 responses to replay").await;
    terminal.enter("qq");
    assert_eq!(terminal.ended().await, 0);
    assert!(terminal.contents().contains("never served"), "{}", terminal.contents());
}

#[tokio::test]
async fn what_is_listed_is_saved_as_a_flow_file_or_a_har() {
    let mut terminal = console().arg("-S").arg("shop.mitm").in_terminal();
    terminal.shows("no flows yet").await;
    let mut client = terminal.connect().await;
    client.get("http://shop.example/api/orders/1042").await;
    client.get("http://shop.example/nowhere").await;
    terminal.shows("nowhere").await;
    terminal.enter("f~c 200\r");
    terminal.shows("1 of 2").await;
    for name in ["saved.mitm", "saved.har"] {
        terminal.enter(&format!("w{name}\r"));
        terminal.shows(&format!("saved 1 flow to `{name}`")).await;
        let path = terminal.path(name);
        let listed = Proxyhost::with(["flows", "list"]).arg(path).run();
        let listed = String::from_utf8(listed.stdout).expect("UTF-8");
        assert!(listed.contains("http://shop.example/api/orders/1042") && listed.lines().count() == 2, "{listed}");
    }
    terminal.enter("wsaved.har\r");
    terminal.shows("is there already").await;
    terminal.enter("wsaved.har!\r");
    terminal.shows("saved 1 flow to `saved.har`").await;
    terminal.enter("Q");
    assert_eq!(terminal.ended().await, 0);
}

#[tokio::test]
async fn the_terminal_is_given_back_on_a_signal() {
    for name in ["TERM", "INT"] {
        let mut terminal = console().in_terminal();
        terminal.shows("no flows yet").await;
        assert!(terminal.is_taken());
        terminal.signal(name);
        assert_eq!(terminal.ended().await, 0, "{name}");
    }
}

#[tokio::test]
async fn the_proxy_ends_with_its_terminal() {
    let mut terminal = console().in_terminal();
    terminal.shows("no flows yet").await;
    terminal.close().await;
}

#[tokio::test]
async fn messages_of_a_websocket_are_shown_as_they_pass_and_saved() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        let request = wire.request().await.expect("a request");
        assert_eq!(request.field("upgrade"), Some("websocket"));
        wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await;
        wire.send(b"\x81\x07welcome").await;
        assert_eq!(wire.take(8).await, b"\x82\x82\x00\x00\x00\x00hi");
        wire.send(b"\x88\x02\x03\xe8").await;
        assert_eq!(wire.take(8).await, b"\x88\x82\x00\x00\x00\x00\x03\xe8");
    })
    .await;
    let mut terminal = Proxyhost::with(["--console"]).in_terminal();
    terminal.shows("no flows yet").await;
    let mut client = terminal.connect().await;
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n{handshake}", origin.url("/chat"), origin.authority())).await;
    assert_eq!(client.head().await.expect("an answer").first, "HTTP/1.1 101 Switching Protocols");
    terminal.shows("/chat").await;
    terminal.enter("\r\t");
    terminal.shows("welcome").await;
    client.send(b"\x82\x82\x00\x00\x00\x00hi").await;
    terminal.shows("→ binary, 2 B").await;
    client.send(b"\x88\x82\x00\x00\x00\x00\x03\xe8").await;
    client.read_to_end().await;
    origin.done().await;

    terminal.enter("qwsaved.mitm\r");
    terminal.shows("saved 1 flow").await;
    let saved = fs::read(terminal.path("saved.mitm")).expect("it is saved");
    let saved = String::from_utf8_lossy(&saved).into_owned();
    assert!(saved.contains("7:welcome") && saved.contains("2:hi"), "{saved}");
    terminal.enter("Q");
    assert_eq!(terminal.ended().await, 0);
}

#[tokio::test]
async fn a_signal_that_asks_to_read_everything_again_leaves_the_console_there() {
    let mut terminal = console().in_terminal();
    terminal.shows("no flows yet").await;
    terminal.enter("e");
    terminal.shows("Log").await;
    terminal.signal("HUP");
    terminal.shows("nothing has changed").await;
    assert!(terminal.is_taken());
    terminal.enter("Q");
    assert_eq!(terminal.ended().await, 0);
}

#[tokio::test]
async fn a_signal_ends_what_the_first_one_or_the_user_has_begun_to_stop() {
    for is_quit in [true, false] {
        let origin = Origin::silent().await;
        let mut terminal = Proxyhost::with(["--console"]).in_terminal();
        terminal.shows("no flows yet").await;
        let mut client = terminal.connect().await;
        let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/"), origin.authority());
        client.send(request).await;
        terminal.shows("GET").await;
        if is_quit {
            terminal.enter("Q");
        } else {
            terminal.signal("TERM");
        }
        terminal.shows("stopping:").await;
        assert!(!terminal.is_taken());
        terminal.signal("INT");
        let (code, said) = if is_quit { (0, "stopped before") } else { (1, "stopped at once") };
        assert_eq!(terminal.ended().await, code);
        assert!(terminal.contents().contains(said), "{}", terminal.contents());
    }
}

#[tokio::test]
async fn nothing_touches_the_terminal_where_it_cannot_start() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut terminal = console().arg("--mode").arg(format!("regular@{address}")).in_terminal();
    assert_eq!(terminal.ended().await, 2);
    assert!(terminal.contents().starts_with("error: cannot listen on"), "{}", terminal.contents());
    assert!(terminal.is_untouched());
}

#[test]
fn a_console_without_a_terminal_is_an_error() {
    let said = console().refusal();
    assert_eq!(said, "error: cannot show a console (--console): standard input and output are no terminal\n");
}
