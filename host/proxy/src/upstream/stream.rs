//! A connection to a server, and what is known of its use.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::task::AtomicWaker;
use http::Extensions;
use hyper::rt;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio_rustls::client::TlsStream;

use super::{Egress, portions::Portions, request_line::RequestLine, wire::Wire};

/// What is known of the use of a connection; the pool hands it on with answers and failures.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether an answer came over it.
    answered: AtomicBool,
    closing: AtomicBool,
    /// Who waits for bytes of the server.
    reader: AtomicWaker,
    /// What is wrong with the server.
    fault: OnceLock<String>,
}

impl Usage {
    /// That of the connection on which an answer came, by the answer's extensions.
    pub(super) fn of_answer(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// That of the connection on which a request failed.
    pub(super) fn of_failure(error: &hyper_util::client::legacy::Error) -> Option<Self> {
        let mut extensions = Extensions::new();
        error.connect_info()?.get_extras(&mut extensions);
        extensions.remove()
    }

    /// Takes note of an answer.
    pub(super) fn answered(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// Whether the connection was fine for another request before.
    pub(super) fn is_kept(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// Closes the connection, so that no other request is sent on it: it looks as if the server had ended it, which is looked
    /// for before anything is written.
    pub(super) fn close(&self) {
        self.0.closing.store(true, Ordering::Release);
        self.0.reader.wake();
    }

    /// Takes note of what is wrong with the server. The library for HTTP/2 keeps no causes of its errors.
    pub(super) fn failed(&self, why: &str) {
        // The first one is the cause of others.
        let _ = self.0.fault.set(why.to_owned());
    }

    /// What is wrong with the server, if that is known.
    pub(super) fn fault(&self) -> Option<&str> {
        self.0.fault.get().map(String::as_str)
    }

    fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::Acquire)
    }
}

/// A connection to a server.
pub(super) struct ServerStream {
    transport: Transport,
    usage: Usage,
    /// Whether a proxy is at its end, which has to be told where each request goes.
    is_to_proxy: bool,
    /// Asked about each write, for it may be sealed while the connection is kept.
    egress: Arc<Egress>,
    /// What is to be written of the first line, where that gets its own bytes again.
    line: Option<Box<RequestLine>>,
}

/// What its bytes travel on.
pub(super) enum Transport {
    Plain(TokioIo<Portions<Wire>>),
    Tls(Box<TokioIo<Portions<TlsStream<Wire>>>>),
}

impl Transport {
    fn has_read(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.inner().has_read(),
            Self::Tls(stream) => stream.inner().has_read(),
        }
    }
}

impl ServerStream {
    pub(super) fn new(transport: Transport, egress: Arc<Egress>) -> Self {
        Self { transport, usage: Usage::default(), is_to_proxy: false, egress, line: None }
    }

    /// The same, of whose use something is known already.
    pub(super) fn used(self, usage: Usage) -> Self {
        Self { usage, ..self }
    }

    /// The same, with a proxy at its end.
    pub(super) fn ending_at_proxy(self) -> Self {
        Self { is_to_proxy: true, ..self }
    }

    /// The same, whose only request has a target with stand-ins.
    pub(super) fn restoring_target(self) -> Self {
        Self { line: Some(Box::default()), ..self }
    }

    /// Writes what waits of the first line.
    fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(line) = self.line.take() {
            let Some(waiting) = line.waiting() else {
                self.line = Some(line);
                break;
            };
            if waiting.is_empty() {
                break;
            }
            let written = self.poll_transport(context, waiting);
            let line = self.line.insert(line);
            line.written(ready!(written)?);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_transport(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.open()? {
            Transport::Plain(stream) => rt::Write::poll_write(Pin::new(stream), context, bytes),
            Transport::Tls(stream) => rt::Write::poll_write(Pin::new(stream), context, bytes),
        }
    }

    /// What may be written to.
    fn open(&mut self) -> io::Result<&mut Transport> {
        self.egress.check_seal().map_err(|fault| io::Error::new(io::ErrorKind::PermissionDenied, fault))?;
        // What is written after an answer is another request. Whoever got the answer may not have come to say so yet.
        if self.transport.has_read() {
            self.usage.answered();
        }
        Ok(&mut self.transport)
    }
}

impl Connection for ServerStream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.usage.clone()).proxy(self.is_to_proxy);
        match &self.transport {
            Transport::Tls(stream) if stream.inner().get_ref().get_ref().1.alpn_protocol() == Some(b"h2") => {
                connected.negotiated_h2()
            }
            _ => connected,
        }
    }
}

impl rt::Read for ServerStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { transport, usage, .. } = self.get_mut();
        usage.0.reader.register(context.waker());
        if usage.is_closing() {
            return Poll::Ready(Ok(()));
        }
        match transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl rt::Write for ServerStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_line(context))?;
        match &mut this.line {
            Some(line) => Poll::Ready(Ok(line.take(bytes))),
            None => this.poll_transport(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_line(context))?;
        match &mut this.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            _ if self.line.is_some() => false,
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.line.is_some() {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            return rt::Write::poll_write(self, context, first);
        }
        match self.get_mut().open()? {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }
}
