//! Connections that a response upgrades to another protocol (RFC 9110 §7.8).

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Method, StatusCode, Version, header};
use hyper::{ext::Protocol, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use ring::rand::{self, SystemRandom};
use tracing::debug;

use super::{Clients, activity::UnderWay, observed::Observed, traffic::Traffic};
use crate::{
    flow::{ByteStream, Endpoint, FlowId, Outgoing, ResponseHead, UpgradeObserver},
    journal::Passing,
};

/// Makes of a request that opens a WebSocket on a stream of HTTP/2 (RFC 8441) the one that it is over HTTP/1, which is what
/// servers, addons and recordings know.
pub(super) fn ask_as_over_http1<B>(request: &mut http::Request<B>) {
    if request.extensions().get().is_none_or(|protocol: &Protocol| protocol.as_str() != WEBSOCKET) {
        return;
    }
    *request.method_mut() = Method::GET;
    let fields = request.headers_mut();
    fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    fields.insert(header::UPGRADE, HeaderValue::from_static(WEBSOCKET));
    let key =
        rand::generate(&SystemRandom::new()).map(|key: rand::Random<[u8; 16]>| BASE64_STANDARD.encode(key.expose()));
    // There is always some randomness; without a key, the server refuses.
    if let Some(key) = key.ok().and_then(|key| HeaderValue::try_from(key).ok()) {
        fields.insert(header::SEC_WEBSOCKET_KEY, key);
    }
}

const WEBSOCKET: &str = "websocket";

/// The answer that upgrades a connection, or a stream of one, to a protocol.
pub(super) fn switching(head: Arc<ResponseHead>, protocol: &HeaderValue, version: Version) -> http::Response<Outgoing> {
    let (map, spelling) = Arc::unwrap_or_clone(head).fields.into_parts();
    let mut switching = http::Response::new(Outgoing::default());
    *switching.headers_mut() = map;
    if version == Version::HTTP_2 {
        switching.headers_mut().remove(header::SEC_WEBSOCKET_ACCEPT);
        return switching;
    }
    *switching.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
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
    /// The connection that carries it is not idle as long as it is open.
    pub(super) under_way: UnderWay,
}

/// Hands an upgraded connection to its endpoint, and tells the observers of it. Ends when draining begins, as nobody knows
/// whether such a connection ever would, and when nothing passes for too long.
pub(super) async fn serve<S>(upgrading: Upgrading, clients: Arc<Clients<S>>) {
    let Upgrading { flow, client, endpoint, observers, passing, under_way: _under_way } = upgrading;
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
