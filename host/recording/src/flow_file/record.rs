//! One record of a flow file, whatever its version.
//!
//! Every version is read the same way: values are looked up by all the names they ever had, unknown ones are ignored, and
//! missing ones have a default unless an exchange makes no sense without them.

use std::fmt;

use super::{
    conversation, message, metadata,
    tnetstring::{Frame, Kind, Reader, Trouble},
};
use crate::{
    model::{Content, Exchange, Failure, Flow, Response},
    reading::heads::Heads,
};

/// The values of a record that matter here, not read yet.
#[derive(Default)]
pub(super) struct Record {
    version: Option<Frame>,
    kind: Option<Frame>,
    id: Option<Frame>,
    error: Option<Frame>,
    request: Option<Frame>,
    response: Option<Frame>,
    websocket: Option<Frame>,
    metadata: Option<Frame>,
    /// Where the record starts, for messages.
    start: u64,
}

/// What a flow speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowProtocol {
    /// HTTP.
    Http,
    /// TCP that is nothing else.
    Tcp,
    /// UDP that is nothing else.
    Udp,
    /// DNS.
    Dns,
    /// The messages of a WebSocket apart from their handshake, as versions before 12 have them.
    WebSocket,
    /// Something that is not known here.
    Unknown,
}

impl FlowProtocol {
    pub(super) fn named(name: &[u8]) -> Self {
        match name {
            b"http" => Self::Http,
            b"tcp" => Self::Tcp,
            b"udp" => Self::Udp,
            b"dns" => Self::Dns,
            b"websocket" => Self::WebSocket,
            _ => Self::Unknown,
        }
    }
}

impl Record {
    pub(super) fn read(reader: &mut Reader<'_>, flow: Frame) -> Result<Self, Trouble> {
        let mut record = Self { start: flow.start, ..Self::default() };
        let mut dict = reader.inside(flow, Kind::Dict, "flow")?;
        while let Some((key, value)) = reader.entry(&mut dict)? {
            let slot = match reader.string(key, "key")? {
                b"version" => &mut record.version,
                b"type" => &mut record.kind,
                b"id" => &mut record.id,
                b"error" => &mut record.error,
                b"request" => &mut record.request,
                b"response" => &mut record.response,
                b"websocket" => &mut record.websocket,
                b"metadata" => &mut record.metadata,
                _ => continue,
            };
            *slot = value.present();
        }
        Ok(record)
    }

    pub(super) fn version(&self, reader: &mut Reader<'_>) -> Result<Version, Trouble> {
        let what = "flow's version";
        let Some(frame) = self.version else {
            return Err(Trouble::flaw(self.start, "the flow has no version"));
        };
        if frame.kind == Kind::Integer {
            return Ok(Version::Number(reader.integer(frame, what)?));
        }
        let mut list = reader.inside(frame, Kind::List, what)?;
        let mut parts = [0; 2];
        for part in &mut parts {
            let Some(item) = reader.item(&mut list)? else {
                return Err(Trouble::flaw(frame.start, "the flow's version has less than two parts"));
            };
            *part = reader.integer(item, what)?;
        }
        Ok(Version::Release(parts[0], parts[1]))
    }

    pub(super) fn protocol(&self, reader: &mut Reader<'_>) -> Result<FlowProtocol, Trouble> {
        let Some(frame) = self.kind else {
            return Err(Trouble::flaw(self.start, "the flow has no type"));
        };
        Ok(FlowProtocol::named(reader.string(frame, "flow's type")?))
    }

    /// The exchange of an HTTP record, the `number`th of its file.
    pub(super) fn exchange(
        &self,
        reader: &mut Reader<'_>,
        heads: &mut Heads,
        number: usize,
    ) -> Result<Exchange, Trouble> {
        let Some(request) = self.request else {
            return Err(Trouble::flaw(self.start, "the flow has no request"));
        };
        heads.begin();
        let request = message::request(reader, heads, request)?;
        let mut response = match self.response {
            Some(frame) => {
                heads.begin();
                Some(message::response(reader, heads, frame, request.started_at)?)
            }
            None => None,
        };
        if let (Some(response), Some(metadata)) = (&mut response, self.metadata) {
            response.pieces = metadata::pieces(reader, metadata, response.content.size())?;
        }
        let websocket = match self.websocket {
            Some(frame) => conversation::read(reader, frame, request.started_at)?,
            None => None,
        };
        let is_websocket = self.websocket.is_some() || response.as_ref().is_some_and(switches_to_websocket);
        let id = match self.id {
            Some(frame) => text(reader, frame, "flow's id")?,
            None => String::new(),
        };
        let error = self.failure(reader)?;
        let flow = Flow { id, client: None, server: None, request, response, error, websocket };
        Ok(Exchange { number, is_websocket, comparison: None, query_is_least: false, flow })
    }

    fn failure(&self, reader: &mut Reader<'_>) -> Result<Option<Failure>, Trouble> {
        let Some(frame) = self.error else {
            return Ok(None);
        };
        let (mut message, mut time) = (None, None);
        let mut dict = reader.inside(frame, Kind::Dict, "flow's error")?;
        while let Some((key, value)) = reader.entry(&mut dict)? {
            match reader.string(key, "key")? {
                b"msg" => message = value.present(),
                b"timestamp" => time = value.present(),
                _ => {}
            }
        }
        let reason = match message {
            Some(frame) => text(reader, frame, "error's message")?,
            None => "the recorder gave no reason".into(),
        };
        // Nothing depends on the time, so one that is none counts as missing.
        let at = message::time(reader, time, "error's time").or_else(Trouble::without_flaw)?;
        Ok(Some(Failure { reason, at }))
    }
}

/// Files before version 12 do not say so in the flow itself.
fn switches_to_websocket(response: &Response<Content>) -> bool {
    response.status == 101 && response.fields.lines("upgrade").any(|value| value.eq_ignore_ascii_case(b"websocket"))
}

fn text(reader: &mut Reader<'_>, frame: Frame, what: &str) -> Result<String, Trouble> {
    Ok(String::from_utf8_lossy(reader.string(frame, what)?).into_owned())
}

/// The version of a record: that of the recorder's release at first, a number of its own from 4 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Release(i64, i64),
    Number(i64),
}

/// How a version compares to those that are read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Support {
    Supported,
    TooOld,
    TooNew,
}

impl Version {
    pub(super) fn support(self) -> Support {
        match self {
            Self::Release(major, minor) if (major, minor) < (0, 11) => Support::TooOld,
            Self::Release(major, _) if major > 3 => Support::TooNew,
            Self::Number(number) if number < 4 => Support::TooOld,
            Self::Number(number) if number > 21 => Support::TooNew,
            Self::Release(..) | Self::Number(_) => Support::Supported,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release(major, minor) => write!(f, "{major}.{minor}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests;
