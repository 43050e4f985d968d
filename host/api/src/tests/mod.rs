//! The server and its client, over real connections, in front of a proxy that is none.

mod client;
mod events;
mod fake;
mod guarding;
mod harness;
mod limits;
mod routes;
mod schema;
