use std::{
    fs::{File, OpenOptions},
    sync::Arc,
};

use proptest::prelude::*;

use super::*;
use crate::{
    Content, Exchange, Failure, Piece, Recording, RecordingError,
    samples::{self, answered, file, written},
};

fn read(flow: Flow<Source>) -> (Recording, Exchange) {
    let recording = samples::open(&written(&[flow])).unwrap();
    assert!(recording.skipped().invalid.is_empty());
    let exchange = recording.exchanges()[0].clone();
    (recording, exchange)
}

fn with_response(change: impl FnOnce(&mut Response<Source>)) -> Flow<Source> {
    let mut flow = answered("hello");
    change(flow.response.as_mut().unwrap());
    flow
}

#[test]
fn every_part_of_a_flow_comes_back() {
    let mut flow = with_response(|response| {
        response.version = Version::HTTP_2;
        response.reason = "".into();
        response.trailers = Fields::from([("T", "x")]);
    });
    flow.request.trailers = Fields::from([("U", "y"), ("U", "z")]);
    flow.request.authority = "example.com".into();
    flow.request.version = Version::HTTP_2;
    let (recording, found) = read(flow);
    assert_eq!((found.number, found.id.as_str()), (1, "3d8ee163-b4f2-4a0b-a9c4-4cbd0a4bb7a5"));
    assert!(found.error.is_none() && !found.is_websocket && found.websocket.is_none());
    let (request, response) = (found.flow.request, found.flow.response.unwrap());
    assert_eq!((&request.method[..], &request.scheme[..]), (&b"POST"[..], &b"https"[..]));
    assert_eq!((&request.host[..], request.port), (&b"example.com"[..], 443));
    assert_eq!((&request.authority[..], &request.path[..]), (&b"example.com"[..], &b"/a?b=c"[..]));
    assert_eq!(request.version, Version::HTTP_2);
    assert_eq!(request.fields, Fields::from([("Host", "example.com"), ("X-A", "1"), ("x-a", "")]));
    assert_eq!(request.trailers, Fields::from([("U", "y"), ("U", "z")]));
    assert_eq!((request.started_at, request.ended_at), (1_700_000_000.125, Some(1_700_000_000.25)));
    assert_eq!(recording.read(&request.content).unwrap(), "asked");
    assert_eq!((response.version, response.status, &response.reason[..]), (Version::HTTP_2, 200, &b""[..]));
    assert_eq!(response.fields, Fields::from([("Content-Type", "text/plain")]));
    assert_eq!(response.trailers, Fields::from([("T", "x")]));
    assert_eq!((response.started_at, response.ended_at), (1_700_000_001.5, Some(1_700_000_002.75)));
    assert_eq!(recording.read(&response.content).unwrap(), "hello");
    assert_eq!(response.pieces, []);
}

#[test]
fn every_version_comes_back() {
    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_11, Version::HTTP_2, Version::HTTP_3] {
        let (_, found) = read(with_response(|response| response.version = version));
        assert_eq!(found.flow.response.unwrap().version, version);
    }
}

#[test]
fn what_is_missing_stays_missing() {
    let mut flow = answered("");
    (flow.client, flow.server, flow.response) = (None, None, None);
    flow.request.content = Source::NotRecorded;
    flow.request.ended_at = None;
    let failure = Failure { reason: "the server closed the connection".into(), at: Some(1_700_000_003.0) };
    flow.error = Some(failure.clone());
    let (_, found) = read(flow);
    assert_eq!(found.error, Some(failure));
    assert_eq!((found.request.content.clone(), found.request.ended_at), (Content::NotRecorded, None));
    assert!(found.response.is_none());
}

#[test]
fn a_content_in_a_file_is_copied_from_its_place() {
    let source = file(b"--hello--");
    let opened = Arc::new(File::open(&source.path).unwrap());
    let (recording, found) = read(with_response(|response| {
        response.content = Source::File { file: opened.clone(), offset: 2, len: 5 };
    }));
    assert_eq!(recording.read(&found.flow.response.unwrap().content).unwrap(), "hello");
    let flow = with_response(|response| response.content = Source::File { file: opened, offset: 5, len: 5 });
    let error = write(&flow, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "1 bytes of the content are missing");
}

#[test]
fn pieces_are_written_when_they_say_something() {
    let piece = |len, after_micros| Piece { len, after_micros };
    for (pieces, kept) in [
        (vec![piece(2, 0), piece(3, 0)], true),
        (vec![piece(2, 10), piece(3, 2_000_000)], true),
        (vec![piece(5, 1000)], true),
        (vec![piece(5, 999)], false),
        (vec![piece(4, 1_000_000)], false),
        (vec![piece(2, 0), piece(4, 0)], false),
        (vec![piece(u64::MAX, 0), piece(6, 0)], false),
        (vec![], false),
    ] {
        let (_, found) = read(with_response(|response| response.pieces = pieces.clone()));
        assert_eq!(found.flow.response.unwrap().pieces, if kept { pieces } else { Vec::new() });
    }
    let (_, found) = read(with_response(|response| {
        response.pieces = vec![piece(2, 0), piece(3, 0)];
        response.content = Source::NotRecorded;
    }));
    assert_eq!(found.flow.response.unwrap().pieces, []);
}

#[test]
fn a_websocket_comes_back() {
    let message = |is_text, from_client, content: Source, at| Message { is_text, from_client, content, at };
    let mut flow = answered("");
    flow.websocket = Some(WebSocket {
        messages: vec![
            message(true, true, Source::Bytes("hi".into()), 1_700_000_004.0),
            message(false, false, Source::Bytes(vec![0xff; 3000].into()), 1_700_000_005.5),
            message(true, false, Source::NotRecorded, 1_700_000_006.0),
        ],
        closed_by_client: Some(false),
        close_code: Some(1001),
        close_reason: Some("going".into()),
        ended_at: Some(1_700_000_007.5),
    });
    let (recording, found) = read(flow);
    assert!(found.is_websocket);
    let websocket = found.flow.websocket.unwrap();
    let parts: Vec<_> = websocket.messages.iter().map(|it| (it.is_text, it.from_client, it.at)).collect();
    assert_eq!(parts, [(true, true, 1_700_000_004.0), (false, false, 1_700_000_005.5), (true, false, 1_700_000_006.0)]);
    assert_eq!(recording.read(&websocket.messages[0].content).unwrap(), "hi");
    assert_eq!(recording.read(&websocket.messages[1].content).unwrap(), vec![0xff; 3000]);
    assert_eq!(websocket.messages[2].content, Content::NotRecorded);
    assert_eq!((websocket.closed_by_client, websocket.close_code), (Some(false), Some(1001)));
    assert_eq!((websocket.close_reason.as_deref(), websocket.ended_at), (Some("going"), Some(1_700_000_007.5)));

    let mut flow = answered("");
    flow.websocket = Some(WebSocket::default());
    let websocket = read(flow).1.flow.websocket.unwrap();
    assert!(websocket.messages.is_empty() && websocket.closed_by_client.is_none());
    assert!(websocket.close_code.is_none() && websocket.close_reason.is_none() && websocket.ended_at.is_none());
}

/// mitmproxy fails over a key too few or too many, so these are those of a flow that it wrote itself.
#[test]
fn the_keys_are_those_of_the_reference() {
    let expected = [
        "backup client_conn comment error id intercepted is_replay marked metadata request response server_conn \
         timestamp_created type version websocket",
        "alpn alpn_offers certificate_list cipher cipher_list error id mitmcert peername proxy_mode sni sockname \
         timestamp_end timestamp_start timestamp_tls_setup tls tls_version transport_protocol",
        "address alpn alpn_offers certificate_list cipher cipher_list error id peername sni sockname timestamp_end \
         timestamp_start timestamp_tcp_setup timestamp_tls_setup tls tls_version transport_protocol via",
        "authority content headers host http_version method path port scheme timestamp_end timestamp_start trailers",
        "content headers http_version reason status_code timestamp_end timestamp_start trailers",
    ];
    let flow = answered("");
    let values = [
        super::flow(&flow),
        client(&flow),
        server(&flow),
        request(&flow.request),
        response(flow.response.as_ref().unwrap()),
    ];
    for (value, expected) in values.iter().zip(expected) {
        let mut keys = value.keys();
        keys.sort_unstable();
        assert_eq!(keys.join(" "), expected);
    }
}

fn any_flow() -> impl Strategy<Value = Flow<Source>> {
    let body = || proptest::collection::vec(any::<u8>(), 0..400);
    (body(), body(), any::<bool>(), any::<bool>()).prop_map(|(asked, answer, has_response, has_websocket)| {
        let mut flow = answered(answer.clone());
        flow.request.content = Source::Bytes(asked.into());
        if !has_response {
            flow.response = None;
        }
        flow.websocket = has_websocket.then(|| WebSocket {
            messages: answer
                .chunks(50)
                .map(|chunk| Message {
                    is_text: false,
                    from_client: true,
                    content: Source::Bytes(chunk.to_vec().into()),
                    at: 1.0,
                })
                .collect(),
            ..WebSocket::default()
        });
        flow
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// A process may be killed in the middle of any write.
    #[test]
    fn all_whole_flows_of_any_beginning_are_read(flows in proptest::collection::vec(any_flow(), 1..4), step in 1_usize..7) {
        let ends: Vec<usize> = (1..=flows.len()).map(|count| written(&flows[..count]).len()).collect();
        let file = file(&written(&flows));
        let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
        for cut in (1..=*ends.last().unwrap()).rev().step_by(step) {
            opened.set_len(cut as u64).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count();
            match Recording::open(&file.path, &mut |_| {}) {
                Ok(recording) => {
                    prop_assert_eq!(recording.exchanges().len(), whole);
                    prop_assert!(recording.skipped().invalid.is_empty());
                }
                Err(RecordingError::NoWholeFlow { .. }) => prop_assert_eq!(whole, 0),
                Err(error) => prop_assert!(false, "{}", error),
            }
        }
    }
}
