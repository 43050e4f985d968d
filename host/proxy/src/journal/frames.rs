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
