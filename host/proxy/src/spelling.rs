//! How the names of HTTP/1 fields were written, as `hyper` remembers it.

use std::{
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue};
use http_body_util::Empty;
use hyper::{client, rt, server, service::service_fn};

/// The case of a message's field names, as `hyper` keeps it beside the (lower-case) names.
///
/// `hyper` makes this value when it reads a message and obeys it when it writes one, but offers no way to build it or to
/// look into it. [`Spelling::of`] therefore lets `hyper` read the names from memory, and [`Spelling::names`] lets it write
/// them there. Copies share it, until one is written.
#[derive(Clone, Debug, Default)]
pub struct Spelling(Option<Arc<Extensions>>);

impl Spelling {
    /// Takes the spelling out of a received message's extensions, which must hold nothing else that matters.
    pub fn received(extensions: Extensions) -> Self {
        Self((!extensions.is_empty()).then(|| Arc::new(extensions)))
    }

    /// The spelling of these names, in order. Names must be valid field names; others give lower case for all.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        let mut plain = true;
        for name in names {
            plain &= !name.iter().any(u8::is_ascii_uppercase);
            head.extend_from_slice(name);
            // An empty value would do, but these two fields are read as numbers and codings.
            let value: &[u8] = if name.eq_ignore_ascii_case(b"content-length") {
                b": 0\r\n"
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                b": chunked\r\n"
            } else {
                b":\r\n"
            };
            head.extend_from_slice(value);
        }
        head.extend_from_slice(b"\r\n");
        if plain { Self::default() } else { Self::received(read_by_hyper(head).unwrap_or_default()) }
    }

    /// The names of these fields as they were written, a name for each line.
    pub fn names(&self, fields: &HeaderMap) -> Vec<Bytes> {
        let plain = || fields.iter().map(|(name, _)| Bytes::copy_from_slice(name.as_str().as_bytes())).collect();
        let Some(spelling) = &self.0 else { return plain() };
        let written = write_by_hyper(fields, spelling).unwrap_or_default();
        let lines = written.split(|&byte| byte == b'\n').skip(1);
        let names =
            lines.filter_map(|line| line.split(|&byte| byte == b':').next().filter(|name| name.len() < line.len()));
        let names: Vec<Bytes> = names.map(Bytes::copy_from_slice).collect();
        let fits = names.len() == fields.len()
            && names.iter().zip(fields.iter()).all(|(name, (known, _))| name.eq_ignore_ascii_case(known.as_ref()));
        if fits { names } else { plain() }
    }

    /// What to put into the extensions of a message that is written.
    pub fn into_extensions(self) -> Extensions {
        self.0.map(Arc::unwrap_or_clone).unwrap_or_default()
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
        server::conn::http1::Builder::new()
            .preserve_header_case(true)
            .max_headers(MOST_NAMES)
            .serve_connection(Head(head.into()), service)
    );
    let _ = connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    receiver.try_recv().ok()
}

/// As many names as a recorded head may have.
const MOST_NAMES: usize = 4096;

/// Lets an HTTP/1 client connection write a head with the names of these fields to memory.
fn write_by_hyper(fields: &HeaderMap, spelling: &Extensions) -> Option<Vec<u8>> {
    let mut context = Context::from_waker(Waker::noop());
    let mut names = HeaderMap::with_capacity(fields.len());
    for name in fields.iter().map(|(name, _)| name) {
        names.append(name, HeaderValue::from_static("0"));
    }
    let mut request = http::Request::new(Empty::<Bytes>::new());
    *request.headers_mut() = names;
    *request.extensions_mut() = spelling.clone();
    let written = Written::default();
    let mut builder = client::conn::http1::Builder::new();
    let handshake = pin!(builder.preserve_header_case(true).handshake(written.clone()));
    let Poll::Ready(Ok((mut sender, connection))) = handshake.poll(&mut context) else { return None };
    let _response = sender.send_request(request);
    let _ = pin!(connection).poll(&mut context);
    let written = std::mem::take(&mut *written.0.lock().unwrap_or_else(PoisonError::into_inner));
    Some(written)
}

/// A peer that never answers, and what was written to it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl rt::Read for Written {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: rt::ReadBufCursor<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

impl rt::Write for Written {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A peer that sent a head and then waits.
struct Head(Bytes);

impl rt::Read for Head {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let taken = self.0.len().min(buffer.remaining());
        if taken == 0 {
            return Poll::Pending;
        }
        buffer.put_slice(&self.0.split_to(taken));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_were_read() {
        let names: [&[u8]; 6] = [b"Host", b"X-UPPER", b"x-lower", b"Set-Cookie", b"set-cookie", b"Content-Length"];
        let mut fields = HeaderMap::new();
        for name in names {
            fields.append(http::HeaderName::from_bytes(name).expect("a name"), HeaderValue::from_static("v"));
        }
        assert_eq!(Spelling::of(names).names(&fields), names.map(Bytes::from_static));
    }

    #[test]
    fn fields_that_came_later_are_in_lower_case() {
        let mut fields = HeaderMap::new();
        fields.append("x-old", HeaderValue::from_static("v"));
        fields.append("x-new", HeaderValue::from_static("v"));
        let spelling = Spelling::of([&b"X-Old"[..], b"X-Gone"]);
        assert_eq!(spelling.names(&fields), [&b"X-Old"[..], b"x-new"].map(Bytes::from_static));
    }

    #[test]
    fn without_a_spelling_names_are_in_lower_case() {
        let mut fields = HeaderMap::new();
        fields.append("a", HeaderValue::from_static("v"));
        assert_eq!(Spelling::default().names(&fields), [Bytes::from_static(b"a")]);
    }
}
