//! SOCKS: version 5 (RFC 1928) with users and passwords (RFC 1929), and version 4 with its extension 4a.
//!
//! A client hears that its connection is there before it is: no server is contacted before something inside asks for it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::OwnedSemaphorePermit,
    time::timeout,
};
use tracing::debug;

use super::{
    Clients, Gate, Service,
    connection::Carrier,
    foreign,
    socket::{Peer, Socket},
    tunnel::{self, Opened},
};
use crate::flow::{Destination, Fault, FaultKind, Scheme, Session};

/// Most time until a client has said where it wants to go.
const WITHIN: Duration = Duration::from_secs(30);

/// Serves a connection that a listener took, until it closes. The permit is given back when it closes.
pub(super) async fn serve<S: Service>(
    clients: Arc<Clients<S>>,
    mut socket: Socket,
    carrier: Carrier,
    permit: Option<OwnedSemaphorePermit>,
) {
    let drain = clients.drain();
    let peer = carrier.peer.as_ref().and_then(Peer::address);
    let opened = tokio::select! {
        opened = timeout(WITHIN, open(&clients, &mut socket, &carrier.gate)) => opened,
        () = drain.begun() => return,
    };
    match opened {
        Ok(Ok((destination, address, session))) => {
            let opened = Opened::new(destination, address, session, carrier);
            tunnel::serve(clients, opened, socket, permit).await;
        }
        Ok(Err(Refusal::Foreign(first))) => foreign::tell(peer, "SOCKS", &first),
        Ok(Err(Refusal::Fault(fault))) => {
            debug!(kind = fault.kind.name(), "refused: {fault}");
            clients.journal.refused(&fault);
        }
        Ok(Err(Refusal::Left(error))) => debug!(%error, "client left before it said where to go"),
        Err(_) => debug!("client did not say where to go"),
    }
}

/// Where a client wants to go, with the address if it named that, and the session that it is of.
type Wanted = (Destination, Option<IpAddr>, Session);

/// Finds out where a client wants to go, and tells it that it is there.
async fn open<S: Service>(
    clients: &Clients<S>,
    socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
    gate: &Gate,
) -> Result<Wanted, Refusal> {
    let asked = negotiate(socket, gate).await?;
    let checked = clients.session(asked.session).and_then(|session| {
        tunnel::check(&clients.service, &asked.destination, asked.address)?;
        Ok(session)
    });
    let said = if checked.is_ok() { Reply::Granted } else { Reply::NotAllowed };
    asked.version.reply(socket, said).await?;
    Ok((asked.destination, asked.address, checked?))
}

/// Why a client gets no connection.
#[derive(Debug)]
enum Refusal {
    /// It speaks something else, beginning with this.
    Foreign(Vec<u8>),
    /// It may not, or asks for something that is not here. It was told.
    Fault(Fault),
    /// It left.
    Left(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Left(error)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a client asks for. It waits for a reply.
#[derive(Debug)]
struct Asked {
    version: Version,
    destination: Destination,
    address: Option<IpAddr>,
    session: Session,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Four,
    Five,
}

/// What a client is told, with its number in version 5 (RFC 1928 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Granted = 0,
    Failed = 1,
    NotAllowed = 2,
    NoSuchCommand = 7,
    NoSuchAddress = 8,
}

impl Version {
    async fn reply(self, stream: &mut (impl AsyncWrite + Unpin), reply: Reply) -> io::Result<()> {
        match (self, reply) {
            // The address that is told is of no use to anybody.
            (Self::Five, reply) => stream.write_all(&[5, reply as u8, 0, IPV4, 0, 0, 0, 0, 0, 0]).await?,
            (Self::Four, Reply::Granted) => stream.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await?,
            (Self::Four, _) => stream.write_all(&[0, 91, 0, 0, 0, 0, 0, 0]).await?,
        }
        stream.flush().await
    }

    /// Refuses what a client asks for.
    async fn refuse(self, stream: &mut (impl AsyncWrite + Unpin), reply: Reply, why: &str) -> Result<Asked, Refusal> {
        self.reply(stream, reply).await?;
        Err(Fault::new(FaultKind::BadRequest, format!("the SOCKS connection cannot be opened: {why}")).into())
    }
}

/// The commands, of which the others are for connections to the client.
const CONNECT: u8 = 1;

/// Kinds of addresses in version 5.
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Ways to say who a client is (RFC 1928 §3).
const NOBODY: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_OF_THEM: u8 = 0xff;

/// Reads what a client asks for.
async fn negotiate(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), gate: &Gate) -> Result<Asked, Refusal> {
    match stream.read_u8().await? {
        4 => negotiate_4(stream, gate).await,
        5 => negotiate_5(stream, gate).await,
        first => {
            let mut seen = vec![first];
            // What else is there already tells people more.
            drop(stream.read_buf(&mut seen).now_or_never());
            Err(Refusal::Foreign(seen))
        }
    }
}

async fn negotiate_5(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), gate: &Gate) -> Result<Asked, Refusal> {
    let methods = read_short(stream).await?;
    // Who has a name says it also where it is not needed: it names a session.
    let session = if methods.contains(&PASSWORD) {
        stream.write_all(&[5, PASSWORD]).await?;
        let _version = stream.read_u8().await?;
        let (name, password) = (read_short(stream).await?, read_short(stream).await?);
        let entered = gate.enter(Some((&name, &password)));
        stream.write_all(&[1, u8::from(entered.is_err())]).await?;
        entered?
    } else {
        let entered = if methods.contains(&NOBODY) { gate.enter(None) } else { Err(unknown_ways()) };
        stream.write_all(&[5, if entered.is_ok() { NOBODY } else { NONE_OF_THEM }]).await?;
        entered?
    };
    let [_version, command, _, kind] = read(stream).await?;
    let (host, address) = match kind {
        IPV4 => named_by(Ipv4Addr::from(read::<4>(stream).await?).into()),
        IPV6 => named_by(Ipv6Addr::from(read::<16>(stream).await?).into()),
        NAME => named(read_short(stream).await?),
        _ => return Version::Five.refuse(stream, Reply::NoSuchAddress, "its kind of address is unknown").await,
    };
    let port = stream.read_u16().await?;
    asked(stream, Version::Five, command, (host, address, port), session).await
}

async fn negotiate_4(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), gate: &Gate) -> Result<Asked, Refusal> {
    let command = stream.read_u8().await?;
    let port = stream.read_u16().await?;
    let ip = read::<4>(stream).await?;
    // The user's name on the client's machine, without a password.
    read_text(stream).await?;
    // 4a: an address that nobody has says that a name follows.
    let (host, address) = match ip {
        [0, 0, 0, last] if last > 0 => named(read_text(stream).await?),
        ip => named_by(Ipv4Addr::from(ip).into()),
    };
    match gate.enter(None) {
        Ok(session) => asked(stream, Version::Four, command, (host, address, port), session).await,
        Err(fault) => {
            Version::Four.reply(stream, Reply::NotAllowed).await?;
            Err(fault.into())
        }
    }
}

async fn asked(
    stream: &mut (impl AsyncWrite + Unpin),
    version: Version,
    command: u8,
    (host, address, port): (String, Option<IpAddr>, u16),
    session: Session,
) -> Result<Asked, Refusal> {
    if command != CONNECT {
        let why = "only connections to servers are made (CONNECT), and neither BIND nor UDP are known";
        return version.refuse(stream, Reply::NoSuchCommand, why).await;
    }
    let scheme = if port == Scheme::Http.default_port() { Scheme::Http } else { Scheme::Https };
    match Destination::new(scheme, &host, port) {
        Ok(destination) => Ok(Asked { version, destination, address, session }),
        Err(error) => version.refuse(stream, Reply::Failed, &error.to_string()).await,
    }
}

fn unknown_ways() -> Fault {
    Fault::new(FaultKind::ProxyUnauthorized, "of the ways to say who it is, the client offers none that is known here")
}

/// A host that was given as a text, which may be that of an address.
fn named(host: Vec<u8>) -> (String, Option<IpAddr>) {
    let host = String::from_utf8_lossy(&host).into_owned();
    let address = host.parse().ok();
    (host, address)
}

fn named_by(address: IpAddr) -> (String, Option<IpAddr>) {
    let address = address.to_canonical();
    (address.to_string(), Some(address))
}

async fn read<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Reads bytes behind their number.
async fn read_short(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Reads bytes before a zero.
async fn read_text(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        match stream.read_u8().await? {
            0 => return Ok(bytes),
            _ if bytes.len() >= LONGEST => return Err(io::Error::other("a name of version 4 is too long")),
            byte => bytes.push(byte),
        }
    }
}

/// As long as names of version 5 can be.
const LONGEST: usize = 255;

#[cfg(test)]
mod tests;
