//! What comes of any flow on the way through a HAR file.

use std::{net::SocketAddr, os::unix::fs::FileExt};

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    samples::{Written, answered_with, content, flow, gzip, in_file},
    tests::{any_body, any_fields, any_value, exchange, recording},
};
use crate::{
    Content, Failure, Fields, Flow, Message, Piece, Recording, Source, WebSocket,
    samples::{open, written},
};

fn any_time() -> impl Strategy<Value = f64> {
    (0_u32..=u32::MAX, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| f64::from(seconds) + f64::from(nanos) / 1e9)
}

fn any_path() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        Just(Bytes::from_static(b"*")),
        "/[ -~é]{0,12}".prop_map(Bytes::from),
        prop::collection::vec(prop_oneof![b'!'..=b'~', 0x80..=0xff_u8], 0..12)
            .prop_map(|bytes| [&b"/"[..], &bytes].concat().into()),
        "[a-z?#]{1,5}".prop_map(Bytes::from),
    ]
}

fn any_trailers() -> impl Strategy<Value = Fields> {
    prop_oneof![Just(Fields::new()), any_fields()]
}

fn any_address() -> impl Strategy<Value = Option<SocketAddr>> {
    any::<Option<(std::net::IpAddr, u16)>>().prop_map(|address| address.map(SocketAddr::from))
}

fn any_websocket() -> impl Strategy<Value = WebSocket<Source>> {
    let content = prop_oneof![
        Just(Source::NotRecorded),
        any_body().prop_map(|body| content(&body)),
        any_body().prop_map(|body| in_file(&body)),
    ];
    let message = (any::<bool>(), any::<bool>(), content, any_time())
        .prop_map(|(is_text, from_client, content, at)| Message { is_text, from_client, content, at });
    let messages = prop::collection::vec(message, 0..4);
    let close = (any::<Option<bool>>(), any::<Option<u16>>(), any::<Option<String>>(), prop::option::of(any_time()));
    (messages, close).prop_map(|(messages, (closed_by_client, close_code, close_reason, ended_at))| WebSocket {
        messages,
        closed_by_client,
        close_code,
        close_reason,
        ended_at,
    })
}

/// A flow of which a HAR file has the body as it was, so that all of it must come back.
fn any_flow() -> impl Strategy<Value = Flow<Source>> {
    let request = (any_path(), any_fields(), any_trailers(), any_body(), any_value());
    let response = (any_value(), any_fields(), any_trailers(), any_body(), prop::option::of(any_time()), any::<u64>());
    let times = (any_time(), prop::option::of(any_time()), any_time());
    let around = (any_address(), any_address(), "[ -~]{1,36}", prop::option::of((any::<String>(), any_time())));
    let rest = (prop::option::of(response), prop::option::of(any_websocket()), any::<bool>());
    (request, times, around, rest).prop_map(|(request, (started_at, asked_until, answered_at), around, rest)| {
        let (path, fields, trailers, body, authority) = request;
        let (client, server, id, error) = around;
        let (response, websocket, is_chunked) = rest;
        let mut flow = flow();
        (flow.id, flow.client, flow.server) = (id, client, server);
        flow.error = error.map(|(reason, at)| Failure { reason, at: Some(at) });
        (flow.request.path, flow.request.fields, flow.request.trailers) = (path, fields, trailers);
        (flow.request.content, flow.request.authority) = (content(&body), authority);
        (flow.request.started_at, flow.request.ended_at) = (started_at, asked_until);
        let made = flow.response.take();
        flow.response = response.zip(made).map(|((reason, fields, trailers, body, ended_at, cut), mut made)| {
            let len = body.len() as u64;
            let first = if len < 2 { 0 } else { 1 + cut % (len - 1) };
            (made.reason, made.fields, made.trailers, made.content) = (reason, fields, trailers, content(&body));
            (made.started_at, made.ended_at) = (answered_at, ended_at);
            if first > 0 {
                let after_micros = cut >> 20;
                made.pieces = vec![Piece { len: first, after_micros: 0 }, Piece { len: len - first, after_micros }];
            }
            if is_chunked {
                made.fields.push("Transfer-Encoding", "chunked");
            }
            made
        });
        flow.websocket = websocket;
        flow
    })
}

/// What a source or a content says.
fn said(recording: &Recording, content: &Content) -> Option<Bytes> {
    content.size().map(|_| recording.read(content).unwrap())
}

fn bytes(source: Source) -> Option<Bytes> {
    match source {
        Source::NotRecorded => None,
        Source::Bytes(bytes) => Some(bytes),
        Source::File { file, offset, len } => {
            let mut bytes = vec![0; len as usize];
            file.read_exact_at(&mut bytes, offset).unwrap();
            Some(bytes.into())
        }
        Source::Quoted { file, string } => Some(string.read_at(&file, 0, u64::MAX).unwrap()),
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_on_the_way_through_a_har_file(flow in any_flow()) {
        let written = Written::with(std::slice::from_ref(&flow));
        let recording = recording(&written);
        prop_assert_eq!(recording.skipped().reasons(), Vec::<String>::new());
        let found = recording.exchanges()[0].flow.clone().map_contents(|content| said(&recording, &content));
        let expected = flow.map_contents(bytes);
        prop_assert_eq!(format!("{found:#?}"), format!("{expected:#?}"));
    }

    #[test]
    fn nothing_is_lost_from_a_flow_file_to_a_har_file_and_back(flow in any_flow()) {
        let first = open(&written(std::slice::from_ref(&flow))).unwrap();
        let file = first.file().unwrap();
        let read = first.exchanges()[0].flow.clone().map_contents(|content| content.into_source(&file));
        let har = recording(&Written::with(&[read]));
        let file = har.file().unwrap();
        let mut again = har.exchanges()[0].flow.clone().map_contents(|content| content.into_source(&file));
        // These are read apart from a flow file.
        (again.client, again.server) = (flow.client, flow.server);
        prop_assert_eq!(written(&[again]).escape_ascii().to_string(), written(&[flow]).escape_ascii().to_string());
    }
}

#[test]
fn a_decoded_body_keeps_the_times_of_its_pieces() {
    let body = gzip(&b"hello ".repeat(100));
    let len = body.len() as u64;
    let mut flow = answered_with(content(&body), &[("Content-Encoding", "gzip")]);
    let piece = |len, after_micros| Piece { len, after_micros };
    flow.response.as_mut().unwrap().pieces = vec![piece(1, 0), piece(len - 1, 2_000_000)];
    let found = exchange(flow).flow.response.unwrap();
    assert_eq!(found.content.size(), Some(600));
    assert_eq!(found.pieces, [piece(600 / len, 0), piece(600 - 600 / len, 2_000_000)]);
}
