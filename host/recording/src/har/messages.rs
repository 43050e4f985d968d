//! The messages of a WebSocket, as Chrome writes them and mitmproxy after it.

use bytes::Bytes;
use serde::Deserialize;

use super::body;
use crate::{
    document::{self, Strings},
    model::{Content, Message},
    reading::heads,
};

/// One of them. What is not of this shape makes all of them unreadable: a conversation with gaps would be another one.
#[derive(Deserialize)]
struct Said {
    /// Who sent it, as the browser sees it: `send` or `receive`. Others are no messages, such as Chrome's `error`.
    #[serde(rename = "type")]
    kind: String,
    /// In seconds since the epoch.
    time: Option<f64>,
    /// As in a frame (RFC 6455, section 5.2).
    opcode: Option<f64>,
    #[serde(default)]
    data: String,
    /// `base64` for a text that is none, if this program wrote it.
    #[serde(rename = "_encoding")]
    encoding: Option<String>,
    /// `missing` for one that nobody recorded, if this program wrote it.
    #[serde(rename = "_body")]
    mark: Option<String>,
}

/// Reads them of the JSON that an entry has, of which `strings` were left in the file; nothing if one cannot be read.
/// `started_at` is the time of a first message that has none.
pub(super) fn read(json: &str, strings: &Strings, started_at: f64) -> Option<Vec<Message<Content>>> {
    let said: Vec<Said> = document::parse(json, |json| serde_json::from_str(json)).ok()?;
    let (mut messages, mut last) = (Vec::new(), started_at);
    for said in said {
        let from_client = match said.kind.as_str() {
            "send" => true,
            "receive" => false,
            _ => continue,
        };
        let is_text = match said.opcode {
            None | Some(TEXT) => true,
            Some(BINARY) => false,
            Some(_) => continue,
        };
        last = said.time.and_then(heads::time).unwrap_or(last);
        let is_base64 = !is_text || said.encoding.as_deref() == Some("base64");
        let content = match (said.mark.as_deref(), strings.take(&said.data)) {
            (Some("missing"), _) => Content::NotRecorded,
            (_, Some(left)) if is_base64 => Content::Quoted(left.base64().ok()?.into()),
            (_, Some(left)) => Content::Quoted(left.text(false).0.into()),
            _ if is_base64 => Content::Held(body::decode(said.data).ok()?.into()),
            _ => Content::Held(Bytes::from(said.data)),
        };
        messages.push(Message { is_text, from_client, content, at: last });
    }
    Some(messages)
}

const TEXT: f64 = 1.0;
const BINARY: f64 = 2.0;
