//! Exchanges that are recorded while they pass.
//!
//! Contents are kept piece by piece by taps on the messages' bodies. An exchange is handed to the recorder when its
//! response ends; the end reaches the client after the exchange is written, so that a client never saw more than the
//! recording holds.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};

use recording::{Failure, Flow, Input, Kept, Opened, Recorder, RecorderError, Redactor, Source};

use super::switching::SessionTap;
use crate::flow::{Body, Fields, Request, Response, Settling, Tap};

/// Records exchanges that pass.
#[derive(Debug)]
pub struct PassingRecorder {
    recorder: Recorder,
    /// Tells its own taps from those of others.
    number: u64,
}

impl PassingRecorder {
    /// Opens the file that exchanges are recorded to, and says what the user should know of it. Blocks.
    ///
    /// # Errors
    /// When the file cannot be written, or another process records to it.
    pub fn open(target: &str, redactor: Option<Box<dyn Redactor>>) -> Result<(Self, Option<String>), RecorderError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Opened { recorder, notice } = Recorder::open(target, redactor)?;
        Ok((Self { recorder, number: NEXT.fetch_add(1, Ordering::Relaxed) }, notice))
    }

    /// Keeps a request's content when it passes.
    pub fn keep(&self, request: &Request) {
        if matches!(request.body, Body::Live(_)) && self.kept(request).is_none() {
            request.body.tap(Arc::new(ContentTap::new(self.recorder.keep(), self.number)));
        }
    }

    /// Records an exchange when its response has ended; what it returns has to be done before the client gets the head.
    pub fn save(&self, request: &Request, response: &mut Response) -> Option<Settling> {
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
            response.switch.watchers.push(Arc::new(SessionTap::new(saving, flow, &response.head.fields)));
            return None;
        }
        restore_framing(&mut recorded, &response.body);
        match &response.body {
            body @ Body::Live(_) => {
                let kept = ContentTap::new(self.recorder.keep(), self.number);
                recorded.content = Input::Kept(kept.kept.clone());
                flow.response = Some(recorded);
                let since = response.received_at;
                body.tap(Arc::new(ResponseTap { content: kept, since, saving, flow: Mutex::new(Some(flow)) }));
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
    pub fn save_failed(&self, request: &Request, reason: String) -> Settling {
        let mut flow = self.flow(request);
        flow.error = Some(Failure { reason, at: Some(seconds(SystemTime::now())) });
        let saving = Saving { recorder: self.recorder.clone(), label: request.flow.0, request: self.kept(request) };
        saving.save(flow)
    }

    /// Waits until everything handed in is written. Blocks.
    pub fn finish(&self) {
        self.recorder.finish();
    }

    /// The request's content, if it is kept here.
    fn kept(&self, request: &Request) -> Option<Arc<ContentTap>> {
        let taps = request.body.taps().into_iter();
        let mut mine = taps.filter_map(|tap| (tap as Arc<dyn Any + Send + Sync>).downcast::<ContentTap>().ok());
        mine.find(|tap| tap.number == self.number)
    }

    fn flow(&self, request: &Request) -> Flow<Input> {
        let head = &request.head;
        let authority = match head.version >= Version::HTTP_2 {
            true => head.authority.clone().unwrap_or_default().into(),
            false => Bytes::new(),
        };
        Flow {
            id: uuid::Uuid::new_v4().to_string(),
            client: None,
            server: None,
            request: recording::Request {
                method: Bytes::copy_from_slice(head.method.as_str().as_bytes()),
                scheme: Bytes::from_static(head.destination.scheme.name().as_bytes()),
                host: head.destination.host.clone().into(),
                port: head.destination.port,
                authority,
                path: head.path.clone().into(),
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

/// Hands one exchange in.
#[derive(Debug)]
pub(super) struct Saving {
    recorder: Recorder,
    label: u64,
    request: Option<Arc<ContentTap>>,
}

impl Saving {
    /// The number of the flow, for the log.
    pub(super) fn label(&self) -> u64 {
        self.label
    }

    pub(super) fn save(&self, mut flow: Flow<Input>) -> Settling {
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
pub(super) struct ContentTap {
    kept: Kept,
    number: u64,
    state: Mutex<TapState>,
}

#[derive(Debug, Default)]
struct TapState {
    trailers: recording::Fields,
    /// Whether it ended as its sender meant it to, and when.
    ended: Option<(bool, SystemTime)>,
}

impl ContentTap {
    fn new(kept: Kept, number: u64) -> Self {
        Self { kept, number, state: Mutex::default() }
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
    fn lock(&self) -> std::sync::MutexGuard<'_, TapState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for ContentTap {
    fn piece(&self, piece: &Bytes) {
        self.kept.add(piece.clone());
    }

    fn trailers(&self, trailers: &HeaderMap) {
        let owned = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (Bytes::copy_from_slice(name.as_str().as_bytes()), Bytes::copy_from_slice(value.as_bytes()))
        };
        self.lock().trailers = trailers.iter().map(owned).collect();
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.kept.poll_room(context)
    }

    fn end(&self, whole: bool) -> Option<Settling> {
        self.lock().ended = Some((whole, SystemTime::now()));
        if !whole {
            self.kept.break_off();
        }
        None
    }
}

/// Keeps a response's content, and hands the exchange in at its end.
#[derive(Debug)]
struct ResponseTap {
    content: ContentTap,
    since: SystemTime,
    saving: Saving,
    flow: Mutex<Option<Flow<Input>>>,
}

impl Tap for ResponseTap {
    fn piece(&self, piece: &Bytes) {
        self.content.piece(piece);
    }

    fn trailers(&self, trailers: &HeaderMap) {
        Tap::trailers(&self.content, trailers);
    }

    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.content.poll_room(context)
    }

    fn end(&self, whole: bool) -> Option<Settling> {
        self.content.end(whole);
        let mut flow = self.flow.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let response = flow.response.as_mut()?;
        let (content, ended_at) = self.content.outcome();
        response.content = content;
        response.ended_at = ended_at;
        response.trailers = self.content.trailers();
        match whole {
            true => response.pieces = self.content.kept.pieces(self.since),
            false => {
                let reason = "the response broke off".to_owned();
                flow.error = Some(Failure { reason, at: Some(seconds(SystemTime::now())) });
            }
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
        Body::Stored(_) | Body::Live(_) | Body::NotRecorded => Source::NotRecorded,
    })
}

/// What an answer that comes from another recording may have to be recorded again.
const LARGEST_COPY: u64 = 16 << 20;

fn lines(fields: &Fields) -> recording::Fields {
    fields.lines().map(|(name, value)| (name, Bytes::copy_from_slice(value.as_bytes()))).collect()
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
