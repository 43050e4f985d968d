//! Which proxy is meant.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clap::ArgMatches;

use super::{
    CtlError,
    command::{path, text},
};
use crate::{Running, RuntimeFile, Token};

/// Where a proxy's control API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What is to be known there.
    pub(super) token: Token,
}

impl Target {
    /// The proxy that the arguments name, or else the one that runs.
    pub(super) fn of(matches: &ArgMatches) -> Result<Self, CtlError> {
        let token = path(matches, "token-file").map(|path| Token::load(path)).transpose()?;
        Self::choose(text(matches, "control"), token, RuntimeFile::find)
    }

    fn choose(
        control: Option<&str>,
        token: Option<Token>,
        find: impl FnOnce() -> Result<Vec<Running>, crate::RuntimeFileError>,
    ) -> Result<Self, CtlError> {
        let Some(control) = control else {
            let found = find()?;
            let [one] = found.as_slice() else { return Err(not_one(&found)) };
            let token = token.unwrap_or_else(|| one.token.clone());
            return Ok(Self { host: reachable(one.address.ip()).to_string(), port: one.address.port(), token });
        };
        let (host, port) = parse(control).ok_or_else(|| CtlError::Address { given: control.to_owned() })?;
        let token = match token {
            Some(token) => token,
            // Its token is told to nobody but the proxy that noted it.
            None => find()?
                .into_iter()
                .find(|running| is_at(running, &host, port))
                .map(|running| running.token)
                .ok_or_else(|| CtlError::NoToken { address: shown(&host, port) })?,
        };
        Ok(Self { host, port, token })
    }

    /// The address for messages and the `host` field.
    pub(super) fn shown(&self) -> String {
        shown(&self.host, self.port)
    }
}

fn not_one(found: &[Running]) -> CtlError {
    if found.is_empty() {
        return CtlError::NoneRunning;
    }
    let found = found.iter().map(|running| format!("{} (process {})", running.address, running.pid));
    CtlError::Several { found: found.collect() }
}

/// `HOST:PORT`, `:PORT` or `PORT`.
fn parse(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match (host, bracketed) {
        ("", _) => Some((Ipv4Addr::LOCALHOST.to_string(), port)),
        (_, Some(address)) => address.parse::<IpAddr>().ok().map(|address| (address.to_string(), port)),
        (host, None) => host.bytes().all(is_named).then(|| (host.to_owned(), port)),
    }
}

/// An address to connect to, for one that is listened on.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    }
}

fn is_at(running: &Running, host: &str, port: u16) -> bool {
    let ip = running.address.ip();
    let is_host = match host.parse::<IpAddr>() {
        Ok(address) => address == ip || ip.is_unspecified() && address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost") && (ip.is_loopback() || ip.is_unspecified()),
    };
    is_host && running.address.port() == port
}

fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(pid: u32, address: &str) -> Running {
        let token = Token::parse(&format!("{pid:016}")).expect("a token");
        Running { pid, address: address.parse().expect("an address"), token }
    }

    fn choose(control: Option<&str>, token: Option<&str>, running: Vec<Running>) -> Result<(String, String), String> {
        let token = token.map(|token| Token::parse(token).expect("a token"));
        let target = Target::choose(control, token, || Ok(running)).map_err(|error| error.to_string())?;
        Ok((target.shown(), target.token.secret().to_owned()))
    }

    #[test]
    fn the_proxy_that_runs_is_meant_unless_another_is_named() {
        let (one, other) = (running(1, "127.0.0.1:9090"), running(2, "[::]:9091"));
        let found = |address: &str, token: &str| Ok((address.to_owned(), token.to_owned()));
        let both = || vec![one.clone(), other.clone()];
        assert_eq!(choose(None, None, vec![one.clone()]), found("127.0.0.1:9090", "0000000000000001"));
        assert_eq!(choose(None, None, vec![other.clone()]), found("[::1]:9091", "0000000000000002"));
        assert_eq!(choose(Some("9091"), None, both()), found("127.0.0.1:9091", "0000000000000002"));
        assert_eq!(choose(Some("localhost:9090"), None, both()), found("localhost:9090", "0000000000000001"));
        assert_eq!(choose(Some("[::1]:1"), Some("0123456789abcdef"), Vec::new()), found("[::1]:1", "0123456789abcdef"));
        let error = |control, running| choose(control, None, running).expect_err("it is not clear which");
        assert_eq!(
            error(None, Vec::new()),
            "no proxy with a control API is running: start one with `proxyhost --control 0`, or say where it is by \
             `--control [HOST:]PORT`"
        );
        assert_eq!(
            error(None, both()),
            "several proxies are running: choose one by `--control` of 127.0.0.1:9090 (process 1), [::]:9091 (process 2)"
        );
        // A token goes to nobody else.
        assert_eq!(
            error(Some("192.0.2.1:9090"), both()),
            "nothing says what the token of the proxy at 192.0.2.1:9090 is: name its file by `--token-file FILE`"
        );
        for wrong in ["", "x", "0", "65536", "a b:1", "[::1]", "::1:9090", "+1", "http://localhost:1"] {
            let expected = format!("`--control` is [HOST:]PORT, such as 9090 or [::1]:9090, and not `{wrong}`");
            assert_eq!(error(Some(wrong), both()), expected);
        }
    }
}
