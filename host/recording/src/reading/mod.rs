//! What the readers of all formats share.
//!
//! `signature` tells by a file's first bytes how it is read, and `file` opens it; `window` is how flow files and signatures are
//! looked at. `heads` has the checks of all heads and the memory for them, `url` takes URLs apart, and `body` makes the fields
//! of a message true to a body that is not as it was sent. What comes of it are `flows` of some `format`, or an `error`.

pub(crate) mod body;
mod error;
mod file;
mod flows;
mod format;
pub(crate) mod heads;
mod signature;
mod url;
mod window;

pub use error::RecordingError;
pub(crate) use file::open;
pub(crate) use flows::Flows;
pub use flows::{BrokenTail, Invalid, Progress, Skipped};
pub use format::Format;
pub(crate) use signature::Signature;
pub(crate) use url::{Unfit, Url};
pub(crate) use window::Window;
