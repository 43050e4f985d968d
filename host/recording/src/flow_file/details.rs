//! What a flow says about itself besides its messages: who marked it, whose it was, and what other protocols said.
//!
//! Replaying needs nothing of this, so recordings do not hold it; it is read when somebody asks.

use super::{
    record::FlowProtocol,
    tnetstring::{Frame, Kind, Reader, Trouble},
};
use crate::{
    model::{Content, Message},
    reading::heads,
};

/// What a flow says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// What is spoken.
    pub protocol: FlowProtocol,
    /// Whether it has an error.
    pub has_failed: bool,
    /// `request` or `response`, if that was replayed; otherwise empty.
    pub replayed: String,
    /// The mark that somebody put on it; empty if nobody did.
    pub marker: String,
    /// What somebody wrote about it.
    pub comment: String,
    /// What was noted about it: lines of `key: value`.
    pub metadata: String,
    /// The client's address as `host:port`, without brackets; empty if it is not known.
    pub source: String,
    /// The server's address as `host:port`, without brackets; empty if it is not known.
    pub destination: String,
    /// The first name that a DNS request asks for; empty for other protocols.
    pub question: String,
    /// Whether there is a response.
    pub is_answered: bool,
    /// The id of the flow that this one goes on with, if it only holds the messages of its WebSocket.
    pub handshake: Option<String>,
    /// The messages of a WebSocket, or of TCP or UDP. The time is 0 if it was not recorded.
    pub messages: Vec<Message<Content>>,
}

impl Details {
    pub(super) fn read(reader: &mut Reader<'_>, flow: Frame) -> Result<Self, Trouble> {
        let mut details = Self {
            protocol: FlowProtocol::Unknown,
            has_failed: false,
            replayed: String::new(),
            marker: String::new(),
            comment: String::new(),
            metadata: String::new(),
            source: String::new(),
            destination: String::new(),
            question: String::new(),
            is_answered: false,
            handshake: None,
            messages: Vec::new(),
        };
        let mut request = None;
        let mut dict = reader.inside(flow, Kind::Dict, "flow")?;
        while let Some((key, value)) = reader.entry(&mut dict)? {
            let key = reader.string(key, "key")?.to_vec();
            match (value.kind, &key[..]) {
                (Kind::Null, _) => {}
                (_, b"request") => request = Some(value),
                _ => forgiven(details.entry(reader, &key, value))?,
            }
        }
        if let (FlowProtocol::Dns, Some(request)) = (details.protocol, request) {
            forgiven(details.read_question(reader, request))?;
        }
        Ok(details)
    }

    fn entry(&mut self, reader: &mut Reader<'_>, key: &[u8], value: Frame) -> Result<(), Trouble> {
        match key {
            b"type" => self.protocol = FlowProtocol::named(reader.string(value, "flow's type")?),
            b"error" => self.has_failed = true,
            b"response" => self.is_answered = true,
            b"is_replay" => self.replayed = scalar(reader, value)?,
            b"marked" => self.marker = marker(reader, value)?,
            b"comment" => self.comment = scalar(reader, value)?,
            b"metadata" => self.read_metadata(reader, value)?,
            b"client_conn" => self.source = address(reader, value, &[b"peername", b"address"])?,
            b"server_conn" => self.destination = address(reader, value, &[b"address"])?,
            b"messages" => self.messages = messages(reader, value)?,
            b"websocket" => {
                if let Some(list) = lookup(reader, value, b"messages")? {
                    self.messages = messages(reader, list)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn read_question(&mut self, reader: &mut Reader<'_>, request: Frame) -> Result<(), Trouble> {
        let Some(questions) = lookup(reader, request, b"questions")? else { return Ok(()) };
        let mut questions = reader.inside(questions, Kind::List, "questions")?;
        if let Some(first) = reader.item(&mut questions)?
            && let Some(name) = lookup(reader, first, b"name")?
        {
            self.question = scalar(reader, name)?;
        }
        Ok(())
    }

    fn read_metadata(&mut self, reader: &mut Reader<'_>, value: Frame) -> Result<(), Trouble> {
        let mut lines = Vec::new();
        let mut dict = reader.inside(value, Kind::Dict, "flow's metadata")?;
        while let Some((key, value)) = reader.entry(&mut dict)? {
            let key = scalar(reader, key)?;
            let value = scalar(reader, value)?;
            if key == "websocket_handshake" {
                self.handshake = Some(value.clone());
            }
            lines.push(format!("{key}: {value}"));
        }
        // Dicts are written from their end.
        lines.reverse();
        self.metadata = lines.join("\n");
        Ok(())
    }
}

/// What is damaged is as good as missing; exchanges have checks of their own.
fn forgiven(read: Result<(), Trouble>) -> Result<(), Trouble> {
    match read {
        Err(Trouble::Flaw(_)) => Ok(()),
        read => read,
    }
}

/// A text, or a number or a truth as Python prints it. What holds other values is not looked into.
fn scalar(reader: &mut Reader<'_>, value: Frame) -> Result<String, Trouble> {
    let text = match value.kind {
        Kind::List | Kind::Dict => return Ok("…".to_owned()),
        Kind::Null => return Ok("None".to_owned()),
        Kind::Bool => return Ok(if is_true(reader, value)? { "True" } else { "False" }.to_owned()),
        Kind::Integer => return Ok(reader.integer(value, "integer")?.to_string()),
        Kind::Float => return Ok(format!("{:?}", reader.float(value, "float")?)),
        Kind::Bytes | Kind::Text => reader.string(value, "text")?,
    };
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Before version 13 a flow was only marked or not.
fn marker(reader: &mut Reader<'_>, value: Frame) -> Result<String, Trouble> {
    match value.kind {
        Kind::Bool => Ok(if is_true(reader, value)? { ":default:" } else { "" }.to_owned()),
        _ => scalar(reader, value),
    }
}

fn is_true(reader: &mut Reader<'_>, value: Frame) -> Result<bool, Trouble> {
    Ok(value.kind == Kind::Bool && reader.boolean(value, "truth")?)
}

/// The first of the addresses under these keys; in a dict of its own before version 2.
fn address(reader: &mut Reader<'_>, connection: Frame, keys: &[&[u8]]) -> Result<String, Trouble> {
    for key in keys {
        let Some(mut value) = lookup(reader, connection, key)? else { continue };
        if value.kind == Kind::Dict {
            match lookup(reader, value, b"address")? {
                Some(inner) => value = inner,
                None => continue,
            }
        }
        let mut list = reader.inside(value, Kind::List, "address")?;
        let host = reader.item(&mut list)?;
        let port = reader.item(&mut list)?;
        if let (Some(host), Some(port)) = (host, port) {
            return Ok(format!("{}:{}", scalar(reader, host)?, scalar(reader, port)?));
        }
    }
    Ok(String::new())
}

/// The messages of a list: `[from_client, content, timestamp, …]`. Those of a WebSocket have their opcode before that.
fn messages(reader: &mut Reader<'_>, list: Frame) -> Result<Vec<Message<Content>>, Trouble> {
    let mut messages = Vec::new();
    let mut list = reader.inside(list, Kind::List, "messages")?;
    while let Some(item) = reader.item(&mut list)? {
        let mut parts = reader.inside(item, Kind::List, "message")?;
        let mut first = reader.item(&mut parts)?;
        let mut is_text = false;
        if let Some(opcode) = first.filter(|part| part.kind == Kind::Integer) {
            is_text = reader.integer(opcode, "message's type")? == TEXT_OPCODE;
            first = reader.item(&mut parts)?;
        }
        let content = reader.item(&mut parts)?;
        let at = reader.item(&mut parts)?.filter(|part| matches!(part.kind, Kind::Float | Kind::Integer));
        if let (Some(from_client), Some(content)) = (first, content)
            && matches!(content.kind, Kind::Bytes | Kind::Text)
        {
            messages.push(Message {
                is_text,
                from_client: is_true(reader, from_client)?,
                content: Content::Stored(content.into()),
                at: match at {
                    Some(at) => heads::time(reader.float(at, "message's time")?).unwrap_or(0.0),
                    None => 0.0,
                },
            });
        }
    }
    Ok(messages)
}

/// RFC 6455, section 5.2.
const TEXT_OPCODE: i64 = 1;

/// The value of a key that is not null.
fn lookup(reader: &mut Reader<'_>, dict: Frame, wanted: &[u8]) -> Result<Option<Frame>, Trouble> {
    let mut found = None;
    let mut dict = reader.inside(dict, Kind::Dict, "dict")?;
    while let Some((key, value)) = reader.entry(&mut dict)? {
        if reader.string(key, "key")? == wanted {
            found = value.present();
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
