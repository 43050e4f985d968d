//! What is known of a flow.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant, SystemTime},
};

use http::StatusCode;

use super::{compact::Heads, content::Content, frames::Frames};
use crate::flow::{Fault, Notes, RequestHead, Session};

/// What is known of a flow.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) flow: u64,
    pub(super) session: Session,
    pub(super) client: Option<SocketAddr>,
    pub(super) received_at: SystemTime,
    pub(super) began: Instant,
    pub(super) content: Content,
    pub(super) notes: Notes,
    /// Bytes of content that the client was sent.
    pub(super) sent: AtomicU64,
    pub(super) progress: Mutex<Progress>,
}

/// How far a flow has come.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) stage: Stage,
    /// Whether there was a response, also if it broke off.
    pub(super) was_answered: bool,
    pub(super) status: Option<StatusCode>,
    /// That of the response is only here where it can be looked at.
    pub(super) heads: Heads,
    pub(super) content: Content,
    pub(super) head_after: Option<Duration>,
    pub(super) ended_after: Option<Duration>,
    /// Whether all of the response was passed on.
    pub(super) is_whole: bool,
    pub(super) is_websocket: bool,
    /// Its messages, where they can be looked at.
    pub(super) frames: Option<Arc<Frames>>,
}

impl Progress {
    /// None yet.
    pub(super) fn new(request: Arc<RequestHead>) -> Self {
        let (stage, status, content, head_after, ended_after, frames) = Default::default();
        let (was_answered, is_whole, is_websocket) = Default::default();
        let heads = Heads::Whole(request, None);
        Self { stage, was_answered, status, heads, content, head_after, ended_after, is_whole, is_websocket, frames }
    }
}

/// What became of a flow so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is no response yet.
    #[default]
    Waiting,
    /// There is one.
    Answered,
    /// There will be none.
    Killed,
    /// There is none, or it broke off.
    Failed(Fault),
}

impl Entry {
    /// Nothing panics while it is held that could leave it half-changed.
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
