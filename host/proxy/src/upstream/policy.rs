//! What the operator allows and denies: rules for destinations.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    ops::RangeInclusive,
    str::FromStr,
};

use crate::flow::Destination;

/// The rules for where connections may go. What `deny` matches is refused; where there are rules to allow, what none of
/// them matches is refused as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Where connections may go. A rule that names a port or an address lifts the restrictions on it.
    pub allow: Vec<Rule>,
    /// Where they may not go, whatever is allowed.
    pub deny: Vec<Rule>,
    /// Servers that the operator named elsewhere, such as the one of a reverse proxy: they are allowed unless denied.
    pub named: Vec<Destination>,
}

/// Destinations: hosts, at any port or at some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As it was written.
    text: String,
    hosts: Hosts,
    /// `None` for any port.
    ports: Option<RangeInclusive<u16>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// All of them.
    Any,
    /// Names in lower case; an asterisk stands for any characters.
    Named(String),
    /// Addresses whose first bits are those of this one.
    Network(IpAddr, u32),
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no destination: {reason}")]
pub struct InvalidRule {
    text: String,
    reason: String,
}

/// Whether a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    Yes,
    No,
    /// It depends on the address, which is not known yet.
    Unresolved,
}

impl FromStr for Rule {
    type Err = InvalidRule;

    /// Reads `HOST`, `HOST:PORT`, `HOST:FROM-TO` or `:PORT`. A host is a name, in which `*` stands for any characters, an
    /// address, or a network such as `10.0.0.0/8`; one of IPv6 is in brackets where a port follows.
    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        parse(text).map_err(|reason| InvalidRule { text: text.to_owned(), reason })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Rule {
    /// Whether it matches a destination, with one of its addresses when they are known.
    pub(super) fn matches(&self, destination: &Destination, address: Option<IpAddr>) -> Matched {
        if self.ports.as_ref().is_some_and(|ports| !ports.contains(&destination.port())) {
            return Matched::No;
        }
        let is_matched = match (&self.hosts, address) {
            (Hosts::Any, _) => true,
            (Hosts::Named(pattern), _) => is_like(&name(destination.host()), pattern),
            (Hosts::Network(network, bits), Some(address)) => is_within(address, *network, *bits),
            (Hosts::Network(..), None) => return Matched::Unresolved,
        };
        if is_matched { Matched::Yes } else { Matched::No }
    }

    /// Whether it says which ports it is about.
    pub(super) fn names_ports(&self) -> bool {
        self.ports.is_some()
    }

    /// Whether it says which addresses it is about.
    pub(super) fn names_addresses(&self) -> bool {
        matches!(self.hosts, Hosts::Network(..))
    }
}

fn parse(text: &str) -> Result<Rule, String> {
    if text.contains("://") {
        return Err("write its host without scheme and path".to_owned());
    }
    let (host, ports) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, ""))) => (host, None),
        Some(Some((host, rest))) => match rest.strip_prefix(':') {
            Some(ports) => (host, Some(ports)),
            None => return Err("after the bracket there is a colon and a port, or nothing".to_owned()),
        },
        Some(None) => return Err("its bracket is not closed".to_owned()),
        None if parse_network(text)?.is_some() => (text, None),
        None => match text.rsplit_once(':') {
            Some((host, ports)) => (host, Some(ports)),
            None => (text, None),
        },
    };
    let hosts = match parse_network(host)? {
        Some((network, bits)) => Hosts::Network(network, bits),
        None if host == "*" || (host.is_empty() && ports.is_some()) => Hosts::Any,
        None => Hosts::Named(parse_name(host)?),
    };
    Ok(Rule { text: text.to_owned(), hosts, ports: ports.map(parse_ports).transpose()? })
}

/// Reads an address or a network; nothing if it is neither.
fn parse_network(text: &str) -> Result<Option<(IpAddr, u32)>, String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return Ok(None) };
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => width,
        Some(bits) => match bits.parse() {
            Ok(bits) if bits <= width => bits,
            // Behind an IPv4 network there may be a port, which is looked at later.
            _ if bits.contains(':') => return Ok(None),
            _ => return Err(format!("a network's length is from 0 to {width}, not `{bits}`")),
        },
    };
    let network = masked(address, bits);
    if network != address {
        return Err(format!("the network of that length begins at `{network}`"));
    }
    Ok(Some(match network {
        IpAddr::V6(mapped) if bits >= MAPPED_BITS && mapped.to_ipv4_mapped().is_some() => {
            (network.to_canonical(), bits - MAPPED_BITS)
        }
        network => (network, bits),
    }))
}

/// How many bits of an IPv6 address are in front of the IPv4 one in it (RFC 4291 §2.5.5.2).
const MAPPED_BITS: u32 = 96;

fn parse_name(host: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*');
    if host.is_empty() {
        return Err("its host is missing".to_owned());
    }
    if !host.is_ascii() {
        return Err("write its name in ASCII, as `xn--…`".to_owned());
    }
    if !host.bytes().all(is_allowed) {
        return Err("a host is a name with `*` for any characters, an address or a network".to_owned());
    }
    if host.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'*')) {
        return Err("write addresses as a network, such as `10.0.0.0/8`".to_owned());
    }
    Ok(name(host))
}

fn parse_ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(format!("a port is a number from 1 to 65535, or a range such as `8000-8999`, not `{text}`")),
    }
}

/// A name for comparing: without regard to case, and to the dot at the end that only says that it is complete.
fn name(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Whether a name is a pattern's, in which an asterisk stands for any characters.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    address.is_ipv4() == network.is_ipv4() && masked(address, bits) == network
}

/// An address with only its first bits.
fn masked(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & u32::MAX.checked_shl(32 - bits).unwrap_or(0)).into()),
        IpAddr::V6(ip) => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & u128::MAX.checked_shl(128 - bits).unwrap_or(0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Scheme;

    fn matches(rule: &str, host: &str, port: u16, address: Option<&str>) -> Matched {
        let destination = Destination::new(Scheme::Http, host, port).unwrap();
        let address = address.map(|address| address.parse().unwrap());
        rule.parse::<Rule>().unwrap().matches(&destination, address)
    }

    #[test]
    fn rules_match_names_networks_and_ports() {
        let table = [
            ("*", "a.example", 80, None, Matched::Yes),
            (":25", "a.example", 25, None, Matched::Yes),
            ("*:25", "a.example", 80, None, Matched::No),
            ("*.example", "a.b.EXAMPLE.", 80, None, Matched::Yes),
            ("*.example", "example", 80, None, Matched::No),
            ("A.Example.", "a.example", 80, None, Matched::Yes),
            ("api-*.shop.*", "api-1.shop.example", 80, None, Matched::Yes),
            ("a*a", "a", 80, None, Matched::No),
            ("a.example", "ba.example", 80, None, Matched::No),
            ("a.example", "a.example", 80, Some("10.0.0.1"), Matched::Yes),
            ("a.example:8000-8999", "a.example", 8999, None, Matched::Yes),
            ("a.example:8000-8999", "a.example", 9000, None, Matched::No),
            ("10.0.0.0/8", "a.example", 80, None, Matched::Unresolved),
            ("10.0.0.0/8:22", "a.example", 80, None, Matched::No),
            ("10.0.0.0/8:22", "a.example", 22, Some("10.255.0.1"), Matched::Yes),
            ("10.0.0.0/8", "a.example", 80, Some("11.0.0.1"), Matched::No),
            ("0.0.0.0/0", "a.example", 80, Some("11.0.0.1"), Matched::Yes),
            ("0.0.0.0/0", "a.example", 80, Some("2001:db8::1"), Matched::No),
            ("::/0", "a.example", 80, Some("2001:db8::1"), Matched::Yes),
            ("192.0.2.7", "192.0.2.7", 80, Some("192.0.2.7"), Matched::Yes),
            ("::ffff:10.0.0.0/104", "a.example", 80, Some("10.1.2.3"), Matched::Yes),
            ("2001:db8::/32", "a.example", 80, Some("2001:db8:1::1"), Matched::Yes),
            ("[2001:db8::]:443", "a.example", 443, Some("2001:db8::"), Matched::Yes),
            ("[2001:db8::/32]:443-444", "a.example", 444, Some("2001:db9::1"), Matched::No),
        ];
        for (rule, host, port, address, expected) in table {
            assert_eq!(matches(rule, host, port, address), expected, "{rule} {host} {port} {address:?}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_with_a_reason() {
        let table = [
            ("", "its host is missing"),
            ("http://a.example", "write its host without scheme and path"),
            ("a.example:", "a port is a number from 1 to 65535, or a range such as `8000-8999`, not ``"),
            ("a.example:0", "a port is a number from 1 to 65535, or a range such as `8000-8999`, not `0`"),
            ("a.example:9-8", "a port is a number from 1 to 65535, or a range such as `8000-8999`, not `9-8`"),
            ("a b", "a host is a name with `*` for any characters, an address or a network"),
            ("10.*", "write addresses as a network, such as `10.0.0.0/8`"),
            ("10.0.0.1/8", "the network of that length begins at `10.0.0.0`"),
            ("10.0.0.0/33", "a network's length is from 0 to 32, not `33`"),
            ("10.0.0.0/8:99999", "a port is a number from 1 to 65535, or a range such as `8000-8999`, not `99999`"),
            ("[::1", "its bracket is not closed"),
            ("[::1]443", "after the bracket there is a colon and a port, or nothing"),
            ("bücher.example", "write its name in ASCII, as `xn--…`"),
        ];
        for (text, reason) in table {
            let error = text.parse::<Rule>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is no destination: {reason}"));
        }
    }
}
