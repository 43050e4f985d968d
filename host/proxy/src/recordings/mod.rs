//! Recordings, for addons: the only folder that sees both flows and recordings.
//!
//! `library` is what an addon has loaded, `messages` makes flows of its exchanges and `playing` answers of its WebSockets.
//! `recorder` lets addons record, with `passing` and `upgraded` for what is recorded while it passes.

mod library;
mod messages;
mod paced;
mod passing;
mod playing;
mod recorder;
mod upgraded;

pub use library::{Library, LibraryBuilder};
pub use messages::RecordedFlows;
pub use passing::PassingRecorder;
