//! Serving one client connection, HTTP/1 or HTTP/2 as the client speaks it.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::Version;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::OwnedSemaphorePermit,
};
use tracing::{debug, warn};

use super::{
    Clients, Gate, Service,
    activity::Activity,
    exchange,
    held::Streams,
    interim::{Interim, WithInterim},
    rest::{Client, Loan},
    socket::Peer,
    targets::{Originals, Targets},
};
use crate::{flow::Scheme, throttle::Throttle};

/// What carries a connection.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    /// How requests come in, and who may send them.
    pub(super) gate: Arc<Gate>,
    /// The client at the other end of the TCP connection, also when tunnels and TLS are between.
    pub(super) peer: Option<Peer>,
    /// Whether there is TLS between.
    pub(super) scheme: Scheme,
}

/// Most time a client may take for the first request, and in HTTP/1 from the end of a response to the next request, and then
/// for its head.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// Most time an HTTP/2 connection stays open without a stream.
const IDLE_WITHIN: Duration = Duration::from_secs(60);

/// Most time that a connection which is to close may take for it.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Most bytes and most fields of a request's head.
const HEAD_BYTES: usize = 64 * 1024;
const HEAD_FIELDS: usize = 128;

/// HTTP/2: streams at a time, and bytes sent before the receiver has to agree to more.
const STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// HTTP/2: bytes of a stream that wait for the client.
const UNSENT: usize = 32 * 1024;

/// Serves a connection until it closes, or is idle for too long, or while draining. The permit is given back when it closes,
/// whatever it was upgraded to until then; what is carried inside another connection has none.
pub(super) async fn serve<S: Service>(
    clients: Arc<Clients<S>>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    carrier: Carrier,
    permit: Option<OwnedSemaphorePermit>,
) {
    let (mut client, activity) = (Client::new(stream, permit), Activity::new());
    if let Some(first) = next_bytes(&clients, &mut client, &activity).await {
        serve_from(clients, client, first, carrier, activity).await;
    }
}

/// The same, of a connection whose first bytes were read.
pub(super) async fn serve_from<S: Service>(
    clients: Arc<Clients<S>>,
    mut client: Client<impl AsyncRead + AsyncWrite + Unpin + Send + 'static>,
    mut first: Bytes,
    carrier: Carrier,
    activity: Activity,
) {
    loop {
        // Boxed, so that a connection which rests takes no memory for it.
        let awake = Box::pin(serve_awake(clients.clone(), client, first, carrier.clone(), activity.clone()));
        let Some(at_rest) = awake.await else { return };
        client = at_rest;
        let Some(next) = next_bytes(&clients, &mut client, &activity).await else { return };
        first = next;
    }
}

/// Waits for bytes of a client that asks for nothing yet, or closes its connection: when it has none, takes too long, or while
/// draining.
pub(super) async fn next_bytes<S>(
    clients: &Clients<S>,
    client: &mut Client<impl AsyncRead + AsyncWrite + Unpin>,
    activity: &Activity,
) -> Option<Bytes> {
    let drain = clients.drain();
    let next = tokio::select! {
        next = client.next_bytes() => next,
        () = drain.begun() => Ok(Bytes::new()),
        () = tokio::time::sleep_until(activity.quiet_since() + HEAD_WITHIN) => Ok(Bytes::new()),
    };
    match next {
        Ok(next) if next.is_empty() => {
            // A client that does not answer is left.
            let _ = tokio::time::timeout(CLOSE_WITHIN, client.stream.shutdown()).await;
            None
        }
        Ok(next) => Some(next),
        Err(error) => {
            debug!(%error, "client connection ended");
            None
        }
    }
}

/// Serves a connection on which something happens, from the first bytes on until it closes; or until it rests, then gives it
/// back.
async fn serve_awake<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    clients: Arc<Clients<S>>,
    client: Client<T>,
    first: Bytes,
    carrier: Carrier,
    activity: Activity,
) -> Option<Client<T>> {
    let drain = clients.drain();
    let interim = Interim::default();
    let (loan, stream) = Loan::new(client, first, activity.clone());
    let originals = Originals::default();
    let stream = WithInterim::new(Targets::new(stream, originals.clone()), interim.clone());
    let (peer, streams, idle) = (carrier.peer.clone(), Streams::default(), clients.idle);
    let address = peer.as_ref().and_then(Peer::address);
    let (counted, asked, sent, held) = (activity.clone(), loan.clone(), interim.clone(), streams.clone());
    let answer = move |mut request: http::Request<Incoming>| {
        let under_way = counted.begin();
        asked.asked(request.version());
        if request.version() == Version::HTTP_2 {
            originals.restore(&mut request);
        }
        // HTTP/1.0 has no interim responses, and `hyper` has no way to send them in HTTP/2.
        let interim = (request.version() == Version::HTTP_11).then(|| sent.clone());
        let exchange = exchange::Exchange { carrier: carrier.clone(), interim, under_way, streams: held.clone() };
        // Boxed, so that a connection which waits for its next request takes no memory for one.
        Box::pin(exchange::serve(clients.clone(), request, exchange))
    };
    let connection = builder().serve_connection_with_upgrades(TokioIo::new(stream), service_fn(answer)).into_owned();
    let mut connection = Box::pin(connection);
    let resting = loan.clone();
    let ending = async {
        tokio::select! {
            () = drain.begun() => Ending::Drained,
            () = activity.idle(HEAD_WITHIN, IDLE_WITHIN) => Ending::Idle,
            () = resting.at_rest(&activity, &interim) => Ending::Rests,
            () = abandoned(peer.as_ref(), &activity) => Ending::Left("client left"),
            () = streams.give_up_untaken(idle) => Ending::Left("client takes nothing"),
            () = activity.flooded() => Ending::Left("client sends much and asks for nothing"),
        }
    };
    // Looked at only when something of it has happened, and not with every piece of the connection.
    let mut ending = FuturesUnordered::from_iter([ending]);
    // By turns, as a connection that never waits would leave nothing of the task's share to what comes after it.
    let served = tokio::select! {
        served = connection.as_mut() => served,
        Some(ending) = ending.next() => match ending {
            Ending::Drained => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    served = connection => served,
                    () = drain.over() => Ok(()),
                }
            }
            Ending::Idle => {
                connection.as_mut().graceful_shutdown();
                // A client that does not answer is left.
                tokio::time::timeout(CLOSE_WITHIN, connection).await.unwrap_or(Ok(()))
            }
            Ending::Rests => {
                loan.call_back();
                connection.as_mut().graceful_shutdown();
                if std::future::poll_fn(|context| Poll::Ready(connection.as_mut().poll(context))).await.is_ready() {
                    drop(connection);
                    return loan.returned();
                }
                // There is something to do after all, so it closes when that is done.
                loan.leave();
                connection.await
            }
            Ending::Left(why) => {
                debug!("{why}");
                Ok(())
            }
        }
    };
    if let Err(error) = served {
        ended(&*error, address);
    }
    None
}

/// Says why a connection ended: what the HTTP library refused never became a flow.
fn ended(error: &(dyn Error + 'static), client: Option<SocketAddr>) {
    let is_http1 = error.downcast_ref().is_some_and(hyper::Error::is_parse);
    let of_http2 = std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref());
    let is_refused = is_http1 || of_http2.is_some_and(|error: &h2::Error| error.is_library() && error.is_go_away());
    let why = oneline::chain(error);
    if is_refused && is_new_refusal() {
        let client = client.map(tracing::field::display);
        return warn!(client, "what a client sent is refused, as it is no HTTP that is spoken here: {why}");
    }
    debug!("client connection ended: {why}");
}

/// Whether it is to be written: one a second is, and the others are counted.
fn is_new_refusal() -> bool {
    static REFUSALS: LazyLock<Throttle<()>> =
        LazyLock::new(|| Throttle::new(1, |(), times| warn!(times, "what {times} more clients sent is refused")));
    REFUSALS.admits(())
}

/// Why a connection is to end that would go on by itself.
enum Ending {
    /// The proxy shuts down.
    Drained,
    /// Nobody asks for anything.
    Idle,
    /// The same, for a while: only the stream is to be kept.
    Rests,
    /// It is of no use any more, as this says.
    Left(&'static str),
}

/// Waits until the client has left. Without a peer, only reading and writing tell.
async fn abandoned(peer: Option<&Peer>, activity: &Activity) {
    match peer {
        Some(peer) => activity.abandoned(peer).await,
        None => std::future::pending().await,
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .preserve_header_case(true)
        .half_close(true)
        .max_headers(HEAD_FIELDS)
        .max_buf_size(HEAD_BYTES)
        // Replayed answers are sent as recorded; for forwarded ones see `upstream`.
        .auto_date_header(false)
        .http2()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .enable_connect_protocol()
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(UNSENT)
        .max_header_list_size(HEAD_BYTES as u32);
    builder
}

#[cfg(test)]
mod tests;
