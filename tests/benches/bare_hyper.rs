//! A server that does nothing but answer, as a yardstick: `hyper` with the same protocol settings, no addons.

use std::{convert::Infallible, error::Error, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

const USAGE: &str = "usage: bare_hyper HOST:PORT BYTES [CERTIFICATE KEY]";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().ok_or(USAGE)?.parse()?;
    let size: usize = arguments.next().ok_or(USAGE)?.parse()?;
    let tls = match (arguments.next(), arguments.next()) {
        (Some(certificate), Some(key)) => Some(acceptor(&certificate, &key)?),
        (None, None) => None,
        _ => return Err(USAGE.into()),
    };
    let body = Bytes::from(vec![b'x'; size]);
    let listener = tokio::net::TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (body, tls) = (body.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(stream, body).await,
                Some(tls) => {
                    // Whoever does not speak TLS is not of interest here.
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, body).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, body: Bytes) {
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
    // A client that leaves is not of interest either.
    let _ = builder.serve_connection(TokioIo::new(stream), answer).await;
}

/// TLS as the proxy speaks it with clients.
fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
