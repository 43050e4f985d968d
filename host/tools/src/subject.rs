//! Flows as filters see them.

use std::{borrow::Cow, cell::RefCell};

use bytes::Bytes;
use flowfilter::{Message, Protocol, Side, Target};
use http::Version;
use recording::{Content, Details, Exchange, Fields, FlowProtocol, Recording, RecordingError};

use super::{decode, input};

/// A flow of a recording, for filters.
pub(super) struct Subject<'r> {
    recording: &'r Recording,
    exchange: Option<&'r Exchange>,
    details: Option<&'r Details>,
    /// Why a body could not be read. The answer of the filter is worth nothing then.
    failure: RefCell<Option<RecordingError>>,
}

impl<'r> Subject<'r> {
    /// A flow of this recording: an exchange, or what is known of a flow that is none.
    pub(super) fn new(recording: &'r Recording, exchange: Option<&'r Exchange>, details: Option<&'r Details>) -> Self {
        Self { recording, exchange, details, failure: RefCell::default() }
    }

    /// Whether a filter matches it.
    pub(super) fn matches(&self, filter: &flowfilter::Filter) -> Result<bool, RecordingError> {
        let matches = filter.matches(self);
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(matches),
        }
    }

    fn read(&self, content: &Content) -> Option<Bytes> {
        content.size()?;
        self.recording.read(content).map_err(|failure| self.failure.replace(Some(failure))).ok()
    }

    fn detail<'s>(&'s self, of: fn(&Details) -> &String) -> Cow<'s, str> {
        self.details.map_or(Cow::Borrowed(""), |details| Cow::Borrowed(of(details)))
    }

    fn message(&self, side: Side) -> Option<(&'r Fields, &'r Content)> {
        let exchange = self.exchange?;
        match side {
            Side::Request => Some((&exchange.request.fields, &exchange.request.content)),
            Side::Response => exchange.response.as_ref().map(|response| (&response.fields, &response.content)),
        }
    }
}

impl flowfilter::Subject for Subject<'_> {
    fn protocol(&self) -> Protocol {
        match (self.exchange, self.details.map(|details| details.protocol)) {
            (Some(_), _) => Protocol::Http,
            (None, Some(FlowProtocol::Tcp)) => Protocol::Tcp,
            (None, Some(FlowProtocol::Udp)) => Protocol::Udp,
            (None, Some(FlowProtocol::Dns)) => Protocol::Dns,
            // HTTP that is no exchange is damaged.
            (None, Some(FlowProtocol::Http | FlowProtocol::WebSocket | FlowProtocol::Unknown) | None) => {
                Protocol::Other
            }
        }
    }

    fn method(&self) -> Cow<'_, [u8]> {
        self.exchange.map(|exchange| Cow::Borrowed(&exchange.request.method[..])).unwrap_or_default()
    }

    fn target(&self) -> Option<Target<'_>> {
        let request = &self.exchange?.request;
        Some(Target {
            scheme: Cow::Borrowed(&request.scheme),
            host: Cow::Borrowed(&request.host),
            port: request.port,
            authority: Cow::Borrowed(&request.authority),
            path: Cow::Borrowed(&request.path),
            prefers_authority: request.version >= Version::HTTP_2,
        })
    }

    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8])) {
        for (name, value) in self.message(side).into_iter().flat_map(|(fields, _)| fields) {
            see(name, value);
        }
    }

    fn status(&self) -> Option<u16> {
        Some(self.exchange?.response.as_ref()?.status)
    }

    fn content(&self, side: Side) -> Option<Cow<'_, [u8]>> {
        let (fields, content) = self.message(side)?;
        let raw = self.read(content)?;
        let decoded = decode::decode(&raw, fields).unwrap_or(raw);
        Some(Cow::Owned(decoded.into()))
    }

    fn messages(&self, see: &mut dyn FnMut(Message<'_>) -> bool) {
        for message in input::messages(self.exchange, self.details) {
            if message.content == Content::NotRecorded {
                continue;
            }
            let Some(content) = self.read(&message.content) else { return };
            let side = if message.from_client { Side::Request } else { Side::Response };
            if see(Message { side, content: &content }) {
                return;
            }
        }
    }

    fn question(&self) -> Option<Cow<'_, str>> {
        Some(self.detail(|details| &details.question)).filter(|question| !question.is_empty())
    }

    fn is_answered(&self) -> bool {
        match self.exchange {
            Some(exchange) => exchange.response.is_some(),
            None => self.details.is_some_and(|details| details.is_answered),
        }
    }

    fn has_failed(&self) -> bool {
        self.exchange.is_some_and(|exchange| exchange.error.is_some())
            || self.details.is_some_and(|details| details.has_failed)
    }

    fn is_websocket(&self) -> bool {
        self.exchange.is_some_and(|exchange| exchange.is_websocket)
    }

    fn replayed(&self) -> Option<Side> {
        match self.details?.replayed.as_str() {
            "request" => Some(Side::Request),
            "response" => Some(Side::Response),
            _ => None,
        }
    }

    fn marker(&self) -> Cow<'_, str> {
        self.detail(|details| &details.marker)
    }

    fn comment(&self) -> Cow<'_, str> {
        self.detail(|details| &details.comment)
    }

    fn metadata(&self) -> Cow<'_, str> {
        self.detail(|details| &details.metadata)
    }

    fn source(&self) -> Option<Cow<'_, str>> {
        Some(self.detail(|details| &details.source)).filter(|address| !address.is_empty())
    }

    fn destination(&self) -> Option<Cow<'_, str>> {
        Some(self.detail(|details| &details.destination)).filter(|address| !address.is_empty())
    }
}
