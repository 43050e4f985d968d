//! What a client asks.

use bytes::Bytes;
use http::Version;

use super::Fields;

/// A request.
#[derive(Clone, Debug)]
pub struct Request<C> {
    /// The method, case kept.
    pub method: Bytes,
    /// `http` or `https`; empty for CONNECT.
    pub scheme: Bytes,
    /// The host that it was sent to, which the `Host` field need not name, without brackets.
    pub host: Bytes,
    /// The port that it was sent to.
    pub port: u16,
    /// The `:authority` of HTTP/2, or the authority-form target of a CONNECT; otherwise empty.
    pub authority: Bytes,
    /// The path with its query as sent, or `*`.
    pub path: Bytes,
    /// The protocol version.
    pub version: Version,
    /// The header fields.
    pub fields: Fields,
    /// The body without its transfer coding, still content-encoded.
    pub content: C,
    /// The trailer fields.
    pub trailers: Fields,
    /// When the head had arrived, in seconds since the epoch; 0 if it was not recorded.
    pub started_at: f64,
    /// When the last byte had arrived, in seconds since the epoch, if it was recorded.
    pub ended_at: Option<f64>,
}

impl<C> Request<C> {
    pub(super) fn try_map_content<D, E>(self, map: impl FnOnce(C) -> Result<D, E>) -> Result<Request<D>, E> {
        Ok(Request {
            method: self.method,
            scheme: self.scheme,
            host: self.host,
            port: self.port,
            authority: self.authority,
            path: self.path,
            version: self.version,
            fields: self.fields,
            content: map(self.content)?,
            trailers: self.trailers,
            started_at: self.started_at,
            ended_at: self.ended_at,
        })
    }
}
