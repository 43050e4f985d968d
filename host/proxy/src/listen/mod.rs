//! Where clients come in: HTTP in, flows out; flows in, HTTP out.
//!
//! `mode` says what a listener is, `accept` takes connections, `opening` looks whether one speaks TLS, which `tls` accepts in
//! tunnels too, `connection` serves one and `exchange` one request of it:
//! `gate` says who may send it, `admit` makes a flow's request of what arrived, a `service` answers it, and `deliver` makes of
//! a flow's response what the client gets. `tunnel` is what CONNECT opens (with certificates of `ca`), `socks`, or a
//! connection that was `redirected` here, as `arrival` says; the `hello` inside may say that it is left `untouched`. `upgraded`
//! goes on when a response upgrades the connection. A connection on which nothing happens is at `rest`. `socket` sees that a
//! client left or takes nothing. What all connections share is in `clients`, bounded by `limits`.

mod accept;
mod activity;
mod admit;
mod arrival;
pub mod ca;
mod clients;
mod connection;
mod deliver;
mod drain;
mod exchange;
mod foreign;
mod gate;
mod held;
mod hello;
mod interim;
mod limits;
pub mod mode;
mod observed;
mod opening;
mod prefixed;
mod redirected;
mod rest;
mod service;
mod socket;
mod socks;
mod targets;
mod tls;
mod traffic;
mod tunnel;
mod untouched;
mod upgraded;

pub use accept::{BindError, Listener};
pub use admit::Entry;
pub use arrival::Arrival;
pub use clients::Clients;
pub use drain::Drain;
pub use gate::{Gate, HostField, OwnHost, Users};
pub use limits::ClientLimits;
pub use service::Service;
pub use untouched::Untouched;
