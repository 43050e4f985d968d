//! What a component's handles stand for.

use crate::flow::{Body, Request, Response};

/// A request that a component sees, and perhaps changes.
pub struct RequestHandle {
    /// The request, with the changes made so far.
    pub request: Request,
    /// Whether it is part of a recording.
    pub read_only: bool,
}

/// A response that a component sees, changes or makes.
pub struct ResponseHandle {
    /// The response, with the changes made so far.
    pub response: Response,
    /// A status that HTTP does not know, given by the component; the response cannot be used.
    pub wrong_status: Option<u16>,
}

/// A message's content.
pub struct BodyHandle(pub Body);

/// A place in a message's content.
pub struct BodyReader {
    /// The content.
    pub body: Body,
    /// How many bytes of it were read.
    pub offset: u64,
}
