//! What addons may do beyond their flows.
//!
//! A capability is a package of interfaces and a folder that implements it. It registers itself with the linker through a
//! view of an instance's state, so that nothing here knows what capabilities there are: the list is made where the
//! process starts, and the host runs without any of them.

use std::{any::Any, fmt, future, pin::Pin, sync::Arc};

pub use assembly::Package;
use control::{Family, Inventory};
use wasmtime::component::Linker;

use super::state::State;
use crate::flow::Session;

/// Something that addons may do beyond their flows.
pub trait Capability: Send + Sync {
    /// The packages whose interfaces it provides. What they export is not looked for in plugs.
    fn packages(&self) -> &'static [Package];

    /// Offers its interfaces to every component.
    ///
    /// # Errors
    /// When something else provides one of them.
    fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()>;

    /// What it keeps for one addon, shared by the addon's instances. Made before any of them is started. `before` is what it
    /// kept for the addon in the configuration before, which goes on until the new one is in force.
    fn for_addon(&self, before: Option<&Arc<dyn CapabilityState>>) -> Arc<dyn CapabilityState>;
}

/// What a capability keeps for one addon.
pub trait CapabilityState: Any + fmt::Debug + Send + Sync {
    /// The addon is configured. Called once, before any other flow reaches the addon.
    fn configured(&self) {}

    /// What it replays for the addon of this name, with the hits of a session, or of all.
    fn inventory(&self, _addon: &str, _session: Option<&Session>) -> Inventory {
        Inventory::new()
    }

    /// How many of what it replays were replayed in a session.
    fn used(&self, _session: &Session) -> u64 {
        0
    }

    /// Whether all that it could replay was replayed; nothing if there is nothing.
    fn is_used_up(&self) -> Option<bool> {
        None
    }

    /// Forgets what was used in a session, or in all.
    fn forget(&self, _session: Option<&Session>) {}

    /// Numbers for monitoring, of the addon of this name.
    fn numbers(&self, _addon: &str) -> Vec<Family> {
        Vec::new()
    }

    /// Opens files again that others may have put away, such as those that rotate logs. Called whenever the user asks for it;
    /// must not wait.
    fn reopen(&self) {}

    /// Finishes what is still to be done for the addon. Called when no flow is left that it could concern: at shutdown, or
    /// after another configuration has replaced this one.
    fn finish(&self) -> Finishing {
        Box::pin(future::ready(()))
    }
}

/// What has to be waited for before the process may end.
pub type Finishing = Pin<Box<dyn Future<Output = ()> + Send>>;
