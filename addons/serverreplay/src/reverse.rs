//! What a response says of its server, for a client that knows that by the address of a reverse proxy.

use std::borrow::Cow;

/// A server, or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `http` or `https`.
    pub scheme: String,
    /// A name, or an address with or without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Server {
    /// The server of a scheme and an authority.
    pub fn new(scheme: &str, authority: &str) -> Self {
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = split_port(authority);
        let port = port.and_then(|port| port.parse().ok()).unwrap_or_else(|| default_port(&scheme));
        Self { scheme, host: host.to_ascii_lowercase(), port }
    }

    /// Whether another address leads to it: its own, or that by the other scheme where both have their own ports.
    fn is_at(&self, scheme: Option<&str>, authority: &str) -> bool {
        let other = Self::new(scheme.unwrap_or(&self.scheme), authority);
        let is_default = |server: &Self| server.port == default_port(&server.scheme);
        let is_host = unbracketed(&self.host).eq_ignore_ascii_case(unbracketed(&other.host));
        is_host && (self.port == other.port || is_default(self) && is_default(&other))
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// How a client knows a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Where the responses are from, and where they would be from without the proxy.
    pub servers: Vec<Server>,
    /// By which scheme and authority the client came, as it wrote them; nothing if it named none.
    pub client: Option<(String, String)>,
    /// What the client asked for.
    pub path: String,
}

impl Mapping {
    /// A URL as the client knows it; nothing if it leads elsewhere, or from wherever it is read to the right place.
    pub fn url(&self, url: &str) -> Option<String> {
        let (scheme, rest) = match url.split_once("//")? {
            ("", rest) => (None, rest),
            (before, rest) => {
                let scheme = before.strip_suffix(':')?;
                let is_known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
                (is_known.then_some(scheme), is_known.then_some(rest)?)
            }
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let server = self.servers.iter().find(|server| server.is_at(scheme, authority))?;
        // A server that sends to its own page by the other scheme: the client would be sent around for ever.
        let is_other_scheme = scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case(&server.scheme));
        let same = path.split('#').next().unwrap_or_default();
        if is_other_scheme && (same == self.path || same.is_empty() && self.path == "/") {
            return None;
        }
        Some(match (&self.client, scheme) {
            (Some((scheme, authority)), Some(_)) => format!("{scheme}://{authority}{path}"),
            (Some((_, authority)), None) => format!("//{authority}{path}"),
            // It must not be taken for an authority.
            (None, _) if path.starts_with("//") => format!("/.{path}"),
            (None, _) if path.starts_with('/') => path.to_owned(),
            (None, _) => format!("/{path}"),
        })
    }

    /// The value of a `Refresh` field; nothing if it stays.
    pub fn refresh(&self, value: &str) -> Option<String> {
        let start = value.find([';', ','])? + 1;
        let (delay, target) = value.split_at_checked(start)?;
        let named = target.trim_start();
        let is_named = named.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("url"));
        let after = if is_named { named.get(3..)?.trim_start().strip_prefix('=')?.trim_start() } else { named };
        let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''));
        let url = match quote {
            Some(quote) => after.get(1..)?.split(quote).next()?,
            None => after.trim_end(),
        };
        let begin = target.len() - after.len() + quote.map_or(0, |_| 1);
        let mapped = self.url(url)?;
        Some(format!("{delay}{}{mapped}{}", target.get(..begin)?, target.get(begin + url.len()..)?))
    }

    /// The value of a `Link` field (RFC 8288); nothing if it stays.
    pub fn link(&self, value: &str) -> Option<String> {
        let (mut mapped, mut rest, mut is_other) = (String::new(), value, false);
        while let Some((before, after)) = rest.split_once('<') {
            let Some((url, behind)) = after.split_once('>') else { break };
            let new = self.url(url);
            is_other |= new.is_some();
            for piece in [before, "<", new.as_deref().unwrap_or(url), ">"] {
                mapped.push_str(piece);
            }
            rest = behind;
        }
        mapped.push_str(rest);
        is_other.then_some(mapped)
    }

    /// The value of a `Set-Cookie` field; nothing if it stays. A domain that the client would not take is left out, so that the
    /// cookie is for the host that the client asked. So are the attributes that only HTTPS has, where the client came without,
    /// unless the cookie's name calls for them.
    pub fn cookie(&self, value: &[u8]) -> Option<Vec<u8>> {
        let is_plain = self.client.as_ref().is_none_or(|(scheme, _)| scheme != "https");
        let is_bound = [&b"__secure-"[..], b"__host-"].iter().any(|prefix| {
            value.trim_ascii_start().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        });
        let mut attributes = value.split(|&byte| byte == b';');
        let pair = attributes.next()?;
        let attributes: Vec<(Cow<'_, str>, &[u8])> = attributes.map(|bytes| (lower(bytes), bytes)).collect();
        let is_secure = attributes.iter().any(|(attribute, _)| attribute == "secure");
        let is_loosened = is_plain && is_secure && !is_bound;
        let stays = |attribute: &str| match attribute.split_once('=') {
            Some((name, domain)) if name.trim_end() == "domain" => !self.is_foreign(domain.trim()),
            Some((name, site)) if name.trim_end() == "samesite" => !(is_loosened && site.trim() == "none"),
            _ => !(is_loosened && matches!(attribute, "secure" | "partitioned")),
        };
        let kept: Vec<&[u8]> =
            attributes.iter().filter(|(attribute, _)| stays(attribute)).map(|(_, bytes)| *bytes).collect();
        if kept.len() == attributes.len() {
            return None;
        }
        Some([&[pair][..], &kept].concat().join(&b';'))
    }

    /// Whether a cookie's domain is that of a server, and the client would not take it from the host that it asked.
    fn is_foreign(&self, domain: &str) -> bool {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let covers = |host: &str| {
            let before = host.strip_suffix(domain);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        let client = self.client.as_ref().map(|(_, authority)| split_port(authority).0.to_ascii_lowercase());
        self.servers.iter().any(|server| covers(&server.host)) && !client.is_some_and(|client| covers(&client))
    }
}

fn lower(attribute: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(attribute).trim().to_ascii_lowercase().into()
}

#[cfg(test)]
mod tests;
