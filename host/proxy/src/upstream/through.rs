//! The way to servers by another proxy.

use std::{convert::Infallible, future, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Empty;
use hyper::{client::conn::http1, upgrade};
use hyper_util::rt::TokioIo;

use super::{Credentials, failure::ConnectFault, wire::Wire};
use crate::flow::{Destination, Fault, FaultKind};

/// A proxy on the way, and who this one is there.
#[derive(Clone, Debug)]
pub(super) struct NextProxy {
    pub(super) server: Arc<Destination>,
    pub(super) credentials: Option<Credentials>,
}

impl NextProxy {
    /// What a request to the proxy carries.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.credentials.as_ref().map(Credentials::field)
    }

    /// Asks the proxy for a tunnel (RFC 9110 §9.3.6).
    pub(super) async fn tunnel(&self, wire: Wire, destination: &Destination) -> Result<Wire, ConnectFault> {
        let target = destination.host_and_port();
        let mut request = Request::builder().method(Method::CONNECT).uri(&target).header(header::HOST, &target);
        if let Some(authorization) = self.authorization() {
            request = request.header(header::PROXY_AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|_| ConnectFault::Name(target))?;
        let failed = |error| ConnectFault::NoTunnel { proxy: self.name(), source: error };
        let (mut sender, connection) = http1::handshake(TokioIo::new(wire)).await.map_err(failed)?;
        let asked = async move {
            let answer = sender.send_request(request).await.map_err(failed)?;
            if !answer.status().is_success() {
                return Err(self.refusal(answer.status()));
            }
            upgrade::on(answer).await.map_err(failed)
        };
        let driven = async {
            // What ends it is told to who asked.
            drop(connection.with_upgrades().await);
            future::pending::<Infallible>().await
        };
        let opened = tokio::select! {
            opened = asked => opened?,
            never = driven => match never {},
        };
        Ok(Wire::Proxy(Box::new(TokioIo::new(opened))))
    }

    /// Why there is no tunnel, or no answer to a request, when the proxy answers so.
    pub(super) fn refusal(&self, status: StatusCode) -> ConnectFault {
        let proxy = self.name();
        match (status, &self.credentials) {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, None) => ConnectFault::ProxyAsksForUser(proxy),
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(_)) => ConnectFault::ProxyRefusesUser(proxy),
            _ => ConnectFault::TunnelRefused { proxy, status },
        }
    }

    /// What failed with a server, when it may have been the proxy as well.
    pub(super) fn named_in(&self, fault: Fault) -> Fault {
        match fault.kind {
            FaultKind::ResponseIncomplete
            | FaultKind::ResponseHead
            | FaultKind::ResponseTimeout
            | FaultKind::Malformed
            | FaultKind::Protocol => {
                Fault::new(fault.kind, format!("{} (by way of the proxy `{}`)", fault.detail, self.name()))
            }
            _ => fault,
        }
    }

    /// What the proxy is called in messages.
    pub(super) fn name(&self) -> String {
        self.server.host_and_port()
    }
}
