//! Resolving names, as the egress policy permits.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::Egress;
use crate::flow::Fault;

/// The addresses of names, each checked before a connection is made.
#[derive(Clone)]
pub(super) struct PermittedAddresses {
    egress: Arc<Egress>,
    port: u16,
}

/// Why a name has no address that may be connected to.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookUpError {
    #[error("it cannot be looked up")]
    Dns(#[source] io::Error),
    #[error(transparent)]
    Egress(Fault),
}

impl PermittedAddresses {
    /// Addresses for connections to a port.
    pub(super) fn new(egress: Arc<Egress>, port: u16) -> Self {
        Self { egress, port }
    }
}

impl Service<Name> for PermittedAddresses {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = LookUpError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, LookUpError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LookUpError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { egress, port } = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), port)).await.map_err(LookUpError::Dns)?;
            let addresses: Vec<SocketAddr> = found.collect();
            if addresses.is_empty() {
                let nothing = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                return Err(LookUpError::Dns(nothing));
            }
            // A name with one forbidden address is refused whole: which one is tried must not depend on luck.
            for &address in &addresses {
                egress.check(address).map_err(LookUpError::Egress)?;
            }
            Ok(addresses.into_iter())
        })
    }
}
