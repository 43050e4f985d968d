use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Content, Exchange, Recording, RecordingError,
    samples::{describe, open, shown},
};

/// `GET /some/thing`, answered with `Hello world!`.
fn stub() -> Value {
    json!({
        "id": "8c5db8b0-2db4-4ad7-a99f-38c9b00da3f7",
        "request": {"method": "GET", "url": "/some/thing"},
        "response": {"status": 200, "body": "Hello world!", "headers": {"Content-Type": "text/plain"}},
    })
}

fn with(pointer: &str, value: Value) -> Value {
    set(stub(), pointer, value)
}

fn set(mut stub: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    stub.pointer_mut(parent).unwrap()[key] = value;
    stub
}

fn without_url(key: &str, value: Value) -> Value {
    let mut stub = with(&format!("/request/{key}"), value);
    stub["request"].as_object_mut().unwrap().remove("url");
    stub
}

fn recording(stubs: &[Value]) -> Recording {
    open(json!({"mappings": stubs, "meta": {"total": stubs.len()}}).to_string().as_bytes()).unwrap()
}

fn exchange(stub: &Value) -> Exchange {
    let recording = recording(std::slice::from_ref(stub));
    assert_eq!(recording.skipped().reasons(), Vec::<String>::new());
    recording.exchanges()[0].clone()
}

/// Why the stub is left out, without its name.
fn reason(stub: &Value) -> String {
    let recording = recording(std::slice::from_ref(stub));
    assert!(recording.exchanges().is_empty());
    let reason = &recording.skipped().invalid[0].reason;
    reason.strip_prefix("stub `8c5db8b0-2db4-4ad7-a99f-38c9b00da3f7`: ").unwrap_or(reason).to_owned()
}

fn held(content: &Content) -> &[u8] {
    match content {
        Content::Held(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

fn body(stub: &Value) -> Vec<u8> {
    held(&exchange(stub).flow.response.unwrap().content).to_vec()
}

fn paths(recording: &Recording) -> Vec<String> {
    recording.exchanges().iter().map(|found| found.request.path.escape_ascii().to_string()).collect()
}

#[test]
fn a_stub_is_read_alone_or_in_a_list() {
    let expected = "1 GET http://localhost:8080/some/thing HTTP/1.1 200, 12 bytes\n";
    assert_eq!(describe(&recording(&[stub()])), expected);
    let alone = open(stub().to_string().as_bytes()).unwrap();
    assert_eq!(describe(&alone), expected);
    let found = &alone.exchanges()[0];
    assert!(found.is_answered());
    assert_eq!(found.id, "8c5db8b0-2db4-4ad7-a99f-38c9b00da3f7");
    assert_eq!(shown(&found.response.as_ref().unwrap().fields), ["Content-Type: text/plain"]);
    assert!(open(b"{\"mappings\": []}").unwrap().exchanges().is_empty());
}

#[test]
fn the_host_is_given_or_that_of_wiremock() {
    let url = |stub: &Value| {
        let request = exchange(stub).flow.request;
        let [scheme, host] = [&request.scheme, &request.host].map(|part| part.escape_ascii().to_string());
        format!("{scheme}://{host}:{}", request.port)
    };
    assert_eq!(url(&with("/request/scheme", "https".into())), "https://localhost:8443");
    let hosted = with("/request/host", json!({"equalTo": "api.example.com"}));
    assert_eq!(url(&hosted), "http://api.example.com:80");
    assert_eq!(url(&set(hosted.clone(), "/request/scheme", "https".into())), "https://api.example.com:443");
    assert_eq!(url(&set(hosted, "/request/port", 81.into())), "http://api.example.com:81");
    assert_eq!(url(&with("/request/port", 81.into())), "http://localhost:81");
    assert_eq!(url(&with("/request/host", json!({"equalTo": "::1"}))), "http://::1:80");
    assert_eq!(url(&with("/request/url", "https://x/y".into())), "https://x:443");
    let pattern = "its `request.host` is matched by `matches`, and one request has one value: use `equalTo`";
    assert_eq!(reason(&with("/request/host", json!({"matches": ".*"}))), pattern);
    assert_eq!(reason(&with("/request/port", 0.into())), "`request.port` should be within 1 to 65535, found `0`");
    assert_eq!(reason(&with("/request/scheme", "ftp".into())), "its scheme is `ftp`");
    assert_eq!(reason(&with("/request/url", "x".into())), "its URL should start with `/`, found `x`");
}

#[test]
fn a_request_has_what_its_matchers_are_equal_to() {
    let query = json!({"a b": {"equalTo": "1&2"}, "_c": {"hasExactly": [{"equalTo": "3"}, {"equalTo": "4"}]},
        "d": {"absent": true}});
    let stub = set(without_url("urlPath", "/x".into()), "/request/queryParameters", query.clone());
    assert_eq!(exchange(&stub).request.path, "/x?_c=3&_c=4&a+b=1%262");
    assert!(!exchange(&stub).query_is_least);
    let stub = set(with("/request/url", "/x?y".into()), "/request/queryParameters", query);
    assert_eq!(exchange(&stub).request.path, "/x?y&_c=3&_c=4&a+b=1%262");
    // The order of the file, which a parser of JSON forgets.
    let text = r#"{"request": {"urlPath": "/x", "queryParameters": {"page": {"equalTo": 1}, "b": {"matches": "^c\\.d$"}, "a":
        {"includes": [{"equalTo": "2"}]}}}, "response": {}}"#;
    let ordered = open(text.as_bytes()).unwrap().exchanges()[0].clone();
    assert_eq!((&ordered.request.path[..], ordered.query_is_least), (&b"/x?page=1&b=c.d&a=2"[..], true));
    let stub = set(
        set(
            with(
                "/request/headers",
                json!({"Accept": {"equalTo": "a/b", "caseInsensitive": true}, "X": {"absent": true}}),
            ),
            "/request/cookies",
            json!({"c": {"equalTo": "1"}, "d": {"equalTo": "2"}}),
        ),
        "/request/basicAuthCredentials",
        json!({"username": "me", "password": "pw"}),
    );
    assert_eq!(
        shown(&exchange(&stub).request.fields),
        ["Accept: a/b", "Cookie: c=1; d=2", "Authorization: Basic bWU6cHc="]
    );
}

#[test]
fn a_pattern_of_one_text_is_that_text() {
    let path = |key: &str, value: &str| exchange(&without_url(key, value.into())).flow.request.path;
    assert_eq!(path("urlPattern", r"/a\.json\?b=c"), "/a.json?b=c");
    assert_eq!(path("urlPathPattern", "^/a/b$"), "/a/b");
    assert_eq!(path("urlPathTemplate", "/a/b"), "/a/b");
    let filled = without_url("urlPathTemplate", "/contacts/{id}/addresses/{n}".into());
    let filled = set(filled, "/request/pathParameters", json!({"id": {"equalTo": "12"}, "n": {"equalTo": 3}}));
    assert_eq!(exchange(&filled).request.path, "/contacts/12/addresses/3");
    let accept = exchange(&with("/request/headers", json!({"Accept": {"matches": "text/plain"}}))).flow.request;
    assert_eq!(shown(&accept.fields), ["Accept: text/plain"]);
}

#[test]
fn any_method_is_told_by_its_name() {
    for any in [Value::Null, "ANY".into()] {
        assert_eq!(exchange(&with("/request/method", any)).request.method, "ANY");
    }
}

#[test]
fn delays_are_times() {
    let times = |response: Value| {
        let found = exchange(&with("/response", response));
        assert_eq!(found.recorded_at(), found.request.started_at);
        (found.request.started_at, found.flow.response.unwrap().started_at)
    };
    assert_eq!(times(json!({"fixedDelayMilliseconds": 500})), (0.0, 0.5));
    assert_eq!(times(json!({"fixedDelayMilliseconds": -1})), (0.0, 0.0));
    let drawn = |distribution: Value| times(json!({"delayDistribution": distribution})).1;
    assert_eq!(drawn(json!({"type": "uniform", "lower": 100, "upper": 300})), 0.2);
    assert_eq!(drawn(json!({"type": "lognormal", "median": 80, "sigma": 0.4})), 0.08);
    assert_eq!(drawn(json!({"type": "fixed", "milliseconds": 70})), 0.07);
    assert_eq!(drawn(json!({"type": "other"})), 0.0);
    let dated = json!({"headers": {"Date": "Fri, 01 Mar 2024 10:00:00 GMT"}, "fixedDelayMilliseconds": 500});
    let dated = exchange(&with("/response", dated));
    assert_eq!((dated.request.started_at, dated.recorded_at()), (1_709_287_199.5, 1_709_287_200.0));
    let pieces = |count: i64, milliseconds: f64| {
        let delay = json!({"numberOfChunks": count, "totalDuration": milliseconds});
        let response = json!({"body": "1234567", "chunkedDribbleDelay": delay});
        let found = exchange(&with("/response", response)).flow.response.unwrap().pieces;
        found.iter().map(|piece| (piece.len, piece.after_micros)).collect::<Vec<_>>()
    };
    assert_eq!(pieces(3, 300.0), [(2, 100_000), (2, 200_000), (3, 300_000)]);
    assert_eq!(pieces(100, 7.0).len(), 7);
    for (count, milliseconds) in [(0, 5.0), (-1, 5.0), (3, -1.0), (i64::MAX, 1e300)] {
        let total: u64 = pieces(count, milliseconds).iter().map(|(len, _)| len).sum();
        assert_eq!(total, if count > 0 { 7 } else { 0 });
    }
    assert_eq!(exchange(&with("/response", json!({"chunkedDribbleDelay": {}}))).flow.response.unwrap().pieces, []);
}

#[test]
fn a_request_has_the_body_of_its_pattern() {
    let body =
        |pattern: Value| held(&exchange(&with("/request/bodyPatterns", json!([pattern]))).request.content).to_vec();
    assert_eq!(body(json!({"equalTo": "abc"})), b"abc");
    assert_eq!(body(json!({"binaryEqualTo": "AP8="})), b"\x00\xff");
    assert_eq!(
        body(json!({"equalToJson": "{ \"b\": 1 }", "ignoreArrayOrder": true, "ignoreExtraElements": true})),
        b"{ \"b\": 1 }"
    );
    assert_eq!(body(json!({"equalToXml": "<a/>"})), b"<a/>");
    assert_eq!(body(json!({"absent": true})), b"");
    // The order of the file, which a parser of JSON forgets.
    let text = r#"{"request": {"method": "POST", "url": "/", "bodyPatterns": [{"equalToJson": {"z": "\" }  { ", "a": [1, 2.50]}}]},
        "response": {"jsonBody": {"_y": null, "b": " \\", "a": 1}}}"#;
    let found = &open(text.as_bytes()).unwrap().exchanges()[0].clone();
    assert_eq!(held(&found.request.content), br#"{"z":"\" }  { ","a":[1,2.50]}"#);
    assert_eq!(held(&found.response.as_ref().unwrap().content), br#"{"_y":null,"b":" \\","a":1}"#);
}

#[test]
fn a_pattern_for_a_body_says_how_others_are_compared() {
    let compared = |place: &str, pattern: Value| {
        let comparison = exchange(&with(place, pattern)).comparison?;
        let least = comparison.at_least.map(|least| String::from_utf8(least.to_vec()).unwrap());
        Some((comparison.media_type, comparison.in_any_order, least))
    };
    let body = |pattern: Value| compared("/request/bodyPatterns", json!([pattern]));
    assert_eq!(body(json!({"equalTo": "{}"})), None);
    assert_eq!(body(json!({"absent": true})), None);
    assert_eq!(body(json!({"anything": "anything"})), Some(("*/*", false, None)));
    assert_eq!(compared("/request/bodyPatterns", json!([])), Some(("*/*", false, None)));
    assert_eq!(body(json!({"equalToXml": "<a/>"})), Some(("application/xml", false, None)));
    assert_eq!(body(json!({"equalToJson": "{}"})), Some(("application/json", false, None)));
    let loose = json!({"equalToJson": {"a": 1}, "ignoreArrayOrder": true, "ignoreExtraElements": true});
    assert_eq!(body(loose), Some(("application/json", true, Some("{\"a\":1}".to_owned()))));
    let form = compared("/request/formParameters", json!({"a": {"equalTo": "x y"}}));
    assert_eq!(form, Some(("application/x-www-form-urlencoded", true, Some("a=x+y".to_owned()))));
    let parts = json!([
        {"name": "a", "matchingType": "ANY", "bodyPatterns": [{"equalTo": "1"}]},
        {"headers": {"Content-Disposition": {"contains": "name=\"b\""}}, "bodyPatterns": [{"equalToJson": "{}"}]},
    ]);
    let least = "------part\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n------part\r\nContent-Disposition: \
                 form-data; name=\"b\"\r\nContent-Type: application/json\r\n\r\n{}\r\n------part--\r\n";
    let found = compared("/request/multipartPatterns", parts);
    assert_eq!(found, Some(("multipart/form-data", true, Some(least.to_owned()))));
    let vague = reason(&with("/request/multipartPatterns", json!([{"name": "a"}])));
    assert_eq!(vague, "its `request.multipartPatterns[0]` does not say what one part has");
    let vague = reason(&with("/request/bodyPatterns", json!([{"matchesJsonPath": "$.a"}])));
    assert_eq!(vague, "its body is matched by `matchesJsonPath`, and one request has one body: use `equalTo`");
}

#[test]
fn a_pattern_of_more_than_one_request_is_left_out() {
    assert_eq!(reason(&with("/request/url", Value::Null)), "it matches any URL; name one in `request.url`");
    for key in ["urlPattern", "urlPathPattern", "urlPathTemplate"] {
        let reason = reason(&without_url(key, "/a/{b}".into()));
        assert_eq!(reason, format!("its `request.{key}` does not say what one request has"));
    }
    let other =
        set(without_url("urlPathTemplate", "/a/{b}".into()), "/request/pathParameters", json!({"c": {"equalTo": "1"}}));
    assert_eq!(reason(&other), "its `request.urlPathTemplate` does not say what one request has");
    for key in ["customMatcher", "pathParameters"] {
        let reason = reason(&with(&format!("/request/{key}"), json!({"a": {"equalTo": "b"}})));
        assert_eq!(reason, format!("its `request.{key}` does not say what one request has"));
        assert!(exchange(&with(&format!("/request/{key}"), json!([]))).is_answered());
    }
    for (key, name) in [("headers", "Accept"), ("queryParameters", "q"), ("cookies", "c")] {
        let reason = reason(&with(&format!("/request/{key}"), json!({name: {"contains": "a", "or": []}})));
        let expected = "is matched by `contains`, `or`, and one request has one value: use `equalTo`";
        assert_eq!(reason, format!("its `request.{key}.{name}` {expected}"));
    }
    let body = |patterns: Value| reason(&with("/request/bodyPatterns", patterns));
    let one = "and one request has one body";
    assert_eq!(
        body(json!([{"matchesJsonPath": "$.a"}])),
        format!("its body is matched by `matchesJsonPath`, {one}: use `equalTo`")
    );
    assert_eq!(
        body(json!([{"equalTo": "a"}, {"contains": "a"}])),
        format!("its patterns for the body are several, {one}")
    );
    for pattern in [
        json!({"equalToJson": {"a": "${json-unit.any-string}"}}),
        json!({"equalToJson": "{\"a\": \"${json-unit.ignore}\"}"}),
        json!({"equalToXml": "<a>x</a>", "enablePlaceholders": true}),
    ] {
        assert_eq!(body(json!([pattern])), format!("its body has placeholders, {one}"));
    }
    let unnamed = json!({"request": {"urlPattern": "/a.*"}, "response": {}});
    assert!(reason(&unnamed).starts_with("stub `ANY /a.*`: "));
    let named = json!({"name": "the\nname", "request": {}, "response": {}});
    assert!(reason(&named).starts_with("stub `the\\nname`: "));
}

#[test]
fn a_response_is_read_with_all_its_parts() {
    let response = json!({
        "status": 418,
        "statusMessage": "Short and stout",
        "headers": {"Set-Cookie": ["a=b", "c=d\ne=f"], "X-Count": 1, "Transfer-Encoding": "chunked", "Content-Encoding": "gzip"},
        "body": "é",
        "fixedDelayMilliseconds": 500,
    });
    let found = exchange(&with("/response", response)).flow.response.unwrap();
    assert_eq!((found.status, &found.reason[..]), (418, &b"Short and stout"[..]));
    // The body has neither coding.
    assert_eq!(shown(&found.fields), ["Set-Cookie: a=b", "Set-Cookie: c=d", "Set-Cookie: e=f", "X-Count: 1"]);
    assert_eq!(held(&found.content), "é".as_bytes());
    assert_eq!(exchange(&with("/response", json!({}))).flow.response.unwrap().status, 200);
    assert_eq!(body(&with("/response", json!({"body": "a", "base64Body": "AP8="}))), b"\x00\xff");
    assert_eq!(body(&with("/response", json!({"body": "a", "jsonBody": [1, null]}))), b"[1,null]");
    assert_eq!(body(&with("/response/status", 204.into())), b"");
}

#[test]
fn a_response_that_is_made_by_something_is_left_out() {
    let response = |response: Value| reason(&with("/response", response));
    assert_eq!(response(json!({"fault": "EMPTY_RESPONSE"})), "its response is made by `fault`");
    assert_eq!(response(json!({"proxyBaseUrl": "http://x"})), "its response is made by `proxyBaseUrl`");
    let template = json!({"transformers": ["response-template"]});
    assert_eq!(response(template), "its response is made by the transformer `response-template`");
    assert!(exchange(&with("/response/transformers", json!([]))).is_answered());
    assert_eq!(response(json!({"status": 99})), "the response's status should be within 100 to 999, found `99`");
    assert_eq!(response(json!({"headers": {"a b": "c"}})), "the response's field has a ` ` in it");
    assert_eq!(response(json!({"headers": {"a": "c\r\nd: e"}})), "the response's field has a `\\r` in it");
    assert_eq!(response(json!({"body": {"data": "v4"}})), "`response.body` should be a string, found an object");
}

#[test]
fn the_order_is_that_in_which_wiremock_prefers() {
    let stub = |path: &str, priority: Value| set(with("/request/url", path.into()), "/priority", priority);
    let stubs = [stub("/1", Value::Null), stub("/2", 9.into()), stub("/3", 1.into()), stub("/4", 5.into())];
    let recording = recording(&stubs);
    assert_eq!(paths(&recording), ["/3", "/1", "/4", "/2"]);
    assert_eq!(recording.exchanges().iter().map(|found| found.number).collect::<Vec<_>>(), [3, 1, 4, 2]);
}

#[test]
fn a_scenario_is_in_the_order_of_its_states() {
    let step = |path: &str, from: Value, to: Value| {
        let stub = set(with("/request/url", path.into()), "/scenarioName", "cart".into());
        set(set(stub, "/requiredScenarioState", from), "/newScenarioState", to)
    };
    let stubs = [
        step("/never", "unreached".into(), Value::Null),
        step("/third", "two".into(), "Started".into()),
        with("/request/url", "/apart".into()),
        step("/second", "one".into(), "two".into()),
        step("/first", "Started".into(), "one".into()),
    ];
    assert_eq!(paths(&recording(&stubs)), ["/first", "/second", "/apart", "/third", "/never"]);
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn a_folder_is_read_with_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let filed = |name: &str| with("/response", json!({"bodyFileName": name})).to_string();
    write(root, "mappings/b.json", with("/request/url", "/b".into()).to_string());
    write(root, "mappings/a/deep.JSON", json!({"mappings": [with("/request/url", "/a1".into()), 1]}).to_string());
    write(root, "mappings/c.json", filed("dir/c.bin"));
    write(root, "mappings/d.json", "{\"request\":");
    write(root, "mappings/e.txt", "no stub");
    write(root, "mappings/f.json", "");
    write(root, "__files/dir/c.bin", b"\x1f\x8bfile");
    write(root, "outside.json", stub().to_string());
    for place in [root.to_owned(), root.join("mappings")] {
        let mut reports = Vec::new();
        let recording = Recording::open(&place, &mut |progress| reports.push(progress)).unwrap();
        assert_eq!(paths(&recording), ["/a1", "/b", "/some/thing"]);
        assert_eq!(held(&recording.exchanges()[2].response.as_ref().unwrap().content), b"\x1f\x8bfile");
        let reasons: Vec<_> = recording.skipped().invalid.iter().map(|invalid| invalid.reason.clone()).collect();
        let file = |name: &str| root.join("mappings").join(name).display().to_string();
        assert_eq!(
            reasons,
            [
                "in `a/deep.JSON`: the entry should be an object, found a number".to_owned(),
                format!("recording `{}` holds no whole flow: at byte 11, EOF while parsing a value", file("d.json")),
                format!(
                    "recording `{}` is empty: nothing was recorded, or the recorder was stopped before its first flow",
                    file("f.json")
                ),
            ]
        );
        let last = reports.last().unwrap();
        assert_eq!((last.read_bytes, last.flows), (last.total_bytes, 6));
    }
    let single = Recording::open(&root.join("mappings/c.json"), &mut |_| {}).unwrap();
    assert_eq!(held(&single.exchanges()[0].response.as_ref().unwrap().content), b"\x1f\x8bfile");
    let error = Recording::open(&root.join("__files"), &mut |_| {}).unwrap_err();
    assert!(matches!(error, RecordingError::NotAFile { .. }));
}

#[test]
fn a_file_outside_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "secret", "secret");
    write(root, "__files/body", "body");
    std::os::unix::fs::symlink(root.join("secret"), root.join("__files/link")).unwrap();
    std::os::unix::fs::symlink("body", root.join("__files/alias")).unwrap();
    let absolute = root.join("secret").display().to_string();
    let names = ["../secret", &absolute, "link", "missing", "", "alias", "./body"];
    let stubs: Vec<_> = names.iter().map(|name| with("/response", json!({"bodyFileName": name}))).collect();
    write(root, "mappings/x.json", json!({"mappings": stubs}).to_string());
    let recording = Recording::open(root, &mut |_| {}).unwrap();
    assert_eq!(recording.exchanges().len(), 2);
    assert!(recording.exchanges().iter().all(|found| held(&found.response.as_ref().unwrap().content) == b"body"));
    let reasons: Vec<_> =
        recording.skipped().invalid.iter().map(|invalid| invalid.reason.rsplit_once("`: ").unwrap().1).collect();
    assert_eq!(
        reasons,
        [
            "its file `../secret` is not in `__files`",
            &format!("its file `{absolute}` is not in `__files`"),
            "its file `link` is a link that leads out of `__files`",
            "its file `missing` is not in `__files`",
            "its file `` is not a regular file",
        ]
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![Just("/"), Just("http://[::"), Just("https"), Just("AA==")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof![
            Just("equalTo".to_owned()),
            Just("hasExactly".into()),
            Just("equalToJson".into()),
            any::<String>()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

const POINTERS: [&str; 23] = [
    "/name",
    "/priority",
    "/scenarioName",
    "/request",
    "/request/method",
    "/request/url",
    "/request/urlPath",
    "/request/urlPathTemplate",
    "/request/pathParameters",
    "/request/host",
    "/request/port",
    "/request/headers",
    "/request/queryParameters",
    "/request/cookies",
    "/request/bodyPatterns",
    "/response",
    "/response/status",
    "/response/headers",
    "/response/body",
    "/response/jsonBody",
    "/response/chunkedDribbleDelay",
    "/response/delayDistribution",
    "/response/bodyFileName",
];

proptest! {
    #[test]
    fn any_value_anywhere_is_survived(pointer in prop::sample::select(&POINTERS[..]), value in any_json()) {
        let changed = with(pointer, value);
        let found = recording(&[changed.clone(), stub()]);
        prop_assert!(found.exchanges().iter().any(|found| found.number == 2));
        prop_assert!(found.warning().is_none());
        let _ = open(changed.to_string().as_bytes());
    }

    #[test]
    fn flipped_and_missing_bytes_are_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        len in any::<prop::sample::Index>(),
        is_single in any::<bool>(),
    ) {
        let mut bytes = if is_single { stub().to_string().into_bytes() } else { json!({"mappings": [stub(), stub()]}).to_string().into_bytes() };
        for (index, byte) in &flips {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        let _ = open(&bytes);
        let _ = open(&bytes[..len.index(bytes.len())]);
    }
}
