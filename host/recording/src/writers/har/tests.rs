use std::{net::SocketAddr, ops::Range};

use bytes::Bytes;
use http::Version;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    AppendError, HEAD, HarFile, TAIL,
    samples::{Written, answered_with, content, deflate, fields, flow, gzip, in_file, zlib},
};
use crate::{Content, Exchange, Failure, Fields, Flow, Message, Recording, Source, WebSocket};

pub(super) fn recording(written: &Written) -> Recording {
    Recording::open(&written.path, &mut |_| {}).unwrap()
}

/// Writes one flow that must be read as an exchange, and reads its contents.
pub(super) fn exchange(flow: Flow<Source>) -> Exchange {
    let recording = recording(&Written::with(&[flow]));
    assert!(recording.warning().is_none());
    assert_eq!(recording.skipped().reasons(), Vec::<String>::new());
    let Exchange { number, is_websocket, flow, comparison, query_is_least } = recording.exchanges()[0].clone();
    let held = |content: Content| match content.size() {
        None => content,
        Some(_) => Content::Held(recording.read(&content).unwrap()),
    };
    Exchange { number, is_websocket, flow: flow.map_contents(held), comparison, query_is_least }
}

fn entry(flow: Flow<Source>) -> Value {
    let har: Value = serde_json::from_slice(&Written::with(&[flow]).bytes()).unwrap();
    har["log"]["entries"][0].clone()
}

fn held(content: &Content) -> &[u8] {
    match content {
        Content::Held(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_has_all_that_har_asks_for() {
    let har: Value = serde_json::from_slice(&Written::with(&[flow()]).bytes()).unwrap();
    let entry = json!({
        "startedDateTime": "2023-11-14T22:13:20.250Z",
        "time": 1500.0,
        "request": {
            "method": "GET",
            "url": "https://example.com/a?b=c+d",
            "httpVersion": "HTTP/1.1",
            "cookies": [{"name": "a", "value": "b"}, {"name": "c", "value": "d"}],
            "headers": [{"name": "Host", "value": "example.com"}, {"name": "Cookie", "value": "a=b; c=d"}],
            "queryString": [{"name": "b", "value": "c d"}],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "cookies": [{"name": "e", "value": "f", "path": "/", "httpOnly": false, "secure": false}],
            "headers": [
                {"name": "Content-Type", "value": "text/plain"},
                {"name": "Set-Cookie", "value": "e=f; Path=/"},
            ],
            "content": {"size": 5, "compression": 0, "mimeType": "text/plain", "text": "hello"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": 5,
        },
        "cache": {},
        "timings": {
            "blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 250.0, "wait": 1000.0, "receive": 250.0,
        },
        "serverIPAddress": "192.0.2.7",
        "_proxyhost": {
            "server": "192.0.2.7:443",
            "request": {"startedAt": 1_700_000_000.25, "endedAt": 1_700_000_000.5},
            "response": {"startedAt": 1_700_000_001.5, "endedAt": 1_700_000_001.75},
        },
        "_id": "6fe4a1a4-0d3c-4c4e-9d0b-000000000000",
    });
    let creator = json!({"name": "proxyhost", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(har, json!({"log": {"version": "1.2", "creator": creator, "pages": [], "entries": [entry]}}));
}

#[test]
fn a_form_has_its_parameters_too() {
    let mut flow = flow();
    flow.request.method = "POST".into();
    flow.request.fields = fields(&[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]);
    flow.request.content = content(b"a=1+2&b=%C3%A9");
    assert_eq!(
        entry(flow)["request"]["postData"],
        json!({
            "mimeType": "application/x-www-form-urlencoded; charset=utf-8",
            "params": [{"name": "a", "value": "1 2"}, {"name": "b", "value": "é"}],
            "text": "a=1+2&b=%C3%A9",
        })
    );
}

#[test]
fn a_body_is_without_its_coding_for_others() {
    let text = "caf\u{e9} ".repeat(100);
    for (coding, body) in [
        ("gzip", gzip(text.as_bytes())),
        ("X-Gzip", gzip(text.as_bytes())),
        ("deflate", zlib(text.as_bytes())),
        ("deflate", deflate(text.as_bytes())),
        ("identity, br", BROTLI.to_vec()),
    ] {
        for body in [content(&body), in_file(&body)] {
            let found = entry(answered_with(body, &[("Content-Encoding", coding)]));
            assert_eq!(found["response"]["content"]["text"], if coding.contains("br") { "a=1&t=1" } else { &text });
            assert_eq!(found["response"]["content"].get("encoding"), None);
        }
    }
    let found = entry(answered_with(content(&gzip(b"\xff\x00")), &[("content-encoding", "gzip")]));
    assert_eq!(found["response"]["content"]["text"], "/wA=");
    assert_eq!(found["response"]["content"]["encoding"], "base64");
    assert_eq!(found["response"]["content"]["compression"], -20);
}

/// `a=1&t=1`.
const BROTLI: &[u8] = b"\x0b\x03\x80\x61\x3d\x31\x26\x74\x3d\x31\x03";

#[test]
fn a_body_whose_coding_stays_keeps_its_field() {
    for (coding, body) in [
        ("zstd", b"whatever".to_vec()),
        ("br, gzip", gzip(BROTLI)),
        ("gzip", b"\x1f\x8bnot gzip".to_vec()),
        ("gzip", b"no gzip".to_vec()),
        ("gzip", gzip(&gzip(b"twice"))),
        ("br", b"no brotli".to_vec()),
        ("deflate", b"\xffno deflate".to_vec()),
    ] {
        let found = exchange(answered_with(content(&body), &[("Content-Encoding", coding)])).flow.response.unwrap();
        assert_eq!(held(&found.content), body, "{coding}");
        assert_eq!(found.fields.get("content-encoding").unwrap(), coding);
    }
}

#[test]
fn a_bomb_stays_packed() {
    let body = gzip(&vec![b'a'; 40 << 20]);
    let found = exchange(answered_with(content(&body), &[("Content-Encoding", "gzip")])).flow.response.unwrap();
    assert_eq!(held(&found.content), body);
}

#[test]
fn what_looks_like_chunks_is_what_it_was() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let list = format!("[\"{}\"]", STANDARD.encode(gzip(b"packed")));
    let found = exchange(answered_with(content(&gzip(list.as_bytes())), &[("Content-Encoding", "gzip")]));
    assert_eq!(held(&found.flow.response.unwrap().content), list.as_bytes());
}

#[test]
fn a_missing_body_stays_missing() {
    let mut flow = answered_with(Source::NotRecorded, &[]);
    flow.request.content = Source::NotRecorded;
    let found = exchange(flow);
    assert_eq!(found.request.content, Content::NotRecorded);
    assert_eq!(found.flow.response.unwrap().content, Content::NotRecorded);
    // Even where no body would be taken for an empty one.
    let mut redirect = answered_with(Source::NotRecorded, &[("Location", "/")]);
    redirect.response.as_mut().unwrap().status = 302;
    assert_eq!(exchange(redirect).flow.response.unwrap().content, Content::NotRecorded);
}

#[test]
fn the_times_are_kept_to_the_millisecond() {
    let found = exchange(flow());
    assert_eq!(
        (found.request.started_at, found.flow.response.unwrap().started_at),
        (1_700_000_000.25, 1_700_000_001.5)
    );
    // The response started before the request ended.
    let mut early = flow();
    early.request.ended_at = Some(1_700_000_009.0);
    assert_eq!(exchange(early).flow.response.unwrap().started_at, 1_700_000_001.5);
}

#[test]
fn http_2_keeps_its_authority_and_an_address_its_brackets() {
    let mut flow = flow();
    flow.request.version = Version::HTTP_2;
    flow.request.authority = "example.com:8443".into();
    flow.request.host = "2001:db8::1".into();
    flow.request.port = 8443;
    flow.request.path = Bytes::from_static(b"/\xff#x?y");
    flow.server = Some("[2001:db8::1]:8443".parse::<SocketAddr>().unwrap());
    let found = entry(flow);
    assert_eq!(found["request"]["url"], "https://[2001:db8::1]:8443/%FF%23x?y");
    assert_eq!(found["request"]["headers"][0], json!({"name": ":authority", "value": "example.com:8443"}));
    assert_eq!(found["serverIPAddress"], "2001:db8::1");
}

#[test]
fn a_failure_is_told_with_and_without_a_response() {
    let mut failed = flow();
    failed.response = None;
    failed.error = Some(Failure { reason: "server closed connection".into(), at: Some(1_700_000_001.0) });
    let found = entry(failed);
    assert_eq!(found["response"]["status"], 0);
    assert_eq!(found["response"]["_error"], "server closed connection");
    assert_eq!(found["time"], 750.0);
    let mut broken = answered_with(Source::NotRecorded, &[]);
    broken.error = Some(Failure { reason: "reset".into(), at: Some(1_700_000_003.0) });
    let mut unanswered = flow();
    unanswered.response = None;
    let recording = recording(&Written::with(&[broken, unanswered]));
    let [broken, unanswered] = recording.exchanges() else { panic!("{:?}", recording.skipped()) };
    assert_eq!(broken.error, Some(Failure { reason: "reset".into(), at: Some(1_700_000_003.0) }));
    assert!(broken.response.is_some() && !broken.is_answered());
    assert!(unanswered.response.is_none() && unanswered.error.is_none());
}

#[test]
fn messages_of_a_websocket_are_as_in_chrome() {
    let message = |is_text, from_client, content| Message { is_text, from_client, content, at: 1.5 };
    let messages = vec![
        message(true, true, content(b"a \"quoted\"\0 text")),
        message(false, false, in_file(b"\x00\xff")),
        message(true, false, Source::NotRecorded),
    ];
    let mut flow = flow();
    flow.response.as_mut().unwrap().status = 101;
    flow.websocket = Some(WebSocket { messages, ..WebSocket::default() });
    let found = entry(flow);
    assert_eq!(found["_resourceType"], "websocket");
    assert_eq!(
        found["_webSocketMessages"],
        json!([
            {"type": "send", "time": 1.5, "opcode": 1, "data": "a \"quoted\"\0 text"},
            {"type": "receive", "time": 1.5, "opcode": 2, "data": "AP8="},
            {"type": "receive", "time": 1.5, "opcode": 1, "data": "", "_body": "missing"},
        ])
    );
}

#[test]
fn a_file_is_whole_after_each_entry() {
    let written = Written::empty();
    let mut har = HarFile::create(written.file()).unwrap();
    for count in 0..4 {
        let found: Value = serde_json::from_slice(&written.bytes()).unwrap();
        assert_eq!(found["log"]["entries"].as_array().unwrap().len(), count);
        assert_eq!(recording(&written).exchanges().len(), count);
        har.write(&flow()).unwrap();
    }
}

#[test]
fn an_entry_that_fails_leaves_the_file_as_it_was() {
    let written = Written::empty();
    let mut har = HarFile::create(written.file()).unwrap();
    for _ in 0..2 {
        let before = written.bytes();
        let mut cut = in_file(&vec![b'a'; 300_000]);
        if let Source::File { len, .. } = &mut cut {
            *len += 1;
        }
        let error = har.write(&answered_with(cut, &[])).unwrap_err();
        assert_eq!(error.to_string(), "the file of a body is shorter than the body");
        assert_eq!(written.bytes(), before);
        har.write(&flow()).unwrap();
    }
    assert_eq!(recording(&written).exchanges().len(), 2);
}

#[test]
fn appending_goes_on_after_the_last_entry() {
    for count in 0..3 {
        let flows: Vec<_> = (0..count).map(|_| flow()).collect();
        let written = Written::with(&flows);
        let before = written.bytes();
        let (mut har, entries, repair) = HarFile::append(written.file()).unwrap();
        assert_eq!((entries, repair), (count, None));
        assert_eq!(written.bytes(), before);
        har.write(&flow()).unwrap();
        assert_eq!(recording(&written).exchanges().len(), count + 1);
    }
    let empty = Written::empty();
    let (_, entries, repair) = HarFile::append(empty.file()).unwrap();
    assert_eq!((entries, repair), (0, None));
    assert_eq!(recording(&empty).exchanges().len(), 0);
}

/// The ends of a range, and some of what is between them.
fn around(range: Range<usize>) -> impl Iterator<Item = usize> {
    let (start, end) = (range.start, range.end);
    range.filter(move |at| at - start < 30 || end - at < 30 || at.is_multiple_of(19))
}

/// What a file is after a part of the third entry was written.
fn interrupted() -> Vec<(Vec<u8>, usize)> {
    let before = Written::with(&[flow(), flow()]).bytes();
    let after = Written::with(&[flow(), flow(), answered_with(content("\u{e9}\n".as_bytes()), &[])]).bytes();
    let end = before.len() - TAIL.len();
    around(end..after.len() + 1)
        .map(|len| {
            let rest = before.get(len..).unwrap_or_default();
            // The newline that ends the line of an entry says that it is whole.
            let entries = 2 + usize::from(len > after.len() - TAIL.len());
            ([&after[..len], rest].concat(), entries)
        })
        .collect()
}

#[test]
fn what_another_program_changed_is_not_cut_off() {
    let written = Written::with(&[flow(), flow(), flow()]);
    let text = String::from_utf8(written.bytes()).unwrap();
    for text in [text.replacen("\n,{", "\n, {", 1), text.replace("\n]}}\n", "]}}")] {
        let edited = Written::of_bytes(text.as_bytes());
        let refusal = HarFile::append(edited.file()).unwrap_err().to_string();
        assert!(refusal.starts_with("something else changed it: at byte "), "{refusal}");
        assert_eq!(edited.bytes(), text.as_bytes());
    }
}

#[test]
fn an_interrupted_entry_is_cut_off_and_costs_no_other() {
    for (bytes, entries) in interrupted() {
        let written = Written::of_bytes(&bytes);
        assert!(recording(&written).exchanges().len() >= 2);
        let (mut har, found, repair) = HarFile::append(written.file()).unwrap();
        assert_eq!(found, entries, "{}", bytes.len());
        let is_whole = serde_json::from_slice::<Value>(&bytes).is_ok() && bytes.ends_with(TAIL);
        assert_eq!(repair.is_none(), is_whole, "{}", bytes.len());
        har.write(&flow()).unwrap();
        let recording = recording(&written);
        assert_eq!((recording.exchanges().len(), recording.warning().is_none()), (entries + 1, true));
    }
}

#[test]
fn a_cut_file_is_repaired_wherever_it_is_cut() {
    let bytes = Written::with(&[flow(), flow()]).bytes();
    for len in around(0..bytes.len()) {
        let written = Written::of_bytes(&bytes[..len]);
        let (mut har, entries, repair) = HarFile::append(written.file()).unwrap();
        assert_eq!(repair.is_some(), len > 0, "{len}");
        har.write(&flow()).unwrap();
        assert_eq!(recording(&written).exchanges().len(), entries + 1);
    }
    let (_, _, repair) = HarFile::append(Written::of_bytes(&bytes[..bytes.len() - 1]).file()).unwrap();
    let (end, cut) = (bytes.len() - TAIL.len(), TAIL.len() - 1);
    assert_eq!(
        repair.unwrap(),
        format!("its last {cut} bytes, from byte {end} on, were no whole entry and are cut off")
    );
}

#[test]
fn a_hole_in_the_last_entry_is_found() {
    let mut bytes = Written::with(&[flow(), flow()]).bytes();
    let hole = bytes.len() - 300..bytes.len() - 200;
    bytes[hole].fill(0);
    let (_, entries, repair) = HarFile::append(Written::of_bytes(&bytes).file()).unwrap();
    assert_eq!((entries, repair.is_some()), (1, true));
}

#[test]
fn the_file_of_another_release_is_appended_to() {
    let bytes = String::from_utf8(Written::with(&[flow()]).bytes()).unwrap();
    let other = bytes.replacen(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"99.0.0\"", 1);
    let (_, entries, repair) = HarFile::append(Written::of_bytes(other.as_bytes()).file()).unwrap();
    assert_eq!((entries, repair), (1, None));
}

#[test]
fn the_file_of_another_program_is_left_alone() {
    let harmless = [&b"hello"[..], b"\n", b"{\"log\": {\"entries\": []}}", &HEAD.as_bytes()[1..]];
    for bytes in harmless {
        let written = Written::of_bytes(bytes);
        let error = HarFile::append(written.file()).unwrap_err();
        assert!(matches!(error, AppendError::Foreign { .. }));
        assert_eq!(written.bytes(), bytes);
    }
    let error = HarFile::append(Written::of_bytes(b"{\n}").file()).unwrap_err();
    let expected = "it is no HAR file of this recorder, but starts with `{`: record into a new file";
    assert_eq!(error.to_string(), expected);
}

/// Something a field value may have, which need not be UTF-8.
pub(super) fn any_value() -> impl Strategy<Value = Bytes> {
    let byte = prop_oneof![Just(b'\t'), b' '..=b'~', 0x80..=0xff_u8];
    prop_oneof![prop::collection::vec(byte, 0..12).prop_map(Bytes::from), "[ -~é€]{0,12}".prop_map(Bytes::from),]
}

pub(super) fn any_fields() -> impl Strategy<Value = Fields> {
    prop::collection::vec(("[xX]-[a-z!#$%&'*+.^_`|~0-9-]{0,6}".prop_map(Bytes::from), any_value()), 0..4)
        .prop_map(Fields::from_iter)
}

pub(super) fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        "[\\x00-\\x1f\"\\\\é]{0,20}".prop_map(String::into_bytes),
        Just(gzip(b"packed by itself")),
        Just(vec![0xe9; 9000]),
    ]
}

fn any_content(body: Vec<u8>) -> impl Strategy<Value = Source> {
    any::<bool>().prop_map(move |is_stored| if is_stored { in_file(&body) } else { content(&body) })
}

const KINDS: [&str; 6] = [
    "",
    "text/html",
    "text/html; charset=UTF-8",
    "text/html; charset=iso-8859-1",
    "text/plain; charset=\"utf8\"; a=b",
    "application/octet-stream",
];

/// The fields with a type, if there is one.
fn typed(mut fields: Fields, kind: &'static str) -> Fields {
    if !kind.is_empty() {
        fields.push("Content-Type", kind);
    }
    fields
}

proptest! {
    #[test]
    fn a_body_without_coding_is_read_as_it_was_written(
        (asked, answered) in (any_body(), any_body()),
        (asked_fields, answered_fields) in (any_fields(), any_fields()),
        (asked_kind, answered_kind) in (select(&KINDS[..]), select(&KINDS[..])),
        status in 200_u16..600,
        stored in any::<bool>(),
    ) {
        let content = if stored { in_file } else { content };
        let mut flow = flow();
        flow.request.fields = typed(asked_fields, asked_kind);
        flow.request.content = content(&asked);
        let response = flow.response.as_mut().unwrap();
        response.status = status;
        response.fields = typed(answered_fields, answered_kind);
        response.content = content(&answered);
        let expected = (flow.request.fields.clone(), response.fields.clone());
        let found = exchange(flow);
        prop_assert_eq!(held(&found.request.content), &asked);
        prop_assert_eq!(found.flow.request.fields, expected.0);
        let found = found.flow.response.unwrap();
        let has_no_body = matches!(status, 204 | 304);
        prop_assert_eq!(held(&found.content), if has_no_body { &[] } else { &answered[..] });
        prop_assert_eq!((found.status, found.fields), (status, expected.1));
    }

    #[test]
    fn a_coded_body_is_read_as_one_that_means_the_same(
        body in any_body(),
        coding in select(&["gzip", "deflate", "raw", "zstd", "br"][..]),
        kind in select(&KINDS[..]),
    ) {
        let coded = match coding {
            "gzip" => gzip(&body),
            "deflate" => zlib(&body),
            "raw" => deflate(&body),
            // Nobody looks into these.
            _ => body.clone(),
        };
        let name = if coding == "raw" { "deflate" } else { coding };
        let mut flow = answered_with(in_file(&coded), &[("Content-Encoding", name)]);
        flow.response.as_mut().unwrap().fields = typed(fields(&[("content-encoding", name)]), kind);
        flow.request.fields = fields(&[("content-encoding", name)]);
        flow.request.content = content(&coded);
        let found = exchange(flow);
        prop_assert_eq!(held(&found.request.content), &coded);
        let found = found.flow.response.unwrap();
        let is_coded = found.fields.get("content-encoding").is_some();
        if is_coded {
            prop_assert_eq!(held(&found.content), &coded);
        } else if coding != "br" {
            prop_assert_eq!(held(&found.content), &body);
        }
    }

    #[test]
    fn any_content_is_written_as_valid_json(
        body in any_body().prop_flat_map(any_content),
        reason in any_value(),
        path in any_value(),
        id in any::<String>(),
        error in any::<Option<String>>(),
    ) {
        let mut flow = answered_with(body, &[]);
        flow.id = id;
        flow.error = error.map(|reason| Failure { reason, at: Some(f64::NAN) });
        flow.request.path = path;
        flow.response.as_mut().unwrap().reason = reason;
        let written = Written::with(&[flow]);
        prop_assert!(serde_json::from_slice::<Value>(&written.bytes()).is_ok());
        let (_, entries, repair) = HarFile::append(written.file()).unwrap();
        prop_assert_eq!((entries, repair), (1, None));
    }
}
