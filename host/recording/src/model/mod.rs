//! What a recording holds, whatever the format, and wherever its contents are.
//!
//! Everything is generic over its contents `C`: a reader leaves them in the file ([`Content`]), a writer takes them out of
//! memory or a file ([`Source`]), and who plays a session or records one has them somewhere else again.
//! [`Flow::map_contents`] leads from one to the other.
//!
//! `exchange` is a `flow` that was read; a flow has a `request`, a `response` and what was said over its `websocket`. `fields`
//! are what heads and trailers have, `content` says where bytes are and `comparison` how they are compared, and `pace` how fast
//! they are sent again.

mod comparison;
mod content;
mod exchange;
mod fields;
mod flow;
mod pace;
mod request;
mod response;
mod websocket;

pub use comparison::Comparison;
pub use content::{Content, Source, Span};
pub use exchange::Exchange;
pub use fields::Fields;
pub use flow::{Failure, Flow};
pub use pace::{Beat, Pace};
pub use request::Request;
pub use response::{Piece, Response, has_no_body};
pub use websocket::{Message, WebSocket};
