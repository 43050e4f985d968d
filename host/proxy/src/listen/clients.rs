//! What all client connections share.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{ClientLimits, Drain, Untouched, ca::CertificateAuthority};
use crate::{
    connections::Connections,
    flow::{Fault, Session},
    journal::Journal,
};

/// What all client connections share: who answers them, and what they may use.
pub struct Clients<S> {
    /// Answers requests.
    pub(super) service: S,
    /// Signs the certificates that clients see.
    pub(super) authority: Arc<CertificateAuthority>,
    /// Servers whose traffic is passed on as it is.
    pub(super) untouched: Untouched,
    /// What passes.
    pub(super) journal: Arc<Journal>,
    /// Most time between two pieces of a body.
    pub(super) idle: Duration,
    /// Their tasks.
    pub(super) drain: Drain,
    /// How many connections there are.
    pub(super) connected: Connections,
    /// A permit for each connection.
    pub(super) connections: Arc<Semaphore>,
    /// A permit for each flow.
    pub(super) flows: Arc<Semaphore>,
    /// How many permits there are.
    pub(super) limits: ClientLimits,
}

/// Most time that cut connections may take.
const CUT_WITHIN: Duration = Duration::from_secs(1);

impl<S> Clients<S> {
    /// No connections yet. `idle` is the most time between two pieces of a body.
    pub fn new(service: S, authority: Arc<CertificateAuthority>, limits: ClientLimits, idle: Duration) -> Self {
        let permits = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let (connections, flows) = (permits(limits.connections), permits(limits.flows));
        let (untouched, journal, drain, connected) = Default::default();
        Self { service, authority, untouched, journal, idle, drain, connected, connections, flows, limits }
    }

    /// The same, where the traffic of these servers is passed on as it is.
    pub fn leaving(self, untouched: Untouched) -> Self {
        Self { untouched, ..self }
    }

    /// The same, with what passes told to this journal.
    pub fn told_to(self, journal: Arc<Journal>) -> Self {
        Self { journal, ..self }
    }

    /// Answers requests.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// Their connections.
    pub fn connected(&self) -> Connections {
        self.connected.clone()
    }

    /// A session, as a client named it.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn session(&self, session: Session) -> Result<Session, Fault> {
        if session.is_named() { self.journal.session(session) } else { Ok(session) }
    }

    /// Ends the connections that have not finished in their time, and waits a moment until whoever sees what passes on them
    /// knows of that end.
    pub async fn cut(&self) {
        self.drain.cut();
        let all = u32::try_from(self.limits.flows).unwrap_or(u32::MAX);
        // It is over either way.
        let _ = tokio::time::timeout(CUT_WITHIN, self.flows.acquire_many(all)).await;
    }

    /// Ends connections from outside.
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }
}
