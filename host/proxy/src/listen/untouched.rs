//! Servers whose traffic is passed on as it is.

use flowfilter::Search;

use crate::flow::Destination;

/// Which servers those are, by patterns that are looked for in `host:port`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untouched {
    /// These.
    pub ignored: Vec<Search>,
    /// All but these, if there are any.
    pub allowed: Vec<Search>,
}

/// What is known of a server before anything is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is passed on.
    Untouched,
    /// It depends on what the client calls the server.
    Depends,
    /// It is looked into.
    Touched,
}

impl Untouched {
    /// What the place says where a connection goes.
    pub(super) fn place(&self, destination: &Destination) -> Verdict {
        if self.ignored.is_empty() && self.allowed.is_empty() {
            return Verdict::Touched;
        }
        let place = destination.host_and_port();
        if any(&self.ignored, &place) { Verdict::Untouched } else { Verdict::Depends }
    }

    /// Whether a connection is passed on whose client calls the server by this name, if by any.
    pub(super) fn covers(&self, destination: &Destination, named: Option<&str>) -> bool {
        let place = destination.host_and_port();
        let named = named.map(|name| with_port(name, destination.port()));
        let is_any =
            |patterns: &[Search]| any(patterns, &place) || named.as_ref().is_some_and(|named| any(patterns, named));
        (!self.allowed.is_empty() && !is_any(&self.allowed)) || is_any(&self.ignored)
    }
}

fn any(patterns: &[Search], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.is_in(name))
}

/// A name with its port: the one that it comes with, or else this one.
fn with_port(name: &str, port: u16) -> String {
    match name.rsplit_once(':') {
        Some((_, given)) if !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => format!("{name}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Scheme;

    fn untouched(ignored: &[&str], allowed: &[&str]) -> Untouched {
        let patterns = |texts: &[&str]| texts.iter().map(|text| Search::parse(text).unwrap()).collect();
        Untouched { ignored: patterns(ignored), allowed: patterns(allowed) }
    }

    #[test]
    fn patterns_are_looked_for_in_place_and_name() {
        let to = |host, port| Destination::new(Scheme::Https, host, port).unwrap();
        let (shop, address) = (to("Shop.example", 443), to("192.0.2.1", 8443));
        let nothing = untouched(&[], &[]);
        assert_eq!(nothing.place(&shop), Verdict::Touched);
        let ignoring = untouched(&[r"^shop\.example:443$", "pinned"], &[]);
        assert_eq!((ignoring.place(&shop), ignoring.place(&address)), (Verdict::Untouched, Verdict::Depends));
        assert!(ignoring.covers(&address, Some("api.pinned.example")));
        assert!(!ignoring.covers(&address, Some("api.example")) && !ignoring.covers(&address, None));
        let allowing = untouched(&["ads"], &[r"example:8443$", "192.0.2.9"]);
        assert_eq!(allowing.place(&address), Verdict::Depends);
        for (named, covered) in [
            (None, true),
            (Some("a.example"), false),
            (Some("a.example:8443"), false),
            (Some("a.example:80"), true),
            (Some("ads.example"), true),
        ] {
            assert_eq!(allowing.covers(&address, named), covered, "{named:?}");
        }
    }
}
