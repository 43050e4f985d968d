//! What happens on a connection whose protocol a response changes.

use std::{fmt, sync::Arc};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use super::{Settling, Watcher};

/// Speaks to the client in the server's place once the protocol is changed.
pub trait Player: Send + Sync + fmt::Debug {
    /// Takes over the client's side of the connection; the number of the flow is for the log.
    fn play(self: Arc<Self>, flow: u64, client: TokioIo<Upgraded>) -> Settling;
}

/// Who has to do with the connection once its protocol is changed.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    /// Speaks in the server's place.
    pub player: Option<Arc<dyn Player>>,
    /// Sees what passes.
    pub watchers: Vec<Arc<dyn Watcher>>,
}
