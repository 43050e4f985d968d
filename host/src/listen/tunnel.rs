//! What a client opens with CONNECT: TLS that we intercept, plain HTTP, or something else that is passed on untouched.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, copy_bidirectional},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::{
    Draining, Entry, Service,
    ca::{CertificateAuthority, Protocols},
    connection,
    prefixed::Prefixed,
};
use crate::flow::{Destination, Scheme};

/// A client's side of a tunnel whose first bytes were looked at.
pub(crate) type ClientSide = Prefixed<TokioIo<Upgraded>>;

/// What is inside a tunnel.
enum Content {
    Tls,
    Http,
    Other,
}

/// A client that waits this long for the server to speak first does not speak HTTP.
const SILENCE: Duration = Duration::from_secs(2);

/// Most time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Enough to tell TLS and HTTP from each other and from the rest.
const LOOKED_AT: usize = 8;

/// Serves the inside of a tunnel. Content that is not HTTP is given to `opaque`.
pub(crate) async fn serve<S, F>(
    service: Arc<S>,
    authority: Arc<CertificateAuthority>,
    upgraded: Upgraded,
    mut destination: Destination,
    draining: Draining,
    opaque: impl FnOnce(ClientSide) -> F,
) where
    S: Service,
    F: Future<Output = ()>,
{
    let mut stream = TokioIo::new(upgraded);
    let mut seen = BytesMut::with_capacity(1024);
    let content = look(&mut stream, &mut seen).await;
    let stream = Prefixed::new(seen.freeze(), stream);
    match content {
        Content::Tls => {
            let config = authority.server_config(&destination.host, Protocols::PreferHttp2);
            let handshake = timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await;
            match handshake {
                Ok(Ok(stream)) => {
                    destination.scheme = Scheme::Https;
                    connection::serve(service, stream, Entry::Tunnel(destination), draining).await;
                }
                Ok(Err(error)) => warn!(
                    host = destination.host,
                    %error, "client broke off the TLS handshake; does it trust the certificate authority? (proxyhost ca)"
                ),
                Err(_) => debug!(host = destination.host, "client did not finish the TLS handshake"),
            }
        }
        Content::Http => {
            destination.scheme = Scheme::Http;
            connection::serve(service, stream, Entry::Tunnel(destination), draining).await;
        }
        Content::Other => opaque(stream).await,
    }
}

/// Reads until it is clear what the client speaks.
async fn look(stream: &mut TokioIo<Upgraded>, seen: &mut BytesMut) -> Content {
    while seen.len() < LOOKED_AT {
        match timeout(SILENCE, stream.read_buf(seen)).await {
            Ok(Ok(1..)) => {}
            _ => break,
        }
        if seen[0] == TLS_HANDSHAKE {
            break;
        }
    }
    match seen.first() {
        Some(&TLS_HANDSHAKE) => Content::Tls,
        // A method is a token, and those in use are letters; HTTP/2's preface begins like one.
        Some(_) if seen.iter().take(3).all(u8::is_ascii_alphabetic) => Content::Http,
        _ => Content::Other,
    }
}

/// The record type that opens TLS (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Passes bytes both ways until both sides are done.
pub(crate) async fn splice(mut client: ClientSide, mut server: TcpStream) {
    if let Err(error) = copy_bidirectional(&mut client, &mut server).await {
        debug!(%error, "tunnel ended");
    }
}
