//! Where connections may go.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use crate::flow::{Destination, Fault, FaultKind};

/// The policy on destinations. It is asked about resolved addresses, after addons had their say.
#[derive(Debug, Default)]
pub struct Egress {
    /// Where this host itself listens.
    own: Mutex<Vec<SocketAddr>>,
}

impl Egress {
    /// Takes note of an address that this host listens on, so that no request is sent to it.
    pub fn listens_on(&self, address: SocketAddr) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    /// Whether a tunnel to a port may be opened at all: those of the web, and those that are not reserved.
    ///
    /// # Errors
    /// For ports of other well-known services (RFC 9110 §9.3.6 asks for such a restriction).
    pub fn check_port(&self, destination: &Destination) -> Result<(), Fault> {
        match destination.port() {
            80 | 443 | 1024.. => Ok(()),
            port => Err(Fault::new(
                FaultKind::Denied,
                format!("tunnels to port {port} are not allowed, only to 80, 443 and from 1024 on"),
            )),
        }
    }

    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// For this host itself, and for addresses that no server has.
    pub fn check(&self, address: SocketAddr) -> Result<(), Fault> {
        if self.is_own(address) {
            return Err(Fault::new(FaultKind::Loop, format!("`{address}` is this proxy itself")));
        }
        let denied = |why: &str| {
            Err(Fault::new(
                FaultKind::Denied,
                format!("`{}` is {why}; connections to it are not allowed", address.ip()),
            ))
        };
        match canonical(address.ip()) {
            IpAddr::V4(ip) if ip.is_link_local() => denied("a link-local address"),
            IpAddr::V4(ip) if ip.is_multicast() || ip.is_broadcast() => denied("an address of many hosts"),
            IpAddr::V6(ip) if ip.is_unicast_link_local() => denied("a link-local address"),
            IpAddr::V6(ip) if ip.is_multicast() => denied("an address of many hosts"),
            _ => Ok(()),
        }
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let ip = canonical(address.ip());
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.iter().filter(|own| own.port() == address.port()).any(|own| {
            let listening = canonical(own.ip());
            // A socket on all addresses is reached by any; connecting to "all addresses" reaches loopback.
            listening == ip || listening.is_unspecified() || (ip.is_unspecified() && listening.is_loopback())
        })
    }
}

/// The address itself where IPv6 wraps an IPv4 one, and one loopback for all of 127.0.0.0/8.
fn canonical(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(own: &str, address: &str) -> Option<FaultKind> {
        let egress = Egress::default();
        egress.listens_on(own.parse().unwrap());
        egress.check(address.parse().unwrap()).err().map(|fault| fault.kind)
    }

    #[test]
    fn every_spelling_of_the_proxys_own_address_is_recognised() {
        for address in ["127.0.0.1:8080", "127.0.0.2:8080", "0.0.0.0:8080", "[::ffff:127.0.0.1]:8080", "[::]:8080"] {
            assert_eq!(verdict("127.0.0.1:8080", address), Some(FaultKind::Loop), "{address}");
        }
        assert_eq!(verdict("0.0.0.0:8080", "192.0.2.1:8080"), Some(FaultKind::Loop));
        assert_eq!(verdict("127.0.0.1:8080", "127.0.0.1:8081"), None);
    }

    #[test]
    fn addresses_of_no_server_are_denied() {
        for address in ["169.254.169.254:80", "224.0.0.1:80", "255.255.255.255:80", "[fe80::1]:80", "[ff02::1]:80"] {
            assert_eq!(verdict("127.0.0.1:8080", address), Some(FaultKind::Denied), "{address}");
        }
        for address in ["127.0.0.1:80", "10.0.0.1:80", "192.0.2.1:443", "[2001:db8::1]:443"] {
            assert_eq!(verdict("127.0.0.1:8080", address), None, "{address}");
        }
    }

    #[test]
    fn tunnels_go_to_web_ports_and_unreserved_ones() {
        let allowed = |port| {
            let destination = Destination::new(crate::flow::Scheme::Http, "a", port).unwrap();
            Egress::default().check_port(&destination).is_ok()
        };
        assert!(allowed(80) && allowed(443) && allowed(1024) && allowed(8443));
        assert!(!allowed(22) && !allowed(25) && !allowed(1023));
    }
}
