//! What listeners need of the rest of the proxy.

use std::sync::Arc;

use crate::flow::{ByteStream, Destination, Fault, InterimSink, Lease, Request, Response, Unanswered};

/// What becomes of requests.
pub trait Service: Send + Sync + 'static {
    /// Answers a request. Interim responses go to `interim`, where the client's protocol has them.
    ///
    /// # Errors
    /// When the flow ends without an answer.
    fn respond(
        &self,
        request: Request,
        interim: Option<Arc<dyn InterimSink>>,
    ) -> impl Future<Output = Result<Response, Unanswered>> + Send;

    /// Whether a tunnel to a destination may be opened at all. No connection is made.
    ///
    /// # Errors
    /// When it may not, with the reason.
    fn check_tunnel(&self, destination: &Destination) -> Result<(), Fault>;

    /// Connects a tunnel whose content is not HTTP, with what it needs until it has ended; `request` is the `CONNECT` request
    /// that opened it.
    ///
    /// # Errors
    /// When it ends without a connection.
    fn connect(&self, request: Request) -> impl Future<Output = Result<(ByteStream, Lease), Unanswered>> + Send;
}
