//! What a client opens with CONNECT, by SOCKS or by a connection that was led here: TLS that we intercept, plain HTTP, or
//! something else that is passed on untouched.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Method, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, copy_bidirectional},
    sync::OwnedSemaphorePermit,
    time::timeout,
};
use tracing::{debug, info};

use super::{
    Clients, Entry, Service,
    activity::UnderWay,
    connection::{self, Carrier},
    hello,
    prefixed::Prefixed,
    socket::Peer,
    tls,
    traffic::Traffic,
    untouched::Verdict,
};
use crate::flow::{
    Body, Destination, Fault, FaultKind, Fields, FlowId, Outgoing, Request, RequestHead, Scheme, Session, Target,
    Unanswered,
};

/// What is inside a tunnel.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Tls,
    Http,
    Other,
}

/// A client that waits this long for the server to speak first does not speak HTTP.
const SILENCE: Duration = Duration::from_secs(2);

/// Longer than any method in use.
const LOOKED_AT: usize = 64;

/// Opens a tunnel, and answers the request for it. No server is contacted before something inside asks for it. The connection
/// that carries the tunnel is not idle as long as that is open.
///
/// # Errors
/// When the request is none that a tunnel can be opened for.
pub(super) fn open<S: Service>(
    clients: &Arc<Clients<S>>,
    flow: FlowId,
    mut request: http::Request<Incoming>,
    carrier: &Carrier,
    session: Session,
    under_way: UnderWay,
) -> Result<http::Response<Outgoing>, Fault> {
    let destination = destination(&request, &carrier.gate.entry)?;
    clients.service.check_tunnel(&destination)?;
    let version = request.version();
    let client = hyper::upgrade::on(&mut request);
    let served = clients.clone();
    let opened = Opened { flow, destination, address: None, version, session, carrier: carrier.clone() };
    clients.drain.spawn(async move {
        let _under_way = under_way;
        match client.await {
            Ok(client) => serve(served, opened, TokioIo::new(client), None).await,
            Err(error) => debug!(flow = flow.0, %error, "client left before its tunnel opened"),
        }
    });
    // A tunnel has no length (RFC 9110 §9.3.6), and nothing else that a response has.
    Ok(http::Response::new(Outgoing::default()))
}

/// Where a tunnel goes: `host:port`, and nothing else (RFC 9112 §3.2.3, RFC 9113 §8.5).
fn destination<B>(request: &http::Request<B>, entry: &Entry) -> Result<Destination, Fault> {
    let bad = |why: &str| Fault::new(FaultKind::BadRequest, format!("the tunnel cannot be opened: {why}"));
    if !matches!(entry, Entry::Proxy) {
        return Err(Fault::new(FaultKind::NotHere, "tunnels are opened at a proxy, not at a server"));
    }
    let uri = request.uri();
    let no_host = || bad("its target is not a host with a port");
    let authority = uri.authority().filter(|_| uri.scheme().is_none()).ok_or_else(no_host)?;
    let port = authority.port_u16().filter(|&port| port > 0).ok_or_else(|| bad("its target has no port"))?;
    if authority.as_str().contains('@') {
        return Err(no_host());
    }
    let body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    if request.version() < Version::HTTP_2 && body.iter().any(|name| request.headers().contains_key(name)) {
        return Err(bad("a CONNECT request has no content"));
    }
    let scheme = if port == Scheme::Http.default_port() { Scheme::Http } else { Scheme::Https };
    Destination::new(scheme, authority.host(), port).map_err(|_| no_host())
}

/// A tunnel that was opened.
pub(super) struct Opened {
    flow: FlowId,
    destination: Destination,
    /// Where the client chose itself, if it did not name the server.
    address: Option<IpAddr>,
    /// Of the request that opened it.
    version: Version,
    /// Of that request.
    session: Session,
    /// What carries it.
    carrier: Carrier,
}

impl Opened {
    /// One that was opened by something else than a request. `address` is where the client wants to go, if it named no host.
    pub(super) fn new(destination: Destination, address: Option<IpAddr>, session: Session, carrier: Carrier) -> Self {
        Self { flow: FlowId::next(), destination, address, version: Version::HTTP_11, session, carrier }
    }

    /// The same, to the server that the client calls so where it only had an address.
    fn called(self, name: Option<&str>) -> Self {
        let port = self.destination.port();
        let called = name.filter(|_| self.address.is_some());
        match called.and_then(|name| Destination::new(Scheme::Https, name, port).ok()) {
            Some(destination) => Self { destination, ..self },
            None => self,
        }
    }

    /// What carries a connection inside the tunnel.
    fn carrier(self, scheme: Scheme) -> Carrier {
        let destination = self.destination.with_scheme(scheme);
        let entry = match self.address {
            Some(address) => Entry::Address(destination, address),
            None => Entry::Tunnel(destination),
        };
        let gate = self.carrier.gate.within(entry, self.session);
        Carrier { gate: Arc::new(gate), peer: self.carrier.peer, scheme }
    }
}

/// Whether a tunnel may be opened. Of an address, whose server will be named later, only that it is not this host's.
///
/// # Errors
/// When it may not, with the reason.
pub(super) fn check<S: Service>(service: &S, destination: &Destination, address: Option<IpAddr>) -> Result<(), Fault> {
    match service.check_tunnel(destination) {
        Err(fault) if address.is_some() && fault.kind != FaultKind::Loop => Ok(()),
        checked => checked,
    }
}

/// Serves the inside of a tunnel. The permit, if it needs one, is given back when it closes.
pub(super) async fn serve<S: Service>(
    clients: Arc<Clients<S>>,
    opened: Opened,
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    permit: Option<OwnedSemaphorePermit>,
) {
    let place = clients.untouched.place(&opened.destination);
    if place == Verdict::Untouched {
        return pass_through(&clients, opened, Prefixed::new(Bytes::new(), stream), UNTOUCHED).await;
    }
    let mut seen = BytesMut::with_capacity(1024);
    let content = look(&mut stream, &mut seen).await;
    let named = match content {
        Content::Tls if opened.address.is_some() || place == Verdict::Depends => {
            hello::server_name(&mut stream, &mut seen).await
        }
        Content::Http if place == Verdict::Depends => hello::host_field(&mut stream, &mut seen).await,
        _ => None,
    };
    let is_untouched = place == Verdict::Depends && clients.untouched.covers(&opened.destination, named.as_deref());
    let stream = Prefixed::new(seen.freeze(), stream);
    match content {
        _ if is_untouched => pass_through(&clients, opened, stream, UNTOUCHED).await,
        Content::Tls => {
            let opened = opened.called(named.as_deref());
            if let Some(stream) = tls::accept(&clients.authority, opened.destination.host(), stream).await {
                connection::serve(clients, stream, opened.carrier(Scheme::Https), permit).await;
            }
        }
        Content::Http => connection::serve(clients, stream, opened.carrier(Scheme::Http), permit).await,
        Content::Other => pass_through(&clients, opened, stream, "is not HTTP").await,
    }
}

/// Why a tunnel is passed on that could have been looked into.
const UNTOUCHED: &str = "is not to be looked into (ignore_hosts, allow_hosts)";

/// Passes a tunnel's bytes on, if the service lets a CONNECT request for it through.
async fn pass_through<S: Service>(
    clients: &Clients<S>,
    opened: Opened,
    client: impl AsyncRead + AsyncWrite + Unpin,
    why: &str,
) {
    let (flow, version, session) = (opened.flow, opened.version, opened.session.clone());
    let destination = opened.destination.clone();
    let carrier = opened.carrier(destination.scheme());
    let route = carrier.gate.route(&destination);
    // What was a host and a port a moment ago is an authority.
    let authority = destination.host_and_port().parse().ok();
    let head = RequestHead {
        method: Method::CONNECT,
        destination,
        authority,
        target: Target::Tunnel,
        version,
        fields: Fields::default(),
        accepts_trailers: false,
        upgrade: None,
    };
    let request = Request { session, route, ..Request::new(flow, head, Body::Empty) };
    let mut passing = clients.journal.begin(&request, carrier.peer.as_ref().and_then(Peer::address));
    let shown = request.head.shown();
    // There is no way to give the inside of such a tunnel an answer: why there is no connection is in the log.
    let (mut server, lease) = match clients.service.connect(request).await {
        Ok(connected) => connected,
        Err(Unanswered::Killed) => return passing.killed(),
        Err(Unanswered::Failed(fault)) => return passing.failed(&fault),
    };
    passing.connected();
    passing.keep(lease);
    info!(flow = flow.0, "passing on a tunnel to {shown} that {why}");
    let (traffic, mut client) = Traffic::watch(client);
    tokio::select! {
        copied = copy_bidirectional(&mut client, &mut server) => {
            match copied {
                Ok((_, sent)) => passing.sent(sent),
                Err(error) => debug!(flow = flow.0, %error, "tunnel ended"),
            }
        }
        () = traffic.silent(clients.limits.tunnel_idle, clients.idle) => {
            debug!(flow = flow.0, "nothing passed through the tunnel for too long");
        }
    }
}

/// Reads until it is clear what the client speaks.
async fn look(stream: &mut (impl AsyncRead + Unpin), seen: &mut BytesMut) -> Content {
    loop {
        if let Some(content) = recognise(seen) {
            return content;
        }
        match timeout(SILENCE, stream.read_buf(seen)).await {
            Ok(Ok(1..)) => {}
            // A slow client whose first letters could be a method gets the benefit of the doubt.
            _ if seen.len() >= 3 && seen.iter().all(u8::is_ascii_alphabetic) => return Content::Http,
            _ => return Content::Other,
        }
    }
}

/// What bytes that open a connection are the beginning of; nothing while that is not clear.
fn recognise(seen: &[u8]) -> Option<Content> {
    match seen.first()? {
        &tls::HANDSHAKE_RECORD => return Some(Content::Tls),
        // A server should ignore an empty line before a request (RFC 9112 §2.2).
        b'\r' | b'\n' => return Some(Content::Http),
        first if !first.is_ascii_alphabetic() => return Some(Content::Other),
        _ => {}
    }
    // A request line, good or bad: something, a space, and a path, an URL or an asterisk. HTTP/2's preface is one. What begins
    // with a method is one whatever follows: passed on untouched, servers would make requests of it that nobody sees here.
    let mut looked_at = seen.iter().take(LOOKED_AT);
    match looked_at.find(|byte| matches!(byte, b' ' | b'\t' | b'\n')) {
        Some(b'\n') => Some(Content::Other),
        Some(_) => Some(match looked_at.next()? {
            b'/' | b'*' | b'h' | b'H' => Content::Http,
            _ if METHODS.iter().any(|method| seen.starts_with(method)) => Content::Http,
            _ => Content::Other,
        }),
        None => (seen.len() >= LOOKED_AT).then_some(Content::Other),
    }
}

/// The methods of RFC 9110 §9.3 and RFC 5789, each with the space behind it.
const METHODS: [&[u8]; 9] =
    [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ", b"PATCH "];

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(target: &'static str, fields: &[(&'static str, &'static str)]) -> Result<String, FaultKind> {
        let mut request = http::Request::builder().method(Method::CONNECT).uri(target);
        for &(name, value) in fields {
            request = request.header(name, value);
        }
        let destination = destination(&request.body(()).unwrap(), &Entry::Proxy);
        destination.map(|destination| destination.host_and_port()).map_err(|fault| fault.kind)
    }

    #[test]
    fn a_tunnel_goes_to_a_host_with_a_port_and_nothing_else() {
        assert_eq!(opened("a.example:443", &[]), Ok("a.example:443".to_owned()));
        assert_eq!(opened("[::1]:8443", &[]), Ok("[::1]:8443".to_owned()));
        for target in
            ["a.example", "a.example:0", "http://a.example:443/", "https://a.example:443", "/a", "u@a.example:443"]
        {
            assert_eq!(opened(target, &[]), Err(FaultKind::BadRequest), "{target}");
        }
        for field in [("content-length", "0"), ("transfer-encoding", "chunked")] {
            assert_eq!(opened("a.example:443", &[field]), Err(FaultKind::BadRequest));
        }
    }

    #[test]
    fn tls_http_and_the_rest_are_told_apart() {
        let table: [(&[u8], Option<Content>); 17] = [
            (b"", None),
            (b"\x16", Some(Content::Tls)),
            (b"GE", None),
            (b"GET ", None),
            (b"GET /a HTTP/1.1\r\n", Some(Content::Http)),
            (b"GET\t/a HTTP/1.1\r\n", Some(Content::Http)),
            (b"GET  /a HTTP/1.1\r\n", Some(Content::Http)),
            (b"GET  HTTP/1.1\r\n", Some(Content::Http)),
            (b"GET a.example:80 HTTP/1.1\r\n", Some(Content::Http)),
            (b"GETS a.example\r\n", Some(Content::Other)),
            (b"OPTIONS * HTTP/1.1\r\n", Some(Content::Http)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Content::Http)),
            (b"\r\nGET / HTTP/1.1\r\n", Some(Content::Http)),
            (b"SSH-2.0-OpenSSH_9.9\r\n", Some(Content::Other)),
            (b"NICK someone\r\n", Some(Content::Other)),
            (b"\x00\x00\x00\x08", Some(Content::Other)),
            (&[b'A'; LOOKED_AT], Some(Content::Other)),
        ];
        for (bytes, content) in table {
            assert_eq!(recognise(bytes), content, "{}", bytes.escape_ascii());
        }
    }
}
