//! A flow under way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use control::Event;
use http::{Method, StatusCode};

use super::{
    Content, Entry, Frames, Journal, access,
    entry::Stage,
    shown,
    tally::{Became, Tally},
};
use crate::flow::{Decision, Fault, Lease, RequestHead, Response};

/// The name of the notes by which addons say that they could not answer a flow that they should.
pub(super) const MISSED: &str = "missed";

/// A flow under way: what becomes of it is said here, and it ends when this is dropped.
#[derive(Debug)]
pub struct Passing {
    journal: Arc<Journal>,
    entry: Arc<Entry>,
    /// That of its session.
    tally: Arc<Tally>,
    /// The number of the shelf that it is on among recent flows.
    shelf: usize,
    /// Whether all of the response was passed on.
    is_whole: AtomicBool,
    /// Whether its misses are counted.
    has_noted: AtomicBool,
    /// What it needs until it has ended.
    lease: Lease,
}

impl Passing {
    pub(super) fn new(journal: Arc<Journal>, entry: Arc<Entry>, tally: Arc<Tally>, shelf: usize) -> Self {
        let (is_whole, has_noted) = Default::default();
        Self { journal, entry, tally, shelf, is_whole, has_noted, lease: Lease::default() }
    }

    /// Keeps what the flow needs until it has ended.
    pub fn keep(&mut self, lease: Lease) {
        self.lease = lease;
    }

    /// There is a response. Where it begins a WebSocket that can be looked at, what passes on it is observed.
    pub fn answered(&self, response: &mut Response) {
        let is_looked_at = self.journal.recent.is_some() || self.journal.is_heard();
        let head = self.entry.progress().heads.request();
        let content = match &self.journal.recent {
            // Its content goes to nobody.
            _ if head.method == Method::HEAD => Content::Empty,
            Some(recent) => recent.content(&response.body),
            None => Content::NotKept(None),
        };
        let is_websocket = response.head.status == StatusCode::SWITCHING_PROTOCOLS && asks_for_websocket(&head);
        let frames = if is_websocket { self.frames(response) } else { None };
        {
            let mut progress = self.entry.progress();
            progress.stage = Stage::Answered;
            progress.was_answered = true;
            progress.status = Some(response.head.status);
            progress.heads.set_response(is_looked_at.then(|| response.head.clone()));
            progress.content = content;
            progress.head_after = Some(self.took());
            (progress.is_websocket, progress.frames) = (is_websocket, frames);
        }
        self.decided();
        self.tell(|flow| Event::FlowAnswered { flow });
    }

    /// The tunnel that it asks for leads to its server.
    pub fn connected(&self) {
        {
            let mut progress = self.entry.progress();
            (progress.stage, progress.was_answered) = (Stage::Answered, true);
        }
        self.decided();
        self.tell(|flow| Event::FlowAnswered { flow });
    }

    /// An addon ended it without an answer.
    pub fn killed(&self) {
        self.entry.progress().stage = Stage::Killed;
        self.each(|tally| tally.decide(Became::Killed));
        self.note_misses();
        self.tell(|flow| Event::FlowKilled { flow });
    }

    /// It failed: there is no response, or it broke off.
    pub fn failed(&self, fault: &Fault) {
        {
            let mut progress = self.entry.progress();
            progress.stage = Stage::Failed(fault.clone());
            if !progress.was_answered {
                progress.status = Some(fault.kind.status());
                progress.head_after = Some(self.took());
            }
        }
        self.each(|tally| tally.fail(fault.kind));
        self.journal.ledger.fail(&self.entry, fault.clone());
        self.note_misses();
        self.tell(|flow| Event::FlowFailed { flow });
    }

    /// The response that there was cannot be sent, and the client is told so.
    pub fn undelivered(&self, fault: &Fault) {
        {
            let mut progress = self.entry.progress();
            progress.was_answered = false;
            progress.heads.set_response(None);
        }
        self.failed(fault);
    }

    /// Bytes of content go to the client.
    pub fn sent(&self, bytes: u64) {
        self.entry.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// All content has gone to the client.
    pub fn sent_all(&self) {
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// Counts an answer by who gave it.
    fn decided(&self) {
        let became = match self.entry.notes.decision() {
            Some(Decision::Answered(_)) => Became::Answered,
            Some(Decision::Forwarded(_) | Decision::Killed(_)) | None => Became::Forwarded,
        };
        self.each(|tally| tally.decide(became));
        self.note_misses();
    }

    /// Counts the misses that addons noted, once.
    fn note_misses(&self) {
        if self.has_noted.swap(true, Ordering::Relaxed) {
            return;
        }
        for note in self.entry.notes.all().into_iter().filter(|note| note.name == MISSED) {
            self.each(Tally::miss);
            self.journal.ledger.miss(&self.entry, note);
        }
    }

    fn each(&self, count: impl Fn(&Tally)) {
        count(&self.journal.totals);
        count(&self.tally);
    }

    /// Observes the messages that follow a response.
    fn frames(&self, response: &mut Response) -> Option<Arc<Frames>> {
        let decode = self.journal.decode_frames?;
        let recent = self.journal.recent.as_ref()?;
        let frames = Arc::new(recent.frames(|limit| decode(&response.head.fields, limit))?);
        response.upgrade.observers.push(frames.clone());
        Some(frames)
    }

    fn tell(&self, event: impl FnOnce(Arc<control::FlowSummary>) -> Event) {
        self.journal.events.send(|| event(Arc::new(shown::summary(&self.entry))));
    }

    fn took(&self) -> Duration {
        self.entry.began.elapsed()
    }
}

fn asks_for_websocket(head: &RequestHead) -> bool {
    head.upgrade.as_ref().is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

impl Drop for Passing {
    fn drop(&mut self) {
        if self.journal.is_closed.load(Ordering::Relaxed) {
            return;
        }
        let (took, sent) = (self.took(), self.entry.sent.load(Ordering::Relaxed));
        let received = self.entry.content.size();
        {
            let mut progress = self.entry.progress();
            progress.ended_after = Some(took);
            progress.is_whole = *self.is_whole.get_mut();
        }
        access::write(&self.entry);
        self.tell(|flow| Event::FlowEnded { flow });
        if let Some(recent) = &self.journal.recent {
            recent.end(self.shelf, &self.entry);
        }
        // Last, as for its begin.
        self.each(|tally| tally.end(received, sent, took));
    }
}
