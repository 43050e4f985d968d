//! How a listener takes requests, and the address it listens on.

use std::{fmt, net::Ipv6Addr};

use super::Arrival;
use crate::flow::{Destination, Scheme};

/// How requests that arrive at a listener name their server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By an absolute URL or CONNECT: the client knows that it talks to a proxy.
    Regular,
    /// Not at all: everything goes to this server.
    Reverse(Destination),
    /// As in regular mode, and this proxy is asked for it.
    Upstream(Destination),
    /// By SOCKS, before they send anything.
    Socks,
    /// Not at all: the system led them here, and knows where they were going.
    Transparent,
}

impl Mode {
    /// The words a mode can start with.
    pub const WORDS: [&str; 5] = ["regular", "reverse", "upstream", "socks5", "transparent"];

    /// The port that it has where none is given.
    pub fn default_port(&self) -> u16 {
        match self {
            // RFC 1928 §3
            Self::Socks => 1080,
            _ => 8080,
        }
    }

    /// How clients say where they want to go.
    pub fn arrival(&self) -> Arrival {
        match self {
            Self::Socks => Arrival::Socks,
            Self::Transparent => Arrival::Redirected,
            Self::Regular | Self::Reverse(_) | Self::Upstream(_) => Arrival::Http,
        }
    }
}

/// A mode and, where it has one of its own, the address to listen on: `SPEC[@[HOST:]PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeSpec {
    /// The mode.
    pub mode: Mode,
    /// Its own address.
    pub listen: Option<ListenAddress>,
}

impl ModeSpec {
    /// Reads `regular`, `regular@8081` or `reverse:https://example.com@[::1]:8443`.
    ///
    /// # Errors
    /// When the text is no mode, one that is not supported yet, or its URL or address is wrong.
    pub fn parse(text: &str) -> Result<Self, ModeError> {
        if let Some(mode) = without_user(text) {
            let reason = "its URL names a user; give the user and the password as `--upstream-auth NAME:PASSWORD`, or as \
                          `upstream_auth` in the configuration file";
            return Err(ModeError::Spec { mode, reason: reason.to_owned() });
        }
        let (spec, listen) = match text.rsplit_once('@') {
            Some((spec, listen)) => (spec, Some(listen)),
            None => (text, None),
        };
        let mode = parse_mode(spec)?;
        let listen = listen.map(ListenAddress::parse).transpose().map_err(|source| {
            let hint = if spec.contains("://") { ", and the URL may not name a user" } else { "" };
            ModeError::Listen { mode: text.to_owned(), source, hint }
        })?;
        Ok(Self { mode, listen })
    }
}

/// The mode of a proxy whose URL names a user, without that: it has a password. An `@` alone may also be followed by the
/// address to listen on, and then there is a port before it, if anything.
fn without_user(text: &str) -> Option<String> {
    let (word, rest) = text.strip_prefix("upstream:").map(|rest| ("upstream", rest))?;
    let (scheme, rest) = rest.split_once("://").unwrap_or(("http", rest));
    let (user, server) = rest.split_once('@')?;
    let is_user = server.contains('@')
        || split_port(user).map_or(true, |(_, port)| port.is_some_and(|port| parse_port(port).is_err()));
    is_user.then(|| format!("{word}:{scheme}://…@{server}"))
}

fn parse_mode(spec: &str) -> Result<Mode, ModeError> {
    let (word, url) = match spec.split_once(':') {
        Some((word, url)) => (word, Some(url)),
        None => (spec, None),
    };
    match (word, url) {
        ("regular", None) => Ok(Mode::Regular),
        ("socks5", None) => Ok(Mode::Socks),
        ("transparent", None) if cfg!(target_os = "linux") => Ok(Mode::Transparent),
        ("transparent", None) => Err(ModeError::Spec {
            mode: spec.to_owned(),
            reason: "only Linux says where connections were going that it redirects".to_owned(),
        }),
        ("regular" | "socks5" | "transparent", Some(_)) => Err(ModeError::Spec {
            mode: spec.to_owned(),
            reason: format!("`{word}` takes no URL; write `{word}`, or `{word}@PORT`"),
        }),
        ("reverse", url) => parse_target(url.unwrap_or_default())
            .map(Mode::Reverse)
            .map_err(|reason| ModeError::Spec { mode: spec.to_owned(), reason }),
        ("upstream", url) => parse_proxy(url.unwrap_or_default())
            .map(Mode::Upstream)
            .map_err(|reason| ModeError::Spec { mode: spec.to_owned(), reason }),
        (word, _) if ELSEWHERE.contains(&word) => Err(ModeError::Elsewhere { word: word.to_owned() }),
        (word, _) => Err(ModeError::Unknown { word: word.to_owned() }),
    }
}

/// Modes that users of mitmproxy know, and that are not here.
const ELSEWHERE: [&str; 5] = ["dns", "local", "osproxy", "tun", "wireguard"];

/// Reads the `[http(s)://]host[:port]` of the proxy that everything goes by.
fn parse_proxy(url: &str) -> Result<Destination, String> {
    match url.split_once("://") {
        _ if url.is_empty() => Err("it needs the proxy's URL, such as `upstream:http://proxy.example:3128`".to_owned()),
        Some((scheme, _)) if Scheme::parse(scheme).is_none() => {
            Err(format!("the scheme `{scheme}` is neither http nor https"))
        }
        Some(_) => parse_target(url),
        None => parse_target(&format!("http://{url}")),
    }
}

/// Reads the `http://host[:port]` that a reverse proxy sends everything to.
fn parse_target(url: &str) -> Result<Destination, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("it needs a URL with a scheme, such as `reverse:https://example.com`".to_owned());
    };
    let has_http2 = scheme.eq_ignore_ascii_case("h2c");
    let scheme = if has_http2 { Some(Scheme::Http) } else { Scheme::parse(scheme) }
        .ok_or_else(|| format!("the scheme `{scheme}` is none of http, https and h2c"))?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if !matches!(path, "" | "/") {
        return Err(format!("its URL has a path, `{path}`, and requests bring their own; leave it out"));
    }
    if authority.contains('@') {
        return Err("its URL names a user, which is not supported; leave it out".to_owned());
    }
    let (host, port) = split_port(authority)?;
    let port = match port {
        Some(port) => parse_port(port)?,
        None => scheme.default_port(),
    };
    let host = check_host(host)?;
    if port == 0 {
        return Err("its URL has port 0; write one from 1 to 65535".to_owned());
    }
    let destination = Destination::new(scheme, &host, port).map_err(|error| error.to_string())?;
    Ok(if has_http2 { destination.with_http2() } else { destination })
}

/// Where to listen, before names are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name, or an address without brackets. Without one it is the default's.
    pub host: Option<String>,
    /// The port; 0 has the system choose.
    pub port: u16,
}

impl ListenAddress {
    /// Reads `HOST:PORT`, `:PORT` or `PORT`.
    ///
    /// # Errors
    /// When the port is missing or wrong, or the host cannot be one.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        parse_listen(text).map_err(|reason| AddressError { given: text.to_owned(), reason })
    }
}

fn parse_listen(text: &str) -> Result<ListenAddress, String> {
    if text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains([':', '.']) {
        return Ok(ListenAddress { host: None, port: parse_port(text)? });
    }
    match split_port(text)? {
        (_, None) => Err("the port is missing; write PORT or HOST:PORT".to_owned()),
        ("", Some(port)) => Ok(ListenAddress { host: None, port: parse_port(port)? }),
        (host, Some(port)) => Ok(ListenAddress { host: Some(check_host(host)?), port: parse_port(port)? }),
    }
}

/// Splits `host[:port]`; an IPv6 address stays in its brackets.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    let end = match authority.strip_prefix('[') {
        None => 0,
        Some(rest) => rest.find(']').ok_or_else(|| "the bracket `[` is not closed".to_owned())? + 2,
    };
    let (bracketed, rest) = authority.split_at(end);
    match rest.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("an IPv6 address needs brackets, as in `[::1]:8080`".to_owned()),
        Some((host, _)) if !bracketed.is_empty() && !host.is_empty() => Err(after_bracket(host)),
        None if !bracketed.is_empty() && !rest.is_empty() => Err(after_bracket(rest)),
        Some((host, port)) => Ok((if bracketed.is_empty() { host } else { bracketed }, Some(port))),
        None => Ok((if bracketed.is_empty() { rest } else { bracketed }, None)),
    }
}

fn after_bracket(found: &str) -> String {
    format!("`{found}` follows the bracket, where only `:PORT` may")
}

fn parse_port(text: &str) -> Result<u16, String> {
    // The parser of integers would take a sign as well.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { text.parse().ok() } else { None };
    port.ok_or_else(|| format!("the port is a number from 0 to 65535, not `{text}`"))
}

/// The host without brackets and in lower case.
fn check_host(host: &str) -> Result<String, String> {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Result<Ipv6Addr, _> = address.parse();
        return address.map(|address| address.to_string()).map_err(|_| format!("`{host}` is not an IPv6 address"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match host {
        "" => Err("the host is missing".to_owned()),
        host if host.len() <= LONGEST_NAME && host.bytes().all(allowed) => Ok(host.to_ascii_lowercase()),
        host if host.is_ascii() => Err(format!("`{host}` is not a host")),
        host => Err(format!("`{host}` is not a host; write the name's ASCII form, `xn--…`")),
    }
}

/// RFC 1035 §2.3.4, without the dots that are not written.
const LONGEST_NAME: usize = 253;

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Regular => formatter.write_str("regular"),
            Self::Reverse(to) => {
                let scheme = if to.has_http2() { "h2c" } else { to.scheme().name() };
                write!(formatter, "reverse:{scheme}://{}", to.authority())
            }
            Self::Upstream(to) => write!(formatter, "upstream:{}://{}", to.scheme().name(), to.authority()),
            Self::Socks => formatter.write_str("socks5"),
            Self::Transparent => formatter.write_str("transparent"),
        }
    }
}

/// Why a text is not an address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not an address to listen on: {reason}")]
pub struct AddressError {
    /// What was given.
    pub given: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The modes, for people.
const KNOWN: &str = "`regular`, `reverse:URL`, `upstream:URL`, `socks5` and `transparent`";

/// Why a text is not a mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModeError {
    /// A mode of other proxies.
    #[error("mode `{word}` is not supported; supported are {KNOWN}")]
    Elsewhere {
        /// The mode's word.
        word: String,
    },
    /// No mode at all.
    #[error("unknown mode `{word}`; known are {KNOWN}")]
    Unknown {
        /// What was given for the mode's word.
        word: String,
    },
    /// A known mode with something wrong behind its word.
    #[error("cannot use mode `{mode}`: {reason}")]
    Spec {
        /// The mode as given.
        mode: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A mode with a wrong address.
    #[error("cannot use mode `{mode}`: what follows the last `@` must be PORT or HOST:PORT{hint}")]
    Listen {
        /// The mode as given.
        mode: String,
        /// What is wrong with the address.
        source: AddressError,
        /// What else the `@` may have been meant for.
        hint: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reverse(scheme: Scheme, host: &str, port: u16) -> Mode {
        Mode::Reverse(Destination::new(scheme, host, port).unwrap())
    }

    fn http2_server() -> Destination {
        Destination::new(Scheme::Http, "a", 50051).unwrap().with_http2()
    }

    fn upstream(scheme: Scheme, host: &str, port: u16) -> Mode {
        Mode::Upstream(Destination::new(scheme, host, port).unwrap())
    }

    fn listen(host: Option<&str>, port: u16) -> Option<ListenAddress> {
        Some(ListenAddress { host: host.map(str::to_owned), port })
    }

    #[test]
    fn a_mode_may_name_its_own_address() {
        let cases = [
            ("regular", Mode::Regular, None),
            ("regular@8081", Mode::Regular, listen(None, 8081)),
            ("regular@:8081", Mode::Regular, listen(None, 8081)),
            ("regular@0.0.0.0:8081", Mode::Regular, listen(Some("0.0.0.0"), 8081)),
            ("regular@localhost:0", Mode::Regular, listen(Some("localhost"), 0)),
            ("reverse:https://example.com", reverse(Scheme::Https, "example.com", 443), None),
            ("reverse:HTTP://Example.com/", reverse(Scheme::Http, "example.com", 80), None),
            ("reverse:http://a_b.test:3000@8081", reverse(Scheme::Http, "a_b.test", 3000), listen(None, 8081)),
            ("reverse:http://[::1]:3000@[::1]:8080", reverse(Scheme::Http, "::1", 3000), listen(Some("::1"), 8080)),
            ("reverse:https://[::1]", reverse(Scheme::Https, "::1", 443), None),
            ("reverse:h2c://a:50051", Mode::Reverse(http2_server()), None),
            ("upstream:http://proxy.example:3128", upstream(Scheme::Http, "proxy.example", 3128), None),
            ("upstream:https://proxy.example/@8081", upstream(Scheme::Https, "proxy.example", 443), listen(None, 8081)),
            ("upstream:proxy.example:3128", upstream(Scheme::Http, "proxy.example", 3128), None),
            ("socks5@1081", Mode::Socks, listen(None, 1081)),
            ("transparent", Mode::Transparent, None),
        ];
        for (text, mode, listen) in cases {
            assert_eq!(ModeSpec::parse(text), Ok(ModeSpec { mode, listen }), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_mode_says_why() {
        let cases = [
            (
                "local",
                "mode `local` is not supported; supported are `regular`, `reverse:URL`, `upstream:URL`, `socks5` and `transparent`",
            ),
            (
                "reverce:http://a",
                "unknown mode `reverce`; known are `regular`, `reverse:URL`, `upstream:URL`, `socks5` and `transparent`",
            ),
            ("", "unknown mode ``; known are `regular`, `reverse:URL`, `upstream:URL`, `socks5` and `transparent`"),
            ("socks5:1080", "cannot use mode `socks5:1080`: `socks5` takes no URL; write `socks5`, or `socks5@PORT`"),
            (
                "upstream:",
                "cannot use mode `upstream:`: it needs the proxy's URL, such as `upstream:http://proxy.example:3128`",
            ),
            (
                "upstream:http://u:p@proxy.example:3128",
                "cannot use mode `upstream:http://…@proxy.example:3128`: its URL names a user; give the user and the password as `--upstream-auth NAME:PASSWORD`, or as `upstream_auth` in the configuration file",
            ),
            (
                "upstream:http://u:1@proxy.example:3128@8081",
                "cannot use mode `upstream:http://…@proxy.example:3128@8081`: its URL names a user; give the user and the password as `--upstream-auth NAME:PASSWORD`, or as `upstream_auth` in the configuration file",
            ),
            (
                "upstream:socks5://p:1",
                "cannot use mode `upstream:socks5://p:1`: the scheme `socks5` is neither http nor https",
            ),
            (
                "regular:8080",
                "cannot use mode `regular:8080`: `regular` takes no URL; write `regular`, or `regular@PORT`",
            ),
            (
                "reverse:example.com",
                "cannot use mode `reverse:example.com`: it needs a URL with a scheme, such as `reverse:https://example.com`",
            ),
            (
                "reverse:tcp://a:1",
                "cannot use mode `reverse:tcp://a:1`: the scheme `tcp` is none of http, https and h2c",
            ),
            (
                "reverse:http://a/api?x@8081",
                "cannot use mode `reverse:http://a/api?x`: its URL has a path, `/api?x`, and requests bring their own; leave it out",
            ),
            (
                "reverse:http://u:p@a:1@8081",
                "cannot use mode `reverse:http://u:p@a:1`: its URL names a user, which is not supported; leave it out",
            ),
            (
                "reverse:http://u@a",
                "cannot use mode `reverse:http://u@a`: what follows the last `@` must be PORT or HOST:PORT, and the URL may not name a user: `a` is not an address to listen on: the port is missing; write PORT or HOST:PORT",
            ),
            ("reverse:http://", "cannot use mode `reverse:http://`: the host is missing"),
            (
                "reverse:http://::1",
                "cannot use mode `reverse:http://::1`: an IPv6 address needs brackets, as in `[::1]:8080`",
            ),
            (
                "reverse:http://a:0",
                "cannot use mode `reverse:http://a:0`: its URL has port 0; write one from 1 to 65535",
            ),
            (
                "reverse:http://bücher.test",
                "cannot use mode `reverse:http://bücher.test`: `bücher.test` is not a host; write the name's ASCII form, `xn--…`",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(oneline::chain(&ModeSpec::parse(text).expect_err(text)), expected);
        }
    }

    #[test]
    fn an_address_needs_a_port_and_brackets_around_ipv6() {
        let cases = [
            ("localhost", "the port is missing; write PORT or HOST:PORT"),
            ("[::1]", "the port is missing; write PORT or HOST:PORT"),
            ("::1", "an IPv6 address needs brackets, as in `[::1]:8080`"),
            ("[::1", "the bracket `[` is not closed"),
            ("[::1]x:80", "`x` follows the bracket, where only `:PORT` may"),
            ("[a]:80", "`[a]` is not an IPv6 address"),
            ("65536", "the port is a number from 0 to 65535, not `65536`"),
            ("127.0.0.1", "the port is missing; write PORT or HOST:PORT"),
            ("a:65536", "the port is a number from 0 to 65535, not `65536`"),
            ("a:+80", "the port is a number from 0 to 65535, not `+80`"),
            ("a b:80", "`a b` is not a host"),
        ];
        for (text, reason) in cases {
            assert_eq!(ListenAddress::parse(text).expect_err(text).reason, reason, "{text}");
        }
    }
}
