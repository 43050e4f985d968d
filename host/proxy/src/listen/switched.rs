//! Connections whose protocol was changed.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tracing::debug;

use super::{Draining, watched::Watched};
use crate::flow::{FlowId, Outgoing, Player, Response, Watcher};

/// The answer that changes a connection's protocol.
pub fn switching(response: Response, protocol: &HeaderValue) -> http::Response<Outgoing> {
    let (map, spelling) = Arc::unwrap_or_clone(response.head).fields.into_parts();
    let mut switching = http::Response::new(Outgoing::default());
    *switching.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *switching.headers_mut() = map;
    *switching.extensions_mut() = spelling.into_extensions();
    switching.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    switching.headers_mut().insert(header::UPGRADE, protocol.clone());
    switching
}

/// Passes bytes both ways after both sides changed the protocol, and tells the watchers of them. Ends when draining begins,
/// as nobody knows whether such a connection ever would.
pub async fn splice(
    flow: FlowId,
    client: OnUpgrade,
    server: OnUpgrade,
    watchers: Vec<Arc<dyn Watcher>>,
    mut draining: Draining,
) {
    let spliced = async {
        let (client, server) = tokio::try_join!(client, server)?;
        let (client, server) = (TokioIo::new(client), TokioIo::new(server));
        let mut client = Watched::new(client, |bytes| watchers.iter().for_each(|watcher| watcher.client_sent(bytes)));
        let mut server = Watched::new(server, |bytes| watchers.iter().for_each(|watcher| watcher.server_sent(bytes)));
        copy_bidirectional(&mut client, &mut server).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    tokio::select! {
        ended = spliced => if let Err(error) = ended {
            debug!(flow = flow.0, %error, "upgraded connection ended");
        },
        () = draining.begun() => {}
    }
    for settling in watchers.iter().filter_map(|watcher| watcher.end()) {
        settling.await;
    }
}

/// Lets somebody speak to the client after it changed the protocol.
pub async fn play(flow: FlowId, client: OnUpgrade, player: Arc<dyn Player>) {
    match client.await {
        Ok(client) => player.play(flow.0, TokioIo::new(client)).await,
        Err(error) => debug!(flow = flow.0, %error, "client left before the protocol was changed"),
    }
}
