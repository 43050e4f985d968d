//! Addons: WebAssembly components that see flows.
//!
//! `component` finds and recognises them, `plug` fills their imports, `load` makes them ready, `chain` is the order in
//! which flows pass them, `hooks` calls one of them, on an instance from its `pool`. What components can call is in
//! `messages`, `library`, `recorder`, `settings` and `log`; the interfaces are in `wit/`.

pub(crate) mod bindings;
mod chain;
mod component;
mod edit;
mod engine;
pub(crate) mod handles;
mod hooks;
mod instance;
mod limits;
mod load;
mod log;
mod messages;
pub mod options;
mod plug;
mod pool;
mod settings;
mod shipped;
pub(crate) mod state;

pub use chain::{Chain, Decision};
pub use component::{ComponentError, Source};
pub use engine::AddonEngine;
pub use hooks::{Addon, OnFailure};
pub use instance::HookFailure;
pub use limits::Limits;
pub use load::{LoadError, Loaded, LoadedPlug, Purpose, Request as LoadRequest, load};
pub use plug::PlugError;
pub use shipped::names as shipped_names;
