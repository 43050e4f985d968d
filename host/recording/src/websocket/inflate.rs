//! Decompressing the messages of one side.

use flate2::{Decompress, FlushDecompress, Status};

/// What the messages of one side are decompressed with (RFC 7692 §7.2.2).
pub(super) struct Inflater {
    stream: Decompress,
    /// Whether messages may repeat parts of the messages before them.
    takes_over: bool,
    /// The end of the messages so far, if it may be repeated.
    window: Vec<u8>,
    /// How often a stream has ended within the message.
    ends: u32,
}

/// How often a stream may end within a message. Senders end it with the message, if at all; starting over costs much more
/// than the two bytes that make it necessary.
const ENDS: u32 = 16;

/// The furthest that DEFLATE looks back.
const WINDOW: usize = 32 * 1024;

/// The end of a flushed stream, which is left out of every message.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Where the content of a message starts growing.
const FIRST_ROOM: usize = 256;

impl Inflater {
    /// For a side that compresses every message on its own, or not.
    pub(super) fn new(no_context_takeover: bool) -> Self {
        Self { stream: Decompress::new(false), takes_over: !no_context_takeover, window: Vec::new(), ends: 0 }
    }

    /// Decompresses the next bytes of a message to the end of `content`, which never grows further than a byte above `limit`.
    pub(super) fn inflate(&mut self, mut bytes: &[u8], content: &mut Vec<u8>, limit: usize) -> Result<(), String> {
        loop {
            make_room(content, limit);
            let (bytes_before, content_before) = (self.stream.total_in(), content.len());
            let status = self.stream.decompress_vec(bytes, content, FlushDecompress::None);
            let read = (self.stream.total_in() - bytes_before) as usize;
            bytes = bytes.get(read..).unwrap_or_default();
            if content.len() > limit {
                return Err(too_large(limit));
            }
            match status {
                Ok(Status::StreamEnd) => self.start_over(content)?,
                Ok(_) if read > 0 || content.len() > content_before => {}
                Ok(_) if bytes.is_empty() => return Ok(()),
                Ok(_) | Err(_) => return Err("a message cannot be decompressed".into()),
            }
        }
    }

    /// Decompresses the end of a message.
    pub(super) fn finish(&mut self, content: &mut Vec<u8>, limit: usize) -> Result<(), String> {
        self.inflate(&TAIL, content, limit)?;
        self.ends = 0;
        if self.takes_over {
            self.keep(content);
        } else {
            self.stream.reset(false);
        }
        Ok(())
    }

    /// Starts a new stream inside a message. Senders that cannot flush end the stream with the message (RFC 7692 §7.2.3.4),
    /// and may look back over the end nevertheless.
    fn start_over(&mut self, content: &[u8]) -> Result<(), String> {
        self.ends += 1;
        if self.ends > ENDS {
            return Err(format!("the compressed stream of a message ends more than {ENDS} times"));
        }
        let window =
            if self.takes_over { last(&[&self.window, content].concat()).to_vec() } else { last(content).to_vec() };
        self.stream.reset(false);
        // A stream cannot be given a window, but it fills its window from a block that is not compressed.
        let len = (window.len() as u16).to_le_bytes();
        let block = [&[0, len[0], len[1], !len[0], !len[1]], window.as_slice()].concat();
        let mut repeated = Vec::with_capacity(window.len() + 1);
        let filled = self.stream.decompress_vec(&block, &mut repeated, FlushDecompress::None);
        if filled.is_ok() && repeated == window {
            Ok(())
        } else {
            Err("a message cannot be decompressed after its stream has ended".into())
        }
    }

    fn keep(&mut self, content: &[u8]) {
        let content = last(content);
        let surplus = (self.window.len() + content.len()).saturating_sub(WINDOW);
        self.window.drain(..surplus);
        self.window.extend_from_slice(content);
    }
}

/// Why a message of more than `limit` bytes is not decoded.
pub(super) fn too_large(limit: usize) -> String {
    format!("a message is larger than {limit} bytes")
}

/// The part of `content` that can be repeated after it.
fn last(content: &[u8]) -> &[u8] {
    content.get(content.len().saturating_sub(WINDOW)..).unwrap_or_default()
}

/// Makes room for a byte at least, at most up to a byte above `limit`, which shows that more has come.
fn make_room(content: &mut Vec<u8>, limit: usize) {
    if content.len() == content.capacity() {
        let wanted = content.len().saturating_mul(2).max(FIRST_ROOM).min(limit.saturating_add(1));
        content.reserve_exact(wanted.saturating_sub(content.len()).max(1));
    }
}

#[cfg(test)]
mod tests;
