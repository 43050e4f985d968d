//! The addresses to listen on.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
};

use super::{
    ConfigError, Listener,
    access::{self, Access},
    document::Located,
    suggest::nearest,
};
use crate::{
    flow::Session,
    listen::mode::{ListenAddress, Mode, ModeError, ModeSpec},
};

/// A listener as the operator wants it.
pub(super) struct Wanted {
    pub(super) mode: Typed,
    pub(super) access: Access,
    /// Of requests that name none.
    pub(super) session: Session,
}

/// A text, such as a mode or an address, as the operator gave it.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) text: String,
    /// Where: a flag, or a place in a file.
    pub(super) origin: String,
}

impl From<Located<String>> for Typed {
    fn from(found: Located<String>) -> Self {
        Self { text: found.value, origin: found.place.to_string() }
    }
}

/// Makes listeners, and adds to `warnings` what the operator should know of them. One without an address of its own listens
/// on each of `listen`, and one without a host of its own on the host of the first of these. If none is wanted there are
/// regular ones, with the access of `otherwise`.
pub(super) fn resolve(
    wanted: Vec<Wanted>,
    listen: &[Typed],
    otherwise: Access,
    warnings: &mut Vec<String>,
) -> Result<Vec<Listener>, ConfigError> {
    let mut defaults = Vec::new();
    for typed in listen {
        let address = ListenAddress::parse(&typed.text).map_err(|error| ConfigError::new(error).at(&typed.origin))?;
        defaults.push((address, typed.origin.as_str()));
    }
    let default_host = defaults.first().and_then(|(address, _)| address.host.clone());
    let default_host = default_host.as_deref().unwrap_or(DEFAULT_HOST);
    let defaults_of = |mode: &Mode| {
        if !defaults.is_empty() {
            return defaults.clone();
        }
        vec![(ListenAddress { host: None, port: mode.default_port() }, "the default address")]
    };
    let mut listeners = Listeners { found: Vec::new(), default_host, warnings };
    if wanted.is_empty() {
        let is_named = !listen.is_empty();
        for (address, origin) in defaults_of(&Mode::Regular) {
            let plain = Plain { mode: Mode::Regular, access: otherwise.clone(), session: Session::default(), is_named };
            listeners.add(plain, address, origin, origin)?;
        }
        return Ok(listeners.found);
    }
    for Wanted { mode: typed, access, session } in wanted {
        let ModeSpec { mode, listen: own } =
            ModeSpec::parse(&typed.text).map_err(|error| explain(error).at(&typed.origin))?;
        if mode == Mode::Transparent && access.users.is_some() {
            return Err(nobody_to_ask().at(&typed.origin));
        }
        let plain = || Plain { mode: mode.clone(), access: access.clone(), session: session.clone(), is_named: true };
        match own {
            Some(address) => listeners.add(plain(), address, &typed.origin, &typed.origin)?,
            None => {
                for (address, origin) in defaults_of(&mode) {
                    listeners.add(plain(), address, origin, &typed.origin)?;
                }
            }
        }
    }
    Ok(listeners.found)
}

/// A listener that has no address yet.
struct Plain {
    mode: Mode,
    access: Access,
    session: Session,
    is_named: bool,
}

/// The listeners so far.
struct Listeners<'a> {
    found: Vec<Listener>,
    default_host: &'a str,
    warnings: &'a mut Vec<String>,
}

impl Listeners<'_> {
    /// Adds one at an address, which was given at `origin`; `asked_at` is where it was asked for itself.
    fn add(&mut self, plain: Plain, address: ListenAddress, origin: &str, asked_at: &str) -> Result<(), ConfigError> {
        let Plain { mode, access, session, is_named } = plain;
        let ListenAddress { host, port } = address;
        let address = lookup(host.as_deref().unwrap_or(self.default_host), port).map_err(|error| error.at(origin))?;
        if let Some(earlier) = self.found.iter().find(|earlier| overlap(earlier.address, address)) {
            return Err(two_on_one(earlier, &mode, address).at(asked_at));
        }
        self.warnings.extend(access::check(&access, address).map_err(|error| error.at(origin))?);
        self.found.push(Listener { mode, address, is_named, users: access.users, session });
        Ok(())
    }
}

/// Only this machine may use a proxy that nobody has said more about.
pub(super) const DEFAULT_HOST: &str = "127.0.0.1";

/// The same error, with its cause, in the words of the configuration.
fn explain(error: ModeError) -> ConfigError {
    let message = ConfigError::new(&error);
    match error {
        ModeError::Unknown { word } => message.did_you_mean(nearest(&word, Mode::WORDS)),
        ModeError::Listen { source, .. } => message.because(source),
        ModeError::Elsewhere { .. } | ModeError::Spec { .. } => message,
    }
}

fn nobody_to_ask() -> ConfigError {
    ConfigError::new("clients of a transparent proxy do not know of it, and cannot be asked for a user and a password")
        .hint(
            "in the configuration file, give that listener `proxy_auth = []`, and `allow_open = true` if that is meant",
        )
}

fn two_on_one(earlier: &Listener, mode: &Mode, address: SocketAddr) -> ConfigError {
    ConfigError::new(format_args!(
        "cannot listen for `{mode}` on {address}: `{}` listens on {} already",
        earlier.mode, earlier.address
    ))
    .hint(format_args!("give one of them a port of its own, such as `{mode}@8081`"))
}

/// Whether the system would refuse the second of two addresses.
pub(super) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let all = |ip: IpAddr| ip.is_unspecified();
    let same_family = one.is_ipv4() == other.is_ipv4();
    let same_host = one.ip() == other.ip() || (same_family && (all(one.ip()) || all(other.ip())));
    one.port() != 0 && one.port() == other.port() && same_host
}

/// The address of a host. Of several, IPv4 is what clients of a name such as `localhost` try in any case.
pub(super) fn lookup(host: &str, port: u16) -> Result<SocketAddr, ConfigError> {
    let failed = |cause: io::Error| {
        ConfigError::new(format_args!("cannot listen on `{host}`"))
            .because(cause)
            .hint("use a name or an address of this machine, such as 127.0.0.1")
    };
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(failed)?.collect();
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().ok_or_else(|| failed(io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}
