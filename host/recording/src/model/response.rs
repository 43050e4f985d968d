//! What a server answers.

use bytes::Bytes;
use http::Version;

use super::Fields;

/// A response.
#[derive(Clone, Debug)]
pub struct Response<C> {
    /// The protocol version.
    pub version: Version,
    /// The status code, within 100 to 999.
    pub status: u16,
    /// The reason phrase; empty in HTTP/2.
    pub reason: Bytes,
    /// The header fields.
    pub fields: Fields,
    /// The body without its transfer coding, still content-encoded.
    pub content: C,
    /// The trailer fields.
    pub trailers: Fields,
    /// When the head had arrived, in seconds since the epoch; the request's start if it was not recorded. Where the request's is
    /// 0, which stands for a time that was not recorded, so many seconds after that.
    pub started_at: f64,
    /// When the last byte had arrived, in seconds since the epoch, if it was recorded.
    pub ended_at: Option<f64>,
    /// The pieces in which the body arrived, together as long as the body; empty if they were not recorded.
    pub pieces: Vec<Piece>,
}

/// A piece of a body, as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How many bytes it has.
    pub len: u64,
    /// When it arrived, in microseconds since the head had arrived.
    pub after_micros: u64,
}

/// Whether no response of this kind has a body (RFC 9110, section 6.4.1). Browsers show that of their cache for a 304.
pub fn has_no_body(method: &[u8], status: u16) -> bool {
    method.eq_ignore_ascii_case(b"HEAD") || matches!(status, 204 | 304)
}

impl Piece {
    /// Whether pieces make up a body of `size` bytes, one after the other.
    pub(crate) fn make_up(pieces: &[Self], size: u64) -> bool {
        let sum = pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.len));
        let is_in_order = pieces.is_sorted_by_key(|piece| piece.after_micros);
        sum == Some(size) && is_in_order && pieces.iter().all(|piece| piece.len > 0)
    }
}

impl<C> Response<C> {
    pub(super) fn try_map_content<D, E>(self, map: impl FnOnce(C) -> Result<D, E>) -> Result<Response<D>, E> {
        let Self { version, status, reason, fields, content, trailers, started_at, ended_at, pieces } = self;
        let content = map(content)?;
        Ok(Response { version, status, reason, fields, content, trailers, started_at, ended_at, pieces })
    }
}
