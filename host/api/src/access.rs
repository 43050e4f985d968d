//! What a client has to know and to say.

use super::Token;

/// What a client has to know and to say.
#[derive(Clone, Debug)]
pub struct Access {
    /// What it has to know.
    pub token: Token,
    /// The name that the server listens on, as the operator wrote it. Beside it, clients may call the server `localhost`, an
    /// address of loopback or the address by which they reached it.
    pub name: Option<String>,
}
