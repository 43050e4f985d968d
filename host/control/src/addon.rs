//! Addons and plugs.

use serde::Serialize;

/// An addon of the chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AddonInfo {
    /// The name.
    pub name: String,
    /// Where it is from: a file, or `shipped`.
    pub place: String,
    /// What it does.
    pub summary: String,
    /// Its hooks.
    pub hooks: Vec<String>,
    /// Whether its hooks are called with the options it has now.
    pub is_active: bool,
    /// The plugs in it.
    pub plugs: Vec<PlugInfo>,
}

/// A plug of an addon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlugInfo {
    /// The name.
    pub name: String,
    /// The interfaces that it fills.
    pub exports: Vec<String>,
}
