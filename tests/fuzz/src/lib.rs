//! What the fuzz targets share, and the readers of the host that are private there.
//!
//! The host's `flow` and `recording` are compiled a second time here, without the rest of the host, so that nothing has to
//! be public for fuzzing. The modules of our own: `place` is where files lie that are read, `reading` reads all that a
//! recording holds, `tree` changes flow files without breaking their lengths, `any_flow` makes flows, `message` makes HTTP
//! messages of text.

pub mod any_flow;
pub mod message;
pub mod place;
pub mod reading;
pub mod tree;
#[expect(clippy::duplicate_mod, reason = "it is private in `recording`, which is compiled whole")]
pub mod websocket;

#[path = "../../../host/src/error.rs"]
pub mod error;
#[path = "../../../host/src/flow/mod.rs"]
pub mod flow;
#[path = "../../../host/src/recording/mod.rs"]
pub mod recording;
