//! What passes, as it can be looked at: the access log, events, recent flows, and what is counted.
//!
//! `passing` is a flow under way, of which listeners say what becomes of it; its `entry` is what is known of it. When it ends,
//! `access` writes its line. `events` tells those who listen, `recent` keeps flows, those that have `ended` in little memory,
//! with their `content`, `frames` and `compact` heads, `tally` counts them for each of the `sessions`, and `ledger` keeps what went
//! wrong. `shown` makes of all this what faces of the proxy show, and `families` the numbers for monitoring. A flow that nobody
//! looks at costs a few additions, and its line where that is wanted.

mod access;
mod compact;
mod content;
mod ended;
mod entry;
mod events;
mod families;
mod frames;
mod ledger;
mod passing;
mod recent;
mod sessions;
mod shown;
mod tally;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use control::{
    ControlError, ErrorKind, Event, Family, Flow, FlowPage, FlowQuery, FlowSummary, RecentFlows, Report, SessionInfo,
};
use flowfilter::{Filter, ParseError};

pub use access::TARGET as ACCESS;
pub use frames::{DecodeFrames, FrameDecoder};
pub use passing::Passing;

use crate::{
    addon::{NoteKeeper, Noted},
    flow::{Fault, Request, Session},
};
use content::Content;
use ended::Ended;
use entry::{Entry, Progress};
use events::Broadcast;
use frames::Frames;
use ledger::Ledger;
use recent::Recent;
use sessions::Sessions;
use tally::Tally;

/// What passes.
#[derive(Debug, Default)]
pub struct Journal {
    /// Since the start.
    totals: Tally,
    sessions: Sessions,
    ledger: Ledger,
    events: Broadcast,
    /// Those that are of no flow.
    news: Broadcast,
    /// Only where something can look at it.
    recent: Option<Recent>,
    /// Nothing in a build that knows no WebSockets.
    decode_frames: Option<DecodeFrames>,
    is_closed: AtomicBool,
}

/// How much of what passed is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Most flows.
    pub flows: usize,
    /// Most bytes of all of them together.
    pub bytes: usize,
    /// Most bytes of one body. Nothing is kept of a body that is known to be larger. Of a WebSocket, so much is kept of the
    /// latest messages, and of a side that sends a larger one nothing from there on.
    pub body: usize,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { flows: 10_000, bytes: 64 << 20, body: 1 << 20 }
    }
}

impl Journal {
    /// A journal that keeps so much of what passes, or nothing of it.
    pub fn new(keeping: Option<Keeping>) -> Self {
        Self { recent: keeping.map(Recent::new), ..Self::default() }
    }

    /// The same, with the messages of WebSockets that these decoders find.
    pub fn with_frames(self, decode_frames: Option<DecodeFrames>) -> Self {
        Self { decode_frames, ..self }
    }

    /// A session that a client named, which is made when it is used first.
    ///
    /// # Errors
    /// When there are too many.
    pub fn session(&self, session: Session) -> Result<Session, Fault> {
        self.sessions.make(session)
    }

    /// A flow begins. It ends when what this returns is dropped.
    pub fn begin(self: &Arc<Self>, request: &Request, client: Option<SocketAddr>) -> Passing {
        let tally = self.sessions.tally(&request.session);
        let content = match &self.recent {
            Some(recent) => recent.content(&request.body),
            None => Content::counted(&request.body),
        };
        let entry = Arc::new(Entry {
            flow: request.flow.0,
            session: request.session.clone(),
            client,
            received_at: request.received_at,
            began: Instant::now(),
            content,
            notes: request.notes.clone(),
            sent: Default::default(),
            progress: Progress::new(request.head.clone()).into(),
        });
        let shelf = recent::shelf_of_thread();
        if let Some(recent) = &self.recent {
            recent.add(shelf, entry.clone());
        }
        // Counted once it can be seen, by which those who look know that there is more.
        self.totals.begin();
        tally.begin();
        if self.events.is_heard() {
            let (events, flow) = (self.events.clone(), entry.flow);
            entry.notes.observe(Box::new(move |note| {
                events.send(|| Event::Noted { flow, note: shown::note(note) });
            }));
        }
        self.events.send(|| Event::FlowStarted { flow: Arc::new(shown::summary(&entry)) });
        Passing::new(self.clone(), entry, tally, shelf)
    }

    /// A request was refused before it became a flow.
    pub fn refused(&self, fault: &Fault) {
        self.totals.refuse(fault.kind);
    }

    /// What happens from now on.
    pub fn subscribe(&self) -> control::Events {
        self.events.subscribe()
    }

    /// What happens from now on, but for what becomes of flows.
    pub fn subscribe_to_news(&self) -> control::Events {
        self.news.subscribe()
    }

    /// Whether somebody listens to what becomes of flows.
    pub fn is_heard(&self) -> bool {
        self.events.is_heard()
    }

    /// Tells those who listen of something that is of no flow; it is only made if somebody does.
    pub fn tell(&self, event: impl FnOnce() -> Event) {
        if self.events.is_heard() || self.news.is_heard() {
            let event = event();
            self.news.send(|| event.clone());
            self.events.send(|| event);
        }
    }

    /// Recent flows, the oldest first.
    ///
    /// # Errors
    /// When the filter cannot be read.
    pub fn flows(&self, query: &FlowQuery) -> Result<FlowPage, ControlError> {
        let Some(recent) = &self.recent else { return Ok(FlowPage::default()) };
        let filter = query.filter.as_deref().map(|filter| {
            let invalid = |error: ParseError| ControlError::new(ErrorKind::Invalid, error.reason());
            Filter::parse(filter).map_err(invalid)
        });
        let filter = filter.transpose()?;
        let (entries, forgotten) = recent.all();
        let is_asked_for = |entry: &&Arc<Entry>| {
            query.after.is_none_or(|after| entry.flow > after)
                && query.session.as_ref().is_none_or(|session| entry.session.name() == session)
                && filter.as_ref().is_none_or(|filter| filter.matches(&shown::flow(entry)))
        };
        // The latest are wanted, so they are looked for from there.
        let limit = query.limit.unwrap_or(usize::MAX);
        let found = entries.iter().rev().filter(is_asked_for).take(limit);
        let mut flows: Vec<_> = found.map(|entry| Arc::new(shown::summary(entry))).collect();
        flows.reverse();
        Ok(FlowPage { flows, forgotten })
    }

    /// Which recent flows there are, unless nothing has become of any since this version.
    pub fn recent(&self, seen: Option<u64>) -> Option<RecentFlows> {
        let Some(recent) = &self.recent else { return seen.is_none().then(RecentFlows::default) };
        // Before the flows are looked at: what becomes of them meanwhile is another version.
        let version = self.totals.changes().wrapping_add(recent.forgotten());
        (seen != Some(version)).then(|| RecentFlows { version, flows: recent.stages() })
    }

    /// Those of these recent flows that are kept, the oldest first. The numbers are in ascending order.
    pub fn summaries(&self, flows: &[u64]) -> Vec<Arc<FlowSummary>> {
        let entries = self.recent.as_ref().map(|recent| recent.some(flows)).unwrap_or_default();
        entries.iter().map(|entry| Arc::new(shown::summary(entry))).collect()
    }

    /// A recent flow with all that is kept of it.
    pub fn flow(&self, id: u64) -> Option<Arc<Flow>> {
        let entry = self.recent.as_ref()?.one(id)?;
        Some(Arc::new(shown::flow(&entry)))
    }

    /// Forgets the recent flows that have ended.
    pub fn clear(&self) {
        if let Some(recent) = &self.recent {
            recent.clear();
        }
    }

    /// Keeps bodies itself that are kept elsewhere, of flows that have ended, so that what they are kept in can go. It reads
    /// them, which blocks.
    pub fn copy_stored(&self) {
        if let Some(recent) = &self.recent {
            recent.copy_stored();
        }
    }

    /// The sessions there are, by name, the one without first. What was used of recordings is not known here.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.sessions.all().into_iter().map(|(name, tally)| tally.shown(name)).collect()
    }

    /// What came of the flows so far, in a session or in all; without the recorded exchanges.
    pub fn report(&self, session: Option<&str>) -> Report {
        let tallies = self.sessions.all();
        let asked_for = tallies.iter().filter(|(name, _)| session.is_none_or(|session| session == name));
        let mut report = Report { session: session.map(str::to_owned), ..Report::default() };
        for (_, tally) in asked_for {
            report.flows += tally.flows();
            report.missed += tally.missed();
            report.failed += tally.failed();
        }
        report.misses = self.ledger.misses(session);
        report.failures = self.ledger.failures(session);
        report
    }

    /// Forgets what was counted and what went wrong in a session, or in all. A session with a name is then made again when it
    /// is next used.
    ///
    /// # Errors
    /// When there is no such session.
    pub fn reset(&self, session: Option<&str>) -> Result<(), ControlError> {
        let unknown = |name: &str| {
            ControlError::new(ErrorKind::Unknown, format!("there is no session `{}`", oneline::escaped(name)))
        };
        if !self.sessions.reset(session) {
            return Err(unknown(session.unwrap_or_default()));
        }
        self.ledger.reset(session);
        Ok(())
    }

    /// The process ends: flows that still go on are cut by that, of which nothing is to be said.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Numbers for monitoring.
    pub fn families(&self) -> Vec<Family> {
        families::families(self)
    }
}

impl NoteKeeper for Journal {
    fn missed(&self, _: &str, session: &Session, limit: usize) -> Vec<Noted> {
        let mut misses = self.report(Some(session.name())).misses;
        let latest = misses.split_off(misses.len().saturating_sub(limit));
        let noted = latest.into_iter().map(|miss| Noted {
            flow: miss.flow,
            request: miss.request,
            text: miss.reason,
            data: miss.data.map(|data| data.to_string()),
        });
        noted.collect()
    }
}

#[cfg(test)]
mod tests;
