//! The packages of interfaces that the host provides.

use std::fmt;

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
    pub const ADDON: Self = Self { name: "proxyhost:addon", version: "0.1" };

    /// Whether an interface is of this package, in whichever version.
    pub fn names(&self, interface: &str) -> bool {
        interface.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether an interface such as `proxyhost:addon/log@0.1.0` is of this package.
    pub fn has(&self, interface: &str) -> bool {
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
