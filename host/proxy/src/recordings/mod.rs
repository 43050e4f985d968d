//! Recordings, for addons: a capability, and the only folder that sees both flows and recordings.
//!
//! `capability` offers the package `proxyhost:recordings` to components, whose calls arrive in `reading`, `indexing` and
//! `recorder`, with `gathered` for folders of recordings. `library` is what an addon has loaded, `messages` makes flows of its
//! exchanges and `playing` answers of its WebSockets, some of them `paced`, and contents `decoded` or `composed` anew; `keys` and
//! `heads` are what an addon need not make twice. `passing` and `upgraded` record what passes, `frames` finds messages of
//! WebSockets for those who look at them, and `numbers` are what is counted.

mod bindings;
mod capability;
mod composed;
mod counters;
mod decoded;
mod frames;
mod gathered;
mod heads;
mod indexing;
mod keys;
mod ledger;
mod library;
mod messages;
mod numbers;
mod paced;
mod passing;
mod playing;
mod reading;
mod recorder;
mod remembered;
mod saved;
mod upgraded;

pub use capability::Recordings;
pub use frames::decoder as frame_decoder;
pub use library::Library;
pub use messages::RecordedFlows;
pub use passing::PassingRecorder;
pub use saved::{SaveError, save};
