//! What a client opens with CONNECT: TLS that we intercept, plain HTTP, or something else that is passed on untouched.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use http::{Method, Version, header};
use hyper::{body::Incoming, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, copy_bidirectional},
    time::timeout,
};
use tracing::{debug, info};

use super::{
    Clients, Entry, Service,
    activity::UnderWay,
    connection::{self, Carrier},
    prefixed::Prefixed,
    socket::Peer,
    tls,
    traffic::Traffic,
};
use crate::flow::{
    Body, Destination, Fault, FaultKind, Fields, FlowId, Outgoing, Request, RequestHead, Scheme, Session, Target,
    Unanswered,
};

/// A client's side of a tunnel whose first bytes were looked at.
type ClientSide = Prefixed<TokioIo<Upgraded>>;

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
    let opened = Opened { flow, destination, version, session, carrier: carrier.clone() };
    clients.drain.spawn(async move {
        let _under_way = under_way;
        match client.await {
            Ok(client) => serve(served, opened, client).await,
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
struct Opened {
    flow: FlowId,
    destination: Destination,
    /// Of the request that opened it.
    version: Version,
    /// Of that request.
    session: Session,
    /// What carries it.
    carrier: Carrier,
}

impl Opened {
    /// What carries a connection inside the tunnel.
    fn carrier(self, scheme: Scheme) -> Carrier {
        let entry = Entry::Tunnel(self.destination.with_scheme(scheme));
        let gate = self.carrier.gate.within(entry, self.session);
        Carrier { gate: Arc::new(gate), peer: self.carrier.peer, scheme }
    }
}

/// Serves the inside of a tunnel.
async fn serve<S: Service>(clients: Arc<Clients<S>>, opened: Opened, upgraded: Upgraded) {
    let mut stream = TokioIo::new(upgraded);
    let mut seen = BytesMut::with_capacity(1024);
    let content = look(&mut stream, &mut seen).await;
    let stream = Prefixed::new(seen.freeze(), stream);
    match content {
        Content::Tls => intercept(clients, stream, opened).await,
        Content::Http => {
            let carrier = opened.carrier(Scheme::Http);
            connection::serve(clients, stream, carrier, None).await;
        }
        Content::Other => pass_through(&clients, opened, stream).await,
    }
}

/// Speaks TLS in the server's place.
async fn intercept<S: Service>(clients: Arc<Clients<S>>, stream: ClientSide, opened: Opened) {
    if let Some(stream) = tls::accept(&clients.authority, opened.destination.host(), stream).await {
        let carrier = opened.carrier(Scheme::Https);
        connection::serve(clients, stream, carrier, None).await;
    }
}

/// Passes a tunnel's bytes on, if the service lets a CONNECT request for it through.
async fn pass_through<S: Service>(clients: &Clients<S>, opened: Opened, client: ClientSide) {
    let Opened { flow, destination, version, session, carrier } = opened;
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
    let request = Request { session, ..Request::new(flow, head, Body::Empty) };
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
    info!(flow = flow.0, "passing on a tunnel to {shown} that is not HTTP");
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
async fn look(stream: &mut TokioIo<Upgraded>, seen: &mut BytesMut) -> Content {
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
