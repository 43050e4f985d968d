//! gRPC contents by their messages.

use std::borrow::Cow;

use redaction::decode_within;

/// A message of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// Whether its bytes are under the call's compression.
    pub(crate) is_compressed: bool,
    pub(crate) bytes: Cow<'a, [u8]>,
}

/// How many messages a content may have, so that listing them cannot use up the memory.
const MESSAGES: usize = 1 << 18;

/// The messages of a content, in order; nothing when it is not made of whole messages, or of more than [`MESSAGES`].
pub(crate) fn messages(mut content: &[u8]) -> Option<Vec<Message<'_>>> {
    let mut messages = Vec::new();
    while !content.is_empty() {
        if messages.len() == MESSAGES {
            return None;
        }
        let (&[flag, ref length @ ..], rest) = content.split_first_chunk::<5>()?;
        let is_compressed = match flag {
            0 => false,
            1 => true,
            _ => return None,
        };
        let length = u32::from_be_bytes(*length);
        let bytes;
        (bytes, content) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        messages.push(Message { is_compressed, bytes: bytes.into() });
    }
    Some(messages)
}

/// Undoes the call's compression, and leaves messages as they are where it cannot be undone; nothing when more
/// than `most` bytes come of them together.
pub(crate) fn decompress(messages: &mut [Message<'_>], coding: Option<&[u8]>, most: usize) -> Option<()> {
    let mut room = most;
    for message in messages.iter_mut().filter(|message| message.is_compressed) {
        if let Some(bytes) = decode_within(&message.bytes, coding, most) {
            room = room.checked_sub(bytes.len())?;
            *message = Message { is_compressed: false, bytes: bytes.into_owned().into() };
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use redaction::DECODED_LIMIT;

    use super::{MESSAGES, Message, decompress, messages};

    #[test]
    fn only_whole_messages_are_taken() {
        let content = b"\0\0\0\0\x02ab\x01\0\0\0\0";
        let message = |is_compressed, bytes: &'static [u8]| Message { is_compressed, bytes: bytes.into() };
        assert_eq!(messages(content), Some(vec![message(false, b"ab"), message(true, b"")]));
        assert_eq!(messages(b""), Some(vec![]));
        for end in (1..content.len()).filter(|&end| end != 7) {
            assert_eq!(messages(&content[..end]), None, "{end}");
        }
        assert_eq!(messages(b"\x02\0\0\0\0"), None);
        assert_eq!(messages(b"\x80\0\0\0\0"), None);
        assert_eq!(messages(b"\0\xff\xff\xff\xff"), None);
    }

    #[test]
    fn a_content_has_so_many_messages_at_most() {
        let most = [0; 5].repeat(MESSAGES);
        assert_eq!(messages(&most).map(|messages| messages.len()), Some(MESSAGES));
        assert_eq!(messages(&[most.as_slice(), &[0; 5]].concat()), None);
    }

    #[test]
    fn bombs_are_refused_together() {
        for (length, expected) in [(8 << 20, Some(())), ((8 << 20) + 1, None)] {
            let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
            // One by itself is not out of proportion.
            let bytes: Vec<u8> =
                (0..length).map(|at| if at % 32 == 0 { (at / 32 * 167) as u8 ^ (at >> 13) as u8 } else { 0 }).collect();
            bomb.write_all(&bytes).unwrap();
            let bomb = bomb.finish().unwrap();
            let mut messages =
                [true, true].map(|is_compressed| Message { is_compressed, bytes: bomb.as_slice().into() });
            assert_eq!(decompress(&mut messages, Some(b"gzip"), DECODED_LIMIT), expected);
        }
    }

    proptest! {
        #[test]
        fn messages_are_what_was_framed(bodies in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..5)) {
            let mut content = Vec::new();
            for (is_compressed, body) in &bodies {
                content.push(u8::from(*is_compressed));
                content.extend_from_slice(&(body.len() as u32).to_be_bytes());
                content.extend_from_slice(body);
            }
            let expected = bodies.iter().map(|(is_compressed, body)| Message { is_compressed: *is_compressed, bytes: body.into() });
            prop_assert_eq!(messages(&content), Some(expected.collect()));
        }

        #[test]
        fn arbitrary_contents_never_panic(content in prop::collection::vec(any::<u8>(), 0..50)) {
            messages(&content);
        }
    }
}
