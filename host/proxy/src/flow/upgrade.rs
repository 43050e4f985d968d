//! What follows on a connection that a response upgrades to another protocol (RFC 9110 §7.8).

use std::{fmt, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Completion, FlowId, UpgradeObserver};

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection, whatever it runs over.
pub type ByteStream = Box<dyn Stream>;

/// Speaks to the client once the connection is upgraded: the server, or somebody in its place.
pub trait Endpoint: Send + Sync + fmt::Debug {
    /// Takes over the client's side of the connection, and is done when one side is. Called once. The future is dropped
    /// when the proxy stops.
    fn serve(self: Arc<Self>, flow: FlowId, client: ByteStream) -> Completion;
}

/// Who has to do with a connection once it is upgraded.
#[derive(Clone, Debug, Default)]
pub struct Upgrade {
    /// Who the client speaks with.
    pub endpoint: Option<Arc<dyn Endpoint>>,
    /// Who sees what passes.
    pub observers: Vec<Arc<dyn UpgradeObserver>>,
}
