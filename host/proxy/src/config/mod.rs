//! The configuration: command line and file become one [`Settings`] value before anything starts.
//!
//! Addons declare options and flags of their own, so the command line is read twice: [`Preliminary::scan`] finds the
//! addons to load, and [`Preliminary::finish`] reads everything once it is known what they declare.
//!
//! The command line wins over the file, and a list given there replaces the file's.

mod access;
mod action;
mod command;
mod control;
mod document;
mod environment;
mod error;
mod file;
mod flags;
mod listeners;
mod low_args;
mod merge;
mod mitmproxy;
mod preliminary;
mod settings;
mod suggest;
mod values;

pub use action::{Action, HelpText};
pub use environment::Environment;
pub use error::ConfigError;
pub use preliminary::{DeclaredAddon, Edit, Preliminary};
pub use settings::{AddonSpec, ControlSettings, Listener, Settings, Verdict};
pub use suggest::nearest;
pub use values::parse as parse_option;

/// The shipped addons that are loaded, innermost, unless they are listed or switched off.
pub const DEFAULT_ADDONS: &[&str] = &["serverreplay", "record"];
