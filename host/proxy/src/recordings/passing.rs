//! Exchanges that are recorded while they pass.
//!
//! Contents are kept piece by piece by observers of the messages' bodies. An exchange is handed to the recorder when its
//! response ends; the end reaches the client after the exchange is written, so that a client never saw more than the
//! recording holds.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, Version, header};

use recording::{Existing, Failure, Flow, Input, Kept, Opened, Recorder, RecorderError, Redactor, Source, Tally};

use super::upgraded::SessionObserver;
use crate::flow::{Body, BodyObserver, Completion, Fields, HOP_BY_HOP, Request, Response};

/// Records exchanges that pass.
#[derive(Debug)]
pub struct PassingRecorder {
    recorder: Recorder,
    /// Tells what it attaches to flows from what others do.
    number: u64,
    /// What it was opened as: the file, without the `+` before it, and what is redacted.
    opened_as: (String, Vec<String>),
}

impl PassingRecorder {
    /// Opens the file that exchanges are recorded to, and says what the user should know of it. `existing` is what becomes of one
    /// that is there and is not to be appended to. `rules` are those that the
    /// redactor was made of. Blocks.
    ///
    /// # Errors
    /// When the file cannot be written, or another process records to it.
    pub fn open(
        target: &str,
        existing: Existing,
        rules: &[String],
        redactor: Option<Box<dyn Redactor>>,
    ) -> Result<(Self, Option<String>), RecorderError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Opened { recorder, notice } = Recorder::open(target, existing, redactor)?;
        let opened_as = (target.trim_start_matches('+').to_owned(), rules.to_vec());
        Ok((Self { recorder, number: NEXT.fetch_add(1, Ordering::Relaxed), opened_as }, notice))
    }

    /// Whether it was opened for this file and these rules, whether or not the file was to be appended to.
    pub fn is_for(&self, target: &str, rules: &[String]) -> bool {
        let (file, redacted) = &self.opened_as;
        file == target.trim_start_matches('+') && redacted == rules
    }

    /// Keeps a request's content when it passes.
    pub fn keep(&self, request: &mut Request) {
        if request.body.is_live() && self.kept(request).is_none() {
            let observer = Arc::new(ContentObserver::new(self.recorder.keep()));
            request.body.observe(observer.clone());
            let KeptBodies(mut kept) = request.attached.remove().unwrap_or_default();
            kept.push((self.number, observer));
            request.attached.insert(KeptBodies(kept));
        }
    }

    /// Records an exchange when its response has ended; what it returns has to be done before the client gets the head.
    pub fn save(&self, request: &Request, response: &mut Response) -> Option<Completion> {
        let mut flow = self.flow(request);
        let head = &response.head;
        let mut recorded = recording::Response {
            version: head.version,
            status: head.status.as_u16(),
            reason: reason(response),
            fields: lines(&head.fields),
            content: Source::NotRecorded.into(),
            trailers: recording::Fields::new(),
            started_at: seconds(response.received_at),
            ended_at: None,
            pieces: Vec::new(),
        };
        let saving = Saving { recorder: self.recorder.clone(), label: request.flow.0, request: self.kept(request) };
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            restore_upgrade(&mut flow.request.fields, &mut recorded.fields);
            recorded.content = Source::Bytes(Bytes::new()).into();
            recorded.ended_at = Some(recorded.started_at);
            flow.response = Some(recorded);
            response.upgrade.observers.push(Arc::new(SessionObserver::new(saving, flow, &response.head.fields)));
            return None;
        }
        restore_framing(&mut recorded, &response.body);
        match &response.body {
            body @ Body::Live(_) => {
                let kept = ContentObserver::new(self.recorder.keep());
                recorded.content = Input::Kept(kept.kept.clone());
                flow.response = Some(recorded);
                let since = response.received_at;
                body.observe(Arc::new(ResponseObserver { content: kept, since, saving, flow: Mutex::new(Some(flow)) }));
                None
            }
            body => {
                recorded.content = at_hand(body);
                recorded.ended_at = Some(seconds(SystemTime::now()));
                flow.response = Some(recorded);
                Some(saving.save(flow))
            }
        }
    }

    /// Records a request that got no response.
    pub fn save_failed(&self, request: &Request, reason: String) -> Completion {
        let mut flow = self.flow(request);
        flow.error = Some(Failure { reason, at: Some(seconds(SystemTime::now())) });
        let saving = Saving { recorder: self.recorder.clone(), label: request.flow.0, request: self.kept(request) };
        saving.save(flow)
    }

    /// How recording has gone so far.
    pub fn tally(&self) -> Tally {
        self.recorder.tally()
    }

    /// Has the file opened again if it is no longer at its path. Does not wait.
    pub fn reopen(&self) {
        self.recorder.reopen();
    }

    /// Waits until everything handed in is written. Blocks.
    pub fn finish(&self) {
        self.recorder.finish();
    }

    /// The request's content, if it is kept here.
    fn kept(&self, request: &Request) -> Option<Arc<ContentObserver>> {
        let KeptBodies(kept) = request.attached.get()?;
        kept.iter().find(|(number, _)| *number == self.number).map(|(_, observer)| observer.clone())
    }

    fn flow(&self, request: &Request) -> Flow<Input> {
        let head = &request.head;
        let authority = if head.version >= Version::HTTP_2 {
            head.authority.as_ref().map_or_else(Bytes::new, |authority| text(authority.as_str()))
        } else {
            Bytes::new()
        };
        Flow {
            id: uuid::Uuid::new_v4().to_string(),
            client: None,
            server: None,
            request: recording::Request {
                method: Bytes::copy_from_slice(head.method.as_str().as_bytes()),
                scheme: Bytes::from_static(head.destination.scheme().name().as_bytes()),
                host: text(head.destination.host()),
                port: head.destination.port(),
                authority,
                path: Bytes::copy_from_slice(&head.target.to_bytes()),
                version: head.version,
                fields: lines(&head.fields),
                content: at_hand(&request.body),
                trailers: recording::Fields::new(),
                started_at: seconds(request.received_at),
                ended_at: None,
            },
            response: None,
            error: None,
            websocket: None,
        }
    }
}

/// The content of a flow's request that recorders keep, each under its number; attached to the flow.
#[derive(Clone, Debug, Default)]
struct KeptBodies(Vec<(u64, Arc<ContentObserver>)>);

/// Hands one exchange in.
#[derive(Debug)]
pub(super) struct Saving {
    recorder: Recorder,
    label: u64,
    request: Option<Arc<ContentObserver>>,
}

impl Saving {
    /// The number of the flow, for the log.
    pub(super) fn label(&self) -> u64 {
        self.label
    }

    pub(super) fn save(&self, mut flow: Flow<Input>) -> Completion {
        match &self.request {
            Some(kept) => {
                let (content, ended_at) = kept.outcome();
                flow.request.content = content;
                flow.request.ended_at = ended_at;
                flow.request.trailers = kept.trailers();
            }
            None => flow.request.ended_at = Some(flow.request.started_at),
        }
        Box::pin(self.recorder.save(self.label, flow))
    }
}

/// Keeps a content while it passes.
#[derive(Debug)]
pub(super) struct ContentObserver {
    kept: Kept,
    state: Mutex<ObserverState>,
}

#[derive(Debug, Default)]
struct ObserverState {
    trailers: recording::Fields,
    /// Whether the peer left that it was meant for.
    is_left: bool,
    /// Whether it ended as its sender meant it to, and when.
    ended: Option<(bool, SystemTime)>,
}

impl ContentObserver {
    fn new(kept: Kept) -> Self {
        Self { kept, state: Mutex::default() }
    }

    /// What there is of it now: the content if it is whole, and when it was.
    fn outcome(&self) -> (Input, Option<f64>) {
        match self.lock().ended {
            Some((true, at)) => (Input::Kept(self.kept.clone()), Some(seconds(at))),
            _ => (Source::NotRecorded.into(), None),
        }
    }

    fn trailers(&self) -> recording::Fields {
        self.lock().trailers.clone()
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> std::sync::MutexGuard<'_, ObserverState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BodyObserver for ContentObserver {
    fn piece(&self, piece: &Bytes) {
        self.kept.add(piece.clone());
    }

    fn trailers(&self, trailers: &HeaderMap) {
        let owned = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (Bytes::copy_from_slice(name.as_str().as_bytes()), Bytes::copy_from_slice(value.as_bytes()))
        };
        self.lock().trailers = trailers.iter().filter(|(name, _)| !is_of_hop(name)).map(owned).collect();
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.kept.poll_room(context)
    }

    fn end(&self, whole: bool) -> Option<Completion> {
        self.lock().ended = Some((whole, SystemTime::now()));
        if !whole {
            self.kept.break_off();
        }
        None
    }
}

/// Keeps a response's content, and hands the exchange in at its end.
#[derive(Debug)]
struct ResponseObserver {
    /// What came of it is kept if it breaks off, and replayed as that.
    content: ContentObserver,
    since: SystemTime,
    saving: Saving,
    flow: Mutex<Option<Flow<Input>>>,
}

impl BodyObserver for ResponseObserver {
    fn piece(&self, piece: &Bytes) {
        self.content.piece(piece);
    }

    fn trailers(&self, trailers: &HeaderMap) {
        BodyObserver::trailers(&self.content, trailers);
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.content.poll_room(context)
    }

    fn left(&self) {
        self.content.lock().is_left = true;
    }

    fn end(&self, whole: bool) -> Option<Completion> {
        let mut flow = self.flow.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let response = flow.response.as_mut()?;
        let kept = &self.content.kept;
        let at = seconds(SystemTime::now());
        response.content = Input::Kept(kept.clone());
        response.trailers = self.content.trailers();
        response.pieces = kept.pieces(self.since);
        if whole {
            response.ended_at = Some(at);
        } else {
            let who = if self.content.lock().is_left { "client left" } else { "server broke off" };
            flow.error = Some(Failure { reason: format!("the response broke off: the {who}"), at: Some(at) });
        }
        Some(self.saving.save(flow))
    }
}

/// Content that need not be waited for.
fn at_hand(body: &Body) -> Input {
    Input::Source(match body {
        Body::Empty => Source::Bytes(Bytes::new()),
        Body::Bytes(bytes) => Source::Bytes(bytes.clone()),
        Body::Stored(stored) if stored.size() <= LARGEST_COPY => match stored.read_all() {
            Ok(bytes) => Source::Bytes(bytes),
            Err(_) => Source::NotRecorded,
        },
        Body::Stored(_) | Body::Live(_) | Body::Gone => Source::NotRecorded,
    })
}

/// What an answer that comes from another recording may have to be recorded again.
const LARGEST_COPY: u64 = 16 << 20;

fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn lines(fields: &Fields) -> recording::Fields {
    let lines = fields.lines().zip(fields.map().iter()).filter(|(_, (name, _))| !is_of_hop(name));
    lines.map(|((name, value), _)| (name, Bytes::copy_from_slice(value.as_bytes()))).collect()
}

/// Whether a field concerns the connection that it came over, whoever put it there.
fn is_of_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || *name == header::PROXY_AUTHORIZATION
}

fn reason(response: &Response) -> Bytes {
    let head = &response.head;
    match &head.reason {
        _ if head.version >= Version::HTTP_2 => Bytes::new(),
        Some(reason) => reason.clone(),
        None => Bytes::from_static(head.status.canonical_reason().unwrap_or_default().as_bytes()),
    }
}

/// The framing was removed when the response came in. Those who read a recording need it where the length is not told.
fn restore_framing(response: &mut recording::Response<Input>, body: &Body) {
    let framed = response.fields.get("content-length").is_some();
    if !framed && matches!(body, Body::Live(_)) && response.version == Version::HTTP_11 {
        response.fields.push("Transfer-Encoding", "chunked");
    }
}

/// So were the fields that changed the protocol, which say what kind of exchange it is.
fn restore_upgrade(request: &mut recording::Fields, response: &mut recording::Fields) {
    let websocket = request.get("sec-websocket-key").is_some();
    for fields in [request, response].into_iter().filter(|_| websocket) {
        fields.push("Connection", "Upgrade");
        fields.push("Upgrade", "websocket");
    }
}

/// Seconds since the epoch.
pub(super) fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
