//! Targets with bytes that the HTTP library refuses, such as a raw `"`: before it reads them, stand-ins take their place.
//!
//! What a client sends is followed just as far as is needed to know where targets are. Where that is not certain, nothing is
//! changed any more, and the library sees what came. Over HTTP/1, each byte gets a stand-in of four bytes. Over HTTP/2, both
//! ends keep tables of what was sent, which count its length: there, a path of the same length stands for the whole one.

mod http1;
mod http2;
mod huffman;
mod originals;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use http1::Http1;
use http2::Http2;
pub(super) use originals::Originals;

/// A client's stream whose targets the HTTP library can read.
#[derive(Debug)]
pub(super) struct Targets<S> {
    stream: S,
    spoken: Spoken,
    originals: Originals,
    /// What came and did not fit into what it was read to.
    rest: Bytes,
}

/// What a client speaks.
#[derive(Debug)]
enum Spoken {
    /// So many bytes of HTTP/2's preface came, which may be the beginning of something else.
    Preface(usize),
    Http1(Http1),
    Http2(Box<Http2>),
}

/// What opens HTTP/2 (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl<S> Targets<S> {
    /// A stream at the beginning of a connection, or of a request on it. What stands for paths is kept in `originals`.
    pub(super) fn new(stream: S, originals: Originals) -> Self {
        Self { stream, spoken: Spoken::Preface(0), originals, rest: Bytes::new() }
    }

    /// Looks at what came. Gives what is to be read instead, if that is something else.
    fn look(&mut self, came: &[u8]) -> Option<Vec<u8>> {
        let begun = match &mut self.spoken {
            Spoken::Http1(http1) => return http1.look(came),
            Spoken::Http2(http2) => return http2.look(came, &self.originals),
            Spoken::Preface(begun) => *begun,
        };
        let expected = PREFACE.get(begun..).unwrap_or_default();
        let same = came.iter().zip(expected).take_while(|(came, expected)| came == expected).count();
        let (preface, rest) = came.split_at(same);
        if same == expected.len() {
            let mut http2 = Box::<Http2>::default();
            let instead = http2.look(rest, &self.originals);
            self.spoken = Spoken::Http2(http2);
            return instead.map(|instead| [preface, &instead].concat());
        }
        if rest.is_empty() {
            self.spoken = Spoken::Preface(begun + same);
            return None;
        }
        // There is nothing in the preface to change.
        let mut http1 = Http1::default();
        http1.look(PREFACE.get(..begun + same).unwrap_or_default());
        let instead = http1.look(rest);
        self.spoken = Spoken::Http1(http1);
        instead.map(|instead| [preface, &instead].concat())
    }

    /// What is held back until more comes, which never does.
    fn held_back(&mut self) -> Vec<u8> {
        match &mut self.spoken {
            Spoken::Http2(http2) => http2.held_back(),
            _ => Vec::new(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Targets<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.rest.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let came = buffer.filled().get(before..).unwrap_or_default();
            if came.is_empty() {
                this.rest = this.held_back().into();
                break;
            }
            let Some(instead) = this.look(came) else { return Poll::Ready(Ok(())) };
            buffer.set_filled(before);
            this.rest = instead.into();
        }
        let taken = this.rest.len().min(buffer.remaining());
        buffer.put_slice(this.rest.get(..taken).unwrap_or_default());
        this.rest.advance(taken);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Targets<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
