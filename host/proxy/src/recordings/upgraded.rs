//! WebSocket sessions that are recorded while they pass.

use std::{
    fmt,
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use tracing::warn;

use recording::{Deflate, Flow, Input, MESSAGE_LIMIT, MessageStore, SessionRecorder, Source};

use super::passing::Saving;
use crate::{
    flow::{Completion, Fields, UpgradeObserver},
    throttle::Throttle,
};

/// Records a session, and hands its exchange in at the end.
pub(super) struct SessionObserver(Mutex<Passing>);

struct Passing {
    saving: Saving,
    flow: Option<Flow<Input>>,
    session: Option<SessionRecorder<Messages>>,
}

impl fmt::Debug for SessionObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SessionObserver").finish_non_exhaustive()
    }
}

impl SessionObserver {
    /// Begins after a handshake that was answered with these fields. Of other protocols only the handshake is recorded.
    pub(super) fn new(saving: Saving, flow: Flow<Input>, answer: &Fields) -> Self {
        let is_websocket = answer.joined("sec-websocket-accept").is_some();
        let deflate = Deflate::negotiated(&answer.joined("sec-websocket-extensions").unwrap_or_default());
        let deflate = deflate.inspect_err(|unknown| {
            if is_new(Loss::Session) {
                warn!(flow = saving.label(), "messages are not recorded: {unknown}");
            }
        });
        let session = deflate.ok().filter(|_| is_websocket);
        let session = session.map(|deflate| SessionRecorder::new(deflate, MESSAGE_LIMIT, Messages::default()));
        Self(Mutex::new(Passing { saving, flow: Some(flow), session }))
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Passing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UpgradeObserver for SessionObserver {
    fn client_sent(&self, bytes: &[u8]) {
        let mut passing = self.lock();
        let now = SystemTime::now();
        let broken = passing.session.as_mut().and_then(|session| match bytes {
            [] => {
                session.client_left(now);
                None
            }
            bytes => session.client_bytes(bytes, now),
        });
        passing.report("client", broken);
    }

    fn server_sent(&self, bytes: &[u8]) {
        let mut passing = self.lock();
        let now = SystemTime::now();
        let broken = passing.session.as_mut().and_then(|session| match bytes {
            [] => {
                session.server_left(now);
                None
            }
            bytes => session.server_bytes(bytes, now),
        });
        passing.report("server", broken);
    }

    fn end(&self) -> Option<Completion> {
        let mut passing = self.lock();
        let mut flow = passing.flow.take()?;
        let session = passing.session.take().map(|session| session.finish(SystemTime::now()));
        flow.websocket = session.map(|session| session.map_contents(Input::from));
        Some(passing.saving.save(flow))
    }
}

impl Passing {
    fn report(&self, side: &str, broken: Option<String>) {
        if let Some(reason) = broken.filter(|_| is_new(Loss::Side)) {
            warn!(flow = self.saving.label(), "what the {side} says is not recorded from here on: {reason}");
        }
    }
}

/// What of a session is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// All of its messages.
    Session,
    /// What one side says, from a message on.
    Side,
    /// A message.
    Message,
}

/// Whether a loss is to be written: one of a kind a second is, and the others are counted.
fn is_new(loss: Loss) -> bool {
    static LOSSES: LazyLock<Throttle<Loss>> = LazyLock::new(|| {
        Throttle::new(1, |loss, times| match loss {
            Loss::Session => warn!(times, "messages of {times} more WebSocket sessions are not recorded"),
            Loss::Side => warn!(times, "one side of {times} more WebSocket sessions is not recorded to its end"),
            Loss::Message => warn!(times, "{times} more WebSocket messages are not recorded"),
        })
    });
    LOSSES.admits(loss)
}

/// Contents of messages: the first ones in memory, those of a long session in a file that nobody else sees.
#[derive(Default)]
struct Messages {
    held: usize,
    file: Option<(Arc<File>, u64)>,
}

/// How much of a session is held in memory.
const HELD: usize = 1 << 20;

impl Messages {
    fn store_in_file(&mut self, content: &[u8]) -> io::Result<Source> {
        let (file, end) = match &mut self.file {
            Some(open) => open,
            None => self.file.insert((Arc::new(tempfile::tempfile()?), 0)),
        };
        file.write_all_at(content, *end)?;
        let (offset, len) = (*end, content.len() as u64);
        *end += len;
        Ok(Source::File { file: file.clone(), offset, len })
    }
}

impl MessageStore for Messages {
    fn store(&mut self, content: Bytes) -> Source {
        if self.held + content.len() <= HELD {
            self.held += content.len();
            return Source::Bytes(content);
        }
        self.store_in_file(&content).unwrap_or_else(|error| {
            if is_new(Loss::Message) {
                warn!(%error, "a WebSocket message is not recorded: it cannot be written to a temporary file");
            }
            Source::NotRecorded
        })
    }
}
