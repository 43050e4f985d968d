//! One flow's road: listen → addons' request hooks → an answer, or the server → addons' response hooks → client.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use hyper::{body::Incoming, ext::ReasonPhrase, upgrade::OnUpgrade};
use tracing::{debug, info, warn};

use crate::{
    addon::{Action, Chain},
    flow::{
        Body, Destination, Fault, FaultKind, Fields, FlowId, Outgoing, Player, Request, Response, ResponseHead, Scheme,
        Spelling,
    },
    listen::{
        self, Admitted, Draining, Entry, Interim, Killed, Service, ca::CertificateAuthority, deliver, switched, tunnel,
    },
    upstream::{Egress, Upstream, Via},
};

/// Everything that flows need.
pub struct Proxy {
    /// The addons.
    pub chain: Chain,
    /// Connections to servers; `None` when there must be none.
    pub upstream: Option<Upstream>,
    /// Where connections may go.
    pub egress: Arc<Egress>,
    /// Signs the certificates that clients see.
    pub authority: Arc<CertificateAuthority>,
    /// This proxy's entry in the `Via` field of forwarded responses.
    pub via: Option<Via>,
    /// Most time between two pieces of a body.
    pub idle: Duration,
}

/// What became of a request.
enum Outcome {
    Response(Response),
    /// The protocol is changed: the answer that says so, and who is on the other side from then on.
    Switched(Response, OtherSide),
    Killed,
}

/// Who speaks to a client once the protocol is changed.
enum OtherSide {
    Server(OnUpgrade),
    Player(Arc<dyn Player>),
}

impl Service for Proxy {
    async fn call(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        entry: Entry,
        interim: Option<Interim>,
        draining: Draining,
    ) -> Result<http::Response<Outgoing>, Killed> {
        let flow = FlowId::next();
        if request.method() == Method::CONNECT {
            return self.connect(flow, request, &entry, draining);
        }
        let method = request.method().clone();
        let version = request.version();
        let Admitted { mut request, upgrade } = match listen::admit(flow, request, &entry) {
            Ok(admitted) => admitted,
            Err(fault) => return self.refuse(flow, &fault, &method, version),
        };
        let protocol = upgrade.as_ref().map(|(protocol, _)| protocol);
        let answered = match self.answer(&mut request, protocol, interim).await {
            Ok(Outcome::Killed) => return Err(Killed),
            Ok(Outcome::Response(response)) => Ok(response),
            Ok(Outcome::Switched(response, other_side)) => {
                if let Some((protocol, client_side)) = upgrade {
                    let switch = response.switch.clone();
                    match other_side {
                        OtherSide::Server(server) => {
                            tokio::spawn(switched::splice(flow, client_side, server, switch.watchers, draining));
                        }
                        OtherSide::Player(player) => {
                            tokio::spawn(switched::play(flow, client_side, player));
                        }
                    }
                    return Ok(switched::switching(response, &protocol));
                }
                Ok(response)
            }
            Err(fault) => {
                self.chain.error(&request, &fault).await;
                Err(fault)
            }
        };
        match answered.and_then(|response| deliver(response, (&method, version), self.idle)) {
            Ok(delivered) => {
                debug!(flow = flow.0, status = delivered.status().as_u16(), "{method} {}", request.shown());
                Ok(delivered)
            }
            Err(fault) => {
                warn!(flow = flow.0, kind = fault.kind.name(), "{method} {}: {fault}", request.shown());
                self.refuse(flow, &fault, &method, version)
            }
        }
    }
}

impl Proxy {
    /// Takes a request through the addons, and to its server if none of them answers.
    async fn answer(
        &self,
        request: &mut Request,
        upgrade: Option<&HeaderValue>,
        interim: Option<Interim>,
    ) -> Result<Outcome, Fault> {
        let (action, before) = self.chain.request(request).await?;
        let (response, server_side) = match action {
            Action::Kill => return Ok(Outcome::Killed),
            Action::Respond(response) => (response, None),
            Action::Next(()) => self.forward(request, upgrade, interim).await?,
        };
        let is_forwarded = before == self.chain.len();
        let Some(mut response) = self.chain.response(before, request, response).await? else {
            return Ok(Outcome::Killed);
        };
        if let Some(via) = self.via.as_ref().filter(|_| is_forwarded) {
            let head = Arc::make_mut(&mut response.head);
            via.append(&mut head.fields, head.version);
        }
        if !response.delay.is_zero() {
            tokio::time::sleep(response.delay).await;
        }
        // An addon may have replaced the answer, and then nothing is changed.
        if response.head.status != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Outcome::Response(response));
        }
        let player = response.switch.player.clone().filter(|_| upgrade.is_some());
        let other_side = server_side.map(OtherSide::Server).or(player.map(OtherSide::Player));
        let other_side = other_side.ok_or_else(|| {
            let detail = "the answer changes the connection's protocol, which the client did not ask for";
            Fault::new(FaultKind::ResponseIncomplete, detail)
        })?;
        Ok(Outcome::Switched(response, other_side))
    }

    /// Sends a request to its server.
    async fn forward(
        &self,
        request: &Request,
        upgrade: Option<&HeaderValue>,
        interim: Option<Interim>,
    ) -> Result<(Response, Option<OnUpgrade>), Fault> {
        let destination = &request.head.destination;
        let upstream = self.reachable(destination)?;
        let mut answer = upstream.send(request.clone(), upgrade, interim).await?;
        let switching = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switching && upgrade.is_none() {
            let server = destination.host_and_port();
            let detail = format!("`{server}` changed the protocol without being asked");
            return Err(Fault::new(FaultKind::ResponseIncomplete, detail));
        }
        let server_side = switching.then(|| hyper::upgrade::on(&mut answer));
        Ok((Self::received(answer), server_side))
    }

    /// Connections to servers, unless there must be none.
    fn reachable(&self, destination: &Destination) -> Result<&Upstream, Fault> {
        self.upstream.as_ref().ok_or_else(|| {
            let server = destination.host_and_port();
            Fault::new(FaultKind::Offline, format!("nothing is sent to `{server}`: the proxy is offline (--offline)"))
        })
    }

    /// Makes a flow's response of what a server sent.
    fn received(answer: http::Response<Incoming>) -> Response {
        let received_at = SystemTime::now();
        let (mut parts, body) = answer.into_parts();
        let reason = parts.extensions.remove::<ReasonPhrase>().map(|reason| Bytes::copy_from_slice(reason.as_bytes()));
        let mut fields = Fields::new(parts.headers, Spelling::received(parts.extensions));
        fields.remove_hop_by_hop();
        if fields.get(&header::DATE).is_none()
            && let Some(date) = deliver::date(received_at)
        {
            fields.add(header::DATE, date);
        }
        let head = ResponseHead { status: parts.status, reason, version: parts.version, fields };
        Response::received(received_at, Arc::new(head), Body::live(body))
    }

    /// Tells the client what failed.
    fn refuse(
        &self,
        flow: FlowId,
        fault: &Fault,
        method: &Method,
        version: Version,
    ) -> Result<http::Response<Outgoing>, Killed> {
        debug!(flow = flow.0, kind = fault.kind.name(), "refused: {fault}");
        let mut refused = deliver(fault.response(flow), (method, version), self.idle).map_err(|_| Killed)?;
        if version < Version::HTTP_2 && fault.kind.spoils_connection() {
            refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(refused)
    }

    /// Opens a tunnel. No server is contacted before something inside asks for it.
    fn connect(
        self: Arc<Self>,
        flow: FlowId,
        mut request: http::Request<Incoming>,
        entry: &Entry,
        draining: Draining,
    ) -> Result<http::Response<Outgoing>, Killed> {
        let version = request.version();
        let destination = match self.tunnel_to(&request, entry) {
            Ok(destination) => destination,
            Err(fault) => return self.refuse(flow, &fault, &Method::GET, version),
        };
        let client_side = hyper::upgrade::on(&mut request);
        let proxy = self.clone();
        tokio::spawn(async move {
            let upgraded = match client_side.await {
                Ok(upgraded) => upgraded,
                Err(error) => return debug!(flow = flow.0, %error, "client left before its tunnel opened"),
            };
            let opaque = {
                let (proxy, destination) = (proxy.clone(), destination.clone());
                move |client| async move { proxy.pass_through(flow, destination, version, client).await }
            };
            tunnel::serve(proxy.clone(), proxy.authority.clone(), upgraded, destination, draining, opaque).await;
        });
        deliver(Response::new(StatusCode::OK, Fields::default(), Body::Empty), (&Method::CONNECT, version), self.idle)
            .map(|mut opened| {
                // A tunnel has no length (RFC 9110 §9.3.6).
                opened.headers_mut().remove(header::CONTENT_LENGTH);
                opened
            })
            .map_err(|_| Killed)
    }

    fn tunnel_to(&self, request: &http::Request<Incoming>, entry: &Entry) -> Result<Destination, Fault> {
        let bad = |why: &str| Fault::new(FaultKind::BadRequest, format!("the tunnel cannot be opened: {why}"));
        if !matches!(entry, Entry::Proxy) {
            return Err(Fault::new(FaultKind::NotHere, "tunnels are opened at a proxy, not at a server"));
        }
        let authority = request.uri().authority().ok_or_else(|| bad("its target is not a host with a port"))?;
        let port = authority.port_u16().filter(|&port| port > 0).ok_or_else(|| bad("its target has no port"))?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(bad("its target is not a host with a port"));
        }
        let body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
        if request.version() < Version::HTTP_2 && body.iter().any(|name| request.headers().contains_key(name)) {
            return Err(bad("a CONNECT request has no content"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let scheme = if port == Scheme::Http.default_port() { Scheme::Http } else { Scheme::Https };
        let destination = Destination { scheme, host, port };
        self.egress.check_port(&destination).map(|()| destination)
    }

    /// Passes a tunnel's bytes on, if the addons let a CONNECT request for it through.
    async fn pass_through(&self, flow: FlowId, destination: Destination, version: Version, client: tunnel::ClientSide) {
        let authority = destination.host_and_port();
        let head = crate::flow::RequestHead {
            method: Method::CONNECT,
            destination,
            authority: Some(authority),
            path: String::new(),
            version,
            fields: Fields::new(HeaderMap::new(), Spelling::default()),
            accepts_trailers: false,
        };
        let mut request = Request { flow, received_at: SystemTime::now(), head: Arc::new(head), body: Body::Empty };
        let connected = match self.chain.request(&mut request).await {
            // There is no way to give the inside of such a tunnel an answer.
            Ok((Action::Kill | Action::Respond(_), _)) => return,
            Ok((Action::Next(()), _)) => match self.reachable(&request.head.destination) {
                Ok(upstream) => upstream.tunnel(&request.head.destination).await,
                Err(fault) => Err(fault),
            },
            Err(fault) => Err(fault),
        };
        match connected {
            Ok(server) => {
                info!(flow = flow.0, "passing on a tunnel to {} that is not HTTP", request.shown());
                tunnel::splice(client, server).await;
            }
            Err(fault) => {
                warn!(flow = flow.0, kind = fault.kind.name(), "CONNECT {}: {fault}", request.shown());
                self.chain.error(&request, &fault).await;
            }
        }
    }
}
