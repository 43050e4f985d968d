//! gRPC: messages with a length before each.

use super::{hex, protobuf};
use crate::view::amount;

/// Whether the message is compressed, and its length.
const PREFIX: usize = 5;

/// Of the flags: the message is compressed.
const COMPRESSED: u8 = 1;

/// Of the flags, in gRPC-Web: the message is the trailers.
const TRAILERS: u8 = 0x80;

/// A head for each message, and below it the fields.
pub(super) fn lines(content: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = content;
    let mut number = 0;
    while let Some((prefix, after)) = rest.split_at_checked(PREFIX) {
        let [flags, length @ ..] = prefix else { break };
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let (message, further) = after.split_at_checked(length).unwrap_or((after, b""));
        number += 1;
        let state = match flags {
            _ if message.len() < length => ", cut off",
            _ if flags & TRAILERS != 0 => ", trailers",
            _ if flags & COMPRESSED != 0 => ", compressed",
            _ => "",
        };
        lines.push(format!("message {number}, {}{state}", amount::bytes(length as u64)));
        let fields = match state {
            "" => protobuf::lines(message),
            ", trailers" => Some(super::text(&String::from_utf8_lossy(message))),
            _ => None,
        };
        lines.extend(fields.unwrap_or_else(|| hex::lines(message)).into_iter().map(|line| format!("  {line}")));
        rest = further;
    }
    if !rest.is_empty() {
        lines.push(format!("{} more, which are no message", amount::bytes(rest.len() as u64)));
    }
    lines
}
