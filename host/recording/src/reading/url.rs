//! The URL of a request, split but not changed.

/// The parts of an `http` or `https` URL, or of one of a WebSocket, which starts as such an exchange.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Url<'u> {
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// Whether it is the URL of a WebSocket: `ws` or `wss`.
    pub(crate) is_websocket: bool,
    /// Without brackets.
    pub(crate) host: &'u str,
    pub(crate) port: u16,
    /// The path with its query, as in the URL. It starts with a slash.
    pub(crate) path: String,
}

/// Why a URL is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Its scheme is another one, such as `data`.
    Scheme(String),
    /// It is no URL.
    Malformed(&'static str),
}

impl<'u> Url<'u> {
    /// Userinfo and fragment are dropped: neither is sent.
    pub(crate) fn parse(url: &'u str) -> Result<Self, Unfit> {
        let (name, rest) = url.split_once(':').ok_or(Unfit::Malformed("has no scheme"))?;
        let (scheme, is_websocket) = match name.to_ascii_lowercase().as_str() {
            "http" => ("http", false),
            "https" => ("https", false),
            // RFC 6455, section 3.
            "ws" => ("http", true),
            "wss" => ("https", true),
            _ if is_scheme(name) => return Err(Unfit::Scheme(name.chars().take(SCHEME_SHOWN).collect())),
            _ => return Err(Unfit::Malformed("has no scheme")),
        };
        let default_port = if scheme == "https" { 443 } else { 80 };
        let rest = rest.strip_prefix("//").ok_or(Unfit::Malformed("has no host"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (_, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = host_and_port(authority)?;
        let port = match port {
            "" => default_port,
            port => port.parse().map_err(|_| Unfit::Malformed("has a port that is none"))?,
        };
        let (target, _) = target.split_once('#').unwrap_or((target, ""));
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self { scheme, is_websocket, host, port, path: format!("{slash}{target}") })
    }
}

fn host_and_port(authority: &str) -> Result<(&str, &str), Unfit> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(Unfit::Malformed("has a bracket without its other"))?;
            match port.strip_prefix(':') {
                None if !port.is_empty() => return Err(Unfit::Malformed("has a port that is none")),
                port => (host, port.unwrap_or_default()),
            }
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let is_bad = |character: char| character.is_whitespace() || character.is_control() || "\\^<>\"".contains(character);
    match host {
        "" => Err(Unfit::Malformed("has no host")),
        _ if host.contains(is_bad) => Err(Unfit::Malformed("has a host that is none")),
        _ => Ok((host, port)),
    }
}

/// RFC 3986, section 3.1.
fn is_scheme(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

const SCHEME_SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (&'static str, &str, u16, String) {
        let Url { scheme, host, port, path, .. } = Url::parse(url).unwrap();
        (scheme, host, port, path)
    }

    #[test]
    fn a_url_is_split_and_its_path_kept() {
        assert_eq!(parts("http://a/"), ("http", "a", 80, "/".into()));
        assert_eq!(
            parts("HTTPS://a:8443/b%2fc/../d?e=%20+f&&#g?h"),
            ("https", "a", 8443, "/b%2fc/../d?e=%20+f&&".into())
        );
        assert_eq!(parts("https://user:pa@ss@a/x@y"), ("https", "a", 443, "/x@y".into()));
        assert_eq!(parts("https://a"), ("https", "a", 443, "/".into()));
        assert_eq!(parts("http://a:?b=/c"), ("http", "a", 80, "/?b=/c".into()));
        assert_eq!(parts("http://a#b"), ("http", "a", 80, "/".into()));
        assert_eq!(parts("http://[::1]:81/"), ("http", "::1", 81, "/".into()));
        assert_eq!(parts("http://[::1]"), ("http", "::1", 80, "/".into()));
    }

    #[test]
    fn a_websocket_starts_as_an_exchange_of_http() {
        assert_eq!(parts("ws://a/b"), ("http", "a", 80, "/b".into()));
        assert_eq!(parts("WSS://a:81"), ("https", "a", 81, "/".into()));
        assert_eq!(
            ["ws://a", "wss://a", "https://a"].map(|url| Url::parse(url).unwrap().is_websocket),
            [true, true, false]
        );
    }

    #[test]
    fn other_schemes_are_named() {
        for scheme in ["javascript", "data", "blob", "chrome-extension", "about"] {
            assert_eq!(Url::parse(&format!("{scheme}:x//y")), Err(Unfit::Scheme(scheme.into())));
        }
    }

    #[test]
    fn what_is_no_url_is_malformed() {
        for (url, what) in [
            ("", "has no scheme"),
            ("/a", "has no scheme"),
            ("a b:c", "has no scheme"),
            ("http:/a", "has no host"),
            ("http:///a", "has no host"),
            ("http://u@:80/a", "has no host"),
            ("http://a:70000/", "has a port that is none"),
            ("http://a:b/", "has a port that is none"),
            ("http://[::1]x/", "has a port that is none"),
            ("http://[::1/", "has a bracket without its other"),
            ("http://a b/", "has a host that is none"),
            ("http://a\r\nb/", "has a host that is none"),
        ] {
            assert_eq!(Url::parse(url), Err(Unfit::Malformed(what)), "{url}");
        }
    }
}
