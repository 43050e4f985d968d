//! Flow files of mitmproxy: records one after the other, without a header, an index or separators.
//!
//! `record` and `message` make an exchange of one record whatever its version, with `metadata` and `conversation` for what lies
//! beside its messages; `tnetstring` is the framing of records. For tools, `frames` walks over flows to copy them, and `details`
//! reads what only tools ask about.

use std::path::Path;

use crate::{
    model::Exchange,
    reading::{BrokenTail, Flows, Invalid, Progress, RecordingError, Skipped, Window, heads::Heads},
};

mod conversation;
mod details;
mod frames;
mod message;
mod metadata;
mod record;
mod tnetstring;

pub use details::Details;
pub use frames::{FlowFile, FlowFrame, FlowFrames};
pub(crate) use metadata::PIECES_LIMIT;
pub use metadata::RESPONSE_PIECES;
pub use record::FlowProtocol;

use record::{Record, Support, Version};
use tnetstring::{Flaw, Frame, Kind, Reader, Trouble};

/// Reads the flows of the file behind `window`; `path` is for messages.
pub(crate) fn load(
    path: &Path,
    window: Window<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Flows, RecordingError> {
    let mut reader = Reader::new(window);
    let mut heads = Heads::new();
    let mut loaded = Flows::default();
    let size = reader.size();
    let (mut at, mut flows) = (0, 0);
    while at < size {
        let flow = match next_flow(&mut reader, at) {
            Ok(flow) => flow,
            Err(Trouble::Io { offset, source }) => {
                return Err(RecordingError::reading(path, offset, source));
            }
            Err(Trouble::Flaw(flaw)) if flows == 0 => {
                return Err(RecordingError::NoWholeFlow { path: path.into(), offset: flaw.offset, reason: flaw.what });
            }
            Err(Trouble::Flaw(flaw)) => {
                loaded.broken_tail = Some(BrokenTail { offset: at, unread_bytes: size - at, reason: flaw.what });
                break;
            }
        };
        flows += 1;
        match read_flow(&mut reader, &mut heads, flow, flows) {
            Ok(Outcome::Exchange(exchange)) => loaded.exchanges.push(*exchange),
            Ok(Outcome::Skipped(protocol)) => skip(&mut loaded.skipped, protocol),
            Ok(Outcome::Refused(version)) => return Err(unsupported(path, flows, at, version)),
            Err(Trouble::Io { offset, source }) => {
                return Err(RecordingError::reading(path, offset, source));
            }
            Err(Trouble::Flaw(Flaw { offset, what })) => {
                loaded.skipped.invalid.push(Invalid { number: flows, offset, reason: what })
            }
        }
        at = flow.next();
        if flows.is_multiple_of(FLOWS_PER_PROGRESS) {
            progress(Progress { read_bytes: at, total_bytes: size, flows });
        }
    }
    progress(Progress { read_bytes: at, total_bytes: size, flows });
    Ok(loaded)
}

/// How many whole flows a file starts with, and where they end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WholeFlows {
    pub(crate) count: usize,
    pub(crate) end: u64,
    /// What follows them, unless it is the end of the file.
    pub(crate) flaw: Option<String>,
}

/// Counts the flows of the file behind `window`. Only their frames are looked at.
pub(crate) fn whole_flows(path: &Path, window: Window<'_>) -> Result<WholeFlows, RecordingError> {
    let mut reader = Reader::new(window);
    let mut whole = WholeFlows { count: 0, end: 0, flaw: None };
    while whole.end < reader.size() {
        match next_flow(&mut reader, whole.end) {
            Ok(flow) => whole = WholeFlows { count: whole.count + 1, end: flow.next(), flaw: None },
            Err(Trouble::Io { offset, source }) => return Err(RecordingError::reading(path, offset, source)),
            Err(Trouble::Flaw(flaw)) => {
                whole.flaw = Some(flaw.what);
                break;
            }
        }
    }
    Ok(whole)
}

/// The frame of the flow at `at`. A flaw in it means that the next flow cannot be found either.
fn next_flow(reader: &mut Reader<'_>, at: u64) -> Result<Frame, Trouble> {
    let frame = reader.frame(at, reader.size())?;
    match frame.kind {
        Kind::Dict => Ok(frame),
        kind => Err(Trouble::flaw(at, format!("a flow should be a dict, found {}", kind.name()))),
    }
}

enum Outcome {
    Exchange(Box<Exchange>),
    Skipped(FlowProtocol),
    Refused(Version),
}

/// Reads one whole flow, the `number`th of its file. A flaw in it concerns no other flow.
fn read_flow(reader: &mut Reader<'_>, heads: &mut Heads, flow: Frame, number: usize) -> Result<Outcome, Trouble> {
    let record = Record::read(reader, flow)?;
    let version = record.version(reader)?;
    if version.support() != Support::Supported {
        return Ok(Outcome::Refused(version));
    }
    Ok(match record.protocol(reader)? {
        FlowProtocol::Http => Outcome::Exchange(Box::new(record.exchange(reader, heads, number)?)),
        protocol => Outcome::Skipped(protocol),
    })
}

/// A version that is not supported refuses the whole file: leaving out the flows of another recorder would go unnoticed.
fn unsupported(path: &Path, number: usize, offset: u64, version: Version) -> RecordingError {
    let path = path.into();
    let is_new = version.support() == Support::TooNew;
    let version = version.to_string();
    if is_new {
        RecordingError::VersionTooNew { path, number, offset, version }
    } else {
        RecordingError::VersionTooOld { path, number, offset, version }
    }
}

/// Counts a flow of another protocol.
fn skip(skipped: &mut Skipped, protocol: FlowProtocol) {
    let count = match protocol {
        FlowProtocol::Tcp => &mut skipped.tcp,
        FlowProtocol::Udp => &mut skipped.udp,
        FlowProtocol::Dns => &mut skipped.dns,
        FlowProtocol::WebSocket => &mut skipped.websocket,
        FlowProtocol::Http | FlowProtocol::Unknown => &mut skipped.unknown,
    };
    *count += 1;
}

const FLOWS_PER_PROGRESS: usize = 256;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
