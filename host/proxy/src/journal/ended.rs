//! A flow that has ended, in as little memory as it takes: thousands of them are kept, and what is written for each must
//! not drive what flows need from the processor's caches.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant, SystemTime},
};

use http::StatusCode;

use super::{
    Content, Entry, Frames,
    compact::Heads,
    entry::{Progress, Stage},
};
use crate::flow::{Decision, Note, Notes, Session};

/// What is known of a flow that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) flow: u64,
    session: Session,
    client: Option<SocketAddr>,
    received_at: SystemTime,
    request: Content,
    pub(super) response: Content,
    heads: Heads,
    notes: Few<Arc<Note>>,
    decided: Decided,
    stage: Stage,
    status: Option<StatusCode>,
    sent: u64,
    head_after: Option<Duration>,
    pub(super) ended_after: Duration,
    was_answered: bool,
    is_whole: bool,
    is_websocket: bool,
    frames: Option<Arc<Frames>>,
    /// What it takes, but for bodies that arrived.
    pub(super) bytes: usize,
}

/// Who decided on it.
#[derive(Clone, Debug)]
enum Decided {
    Nobody,
    Answered(Arc<str>),
    Killed(Arc<str>),
    /// It went where the request said.
    Forwarded,
    /// It went elsewhere.
    Other(Box<Decision>),
}

/// Mostly none or one.
#[derive(Clone, Debug)]
enum Few<T> {
    None,
    One(T),
    More(Box<[T]>),
}

impl<T: Clone> Few<T> {
    fn of(all: Vec<T>) -> Self {
        match <[T; 1]>::try_from(all) {
            Ok([one]) => Self::One(one),
            Err(all) if all.is_empty() => Self::None,
            Err(all) => Self::More(all.into()),
        }
    }

    fn all(&self) -> Vec<T> {
        match self {
            Self::None => Vec::new(),
            Self::One(one) => vec![one.clone()],
            Self::More(all) => all.to_vec(),
        }
    }
}

impl Ended {
    /// The flow of an entry, which has ended.
    pub(super) fn of(entry: &Entry) -> Self {
        let progress = entry.progress();
        let decision = entry.notes.decision();
        let is_of_server = !matches!(decision, Some(Decision::Answered(_)));
        let decided = match decision {
            None => Decided::Nobody,
            Some(Decision::Answered(addon)) => Decided::Answered(addon),
            Some(Decision::Killed(addon)) => Decided::Killed(addon),
            Some(Decision::Forwarded(server)) if server == progress.heads.request().destination => Decided::Forwarded,
            Some(other) => Decided::Other(Box::new(other)),
        };
        let heads = progress.heads.written(is_of_server);
        let held = entry.content.held() + progress.content.held();
        Self {
            bytes: size_of::<Self>() + heads.size() + entry.notes.size() + held,
            flow: entry.flow,
            session: entry.session.clone(),
            client: entry.client,
            received_at: entry.received_at,
            request: entry.content.clone(),
            response: progress.content.clone(),
            heads,
            notes: Few::of(entry.notes.all()),
            decided,
            stage: progress.stage.clone(),
            status: progress.status,
            sent: entry.sent.load(Ordering::Relaxed),
            head_after: progress.head_after,
            ended_after: progress.ended_after.unwrap_or_default(),
            was_answered: progress.was_answered,
            is_whole: progress.is_whole,
            is_websocket: progress.is_websocket,
            frames: progress.frames.clone(),
        }
    }

    /// When it ended.
    pub(super) fn ended_at(&self) -> SystemTime {
        self.received_at + self.ended_after
    }

    /// It, for those who look at flows.
    pub(super) fn entry(&self) -> Entry {
        let decision = match &self.decided {
            Decided::Nobody => None,
            Decided::Answered(addon) => Some(Decision::Answered(addon.clone())),
            Decided::Killed(addon) => Some(Decision::Killed(addon.clone())),
            Decided::Forwarded => Some(Decision::Forwarded(self.heads.request().destination.clone())),
            Decided::Other(other) => Some((**other).clone()),
        };
        let progress = Progress {
            stage: self.stage.clone(),
            was_answered: self.was_answered,
            status: self.status,
            heads: self.heads.clone(),
            content: self.response.clone(),
            head_after: self.head_after,
            ended_after: Some(self.ended_after),
            is_whole: self.is_whole,
            is_websocket: self.is_websocket,
            frames: self.frames.clone(),
        };
        Entry {
            flow: self.flow,
            session: self.session.clone(),
            client: self.client,
            received_at: self.received_at,
            began: Instant::now(),
            content: self.request.clone(),
            notes: Notes::of(self.notes.all(), decision),
            sent: self.sent.into(),
            progress: progress.into(),
        }
    }
}
