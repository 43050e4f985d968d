use std::io::{self, Write};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Console, Exit, command, run,
    samples::{Folder, Lines, edited, example, example_bytes, flows, printed},
};

#[test]
fn equal_recordings_have_no_differences() {
    for example in ["@shop.mitm", "@websocket.mitm", "@har/firefox.har", "@errors.mitm"] {
        assert_eq!(printed(&["diff", example, example]), "");
    }
}

#[test]
fn each_difference_has_a_line() {
    let folder = Folder::new();
    let mut bytes = example_bytes("shop.mitm");
    for (old, new) in [
        ("3:404#", "3:405#"),
        ("{\"error\"", "{\"errar\""),
        ("POST", "POSD"),
        ("shop/1.4", "shop/1.5"),
        ("\"not found\"", "\"not there\""),
    ] {
        bytes = edited(bytes, old, new);
    }
    let changed = folder.file("changed", &bytes);
    let ran = flows(&["diff", "@shop.mitm", &changed]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let expected = "\
~ GET http://shop.example/ (flow 1, 1)
    response field `server`: `shop/1.4` -> `shop/1.5`
~ GET http://shop.example/favicon.ico (flow 6, 6)
    status: 404 -> 405
    response body, /error: \"not found\" -> none
    response body, /errar: none -> \"not there\"
- POST https://shop.example/login (flow 7)
+ POSD https://shop.example/login (flow 7)
";
    assert_eq!(ran.out, expected);
}

#[test]
fn ignored_fields_do_not_count() {
    let folder = Folder::new();
    let dated = folder.file("dated", &edited(example_bytes("redirects.mitm"), "Nov 2026", "Nov 2027"));
    assert_eq!(printed(&["diff", "@redirects.mitm", &dated]), "");
    let served = folder.file("served", &edited(example_bytes("redirects.mitm"), "origin/1", "origin/2"));
    assert_eq!(flows(&["diff", "@redirects.mitm", &served]).code, 1);
    assert_eq!(printed(&["diff", "--ignore-field", "SERVER", "@redirects.mitm", &served]), "");
}

#[test]
fn requests_are_paired_in_their_order() {
    let folder = Folder::new();
    let first = &example_bytes("repeated.mitm");
    let twice = folder.file("twice", &[&first[..], first].concat());
    let ran = flows(&["diff", "@repeated.mitm", &twice]);
    let expected = "+ GET http://127.0.0.1:18080/count (flow 6)\n\
                    + GET http://127.0.0.1:18080/count (flow 7)\n\
                    + GET http://127.0.0.1:18080/count (flow 8)\n\
                    + GET http://127.0.0.1:18080/count?t=1 (flow 9)\n\
                    + GET http://127.0.0.1:18080/count?t=2 (flow 10)\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, expected));
    let ran = flows(&["diff", &twice, "@repeated.mitm"]);
    assert_eq!((ran.code, ran.out), (1, expected.replace("+ ", "- ")));
}

/// A pipe that nobody reads.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_nobody_reads_is_no_error() {
    let [old, new] = ["shop.mitm", "browser.mitm"].map(|name| example(name).into_os_string());
    let matches = command().get_matches_from(["flows".into(), "diff".into(), old, new]);
    let mut err = Vec::new();
    assert_eq!(run(&matches, Console::new(&mut Closed, &mut err), &Lines).unwrap(), Exit::Success);
    assert!(err.is_empty());
}

#[test]
fn messages_and_the_end_of_a_websocket_count() {
    let folder = Folder::new();
    let changed = folder.file("changed", &edited(example_bytes("websocket.mitm"), "5:hello", "5:hallo"));
    let ran = flows(&["diff", "@websocket.mitm", &changed]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.out.ends_with("\n    message 1: client, `hello` -> client, `hallo`\n"), "{}", ran.out);
    let har = |messages: &str| {
        format!(
            r#"{{"log": {{"entries": [{{
                "request": {{"method": "GET", "url": "ws://a.example/", "headers": []}},
                "response": {{"status": 101, "headers": []}},
                "_webSocketMessages": [{messages}]
            }}]}}}}"#
        )
    };
    let json = |value: &str| format!(r#"{{"type": "send", "time": 1, "opcode": 1, "data": "{{\"a\": {value}}}"}}"#);
    let one = folder.file("one.har", har(&json("1")).as_bytes());
    let other = folder.file("other.har", har(&[json("2"), json("3")].join(",")).as_bytes());
    let ran = flows(&["diff", &one, &other]);
    assert!(
        ran.out.contains("\n    message 1, /a: 1 -> 2\n    message 2: none -> client, `{\"a\": 3}`\n"),
        "{}",
        ran.out
    );
}

#[test]
fn trailers_count() {
    let folder = Folder::new();
    let wprgo = |trailer: &str| {
        let response = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: t\r\n\r\n1\r\na\r\n0\r\nt: {trailer}\r\n\r\n"
        );
        let [request, response] =
            ["GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", &response].map(|text| BASE64_STANDARD.encode(text));
        format!(
            r#"{{"Requests": {{"a.example": {{"http://a.example/": [
                {{"SerializedRequest": "{request}", "SerializedResponse": "{response}"}}
            ]}}}}}}"#
        )
    };
    let [one, other] = ["1", "2"].map(|trailer| folder.file(trailer, wprgo(trailer).as_bytes()));
    let ran = flows(&["diff", &one, &other]);
    assert!(ran.out.contains("    response trailer `t`: `1` -> `2`\n"), "{}", ran.out);
}
