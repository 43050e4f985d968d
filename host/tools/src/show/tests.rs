use crate::samples::{Folder, flows, flows_on, printed, read};

#[test]
fn an_exchange_is_shown_whole() {
    let expected = "\
flow 1: POST http://127.0.0.1:18080/echo
id: aad25149-aa7a-4626-8858-72d6e81a0e4b
sent to: 127.0.0.1:18080
asked at: 2026-11-23 06:34:53.762 UTC
answered after: 21 ms
ended after: 22 ms
client: 127.0.0.1:59244
server: 127.0.0.1:18080

POST /echo HTTP/1.1
Host: 127.0.0.1:18080
User-Agent: curl/7.88.1
Accept: */*
Proxy-Connection: Keep-Alive
Content-Type: application/json
Content-Length: 17

(body: 17 B, JSON)
{
  \"a\": 1,
  \"b\": [
    2,
    3
  ]
}

HTTP/1.1 200 OK
Server: origin/1 Python/3.11.7
Date: Mon, 23 Nov 2026 06:34:53 GMT
Content-Type: text/plain
Content-Length: 28
X-Echo-Type: application/json

(body: 28 B, text)
POST /echo
{\"a\":1,\"b\":[2,3]}
";
    assert_eq!(printed(&["show", "@post_json.mitm", "1"]), expected);
}

#[test]
fn a_coded_body_is_decoded() {
    let out = printed(&["show", "@gzip.mitm", "1"]);
    assert!(out.contains("\n(body: 44 B, 800 B decoded from gzip, text)\ncompressed text compressed text"), "{out}");
}

#[test]
fn bytes_are_dumped_from_their_start() {
    let out = printed(&["show", "@binary.mitm", "1"]);
    let (_, dump) = out.split_once("(body: 1.0 kB, binary)\n").unwrap();
    assert_eq!(dump.lines().count(), 16);
    assert!(dump.starts_with("00000000  00 01 02 03 04"), "{dump}");
}

#[test]
fn a_failure_and_a_missing_body_are_said() {
    let out = printed(&["show", "@errors.mitm", "3"]);
    assert!(out.contains("\nfailed: HTTP/1 protocol error: peer closed connection"), "{out}");
    assert!(out.ends_with("\n(body not recorded)\n"), "{out}");
    assert!(printed(&["show", "@errors.mitm", "1"]).ends_with("\n\n(no body)\n\nno response\n"));
}

#[test]
fn messages_of_a_websocket_are_shown() {
    let out = printed(&["show", "@websocket.mitm", "1"]);
    let (_, messages) = out.split_once("\n(6 messages of the WebSocket)\n").unwrap();
    let expected =
        "client, 2026-11-23 06:34:55.096 UTC, 5 B:\n  hello\nserver, 2026-11-23 06:34:55.098 UTC, 5 B:\n  hello\n";
    assert!(messages.starts_with(expected), "{messages}");
}

#[test]
fn the_authority_of_http2_is_shown() {
    let out = printed(&["show", "@http2.mitm", "1"]);
    assert!(out.contains("\nGET /h2get?x=1 HTTP/2.0\n:authority: localhost:18443\n"), "{out}");
}

#[test]
fn a_recording_cannot_command_the_terminal() {
    let har = r#"{"log": {"entries": [{
        "request": {"method": "GET", "url": "http://a.example/\u202e", "headers": []},
        "response": {"status": 200, "headers": [{"name": "X", "value": "caf\u00e9"}],
            "content": {"mimeType": "text/plain", "text": "\u001b[2J\u009b\u0007 ok\n"}}
    }]}}"#;
    let folder = Folder::new();
    let path = folder.file("hostile.har", har.as_bytes());
    let out = printed(&["show", &path, "1"]);
    assert!(!out.contains(|character: char| character.is_control() && character != '\n'), "{out:?}");
    assert!(out.contains("X: café"), "{out}");
}

#[test]
fn a_number_that_is_not_there_is_refused() {
    let ran = flows(&["show", "@shop.mitm", "11"]);
    let err = "error: recording `@shop.mitm` has no exchange 11: `proxyhost flows list` shows the numbers\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", err));
}

#[test]
fn an_exchange_is_one_object_for_programs() {
    let shown = |arguments: &[&str]| serde_json::from_str::<serde_json::Value>(&printed(arguments)).unwrap();
    let object = shown(&["show", "@post_json.mitm", "1", "--json"]);
    assert_eq!(object["request"]["method"], "POST");
    assert_eq!(object["request"]["fields"][0], serde_json::json!(["Host", "127.0.0.1:18080"]));
    assert_eq!(object["request"]["body"], serde_json::json!({ "size": 17, "text": "{\"a\":1,\"b\":[2,3]}" }));
    assert_eq!((&object["response"]["status"], &object["can_be_replayed"]), (&200.into(), &true.into()));
    let body = shown(&["show", "@gzip.mitm", "1", "--json"])["response"]["body"].clone();
    assert_eq!((&body["size"], &body["coding"], &body["decoded"]), (&44.into(), &"gzip".into(), &true.into()));
    assert!(body["text"].as_str().unwrap().starts_with("compressed text"));
    assert!(shown(&["show", "@binary.mitm", "1", "--json"])["response"]["body"]["base64"].is_string());
    let object = shown(&["show", "@errors.mitm", "1", "--json"]);
    assert!(object["response"].is_null() && object["error"]["reason"].is_string());
    let object = shown(&["show", "@websocket.mitm", "1", "--json"]);
    assert_eq!(object["websocket"]["messages"].as_array().unwrap().len(), 6);
    assert_eq!(object["websocket"]["messages"][0]["text"], "hello");
}

#[test]
fn a_body_is_written_alone() {
    let folder = Folder::new();
    let body = |arguments: &[&str]| printed(&[&["show", "--body"], arguments].concat());
    assert_eq!(body(&["request", "@post_json.mitm", "1"]), "{\"a\":1,\"b\":[2,3]}");
    assert!(body(&["response", "@gzip.mitm", "1"]).starts_with("compressed text"));
    let (coded, decoded) = (folder.path("coded"), folder.path("decoded"));
    assert_eq!(body(&["response", "@gzip.mitm", "1", "--coded", "--out", &coded]), format!("{coded}: 44 B\n"));
    assert_eq!(body(&["response", "@gzip.mitm", "1", "--out", &decoded]), format!("{decoded}: 800 B\n"));
    assert!(read(&coded).starts_with(&[0x1f, 0x8b]) && read(&decoded).starts_with(b"compressed text"));
    // No other file is lost.
    assert_eq!(flows(&["show", "@gzip.mitm", "1", "--body", "response", "--out", &coded]).code, 2);
    assert!(!body(&["response", "@gzip.mitm", "1", "--out", &coded, "--force"]).is_empty());
    let ran = flows(&["show", "@errors.mitm", "3", "--body", "response"]);
    let err = "error: flow 3 of recording `@errors.mitm` has no response body to write: it was not recorded\n";
    assert_eq!((ran.code, ran.err.as_str()), (2, err));
    assert!(flows(&["show", "@errors.mitm", "1", "--body", "response"]).err.ends_with("there is no response\n"));
}

#[test]
fn a_terminal_gets_no_bytes_that_are_no_text() {
    let ran = flows_on(&["show", "@binary.mitm", "1", "--body", "response"], Some(80));
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    let ran = flows_on(&["show", "@post_json.mitm", "1", "--body", "request"], Some(80));
    assert_eq!((ran.code, ran.out.as_str()), (0, "{\"a\":1,\"b\":[2,3]}"));
}
