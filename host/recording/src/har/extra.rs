//! What HAR has no place for, in a member of our own, so that nothing is lost on the way through a HAR file.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::url;
use crate::{
    model::{Failure, Fields, Flow, Piece, Request, WebSocket},
    reading::{
        Url,
        heads::{self, Heads},
    },
};

/// The member of an entry that this program writes, and that tells its entries from those of others.
pub(crate) const KEY: &str = "_proxyhost";

/// What of a flow is not in the members that HAR has.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Extra {
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<SocketAddr>,
    request: Asked,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Answered>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_socket: Option<Closed>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    /// The path, if the URL has it in another form.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Exact>,
    started_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trailers: Vec<(String, Exact)>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answered {
    /// The reason phrase, if it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Exact>,
    started_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trailers: Vec<(String, Exact)>,
    /// A length in bytes and microseconds since the head, for each piece of the body as it was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pieces: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Failed {
    reason: String,
    at: Option<f64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Closed {
    closed_by_client: Option<bool>,
    close_code: Option<u16>,
    close_reason: Option<String>,
    ended_at: Option<f64>,
}

/// Bytes: text where they are text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Exact {
    Text(String),
    Bytes { base64: String },
}

impl Exact {
    fn of(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Bytes { base64: STANDARD.encode(bytes) },
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes { base64 } => STANDARD.decode(base64).unwrap_or_default(),
        }
    }
}

impl Extra {
    /// What is to be written of a flow. `pieces` are those of its response that say something.
    pub(crate) fn of<C>(flow: &Flow<C>, pieces: &[Piece]) -> Self {
        let request = &flow.request;
        let is_in_url = Url::parse(&url(request)).is_ok_and(|url| url.path.as_bytes() == request.path);
        Self {
            client: flow.client,
            server: flow.server,
            request: Asked {
                path: (!is_in_url).then(|| Exact::of(&request.path)),
                started_at: Some(request.started_at),
                ended_at: request.ended_at,
                trailers: lines(&request.trailers),
            },
            response: flow.response.as_ref().map(|response| Answered {
                reason: str::from_utf8(&response.reason).is_err().then(|| Exact::of(&response.reason)),
                started_at: Some(response.started_at),
                ended_at: response.ended_at,
                trailers: lines(&response.trailers),
                pieces: pieces.iter().flat_map(|piece| [piece.len, piece.after_micros]).collect(),
            }),
            error: flow.error.as_ref().map(|failure| Failed { reason: failure.reason.clone(), at: failure.at }),
            web_socket: flow.websocket.as_ref().map(|websocket| Closed {
                closed_by_client: websocket.closed_by_client,
                close_code: websocket.close_code,
                close_reason: websocket.close_reason.clone(),
                ended_at: websocket.ended_at,
            }),
        }
    }

    /// Whether the exchange failed, with or without a response.
    pub(super) fn failure(&self) -> Option<Failure> {
        let Failed { reason, at } = self.error.as_ref()?;
        Some(Failure { reason: reason.clone(), at: at.and_then(heads::time) })
    }

    /// The client's and the server's address.
    pub(super) fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        (self.client, self.server)
    }

    /// Completes a request that was read of the other members. Its `url` and its start must be what was written: somebody
    /// may have changed them since.
    pub(super) fn complete_request<C>(
        &self,
        request: &mut Request<C>,
        written_url: &str,
        heads: &mut Heads,
    ) -> Result<(), String> {
        if let Some(path) = &self.request.path {
            let path = heads.counted_line(&path.bytes(), "request's path")?;
            let read = std::mem::replace(&mut request.path, path);
            if url(request) != written_url {
                request.path = read;
            }
        }
        if let Some(started_at) = self.started_at(request.started_at) {
            request.started_at = started_at;
            request.ended_at = self.request.ended_at.and_then(heads::time);
        }
        request.trailers = checked(&self.request.trailers, heads, "request's trailer")?;
        Ok(())
    }

    /// The exact start of a request, if it is that of the entry, which is told to the millisecond.
    fn started_at(&self, rounded: f64) -> Option<f64> {
        self.request.started_at.and_then(heads::time).filter(|exact| (exact - rounded).abs() < 0.001)
    }

    /// The reason phrase, if it is no text.
    pub(super) fn reason(&self) -> Option<Vec<u8>> {
        self.response.as_ref()?.reason.as_ref().map(Exact::bytes)
    }

    /// The exact start and the end of a response to a request that started at a time.
    pub(super) fn response_times(&self, asked_at: f64) -> Option<(f64, Option<f64>)> {
        let response = self.response.as_ref().filter(|_| self.started_at(asked_at).is_some())?;
        Some((response.started_at.and_then(heads::time)?, response.ended_at.and_then(heads::time)))
    }

    /// The trailers of a response.
    pub(super) fn response_trailers(&self, heads: &mut Heads) -> Result<Fields, String> {
        match &self.response {
            Some(response) => checked(&response.trailers, heads, "response's trailer"),
            None => Ok(Fields::new()),
        }
    }

    /// The pieces of a body of `size` bytes, of which `sent` were sent. A body that is without its content coding here has
    /// the same shares of it arrive at the same times.
    pub(super) fn pieces(&self, size: Option<u64>, sent: Option<u64>) -> Vec<Piece> {
        let (Some(response), Some(size)) = (&self.response, size) else { return Vec::new() };
        let pairs = response.pieces.chunks_exact(2);
        let pieces = pairs.filter_map(|pair| match *pair {
            [len, after_micros] => Some(Piece { len, after_micros }),
            _ => None,
        });
        let pieces: Vec<Piece> = pieces.collect();
        match sent {
            _ if Piece::make_up(&pieces, size) => pieces,
            Some(sent) if Piece::make_up(&pieces, sent) => scaled(&pieces, sent, size),
            _ => Vec::new(),
        }
    }

    /// How a session ended, if there was one.
    pub(super) fn end_of_session<C>(&self) -> Option<WebSocket<C>> {
        let closed = self.web_socket.as_ref()?;
        Some(WebSocket {
            messages: Vec::new(),
            closed_by_client: closed.closed_by_client,
            close_code: closed.close_code,
            close_reason: closed.close_reason.clone(),
            ended_at: closed.ended_at.and_then(heads::time),
        })
    }
}

fn lines(fields: &Fields) -> Vec<(String, Exact)> {
    let line = |(name, value): &(Bytes, Bytes)| (String::from_utf8_lossy(name).into_owned(), Exact::of(value));
    fields.iter().map(line).collect()
}

fn checked(lines: &[(String, Exact)], heads: &mut Heads, what: &str) -> Result<Fields, String> {
    let lines = lines.iter().map(|(name, value)| heads.field(name.as_bytes(), &value.bytes(), what));
    Ok(lines.collect::<Result<_, _>>()?)
}

/// The pieces of a body of `to` bytes, by those of one of `from`, which is not 0.
fn scaled(pieces: &[Piece], from: u64, to: u64) -> Vec<Piece> {
    let (mut come, mut end) = (0_u64, 0_u64);
    let scaled = pieces.iter().map(|piece| {
        come += piece.len;
        let start = end;
        end = u64::try_from(u128::from(come) * u128::from(to) / u128::from(from.max(1))).unwrap_or(to);
        Piece { len: end - start, after_micros: piece.after_micros }
    });
    scaled.filter(|piece| piece.len > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pairs: &[(u64, u64)]) -> Vec<Piece> {
        pairs.iter().map(|&(len, after_micros)| Piece { len, after_micros }).collect()
    }

    #[test]
    fn a_body_without_its_coding_arrives_in_the_same_shares() {
        let sent = pieces(&[(1, 0), (1, 10), (2, 20)]);
        assert_eq!(scaled(&sent, 4, 8), pieces(&[(2, 0), (2, 10), (4, 20)]));
        assert_eq!(scaled(&sent, 4, 3), pieces(&[(1, 10), (2, 20)]));
        assert_eq!(scaled(&sent, 4, 1), pieces(&[(1, 20)]));
        assert_eq!(scaled(&sent, 4, 0), []);
    }

    #[test]
    fn pieces_that_make_up_nothing_are_left_out() {
        let extra = |pieces: &[u64]| Extra {
            response: Some(Answered { pieces: pieces.to_vec(), ..Answered::default() }),
            ..Extra::default()
        };
        assert_eq!(extra(&[2, 0, 3, 7]).pieces(Some(5), None), pieces(&[(2, 0), (3, 7)]));
        for wrong in [&[2, 0][..], &[2, 9, 3, 7], &[0, 0, 5, 0], &[u64::MAX, 0, 6, 0]] {
            assert_eq!(extra(wrong).pieces(Some(5), Some(5)), [], "{wrong:?}");
        }
        assert_eq!(extra(&[5, 0]).pieces(None, Some(5)), []);
    }
}
