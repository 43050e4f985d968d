//! Addons: WebAssembly components that see flows.
//!
//! `component` finds and recognises them, `load` has their imports filled and makes them ready by what they say of themselves
//! (`declared`), and `chain` is the order in which flows pass them. `hooks` calls one of them, unless its `breaker` is open, on
//! an instance from its `pool`: `call` runs that, `cpu` and `waits` measure it at the ticks of a `clock`, and what computes for long goes on in the
//! `scheduler`. What components can call is in `messages`, `settings`, `notes` and `log`, and in what implements a `capability`; the
//! interfaces are in `wit/`. What the host holds for a component has `handles`, and is metered by `memory`.

mod action;
pub(crate) mod bindings;
mod breaker;
mod call;
pub mod capability;
mod chain;
mod clock;
mod commands;
mod component;
mod contract;
mod cpu;
mod declared;
mod edit;
mod engine;
mod extent;
mod failure;
mod grants;
pub(crate) mod handles;
mod hooks;
mod instance;
mod limits;
mod load;
mod log;
pub(crate) mod memory;
mod messages;
mod notes;
pub mod options;
mod output;
mod pool;
mod scheduler;
mod settings;
pub(crate) mod state;
mod waits;

pub use action::Action;
pub use assembly::PlugError;
pub use capability::Capability;
pub use chain::Chain;
pub use commands::{Answer as CommandAnswer, Command, CommandError, Files as CommandFiles};
pub use component::{ComponentError, Source};
pub use contract::ContractError;
pub use engine::{AddonEngine, CompileError};
pub use extent::Excess;
pub use failure::HookFailure;
pub use grants::Grants;
pub use hooks::{Addon, Duty, HookCount, OnFailure};
pub use limits::Limits;
pub use load::{LoadError, Loaded, LoadedPlug, Preparation, Purpose, Request as LoadRequest, load};
pub use notes::{NoteKeeper, Noted};
