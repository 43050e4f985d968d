//! What addons may do beyond their flows.
//!
//! A capability is a package of interfaces and a folder that implements it. It registers itself with the linker through a
//! view of an instance's state, so that nothing here knows what capabilities there are: the list is made where the
//! process starts, and the host runs without any of them.

use std::{any::Any, fmt, future, pin::Pin, sync::Arc};

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

/// A package of interfaces that the host provides, in every version that starts alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// The name, such as `proxyhost:addon`.
    pub name: &'static str,
    /// Major and minor version, such as `0.1`: later patch versions only add to it.
    pub version: &'static str,
}

impl Package {
    /// What every host provides.
    pub(super) const ADDON: Self = Self { name: "proxyhost:addon", version: "0.1" };

    /// Whether an interface is of this package, in whichever version.
    pub(super) fn names(&self, interface: &str) -> bool {
        interface.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether an interface such as `proxyhost:addon/log@0.1.0` is of this package.
    pub(super) fn has(&self, interface: &str) -> bool {
        let versioned = interface.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('/')?.split_once('@'));
        let patch = versioned.and_then(|(_, version)| version.strip_prefix(self.version));
        patch.is_some_and(|patch| patch.starts_with('.'))
    }
}

impl fmt::Display for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_its_interfaces_in_all_versions_that_only_add() {
        let has = |interface| Package::ADDON.has(interface);
        assert!(has("proxyhost:addon/log@0.1.0") && has("proxyhost:addon/log@0.1.7"));
        for other in [
            "proxyhost:addon/log",
            "proxyhost:addon/log@0.10.0",
            "proxyhost:addon/log@0.2.0",
            "proxyhost:addon-more/log@0.1.0",
            "proxyhost:recordings/index@0.1.0",
            "other:addon/log@0.1.0",
        ] {
            assert!(!has(other), "{other}");
        }
    }
}
