//! A flow file: records one after the other, without a header, an index or separators.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::RecordingError;
use super::heads::Heads;
use super::model::Exchange;
use super::record::{Protocol, Record, Support, Version};
use super::tnetstring::{Flaw, Frame, Kind, Reader, Trouble};
use super::window::Window;

/// How far the reading of a recording has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The bytes that were read or jumped over.
    pub read_bytes: u64,
    /// The size of the file.
    pub total_bytes: u64,
    /// The flows seen, of all protocols.
    pub flows: usize,
}

/// The flows of a recording that are not among its exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// TCP flows.
    pub tcp: usize,
    /// UDP flows.
    pub udp: usize,
    /// DNS flows.
    pub dns: usize,
    /// Messages of WebSockets apart from their handshakes, as old files have them.
    pub websocket: usize,
    /// Flows of protocols that are not known here.
    pub unknown: usize,
    /// Entries of a HAR file that are no HTTP exchange, such as failed requests: their count by the reason.
    pub others: BTreeMap<String, usize>,
    /// HTTP flows that cannot be used, and damaged flows.
    pub invalid: Vec<Invalid>,
}

/// A flow that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The position of the flow in its file, from 1.
    pub number: usize,
    /// Where in the file the reason is.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flow {}, byte {}: {}", self.number, self.offset, self.reason)
    }
}

/// The damage that ends a file early. What comes after it is not read, because nothing says where the next flow starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenTail {
    /// Where the last whole flow ends.
    pub offset: u64,
    /// How many bytes from there on are left out.
    pub unread_bytes: u64,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for BrokenTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, unread_bytes, reason } = self;
        write!(f, "the last {unread_bytes} bytes, from byte {offset} on, are no whole flow: {reason}")
    }
}

/// All there is in a flow file.
#[derive(Default)]
pub(super) struct Flows {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) skipped: Skipped,
    pub(super) broken_tail: Option<BrokenTail>,
}

/// Reads the flows of the file behind `window`; `path` is for messages.
pub(super) fn load(
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
            Ok(Outcome::Skipped(protocol)) => loaded.skipped.count(protocol),
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
pub(super) struct WholeFlows {
    pub(super) count: usize,
    pub(super) end: u64,
    /// What follows them, unless it is the end of the file.
    pub(super) flaw: Option<String>,
}

/// Counts the flows of the file behind `window`. Only their frames are looked at.
pub(super) fn whole_flows(path: &Path, window: Window<'_>) -> Result<WholeFlows, RecordingError> {
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
pub(super) fn next_flow(reader: &mut Reader<'_>, at: u64) -> Result<Frame, Trouble> {
    let frame = reader.frame(at, reader.size())?;
    match frame.kind {
        Kind::Dict => Ok(frame),
        kind => Err(Trouble::flaw(at, format!("a flow should be a dict, found {}", kind.name()))),
    }
}

enum Outcome {
    Exchange(Box<Exchange>),
    Skipped(Protocol),
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
        Protocol::Http => Outcome::Exchange(Box::new(record.exchange(reader, heads, number)?)),
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

impl Skipped {
    /// Each kind that occurs, with its count, such as `2 TCP flows`.
    pub fn reasons(&self) -> Vec<String> {
        let counts = [
            (self.tcp, "TCP flow"),
            (self.udp, "UDP flow"),
            (self.dns, "DNS flow"),
            (self.websocket, "WebSocket record"),
            (self.unknown, "flow of an unknown type"),
        ];
        let counted = counts.into_iter().filter(|&(count, _)| count > 0).map(|(count, what)| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {}", what.replacen("flow", "flows", 1).replacen("record", "records", 1)),
        });
        let others = self.others.iter().map(|(reason, count)| match count {
            1 => format!("1 entry: {reason}"),
            _ => format!("{count} entries: {reason}"),
        });
        counted.chain(others).chain(self.invalid.iter().map(ToString::to_string)).collect()
    }

    fn count(&mut self, protocol: Protocol) {
        let count = match protocol {
            Protocol::Tcp => &mut self.tcp,
            Protocol::Udp => &mut self.udp,
            Protocol::Dns => &mut self.dns,
            Protocol::WebSocket => &mut self.websocket,
            Protocol::Http | Protocol::Unknown => &mut self.unknown,
        };
        *count += 1;
    }
}

const FLOWS_PER_PROGRESS: usize = 256;

#[cfg(test)]
mod tests;
