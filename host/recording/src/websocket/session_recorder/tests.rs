use std::{cell::Cell, rc::Rc, time::Duration};

use tungstenite::protocol::frame::{
    Frame,
    coding::{Data, OpCode},
};

use super::*;

/// Keeps messages in memory, and counts them.
#[derive(Clone, Default)]
struct Counting(Rc<Cell<u64>>);

impl MessageStore for Counting {
    fn store(&mut self, content: Bytes) -> Source {
        self.0.update(|count| count + 1);
        Source::Bytes(content)
    }
}

const LIMIT: usize = 100;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn written(side: Side, mut frame: Frame) -> Vec<u8> {
    frame.header_mut().mask = (side == Side::Client).then_some([1, 2, 3, 4]);
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

fn text(side: Side, text: &'static str) -> Vec<u8> {
    written(side, Frame::message(text, OpCode::Data(Data::Text), true))
}

fn close(side: Side, code: u16, reason: &'static str) -> Vec<u8> {
    let frame = tungstenite::protocol::CloseFrame { code: code.into(), reason: reason.into() };
    written(side, Frame::close(Some(frame)))
}

/// The messages as `side text@time`, and the end.
fn shown(session: &WebSocket<Source>) -> (Vec<String>, String) {
    let shown = session.messages.iter().map(|message| {
        let side = if message.from_client { "client" } else { "server" };
        let Source::Bytes(content) = &message.content else { panic!("it is not in memory") };
        format!("{side} {}@{}", String::from_utf8_lossy(content), message.at)
    });
    let WebSocket { closed_by_client, close_code, close_reason, ended_at, .. } = session;
    (shown.collect(), format!("{closed_by_client:?} {close_code:?} {close_reason:?} {ended_at:?}"))
}

#[test]
fn messages_are_in_the_order_in_which_they_were_whole() {
    let store = Counting::default();
    let mut recorder = SessionRecorder::new(None, LIMIT, store.clone());
    let hello = text(Side::Client, "hello");
    assert_eq!(recorder.client_bytes(&hello[..4], at(1)), None);
    assert_eq!(recorder.server_bytes(&text(Side::Server, "welcome"), at(2)), None);
    assert_eq!(recorder.client_bytes(&[&hello[4..], &hello].concat(), at(3)), None);
    assert_eq!(recorder.server_bytes(&close(Side::Server, 1001, "away"), at(4)), None);
    assert_eq!(recorder.client_bytes(&close(Side::Client, 1000, "answer"), at(5)), None);
    recorder.server_left(at(6));
    let session = recorder.finish(at(7));
    let (messages, end) = shown(&session);
    assert_eq!(messages, ["server welcome@2", "client hello@3", "client hello@3"]);
    assert_eq!(end, "Some(false) Some(1001) Some(\"away\") Some(4.0)");
    assert!(session.messages.iter().all(|message| message.is_text));
    assert_eq!(store.0.get(), 3);
}

#[test]
fn the_end_is_told_as_it_was() {
    let recorder = || SessionRecorder::new(None, LIMIT, Counting::default());
    let end = |recorder: SessionRecorder<Counting>| shown(&recorder.finish(at(9))).1;
    assert_eq!(end(recorder()), "None None None Some(9.0)");

    let mut closed = recorder();
    closed.client_bytes(&written(Side::Client, Frame::close(None)), at(3));
    assert_eq!(end(closed), "Some(true) None Some(\"\") Some(3.0)");

    let mut left = recorder();
    left.server_left(at(4));
    left.client_left(at(5));
    assert_eq!(end(left), "Some(false) Some(1006) Some(\"\") Some(4.0)");

    let mut left = recorder();
    left.client_left(at(5));
    assert_eq!(end(left), "Some(true) Some(1006) Some(\"\") Some(5.0)");
}

#[test]
fn a_broken_side_is_told_once_and_the_other_one_goes_on() {
    let mut recorder = SessionRecorder::new(None, LIMIT, Counting::default());
    let unmasked = text(Side::Server, "a");
    let both = [text(Side::Client, "good"), unmasked.clone()].concat();
    assert_eq!(recorder.client_bytes(&both, at(1)).unwrap(), "a frame of the client is not masked");
    assert_eq!(recorder.client_bytes(&both, at(2)), None);
    assert_eq!(recorder.server_bytes(&unmasked, at(3)), None);
    assert_eq!(shown(&recorder.finish(at(4))).0, ["client good@1", "server a@3"]);
}

#[test]
fn compression_is_undone_for_each_side_as_negotiated() {
    let deflate = Deflate { server_no_context_takeover: true, client_no_context_takeover: false };
    let mut recorder = SessionRecorder::new(Some(deflate), LIMIT, Counting::default());
    let compressed = |side, payload: &'static [u8]| {
        let mut frame = Frame::message(payload, OpCode::Data(Data::Text), true);
        frame.header_mut().rsv1 = true;
        written(side, frame)
    };
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    recorder.client_bytes(&compressed(Side::Client, hello), at(1));
    recorder.client_bytes(&compressed(Side::Client, b"\xf2\x00\x11\x00\x00"), at(2));
    recorder.server_bytes(&compressed(Side::Server, hello), at(3));
    recorder.server_bytes(&compressed(Side::Server, hello), at(4));
    let messages = shown(&recorder.finish(at(5))).0;
    assert_eq!(messages, ["client Hello@1", "client Hello@2", "server Hello@3", "server Hello@4"]);
}
