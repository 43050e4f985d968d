use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

/// Compresses messages as endpoints do, with an own stream for each one or with one for all of them.
struct Sender {
    stream: Compress,
    takes_over: bool,
}

impl Sender {
    fn new(takes_over: bool) -> Self {
        Self { stream: Compress::new(Compression::default(), false), takes_over }
    }

    fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let mut compressed = Vec::with_capacity(2 * message.len() + 100);
        self.stream.compress_vec(message, &mut compressed, FlushCompress::Sync).unwrap();
        if !self.takes_over {
            self.stream.reset();
        }
        match compressed.strip_suffix(&TAIL) {
            Some(compressed) => compressed.to_vec(),
            // Nothing is written if there is nothing to flush.
            None => vec![0],
        }
    }
}

fn inflated(inflater: &mut Inflater, message: &[u8]) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    inflater.inflate(message, &mut content, LIMIT)?;
    inflater.finish(&mut content, LIMIT)?;
    Ok(content)
}

#[test]
fn examples_of_the_rfc() {
    for no_context_takeover in [false, true] {
        for message in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            let mut inflater = Inflater::new(no_context_takeover);
            for _ in 0..2 {
                assert_eq!(inflated(&mut inflater, message).unwrap(), b"Hello");
            }
        }
    }
    let mut inflater = Inflater::new(false);
    assert_eq!(inflated(&mut inflater, b"\xf2\x48\xcd\xc9\xc9\x07\x00").unwrap(), b"Hello");
    assert_eq!(inflated(&mut inflater, b"\xf2\x00\x11\x00\x00").unwrap(), b"Hello");
}

#[test]
fn an_empty_message_is_empty() {
    let mut inflater = Inflater::new(false);
    for _ in 0..3 {
        assert_eq!(inflated(&mut inflater, &[0]).unwrap(), b"");
        assert_eq!(inflated(&mut inflater, b"\xf2\x48\xcd\xc9\xc9\x07\x00").unwrap(), b"Hello");
    }
}

#[test]
fn messages_look_back_over_the_end_of_a_stream() {
    let mut inflater = Inflater::new(false);
    assert_eq!(inflated(&mut inflater, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00").unwrap(), b"Hello");
    assert_eq!(inflated(&mut inflater, b"\xf2\x00\x11\x00\x00").unwrap(), b"Hello");

    // The stream ends inside a message, and later in one without content; the sender looks back over both.
    let noise = noise(40_000);
    let mut sender = Sender::new(true);
    let mut inflater = Inflater::new(false);
    for part in [&noise[..10_000], &noise[10_000..], &noise[15_000..], &noise[30_000..], &noise[20_000..]] {
        let compressed = sender.compress(part);
        assert_eq!(inflated(&mut inflater, &[&[3, 0], compressed.as_slice()].concat()).unwrap(), part);
        assert_eq!(inflated(&mut inflater, &[3, 0, 0]).unwrap(), b"");
    }
    assert_eq!(inflater.window.len(), WINDOW);
}

#[test]
fn a_stream_that_ends_is_started_over_without_looking_back_too() {
    let mut inflater = Inflater::new(true);
    assert_eq!(inflated(&mut inflater, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00").unwrap(), b"Hello");
    assert!(inflater.window.is_empty());
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let bomb = Sender::new(true).compress(&vec![0; 50 << 20]);
    assert!(bomb.len() < 100_000);
    let mut content = Vec::new();
    let mut inflater = Inflater::new(false);
    let stopped = inflater.inflate(&bomb, &mut content, 1000).unwrap_err();
    assert_eq!(stopped, "a message is larger than 1000 bytes");
    assert_eq!(content.capacity(), 1001);
}

#[test]
fn a_message_may_be_as_large_as_the_limit() {
    for len in [0, 1, 255, 256, 257, 1000] {
        let compressed = Sender::new(true).compress(&vec![7; len]);
        let result = |limit| {
            let mut content = Vec::new();
            let mut inflater = Inflater::new(false);
            inflater.inflate(&compressed, &mut content, limit)?;
            inflater.finish(&mut content, limit)?;
            Ok::<_, String>(content.len())
        };
        assert_eq!(result(len), Ok(len));
        if len > 0 {
            assert_eq!(result(len - 1), Err(too_large(len - 1)));
        }
    }
}

#[test]
fn what_is_not_compressed_is_refused() {
    let mut inflater = Inflater::new(false);
    assert_eq!(inflated(&mut inflater, b"\xff\xff\xff").unwrap_err(), "a message cannot be decompressed");
}

proptest! {
    #[test]
    fn messages_are_what_they_were(
        takes_over: bool,
        messages in prop::collection::vec(prop_oneof![
            prop::collection::vec(0_u8..4, 0..2000),
            prop::collection::vec(any::<u8>(), 0..2000),
            (1_usize..100_000).prop_map(noise),
        ], 1..8),
        piece in 1_usize..5000,
    ) {
        let mut sender = Sender::new(takes_over);
        let mut inflater = Inflater::new(!takes_over);
        for message in messages {
            let mut content = Vec::new();
            for piece in sender.compress(&message).chunks(piece) {
                inflater.inflate(piece, &mut content, LIMIT).unwrap();
            }
            inflater.finish(&mut content, LIMIT).unwrap();
            prop_assert!(content == message);
        }
    }

    #[test]
    fn no_bytes_get_over_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..300), takes_over: bool) {
        let mut inflater = Inflater::new(!takes_over);
        for bytes in bytes.chunks(50) {
            let mut content = Vec::new();
            let result = inflater.inflate(bytes, &mut content, 100).and_then(|()| inflater.finish(&mut content, 100));
            prop_assert!(content.len() <= 101 && content.capacity() <= 256);
            if result.is_err() {
                break;
            }
        }
    }
}

/// Bytes that do not repeat.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn a_stream_that_ends_again_and_again_is_refused() {
    // Each of these ends costs two bytes to send, and much more to go on after.
    let refusal = inflated(&mut Inflater::new(false), &[3, 0].repeat(20)).unwrap_err();
    assert_eq!(refusal, "the compressed stream of a message ends more than 16 times");
    assert_eq!(inflated(&mut Inflater::new(false), &[3, 0].repeat(8)).unwrap(), b"");
}
