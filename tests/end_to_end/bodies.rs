//! Bodies of HAR files that are not as they were sent: in the file until they are sent, in the forms of their recorders, or not
//! there at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{Message, Proxyhost};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/bodies").join(name)
}

/// A HAR file of entries, each `METHOD http://a.example PATH`, the members of its request and the content of its response.
fn har(entries: &[(&str, &str, Value, Value)]) -> String {
    let entries = entries.iter().map(|(method, path, members, content)| {
        let mut request = json!({"method": method, "url": format!("http://a.example{path}"), "headers": []});
        let members = members.as_object().cloned().unwrap_or_default();
        request.as_object_mut().expect("an object").extend(members);
        json!({"request": request, "response": {"status": 200, "headers": [], "content": content}})
    });
    json!({"log": {"version": "1.2", "entries": entries.collect::<Vec<_>>()}}).to_string()
}

async fn ask(proxy: &Proxyhost, method: &str, path: &str, body: &[u8]) -> Message {
    let mut wire = proxy.connect().await;
    wire.ask(method, &format!("http://a.example{path}"), "a.example", &[], body).await
}

#[tokio::test]
async fn long_bodies_are_sent_out_of_the_file() {
    let noise: Vec<u8> = (0..3_000_000_u64).map(|number| ((number * number) >> 7) as u8).collect();
    let text = "a \"line\" of caf\u{e9}\n".repeat(100_000);
    let bytes: String = noise.iter().copied().map(char::from).collect();
    let entries = [
        ("GET", "/base64", json!({}), json!({"size": -1, "text": STANDARD.encode(&noise), "encoding": "base64"})),
        ("GET", "/text", json!({}), json!({"size": text.len(), "text": text})),
        ("GET", "/bytes", json!({}), json!({"size": noise.len(), "text": bytes})),
        ("GET", "/later", json!({}), json!({"size": text.len(), "text": text})),
        ("POST", "/", json!({"postData": {"mimeType": "text/plain", "text": text}}), json!({"size": 2, "text": "ok"})),
        ("GET", "/wrong", json!({}), json!({"size": -1, "text": "!".repeat(5000), "encoding": "base64"})),
    ];
    let proxy = Proxyhost::with(["-k", "--server-replay-reuse", "-S", "long.har"]);
    let proxy = proxy.file("long.har", har(&entries).as_bytes()).start().await;
    let loaded = proxy.wait_for_log("to replay").await;
    assert!(loaded.contains("5 responses to replay; left out: flow 6, byte "), "{loaded}");
    assert!(loaded.contains("`response.content.text` is not base64: Invalid symbol 33, offset 0."), "{loaded}");
    for (path, expected) in [("/base64", &noise), ("/text", &text.clone().into_bytes()), ("/bytes", &noise)] {
        let answer = ask(&proxy, "GET", path, b"").await;
        assert_eq!(answer.field("content-length"), Some(expected.len().to_string().as_str()));
        assert!(answer.body == *expected, "{path}");
    }
    assert_eq!(ask(&proxy, "POST", "/", text.as_bytes()).await.text(), "ok");

    // The same as a flow file.
    let (from, to) = (proxy.folder().join("long.har"), proxy.folder().join("long.mitm"));
    let converted = Proxyhost::with(["flows", "convert"]).arg(&from).arg(&to).run();
    assert!(to.exists(), "{converted:?}");
    let again = Proxyhost::with(["-k", "-S"]).arg(&to).start().await;
    assert!(ask(&again, "GET", "/bytes", b"").await.body == noise);

    // Other text in its place is not served. What was sent just before is remembered as it was.
    let changed = fs::read_to_string(&from).expect("a recording").replace("a \\\"line", "A \\\"line");
    fs::write(&from, changed).expect("a file that can be written");
    let failed = ask(&proxy, "GET", "/later", b"").await;
    assert_eq!(failed.status(), 502, "{failed:?}");
    assert!(ask(&proxy, "GET", "/text", b"").await.body == text.as_bytes());
    assert!(ask(&proxy, "GET", "/base64", b"").await.body == noise);
    fs::remove_file(&from).expect("a file");
    assert!(ask(&proxy, "GET", "/bytes", b"").await.body == noise);
}

#[tokio::test]
async fn chunks_of_polly_are_what_was_sent() {
    let proxy = Proxyhost::with(["-k", "-S"]).arg(example("polly-recording.har")).start().await;
    for (path, coding, expected) in [
        ("/gzip", "gzip", "H4sIAAEAAAAC/6tWqsosKEhNUbIqKSpNrQUAhCi8CA8AAAA="),
        ("/deflate", "deflate", "eJxLSU3LSSxJTVEoSa0oAQAjngUf"),
    ] {
        let url = format!("http://127.0.0.1:21810{path}");
        let fields = [("Accept-Encoding", "gzip, deflate")];
        let answer = proxy.connect().await.ask("GET", &url, "127.0.0.1:21810", &fields, b"").await;
        assert_eq!(answer.field("content-encoding"), Some(coding));
        assert_eq!(answer.body, STANDARD.decode(expected).expect("base64"));
    }
    assert_eq!(proxy.connect().await.get("http://127.0.0.1:21810/json").await.text(), r#"{"a": 1, "b": [1,2]}"#);
}

#[tokio::test]
async fn what_is_not_in_the_file_is_no_answer() {
    let path = example("httptoolkit-body-discarded.har");
    let proxy = Proxyhost::with(["--server-replay-extra", "404", "-S"]).arg(&path).start().await;
    let loaded = proxy.wait_for_log("to replay").await;
    assert!(loaded.contains("1 response to replay; left out: 1 without the content of its response"), "{loaded}");
    let mut wire = proxy.tls("up.example:443").await;
    assert_eq!(wire.ask("GET", "/", "up.example", &[], b"").await.text(), "x");
    let missed = wire.ask("GET", "/shot.jpg", "up.example", &[], b"").await;
    assert_eq!(missed.status(), 404);
    assert!(missed.text().contains("the same, but it has no content of its response"), "{missed:?}");
}

#[tokio::test]
async fn what_was_cut_or_left_out_is_neither_whole_nor_empty() {
    let answered = |text: &str| json!({"size": text.len(), "text": text});
    let cut = json!({"postData": {"mimeType": "text/plain", "text": "the start"}, "bodySize": 2_000_000});
    let entries = [
        ("GET", "/cut", json!({}), json!({"size": 2_000_000, "text": "the start"})),
        ("GET", "/told", json!({}), json!({"text": "the start", "comment": "truncated"})),
        ("POST", "/", json!({"bodySize": -1}), answered("one")),
        ("POST", "/", cut, answered("two")),
        ("POST", "/", json!({"bodySize": 0}), answered("empty")),
    ];
    let proxy = Proxyhost::with(["--server-replay-extra", "404", "-S", "cut.har"]);
    let proxy = proxy.file("cut.har", har(&entries).as_bytes()).start().await;
    let loaded = proxy.wait_for_log("to replay").await;
    let said = "3 responses to replay, 2 only with server_replay_ignore_content: what its request sent is not there; left \
                out: 2 without the content of its response";
    assert!(loaded.contains(said), "{loaded}");
    for path in ["/cut", "/told"] {
        let missed = ask(&proxy, "GET", path, b"").await;
        assert!(missed.status() == 404 && missed.text().contains("no content of its response"), "{missed:?}");
    }
    assert_eq!(ask(&proxy, "POST", "/", b"").await.text(), "empty");
    for body in [&b""[..], b"the start"] {
        let missed = ask(&proxy, "POST", "/", body).await;
        assert_eq!(missed.status(), 404, "{missed:?}");
    }
}
