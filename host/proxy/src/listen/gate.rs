//! Who may send requests to a listener, by the `Basic` scheme (RFC 7617), and in which session.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header, uri::Authority};
use ring::hmac;

use super::Entry;
use crate::{
    flow::{Destination, Fault, FaultKind, Route, Scheme, Session},
    user::{self, UserError},
};

/// How requests come in at a place, and who may send them.
#[derive(Debug)]
pub struct Gate {
    /// How they come in.
    pub(super) entry: Entry,
    pub(super) host: HostField,
    users: Option<Users>,
    session: Session,
    session_field: Option<HeaderName>,
    route: Route,
    own: Option<OwnHost>,
    /// The address that it is at, once there is one.
    at: Option<SocketAddr>,
}

/// A host that requests are for which come to a proxy as to a web server: with a path, and not with a URL.
#[derive(Clone, Copy, Debug)]
pub struct OwnHost {
    /// Its name.
    pub host: &'static str,
    /// Whether it has something at a path. Requests for other paths are refused.
    pub has: fn(&str) -> bool,
}

/// What becomes of the `host` field of requests, where the server that they go to is named elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostField {
    /// It names that server (RFC 9112 §3.2.2).
    #[default]
    Rewritten,
    /// It stays as it came.
    Kept,
}

impl Gate {
    /// A place that everybody may use, or else these users only.
    pub fn new(entry: Entry, users: Option<Users>) -> Self {
        let (host, session, route) = Default::default();
        Self { entry, host, users, session, session_field: None, route, own: None, at: None }
    }

    /// The same place, where what asks the proxy itself is for this host.
    pub fn with_own(self, own: Option<OwnHost>) -> Self {
        Self { own, ..self }
    }

    /// The same place, at an address.
    pub(super) fn at(self, address: SocketAddr) -> Self {
        Self { at: Some(address), ..self }
    }

    /// The same place, where the `host` field of requests is treated so.
    pub fn with_host(self, host: HostField) -> Self {
        Self { host, ..self }
    }

    /// The same place, where requests that name no session are of this one, and this field of a request can name one.
    pub fn with_session(self, session: Session, field: Option<HeaderName>) -> Self {
        Self { session, session_field: field, ..self }
    }

    /// The same place, whose requests take this way to their servers.
    pub fn with_route(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// The inside of a tunnel that was opened here, by a request of this session.
    pub(super) fn within(&self, entry: Entry, session: Session) -> Self {
        Self::new(entry, None).with_session(session, self.session_field.clone()).with_route(self.route.clone())
    }

    /// The way that requests to a server take from here.
    pub(super) fn route(&self, server: &Destination) -> Route {
        match &self.entry {
            Entry::Address(_, address) if server.host().parse::<IpAddr>().is_err() => {
                Route::Pinned(server.host().into(), *address)
            }
            _ => self.route.clone(),
        }
    }

    /// Lets a client in that names its user and password outside of HTTP, or none.
    ///
    /// # Errors
    /// When it has to name a user and does not, or names none that may use this place, or its name cannot be a session's.
    pub(super) fn enter(&self, given: Option<(&[u8], &[u8])>) -> Result<Session, Fault> {
        let named = given.map(|(name, _)| name).filter(|name| !name.is_empty());
        let named = named.map(|name| std::str::from_utf8(name).unwrap_or_default());
        let by_user = match &self.users {
            Some(users) => {
                // A name with a colon would be another one with a longer password.
                let given = given.filter(|(name, _)| !name.contains(&b':'));
                let joined = given.map(|(name, password)| [name, b":", password].concat()).unwrap_or_default();
                if !users.know(&joined) {
                    return Err(unknown(FaultKind::ProxyUnauthorized));
                }
                named.and_then(|name| Session::named(name).ok())
            }
            None => named.map(Session::named).transpose().map_err(|error| {
                misnamed(format_args!("the user that the client names is no name of a session: {error}"))
            })?,
        };
        Ok(by_user.unwrap_or_else(|| self.session.clone()))
    }

    /// Gives a request that asks the proxy itself the URL of the host that it is for.
    pub(super) fn address<B>(&self, request: &mut http::Request<B>) {
        let Some(own) = self.own.filter(|_| matches!(self.entry, Entry::Proxy)) else { return };
        let is_asking = matches!(*request.method(), Method::GET | Method::HEAD) && (own.has)(request.uri().path());
        if !is_asking || !self.is_meant(request) {
            return;
        }
        let path = request.uri().path();
        if let (Ok(url), Ok(host)) = (format!("http://{}{path}", own.host).parse(), own.host.parse()) {
            *request.uri_mut() = url;
            if let Some(named) = request.headers_mut().get_mut(header::HOST) {
                *named = host;
            }
        }
    }

    /// Whether a request is for this place itself. By another port, another server is meant.
    fn is_meant<B>(&self, request: &http::Request<B>) -> bool {
        let Some(at) = self.at else { return false };
        let uri = request.uri();
        // In HTTP/2, a request to a web server looks like one to a proxy.
        if let Some(named) = uri.authority().filter(|_| request.version() == Version::HTTP_2) {
            let usual = || uri.scheme_str().and_then(Scheme::parse).map(Scheme::default_port);
            return named.port_u16().or_else(usual) == Some(at.port()) && is_called(at.ip(), named.host());
        }
        let host = request.headers().get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let port = host.map(|host| host.port_u16().unwrap_or(Scheme::Http.default_port()));
        uri.authority().is_none() && uri.scheme().is_none() && port == Some(at.port())
    }

    /// Lets a request pass, without the credentials that it has for this place and without the name of its session: they
    /// concern nobody further on (RFC 9110 §11.7.2). What is inside a tunnel passed when the tunnel was opened.
    ///
    /// # Errors
    /// When the request has to name a user and does not, or names none that may use this place, or what it names as its
    /// session cannot be one.
    pub(super) fn pass(&self, fields: &mut HeaderMap) -> Result<Session, Fault> {
        let by_user = match &self.users {
            Some(users) => self.known(users, fields)?,
            // What is inside a tunnel is of the session that opened it.
            None if matches!(self.entry, Entry::Tunnel(_) | Entry::Address(..)) => None,
            None => named_by_user(fields)?,
        };
        fields.remove(header::PROXY_AUTHORIZATION);
        let by_field = self.session_field.as_ref().map(|field| named_by_field(fields, field)).transpose()?;
        Ok(by_field.flatten().or(by_user).unwrap_or_else(|| self.session.clone()))
    }

    /// Takes the credentials of a user off a request. The session is that of the user's name, if a session can have it.
    fn known(&self, users: &Users, fields: &mut HeaderMap) -> Result<Option<Session>, Fault> {
        let (field, refused) = self.asks();
        let given = only(fields, &field).and_then(|line| credentials(line.as_bytes()));
        let Some(given) = given.filter(|given| users.know(given)) else {
            return Err(unknown(refused));
        };
        fields.remove(field);
        Ok(user(&given).and_then(|name| Session::named(name).ok()))
    }

    /// The field that has the credentials, and what the answer is when they are wrong: to its clients, a reverse proxy is the
    /// server.
    fn asks(&self) -> (HeaderName, FaultKind) {
        match self.entry {
            Entry::Reverse(_) => (header::AUTHORIZATION, FaultKind::Unauthorized),
            Entry::Proxy | Entry::Tunnel(_) | Entry::Address(..) => {
                (header::PROXY_AUTHORIZATION, FaultKind::ProxyUnauthorized)
            }
        }
    }
}

/// Users with their passwords, of which only digests are kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Users(Vec<Vec<u8>>);

impl Users {
    /// Adds a `NAME:PASSWORD`. A password may have colons, and may be empty.
    ///
    /// # Errors
    /// When it is none.
    pub fn add(&mut self, text: &str) -> Result<(), UserError> {
        user::check(text)?;
        self.0.push(hmac::sign(&key(), text.as_bytes()).as_ref().to_vec());
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these credentials are of one of them. How long this takes says nothing about them: digests are compared in
    /// constant time, and all of them.
    fn know(&self, given: &[u8]) -> bool {
        let key = key();
        self.0.iter().fold(false, |known, digest| known | hmac::verify(&key, given, digest).is_ok())
    }
}

/// The session that the credentials of a request for this place name by their user. Nobody asked for them, so what is no user
/// names none, and a password does not matter.
fn named_by_user(fields: &HeaderMap) -> Result<Option<Session>, Fault> {
    let Some(line) = only(fields, &header::PROXY_AUTHORIZATION) else { return Ok(None) };
    let given = credentials(line.as_bytes());
    match given.as_deref().and_then(user) {
        None | Some("") => Ok(None),
        Some(name) => Session::named(name)
            .map(Some)
            .map_err(|error| misnamed(format_args!("the user in its `proxy-authorization` names no session: {error}"))),
    }
}

/// The session that a field names, which is taken off the request.
fn named_by_field(fields: &mut HeaderMap, field: &HeaderName) -> Result<Option<Session>, Fault> {
    if !fields.contains_key(field) {
        return Ok(None);
    }
    let named = match only(fields, field).map(|line| line.to_str().unwrap_or_default()) {
        Some(name) => Session::named(name.trim_ascii())
            .map_err(|error| misnamed(format_args!("its field `{field}` names no session: {error}"))),
        None => Err(misnamed(format_args!("it has more than one field `{field}`, and a session has one name"))),
    };
    fields.remove(field);
    named.map(Some)
}

/// Whether who listens at an address is reached from this machine by a host, as far as that is known without asking for names.
fn is_called(listening: IpAddr, host: &str) -> bool {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(ip) if listening.is_unspecified() => ip.is_loopback(),
        Ok(ip) => ip == listening,
        Err(_) => host.eq_ignore_ascii_case("localhost") && (listening.is_loopback() || listening.is_unspecified()),
    }
}

fn unknown(kind: FaultKind) -> Fault {
    Fault::new(kind, "this proxy serves known users only: a name and its password are needed")
}

fn misnamed(why: fmt::Arguments<'_>) -> Fault {
    Fault::new(FaultKind::BadRequest, format!("the request cannot be taken: {why}"))
}

/// The line of a field, if there is one and no other.
fn only<'a>(fields: &'a HeaderMap, field: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = fields.get_all(field).iter();
    lines.next().filter(|_| lines.next().is_none())
}

/// The `NAME:PASSWORD` of a field's value.
fn credentials(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, token) = value.split_at_checked(BASIC.len())?;
    if !scheme.eq_ignore_ascii_case(BASIC) {
        return None;
    }
    BASE64_STANDARD.decode(token.trim_ascii()).ok()
}

/// The user of credentials (RFC 7617 §2).
fn user(given: &[u8]) -> Option<&str> {
    let end = given.iter().position(|&byte| byte == b':')?;
    std::str::from_utf8(given.get(..end)?).ok()
}

/// The scheme, whose name's case does not matter (RFC 9110 §11.1), and what stands behind it.
const BASIC: &[u8] = b"Basic ";

/// Digests only make what is compared equally long, for which any key will do.
fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"proxyhost")
}

impl fmt::Debug for Users {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} users", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Destination;

    fn users() -> Users {
        let mut users = Users::default();
        for user in ["ann:s3:cret", "bob:", "zoë:päss"] {
            users.add(user).unwrap();
        }
        users
    }

    fn basic(user: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(user))
    }

    fn known_by(users: &Users, value: &str) -> bool {
        credentials(value.as_bytes()).is_some_and(|given| users.know(&given))
    }

    fn passed(entry: Entry, fields: &[(HeaderName, &str)]) -> Result<Vec<String>, FaultKind> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        Gate::new(entry, Some(users())).pass(&mut map).map_err(|fault| fault.kind)?;
        Ok(map.keys().map(ToString::to_string).collect())
    }

    #[test]
    fn known_users_pass_and_others_do_not() {
        for known in ["ann:s3:cret", "bob:", "zoë:päss"] {
            assert!(known_by(&users(), &basic(known)), "{known}");
        }
        assert!(known_by(&users(), &basic("bob:").replace("Basic", "bASIC ")));
        for unknown in ["ann:s3:cre", "ann:s3:crett", "ann", "", ":", "bob:s3:cret", "Ann:s3:cret"] {
            assert!(!known_by(&users(), &basic(unknown)), "{unknown}");
        }
        for wrong in ["", "Basic", "Basic ", "Basic \u{e4}", "Bearer YW5uOnMzOmNyZXQ=", "YW5uOnMzOmNyZXQ="] {
            assert!(!known_by(&users(), wrong), "{wrong}");
        }
        assert!(!known_by(&Users::default(), &basic(":")));
    }

    #[test]
    fn credentials_for_this_place_do_not_pass_it() {
        let reverse = || Entry::Reverse(Destination::new(Scheme::Http, "a", 1).unwrap());
        let (good, bad) = (basic("bob:"), basic("bob:x"));
        let (proxy, server) = (header::PROXY_AUTHORIZATION, header::AUTHORIZATION);
        let both = [(proxy.clone(), good.as_str()), (server.clone(), "Bearer x")];
        assert_eq!(passed(Entry::Proxy, &both), Ok(vec!["authorization".to_owned()]));
        assert_eq!(passed(reverse(), &[(server.clone(), &good), (proxy.clone(), &bad)]), Ok(vec![]));
        assert_eq!(passed(Entry::Proxy, &[(server.clone(), &good)]), Err(FaultKind::ProxyUnauthorized));
        assert_eq!(passed(reverse(), &[(proxy.clone(), &good)]), Err(FaultKind::Unauthorized));
        assert_eq!(passed(reverse(), &[(server.clone(), &bad)]), Err(FaultKind::Unauthorized));
        let twice = [(proxy.clone(), good.as_str()), (proxy.clone(), good.as_str())];
        assert_eq!(passed(Entry::Proxy, &twice), Err(FaultKind::ProxyUnauthorized));
        let mut fields = HeaderMap::from_iter([(proxy, HeaderValue::from_static("Basic x"))]);
        assert!(Gate::new(Entry::Proxy, None).pass(&mut fields).is_ok() && fields.is_empty());
    }

    /// The field by which a client names its user.
    fn user(value: &str) -> (&'static str, &str) {
        ("proxy-authorization", value)
    }

    /// The session of a request with these fields, or what its client is told.
    fn session(gate: &Gate, fields: &[(&'static str, &str)]) -> Result<String, String> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let session = gate.pass(&mut map).map_err(|fault| fault.detail)?;
        assert!(map.keys().all(|name| name == header::AUTHORIZATION), "{map:?}");
        Ok(session.name().to_owned())
    }

    #[test]
    fn a_request_names_its_session_by_field_or_user_or_listener() {
        let field = HeaderName::from_static("x-session");
        let own = Session::named("own").unwrap();
        let open = Gate::new(Entry::Proxy, None).with_session(own.clone(), Some(field.clone()));
        let closed = Gate::new(Entry::Proxy, Some(users())).with_session(own, Some(field));
        let (ann, test) = (basic("ann:s3:cret"), basic("test-17:whatever"));
        let by = |value: &'static str| ("x-session", value);
        assert_eq!(session(&open, &[]).as_deref(), Ok("own"));
        assert_eq!(session(&open, &[user(&test)]).as_deref(), Ok("test-17"));
        assert_eq!(session(&open, &[user(&test), by("a:b")]).as_deref(), Ok("a:b"));
        assert_eq!(session(&closed, &[user(&ann)]).as_deref(), Ok("ann"));
        assert_eq!(session(&closed, &[user(&ann), by("b")]).as_deref(), Ok("b"));
        // A user whose name no session can have is a user nevertheless.
        assert_eq!(session(&closed, &[user(&basic("zoë:päss"))]).as_deref(), Ok("own"));
        for nobody in ["Bearer x", "Basic x", &basic(":x"), &basic("no colon")] {
            assert_eq!(session(&open, &[user(nobody)]).as_deref(), Ok("own"), "{nobody}");
        }
        assert_eq!(Gate::new(Entry::Proxy, None).pass(&mut HeaderMap::new()), Ok(Session::default()));
    }

    #[test]
    fn the_inside_of_a_tunnel_is_of_the_session_that_opened_it() {
        let field = HeaderName::from_static("x-session");
        let gate = Gate::new(Entry::Proxy, Some(users())).with_session(Session::default(), Some(field));
        let to = Entry::Tunnel(Destination::new(Scheme::Https, "a", 1).unwrap());
        let within = gate.within(to, Session::named("ann").unwrap());
        assert_eq!(session(&within, &[]).as_deref(), Ok("ann"));
        assert_eq!(session(&within, &[user(&basic("bob:"))]).as_deref(), Ok("ann"));
        assert_eq!(session(&within, &[("x-session", "b")]).as_deref(), Ok("b"));
    }

    #[test]
    fn what_names_no_session_is_not_shown() {
        let gate =
            Gate::new(Entry::Proxy, None).with_session(Session::default(), Some(HeaderName::from_static("x-session")));
        let rule = "the name of a session is 1 to 64 letters, digits, `-`, `_`, `.` or `:`";
        let told = |why: &str| Err(format!("the request cannot be taken: {why}"));
        assert_eq!(
            session(&gate, &[user(&basic("a b:secret"))]),
            told(&format!("the user in its `proxy-authorization` names no session: {rule}"))
        );
        for wrong in ["", "a/b", "ä", &"x".repeat(65)] {
            let expected = told(&format!("its field `x-session` names no session: {rule}"));
            assert_eq!(session(&gate, &[("x-session", wrong)]), expected, "{wrong}");
        }
        let twice = "it has more than one field `x-session`, and a session has one name";
        assert_eq!(session(&gate, &[("x-session", "a"), ("x-session", "a")]), told(twice));
    }

    #[test]
    fn what_is_no_user_says_why() {
        let mut users = Users::default();
        assert_eq!(users.add("ann"), Err(UserError::Colon));
        assert_eq!(users.add(":x"), Err(UserError::Name));
        assert_eq!(users.add("ann:\u{1b}"), Err(UserError::Control));
        users.add("ann:x").unwrap();
        assert_eq!(format!("{users:?}"), "1 users");
    }
}
