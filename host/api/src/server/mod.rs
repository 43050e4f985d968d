//! Connections of clients, and how much each may take.

mod stall;

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use control::Control;
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use self::stall::Stalling;
use super::{Access, guard::Connection, routes};

/// Serves clients until `shutdown` is done, and then for at most a second what has begun. Dropping it ends all at once.
pub async fn serve(
    listener: TcpListener,
    control: Arc<dyn Control>,
    access: Access,
    shutdown: impl Future<Output = ()>,
) {
    let router = routes::router(control, access);
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let permit = room.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            // Those that have ended are let go.
            Some(_) = connections.join_next() => {}
            (permit, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, router.clone(), stopping.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    warn!("the control API cannot take a connection: {error}");
                    // Where there are no more file descriptors, the next attempt fails as soon.
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop((stop, listener));
    let all = async { while connections.join_next().await.is_some() {} };
    // Nobody has to read what is sent.
    let _ = timeout(FINISH_TIME, all).await;
}

async fn connection(stream: TcpStream, router: Router, mut stopping: watch::Receiver<()>) {
    if let Err(error) = serve_one(stream, router, &mut stopping).await {
        debug!("a connection to the control API failed: {}", oneline::escaped(&error));
    }
}

async fn serve_one(stream: TcpStream, router: Router, stopping: &mut watch::Receiver<()>) -> Result<(), String> {
    let reached_at = stream.local_addr().map_err(|error: io::Error| error.to_string())?;
    // Events are small, and are not to wait for each other. Where that cannot be set, they come later.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Stalling::new(stream, WRITE_TIME));
    let router = TowerToHyperService::new(router);
    let of_requests = Connection { reached_at, stopping: stopping.clone() };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(of_requests.clone());
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_FIELDS)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        // Nobody sends anything: it fails when the server stops.
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    outcome.map_err(|error| oneline::chain(&error))
}

/// Connections at once. Further ones wait to be accepted.
const MOST_CONNECTIONS: usize = 128;
/// How long a head may take to arrive, and a connection be idle.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a client may read nothing of an answer.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// How long answers may take that have begun when it stops.
const FINISH_TIME: Duration = Duration::from_secs(1);
/// How long to wait after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request's head.
const LARGEST_HEAD: usize = 32 << 10;
/// Field lines of a request.
const MOST_FIELDS: usize = 64;
