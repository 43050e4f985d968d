//! Whether a server begins as one of HTTP/2 without TLS does, where nothing has agreed on it.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use super::stream::Usage;

/// What a server has to send first: a SETTINGS frame (RFC 9113 §3.4).
pub(super) struct Preface {
    beginning: Vec<u8>,
    within: Duration,
    deadline: Pin<Box<Sleep>>,
    usage: Usage,
}

/// Bytes that tell whether it is one: three of its length, the first of which is zero for so short a frame, and its type.
const TOLD_BY: usize = 4;
const SETTINGS: u8 = 4;

impl Preface {
    /// One that has to come within a time. That it does not is known of the connection then.
    pub(super) fn new(within: Duration, usage: Usage) -> Self {
        Self { beginning: Vec::with_capacity(TOLD_BY), within, deadline: Box::pin(sleep(within)), usage }
    }

    /// Takes what the server sent, which is nothing at its end; whether it is known now that this is HTTP/2.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn take(&mut self, bytes: &[u8]) -> io::Result<bool> {
        if bytes.is_empty() {
            return Err(self.ended());
        }
        self.beginning.extend(bytes.iter().take(TOLD_BY - self.beginning.len()));
        match self.beginning[..] {
            [0, _, _, SETTINGS] => Ok(true),
            [0] | [0, _] | [0, _, _] => Ok(false),
            _ => Err(self.failed("does not speak HTTP/2 without TLS, as this request needs")),
        }
    }

    /// What is wrong when the server closed the connection, or broke it off.
    pub(super) fn ended(&self) -> io::Error {
        self.failed("closed the connection instead of speaking HTTP/2 without TLS, as this request needs")
    }

    /// Ends when the server took too long.
    pub(super) fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.deadline.as_mut().poll(context).map(|()| {
            let within = self.within;
            self.failed(&format!("did not begin to speak HTTP/2 without TLS within {within:?}, as this request needs"))
        })
    }

    fn failed(&self, why: &str) -> io::Error {
        self.usage.failed(why);
        io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_begins_otherwise_does_not_speak_http2() {
        let taken = |pieces: &[&[u8]]| {
            let mut preface = Preface::new(Duration::from_secs(1), Usage::default());
            let taken: io::Result<Vec<bool>> = pieces.iter().map(|piece| preface.take(piece)).collect();
            taken.ok()
        };
        assert_eq!(taken(&[b"\0\0\x12\x04\0\0\0\0\0\0\x03"]), Some(vec![true]));
        assert_eq!(taken(&[b"\0", b"\0\0", b"\x04\0"]), Some(vec![false, false, true]));
        for other in [&[&b"HTTP/1.1 400"[..]][..], &[b"\0", b""], &[b""], &[b"\0\0\0\x07"], &[b"\x15\x03\x01\0\x02"]] {
            assert_eq!(taken(other), None, "{other:?}");
        }
    }
}
