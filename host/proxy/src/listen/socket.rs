//! A client's TCP connection, of which is seen what a reader would see too late: that the client has left, and that it takes
//! nothing.

use std::{
    io,
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use crate::connections::Open;

/// Bytes that wait in the system before it takes no more. What a client has taken is seen by the room that this leaves: with
/// the megabytes that the system would keep otherwise, a slow client would look like one that takes nothing.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 * 1024;

/// A client's TCP connection. A write fails when the client took nothing for the time given.
pub(super) struct Socket {
    peer: Peer,
    idle: Duration,
    /// Set while the client takes nothing.
    timer: Option<Pin<Box<Sleep>>>,
}

/// The client at the other end of a TCP connection, for those that neither read nor write.
#[derive(Clone, Debug)]
pub(super) struct Peer(Arc<Connected>);

#[derive(Debug)]
struct Connected {
    stream: TcpStream,
    address: Option<SocketAddr>,
    written: AtomicU64,
    _open: Open,
}

impl Socket {
    /// A connection, whose client takes something at least once in `idle`. It is counted as open.
    ///
    /// # Errors
    /// When the client has left already.
    pub(super) fn new(stream: TcpStream, open: Open, idle: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT)?;
        let (address, written) = (stream.peer_addr().ok(), AtomicU64::new(0));
        Ok(Self { peer: Peer(Arc::new(Connected { stream, address, written, _open: open })), idle, timer: None })
    }

    /// The client at the other end.
    pub(super) fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// Where the client connected to, before the system led the connection here.
    ///
    /// # Errors
    /// When the system does not say.
    pub(super) fn original_destination(&self) -> io::Result<SocketAddr> {
        let stream = &self.peer.0.stream;
        let local = stream.local_addr()?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let socket = SockRef::from(stream);
            let is_ipv4 = local.ip().to_canonical().is_ipv4();
            let original = if is_ipv4 { socket.original_dst_v4() } else { socket.original_dst_v6() };
            // Without a rule that rewrites addresses, as with `TPROXY`, the server's is the connection's own.
            let original = original.ok().and_then(|address| address.as_socket()).unwrap_or(local);
            Ok(SocketAddr::new(original.ip().to_canonical(), original.port()))
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("{local} is all that is known")))
    }

    /// Writes as `write` does, and fails when it could not for too long.
    fn poll_written(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let Connected { stream, written, .. } = &*self.peer.0;
        while let Poll::Ready(ready) = stream.poll_write_ready(context) {
            ready?;
            match write(stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => {
                    self.timer = None;
                    written.fetch_add(done.as_ref().map_or(0, |&count| count as u64), Ordering::Relaxed);
                    return Poll::Ready(done);
                }
            }
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.idle)));
        ready!(timer.as_mut().poll(context));
        let error = format!("the client took nothing for {:?}", self.idle);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, error)))
    }
}

impl Peer {
    /// The client's address.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.0.address
    }

    /// The address that the client connected to.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        self.0.stream.local_addr().ok()
    }

    /// Waits until the client sends nothing more, whether or not it still reads.
    pub(super) async fn finished(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // Among what this waits for is the end of what the client sends, but not that it sent something.
        let ended = self.0.stream.ready(Interest::PRIORITY | Interest::ERROR).await;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let ended = self.0.stream.ready(Interest::ERROR).await;
        // Fails only when the runtime ends.
        drop(ended);
    }

    /// Waits until the client has reset the connection.
    pub(super) async fn reset(&self) {
        // Fails only when the runtime ends.
        drop(self.0.stream.ready(Interest::ERROR).await);
    }

    /// How many bytes the client was sent.
    pub(super) fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = &self.peer.0.stream;
        let room = buffer.remaining();
        loop {
            ready!(stream.poll_read_ready(context))?;
            let tried = stream.try_io(Interest::READABLE, || match stream.try_read_buf(buffer)? {
                // There was no more. Saying so spares the system call that would find it out.
                read if read > 0 && read < room => Err(io::ErrorKind::WouldBlock.into()),
                _ => Ok(()),
            });
            match tried {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && buffer.remaining() == room => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_written(context, |stream| stream.try_write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match SockRef::from(&self.peer.0.stream).shutdown(Shutdown::Write) {
            // The client has left, so there is nobody to tell.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            shut => Poll::Ready(shut),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_written(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
