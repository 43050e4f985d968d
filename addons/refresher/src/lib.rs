//! The default refresher: moves the dates of a recorded response by the time that has passed since.
//!
//! Dates are read as leniently as mitmproxy reads them. What is not a date stays as it is, to the byte, and so does
//! everything beside a date.

mod component;
mod cookie;
mod date;
mod refresh;

pub use date::Date;
pub use refresh::{Edit, refresh_fields, refresh_value};
