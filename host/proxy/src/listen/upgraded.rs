//! Connections that a response upgrades to another protocol (RFC 9110 §7.8).

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tracing::debug;

use super::{Clients, observed::Observed, traffic::Traffic};
use crate::{
    flow::{ByteStream, Endpoint, FlowId, Outgoing, ResponseHead, UpgradeObserver},
    journal::Passing,
};

/// The answer that upgrades a connection to a protocol.
pub(super) fn switching(head: Arc<ResponseHead>, protocol: &HeaderValue) -> http::Response<Outgoing> {
    let (map, spelling) = Arc::unwrap_or_clone(head).fields.into_parts();
    let mut switching = http::Response::new(Outgoing::default());
    *switching.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *switching.headers_mut() = map;
    *switching.extensions_mut() = spelling.into_extensions();
    switching.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    switching.headers_mut().insert(header::UPGRADE, protocol.clone());
    switching
}

/// A connection that is to be upgraded.
pub(super) struct Upgrading {
    pub(super) flow: FlowId,
    pub(super) client: OnUpgrade,
    /// Who the client speaks with then.
    pub(super) endpoint: Arc<dyn Endpoint>,
    pub(super) observers: Vec<Arc<dyn UpgradeObserver>>,
    /// The flow, which ends when the connection does.
    pub(super) passing: Option<Passing>,
}

/// Hands an upgraded connection to its endpoint, and tells the observers of it. Ends when draining begins, as nobody knows
/// whether such a connection ever would, and when nothing passes for too long.
pub(super) async fn serve<S>(upgrading: Upgrading, clients: Arc<Clients<S>>) {
    let Upgrading { flow, client, endpoint, observers, passing } = upgrading;
    passing.iter().for_each(Passing::sent_all);
    let served = async {
        match client.await {
            Ok(client) => {
                let (traffic, client) = Traffic::watch(TokioIo::new(client));
                let client: ByteStream = Box::new(client);
                let client =
                    if observers.is_empty() { client } else { Box::new(Observed::new(client, observers.clone())) };
                tokio::select! {
                    () = endpoint.serve(flow, client) => {}
                    () = traffic.silent(clients.limits.tunnel_idle, clients.idle) => {
                        debug!(flow = flow.0, "nothing passed on the upgraded connection for too long");
                    }
                }
            }
            Err(error) => debug!(flow = flow.0, %error, "client left before the connection was upgraded"),
        }
    };
    tokio::select! {
        () = served => {}
        () = clients.drain.begun() => {}
    }
    for completion in observers.iter().filter_map(|observer| observer.end()) {
        completion.await;
    }
}
