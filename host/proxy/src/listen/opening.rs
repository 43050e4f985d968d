//! What a client opens its connection with: TLS, which every listener accepts, or HTTP.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Clients, Service,
    activity::Activity,
    connection::{self, Carrier},
    prefixed::Prefixed,
    rest::Client,
    socket::Socket,
    tls,
};
use crate::flow::Scheme;

/// Serves a connection that a listener took, until it closes, or is idle for too long, or while draining. The permit is given
/// back when it closes.
pub(super) async fn serve<S: Service>(
    clients: Arc<Clients<S>>,
    socket: Socket,
    carrier: Carrier,
    permit: Option<OwnedSemaphorePermit>,
) {
    let (mut client, activity) = (Client::new(socket, permit), Activity::new());
    let Some(first) = connection::next_bytes(&clients, &mut client, &activity).await else { return };
    if tls::opens(&first) {
        // Boxed, so that plain connections take no memory for it.
        Box::pin(serve_tls(clients, client, first, carrier)).await;
    } else {
        connection::serve_from(clients, client, first, carrier, activity).await;
    }
}

/// The same inside TLS. Clients that know no name of this host are shown a certificate for the address they connected to.
async fn serve_tls<S: Service>(clients: Arc<Clients<S>>, client: Client<Socket>, first: Bytes, carrier: Carrier) {
    let (socket, permit) = client.into_parts();
    let Some(local) = socket.peer().local_address() else { return };
    let stream = Prefixed::new(first, socket);
    if let Some(stream) = tls::accept(&clients.authority, &local.ip().to_canonical().to_string(), stream).await {
        connection::serve(clients, stream, Carrier { scheme: Scheme::Https, ..carrier }, permit).await;
    }
}
