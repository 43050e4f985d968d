//! What tests are written with: the real binary, clients and servers on real sockets, recordings, components.

mod client;
mod components;
mod control;
mod origin;
mod process;
mod recording;
mod terminal;
mod wire;

pub use client::Http2;
pub use components::{component, debuggable, loadable_anew};
pub use origin::Origin;
pub use process::{Proxyhost, StandardError, Start};
pub use recording::{Flow, RecordingFile, Target, get, post, recording};
pub use terminal::Terminal;
pub use wire::{Framing, Message, Stream, Wire, latin1, soon};
