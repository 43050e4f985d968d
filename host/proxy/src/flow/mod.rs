//! A flow: one exchange of a request and its response, held by the host while addons look at it. No I/O starts here.

mod body;
mod destination;
mod fault;
mod fields;
mod interim;
mod keeper;
mod lease;
mod live;
mod notes;
mod observer;
mod outgoing;
pub mod raw_bytes;
mod request;
mod response;
mod route;
#[cfg(test)]
pub(crate) mod samples;
mod session;
mod target;
mod upgrade;

pub use body::{Body, BodyFailure, BoxError, Collecting, Sender, Stored};
pub use destination::{Destination, InvalidDestination, Scheme};
pub use fault::{Fault, FaultKind, Unanswered};
pub use fields::{Fields, HOP_BY_HOP};
pub use interim::InterimSink;
pub use lease::Lease;
pub use notes::{Decision, Note, NoteObserver, NoteRefused, Notes};
pub use observer::{BodyObserver, Completion, UpgradeObserver};
pub use outgoing::{Outgoing, OutgoingStream};
pub use request::{FlowId, Reached, Request, RequestHead};
pub use response::{Framing, Response, ResponseHead};
pub use route::Route;
pub use session::{InvalidSession, Session};
pub use target::{Raw, Target};
pub use upgrade::{ByteStream, Endpoint, Stream, Upgrade};
