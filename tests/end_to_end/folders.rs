//! A folder with recordings in it is replayed like all of them together.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::harness::{Proxyhost, get, recording};

fn har(url: &str, body: &str) -> String {
    format!(
        r#"{{"log": {{"entries": [{{"request": {{"method": "GET", "url": "{url}", "headers": []}},
            "response": {{"status": 200, "headers": [], "content": {{"mimeType": "text/plain", "text": "{body}"}}}}}}]}}}}"#
    )
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).expect("a file");
}

#[tokio::test]
async fn recordings_of_every_format_in_a_folder_are_replayed() {
    let folder = TempDir::new().expect("a temporary folder");
    let root = folder.path();
    write(root, "a.mitm", get("http://a.example/").body("flows").write());
    write(root, "b.har", har("http://b.example/", "har"));
    write(root, "c.json", har("http://c.example/", "called otherwise"));
    let stub = r#"{"request": {"method": "GET", "url": "/stub", "host": {"equalTo": "d.example"}}, "response": {"status": 200, "body": "stub"}}"#;
    write(root, "d.json", stub);
    // What is no recording, what is broken, and what lies below.
    write(root, "notes.txt", "no recording");
    write(root, "package.json", "{\"name\": \"x\"}");
    write(root, "broken.mitm", "12:");
    fs::create_dir(root.join("below")).expect("a folder");
    write(&root.join("below"), "e.har", har("http://e.example/", "below"));
    let proxy = Proxyhost::with(["-k", "-S"]).arg(root).start().await;
    let line = proxy.wait_for_log("responses to replay").await;
    assert!(line.contains("4 responses to replay; left out: "), "{line}");
    assert!(line.contains("1 file that is no recording") && line.contains("broken.mitm"), "{line}");
    let mut wire = proxy.connect().await;
    for (url, body) in [
        ("http://a.example/", "flows"),
        ("http://b.example/", "har"),
        ("http://c.example/", "called otherwise"),
        ("http://d.example/stub", "stub"),
    ] {
        assert_eq!(wire.get(url).await.text(), body, "{url}");
    }
    wire.send("GET http://e.example/ HTTP/1.1\r\nHost: e.example\r\n\r\n").await;
    assert_eq!(wire.read_to_end().await, b"");
}

#[test]
fn a_folder_without_a_recording_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let refusal = || Proxyhost::with(["check", "-S"]).arg(folder.path()).refusal();
    assert!(refusal().contains("it is a folder without"), "{}", refusal());
    write(folder.path(), "notes.txt", "no recording");
    let said = refusal();
    assert!(said.contains("has no recordings in it: 1 file that is no recording"), "{said}");
}

#[tokio::test]
async fn a_recording_without_flows_is_no_error() {
    let proxy = Proxyhost::with(["-k"]).replay(&recording([])).start().await;
    proxy.wait_for_log("no recorded response can be used: every request is killed").await;
}
