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
pub mod command;
pub mod declare;
mod export;
pub mod next;
pub mod options;

pub use bindings::host::proxyhost::addon::{
    actions::Action,
    log,
    messages::{
        Body, BodyError, BodyReader, Comparison, EditError, Field, Request, RequestTraits, Response, ResponseTraits,
        Version,
    },
    notes,
    options::Value,
};
pub use bindings::recordings::proxyhost::recordings::{index, recorder, recordings};

pub use bindings::{
    commands::Guest as Commands,
    declaration::Guest as Declaration,
    error_hook::Guest as ErrorHook,
    lifecycle::{Guest as Lifecycle, Readiness},
    matcher::{Guest as Matcher, Part},
    refresher::Guest as Refresher,
    request_hook::Guest as RequestHook,
    response_hook::Guest as ResponseHook,
    startup::Guest as Startup,
};
