//! Connections that a response upgrades to another protocol (RFC 9110 §7.8).

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tracing::debug;

use super::{Drain, observed::Observed};
use crate::flow::{ByteStream, Endpoint, FlowId, Outgoing, ResponseHead, UpgradeObserver};

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

/// Hands an upgraded connection to its endpoint, and tells the observers of it. Ends when draining begins, as nobody knows
/// whether such a connection ever would.
pub(super) async fn serve(
    flow: FlowId,
    client: OnUpgrade,
    endpoint: Arc<dyn Endpoint>,
    observers: Vec<Arc<dyn UpgradeObserver>>,
    drain: Drain,
) {
    let served = async {
        match client.await {
            Ok(client) => {
                let client: ByteStream = Box::new(TokioIo::new(client));
                let client =
                    if observers.is_empty() { client } else { Box::new(Observed::new(client, observers.clone())) };
                endpoint.serve(flow, client).await;
            }
            Err(error) => debug!(flow = flow.0, %error, "client left before the connection was upgraded"),
        }
    };
    tokio::select! {
        () = served => {}
        () = drain.begun() => {}
    }
    for completion in observers.iter().filter_map(|observer| observer.end()) {
        completion.await;
    }
}
