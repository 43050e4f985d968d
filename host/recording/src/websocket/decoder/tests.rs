use flate2::{Compress, Compression as Level, FlushCompress};
use proptest::prelude::*;
use tungstenite::protocol::frame::Frame as Made;

use super::*;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// A frame as an endpoint makes it.
fn frame(side: Side, kind: u8, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { is_final, opcode: OpCode::from(kind), ..FrameHeader::default() };
    written(side, header, payload)
}

fn written(side: Side, mut header: FrameHeader, payload: &[u8]) -> Vec<u8> {
    header.mask = (side == Side::Client).then_some(MASK);
    let mut bytes = Vec::new();
    Made::from_payload(header, payload.to_vec().into()).format(&mut bytes).unwrap();
    bytes
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CONTINUE: u8 = 0;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

fn message(is_text: bool, content: &[u8]) -> Event {
    Event::Message { is_text, content: content.to_vec().into() }
}

fn events(decoder: &mut Decoder, mut bytes: &[u8]) -> Vec<Event> {
    let events = std::iter::from_fn(|| decoder.next(&mut bytes)).collect();
    assert!(bytes.is_empty());
    events
}

fn decoded(side: Side, bytes: &[u8]) -> Vec<Event> {
    events(&mut Decoder::new(side, None, MESSAGE_LIMIT), bytes)
}

/// A conversation with everything in it, and what it says.
fn conversation(side: Side) -> (Vec<u8>, Vec<Event>) {
    let long = vec![b'x'; 70_000];
    let bytes = [
        frame(side, TEXT, true, b"whole"),
        frame(side, PING, true, b"are you there"),
        frame(side, BINARY, false, b"in "),
        frame(side, PONG, true, b""),
        frame(side, CONTINUE, false, b""),
        frame(side, CONTINUE, false, b"three "),
        frame(side, PING, true, &[0; 125]),
        frame(side, CONTINUE, true, b"frames"),
        frame(side, TEXT, true, b""),
        frame(side, BINARY, true, &long[..200]),
        frame(side, TEXT, true, &long),
        frame(side, CLOSE, true, b"\x03\xe9going away"),
    ];
    let said = vec![
        message(true, b"whole"),
        message(false, b"in three frames"),
        message(true, b""),
        message(false, &long[..200]),
        message(true, &long),
        Event::Close { code: Some(1001), reason: "going away".into() },
    ];
    (bytes.concat(), said)
}

#[test]
fn a_conversation_is_understood_however_it_is_split() {
    for side in [Side::Client, Side::Server] {
        let (bytes, said) = conversation(side);
        assert_eq!(decoded(side, &bytes), said);
        for size in [1, 2, 3, 7, 1000, 4096, 5000] {
            let mut decoder = Decoder::new(side, None, MESSAGE_LIMIT);
            let parts = bytes.chunks(size).flat_map(|part| events(&mut decoder, part));
            assert!(parts.eq(said.iter().cloned()), "parts of {size} bytes");
        }
        for at in (0..200).chain(380..410) {
            let (start, rest) = bytes.split_at(at);
            let mut decoder = Decoder::new(side, None, MESSAGE_LIMIT);
            let parts = [start, rest].map(|part| events(&mut decoder, part)).concat();
            assert!(parts == said, "split at {at}");
        }
    }
}

#[test]
fn events_come_one_at_a_time() {
    let two = frame(Side::Server, TEXT, true, b"a").repeat(2);
    let mut decoder = Decoder::new(Side::Server, None, MESSAGE_LIMIT);
    let mut bytes = two.as_slice();
    assert_eq!(decoder.next(&mut bytes), Some(message(true, b"a")));
    assert_eq!(bytes.len(), 3);
    assert_eq!(decoder.next(&mut bytes), Some(message(true, b"a")));
    assert_eq!(decoder.next(&mut bytes), None);
}

#[test]
fn close_frames_are_read() {
    let close = |payload: &[u8]| decoded(Side::Client, &frame(Side::Client, CLOSE, true, payload));
    let closed = |code, reason: &str| vec![Event::Close { code, reason: reason.into() }];
    assert_eq!(close(b""), closed(None, ""));
    assert_eq!(close(b"\x03\xe8"), closed(Some(1000), ""));
    assert_eq!(close("\u{3}\u{7f}schlu\u{df}".as_bytes()), closed(Some(0x037f), "schlu\u{df}"));
    assert_eq!(close(b"\x0f\xa0\xff"), closed(Some(4000), "\u{fffd}"));
    assert_eq!(close(b"\x03"), [Event::Broken("a close frame has half a status code".into())]);
}

#[test]
fn nothing_follows_the_end() {
    let message = frame(Side::Server, TEXT, true, b"late");
    for end in [frame(Side::Server, CLOSE, true, b""), frame(Side::Client, TEXT, true, b"")] {
        let mut decoder = Decoder::new(Side::Server, None, MESSAGE_LIMIT);
        assert_eq!(events(&mut decoder, &[end, message.clone()].concat()).len(), 1);
        assert_eq!(events(&mut decoder, &message), []);
    }
}

#[test]
fn what_breaks_the_protocol_is_named() {
    let server = |kind, is_final, payload: &[u8]| frame(Side::Server, kind, is_final, payload);
    let with_bits = |kind: u8, bits: u8, payload: &[u8]| {
        let mut bytes = server(kind, true, payload);
        bytes[0] |= bits;
        bytes
    };
    let control = "a control frame is in parts, compressed or too large";
    let unknown_bit = "a frame has a bit of an unknown extension";
    for (bytes, reason) in [
        (frame(Side::Client, TEXT, true, b"a"), "a frame of the server is masked"),
        (server(CONTINUE, true, b"a"), "a message continues that has not begun"),
        ([server(TEXT, false, b"a"), server(TEXT, true, b"b")].concat(), "a message begins inside another one"),
        (server(PING, false, b"a"), control),
        (server(CLOSE, true, &[0; 126]), control),
        (with_bits(PONG, 0x40, b""), control),
        (with_bits(TEXT, 0x40, b""), "a message is compressed, and this was not negotiated"),
        (with_bits(TEXT, 0x20, b""), unknown_bit),
        (with_bits(PING, 0x10, b""), unknown_bit),
        (vec![0x83, 0], "a frame is of an unknown kind"),
        (vec![0x8b, 0], "a frame is of an unknown kind"),
        (b"HTTP/1.1 400 Bad Request".to_vec(), control),
    ] {
        assert_eq!(decoded(Side::Server, &bytes), [Event::Broken(reason.into())]);
    }
    let unmasked = decoded(Side::Client, &server(TEXT, true, b"a"));
    assert_eq!(unmasked, [Event::Broken("a frame of the client is not masked".into())]);

    let mut decoder = Decoder::new(Side::Server, Some(Deflate::default()), MESSAGE_LIMIT);
    let bytes = [server(TEXT, false, b"a"), with_bits(CONTINUE, 0x40, b"")].concat();
    let reason = "a message becomes compressed after its first frame";
    assert_eq!(events(&mut decoder, &bytes), [Event::Broken(reason.into())]);
    let mut decoder = Decoder::new(Side::Server, Some(Deflate::default()), MESSAGE_LIMIT);
    let garbage = with_bits(TEXT, 0x40, b"\xff\xff\xff");
    assert_eq!(events(&mut decoder, &garbage), [Event::Broken("a message cannot be decompressed".into())]);
}

#[test]
fn too_large_a_message_is_given_up_when_it_is_announced() {
    let broken = [Event::Broken("a message is larger than 1000 bytes".into())];
    let limited = || Decoder::new(Side::Server, None, 1000);
    let whole = |len: usize| frame(Side::Server, BINARY, true, &vec![0; len]);
    assert_eq!(events(&mut limited(), &whole(1000)), [message(false, &[0; 1000])]);
    assert_eq!(events(&mut limited(), &whole(1001)[..4]), broken);
    let first = frame(Side::Server, BINARY, false, &[0; 600]);
    let rest = |len: usize| frame(Side::Server, CONTINUE, true, &vec![0; len]);
    assert_eq!(events(&mut limited(), &[first.clone(), rest(400)].concat()), [message(false, &[0; 1000])]);
    let mut decoder = limited();
    assert_eq!(events(&mut decoder, &[first, rest(401)[..4].to_vec()].concat()), broken);
    assert!(decoder.message.is_none());
    let endless = [&[0x82, 127][..], &[0xff; 8]].concat();
    assert_eq!(events(&mut limited(), &endless), broken);
}

#[test]
fn a_bomb_is_given_up_at_the_limit() {
    let mut bomb = Vec::with_capacity(100_000);
    Compress::new(Level::best(), false).compress_vec(&vec![0; 10 << 20], &mut bomb, FlushCompress::Sync).unwrap();
    let header = FrameHeader { rsv1: true, opcode: OpCode::Data(Data::Binary), ..FrameHeader::default() };
    let mut decoder = Decoder::new(Side::Client, Some(Deflate::default()), 1 << 20);
    let broken = [Event::Broken("a message is larger than 1048576 bytes".into())];
    assert_eq!(events(&mut decoder, &written(Side::Client, header, &bomb)), broken);
    assert!(decoder.message.is_none() && decoder.compression.is_none());
}

/// What a side says, and how it says it.
#[derive(Clone, Debug)]
struct Said {
    is_text: bool,
    content: Vec<u8>,
    is_compressed: bool,
    /// The size of its frames.
    piece: usize,
    /// A ping between its frames.
    ping: Option<Vec<u8>>,
}

fn said() -> impl Strategy<Value = Said> {
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(0_u8..3, 0..300),
        (0_usize..70_000).prop_map(|len| (0..len).map(|at| (at * at % 251) as u8).collect()),
    ];
    let ping = prop::option::of(prop::collection::vec(any::<u8>(), 0..125));
    (any::<bool>(), content, any::<bool>(), 1_usize..70_000, ping).prop_map(
        |(is_text, content, is_compressed, piece, ping)| Said { is_text, content, is_compressed, piece, ping },
    )
}

/// The bytes of a side that says all of `said`.
fn spoken(side: Side, said: &[Said], deflate: Option<Deflate>) -> Vec<u8> {
    let mut stream = Compress::new(Level::default(), false);
    let mut bytes = Vec::new();
    for said in said {
        let is_compressed = said.is_compressed && deflate.is_some();
        let mut payload = said.content.clone();
        if is_compressed {
            payload = Vec::with_capacity(2 * said.content.len() + 100);
            stream.compress_vec(&said.content, &mut payload, FlushCompress::Sync).unwrap();
            payload = payload.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap_or(&[0]).to_vec();
            // Both sides say the same in these tests.
            if deflate.is_some_and(|deflate| deflate.client_no_context_takeover) {
                stream.reset();
            }
        }
        let count = payload.len().div_ceil(said.piece).max(1);
        for number in 0..count {
            let piece = &payload[number * said.piece..payload.len().min((number + 1) * said.piece)];
            let opcode = OpCode::from(if number > 0 { CONTINUE } else { 2 - u8::from(said.is_text) });
            let rsv1 = is_compressed && number == 0;
            let header = FrameHeader { is_final: number + 1 == count, rsv1, opcode, ..FrameHeader::default() };
            bytes.extend(written(side, header, piece));
            if let Some(ping) = &said.ping {
                bytes.extend(frame(side, PING, true, ping));
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_are_what_was_said(
        is_client: bool,
        deflate in prop::option::of(any::<bool>()),
        said in prop::collection::vec(said(), 0..6),
        part in 1_usize..20_000,
    ) {
        let side = if is_client { Side::Client } else { Side::Server };
        let deflate = deflate.map(|no_context_takeover| Deflate {
            server_no_context_takeover: no_context_takeover,
            client_no_context_takeover: no_context_takeover,
        });
        let mut said = said;
        for said in &mut said {
            // Not more than 500 frames.
            said.piece = said.piece.max(said.content.len() / 500 + 1);
        }
        let bytes = spoken(side, &said, deflate);
        let mut decoder = Decoder::new(side, deflate, MESSAGE_LIMIT);
        let found: Vec<Event> = bytes.chunks(part).flat_map(|part| events(&mut decoder, part)).collect();
        let expected: Vec<Event> = said.iter().map(|said| message(said.is_text, &said.content)).collect();
        prop_assert!(found == expected);
    }
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..500), part in 1_usize..50, is_client: bool) {
        let side = if is_client { Side::Client } else { Side::Server };
        check_harmless(side, &bytes, part)?;
    }

    #[test]
    fn no_damage_does_harm(
        is_client: bool,
        said in prop::collection::vec(said(), 1..4),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        part in 1_usize..5000,
    ) {
        let side = if is_client { Side::Client } else { Side::Server };
        let mut said = said;
        for said in &mut said {
            said.piece = said.piece.max(said.content.len() / 50 + 1);
        }
        let mut bytes = spoken(side, &said, Some(Deflate::default()));
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        check_harmless(side, &bytes, part)?;
    }
}

fn check_harmless(side: Side, bytes: &[u8], part: usize) -> Result<(), TestCaseError> {
    let mut decoder = Decoder::new(side, Some(Deflate::default()), 1000);
    let events: Vec<Event> = bytes.chunks(part).flat_map(|part| events(&mut decoder, part)).collect();
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Message { content, .. } => prop_assert!(content.len() <= 1000),
            Event::Close { .. } | Event::Broken(_) => prop_assert_eq!(index + 1, events.len()),
        }
    }
    Ok(())
}
