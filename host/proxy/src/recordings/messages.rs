//! Recorded exchanges as messages that addons see and clients get.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use recording::{Beat, Content, Pace, Recording};

use crate::flow::{
    Body, Destination, Fields, FlowId, Request, RequestHead, Response, ResponseHead, Scheme, Spelling, Stored,
};

/// A recording whose exchanges can be had as flows' requests and responses.
#[derive(Debug)]
pub struct RecordedFlows {
    recording: Recording,
    /// Heads of responses as clients get them, made when they are first asked for.
    response_heads: Vec<OnceLock<Arc<ResponseHead>>>,
}

impl RecordedFlows {
    /// The flows of a recording.
    pub fn new(recording: Recording) -> Self {
        let response_heads = recording.exchanges().iter().map(|_| OnceLock::new()).collect();
        Self { recording, response_heads }
    }

    /// The recording.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The request of the exchange at a position, if there is one. Its flow number is 0.
    pub fn request(self: &Arc<Self>, position: usize) -> Option<Request> {
        let recorded = &self.recording.exchanges().get(position)?.request;
        let scheme = Scheme::parse(&text(&recorded.scheme)).unwrap_or(Scheme::Http);
        let (map, _) = header_map(&recorded.fields);
        let host_field = Fields::new(map.clone(), Spelling::default()).joined("host").map(|host| text(&host));
        // In HTTP/1 an absolute-form target is not recorded, so the field is what names the host.
        let authority = match recorded.version >= Version::HTTP_2 && !recorded.authority.is_empty() {
            true => Some(text(&recorded.authority)),
            false => host_field,
        };
        let host = text(&recorded.host);
        let head = RequestHead {
            method: Method::from_bytes(&recorded.method).unwrap_or(Method::GET),
            destination: Destination { scheme, host: without_brackets(host), port: recorded.port },
            authority,
            path: text(&recorded.path),
            version: recorded.version,
            fields: Fields::new(map, Spelling::default()),
            accepts_trailers: false,
        };
        Some(Request {
            flow: FlowId(0),
            received_at: time(recorded.started_at),
            head: Arc::new(head),
            body: self.body(&recorded.content, &recorded.trailers, Vec::new()),
        })
    }

    /// The response of the exchange at a position, if it has a complete one: as recorded, but for the fields that
    /// concerned the recorded connection only.
    pub fn response(self: &Arc<Self>, position: usize, pace: Pace) -> Option<Response> {
        let exchange = self.recording.exchanges().get(position).filter(|exchange| exchange.is_answered())?;
        let recorded = exchange.response.as_ref()?;
        let head = self.response_heads.get(position)?.get_or_init(|| {
            let fields = fields(&recorded.fields);
            let status = StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::BAD_GATEWAY);
            let usual = status.canonical_reason().unwrap_or_default().as_bytes();
            let reason = Some(&recorded.reason).filter(|reason| !reason.is_empty() && reason.as_ref() != usual);
            Arc::new(ResponseHead { status, reason: reason.cloned(), version: recorded.version, fields })
        });
        let body = match &recorded.content {
            // Only a bodiless exchange is answered without content.
            Content::NotRecorded => Body::Empty,
            content => self.body(content, &recorded.trailers, pace.beats(&recorded.pieces)),
        };
        let mut response = Response::received(time(recorded.started_at), head.clone(), body);
        let asked_at = exchange.request.ended_at.unwrap_or(exchange.request.started_at);
        response.delay = pace.delay(recorded.started_at - asked_at);
        Some(response)
    }

    fn body(self: &Arc<Self>, content: &Content, trailers: &recording::Fields, beats: Vec<Beat>) -> Body {
        match (content, content.size()) {
            (_, None) => Body::NotRecorded,
            (_, Some(0)) if trailers.is_empty() => Body::Empty,
            (Content::Held(bytes), _) if trailers.is_empty() => Body::Bytes(bytes.clone()),
            (_, Some(size)) => Body::Stored(Arc::new(RecordedBody {
                recording: self.clone(),
                content: content.clone(),
                size,
                trailers: (!trailers.is_empty()).then(|| header_map(trailers).0),
                beats,
            })),
        }
    }
}

/// A body that stays in the file until it is sent.
#[derive(Debug)]
struct RecordedBody {
    recording: Arc<RecordedFlows>,
    content: Content,
    size: u64,
    trailers: Option<HeaderMap>,
    beats: Vec<Beat>,
}

impl Stored for RecordedBody {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, limit: usize) -> io::Result<Bytes> {
        let read = match offset == 0 && limit as u64 >= self.size {
            true => self.recording.recording().read(&self.content),
            false => self.recording.recording().read_at(&self.content, offset, limit),
        };
        read.map_err(|error| io::Error::other(oneline::chain(&error)))
    }

    fn trailers(&self) -> Option<HeaderMap> {
        self.trailers.clone()
    }

    fn beats(&self) -> &[Beat] {
        &self.beats
    }
}

/// The fields by name, and their names in that order as they were written. What HTTP does not allow was refused when
/// the recording was opened.
fn header_map(fields: &recording::Fields) -> (HeaderMap, impl Iterator<Item = &[u8]>) {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_maybe_shared(value.clone())) {
            map.append(name, value);
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

fn without_brackets(host: String) -> String {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) if inner.parse::<IpAddr>().is_ok() => inner.to_owned(),
        _ => host,
    }
}

/// Recorded times were checked to be finite and not negative.
pub(super) fn time(seconds: f64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
