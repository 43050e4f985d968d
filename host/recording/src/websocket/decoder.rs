//! Finding the messages in the bytes of one side.

use std::io::Cursor;

use bytes::Bytes;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::{
    deflate::Deflate,
    inflate::{Inflater, too_large},
};

/// The largest message that is decoded, decompressed.
pub const MESSAGE_LIMIT: usize = 64 << 20;

/// A side of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that asked for the session, and masks what it says.
    Client,
    /// The one that was asked.
    Server,
}

/// What a side has said. Pings and pongs are nothing that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message, without its frames, mask and compression.
    Message {
        /// Whether it is text, and not binary.
        is_text: bool,
        /// What it says. A text is not checked to be one.
        content: Bytes,
    },
    /// The side has closed the session, and says nothing more.
    Close {
        /// The status code, if there is one.
        code: Option<u16>,
        /// The reason for people; often empty.
        reason: String,
    },
    /// Why the side cannot be understood from here on. Nothing follows.
    Broken(String),
}

/// Finds the messages in the bytes of one side of a session, which start after the handshake.
///
/// It needs no more memory than twice the largest message, whatever the bytes are.
pub struct Decoder {
    side: Side,
    limit: usize,
    compression: Option<Compression>,
    state: State,
    /// What has come of the head of a frame.
    head: Vec<u8>,
    message: Option<Message>,
}

struct Compression {
    no_context_takeover: bool,
    /// Made for the first message that is compressed.
    inflater: Option<Inflater>,
}

enum State {
    Head,
    Payload(Frame),
    Ended,
}

/// A frame whose payload is coming.
#[derive(Default)]
struct Frame {
    is_final: bool,
    control: Option<Control>,
    /// What has come of a control frame.
    content: Vec<u8>,
    mask: [u8; 4],
    come: u64,
    len: u64,
}

/// A message whose frames are coming.
struct Message {
    is_text: bool,
    is_compressed: bool,
    content: Vec<u8>,
}

/// The longest head of a frame (RFC 6455 §5.2).
const HEAD: usize = 14;

/// The largest payload of a control frame (RFC 6455 §5.5).
const CONTROL: u64 = 125;

/// How much is unmasked at once.
const PIECE: usize = 4 * 1024;

impl Decoder {
    /// A decoder for what `side` says. Messages of more than `limit` bytes are not decoded; [`MESSAGE_LIMIT`] is a good one.
    pub fn new(side: Side, deflate: Option<Deflate>, limit: usize) -> Self {
        let compression = deflate.map(|deflate| {
            let no_context_takeover = match side {
                Side::Client => deflate.client_no_context_takeover,
                Side::Server => deflate.server_no_context_takeover,
            };
            Compression { no_context_takeover, inflater: None }
        });
        Self { side, limit, compression, state: State::Head, head: Vec::new(), message: None }
    }

    /// Decodes `bytes` up to the next event and takes off what was decoded. `None` says that all of it was.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Event> {
        while !bytes.is_empty() {
            let event = match self.step(bytes) {
                Ok(None) => continue,
                Ok(Some(event)) => event,
                Err(reason) => Event::Broken(reason),
            };
            if !matches!(event, Event::Message { .. }) {
                self.state = State::Ended;
                self.message = None;
                self.compression = None;
            }
            return Some(event);
        }
        None
    }

    /// Decodes some of `bytes`, which are not empty.
    fn step(&mut self, bytes: &mut &[u8]) -> Result<Option<Event>, String> {
        match &mut self.state {
            State::Head => {
                let Some((header, len)) = parse_head(&mut self.head, bytes)? else { return Ok(None) };
                let frame = self.begin(&header, len)?;
                self.payload(frame, bytes)
            }
            State::Payload(frame) => {
                let frame = std::mem::take(frame);
                self.payload(frame, bytes)
            }
            State::Ended => {
                *bytes = &[];
                Ok(None)
            }
        }
    }

    /// Checks the head of a frame.
    fn begin(&mut self, header: &FrameHeader, len: u64) -> Result<Frame, String> {
        match (self.side, header.mask) {
            (Side::Client, None) => return Err("a frame of the client is not masked".into()),
            (Side::Server, Some(_)) => return Err("a frame of the server is masked".into()),
            _ => {}
        }
        if header.rsv2 || header.rsv3 {
            return Err("a frame has a bit of an unknown extension".into());
        }
        let control = match header.opcode {
            OpCode::Data(kind) => {
                self.begin_data(kind, header.rsv1, len)?;
                None
            }
            OpCode::Control(_) if !header.is_final || header.rsv1 || len > CONTROL => {
                return Err("a control frame is in parts, compressed or too large".into());
            }
            OpCode::Control(control) => Some(control),
        };
        let mask = header.mask.unwrap_or_default();
        Ok(Frame { is_final: header.is_final, control, content: Vec::new(), mask, come: 0, len })
    }

    fn begin_data(&mut self, kind: Data, is_compressed: bool, len: u64) -> Result<(), String> {
        let message = match (kind, &mut self.message) {
            (Data::Continue, None) => return Err("a message continues that has not begun".into()),
            (Data::Continue, Some(_)) if is_compressed => {
                return Err("a message becomes compressed after its first frame".into());
            }
            (Data::Continue, Some(message)) => message,
            (_, Some(_)) => return Err("a message begins inside another one".into()),
            (_, None) if is_compressed && self.compression.is_none() => {
                return Err("a message is compressed, and this was not negotiated".into());
            }
            (_, message @ None) => {
                message.insert(Message { is_text: kind == Data::Text, is_compressed, content: Vec::new() })
            }
        };
        let left = self.limit.saturating_sub(message.content.len()) as u64;
        if !message.is_compressed && len > left { Err(too_large(self.limit)) } else { Ok(()) }
    }

    /// Decodes what `bytes` have of the payload of `frame`.
    fn payload(&mut self, mut frame: Frame, bytes: &mut &[u8]) -> Result<Option<Event>, String> {
        let mut unmasked = [0; PIECE];
        while frame.come < frame.len && !bytes.is_empty() {
            let len = (frame.len - frame.come).min(PIECE as u64).min(bytes.len() as u64) as usize;
            let (piece, rest) = bytes.split_at(len);
            *bytes = rest;
            let Some(unmasked) = unmasked.get_mut(..len) else { break };
            unmasked.copy_from_slice(piece);
            unmask(unmasked, frame.mask, frame.come);
            frame.come += len as u64;
            self.add(&mut frame, unmasked)?;
        }
        if frame.come < frame.len {
            self.state = State::Payload(frame);
            return Ok(None);
        }
        self.state = State::Head;
        self.end(frame)
    }

    fn add(&mut self, frame: &mut Frame, piece: &[u8]) -> Result<(), String> {
        let limit = self.limit;
        match &mut self.message {
            _ if frame.control.is_some() => frame.content.extend_from_slice(piece),
            Some(message) if message.is_compressed => {
                if let Some(compression) = &mut self.compression {
                    compression.inflater().inflate(piece, &mut message.content, limit)?;
                }
            }
            Some(message) => message.content.extend_from_slice(piece),
            None => {}
        }
        Ok(())
    }

    /// What a whole frame says, if it says something.
    fn end(&mut self, frame: Frame) -> Result<Option<Event>, String> {
        match frame.control {
            Some(Control::Close) => return close(&frame.content).map(Some),
            Some(_) => return Ok(None),
            None if !frame.is_final => return Ok(None),
            None => {}
        }
        let Some(mut message) = self.message.take() else { return Ok(None) };
        if let (true, Some(compression)) = (message.is_compressed, &mut self.compression) {
            compression.inflater().finish(&mut message.content, self.limit)?;
        }
        Ok(Some(Event::Message { is_text: message.is_text, content: message.content.into() }))
    }
}

impl Compression {
    fn inflater(&mut self) -> &mut Inflater {
        self.inflater.get_or_insert_with(|| Inflater::new(self.no_context_takeover))
    }
}

/// Completes `head` from `bytes` and takes off what it has of them.
fn parse_head(head: &mut Vec<u8>, bytes: &mut &[u8]) -> Result<Option<(FrameHeader, u64)>, String> {
    let (all, before) = (*bytes, head.len());
    let (next, rest) = bytes.split_at(bytes.len().min(HEAD - before));
    head.extend_from_slice(next);
    let mut cursor = Cursor::new(head.as_slice());
    let parsed = FrameHeader::parse(&mut cursor).map_err(|_| "a frame is of an unknown kind")?;
    *bytes = rest;
    if parsed.is_some() {
        *bytes = all.get(cursor.position() as usize - before..).unwrap_or_default();
        head.clear();
    }
    Ok(parsed)
}

/// Takes the mask off a part of a payload that starts at `at` in it.
fn unmask(part: &mut [u8], mut mask: [u8; 4], at: u64) {
    mask.rotate_left((at % 4) as usize);
    for word in part.chunks_mut(mask.len()) {
        for (byte, mask) in word.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
}

fn close(content: &[u8]) -> Result<Event, String> {
    match content {
        [] => Ok(Event::Close { code: None, reason: String::new() }),
        [_] => Err("a close frame has half a status code".into()),
        [high, low, reason @ ..] => {
            let reason = String::from_utf8_lossy(reason).into_owned();
            Ok(Event::Close { code: Some(u16::from_be_bytes([*high, *low])), reason })
        }
    }
}

#[cfg(test)]
mod tests;
