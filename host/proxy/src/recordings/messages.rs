//! Recorded exchanges as messages that addons see and clients get.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, uri::Authority};
use recording::{Beat, Content, Exchange, Pace, Recording};

use super::{
    paced::{Broken, BrokenEnd, Paced},
    remembered::Remembered,
};
use crate::{
    flow::{
        Body, Destination, Fields, FlowId, Framing, Note, OutgoingStream, Request, RequestHead, Response, ResponseHead,
        Scheme, Stored, Target,
    },
    spelling::Spelling,
};

/// A recording whose exchanges can be had as flows' requests and responses.
#[derive(Debug)]
pub struct RecordedFlows {
    recording: Recording,
    /// Heads of responses as clients get them, made when they are first asked for.
    response_heads: Vec<OnceLock<(Arc<ResponseHead>, Framing)>>,
    /// What is noted of flows that are answered from here, made when it is first needed.
    notes: Vec<OnceLock<Arc<Note>>>,
    /// Pieces of bodies of responses that were sent lately, by the position and where in the body they begin.
    bodies: Remembered<(usize, u64), Bytes>,
}

/// Bodies are kept in memory for a while by pieces of this size, and so many bytes of them: to read one takes longer than to
/// send it.
const PIECE: u64 = 64 << 10;
const MOST_KEPT: usize = 16 << 20;

impl RecordedFlows {
    /// The flows of a recording.
    pub fn new(recording: Recording) -> Self {
        let response_heads = recording.exchanges().iter().map(|_| OnceLock::new()).collect();
        let notes = recording.exchanges().iter().map(|_| OnceLock::new()).collect();
        Self { recording, response_heads, notes, bodies: Remembered::new(MOST_KEPT) }
    }

    /// The recording.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Notes that a flow is answered by an addon with the exchange at a position.
    pub fn note(&self, position: usize, addon: &str, request: &Request) {
        let Some((exchange, note)) = self.recording.exchanges().get(position).zip(self.notes.get(position)) else {
            return;
        };
        let make = || {
            let path = self.recording.path();
            let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            let data = serde_json::json!({ "file": path.to_string_lossy(), "flow": exchange.number });
            let text = oneline::escaped(&format!("flow {} of {file}", exchange.number));
            Arc::new(Note { addon: addon.into(), name: "replayed".to_owned(), text, data: Some(data.to_string()) })
        };
        // Refused only where an addon has noted very much of the flow.
        let _ = request.notes.share(note.get_or_init(make).clone());
    }

    /// What a message of the exchange at a position takes beside its head: its trailers, and the times of its pieces.
    pub fn held_for(&self, position: usize) -> usize {
        let Some(exchange) = self.recording.exchanges().get(position) else { return 0 };
        let trailers = |trailers: &recording::Fields| {
            trailers.iter().map(|(name, value)| name.len() + value.len() + TRAILER).sum::<usize>()
        };
        let of_response = exchange.response.as_ref().map_or(0, |response| {
            trailers(&response.trailers).saturating_add(response.pieces.len().saturating_mul(size_of::<Beat>()))
        });
        trailers(&exchange.request.trailers).max(of_response)
    }

    /// The request of the exchange at a position. Its flow number is 0. Nothing where there is none, or none that HTTP can
    /// carry now.
    pub fn request(self: &Arc<Self>, position: usize) -> Option<Request> {
        let recorded = &self.recording.exchanges().get(position)?.request;
        let scheme = Scheme::parse(&text(&recorded.scheme)).unwrap_or(Scheme::Http);
        let (map, _) = header_map(&recorded.fields);
        let fields = Fields::new(map, Spelling::default());
        // It names no host, and no client can send it again.
        if fields.map().get_all(header::HOST).iter().count() > 1 {
            return None;
        }
        // In HTTP/1 an absolute-form target is not recorded, so the field is what names the host.
        let named = if recorded.version >= Version::HTTP_2 && !recorded.authority.is_empty() {
            Some(recorded.authority.to_vec())
        } else {
            fields.joined("host")
        };
        let method = Method::from_bytes(&recorded.method).unwrap_or(Method::GET);
        let target = match &*recorded.path {
            b"" if method == Method::CONNECT => Target::Tunnel,
            path => Target::of_bytes(path)?,
        };
        let head = RequestHead {
            method,
            destination: Destination::new(scheme, &text(&recorded.host), recorded.port).ok()?,
            authority: named.and_then(|named| Authority::try_from(named).ok()),
            target,
            version: recorded.version,
            fields,
            accepts_trailers: false,
            upgrade: None,
        };
        let body = self.body(None, &recorded.content, &recorded.trailers, Vec::new());
        let mut request = Request::new(FlowId(0), head, body);
        request.received_at = time(recorded.started_at);
        Some(request)
    }

    /// The response of the exchange at a position, if it has a complete one: as recorded, but for the fields that
    /// concerned the recorded connection only.
    pub fn response(self: &Arc<Self>, position: usize, pace: Pace) -> Option<Response> {
        let exchange = self.recording.exchanges().get(position).filter(|exchange| exchange.is_answered())?;
        self.response_of(exchange, position, pace, None)
    }

    /// The same for a response that broke off, with how it ends.
    pub fn broken_response(self: &Arc<Self>, position: usize, pace: Pace, end: BrokenEnd) -> Option<Response> {
        let exchange = self.recording.exchanges().get(position).filter(|exchange| exchange.is_broken())?;
        self.response_of(exchange, position, pace, Some(end))
    }

    fn response_of(
        self: &Arc<Self>,
        exchange: &Exchange,
        position: usize,
        pace: Pace,
        end: Option<BrokenEnd>,
    ) -> Option<Response> {
        let recorded = exchange.response.as_ref()?;
        let (head, framing) = self.response_heads.get(position)?.get_or_init(|| {
            let fields = fields(&recorded.fields);
            let status = StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::BAD_GATEWAY);
            let usual = status.canonical_reason().unwrap_or_default().as_bytes();
            let reason = Some(&recorded.reason).filter(|reason| !reason.is_empty() && reason.as_ref() != usual);
            let head = ResponseHead { status, reason: reason.cloned(), version: recorded.version, fields };
            (Arc::new(head), framing(recorded))
        });
        let body = match &recorded.content {
            // Only a bodiless exchange is answered without content.
            Content::NotRecorded => Body::Empty,
            content if end.is_none() => self.body(Some(position), content, &recorded.trailers, beats(recorded, pace)),
            content => Body::Stored(Arc::new(RecordedBody {
                recording: self.clone(),
                position: None,
                content: content.clone(),
                size: content.size().unwrap_or_default(),
                trailers: None,
                beats: beats(recorded, pace).into(),
                broken: end.map(|end| Broken { end, announced: announced(&recorded.fields) }),
            })),
        };
        let mut response = Response::received(time(exchange.recorded_at()), head.clone(), body);
        let asked_at = exchange.request.ended_at.unwrap_or(exchange.request.started_at);
        response.framing = *framing;
        response.latency = pace.delay(recorded.started_at - asked_at);
        Some(response)
    }

    /// A recorded content: with its position, that of a response.
    fn body(
        self: &Arc<Self>,
        position: Option<usize>,
        content: &Content,
        trailers: &recording::Fields,
        beats: Vec<Beat>,
    ) -> Body {
        let Some(size) = content.size() else { return Body::Gone };
        let is_plain = trailers.is_empty() && beats.is_empty();
        let whole = position.filter(|_| is_plain && size <= PIECE);
        let kept = whole.and_then(|position| self.bodies.get(&(position, 0)));
        match (content, kept) {
            _ if size == 0 && trailers.is_empty() => Body::Empty,
            (Content::Held(bytes), _) if is_plain => Body::Bytes(bytes.clone()),
            (_, Some(bytes)) => Body::Bytes(bytes),
            _ => Body::Stored(Arc::new(RecordedBody {
                recording: self.clone(),
                position,
                content: content.clone(),
                size,
                trailers: (!trailers.is_empty()).then(|| header_map(trailers).0),
                beats: beats.into(),
                broken: None,
            })),
        }
    }
}

/// When the pieces of a response's body are sent.
fn beats(recorded: &recording::Response<Content>, pace: Pace) -> Vec<Beat> {
    match (recorded.content.size(), recorded.ended_at) {
        (Some(size), Some(ended_at)) if recorded.pieces.is_empty() => pace.spread(size, ended_at - recorded.started_at),
        _ => pace.beats(&recorded.pieces),
    }
}

/// How the end of a response was told. A client may wait for all that a length announces before it looks at the first event of
/// a stream, whatever its recorder wrote.
fn framing(recorded: &recording::Response<Content>) -> Framing {
    let is = |name: &str, expected: &[u8]| {
        recorded.fields.get(name).is_some_and(|value| {
            let value = value.split(|&byte| byte == b';').next().unwrap_or_default();
            value.trim_ascii().eq_ignore_ascii_case(expected)
        })
    };
    let has_no_length = recorded.version >= Version::HTTP_2 && recorded.fields.get("content-length").is_none();
    let is_open = is("transfer-encoding", b"chunked") || is("content-type", b"text/event-stream") || has_no_length;
    if is_open { Framing::End } else { Framing::Length }
}

/// A body that stays in the file until it is sent.
#[derive(Debug)]
struct RecordedBody {
    recording: Arc<RecordedFlows>,
    /// Which response's it is, if its pieces are to be kept in memory for a while.
    position: Option<usize>,
    content: Content,
    size: u64,
    trailers: Option<HeaderMap>,
    beats: Arc<[Beat]>,
    /// How it ends, if it broke off.
    broken: Option<Broken>,
}

impl Stored for RecordedBody {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, limit: usize) -> io::Result<Bytes> {
        // Kept is what is read to be sent; what addons read may begin and end elsewhere.
        let length = PIECE.min(self.size.saturating_sub(offset));
        let is_piece =
            offset.is_multiple_of(PIECE) && (limit as u64 == PIECE || length == self.size && limit as u64 >= length);
        let place = self.position.filter(|_| is_piece).map(|position| (position, offset));
        if let Some(kept) = place.and_then(|place| self.recording.bodies.get(&place)) {
            return Ok(kept);
        }
        let recording = self.recording.recording();
        let read = if offset == 0 && limit as u64 >= self.size {
            recording.read(&self.content)
        } else {
            recording.read_at(&self.content, offset, limit)
        };
        if let (Some(place), Ok(bytes)) = (place, &read)
            && bytes.len() as u64 == length
        {
            self.recording.bodies.put(place, bytes.clone(), bytes.len());
        }
        read.map_err(|error| io::Error::other(oneline::chain(&error)))
    }

    fn trailers(&self) -> Option<HeaderMap> {
        self.trailers.clone()
    }

    fn stream(self: Arc<Self>) -> Option<OutgoingStream> {
        let (beats, broken) = (self.beats.clone(), self.broken);
        let is_at_once = beats.is_empty() && broken.is_none();
        (!is_at_once).then(|| Box::pin(Paced::new(self, beats).broken(broken)) as OutgoingStream)
    }
}

/// The length that a response said it had.
fn announced(fields: &recording::Fields) -> Option<u64> {
    std::str::from_utf8(fields.get("content-length")?).ok()?.trim().parse().ok()
}

/// What a field after a content takes beside its bytes.
const TRAILER: usize = 128;

/// The fields by name, and their names in that order as they were written. What HTTP does not allow was refused when
/// the recording was opened.
fn header_map(fields: &recording::Fields) -> (HeaderMap, impl Iterator<Item = &[u8]>) {
    let mut map = HeaderMap::try_with_capacity(fields.len()).unwrap_or_default();
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_maybe_shared(value.clone())) {
            // A head has fewer fields than a map can hold: what it may have in bytes is bounded when it is read.
            let _ = map.try_append(name, value);
        }
    }
    (map, fields.iter().map(|(name, _)| name.as_ref()))
}

/// The fields of a recorded response, but for those that concerned the recorded connection only.
pub(super) fn fields(recorded: &recording::Fields) -> Fields {
    let (map, names) = header_map(recorded);
    let mut fields = Fields::new(map, Spelling::of(names));
    fields.remove_hop_by_hop();
    fields
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The time of a recording's seconds since the epoch; the epoch for what no clock shows.
pub(super) fn time(seconds: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}
