//! What happens while it runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::{Serialize, Serializer};

use super::{FlowSummary, Note};

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request's head was received.
    FlowStarted {
        /// The flow.
        #[serde(serialize_with = "shared")]
        flow: Arc<FlowSummary>,
    },
    /// There is a response: of an addon, or of a server.
    FlowAnswered {
        /// The flow.
        #[serde(serialize_with = "shared")]
        flow: Arc<FlowSummary>,
    },
    /// It was ended without an answer.
    FlowKilled {
        /// The flow.
        #[serde(serialize_with = "shared")]
        flow: Arc<FlowSummary>,
    },
    /// It failed.
    FlowFailed {
        /// The flow.
        #[serde(serialize_with = "shared")]
        flow: Arc<FlowSummary>,
    },
    /// Nothing more will come of it.
    FlowEnded {
        /// The flow.
        #[serde(serialize_with = "shared")]
        flow: Arc<FlowSummary>,
    },
    /// An addon noted something.
    Noted {
        /// The flow.
        flow: u64,
        /// What.
        note: Note,
    },
    /// Another configuration is in force.
    Changed {
        /// Its number, which grows with each.
        generation: u64,
        /// What was changed, on one line.
        what: String,
    },
    /// A line of the log.
    Logged(LogLine),
    /// This many events were lost to whoever reads this, as they were not read soon enough.
    Lost {
        /// How many.
        events: u64,
    },
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogLine {
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub at: f64,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// What it says.
    pub text: String,
}

/// Events as they happen. Whoever does not read them soon enough loses some, and is told how many.
#[derive(Debug)]
pub struct Events {
    receiver: tokio::sync::broadcast::Receiver<Event>,
    lost: Arc<AtomicU64>,
}

impl Events {
    /// Events that come from there.
    pub fn new(receiver: tokio::sync::broadcast::Receiver<Event>) -> Self {
        Self::counted(receiver, Arc::default())
    }

    /// The same, with those that are lost added to a count.
    pub fn counted(receiver: tokio::sync::broadcast::Receiver<Event>, lost: Arc<AtomicU64>) -> Self {
        Self { receiver, lost }
    }

    /// The next event; nothing when there will be no more.
    pub async fn next(&mut self) -> Option<Event> {
        use tokio::sync::broadcast::error::RecvError;
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(events)) => {
                self.lost.fetch_add(events, Ordering::Relaxed);
                Some(Event::Lost { events })
            }
            Err(RecvError::Closed) => None,
        }
    }
}

/// Serialises what is behind a shared pointer.
pub(crate) fn shared<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().serialize(serializer)
}
