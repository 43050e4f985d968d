//! Connections to servers that the system led here (`REDIRECT` and `TPROXY` of Linux): their clients know of no proxy.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

use tokio::sync::OwnedSemaphorePermit;
use tracing::{debug, warn};

use super::{
    Clients, Service,
    connection::Carrier,
    socket::Socket,
    tunnel::{self, Opened},
};
use crate::{
    flow::{Destination, Fault, FaultKind, Scheme, Session},
    throttle::Throttle,
};

/// Serves a connection that a listener took, until it closes. The permit is given back when it closes.
pub(super) async fn serve<S: Service>(
    clients: Arc<Clients<S>>,
    socket: Socket,
    carrier: Carrier,
    permit: Option<OwnedSemaphorePermit>,
) {
    let wanted = socket.original_destination().map_err(|error| {
        Fault::new(FaultKind::Internal, format!("the system does not say where a connection was to go: {error}"))
    });
    let destination = wanted.and_then(|address| {
        let destination = destination(address)?;
        tunnel::check(&clients.service, &destination, Some(address.ip()))?;
        Ok((destination, address))
    });
    match destination {
        Ok((destination, address)) => {
            let session = carrier.gate.enter(None).unwrap_or_else(|_| Session::default());
            let opened = Opened::new(destination, Some(address.ip()), session, carrier);
            tunnel::serve(clients, opened, socket, permit).await;
        }
        Err(fault) => {
            let fault = match fault.kind {
                FaultKind::Loop => Fault::new(FaultKind::Loop, NOT_REDIRECTED),
                _ => fault,
            };
            if is_new() {
                warn!(kind = fault.kind.name(), "a connection is closed: {fault}");
            } else {
                debug!(kind = fault.kind.name(), "a connection is closed: {fault}");
            }
            clients.journal.refused(&fault);
        }
    }
}

const NOT_REDIRECTED: &str = "it came to the transparent proxy's own address, and not by a rule of the firewall that \
                              redirects it from its server's; clients that know of the proxy need --mode regular";

fn destination(address: SocketAddr) -> Result<Destination, Fault> {
    let scheme = if address.port() == Scheme::Http.default_port() { Scheme::Http } else { Scheme::Https };
    Destination::new(scheme, &address.ip().to_string(), address.port())
        .map_err(|error| Fault::new(FaultKind::BadRequest, error.to_string()))
}

/// Whether it is to be written: one a second is, and the others are counted.
fn is_new() -> bool {
    static CLOSED: LazyLock<Throttle<()>> =
        LazyLock::new(|| Throttle::new(1, |(), times| warn!(times, "{times} more connections are closed")));
    CLOSED.admits(())
}
