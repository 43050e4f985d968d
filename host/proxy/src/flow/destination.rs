//! Where requests go.

use std::net::{IpAddr, Ipv6Addr};

use http::uri::{self, Authority};

/// The schemes that can be proxied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The scheme of a name, without regard to case.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            _ if name.eq_ignore_ascii_case("http") => Some(Self::Http),
            _ if name.eq_ignore_ascii_case("https") => Some(Self::Https),
            _ => None,
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The scheme as a part of a URI.
    pub fn of_uri(self) -> uri::Scheme {
        match self {
            Self::Http => uri::Scheme::HTTP,
            Self::Https => uri::Scheme::HTTPS,
        }
    }

    /// The port where none is given.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Where a request is to be sent. Once made, it can be part of a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    scheme: Scheme,
    host: String,
    port: u16,
    authority: Authority,
    has_http2: bool,
}

/// Why nothing can be sent somewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// The host cannot be part of a URI (RFC 3986 §3.2.2).
    #[error("`{0}` is not a host")]
    Host(String),
    /// The port is 0, which nobody listens on.
    #[error("the port is a number from 1 to 65535, not 0")]
    Port,
}

impl Destination {
    /// A destination. `host` is a name, or an address with or without brackets.
    ///
    /// # Errors
    /// As [`InvalidDestination`] says.
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Result<Self, InvalidDestination> {
        let host = without_brackets(host);
        let invalid = || InvalidDestination::Host(host.escape_debug().to_string());
        if port == 0 {
            return Err(InvalidDestination::Port);
        }
        let authority =
            if port == scheme.default_port() { bracketed(host) } else { format!("{}:{port}", bracketed(host)) };
        let authority: Authority = authority.parse().map_err(|_| invalid())?;
        // The parser of authorities takes a user, a port, other things in brackets and nothing at all for a host as well.
        let is_address = host.parse::<Ipv6Addr>().is_ok();
        let is_host = !host.is_empty() && (is_address || !host.contains(['@', ':', '[', ']']));
        if !is_host {
            return Err(invalid());
        }
        Ok(Self { scheme, host: host.to_owned(), port, authority, has_http2: false })
    }

    /// A destination that was one before, of its parts.
    pub fn again(scheme: Scheme, host: String, port: u16) -> Self {
        Self::new(scheme, &host, port).unwrap_or_else(|_| {
            let authority = Authority::from_static("unknown.invalid");
            Self { scheme, host, port, authority, has_http2: false }
        })
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// A name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host`, or `host:port` when the port is not the scheme's own.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// `host:port`, always with the port.
    pub fn host_and_port(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }

    /// Whether it is known to speak HTTP/2 although there is no TLS to agree on it.
    pub fn has_http2(&self) -> bool {
        self.has_http2
    }

    /// The same, of which somebody knows that it speaks HTTP/2 without TLS (RFC 9113 §3.3).
    #[must_use]
    pub fn with_http2(self) -> Self {
        Self { has_http2: self.scheme == Scheme::Http, ..self }
    }

    /// The same host and port by another scheme.
    #[must_use]
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        // What was a host stays one, so this cannot fail.
        Self::new(scheme, &self.host, self.port).unwrap_or(self)
    }
}

/// An IPv6 address needs brackets beside a port (RFC 3986 §3.2.2).
fn bracketed(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => format!("[{host}]"),
        _ => host.to_owned(),
    }
}

fn without_brackets(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) if inner.parse::<Ipv6Addr>().is_ok() => inner,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_host_is_bracketed_and_a_default_port_left_out() {
        for host in ["::1", "[::1]"] {
            let destination = Destination::new(Scheme::Https, host, 443).unwrap();
            assert_eq!(destination.host(), "::1");
            assert_eq!(destination.authority(), "[::1]");
            assert_eq!(destination.host_and_port(), "[::1]:443");
        }
        let destination = Destination::new(Scheme::Http, "a.example", 443).unwrap();
        assert_eq!(destination.authority(), "a.example:443");
        assert_eq!(destination.with_scheme(Scheme::Https).authority(), "a.example");
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in ["", "a b", "a:80", "u@a", "a/b", "[a]", "[::1", "a\n", "a#b", "a?b", "::g"] {
            assert!(Destination::new(Scheme::Http, host, 80).is_err(), "{host}");
            assert!(Destination::new(Scheme::Http, host, 8080).is_err(), "{host}");
        }
        let refused = Destination::new(Scheme::Http, "a", 0).unwrap_err();
        assert_eq!(refused.to_string(), "the port is a number from 1 to 65535, not 0");
    }
}
