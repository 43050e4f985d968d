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
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Tls,
    Http,
    Other,
}

/// A client that waits this long for the server to speak first does not speak HTTP.
const SILENCE: Duration = Duration::from_secs(2);

/// Most time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longer than any method in use.
const LOOKED_AT: usize = 64;

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
    loop {
        if let Some(content) = recognise(seen) {
            return content;
        }
        match timeout(SILENCE, stream.read_buf(seen)).await {
            Ok(Ok(1..)) => {}
            // A slow client whose first letters could be a method gets the benefit of the doubt.
            _ if seen.len() >= 3 && seen.iter().all(u8::is_ascii_alphabetic) => return Content::Http,
            _ => return Content::Other,
        }
    }
}

/// What bytes that open a connection are the beginning of; nothing while that is not clear.
fn recognise(seen: &[u8]) -> Option<Content> {
    match seen.first()? {
        &TLS_HANDSHAKE => return Some(Content::Tls),
        // A server should ignore an empty line before a request (RFC 9112 §2.2).
        b'\r' | b'\n' => return Some(Content::Http),
        first if !first.is_ascii_alphabetic() => return Some(Content::Other),
        _ => {}
    }
    // A request line, good or bad: something, a space, and a path, an URL or an asterisk. HTTP/2's preface is one.
    let looked_at = &seen[..seen.len().min(LOOKED_AT)];
    match looked_at.iter().position(|&byte| matches!(byte, b' ' | b'\t' | b'\n')) {
        Some(end) if looked_at[end] == b'\n' => Some(Content::Other),
        Some(end) => Some(match looked_at.get(end + 1)? {
            b'/' | b'*' | b'h' | b'H' => Content::Http,
            _ => Content::Other,
        }),
        None => (seen.len() >= LOOKED_AT).then_some(Content::Other),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_http_and_the_rest_are_told_apart() {
        let table: [(&[u8], Option<Content>); 13] = [
            (b"", None),
            (b"\x16", Some(Content::Tls)),
            (b"GE", None),
            (b"GET ", None),
            (b"GET /a HTTP/1.1\r\n", Some(Content::Http)),
            (b"GET\t/a HTTP/1.1\r\n", Some(Content::Http)),
            (b"OPTIONS * HTTP/1.1\r\n", Some(Content::Http)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Content::Http)),
            (b"\r\nGET / HTTP/1.1\r\n", Some(Content::Http)),
            (b"SSH-2.0-OpenSSH_9.9\r\n", Some(Content::Other)),
            (b"NICK someone\r\n", Some(Content::Other)),
            (b"\x00\x00\x00\x08", Some(Content::Other)),
            (&[b'A'; LOOKED_AT], Some(Content::Other)),
        ];
        for (bytes, content) in table {
            assert_eq!(recognise(bytes), content, "{}", bytes.escape_ascii());
        }
    }
}
