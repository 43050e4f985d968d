//! What clients are shown that ask the proxy itself: the certificate that they have to trust, and how.
//!
//! It answers for two hosts that no server has, and for those who open a listener like a web server. `guide` says how each
//! client is told to trust the certificate, for `proxyhost ca` as well; `page` is that for browsers, `client` tells who asks,
//! and `bundle` is the certificate in a file of PKCS#12. The private key is in none of it.

mod bundle;
mod client;
mod guide;
mod page;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

pub use guide::text;

use crate::{
    addon::Action,
    flow::{Body, Decision, Fields, Request, RequestHead, Response, Target},
    listen::{OwnHost, ca::CertificateAuthority},
    spelling::Spelling,
};

/// Answers those who ask the proxy itself.
#[derive(Debug)]
pub struct Onboarding {
    pem: Bytes,
    der: Bytes,
    bundle: Bytes,
    facts: guide::Facts,
}

impl Onboarding {
    /// For clients that have to trust this authority.
    pub fn new(authority: &CertificateAuthority) -> Self {
        let der = Bytes::copy_from_slice(authority.certificate());
        Self {
            pem: Bytes::copy_from_slice(authority.certificate_pem().as_bytes()),
            bundle: bundle::of_certificate(&der, NAME).into(),
            facts: guide::Facts::of(authority),
            der,
        }
    }

    /// The host that a request to a listener itself is for.
    pub fn own_host() -> OwnHost {
        OwnHost { host: HOSTS[0], has: |path| Asked::of(path).is_some() }
    }

    /// What answers a request after the addons have decided on it: nothing where one of them answered it, or where it is for
    /// somebody else.
    pub fn answer<T>(&self, request: &Request, decided: &Action<T>) -> Option<Response> {
        let is_free = match decided {
            Action::Next(_) => true,
            // Where nothing was found for it, this is found.
            Action::Kill | Action::Respond(_) => request.notes.all().iter().any(|note| note.name == MISSED),
        };
        let head = &request.head;
        if !is_free || !is_own(head) {
            return None;
        }
        request.notes.decide(Decision::Answered(NAME.into()));
        Some(self.respond(head))
    }

    fn respond(&self, head: &RequestHead) -> Response {
        if head.method != Method::GET && head.method != Method::HEAD {
            let answer = text_response(StatusCode::METHOD_NOT_ALLOWED, "ask by GET\n");
            return with(answer, header::ALLOW, "GET, HEAD");
        }
        let path = match &head.target {
            Target::Path(path) => path.path(),
            // None of its paths has such bytes.
            Target::Raw(raw) => raw.as_str(),
            Target::Asterisk | Target::Tunnel => "/",
        };
        let agent = head.fields.joined("user-agent").unwrap_or_default();
        let agent = String::from_utf8_lossy(&agent);
        match Asked::of(path) {
            Some(Asked::Page) => {
                let page = page::of(&self.facts, &client::detected(&agent));
                response(StatusCode::OK, "text/html; charset=utf-8", page.into())
            }
            Some(Asked::Pem) => self.file(self.pem.clone(), CERTIFICATE, "pem", &agent),
            Some(Asked::Der(ending)) => self.file(self.der.clone(), CERTIFICATE, ending, &agent),
            Some(Asked::Bundle) => self.file(self.bundle.clone(), "application/x-pkcs12", "p12", &agent),
            None => text_response(StatusCode::NOT_FOUND, "there is nothing of that name; look at `/`\n"),
        }
    }

    fn file(&self, bytes: Bytes, kind: &'static str, ending: &str, agent: &str) -> Response {
        // Safari on iOS installs what it shows, and only saves what it is told to.
        let manner = if client::is_ios(agent) { "inline" } else { "attachment" };
        let disposition = format!("{manner}; filename=\"{}.{ending}\"", page::FILE);
        with(response(StatusCode::OK, kind, bytes), header::CONTENT_DISPOSITION, &disposition)
    }
}

/// The hosts that are answered for: that of mitmproxy too, as users know it. No server can have the first.
const HOSTS: [&str; 2] = ["proxyhost.local", "mitm.it"];

/// Who answers, in what is noted of flows.
const NAME: &str = "proxyhost";

/// The note of a request that an addon found nothing for.
const MISSED: &str = "missed";

const CERTIFICATE: &str = "application/x-x509-ca-cert";

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Page,
    Pem,
    /// By this ending of its name: systems want different ones.
    Der(&'static str),
    Bundle,
}

impl Asked {
    fn of(path: &str) -> Option<Self> {
        if matches!(path, "/" | "/index.html") {
            return Some(Self::Page);
        }
        let ending =
            path.strip_prefix("/cert/").or_else(|| path.strip_prefix('/')?.strip_prefix(page::FILE)?.strip_prefix('.'));
        match ending? {
            "pem" => Some(Self::Pem),
            "cer" => Some(Self::Der("cer")),
            "crt" => Some(Self::Der("crt")),
            "der" => Some(Self::Der("der")),
            "p12" | "pfx" => Some(Self::Bundle),
            _ => None,
        }
    }
}

fn is_own(head: &RequestHead) -> bool {
    let destination = &head.destination;
    let is_own = HOSTS.iter().any(|host| destination.host().eq_ignore_ascii_case(host));
    is_own && destination.port() == destination.scheme().default_port()
}

fn text_response(status: StatusCode, text: &'static str) -> Response {
    response(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn response(status: StatusCode, kind: &'static str, content: Bytes) -> Response {
    let fields = [
        (header::CONTENT_TYPE, kind),
        // Another proxy has another authority.
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let map: HeaderMap = fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    Response::new(status, Fields::new(map, Spelling::default()), Body::Bytes(content))
}

fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        std::sync::Arc::make_mut(&mut response.head).fields.set(name, value);
    }
    response
}

#[cfg(test)]
mod tests;
