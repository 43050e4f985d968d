//! Binding addresses and taking connections.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::OwnedSemaphorePermit,
};
use tracing::{debug, warn};

use super::{Arrival, Clients, Gate, Service, connection::Carrier, opening, redirected, socket::Socket, socks};
use crate::flow::Scheme;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`")]
pub struct BindError {
    address: SocketAddr,
    source: BindFault,
}

/// What the system said, with what to do about it where that is known.
#[derive(Debug, thiserror::Error)]
enum BindFault {
    #[error("another program listens there; stop it, or choose another port with --listen")]
    InUse,
    #[error("ports below 1024 need privileges; choose another with --listen")]
    NotAllowed,
    #[error("this machine has no such address")]
    NotHere,
    #[error(transparent)]
    Other(io::Error),
}

impl From<io::Error> for BindFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse,
            io::ErrorKind::PermissionDenied => Self::NotAllowed,
            io::ErrorKind::AddrNotAvailable => Self::NotHere,
            _ => Self::Other(error),
        }
    }
}

/// Something that may happen very often, of which a line is enough now and then.
#[derive(Debug, Default)]
struct Repeated {
    said: Option<Instant>,
    unsaid: u64,
}

/// Least time between two lines.
const SAID_EVERY: Duration = Duration::from_secs(10);

impl Repeated {
    /// It happens. If it is to be said, gives how often it has happened since it was said last, this time not counted.
    fn count(&mut self) -> Option<u64> {
        if self.said.is_some_and(|said| said.elapsed() < SAID_EVERY) {
            self.unsaid += 1;
            return None;
        }
        self.said = Some(Instant::now());
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// A bound address, and how requests to it come in.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    arrival: Arrival,
    gate: Arc<Gate>,
}

/// Connections that wait to be taken. The system may allow fewer.
const BACKLOG: u32 = 1024;

/// After a failed accept, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

impl Listener {
    /// Binds an address; port 0 picks one.
    ///
    /// # Errors
    /// When the address is in use, not this machine's, or not allowed.
    pub async fn bind(address: SocketAddr, arrival: Arrival, gate: Gate) -> Result<Self, BindError> {
        let failed = |error: io::Error| BindError { address, source: error.into() };
        let socket = listen(address, arrival).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, arrival, gate: Arc::new(gate.at(address)) })
    }

    /// The address, with the port that was picked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections until draining begins.
    pub async fn run<S: Service>(self, clients: Arc<Clients<S>>) {
        let (mut full, mut failing) = (Repeated::default(), Repeated::default());
        loop {
            let (permit, accepted) = tokio::select! {
                accepted = self.accept(&clients, &mut full) => accepted,
                () = clients.drain.begun() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    debug!(%peer, "client connected");
                    match Socket::new(stream, clients.connected.begin(), clients.idle) {
                        Ok(socket) => {
                            let carrier =
                                Carrier { gate: self.gate.clone(), peer: Some(socket.peer()), scheme: Scheme::Http };
                            let clients = clients.clone();
                            match self.arrival {
                                Arrival::Http => {
                                    clients.drain().spawn(opening::serve(clients, socket, carrier, permit));
                                }
                                Arrival::Socks => {
                                    clients.drain().spawn(socks::serve(clients, socket, carrier, permit));
                                }
                                Arrival::Redirected => {
                                    clients.drain().spawn(redirected::serve(clients, socket, carrier, permit));
                                }
                            }
                        }
                        Err(error) => debug!(%peer, %error, "client left at once"),
                    }
                }
                Err(error) if is_of_one_client(&error) => debug!(%error, "client left before it was taken"),
                Err(error) => {
                    if let Some(unsaid) = failing.count() {
                        warn!(%error, unsaid, "cannot take connections for now");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits for a connection. When there are as many as there may be, new ones wait in the system's queue.
    async fn accept<S>(
        &self,
        clients: &Clients<S>,
        full: &mut Repeated,
    ) -> (Option<OwnedSemaphorePermit>, io::Result<(TcpStream, SocketAddr)>) {
        let permit = match clients.connections.clone().try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => {
                if let Some(unsaid) = full.count() {
                    let limit = clients.limits.connections;
                    warn!(limit, unsaid, "as many connections as there may be; new ones have to wait");
                }
                // Fails only when the semaphore is closed, which nobody does.
                clients.connections.clone().acquire_owned().await.ok()
            }
        };
        (permit, self.socket.accept().await)
    }
}

fn listen(address: SocketAddr, arrival: Arrival) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A proxy that was stopped can be started again at once. Elsewhere, this would let two programs listen.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    #[cfg(target_os = "linux")]
    if arrival == Arrival::Redirected
        && let Err(error) = SockRef::from(&socket).set_ip_transparent_v4(true)
    {
        // `REDIRECT` does without.
        debug!(%error, "connections cannot be taken by rules of TPROXY, which needs the capability CAP_NET_ADMIN");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = arrival;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Failures of the connection that was to be taken, not of taking connections.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
