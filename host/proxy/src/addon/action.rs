//! What addons do with a flow.

use crate::flow::Response;

/// What is to happen to a flow, as one addon says or as all of them say together. `M` is the message that goes on.
#[derive(Debug)]
pub enum Action<M = ()> {
    /// Go on with the message.
    Next(M),
    /// Answer the client with this.
    Respond(Box<Response>),
    /// End the flow without an answer.
    Kill,
}
