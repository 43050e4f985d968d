//! A flow: one exchange of a request and its response, held by the host while addons look at it. No I/O starts here.

mod body;
mod fault;
mod fields;
mod message;
mod spelling;

pub use body::{Body, BodyFailure, Collecting, Outgoing, Stored};
pub use fault::{Fault, FaultKind};
pub use fields::{Fields, HOP_BY_HOP};
pub use message::{Destination, FlowId, Request, RequestHead, Response, ResponseHead, Scheme};
pub use spelling::Spelling;
