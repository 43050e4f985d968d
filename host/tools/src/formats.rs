//! Every command with every format that is read.

use std::{
    fs,
    io::{Cursor, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::samples::{Folder, example, flows, printed, read};

/// The same exchange in every format: its name, and what the format is called.
fn recordings(folder: &Folder) -> Vec<(String, &'static str)> {
    let har = r#"{"log": {"version": "1.2", "entries": [{
        "startedDateTime": "2024-03-01T10:00:00.000Z", "time": 1,
        "request": {"method": "GET", "url": "http://a.example/x", "httpVersion": "HTTP/1.1", "headers": []},
        "response": {"status": 200, "statusText": "OK", "headers": [], "content": {"size": 5, "text": "hello"}}
    }]}}"#;
    let encoded = |message: &str| STANDARD.encode(message);
    let request = encoded("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let response = encoded("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let wprgo = format!(
        r#"{{"Requests": {{"a.example": {{"http://a.example/x": [
            {{"SerializedRequest": "{request}", "SerializedResponse": "{response}"}}
        ]}}}}}}"#
    );
    let stub = r#"{"request": {"method": "GET", "url": "/x", "host": {"equalTo": "a.example"}},
        "response": {"status": 200, "body": "hello"}}"#;
    let stubs = folder.path("stubs");
    fs::create_dir_all(format!("{stubs}/mappings")).unwrap();
    fs::write(format!("{stubs}/mappings/stub.json"), stub).unwrap();
    let plain = folder.file("plain.har", har.as_bytes());
    let flow_file = folder.path("flows.mitm");
    assert_eq!(convert(&plain, &flow_file), "");
    vec![
        (flow_file, "a flow file"),
        (plain, "a HAR file"),
        (folder.file("packed.har.gz", &gzip(har.as_bytes())), "a HAR file"),
        (folder.file("packed.zip", &zip(har.as_bytes())), "a HAR file"),
        (folder.file("archive.wprgo", wprgo.as_bytes()), "a Web Page Replay archive"),
        (folder.file("archive.wprgo.gz", &gzip(wprgo.as_bytes())), "a Web Page Replay archive"),
        (folder.file("stub.json", stub.as_bytes()), "a set of WireMock stubs"),
        (stubs, "a set of WireMock stubs"),
    ]
}

/// Converts a recording by the writers that the program has, and answers with what was said.
fn convert(input: &str, out: &str) -> String {
    let matches = super::command().try_get_matches_from(["flows", "convert", input, out]).unwrap();
    let (mut printed, mut said) = (Vec::new(), Vec::new());
    super::run(&matches, super::Console::new(&mut printed, &mut said), &super::RecordingWriters).unwrap();
    String::from_utf8(said).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("x.har", SimpleFileOptions::default()).unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn every_command_reads_every_format() {
    let folder = Folder::new();
    for (index, (path, _)) in recordings(&folder).into_iter().enumerate() {
        let out = |name: &str| folder.path(&format!("{index}-{name}"));
        assert!(printed(&["list", &path]).contains("http://a.example/x"), "{path}");
        assert!(printed(&["show", &path, "1"]).contains("\nhello\n"), "{path}");
        assert_eq!(printed(&["check", &path]), format!("{path}: ok, 1 exchange\n"));
        assert!(printed(&["filter", "~u /x", &path]).contains("http://a.example/x"), "{path}");
        for name in ["filtered.mitm", "filtered.har"] {
            assert_eq!(printed(&["filter", "~m GET", &path, &out(name)]), format!("{}: 1 flow\n", out(name)));
        }
        for name in ["converted.mitm", "converted.har"] {
            assert_eq!(printed(&["convert", &path, &out(name)]), format!("{}: 1 flow\n", out(name)));
            assert!(!read(out(name)).is_empty());
        }
        for name in ["merged.mitm", "merged.har"] {
            assert_eq!(printed(&["merge", &out(name), &path, &path]), format!("{}: 2 flows\n", out(name)));
        }
        assert_eq!(printed(&["diff", &path, &path]), "");
    }
}

#[test]
fn only_flow_files_are_repaired_and_others_are_called_what_they_are() {
    let folder = Folder::new();
    for (path, format) in recordings(&folder) {
        let ran = flows(&["repair", &path, &folder.path("out")]);
        if format == "a flow file" {
            assert_eq!((ran.code, ran.err.as_str()), (0, ""));
            continue;
        }
        let expected = format!(
            "error: recording `{path}` is {format}, and only flow files can be repaired: `flows convert` writes what can be \
             read\n"
        );
        assert_eq!((ran.code, ran.err), (2, expected));
    }
    // What is none of them is refused for what it is.
    let neither = folder.file("neither", b"GET / HTTP/1.1");
    assert!(flows(&["repair", &neither, &folder.path("out")]).err.contains("is of no known format"));
}

/// What `show` says of the first exchange from its request on.
fn shown(path: &str) -> String {
    let shown = printed(&["show", path, "1"]);
    shown.split_once("\n\n").unwrap().1.to_owned()
}

#[test]
fn a_websocket_is_the_same_on_the_way_through_a_har_file() {
    let folder = Folder::new();
    let first = example("websocket.mitm").to_str().unwrap().to_owned();
    let (har, again) = (folder.path("x.har"), folder.path("again.mitm"));
    assert_eq!(convert(&first, &har), "");
    assert_eq!(convert(&har, &again), "");
    assert_eq!((shown(&har), shown(&again)), (shown(&first), shown(&first)));
    assert!(shown(&har).contains("(6 messages of the WebSocket)"));
    let server = |path: &str| printed(&["show", path, "1"]).lines().any(|line| line == "server: 127.0.0.1:18090");
    assert_eq!((server(&first), server(&again)), (true, true));
    // Filters see what was said.
    for path in [&first, &har, &again] {
        assert!(printed(&["filter", "~b hello", path]).contains("/chat"), "{path}");
        assert_eq!(printed(&["filter", "~b nothing-like-it", path]), "", "{path}");
    }
}

#[test]
fn notes_that_a_har_file_has_no_place_for_are_named() {
    let folder = Folder::new();
    let plain = recordings(&folder).into_iter().next().unwrap().0;
    let bytes = read(&plain);
    let start = bytes.iter().position(|byte| *byte == b':').unwrap() + 1;
    let payload = String::from_utf8(bytes[start..bytes.len() - 1].to_vec()).unwrap();
    let payload = payload.replace("7:comment;0:;", "7:comment;2:hi;");
    let noted = folder.file("noted.mitm", format!("{}:{payload}}}", payload.len()).as_bytes());
    assert!(printed(&["show", &noted, "1"]).contains("comment: hi\n"));
    let warning = format!("warning: `{noted}`: left out: marks, comments and metadata of 1 flow\n");
    assert_eq!(convert(&noted, &folder.path("x.har")), warning);
    assert_eq!(flows(&["filter", "~m GET", &noted, &folder.path("y.har")]).err, warning);
    // A flow file has a place for it.
    assert_eq!(convert(&noted, &folder.path("z.mitm")), "");
}

#[test]
fn a_file_of_no_flows_is_that_for_every_command() {
    let folder = Folder::new();
    let har = folder.file("none.har", br#"{"log": {"entries": []}}"#);
    let none = folder.path("none.mitm");
    // What is written where there is nothing to write can be read again.
    assert_eq!(printed(&["filter", "~u nothing-like-it", "@shop.mitm", &none]), format!("{none}: 0 flows\n"));
    assert!(read(&none).is_empty());
    for (index, path) in [&har, &none].into_iter().enumerate() {
        let out = |name: &str| folder.path(&format!("{index}-{name}"));
        assert_eq!(printed(&["list", path]), "");
        assert_eq!(printed(&["list", "--json", path]), "");
        assert_eq!(printed(&["check", path]), format!("{path}: ok, 0 exchanges\n"));
        assert_eq!(printed(&["filter", "~q", path]), "");
        for name in ["a.mitm", "a.har"] {
            assert_eq!(printed(&["convert", path, &out(name)]), format!("{}: 0 flows\n", out(name)));
            assert_eq!(printed(&["merge", &out(name), path, path, "--force"]), format!("{}: 0 flows\n", out(name)));
        }
        assert_eq!(printed(&["diff", path, path]), "");
        let expected =
            format!("error: recording `{path}` has no exchange 1: `proxyhost flows list` shows the numbers\n");
        assert_eq!(flows(&["show", path, "1"]).err, expected);
    }
    let whole = folder.path("whole");
    assert_eq!(printed(&["repair", &none, &whole]), format!("{whole}: 0 flows; nothing was broken\n"));
}
