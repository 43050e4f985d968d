//! How the names of HTTP/1 fields were written.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::Extensions;
use http_body_util::Empty;
use hyper::{rt, server::conn::http1, service::service_fn};

/// The case of a message's field names, as `hyper` keeps it beside the (lower-case) names.
///
/// `hyper` makes this value when it reads a message and obeys it when it writes one, but offers no way to build it.
/// [`Spelling::of`] therefore lets `hyper` read the names from memory.
#[derive(Clone, Debug, Default)]
pub struct Spelling(Extensions);

impl Spelling {
    /// Takes the spelling out of a received message's extensions, which must hold nothing else that matters.
    pub fn received(extensions: Extensions) -> Self {
        Self(extensions)
    }

    /// The spelling of these names, in order. Names must be valid field names; others give lower case for all.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        let mut plain = true;
        for name in names {
            plain &= !name.iter().any(u8::is_ascii_uppercase);
            head.extend_from_slice(name);
            // An empty value would do, but these two fields are read as numbers and codings.
            let framing =
                name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding");
            head.extend_from_slice(match framing {
                true if name.len() == "content-length".len() => b": 0\r\n".as_slice(),
                true => b": chunked\r\n",
                false => b":\r\n",
            });
        }
        head.extend_from_slice(b"\r\n");
        if plain { Self::default() } else { Self(read_by_hyper(head).unwrap_or_default()) }
    }

    /// What to put into the extensions of a message that is written.
    pub fn into_extensions(self) -> Extensions {
        self.0
    }
}

/// Lets an HTTP/1 server connection read one head from memory, and takes the extensions of the request it makes.
fn read_by_hyper(head: Vec<u8>) -> Option<Extensions> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        // The receiver outlives the connection, so this cannot fail.
        let _ = sender.send(request.into_parts().0.extensions);
        std::future::pending::<Result<http::Response<Empty<Bytes>>, std::convert::Infallible>>()
    });
    let mut connection = pin!(
        http1::Builder::new()
            .preserve_header_case(true)
            .max_headers(MOST_NAMES)
            .serve_connection(Head { bytes: head, read: 0 }, service)
    );
    let _ = connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    receiver.try_recv().ok()
}

/// As many names as a recorded head may have.
const MOST_NAMES: usize = 4096;

/// A peer that sent a head and then waits.
struct Head {
    bytes: Vec<u8>,
    read: usize,
}

impl rt::Read for Head {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let rest = &self.bytes[self.read..];
        let taken = rest.len().min(buffer.remaining());
        if taken == 0 {
            return Poll::Pending;
        }
        buffer.put_slice(&rest[..taken]);
        self.read += taken;
        Poll::Ready(Ok(()))
    }
}

impl rt::Write for Head {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
