//! What comes of reading a recording.

use std::{collections::BTreeMap, fmt};

use crate::model::Exchange;

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

/// All there is in a recording.
#[derive(Default)]
pub(crate) struct Flows {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) skipped: Skipped,
    pub(crate) broken_tail: Option<BrokenTail>,
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
}
