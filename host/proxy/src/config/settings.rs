//! The settings as the rest of the proxy sees them: complete, and checked once.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::ConfigError;
use crate::{
    addon::{Grants, Limits, OnFailure, Source, options::Values},
    listen::{ClientLimits, HostField, Users, mode::Mode},
    upstream::{Policy, Timeouts, tls::UpstreamTls},
};

/// Everything the operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen, at least one.
    pub listeners: Vec<Listener>,
    /// The addons from the outermost to the innermost.
    pub addons: Vec<AddonSpec>,
    /// Components for whichever addon imports what they export.
    pub plugs: Vec<Source>,
    /// Whether nothing may be sent to any server.
    pub offline: bool,
    /// Where connections may go.
    pub egress: Policy,
    /// Which servers to believe.
    pub upstream_tls: UpstreamTls,
    /// How long to wait for servers.
    pub timeouts: Timeouts,
    /// How much goes on at once.
    pub limits: ClientLimits,
    /// Whether messages are marked with a `via` field.
    pub via: bool,
    /// What becomes of the `host` field of requests.
    pub host: HostField,
    /// How long open connections may go on after a request to stop.
    pub drain_time: Duration,
    /// Which events are logged, as a filter of the `tracing` crates.
    pub log: String,
    /// Where the running proxy can be looked at and changed; `None` for nowhere.
    pub control: Option<ControlSettings>,
    /// What the operator should know although it is no error, a line each.
    pub warnings: Vec<String>,
    pub(super) ca_dir: Option<PathBuf>,
}

impl Settings {
    /// The folder of the certificate authority.
    ///
    /// # Errors
    /// When none is configured and there is no home folder for the default one.
    pub fn ca_dir(&self) -> Result<&Path, ConfigError> {
        self.ca_dir.as_deref().ok_or_else(|| {
            ConfigError::new("cannot choose a folder for the certificate authority: `HOME` is not set")
                .hint("name one with `--ca-dir DIR`")
        })
    }
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// How requests arrive there.
    pub mode: Mode,
    /// The address; with port 0 the system chooses one.
    pub address: SocketAddr,
    /// Who may use it; `None` for everybody.
    pub users: Option<Users>,
}

/// Where the running proxy can be looked at and changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSettings {
    /// The address; with port 0 the system chooses one.
    pub address: SocketAddr,
    /// The host as it was written, where that is a name: clients may call it that.
    pub name: Option<String>,
    /// The file with the token that clients have to know. Without one, a token is made at each start.
    pub token_file: Option<PathBuf>,
}

/// An addon to load, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddonSpec {
    /// Where it comes from.
    pub source: Source,
    /// Components for this addon only, before those for any addon.
    pub plugs: Vec<Source>,
    /// What happens to a flow when the addon fails.
    pub on_failure: OnFailure,
    /// What it may use.
    pub limits: Limits,
    /// A value for each option that it declares or reads.
    pub options: Values,
    /// The files that it may use.
    pub grants: Grants,
}

impl AddonSpec {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            plugs: Vec::new(),
            on_failure: OnFailure::default(),
            limits: Limits::default(),
            options: Values::new(),
            grants: Grants::default(),
        }
    }
}
