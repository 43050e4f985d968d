//! A flow: one exchange of a request and its response, held by the host while addons look at it. No I/O starts here.

mod body;
mod fault;
mod fields;
mod live;
mod message;
mod outgoing;
mod paced;
mod spelling;
mod switch;
mod tap;

pub use body::{Beat, Body, BodyFailure, Collecting, Sender, Stored};
pub use fault::{Fault, FaultKind};
pub use fields::{Fields, HOP_BY_HOP};
pub use message::{Destination, FlowId, Request, RequestHead, Response, ResponseHead, Scheme};
pub use outgoing::Outgoing;
pub use spelling::Spelling;
pub use switch::{Player, Switch};
pub use tap::{Settling, Tap, Watcher};
