//! One exchange with a client: HTTP in, through the service as a flow, HTTP out.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, LazyLock},
};

use futures_util::FutureExt;
use http::{HeaderValue, Method, Version, header};
use hyper::body::Incoming;
use tracing::{debug, error, warn};

use super::{
    Clients, Service,
    activity::UnderWay,
    admit::{Admitted, admit},
    connection::Carrier,
    deliver::deliver,
    held::{Content, Held, Streams},
    interim::Interim,
    socket::Peer,
    tunnel,
    upgraded::{self, Upgrading},
};
use crate::{
    flow::{Fault, FaultKind, FlowId, InterimSink, Outgoing, Request, Response, Scheme, Unanswered},
    journal::Passing,
    throttle::Throttle,
};

/// The flow ends without an answer: `hyper` closes an HTTP/1 connection and resets an HTTP/2 stream.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("killed")]
pub(super) struct Killed;

/// What a request comes with.
pub(super) struct Exchange {
    pub(super) carrier: Carrier,
    /// Where interim responses go, if the client's protocol has them.
    pub(super) interim: Option<Interim>,
    pub(super) under_way: UnderWay,
    /// The bodies of the connection, if it speaks HTTP/2.
    pub(super) streams: Streams,
}

/// Answers a request that came in over a connection.
pub(super) async fn serve<S: Service>(
    clients: Arc<Clients<S>>,
    mut request: http::Request<Incoming>,
    exchange: Exchange,
) -> Result<http::Response<Held>, Killed> {
    let Exchange { carrier, interim, mut under_way, streams } = exchange;
    let flow = FlowId::next();
    upgraded::ask_as_over_http1(&mut request);
    let asked = Asked { flow, method: request.method().clone(), version: request.version() };
    let permit = clients.flows.clone().try_acquire_owned();
    carrier.gate.address(&mut request);
    let passed = carrier.gate.pass(request.headers_mut()).and_then(|session| clients.session(session));
    let mut passing = None;
    let answer = match (&permit, passed) {
        (Err(_), _) => turn_away(&clients, &asked, &busy(clients.limits.flows)),
        (Ok(_), Err(fault)) => {
            debug!(flow = flow.0, kind = fault.kind.name(), "refused: {fault}");
            turn_away(&clients, &asked, &fault)
        }
        (Ok(_), Ok(session)) if asked.method == Method::CONNECT => {
            match tunnel::open(&clients, flow, request, &carrier, session, under_way.beyond()) {
                Ok(opened) => Ok(opened),
                Err(fault) => turn_away(&clients, &asked, &fault),
            }
        }
        (Ok(_), Ok(session)) => match admit(flow, request, &carrier.gate.entry, carrier.gate.host) {
            Ok(mut admitted) => {
                admitted.request.session = session;
                if let (Some(reached), Scheme::Https) = (&mut admitted.request.reached, carrier.scheme) {
                    reached.scheme = Scheme::Https;
                }
                admitted.request.route = carrier.gate.route(&admitted.request.head.destination);
                let client = carrier.peer.as_ref().and_then(Peer::address);
                passing = Some(clients.journal.begin(&admitted.request, client));
                respond(&clients, &asked, admitted, interim, &mut passing, &under_way).await
            }
            Err(fault) => {
                debug!(flow = flow.0, kind = fault.kind.name(), "refused: {fault}");
                turn_away(&clients, &asked, &fault)
            }
        },
    };
    under_way.answered();
    answer.map(|answer| {
        answer.map(|body| {
            let content = Content::new(body, under_way, permit.ok(), passing);
            if asked.version == Version::HTTP_2 { streams.hold(content) } else { Held::Alone(content) }
        })
    })
}

/// What an answer depends on.
struct Asked {
    flow: FlowId,
    method: Method,
    version: Version,
}

async fn respond<S: Service>(
    clients: &Arc<Clients<S>>,
    asked: &Asked,
    admitted: Admitted,
    interim: Option<Interim>,
    passing: &mut Option<Passing>,
    under_way: &UnderWay,
) -> Result<http::Response<Outgoing>, Killed> {
    let Admitted { request, client } = admitted;
    let protocol = request.head.upgrade.clone();
    let opens_stream = protocol.is_some() && asked.version == Version::HTTP_2;
    if let Some(interim) = &interim {
        interim.open();
    }
    let answered = contained(&clients.service, request, interim.clone()).await;
    if let Some(interim) = &interim {
        interim.close();
    }
    let mut response = match answered {
        Ok(response) => response,
        Err(Unanswered::Killed) => {
            passing.iter().for_each(Passing::killed);
            return Err(Killed);
        }
        Err(Unanswered::Failed(fault)) => {
            passing.iter().for_each(|passing| passing.failed(&fault));
            return refuse(clients, asked, &fault);
        }
    };
    if let Some(passing) = passing {
        passing.answered(&mut response);
        passing.keep(std::mem::take(&mut response.lease));
    }
    if let (Some(endpoint), Some(protocol), Some(client)) = (response.upgrade.endpoint.take(), protocol, client) {
        let (flow, observers) = (asked.flow, std::mem::take(&mut response.upgrade.observers));
        let under_way = under_way.beyond();
        let upgrading = Upgrading { flow, client, endpoint, observers, passing: passing.take(), under_way };
        clients.drain.spawn(upgraded::serve(upgrading, clients.clone()));
        return Ok(upgraded::switching(response.head, &protocol, asked.version));
    }
    let delivered = if opens_stream && response.head.status.is_success() {
        // Success would say that it did (RFC 8441 §5).
        Err(Fault::new(FaultKind::Protocol, "the server did not change to the protocol that was asked for"))
    } else {
        deliver(response, &asked.method, asked.version, clients.idle)
    };
    match delivered {
        Ok(delivered) => Ok(delivered),
        Err(fault) => {
            let (flow, kind) = (asked.flow.0, fault.kind.name());
            if is_new(Trouble::Unsendable) {
                warn!(flow, kind, "the response cannot be sent: {fault}");
            } else {
                debug!(flow, kind, "the response cannot be sent: {fault}");
            }
            passing.iter().for_each(|passing| passing.undelivered(&fault));
            refuse(clients, asked, &fault)
        }
    }
}

/// What ends a flow after the service had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// Its response cannot be sent.
    Unsendable,
    /// The service panicked.
    Panic,
}

/// Whether it is to be written: one of a kind a second is, and the others are counted.
fn is_new(trouble: Trouble) -> bool {
    static TROUBLES: LazyLock<Throttle<Trouble>> = LazyLock::new(|| {
        Throttle::new(1, |trouble, flows| match trouble {
            Trouble::Unsendable => warn!(flows, "the responses of {flows} more flows cannot be sent"),
            Trouble::Panic => error!(flows, "the proxy failed on {flows} more flows"),
        })
    });
    TROUBLES.admits(trouble)
}

/// A panic ends its flow and nothing else.
fn contained<S: Service>(
    service: &S,
    request: Request,
    interim: Option<Interim>,
) -> impl Future<Output = Result<Response, Unanswered>> {
    let flow = request.flow;
    let interim = interim.map(|interim| Arc::new(interim) as Arc<dyn InterimSink>);
    // The service is shared by all flows, so what it keeps cannot be left half-changed by one of them.
    let answered = AssertUnwindSafe(service.respond(request, interim)).catch_unwind();
    answered.map(move |answered| answered.unwrap_or_else(|panic| Err(failed(flow, panic.as_ref()).into())))
}

/// What a client is told of a panic, which the log is told more of.
fn failed(flow: FlowId, panic: &(dyn Any + Send)) -> Fault {
    let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let what = what.unwrap_or("it panicked");
    if is_new(Trouble::Panic) {
        error!(flow = flow.0, "the proxy failed on this flow, which is a bug: {what}");
    }
    Fault::new(FaultKind::Internal, "the proxy failed on this request; its log says more")
}

fn busy(limit: usize) -> Fault {
    let detail = format!("{limit} requests are being answered already, as many as there may be; try again later");
    Fault::new(FaultKind::Busy, detail)
}

/// Seconds after which a client may try again when too much goes on (RFC 9110 §10.2.3).
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Refuses a request that did not become a flow.
fn turn_away<S>(clients: &Clients<S>, asked: &Asked, fault: &Fault) -> Result<http::Response<Outgoing>, Killed> {
    clients.journal.refused(fault);
    refuse(clients, asked, fault)
}

/// Tells the client what failed.
fn refuse<S>(clients: &Clients<S>, asked: &Asked, fault: &Fault) -> Result<http::Response<Outgoing>, Killed> {
    // What answers a CONNECT that was refused has content.
    let method = if asked.method == Method::CONNECT { &Method::GET } else { &asked.method };
    let refused = deliver(fault.response(asked.flow), method, asked.version, clients.idle);
    let mut refused = refused.map_err(|_| Killed)?;
    if asked.version < Version::HTTP_2 && fault.kind.spoils_connection() {
        refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if fault.kind == FaultKind::Busy {
        refused.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    Ok(refused)
}
