use crate::{
    RecordingError,
    samples::{Value, dict, exchange, fields, flow, invalid, nested, open},
};

fn version(numbers: &[i64]) -> Value {
    Value::List(numbers.iter().map(|number| Value::Integer(*number)).collect())
}

/// The flow as 0.11 to 0.13 have it, with the names of that time and keys in bytes.
fn python_2_flow(minor: i64) -> Value {
    let request = dict()
        .with("form_in", b"relative")
        .with("httpversion", version(&[1, 0]))
        .with("method", b"POST")
        .with("scheme", b"https")
        .with("host", b"old.example")
        .with("port", 443)
        .with("path", b"/p")
        .with("headers", fields(&[(b"Host", b"old.example")]))
        .with("content", b"asked")
        .with("timestamp_start", 1_400_000_000);
    let response = dict()
        .with("httpversion", version(&[1, 1]))
        .with("code", 404)
        .with("msg", b"Nope")
        .with("headers", fields(&[(b"A", b"b")]))
        .with("content", 0);
    dict()
        .with("request", request)
        .with("response", response)
        .with("error", Value::Null)
        .with("id", b"old")
        .with("type", b"http")
        .with("version", version(&[0, minor, 1]))
        .with_keys_in_bytes()
}

#[test]
fn python_2_flows_are_read() {
    for minor in 11..=13 {
        let found = exchange(&python_2_flow(minor));
        assert_eq!(found.id, "old");
        assert_eq!(found.request.version, http::Version::HTTP_10);
        assert_eq!((&found.request.method[..], found.request.port), (&b"POST"[..], 443));
        assert_eq!(found.request.host, "old.example");
        assert_eq!(found.request.started_at, 1_400_000_000.0);
        let response = found.flow.response.unwrap();
        assert_eq!((response.status, &response.reason[..]), (404, &b"Nope"[..]));
        assert_eq!(response.version, http::Version::HTTP_11);
        assert_eq!(response.content, crate::Content::NotRecorded);
        assert_eq!(response.started_at, 1_400_000_000.0);
    }
}

#[test]
fn every_version_in_range_is_read_and_no_other() {
    let of = |version: Value| open(&flow().with("version", version).write());
    let releases = (11..=19).map(|minor| vec![0, minor, 5]);
    let releases = releases.chain([vec![1, 0, 0], vec![2, 0, 2], vec![3, 0], vec![3, 0, 0]]);
    for release in releases {
        assert_eq!(of(version(&release)).unwrap().exchanges().len(), 1, "{release:?}");
    }
    for number in 4..=21 {
        assert_eq!(of(number.into()).unwrap().exchanges().len(), 1, "{number}");
    }
    for (old, name) in [(version(&[0, 10, 1]), "0.10"), (version(&[0, 8]), "0.8"), (3.into(), "3"), ((-1).into(), "-1")]
    {
        let error = of(old).unwrap_err();
        assert!(matches!(&error, RecordingError::VersionTooOld { version, .. } if version == name), "{error}");
    }
    for (new, name) in [(22.into(), "22"), (version(&[4, 0, 0]), "4.0"), (i64::MAX.into(), "9223372036854775807")] {
        let error = of(new).unwrap_err();
        assert!(matches!(&error, RecordingError::VersionTooNew { version, .. } if version == name), "{error}");
    }
}

#[test]
fn a_version_that_is_none_leaves_the_flow_out() {
    assert_eq!(invalid(&flow().without("version")), "the flow has no version");
    assert_eq!(invalid(&flow().with("version", Value::Null)), "the flow has no version");
    assert_eq!(invalid(&flow().with("version", "21")), "the flow's version should be a list, found text");
    assert_eq!(invalid(&flow().with("version", version(&[0]))), "the flow's version has less than two parts");
}

#[test]
fn unknown_keys_are_ignored_and_the_last_of_two_equal_keys_counts() {
    let deep = nested(10_000);
    let mut twice = flow().with("news", deep.clone()).map("request", |request| request.with("more", deep));
    if let Value::Dict(entries) = &mut twice {
        entries.insert(0, ("id".into(), "first".into()));
        entries.insert(0, ("version".into(), 99.into()));
    }
    assert_eq!(exchange(&twice).id, "f1");
}

#[test]
fn only_a_type_and_a_request_are_needed() {
    assert_eq!(invalid(&flow().without("type")), "the flow has no type");
    assert_eq!(invalid(&flow().without("request")), "the flow has no request");
    let bare = dict().with("request", dict().with("method", b"GET")).with("type", "http").with("version", 21);
    let found = exchange(&bare);
    assert_eq!((found.request.port, &found.request.path[..], found.id.as_str()), (80, &b""[..], ""));
    assert!(found.response.is_none() && found.error.is_none() && !found.is_websocket);
}

#[test]
fn errors_keep_their_message() {
    let with_error = |error: Value| exchange(&flow().with("error", error)).flow.error.map(|failure| failure.reason);
    assert_eq!(with_error(dict().with("msg", "gone")).as_deref(), Some("gone"));
    assert_eq!(with_error(dict().with("msg", b"gone")).as_deref(), Some("gone"));
    assert_eq!(with_error(dict()).as_deref(), Some("the recorder gave no reason"));
    assert_eq!(with_error(Value::Null), None);
}

#[test]
fn a_websocket_is_told_by_its_messages_or_its_handshake() {
    assert!(exchange(&flow().with("websocket", dict())).is_websocket);
    let upgrade = |fields: Value| {
        let response = dict().with("status_code", 101).with("headers", fields);
        exchange(&flow().with("response", response)).is_websocket
    };
    assert!(upgrade(fields(&[(b"upgrade", b"WebSocket")])));
    assert!(!upgrade(fields(&[(b"upgrade", b"h2c")])));
}
