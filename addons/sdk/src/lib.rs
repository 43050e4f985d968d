//! Write addons for `proxyhost` in Rust.
//!
//! An addon implements the hooks it wants and exports them; what it does not export costs nothing:
//!
//! ```
//! use proxyhost_sdk::{Action, Request, Response, ResponseHook};
//!
//! struct Stamp;
//!
//! impl ResponseHook for Stamp {
//!     fn on_response(_request: &Request, response: &Response) -> Action {
//!         match response.set_field("x-seen-by", b"stamp") {
//!             Ok(()) => Action::Next,
//!             Err(_) => Action::Kill,
//!         }
//!     }
//! }
//!
//! proxyhost_sdk::export!(Stamp: response_hook);
//! ```
//!
//! Build it with `cargo build --release --target wasm32-wasip2` as a `cdylib`, and run `proxyhost --addon stamp.wasm`.
//! Keep the logic in plain functions on plain data: they are tested by `cargo test` without a host.

pub mod bindings;
pub mod declare;
mod export;
pub mod options;

pub use bindings::host::proxyhost::addon::actions::Action;
pub use bindings::host::proxyhost::addon::log;
pub use bindings::host::proxyhost::addon::messages::{
    Body, BodyError, BodyReader, EditError, Field, Request, Response, Version,
};
pub use bindings::recordings::proxyhost::recordings::{index, recorder, recordings};

pub use bindings::declaration::exports::proxyhost::addon::declaration::Guest as Declaration;
pub use bindings::error_hook::exports::proxyhost::addon::error_hook::Guest as ErrorHook;
pub use bindings::lifecycle::exports::proxyhost::addon::lifecycle::{Guest as Lifecycle, Readiness};
pub use bindings::matcher::exports::proxyhost::replay::matcher::{Guest as Matcher, Part};
pub use bindings::refresher::exports::proxyhost::replay::refresher::Guest as Refresher;
pub use bindings::request_hook::exports::proxyhost::addon::request_hook::Guest as RequestHook;
pub use bindings::response_hook::exports::proxyhost::addon::response_hook::Guest as ResponseHook;
