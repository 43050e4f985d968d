//! What went wrong with a server, and the fault that a flow gets of it.

use std::{error::Error, io, time::Duration};

use http::StatusCode;
use hyper_util::client::legacy;

use super::{HEAD_BYTES, MOST_FIELDS, resolver::LookUpError};
use crate::{
    flow::{Destination, Fault, FaultKind},
    handshake::sentence,
};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFault {
    #[error(transparent)]
    LookUp(LookUpError),
    #[error("its name was not resolved within {0:?}")]
    LookUpTimeout(Duration),
    #[error("the connection failed")]
    Tcp(#[source] io::Error),
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("{0}")]
    Egress(Fault),
    #[error("its certificate is not trusted: {}", sentence(.0))]
    Certificate(io::Error),
    #[error("the TLS handshake failed: {}", sentence(.0))]
    Tls(io::Error),
    #[error("`{0}` is not a name that TLS can check")]
    Name(String),
    #[error("the proxy `{proxy}` on the way cannot be reached")]
    Proxy { proxy: String, source: Box<Self> },
    #[error("the proxy `{0}` on the way wants to know its user (--upstream-auth NAME:PASSWORD)")]
    ProxyAsksForUser(String),
    #[error("the proxy `{0}` on the way does not take the user that --upstream-auth names")]
    ProxyRefusesUser(String),
    #[error("the proxy `{proxy}` on the way opens no tunnel to it, and answers {status}")]
    TunnelRefused { proxy: String, status: StatusCode },
    #[error("the proxy `{proxy}` on the way gave no usable answer when it was asked for a tunnel")]
    NoTunnel { proxy: String, source: hyper::Error },
    #[error("the proxy `{proxy}` on the way opened no tunnel within {within:?}")]
    NoTunnelInTime { proxy: String, within: Duration },
}

impl ConnectFault {
    /// Why the library could not connect, within a time.
    pub(super) fn of_tcp(error: impl Error + Send + Sync + 'static, within: Duration) -> Self {
        let failed = causes(&error).find_map(|cause| cause.downcast_ref().map(copy));
        match failed.unwrap_or_else(|| io::Error::other(error)) {
            error if error.kind() == io::ErrorKind::TimedOut => Self::Timeout(within),
            error => Self::Tcp(error),
        }
    }

    /// The failure of a flow to a destination.
    pub(super) fn explain(&self, destination: &Destination) -> Fault {
        if let Self::Egress(fault) = self.innermost() {
            return fault.clone();
        }
        let kind = self.innermost().kind();
        let advice = match kind {
            FaultKind::Certificate => " (--upstream-ca trusts an authority or this certificate, --insecure any)",
            FaultKind::Exhausted => " (this proxy has no descriptor or port left; `ulimit -n` allows it more)",
            _ => "",
        };
        let why = oneline::chain(self);
        Fault::new(kind, format!("cannot connect to `{}`: {why}{advice}", destination.host_and_port()))
    }

    /// What failed, there or at a proxy on the way.
    fn innermost(&self) -> &Self {
        match self {
            Self::Proxy { source, .. } => source.innermost(),
            other => other,
        }
    }

    fn kind(&self) -> FaultKind {
        match self {
            Self::Egress(fault) => fault.kind,
            Self::LookUp(LookUpError::Dns(error)) if is_exhausted(error) => FaultKind::Exhausted,
            Self::LookUp(LookUpError::Dns(_)) => FaultKind::Dns,
            Self::LookUp(LookUpError::Busy(_) | LookUpError::BusyDomain(_)) => FaultKind::Busy,
            Self::LookUpTimeout(_) => FaultKind::DnsTimeout,
            Self::Tcp(error) => of_connecting(error),
            Self::Timeout(_) => FaultKind::ConnectTimeout,
            Self::Certificate(_) => FaultKind::Certificate,
            Self::Tls(error) if is_break(error) => FaultKind::Terminated,
            Self::Tls(_) | Self::Name(_) => FaultKind::Tls,
            Self::Proxy { source, .. } => source.kind(),
            Self::ProxyAsksForUser(_) | Self::ProxyRefusesUser(_) | Self::TunnelRefused { .. } => {
                FaultKind::Unavailable
            }
            Self::NoTunnel { .. } => FaultKind::Terminated,
            Self::NoTunnelInTime { .. } => FaultKind::ConnectTimeout,
        }
    }
}

/// What kind of failure an error is that ended an attempt to connect.
fn of_connecting(error: &io::Error) -> FaultKind {
    match error.kind() {
        _ if is_exhausted(error) => FaultKind::Exhausted,
        io::ErrorKind::ConnectionRefused => FaultKind::Refused,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkDown => {
            FaultKind::Unroutable
        }
        _ if is_break(error) => FaultKind::Terminated,
        _ => FaultKind::Unavailable,
    }
}

/// Whether this host lacks what a connection needs: descriptors, ports or memory.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    let is_lacking = matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory);
    is_lacking || matches!(error.raw_os_error(), Some(NO_DESCRIPTOR | NO_DESCRIPTOR_IN_SYSTEM | NO_BUFFER))
}

/// EMFILE, ENFILE and ENOBUFS of Linux, for which Rust has no kinds.
const NO_DESCRIPTOR: i32 = 24;
const NO_DESCRIPTOR_IN_SYSTEM: i32 = 23;
const NO_BUFFER: i32 = 105;

/// Whether the peer broke off.
fn is_break(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// Says why a server gave no response: what is known to be wrong with it, or else the error.
pub(super) fn explain(destination: &Destination, error: &legacy::Error, known: Option<&str>) -> Fault {
    if let Some(known) = known {
        return Fault::new(FaultKind::Protocol, format!("`{}` {known}", destination.host_and_port()));
    }
    for cause in causes(error) {
        if let Some(fault) = cause.downcast_ref::<ConnectFault>() {
            return fault.explain(destination);
        }
        // The client's body broke off, or an addon's limit did.
        if let Some(fault) = cause.downcast_ref::<Fault>() {
            return fault.clone();
        }
        if cause.downcast_ref().is_some_and(hyper::Error::is_parse_too_large) {
            return head_too_large(destination);
        }
    }
    let server = destination.host_and_port();
    Fault::new(FaultKind::ResponseIncomplete, format!("`{server}` gave no usable answer: {}", oneline::chain(error)))
}

/// The failure of a flow whose answer has a head beyond the limits.
pub(super) fn head_too_large(destination: &Destination) -> Fault {
    let server = destination.host_and_port();
    let detail =
        format!("the head of the answer of `{server}` has more than {MOST_FIELDS} fields or {HEAD_BYTES} bytes");
    Fault::new(FaultKind::ResponseHead, detail)
}

/// Whether a connection ended before the server began to answer, as one does that it had no more use for.
pub(super) fn is_lost(error: &legacy::Error) -> bool {
    let is_ours = |cause: &(dyn Error + 'static)| cause.is::<ConnectFault>() || cause.is::<Fault>();
    let is_end = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref().is_some_and(hyper::Error::is_incomplete_message)
            || cause.downcast_ref().is_some_and(is_break)
            || cause.downcast_ref().is_some_and(is_end_of_http2)
    };
    !causes(error).any(is_ours) && causes(error).any(is_end)
}

fn is_end_of_http2(error: &h2::Error) -> bool {
    error.is_io() || error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM)
}

/// An error and what caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error that somebody else owns, for keeping.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Scheme;

    #[test]
    fn what_keeps_from_connecting_is_called_by_its_name() {
        // EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ECONNRESET and EACCES of Linux.
        let table = [
            (24, "connection_limit_reached", 503),
            (23, "connection_limit_reached", 503),
            (105, "connection_limit_reached", 503),
            (99, "connection_limit_reached", 503),
            (101, "destination_ip_unroutable", 502),
            (113, "destination_ip_unroutable", 502),
            (111, "connection_refused", 502),
            (104, "connection_terminated", 502),
            (13, "destination_unavailable", 502),
        ];
        let destination = Destination::new(Scheme::Http, "a.example", 80).unwrap();
        for (code, name, status) in table {
            let fault = ConnectFault::Tcp(io::Error::from_raw_os_error(code)).explain(&destination);
            assert_eq!((fault.kind.name(), fault.kind.status().as_u16()), (name, status), "{fault}");
        }
    }
}
