//! The same files in both: what is recorded here is mitmproxy's as well, and what it records is ours.

mod peer;
mod traffic;

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use tokio_tungstenite::tungstenite::Message as WebSocketMessage;

use crate::harness::{Framing, Message, Proxyhost, RecordingFile, Target, latin1};
use peer::{Flow, Mitmproxy};
use traffic::{
    ASKED, Asked, CALL, CALL_PATH, CHAT_PATH, EVENTS, EVENTS_PATH, EVERY_BYTE, FAILS, Proxy, Servers, TRAILERS,
};

/// A visit that passed through a proxy of ours, with all that it can record.
async fn recorded(servers: &Servers) -> RecordingFile {
    let target = Target::new("visit.mitm");
    let proxyhost = Proxyhost::with(["--upstream-ca"]).arg(servers.secure.ca()).record(&target).start().await;
    let proxy = Proxy::of(&proxyhost);
    proxy.ask_all(servers).await;
    proxy.ask(servers, &TRAILERS).await;
    proxy.events_one_by_one(servers).await;
    proxy.chat(servers).await;
    assert_eq!(proxy.ask(servers, &FAILS).await.status(), 502);
    proxy.call(servers).await;
    assert!(proxyhost.stop().await.success());
    servers.done().await;
    RecordingFile::of_bytes(&fs::read(target.path()).expect("something was recorded"))
}

#[tokio::test]
async fn mitmproxy_reads_all_that_was_recorded() {
    let Some(mitmproxy) = Mitmproxy::find() else { return };
    let servers = Servers::start().await;
    let before = now();
    let recording = recorded(&servers).await;
    let flows = mitmproxy.flows(recording.path());
    let times = flows.iter().map(|flow| [vec![before], flow.times.clone(), vec![now()]].concat());
    assert!(times.clone().all(|times| times.is_sorted()), "{:?}", times.collect::<Vec<_>>());

    // What was asked and answered, to the byte.
    let directly = servers.directly();
    let mut answers = directly.ask_all(&servers).await;
    let trailing = directly.ask(&servers, &TRAILERS).await;
    // The names of trailers lose their case on the way, unlike those of other fields.
    answers.push(Message { trailers: vec![("x-sum".to_owned(), "7".to_owned())], ..trailing });
    for (asked, answer) in ASKED.iter().chain([&TRAILERS]).zip(answers) {
        let flow = find(&flows, asked.method, &servers.plain.url(asked.path));
        assert_eq!(flow.request(), request(&servers, asked));
        assert_eq!(flow.response(), unframed(answer));
        assert_eq!((&flow.error, &flow.websocket), (&None, &None));
    }

    let stream = find(&flows, "GET", &servers.plain.url(EVENTS_PATH));
    assert_eq!(stream.response(), unframed(directly.events(&servers).await));
    let pieces = stream.metadata["proxyhost_response_pieces"].as_array().expect("pieces").iter().step_by(2);
    assert_eq!(pieces.cloned().collect::<Vec<_>>(), EVENTS.map(|event| json!(event.len())));

    let chat = find(&flows, "GET", &servers.plain.url(CHAT_PATH));
    assert_eq!(chat.response().first, "HTTP/1.1 101 Switching Protocols");
    let said = [("TEXT", false, "welcome"), ("TEXT", true, "hello"), ("TEXT", false, "HELLO")];
    let every_byte = latin1(&EVERY_BYTE);
    let said = said.into_iter().chain([("BINARY", true, &*every_byte), ("BINARY", false, &every_byte)]);
    let closed = json!([true, 1000, "that is all"]);
    assert_eq!(chat.websocket, Some(json!({ "messages": said.collect::<Vec<_>>(), "closed": closed })));

    let failed = find(&flows, "GET", &servers.plain.url(FAILS.path));
    assert!(failed.error.is_some() && !failed.is_answered(), "{failed:?}");

    let call = find(&flows, "POST", &servers.secure.url(CALL_PATH));
    let (asked, answer) = (call.request(), call.response());
    assert_eq!((asked.field("content-type"), &*asked.body), (Some("application/grpc"), CALL));
    assert_eq!((&*answer.first, answer.field("content-type")), ("HTTP/2.0 200 ", Some("application/grpc")));
    assert_eq!((answer.body, answer.trailers), ([CALL, CALL].concat(), vec![("grpc-status".into(), "0".into())]));
    assert_eq!(flows.len(), servers.urls().len() + 1);
}

#[tokio::test]
async fn mitmproxy_shows_all_that_was_recorded() {
    let Some(mitmproxy) = Mitmproxy::find() else { return };
    let servers = Servers::start().await;
    let recording = recorded(&servers).await;
    let shown = mitmproxy.run(&["-n", "-r", text(recording.path()), "--flow-detail", "4"]);
    for url in servers.urls() {
        assert!(shown.contains(&url), "{url} is not in:\n{shown}");
    }
}

/// But for WebSockets and HTTP/1 trailers, which it cannot replay.
#[tokio::test]
async fn mitmproxy_replays_what_was_recorded() {
    let Some(mitmproxy) = Mitmproxy::find() else { return };
    let servers = Servers::start().await;
    let recording = recorded(&servers).await;
    let connections = servers.connections().await;
    let options = ["server_replay_refresh=false", "connection_strategy=lazy", "upstream_cert=false"];
    let options = options.iter().flat_map(|option| ["--set", option]);
    let replay = ["--server-replay", text(recording.path()), "--server-replay-extra", "404"];
    let mitmdump = mitmproxy.start(&replay.into_iter().chain(options).collect::<Vec<_>>()).await;
    let proxy = mitmdump.proxy();
    let (answers, events) = (proxy.ask_all(&servers).await, proxy.events(&servers).await);
    assert_eq!(proxy.ask(&servers, &FAILS).await.status(), 404);
    let call = proxy.call(&servers).await;
    assert_eq!(servers.connections().await, connections);

    let directly = servers.directly();
    assert_eq!(answers, directly.ask_all(&servers).await);
    assert_eq!(unframed(events), unframed(directly.events(&servers).await));
    assert_eq!((&*call.first, call.body), ("HTTP/2.0 200 ", [CALL, CALL].concat()));
    assert_eq!(call.trailers, [("grpc-status".to_owned(), "0".to_owned())]);
}

#[tokio::test]
async fn a_recording_of_mitmproxy_replays() {
    let Some(mitmproxy) = Mitmproxy::find() else { return };
    let servers = Servers::start().await;
    let target = Target::new("visit.mitm");
    let mitmdump = mitmproxy.start(&["-w", text(target.path()), "--set", "ssl_insecure=true"]).await;
    let live = visit(&mitmdump.proxy(), &servers).await;
    assert_eq!(mitmdump.proxy().ask(&servers, &FAILS).await.status(), 502);
    mitmdump.stop().await;

    let recording = RecordingFile::of_bytes(&fs::read(target.path()).expect("something was recorded"));
    is_sound(recording.path());
    let listed = latin1(&Proxyhost::with(["flows", "list"]).arg(recording.path()).run().stdout);
    for url in servers.urls() {
        assert!(listed.contains(&url), "{url} is not in:\n{listed}");
    }
    replays(&recording, &servers, live).await;
}

#[tokio::test]
async fn flows_that_only_mitmproxy_understands_are_copied_to_the_byte() {
    let Some(mitmproxy) = Mitmproxy::find() else { return };
    let servers = Servers::start().await;
    let written = Target::new("theirs.mitm");
    mitmproxy.write(written.path(), servers.secure.ca());
    is_sound(written.path());
    let bytes = fs::read(written.path()).expect("a recording");
    let is_written = |args: &[&str], input: &Path, expected: &[u8]| {
        let out = Target::new("ours.mitm");
        let places = args.iter().map(|arg| match *arg {
            "IN" => text(input),
            "OUT" => text(out.path()),
            arg => arg,
        });
        let said = Proxyhost::with(["flows"].into_iter().chain(places)).run();
        assert!(said.status.success(), "{args:?}: {}", latin1(&said.stderr));
        assert_eq!(latin1(&fs::read(out.path()).expect("an output")), latin1(expected), "{args:?}");
    };
    is_written(&["filter", "~all", "IN", "OUT"], written.path(), &bytes);
    is_written(&["merge", "OUT", "IN", "IN"], written.path(), &[&bytes[..], &bytes].concat());
    let broken = RecordingFile::of_bytes(&[&bytes[..], &bytes[..100]].concat());
    is_written(&["repair", "IN", "OUT"], broken.path(), &bytes);
}

#[tokio::test]
async fn a_recording_that_mitmproxy_has_saved_again_replays() {
    let Some(mitmproxy) = Mitmproxy::find() else { return };
    let servers = Servers::start().await;
    let recording = recorded(&servers).await;
    let target = Target::new("theirs.mitm");
    mitmproxy.run(&["-n", "-r", text(recording.path()), "-w", text(target.path())]);
    let saved = RecordingFile::of_bytes(&fs::read(target.path()).expect("it was saved"));
    let flows = mitmproxy.flows(saved.path());
    assert!(flows.iter().any(|flow| flow.metadata["proxyhost_response_pieces"].is_array()), "{flows:?}");
    assert_eq!(flows, mitmproxy.flows(recording.path()));

    let proxyhost = Proxyhost::with(["--upstream-ca"]).arg(servers.secure.ca()).start().await;
    let live = visit(&Proxy::of(&proxyhost), &servers).await;
    replays(&saved, &servers, live).await;
}

#[tokio::test]
async fn mitmproxy_reads_the_har_file_of_a_recording() {
    let Some(mitmproxy) = Mitmproxy::find() else { return };
    let servers = Servers::start().await;
    let recording = recorded(&servers).await;
    let har = Target::new("visit.har");
    let converted = Proxyhost::with(["flows", "convert"]).arg(recording.path()).arg(har.path()).run();
    assert!(converted.status.success(), "{}", latin1(&converted.stderr));
    let flows = mitmproxy.flows(har.path());
    for ours in mitmproxy.flows(recording.path()).iter().filter(|flow| flow.is_answered()) {
        let request = ours.request();
        let [method, url, _] = request.first.split(' ').collect::<Vec<_>>()[..] else { panic!("{request:?}") };
        let theirs = find(&flows, method, url);
        // HAR has no place for content of a request that is not text.
        if !request.text().contains(char::is_control) {
            assert_eq!(theirs.request().text(), request.text(), "{url}");
        }
        let (theirs, ours) = (theirs.response(), ours.response());
        assert_eq!((theirs.status(), theirs.text()), (ours.status(), ours.text()), "{url}");
    }
}

/// What a visit brings, without what is only said between a client and its proxy.
async fn visit(proxy: &Proxy, servers: &Servers) -> (Vec<Message>, Vec<WebSocketMessage>) {
    let mut answers = proxy.ask_all(servers).await;
    // A replayed stream has a known length, and replayed trailers are announced.
    for answer in [proxy.events(servers).await, proxy.call(servers).await] {
        let fields = answer.fields_without(&["content-length", "transfer-encoding", "trailer"]);
        answers.push(Message { fields, ..unframed(answer) });
    }
    let answers = answers.into_iter().map(|answer| Message { fields: answer.fields_without(&["via"]), ..answer });
    (answers.collect(), proxy.chat(servers).await)
}

/// Fails unless a recording gives what was given live, with the servers left alone.
async fn replays(recording: &RecordingFile, servers: &Servers, live: (Vec<Message>, Vec<WebSocketMessage>)) {
    let connections = servers.connections().await;
    let start = Proxyhost::with(["--norefresh", "--server-replay-extra", "404"]).replay(recording);
    let start = start.set("server_replay_timing", "original").set("server_replay_websocket", "request");
    let proxyhost = start.start().await;
    let replayed = visit(&Proxy::of(&proxyhost), servers).await;
    assert_eq!(replayed, live);
    assert_eq!(servers.connections().await, connections);
}

fn is_sound(recording: &Path) {
    let checked = Proxyhost::with(["flows", "check"]).arg(recording).run();
    assert!(checked.status.success(), "{}", latin1(&checked.stdout));
}

fn find<'a>(flows: &'a [Flow], method: &str, url: &str) -> &'a Flow {
    let start = format!("{method} {url} HTTP/");
    let found: Vec<_> = flows.iter().filter(|flow| flow.request().first.starts_with(&start)).collect();
    let [flow] = found[..] else { panic!("{} flows of {start}: {flows:?}", found.len()) };
    flow
}

/// A request as it has to be recorded.
fn request(servers: &Servers, asked: &Asked) -> Message {
    let mut fields = vec![("Host".to_owned(), servers.plain.authority())];
    fields.extend(asked.fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
    if !asked.body.is_empty() {
        fields.push(("Content-Length".to_owned(), asked.body.len().to_string()));
    }
    let first = format!("{} {} HTTP/1.1", asked.method, servers.plain.url(asked.path));
    Message { first, fields, framing: Framing::Close, body: asked.body.to_vec(), trailers: Vec::new() }
}

/// How a message's end is found is nothing that a recording says.
fn unframed(message: Message) -> Message {
    Message { framing: Framing::Close, ..message }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
