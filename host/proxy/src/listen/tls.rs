//! TLS with a client, in the place of the server that it wants.

use std::{
    io,
    sync::{Arc, LazyLock},
    time::Duration,
};

use rustls::server::Acceptor;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use tracing::{debug, warn};

use super::ca::{CertificateAuthority, Protocols};
use crate::{handshake::sentence, throttle::Throttle};

/// The record type that opens TLS (RFC 8446 §5.1).
pub(super) const HANDSHAKE_RECORD: u8 = 22;

/// The message that opens it (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;

/// Where the message of a record begins (RFC 8446 §5.1).
const MESSAGE: usize = 5;

/// Whether bytes are the beginning of TLS, as far as they tell.
pub(super) fn opens(bytes: &[u8]) -> bool {
    bytes.first() == Some(&HANDSHAKE_RECORD) && bytes.get(MESSAGE).is_none_or(|message| *message == CLIENT_HELLO)
}

/// Most time for the message that opens it, of which the first bytes are there: clients send it in one go.
const HELLO: Duration = Duration::from_secs(2);

/// Most time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Does the handshake with a client, which is shown a certificate for the name that it gives, or else for `host`. Why there
/// is none is in the log.
pub(super) async fn accept<T: AsyncRead + AsyncWrite + Unpin>(
    authority: &Arc<CertificateAuthority>,
    host: &str,
    stream: T,
) -> Option<TlsStream<T>> {
    match timeout(HANDSHAKE, shake(authority, host, stream)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) if is_new_refusal() => warn!(
            host,
            error = sentence(&error),
            "client broke off the TLS handshake; does it trust the certificate authority? (proxyhost ca)"
        ),
        Ok(Err(error)) => debug!(host, error = sentence(&error), "client broke off the TLS handshake"),
        Err(_) => debug!(host, "client did not finish the TLS handshake"),
    }
    None
}

async fn shake<T: AsyncRead + AsyncWrite + Unpin>(
    authority: &Arc<CertificateAuthority>,
    host: &str,
    stream: T,
) -> io::Result<TlsStream<T>> {
    let start = timeout(HELLO, LazyConfigAcceptor::new(Acceptor::default(), stream)).await??;
    let protocols = Protocols::common(start.client_hello().alpn().into_iter().flatten());
    start.into_stream(authority.server_config(host, protocols)).await
}

/// Whether a handshake that a client broke off is to be written: one a second is, and the others are counted.
fn is_new_refusal() -> bool {
    static REFUSALS: LazyLock<Throttle<()>> =
        LazyLock::new(|| Throttle::new(1, |(), times| warn!(times, "clients broke off {times} more TLS handshakes")));
    REFUSALS.admits(())
}
