//! Where clients come in.
//!
//! `mode` says what a listener is, `accept` takes connections, `connection` serves one, `tunnel` is what CONNECT opens
//! (with the certificates of `ca`), `admit` makes a flow's request of what arrived and `deliver` makes of a flow's
//! response what the client gets. `switched` goes on when that changes the connection's protocol.

mod accept;
mod admit;
pub mod ca;
mod connection;
pub(crate) mod deliver;
mod drain;
mod interim;
mod limits;
pub mod mode;
mod prefixed;
pub(crate) mod switched;
pub(crate) mod tunnel;
mod watched;

pub use accept::{BindError, Listener};
pub use admit::{Admitted, Entry, admit};
pub use connection::Service;
pub use deliver::{Killed, deliver};
pub use drain::{Drain, Draining};
pub use interim::Interim;
pub use limits::ClientLimits;
