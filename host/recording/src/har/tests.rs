use std::fs;

use proptest::prelude::*;
use serde_json::Value;

use super::samples::{AFTER, entry, gzip, har, held, response, set, with, without, zlib};
use crate::{
    Content, Recording,
    samples::{describe, example, file, open},
};

#[test]
fn every_example_holds_what_the_recorder_saw() {
    let expected = include_str!("examples.txt");
    let mut names: Vec<_> =
        fs::read_dir(example("har")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut found = String::new();
    for name in names {
        let path = example(&format!("har/{name}"));
        let described = match Recording::open(&path, &mut |_| {}) {
            Ok(recording) => describe(&recording),
            Err(error) => format!("{}\n", error.to_string().replace(path.to_str().unwrap(), &name)),
        };
        found.push_str(&format!("== {name}\n{described}"));
    }
    assert_eq!(found, expected);
}

#[test]
fn an_invalid_entry_says_where_it_starts() {
    let bytes = har(&[entry(), without("/request")]);
    let recording = open(&bytes).unwrap();
    let start = bytes.len() - AFTER.len() - without("/request").to_string().len();
    assert_eq!(recording.skipped().reasons(), [format!("flow 2, byte {start}: `request.method` is missing")]);
}

#[test]
fn of_equal_keys_the_last_counts() {
    let double = entry().to_string().replace("\"status\":200", "\"status\":500,\"status\":201");
    let log = format!("{{\"log\": {{\"entries\": [{double}, {}], \"entries\": [{double}]}}}}", entry());
    let recording = open(log.as_bytes()).unwrap();
    assert_eq!(recording.exchanges().len(), 1);
    assert_eq!(recording.exchanges()[0].response.as_ref().unwrap().status, 201);
}

#[test]
fn deep_json_costs_one_entry() {
    let depth = 100_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let log = format!("{{\"x\": {deep}, \"log\": {{\"y\": {deep}, \"entries\": [{{\"z\": {deep}}}, {}]}}}}", entry());
    let recording = open(log.as_bytes()).unwrap();
    assert_eq!(recording.exchanges()[0].number, 2);
    assert_eq!(recording.skipped().invalid[0].reason, "the entry is not readable: recursion limit exceeded");
}

#[test]
fn what_nobody_reads_takes_no_memory() {
    let list = format!("[{}1]", "1,".repeat(300_000));
    let junk = entry().to_string().replacen('{', &format!("{{\"_x\": {list}, "), 1);
    let known = entry().to_string().replacen('{', &format!("{{\"x\": {list}, "), 1);
    let recording = open(format!(r#"{{"log": {{"entries": [{junk}, {known}]}}}}"#).as_bytes()).unwrap();
    assert_eq!(recording.exchanges().len(), 1);
    let reason = "the entry is not readable: it has more than 262144 values";
    assert_eq!(recording.skipped().invalid[0].reason, reason);
}

#[test]
fn half_a_character_is_replaced() {
    let lone = entry().to_string().replace("hello", r"\\\ud83d\ud83d\ude00\udce9\\ud83d");
    let recording = open(format!(r#"{{"log": {{"entries": [{lone}]}}}}"#).as_bytes()).unwrap();
    let content = &recording.exchanges()[0].response.as_ref().unwrap().content;
    assert_eq!(str::from_utf8(held(content)).unwrap(), "\\\u{fffd}\u{1f600}\u{fffd}\\ud83d");
}

#[test]
fn an_entry_that_is_no_text_is_left_out_alone() {
    let mut bytes = har(&[entry(), entry(), entry()]);
    let start = bytes.windows(5).enumerate().filter(|(_, word)| *word == b"hello").nth(1).unwrap().0;
    bytes[start] = 0xe9;
    let recording = open(&bytes).unwrap();
    assert_eq!(recording.exchanges().iter().map(|exchange| exchange.number).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(recording.skipped().invalid[0].reason, "the entry that ends here is not in UTF-8");
    assert!(recording.warning().is_none());
}

#[test]
fn a_byte_order_mark_and_packing_are_read_through() {
    let plain = har(&[entry(), entry()]);
    let marked = [&b"\xef\xbb\xbf"[..], &plain].concat();
    let expected = describe(&open(&plain).unwrap());
    let indented = [&b"\n\r\n  "[..], &plain].concat();
    for bytes in [marked.clone(), gzip(&plain), gzip(&marked), zlib(&plain), zlib(&marked), indented] {
        assert_eq!(describe(&open(&bytes).unwrap()), expected);
    }
}

#[test]
fn gzip_around_something_else_is_refused() {
    let message = |bytes: &[u8]| {
        let file = file(bytes);
        let error = Recording::open(&file.path, &mut |_| {}).unwrap_err().to_string();
        error.replace(file.path.to_str().unwrap(), "it")
    };
    let unknown = "recording `it` is of no known format: it starts with `12:abc`, and not with a length such as `1852:` as \
                   mitmproxy's flow files do, or with `{` as HAR files, Web Page Replay archives and WireMock stubs do";
    assert_eq!(message(&gzip(b"12:abc")), unknown);
    assert_eq!(
        message(&gzip(&har(&[entry()]))[..30]),
        "recording `it` holds no whole flow: at byte 30, it cannot be unpacked: incomplete deflate stream"
    );
    assert_eq!(message(&zlib(b"12:abc")), unknown);
    assert!(
        message(&zlib(&har(&[entry()]))[..30]).starts_with("recording `it` holds no whole flow: at byte 30, it cannot")
    );
}

#[test]
fn a_bomb_is_not_unpacked_to_its_end() {
    let zeros =
        [b"{\"log\": {\"entries\": [".to_vec(), entry().to_string().into(), b",\"".to_vec(), vec![b'0'; 80 << 20]];
    for packed in [gzip(&zeros.concat()), zlib(&zeros.concat())] {
        let recording = open(&packed).unwrap();
        assert_eq!(recording.exchanges().len(), 1);
        assert_eq!(
            recording.warning().unwrap().reason,
            "it cannot be unpacked: it unpacks to more than 100 times its size"
        );
    }
}

#[test]
fn a_truncated_file_keeps_its_whole_entries() {
    let bytes = har(&[entry(), entry()]);
    let one = bytes.len() - AFTER.len() - ",".len() - entry().to_string().len();
    for len in 1..bytes.len() {
        let plain = open(&bytes[..len]);
        let packed = open(&gzip(&bytes[..len]));
        if len < one {
            assert!(plain.is_err() && packed.is_err(), "{len}");
            continue;
        }
        let (plain, packed) = (plain.unwrap(), packed.unwrap());
        let whole = 1 + usize::from(len >= bytes.len() - AFTER.len());
        assert_eq!((plain.exchanges().len(), packed.exchanges().len()), (whole, whole), "{len}");
        assert!(packed.warning().is_some());
        let tail = plain.warning().unwrap();
        assert_eq!(tail.offset as usize, if whole == 1 { one } else { bytes.len() - AFTER.len() }, "{len}");
        assert_eq!(tail.offset + tail.unread_bytes, len as u64);
    }
    let packed = gzip(&bytes);
    for len in 1..packed.len() {
        let _ = open(&packed[..len]);
    }
}

#[test]
fn progress_ends_at_the_end_of_the_file() {
    let entries = vec![entry(); 200];
    for bytes in [har(&entries), gzip(&har(&entries))] {
        let file = file(&bytes);
        let mut reports = Vec::new();
        Recording::open(&file.path, &mut |progress| reports.push(progress)).unwrap();
        let flows: Vec<_> = reports.iter().map(|progress| progress.flows).collect();
        assert_eq!(flows, [64, 128, 192, 200]);
        let last = reports.last().unwrap();
        assert_eq!((last.read_bytes, last.total_bytes), (bytes.len() as u64, bytes.len() as u64));
    }
}

#[test]
fn a_har_without_entries_is_one() {
    let recording = open(&har(&[])).unwrap();
    assert!(recording.exchanges().is_empty() && recording.warning().is_none());
}

/// What there is in each of the recordings, with all contents, if they can be opened.
fn contents(bytes: &[u8]) -> Result<String, String> {
    let recording = open(bytes).map_err(|error| oneline::chain(&error))?;
    let flows = recording.exchanges().iter().map(|exchange| {
        let read = |content: Content| content.size().map(|_| recording.read(&content).unwrap());
        format!("{:?}", exchange.flow.clone().map_contents(read))
    });
    let skipped = recording.skipped();
    // The decoder looks at the last characters of base64 first, and at all others from the start.
    let reason = |reason: &str| reason.split("is not base64: ").next().map(ToOwned::to_owned);
    let reasons: Vec<_> = skipped.invalid.iter().map(|invalid| (invalid.number, reason(&invalid.reason))).collect();
    Ok(format!("{:?} {reasons:?} {:?}", flows.collect::<Vec<_>>(), skipped.others))
}

/// Checks that what stays in the file is read as what is held in memory, as that of packed files is.
fn assert_left_as_held(bytes: &[u8]) {
    let (left, held) = (contents(bytes), contents(&gzip(bytes)));
    assert_eq!(left.is_ok(), held.is_ok());
    if let (Ok(left), Ok(held)) = (left, held) {
        let same = left.bytes().zip(held.bytes()).take_while(|(one, other)| one == other).count();
        let differing = |text: &str| text.get(same..).map(|rest| rest.chars().take(200).collect::<String>());
        assert!(left == held, "{:?} and not {:?}", differing(&left), differing(&held));
    }
}

/// Entries with long texts of all kinds, in the order in which they are written.
fn long_entries() -> Vec<Value> {
    let long = |text: &str, times: usize| text.repeat(times);
    let content = |content: Value| with("/response/content", content);
    let base64 = |text: String| content(serde_json::json!({"size": -1, "text": text, "encoding": "base64"}));
    let message =
        |data: String, opcode: u8| serde_json::json!({"type": "send", "time": 1, "opcode": opcode, "data": data});
    vec![
        content(serde_json::json!({"size": -1, "text": long("plain \"text\"\n", 9000), "encoding": null})),
        base64(long("QUJD", 20_000)),
        base64(long("QU\r\nJD", 20_000) + "QQ=="),
        base64(long("QUJD", 20_000) + "!"),
        base64(long("[\"QUJD\"]", 20_000)),
        entry(),
        content(serde_json::json!({"size": 4000, "text": long("caf\u{e9}", 1000), "mimeType": "text/plain"})),
        content(serde_json::json!({"size": 5000, "text": long("caf\u{e9}", 1000), "mimeType": "text/plain"})),
        with("/request/postData", serde_json::json!({"mimeType": "text/plain", "text": long("asked", 1000)})),
        with(
            "/_webSocketMessages",
            serde_json::json!([message(long("said", 1000), 1), message(long("AAAA", 1000), 2)]),
        ),
        with("/_webSocketMessages", serde_json::json!([message(long("!!!!", 1000), 2)])),
        with("/request/headers", serde_json::json!([{"name": "text", "value": long("text", 1000)}])),
        with("/response/content", serde_json::json!({"text": [long("text", 1000)]})),
        with("/request", serde_json::json!({"text": long("text", 1000)})),
    ]
}

#[test]
fn long_bodies_stay_in_the_file() {
    let recording = open(&har(&long_entries())).unwrap();
    let contents = recording.exchanges().iter().flat_map(|exchange| exchange.contents());
    let left = contents.filter(|content| matches!(content, Content::Quoted(_))).count();
    assert_eq!((recording.exchanges().len(), left), (10, 8));
    for limit in [1024, 1025] {
        let long = with("/response/content/text", "x".repeat(limit).into());
        let content = response(&set(long, "/response/content/size", Value::Null)).content;
        assert_eq!(matches!(content, Content::Quoted(_)), limit > 1024);
    }
}

#[test]
fn what_stays_in_the_file_is_read_as_it_would_be_held() {
    let whole = har(&long_entries());
    assert_left_as_held(&whole);
    let text = String::from_utf8(whole).unwrap();
    // As some recorders write.
    assert_left_as_held(text.replace("\"text\":", "\"\\u0074ext\" : ").as_bytes());
    assert_left_as_held(text.replace("\"text\":", "\"text\" \n: ").as_bytes());
    assert_left_as_held(text.replace('/', "\\/").replace('D', "\\u0044").as_bytes());
    assert_left_as_held(text.replace("plain", "\\ud83d").as_bytes());
    // As nothing but a HAR file is.
    assert_left_as_held(text.replace("\"entries\"", "\"others\"").as_bytes());
    for broken in ["\\x", "\n", "\\u12", "\""] {
        assert_left_as_held(text.replacen("plain", broken, 3).as_bytes());
        assert_left_as_held(text.replacen("asked", broken, 900).as_bytes());
    }
    let mut no_text = text.into_bytes();
    let places: Vec<_> =
        no_text.windows(5).enumerate().filter(|(_, word)| *word == b"asked").map(|(at, _)| at).collect();
    no_text[places[500]] = 0xff;
    assert_left_as_held(&no_text);
}

#[test]
fn an_entry_behind_long_bodies_says_where_it_starts() {
    let bytes = har(&[long_entries(), vec![without("/request"), entry()]].concat());
    let recording = open(&bytes).unwrap();
    let start = bytes.len() - AFTER.len() - entry().to_string().len() - 1 - without("/request").to_string().len();
    let invalid = recording.skipped().invalid.last().unwrap();
    assert_eq!((invalid.number, invalid.offset), (15, start as u64));
    let cut = bytes.len() - AFTER.len() - 1;
    let tail = open(&bytes[..cut]).unwrap().warning().unwrap().clone();
    assert_eq!(tail.offset, (start + without("/request").to_string().len()) as u64);
    assert_eq!(tail.offset + tail.unread_bytes, cut as u64);
}

#[test]
fn nobody_names_a_string_that_was_left_out() {
    // Whatever stands in its place, it is not what somebody could write.
    let texts = [format!("{:032x}0", 0), "0".into(), String::new()];
    let entries: Vec<_> = texts.iter().map(|text| with("/response/content/text", text.as_str().into())).collect();
    assert_left_as_held(&har(&[long_entries(), entries].concat()));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![Just("base64"), Just("http://[::"), Just("multipart/form-data; boundary=\""), Just("charset=\"")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(
                (prop_oneof![Just("name".to_owned()), Just("value".to_owned()), any::<String>()], inner),
                0..4
            )
            .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

const POINTERS: [&str; 17] = [
    "/startedDateTime",
    "/time",
    "/timings",
    "/request",
    "/response",
    "/request/url",
    "/request/method",
    "/request/headers",
    "/request/postData",
    "/request/bodySize",
    "/response/status",
    "/response/headers",
    "/response/content",
    "/response/content/text",
    "/response/content/size",
    "/response/content/encoding",
    "/response/_error",
];

proptest! {
    #[test]
    fn any_value_anywhere_is_survived(pointer in prop::sample::select(&POINTERS[..]), value in any_json()) {
        let recording = open(&har(&[with(pointer, value), entry()])).unwrap();
        prop_assert_eq!(recording.exchanges().last().unwrap().number, 2);
        prop_assert!(recording.warning().is_none());
    }

    #[test]
    fn flipped_bytes_are_survived(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = har(&[entry(), entry()]);
        for (index, byte) in &flips {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        let _ = open(&bytes);
        let mut packed = gzip(&har(&[entry(), entry()]));
        for (index, byte) in &flips {
            let at = index.index(packed.len());
            packed[at] = *byte;
        }
        let _ = open(&packed);
    }

    #[test]
    fn flipped_and_missing_bytes_of_long_bodies_are_read_as_they_would_be_held(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        index in any::<prop::sample::Index>(),
        len in any::<prop::sample::Index>(),
    ) {
        let entries = [index.get(&long_entries()).clone(), entry()];
        let mut bytes = har(&entries);
        for (index, byte) in &flips {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        assert_left_as_held(&bytes);
        // A file without any bytes has no flows, and a packed one is damaged.
        assert_left_as_held(&bytes[..1 + len.index(bytes.len() - 1)]);
    }

    #[test]
    fn any_date_and_url_are_survived(text in any::<String>()) {
        let _ = super::clock::seconds(&text);
        let _ = crate::reading::Url::parse(&text);
        let _ = crate::reading::Url::parse(&format!("http://{text}"));
    }
}
