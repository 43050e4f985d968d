//! Heads that are kept, without the buffers that they were received in.
//!
//! The values of a head are parts of what was read from the connection: to keep a few bytes of them keeps all of that, and has
//! the connection read into fresh memory for each request. So heads of a flow that has ended are written one after the other into
//! one piece of memory, and read from it when somebody looks.

use std::{cell::RefCell, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, uri::Authority};

use crate::{
    flow::{Destination, Fields, RequestHead, ResponseHead, Scheme, Target},
    spelling::Spelling,
};

/// The heads of a flow.
#[derive(Clone, Debug)]
pub(super) enum Heads {
    /// As they are used.
    Whole(Arc<RequestHead>, Option<Arc<ResponseHead>>),
    /// Written down. The head of a response may be somebody else's as well, who keeps it anyway.
    Written(Box<[u8]>, Option<Arc<ResponseHead>>),
}

impl Heads {
    /// The head of the request. Once written, its fields have lower-case names.
    pub(super) fn request(&self) -> Arc<RequestHead> {
        match self {
            Self::Whole(request, _) => request.clone(),
            Self::Written(bytes, _) => Arc::new(Reader(bytes).request()),
        }
    }

    /// The head of the response, if there is one that is looked at. Once written, its fields have lower-case names.
    pub(super) fn response(&self) -> Option<Arc<ResponseHead>> {
        match self {
            Self::Whole(_, response) | Self::Written(_, response @ Some(_)) => response.clone(),
            Self::Written(bytes, None) => {
                let mut reader = Reader(bytes);
                reader.request();
                reader.response().map(Arc::new)
            }
        }
    }

    /// Keeps the head of a response, or none.
    pub(super) fn set_response(&mut self, head: Option<Arc<ResponseHead>>) {
        if let Self::Whole(_, response) = self {
            *response = head;
        }
    }

    /// Bytes that are written.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Whole(..) => 0,
            Self::Written(bytes, _) => bytes.len(),
        }
    }

    /// The same, written down: with the head of the response too, if that is of a server.
    pub(super) fn written(&self, is_of_server: bool) -> Self {
        match self {
            Self::Whole(request, response) if is_of_server => {
                Self::Written(written(request, response.as_deref()), None)
            }
            Self::Whole(request, response) => Self::Written(written(request, None), response.clone()),
            Self::Written(..) => self.clone(),
        }
    }
}

fn written(request: &RequestHead, response: Option<&ResponseHead>) -> Box<[u8]> {
    thread_local! {
        /// Where they are written first, as their length is only known then.
        static DRAFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    DRAFT.with_borrow_mut(|draft| {
        draft.clear();
        write(draft, request, response);
        let bytes = Box::from(draft.as_slice());
        draft.shrink_to(LARGEST_DRAFT);
        bytes
    })
}

/// What is kept of a draft: most heads have room in it.
const LARGEST_DRAFT: usize = 16 << 10;

fn write(bytes: &mut Vec<u8>, request: &RequestHead, response: Option<&ResponseHead>) {
    put(bytes, request.method.as_str().as_bytes());
    let destination = &request.destination;
    bytes.push((destination.scheme() == Scheme::Https).into());
    put(bytes, destination.host().as_bytes());
    bytes.extend_from_slice(&destination.port().to_le_bytes());
    put_optional(bytes, request.authority.as_ref().map(|authority| authority.as_str().as_bytes()));
    put(bytes, request.target.as_str().as_bytes());
    bytes.extend_from_slice(&[version(request.version), request.accepts_trailers.into()]);
    put_optional(bytes, request.upgrade.as_ref().map(HeaderValue::as_bytes));
    put_fields(bytes, &request.fields);
    bytes.push(response.is_some().into());
    if let Some(response) = response {
        bytes.extend_from_slice(&response.status.as_u16().to_le_bytes());
        put_optional(bytes, response.reason.as_deref());
        bytes.push(version(response.version));
        put_fields(bytes, &response.fields);
    }
}

/// Writes bytes behind their number, which no head has more of than fits.
fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or_default().to_le_bytes());
    bytes.extend_from_slice(part);
}

fn put_optional(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    bytes.push(part.is_some().into());
    if let Some(part) = part {
        put(bytes, part);
    }
}

fn put_fields(bytes: &mut Vec<u8>, fields: &Fields) {
    let map = fields.map();
    bytes.extend_from_slice(&u32::try_from(map.len()).unwrap_or_default().to_le_bytes());
    for (name, value) in map {
        put(bytes, name.as_str().as_bytes());
        put(bytes, value.as_bytes());
    }
}

fn version(version: Version) -> u8 {
    match version {
        Version::HTTP_09 => 0,
        Version::HTTP_10 => 1,
        Version::HTTP_2 => 3,
        Version::HTTP_3 => 4,
        _ => 2,
    }
}

/// What is left of heads that were written. What it reads is what was there when they were written.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn request(&mut self) -> RequestHead {
        let method = Method::from_bytes(self.part()).unwrap_or_default();
        let scheme = if self.is_there() { Scheme::Https } else { Scheme::Http };
        let host = self.text().to_owned();
        let destination = Destination::again(scheme, host, u16::from_le_bytes(self.array()));
        let authority = self.optional().and_then(|authority| Authority::try_from(authority).ok());
        let target = match self.text() {
            "" => Target::Tunnel,
            text => Target::parse(text).unwrap_or(Target::Asterisk),
        };
        let version = self.version();
        let accepts_trailers = self.is_there();
        let upgrade = self.optional().and_then(|value| HeaderValue::from_bytes(value).ok());
        let fields = self.fields();
        RequestHead { method, destination, authority, target, version, fields, accepts_trailers, upgrade }
    }

    fn response(&mut self) -> Option<ResponseHead> {
        if !self.is_there() {
            return None;
        }
        let status = StatusCode::from_u16(u16::from_le_bytes(self.array())).ok()?;
        let reason = self.optional().map(Bytes::copy_from_slice);
        Some(ResponseHead { status, reason, version: self.version(), fields: self.fields() })
    }

    fn fields(&mut self) -> Fields {
        let lines = u32::from_le_bytes(self.array());
        let mut map = HeaderMap::new();
        for _ in 0..lines {
            let (name, value) = (HeaderName::from_bytes(self.part()), HeaderValue::from_bytes(self.part()));
            if let (Ok(name), Ok(value)) = (name, value) {
                // There is room for what was in a map before.
                let _ = map.try_append(name, value);
            }
        }
        Fields::new(map, Spelling::default())
    }

    fn version(&mut self) -> Version {
        match self.array() {
            [0] => Version::HTTP_09,
            [1] => Version::HTTP_10,
            [3] => Version::HTTP_2,
            [4] => Version::HTTP_3,
            [_] => Version::HTTP_11,
        }
    }

    fn optional(&mut self) -> Option<&[u8]> {
        self.is_there().then(|| self.part())
    }

    fn is_there(&mut self) -> bool {
        self.array() == [1]
    }

    fn text(&mut self) -> &str {
        std::str::from_utf8(self.part()).unwrap_or_default()
    }

    fn part(&mut self) -> &[u8] {
        let len = u32::from_le_bytes(self.array()) as usize;
        let (part, rest) = self.0.split_at_checked(len).unwrap_or_default();
        self.0 = rest;
        part
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (array, rest) = self.0.split_first_chunk().map_or(([0; N], &[][..]), |(array, rest)| (*array, rest));
        self.0 = rest;
        array
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Body, samples};

    #[test]
    fn what_was_written_says_the_same() {
        let mut request = (*samples::request(Body::Empty).head).clone();
        for value in ["a", "", "bb"] {
            request.fields.add(http::header::ACCEPT, HeaderValue::from_static(value));
        }
        request.upgrade = Some(HeaderValue::from_static("websocket"));
        let response = ResponseHead {
            status: StatusCode::IM_A_TEAPOT,
            reason: Some(Bytes::from_static(b"short")),
            version: Version::HTTP_2,
            fields: request.fields.clone(),
        };
        let whole = Heads::Whole(Arc::new(request.clone()), Some(Arc::new(response.clone())));
        assert!(matches!(whole.written(false), Heads::Written(_, Some(_))));
        let heads = whole.written(true);
        assert!(matches!(heads, Heads::Written(_, None)));
        let (read, answered) = (heads.request(), heads.response().unwrap());
        assert_eq!(read.fields.map(), request.fields.map());
        assert_eq!(
            (read.shown(), &read.target, &read.destination),
            (request.shown(), &request.target, &request.destination)
        );
        assert_eq!((&read.authority, &read.upgrade), (&request.authority, &request.upgrade));
        assert_eq!((&read.method, read.version), (&request.method, request.version));
        assert_eq!((answered.status, &answered.reason), (response.status, &response.reason));
        assert_eq!((answered.version, answered.fields.map()), (response.version, response.fields.map()));
    }

    #[test]
    fn a_tunnel_has_no_target_and_may_have_no_response() {
        let mut request = (*samples::request(Body::Empty).head).clone();
        (request.method, request.target, request.authority) = (Method::CONNECT, Target::Tunnel, None);
        let heads = Heads::Whole(Arc::new(request), None).written(true);
        assert_eq!((&heads.request().method, &heads.request().target), (&Method::CONNECT, &Target::Tunnel));
        assert!(heads.request().authority.is_none() && heads.response().is_none());
    }
}
