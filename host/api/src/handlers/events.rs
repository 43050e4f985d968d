//! What happens, as server-sent events (HTML Standard §9.2).

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    response::{
        IntoResponse, Response, Sse,
        sse::{self, KeepAlive},
    },
};
use control::{Control, ErrorKind, Event, Events, FlowSummary};
use flowfilter::Filter;
use futures_util::stream;
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::{failure::Failure, guard::Connection, input::Asked, routes::Served};

/// Which events are wanted.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Kinds with commas between them; all if it is left out. That events were lost is always said.
    kind: Option<String>,
    /// Of flows, those of this session.
    session: Option<String>,
    /// Of flows, those that this matches, as far as they have come.
    filter: Option<String>,
}

pub(crate) async fn stream(
    State(served): State<Served>,
    connection: Option<Extension<Connection>>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Failure> {
    let selection = Selection::of(wanted)?;
    let permit = served.streams.clone().try_acquire_owned().map_err(|_| {
        let reason = "there are too many streams of events: close one of them";
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, ErrorKind::Refused, reason)
    })?;
    let stopping = connection.map(|Extension(connection)| connection.stopping);
    let listening =
        Listening { events: served.control.events(), control: served.control, selection, stopping, _permit: permit };
    let events = stream::unfold(listening, async |mut listening| {
        let event = listening.next().await?;
        Some((Ok::<_, Infallible>(event), listening))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(QUIET)).into_response())
}

/// After how much silence a comment says that the connection is still there.
const QUIET: Duration = Duration::from_secs(15);

struct Listening {
    events: Events,
    control: Arc<dyn Control>,
    selection: Selection,
    stopping: Option<watch::Receiver<()>>,
    _permit: OwnedSemaphorePermit,
}

impl Listening {
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            let stopped = async {
                match &mut self.stopping {
                    // Nobody sends anything: it fails when the server stops.
                    Some(stopping) => drop(stopping.changed().await),
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                event = self.events.next() => event?,
                () = stopped => return None,
            };
            if !self.selection.includes(&event, &*self.control) {
                continue;
            }
            if let Ok(written) = sse::Event::default().event(kind(&event)).json_data(&event) {
                return Some(written);
            }
        }
    }
}

struct Selection {
    kinds: Option<Vec<&'static str>>,
    session: Option<String>,
    filter: Option<Filter>,
}

impl Selection {
    fn of(wanted: Wanted) -> Result<Self, Failure> {
        let known = |word: &str| {
            KINDS.into_iter().find(|kind| *kind == word).ok_or_else(|| {
                let word = oneline::escaped(word);
                Failure::invalid(format!("there is no kind of event `{word}`: known are {}", KINDS.join(", ")))
            })
        };
        let kinds = wanted.kind.map(|kinds| kinds.split(',').map(|kind| known(kind.trim())).collect());
        let filter = wanted.filter.map(|filter| Filter::parse(&filter)).transpose();
        let filter = filter.map_err(|error| Failure::invalid(error.reason()))?;
        Ok(Self { kinds: kinds.transpose()?, session: wanted.session, filter })
    }

    fn includes(&self, event: &Event, control: &dyn Control) -> bool {
        if matches!(event, Event::Lost { .. }) {
            return true;
        }
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&kind(event))) {
            return false;
        }
        let Some(flow) = flow(event) else { return true };
        self.session.as_ref().is_none_or(|session| flow.session == *session)
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| control.flow(flow.id).is_some_and(|flow| filter.matches(&*flow)))
    }
}

/// The flow that an event is about, if it has all of it.
fn flow(event: &Event) -> Option<&FlowSummary> {
    match event {
        Event::FlowStarted { flow }
        | Event::FlowAnswered { flow }
        | Event::FlowKilled { flow }
        | Event::FlowFailed { flow }
        | Event::FlowEnded { flow } => Some(flow),
        Event::Noted { .. } | Event::Changed { .. } | Event::Logged(_) | Event::Lost { .. } => None,
    }
}

const KINDS: [&str; 9] =
    ["flow_started", "flow_answered", "flow_killed", "flow_failed", "flow_ended", "noted", "changed", "logged", "lost"];

/// The kind of an event, as it stands in it too.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::FlowStarted { .. } => "flow_started",
        Event::FlowAnswered { .. } => "flow_answered",
        Event::FlowKilled { .. } => "flow_killed",
        Event::FlowFailed { .. } => "flow_failed",
        Event::FlowEnded { .. } => "flow_ended",
        Event::Noted { .. } => "noted",
        Event::Changed { .. } => "changed",
        Event::Logged(_) => "logged",
        Event::Lost { .. } => "lost",
    }
}
