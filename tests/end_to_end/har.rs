//! HAR files of several programs are replayed, and compared with what their JSON says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::harness::{Message, Proxyhost};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/har");
    let files =
        folder.read_dir().expect("the examples are there").map(|entry| entry.expect("a readable folder").path());
    // This one has no entries at all.
    let mut files: Vec<PathBuf> = files.filter(|path| !path.ends_with("broken_headers.har")).collect();
    files.sort();
    files
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the file holds what answered the request.
fn is_answered(entry: &Value) -> bool {
    let bodiless = text(entry, "/request/method") == "HEAD" || matches!(status(entry), 204 | 304);
    // A body that broke off is not there, though its length was announced.
    let announced = entry
        .pointer("/response/headers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(|field| text(field, "/name").eq_ignore_ascii_case("content-length") && text(field, "/value") != "0");
    let content = entry.pointer("/response/content/text").and_then(Value::as_str);
    status(entry) >= 200 && (bodiless || content.is_some_and(|content| !content.is_empty() || !announced))
}

fn status(entry: &Value) -> u64 {
    entry.pointer("/response/status").and_then(Value::as_u64).unwrap_or_default()
}

fn body(entry: &Value) -> Vec<u8> {
    let content = text(entry, "/response/content/text");
    if text(entry, "/response/content/encoding") == "base64" {
        return STANDARD.decode(content).expect("the file says that it is base64");
    }
    // Some programs write each byte of what is no text as a character, which the size tells.
    let size = entry.pointer("/response/content/size").and_then(Value::as_u64);
    let bytes = content.chars().map(|char| u8::try_from(char).ok()).collect::<Option<Vec<u8>>>();
    match bytes {
        Some(bytes) if size == Some(bytes.len() as u64) => bytes,
        _ => content.as_bytes().to_vec(),
    }
}

async fn ask(proxy: &Proxyhost, entry: &Value) -> Message {
    let url = text(entry, "/request/url").split('#').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let post = text(entry, "/request/postData/text").as_bytes();
    let kind = text(entry, "/request/postData/mimeType");
    let mut fields = if kind.is_empty() { Vec::new() } else { vec![("Content-Type", kind)] };
    // A 304 is only for who has the content already.
    let conditions = entry.pointer("/request/headers").and_then(Value::as_array).into_iter().flatten();
    let conditions = conditions.map(|field| (text(field, "/name"), text(field, "/value")));
    fields.extend(conditions.filter(|(name, _)| status(entry) == 304 && name.to_ascii_lowercase().starts_with("if-")));
    let method = text(entry, "/request/method");
    match scheme {
        "https" => {
            let authority = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
            proxy.tls(&authority).await.ask(method, path, host, &fields, post).await
        }
        _ => proxy.connect().await.ask(method, &format!("http://{host}{path}"), host, &fields, post).await,
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "says which entry it was when the test fails")]
async fn every_har_file_replays_what_it_holds() {
    let mut compared = 0;
    for path in files() {
        let json = fs::read(&path).expect("a file");
        let har: Value = serde_json::from_slice(&json).expect("JSON");
        // Some programs write the contents of requests as text that they were not.
        let proxy = Proxyhost::with(["-k", "--norefresh", "--replay-ignore-content", "-S"]).arg(&path).start().await;
        let entries = har.pointer("/log/entries").and_then(Value::as_array).expect("entries");
        for entry in entries.iter().filter(|entry| is_answered(entry)) {
            println!("{}: {} {}", path.display(), text(entry, "/request/method"), text(entry, "/request/url"));
            let answer = ask(&proxy, entry).await;
            assert_eq!(u64::from(answer.status()), status(entry));
            let bodiless = text(entry, "/request/method") == "HEAD" || matches!(status(entry), 204 | 304);
            let expected = if bodiless { Vec::new() } else { body(entry) };
            assert!(answer.body == expected, "{} bytes instead of {}", answer.body.len(), expected.len());
            compared += 1;
        }
    }
    assert!(compared > 45, "{compared}");
}
