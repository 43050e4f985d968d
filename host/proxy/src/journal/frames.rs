//! The messages of WebSockets, as far as they are kept.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use control::Frame;

use super::{recent::Charge, shown::seconds};
use crate::flow::{Completion, Fields, UpgradeObserver};

/// Finds messages in what the sides of a WebSocket send.
pub trait FrameDecoder: Send {
    /// Takes the next bytes of a side. What it has said by them: whether that is text, and its content. Of a side that breaks
    /// the protocol nothing more is found.
    fn decode(&mut self, is_from_client: bool, bytes: &[u8]) -> Vec<(bool, Bytes)>;
}

/// Makes a decoder after a handshake that was answered with these fields, for messages of at most so many bytes. Nothing where
/// they would not be understood.
pub type DecodeFrames = fn(&Fields, usize) -> Option<Box<dyn FrameDecoder>>;

/// Keeps the latest messages of a WebSocket while they pass.
pub(super) struct Frames {
    charge: Charge,
    /// Most bytes of all of them together.
    limit: usize,
    state: Mutex<State>,
}

struct State {
    decoder: Box<dyn FrameDecoder>,
    frames: VecDeque<Frame>,
    bytes: usize,
}

/// What a message takes beside its content, about.
const FRAME_BYTES: usize = 64;

impl Frames {
    /// None yet. They take their room from `charge`.
    pub(super) fn new(decoder: Box<dyn FrameDecoder>, charge: Charge, limit: usize) -> Self {
        Self { charge, limit, state: Mutex::new(State { decoder, frames: VecDeque::new(), bytes: 0 }) }
    }

    /// Those that are kept, in order.
    pub(super) fn all(&self) -> Vec<Frame> {
        self.lock().frames.iter().cloned().collect()
    }

    fn sent(&self, is_from_client: bool, bytes: &[u8]) {
        let mut state = self.lock();
        let at = seconds(SystemTime::now());
        for (is_text, content) in state.decoder.decode(is_from_client, bytes) {
            let size = FRAME_BYTES + content.len();
            while state.bytes + size > self.limit || !self.charge.take(size) {
                let Some(oldest) = state.frames.pop_front() else { return };
                let freed = FRAME_BYTES + oldest.content.len();
                state.bytes -= freed;
                self.charge.give_back(freed);
            }
            state.bytes += size;
            state.frames.push_back(Frame { is_from_client, is_text, content, at });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Frames").field("count", &self.lock().frames.len()).finish_non_exhaustive()
    }
}

impl UpgradeObserver for Frames {
    fn client_sent(&self, bytes: &[u8]) {
        self.sent(true, bytes);
    }

    fn server_sent(&self, bytes: &[u8]) {
        self.sent(false, bytes);
    }

    fn end(&self) -> Option<Completion> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Keeping, recent::Recent};

    /// Each piece of bytes is a message.
    struct Pieces;

    impl FrameDecoder for Pieces {
        fn decode(&mut self, _: bool, bytes: &[u8]) -> Vec<(bool, Bytes)> {
            vec![(true, Bytes::copy_from_slice(bytes))]
        }
    }

    fn frames(bytes: usize, body: usize) -> (Recent, Frames) {
        let recent = Recent::new(Keeping { flows: 1, bytes, body });
        let frames = recent.frames(|_| Some(Box::new(Pieces))).expect("a decoder");
        (recent, frames)
    }

    fn contents(frames: &Frames) -> Vec<Bytes> {
        frames.all().into_iter().map(|frame| frame.content).collect()
    }

    #[test]
    fn the_latest_messages_are_kept() {
        let size = FRAME_BYTES + 3;
        for (room, limit) in [(1 << 20, 2 * size), (2 * size, 1 << 20)] {
            let (recent, frames) = frames(room, limit);
            for content in [b"one", b"two", b"six"] {
                frames.client_sent(content);
            }
            assert_eq!(contents(&frames), ["two", "six"], "room for {room} bytes, and {limit} of them here");
            assert_eq!(recent.size().1, 2 * size);
            drop(frames);
            assert_eq!(recent.size().1, 0);
        }
    }

    #[test]
    fn a_message_for_which_there_is_no_room_is_not_kept() {
        let (recent, frames) = frames(1 << 20, FRAME_BYTES);
        frames.server_sent(b"");
        frames.server_sent(b"one");
        assert_eq!((contents(&frames), recent.size().1), (Vec::new(), 0));
    }
}
