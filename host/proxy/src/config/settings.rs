//! The settings as the rest of the proxy sees them: complete, and checked once.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ::control::FailOn;
use http::HeaderName;

use super::ConfigError;
use crate::{
    addon::{
        Grants, Limits, OnFailure, Source,
        options::{OptionDeclaration, Value, Values},
    },
    flow::Session,
    listen::{ClientLimits, HostField, Untouched, Users, mode::Mode},
    upstream::{Credentials, Policy, Timeouts, tls::UpstreamTls},
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
    /// Who this proxy is at the proxies and the servers that modes name.
    pub upstream_auth: Option<Credentials>,
    /// Servers whose traffic is passed on as it is.
    pub untouched: Untouched,
    /// How long to wait for servers.
    pub timeouts: Timeouts,
    /// How much goes on at once.
    pub limits: ClientLimits,
    /// Whether messages are marked with a `via` field.
    pub via: bool,
    /// What becomes of the `host` field of requests.
    pub host: HostField,
    /// The field by which requests can name their session.
    pub session_field: Option<HeaderName>,
    /// The file that says where it listens, once it does.
    pub ready_file: Option<PathBuf>,
    /// How long open connections may go on after a request to stop.
    pub drain_time: Duration,
    /// Which events are logged, as a filter of the `tracing` crates.
    pub log: String,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// Where the running proxy can be looked at and changed; `None` for nowhere.
    pub control: Option<ControlSettings>,
    /// Whether those who ask it for them get the certificates that clients have to trust, with a page on how to.
    pub onboarding: bool,
    /// Whether it is shown on the terminal.
    pub console: bool,
    /// Whether files are taken over as they change.
    pub watch: bool,
    /// What is said at the end.
    pub verdict: Verdict,
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

impl Settings {
    /// What differs that only a start can change, by the names of the configuration file.
    pub fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        let differs = [
            (self.listeners != other.listeners, "listen, mode, [[listeners]] or users"),
            (self.offline != other.offline, "offline"),
            (self.egress != other.egress, "[egress]"),
            (self.upstream_tls != other.upstream_tls, "upstream_ca or insecure"),
            (self.upstream_auth != other.upstream_auth, "upstream_auth"),
            (self.untouched != other.untouched, "ignore_hosts or allow_hosts"),
            (self.timeouts != other.timeouts || self.limits != other.limits, "[limits]"),
            (self.via != other.via || self.host != other.host, "via or fidelity"),
            (self.onboarding != other.onboarding, "onboarding"),
            (self.drain_time != other.drain_time, "[limits] drain_seconds"),
            (self.ca_dir != other.ca_dir, "ca_dir"),
        ];
        differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
    }
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// How requests arrive there.
    pub mode: Mode,
    /// The address; with port 0 the system chooses one.
    pub address: SocketAddr,
    /// Whether the operator named the address or the mode, and so wants to be told.
    pub is_named: bool,
    /// Who may use it; `None` for everybody.
    pub users: Option<Users>,
    /// The session of requests that name none.
    pub session: Session,
}

/// What is said at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Where the report is written to.
    pub report: Option<PathBuf>,
    /// What makes the run a failure.
    pub fail_on: FailOn,
    /// Whether it ends when every recorded response was served.
    pub exit_when_used: bool,
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
    /// The names of the options that the operator set.
    pub set: BTreeSet<String>,
    /// The files that it may use.
    pub grants: Grants,
    /// Whether files that it may write may be replaced where there are such already.
    pub(super) may_replace: bool,
}

impl AddonSpec {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            plugs: Vec::new(),
            on_failure: OnFailure::default(),
            limits: Limits::default(),
            options: Values::new(),
            set: BTreeSet::new(),
            grants: Grants::default(),
            may_replace: false,
        }
    }

    /// Says whether it may replace files that are there already.
    pub(super) fn allow_replacing(&mut self, may_replace: bool) {
        self.may_replace = may_replace;
        self.grants.allow_replacing(may_replace);
    }

    /// Sets an option, as an operator does. To be followed by [`AddonSpec::grant`] when all are set.
    pub fn set(&mut self, name: &str, value: Value) {
        self.options.insert(name.to_owned(), value);
        self.set.insert(name.to_owned());
    }

    /// Lets the addon use the files that the operator set its options to, and no others.
    pub fn grant(&mut self, declared: &[OptionDeclaration]) {
        self.grants = Grants::default();
        self.grants.allow_replacing(self.may_replace);
        for option in declared.iter().filter(|option| self.set.contains(&option.name)) {
            if let Some(value) = self.options.get(&option.name) {
                self.grants.add(&option.kind, value);
            }
        }
    }
}
