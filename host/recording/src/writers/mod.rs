//! The formats that are written: flow files of mitmproxy, and HAR files.

mod flow_file;
mod har;
mod pieces;

pub(crate) use flow_file::FIRST_KEY;
pub use flow_file::write as write_flow;
pub use har::{AppendError, HarFile};
