use crate::{
    Details, FlowFile, FlowProtocol,
    samples::{Value, dict, example, file, flow, text},
};

fn all(path: &std::path::Path) -> Vec<Details> {
    let flow_file = FlowFile::open(path).unwrap().unwrap();
    let mut frames = flow_file.frames();
    let mut all = Vec::new();
    while let Some(frame) = frames.advance().unwrap() {
        all.extend(frames.details(&frame).unwrap());
    }
    all
}

fn details(flow: &Value) -> Details {
    all(&file(&flow.write()).path).remove(0)
}

fn pair(host: &str, port: i64) -> Value {
    vec![text(host), port.into()].into()
}

#[test]
fn what_people_and_addons_noted_is_read() {
    let metadata = dict().with("number", 3).with("colour", "red").with("deep", dict()).with("none", Value::Null);
    let found = details(
        &flow()
            .with("marked", ":grapes:")
            .with("comment", "so\nso")
            .with("is_replay", "response")
            .with("metadata", metadata)
            .with("error", dict().with("msg", "gone")),
    );
    assert_eq!(
        (found.marker.as_str(), found.comment.as_str(), found.replayed.as_str()),
        (":grapes:", "so\nso", "response")
    );
    // Dicts are written from their end.
    assert_eq!(found.metadata, "none: None\ndeep: …\ncolour: red\nnumber: 3");
    assert!(found.has_failed);
    assert_eq!(details(&flow().with("marked", Value::Bool(true))).marker, ":default:");
    assert_eq!(details(&flow().with("marked", Value::Bool(false))).marker, "");
}

#[test]
fn addresses_are_read_in_every_version() {
    let nested = dict().with("address", pair("10.0.0.1", 5)).with("use_ipv6", Value::Bool(false));
    for (client, expected) in [
        (dict().with("peername", pair("::1", 5)), "::1:5"),
        (dict().with("address", pair("10.0.0.1", 5)), "10.0.0.1:5"),
        (dict().with("address", nested), "10.0.0.1:5"),
        (dict().with("peername", Value::Null), ""),
        (dict().with("peername", 5), ""),
        (Value::Null, ""),
    ] {
        assert_eq!(details(&flow().with("client_conn", client)).source, expected);
    }
    let server = dict().with("address", pair("a.example", 443)).with("peername", pair("10.0.0.1", 443));
    assert_eq!(details(&flow().with("server_conn", server)).destination, "a.example:443");
}

#[test]
fn messages_of_every_protocol_are_found() {
    let websocket = all(&example("websocket.mitm")).remove(0);
    let directions: Vec<(bool, bool, Option<u64>)> = websocket
        .messages
        .iter()
        .map(|message| (message.is_text, message.from_client, message.content.size()))
        .collect();
    let hello = [(true, true, Some(5)), (true, false, Some(5))];
    assert_eq!((websocket.protocol, &directions[..2]), (FlowProtocol::Http, &hello[..]));
    assert_eq!(directions[2], (false, true, Some(3)));
    let others = all(&example("synth_tcp_udp_dns.mitm"));
    let protocols: Vec<FlowProtocol> = others.iter().map(|details| details.protocol).collect();
    assert_eq!(protocols, [FlowProtocol::Tcp, FlowProtocol::Udp, FlowProtocol::Dns, FlowProtocol::Tcp]);
    assert!(!others[0].messages.is_empty() && others[0].messages[0].at > 0.0);
    assert!(others[2].is_answered && others[2].question == "dns.google");
    let old = all(&example("old-versions/dumpfile-7-websocket.mitm"));
    assert_eq!(old[1].protocol, FlowProtocol::WebSocket);
    assert!(old[1].handshake.is_some() && !old[1].messages.is_empty());
}

#[test]
fn what_is_damaged_is_as_good_as_missing() {
    let found = details(&flow().with("metadata", 5).with("messages", "no list").with("comment", "still here"));
    assert_eq!((found.metadata.as_str(), found.messages.len(), found.comment.as_str()), ("", 0, "still here"));
}
