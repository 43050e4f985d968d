//! Where connections may go.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwapOption;

use super::{
    failure::is_exhausted,
    policy::{Matched, Policy, Rule},
};
use crate::flow::{Destination, Fault, FaultKind};

/// The lock on the way out. It is asked about each new connection: about names before they are looked up, and about
/// addresses after that, when addons have had their say.
#[derive(Debug, Default)]
pub struct Egress {
    policy: Policy,
    /// Where this host itself listens.
    own: Mutex<Vec<SocketAddr>>,
    /// Why nothing may go out at all.
    sealed: ArcSwapOption<String>,
}

impl Egress {
    /// One with the operator's rules.
    pub fn new(policy: Policy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Takes note of an address that this host listens on, so that no request is sent to it.
    pub fn listens_on(&self, address: SocketAddr) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    /// Lets nothing out any more: no connection is made, and none of those that are open is used for another request. `why` is
    /// what clients are told.
    pub fn seal(&self, why: impl Into<String>) {
        self.sealed.store(Some(Arc::new(why.into())));
    }

    /// Lets through again what the rules allow.
    pub fn unseal(&self) {
        self.sealed.store(None);
    }

    /// Whether anything may go out.
    ///
    /// # Errors
    /// While it is sealed.
    pub fn check_seal(&self) -> Result<(), Fault> {
        match &*self.sealed.load() {
            Some(why) => Err(Fault::new(FaultKind::Offline, why.as_str())),
            None => Ok(()),
        }
    }

    /// Whether a destination may be connected to, as far as its name and port say, and unless it is sealed.
    ///
    /// # Errors
    /// For what the operator's rules, or the ports of other well-known services (RFC 9110 §9.3.6),
    /// forbid.
    pub fn check(&self, destination: &Destination) -> Result<(), Fault> {
        if let Ok(ip) = destination.host().parse() {
            return self.check_address(destination, ip);
        }
        self.judge(destination, None)
    }

    /// Whether an address of a destination may be connected to.
    ///
    /// # Errors
    /// As for the destination, for this host itself, and for addresses that no server has.
    pub fn check_address(&self, destination: &Destination, ip: IpAddr) -> Result<(), Fault> {
        let address = SocketAddr::new(ip, destination.port());
        match self.is_own(address) {
            Ok(false) => self.judge(destination, Some(unwrapped(ip))),
            Ok(true) => Err(Fault::new(FaultKind::Loop, format!("`{address}` is this proxy itself"))),
            Err(error) => {
                let detail = format!("cannot find out whether `{address}` is this proxy itself: {error}");
                Err(Fault::new(FaultKind::Exhausted, detail))
            }
        }
    }

    fn judge(&self, destination: &Destination, ip: Option<IpAddr>) -> Result<(), Fault> {
        let Policy { allow, deny, named } = &self.policy;
        let denied = |why: String| Err(Fault::new(FaultKind::Denied, why));
        let server = destination.host_and_port();
        if let Some(rule) = deny.iter().find(|rule| rule.matches(destination, ip) == Matched::Yes) {
            return denied(format!("connections to `{server}` are denied by the rule `{rule}` ([egress] deny)"));
        }
        let is_named = |named: &Destination| {
            named.port() == destination.port() && named.host().eq_ignore_ascii_case(destination.host())
        };
        if named.iter().any(is_named) {
            return Ok(());
        }
        // What is not known yet is asked again when it is.
        let allowing = |about: fn(&Rule) -> bool| {
            allow.iter().filter(|rule| about(rule)).any(|rule| rule.matches(destination, ip) != Matched::No)
        };
        if !allow.is_empty() && !allowing(|_| true) {
            return denied(format!("`{server}` is not among the destinations that are allowed ([egress] allow)"));
        }
        if !matches!(destination.port(), 80 | 443 | 1024..) && !allowing(Rule::names_ports) {
            return denied(format!(
                "port {} of `{}` is reserved for something else than the web; [egress] allow can list it, as `{server}`, \
                 and whatever else is to be reached, such as `*`",
                destination.port(),
                destination.host(),
            ));
        }
        let Some((ip, why)) = ip.and_then(|ip| Some((ip, special(ip)?))) else { return Ok(()) };
        if allowing(Rule::names_addresses) {
            return Ok(());
        }
        denied(format!(
            "`{ip}` is {why}; connections to it are not allowed unless [egress] allow lists it, and whatever else is to be \
             reached, such as `*`"
        ))
    }

    fn is_own(&self, address: SocketAddr) -> io::Result<bool> {
        let ip = canonical(address.ip());
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        for own in own.iter().filter(|own| own.port() == address.port()) {
            let listening = canonical(own.ip());
            // A socket on all addresses is reached by any of this machine's.
            let is_own = if listening.is_unspecified() {
                ip.is_unspecified() || ip.is_loopback() || is_local(ip)?
            } else {
                // Connecting to "all addresses" reaches loopback.
                listening == ip || (ip.is_unspecified() && listening.is_loopback())
            };
            if is_own {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What an address is that no server has.
fn special(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) if ip.is_link_local() => Some("a link-local address"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("a link-local address"),
        IpAddr::V4(ip) if ip.is_multicast() || ip.is_broadcast() => Some("an address of many hosts"),
        IpAddr::V6(ip) if ip.is_multicast() => Some("an address of many hosts"),
        IpAddr::V6(CLOUD_METADATA) => Some("where clouds keep the credentials of their machines"),
        _ => None,
    }
}

/// What 169.254.169.254 is in IPv6, at Amazon; it is no link-local address.
const CLOUD_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether an address is one of this machine's: only those can be bound to.
fn is_local(ip: IpAddr) -> io::Result<bool> {
    match UdpSocket::bind((ip, 0)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(false),
        Err(error) if is_exhausted(&error) => Err(error),
        Err(_) => Ok(false),
    }
}

/// The address itself, and one loopback for all of 127.0.0.0/8.
fn canonical(ip: IpAddr) -> IpAddr {
    match unwrapped(ip) {
        IpAddr::V4(ip) if ip.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    }
}

/// The IPv4 address where IPv6 wraps one.
fn unwrapped(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        // RFC 6052 §2.1: a translator makes an IPv4 connection of it.
        IpAddr::V6(ip) if ip.octets().starts_with(&TRANSLATED) => {
            let [.., a, b, c, d] = ip.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        ip => ip,
    }
}

/// `64:ff9b::/96`.
const TRANSLATED: [u8; 12] = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];

#[cfg(test)]
mod tests;
