//! A server that does nothing but answer, as a yardstick: `hyper` with the same protocol settings, no addons.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = std::env::args().nth(1).ok_or("usage: bare_hyper HOST:PORT BYTES")?.parse()?;
    let size: usize = std::env::args().nth(2).ok_or("usage: bare_hyper HOST:PORT BYTES")?.parse()?;
    let body = Bytes::from(vec![b'x'; size]);
    let listener = tokio::net::TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |_: http::Request<Incoming>| {
                let body = body.clone();
                async move {
                    let response = http::Response::builder()
                        .header("Server", "bare")
                        .header("Date", "Tue, 14 Nov 2023 22:13:20 GMT")
                        .header("Content-Type", "application/octet-stream")
                        .body(Full::new(body));
                    Ok::<_, Infallible>(response.unwrap_or_default())
                }
            });
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).auto_date_header(false);
            // A client that leaves is not of interest here.
            let _ = builder.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
