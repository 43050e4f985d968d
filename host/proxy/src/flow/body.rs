//! A message's content: streaming past untouched, unless somebody asks for it.

use std::{any::Any, fmt, io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::{BodyObserver, live::Live, outgoing::Outgoing, outgoing::OutgoingStream};

/// An error of whoever sends content.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Content that is kept elsewhere and read when it is sent.
pub trait Stored: Send + Sync + fmt::Debug {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// The bytes from an offset, at most `limit` of them and at least one before the end.
    ///
    /// # Errors
    /// When the place it is kept in can no longer be read.
    fn read_at(&self, offset: u64, limit: usize) -> io::Result<Bytes>;

    /// All of it.
    ///
    /// # Errors
    /// When the place it is kept in can no longer be read.
    fn read_all(&self) -> io::Result<Bytes> {
        let size = self.size();
        let whole = self.read_at(0, usize::try_from(size).unwrap_or(usize::MAX))?;
        if whole.len() as u64 == size {
            return Ok(whole);
        }
        let mut all = BytesMut::from(whole.as_ref());
        while (all.len() as u64) < size {
            all.extend_from_slice(&self.read_at(all.len() as u64, AT_ONCE as usize)?);
        }
        Ok(all.freeze())
    }

    /// The fields after the content.
    fn trailers(&self) -> Option<HeaderMap>;

    /// How it is sent, if not as fast as its receiver takes it.
    fn stream(self: Arc<Self>) -> Option<OutgoingStream> {
        None
    }
}

/// A message's content. Copies share it.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// There is none.
    #[default]
    Empty,
    /// All of it is here.
    Bytes(Bytes),
    /// It is kept elsewhere.
    Stored(Arc<dyn Stored>),
    /// It is arriving.
    Live(Arc<Live>),
    /// There was some that passed without being kept.
    Gone,
}

/// Why content cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyFailure {
    /// It is larger than allowed. It still passes through whole.
    TooLarge,
    /// It passed without being kept.
    Gone,
    /// It did not arrive in time.
    TimedOut,
    /// Its sender broke off, or the place it is kept in can no longer be read.
    Incomplete(String),
}

impl fmt::Display for BodyFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("it is larger than allowed"),
            Self::Gone => formatter.write_str("it was not kept when it passed"),
            Self::TimedOut => formatter.write_str("it did not arrive in time"),
            Self::Incomplete(why) => formatter.write_str(why),
        }
    }
}

/// The terms on which content is collected.
#[derive(Clone, Copy, Debug)]
pub struct Collecting {
    /// Most bytes held for one body.
    pub limit: u64,
    /// Most time to wait for one body.
    pub within: Duration,
}

/// Stored content up to this size is read before the head is sent, so that a failure still gets a proper answer.
pub(super) const AT_ONCE: u64 = 64 * 1024;

impl Body {
    /// Content that arrives from a peer.
    pub fn live<B>(incoming: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if incoming.is_end_stream() {
            return Self::Empty;
        }
        Self::Live(Arc::new(Live::new(incoming)))
    }

    /// Whether it is still to come from a peer.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Lets somebody see the content as it arrives; only of live content there is anything to see.
    pub fn observe(&self, observer: Arc<dyn BodyObserver>) {
        if let Self::Live(live) = self {
            live.observe(observer);
        }
    }

    /// Has content that is sent on be kept, up to so many bytes, so that it can be read afterwards as well; only live content
    /// would be gone then. `held` is dropped with it.
    pub fn keep(&self, limit: u64, held: Box<dyn Any + Send + Sync>) {
        if let Self::Live(live) = self {
            live.keep(limit, held);
        }
    }

    /// The length in bytes, where it is known without waiting.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stored(stored) => Some(stored.size()),
            Self::Live(live) => live.size(),
            Self::Gone => None,
        }
    }

    /// The fields after the content, where they are known before it is sent.
    pub fn known_trailers(&self) -> Option<HeaderMap> {
        match self {
            Self::Stored(stored) => stored.trailers(),
            Self::Empty | Self::Bytes(_) | Self::Live(_) | Self::Gone => None,
        }
    }

    /// Takes in what is here already of the beginning of live content, a few KiB of it at most, without waiting.
    ///
    /// # Errors
    /// When its sender has broken off already.
    pub fn look_ahead(&self) -> Result<(), BodyFailure> {
        match self {
            Self::Live(live) => live.look_ahead(),
            Self::Empty | Self::Bytes(_) | Self::Stored(_) | Self::Gone => Ok(()),
        }
    }

    /// The same content, to be sent once more after this has been sent; `None` unless all of it is here.
    pub fn kept(&self) -> Option<Self> {
        match self {
            Self::Live(live) => live.whole().map(Self::Bytes),
            Self::Empty | Self::Bytes(_) | Self::Stored(_) => Some(self.clone()),
            Self::Gone => None,
        }
    }

    /// All of it, once it has arrived.
    ///
    /// # Errors
    /// As [`BodyFailure`] says. What had arrived by then is kept and still passed on.
    pub async fn collect(&self, terms: Collecting) -> Result<Bytes, BodyFailure> {
        if self.size().is_some_and(|size| size > terms.limit) {
            return Err(BodyFailure::TooLarge);
        }
        match self {
            Self::Empty => Ok(Bytes::new()),
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Stored(stored) => stored.read_all().map_err(unreadable),
            Self::Live(live) => live.collect(terms).await,
            Self::Gone => Err(BodyFailure::Gone),
        }
    }

    /// The bytes from an offset on that have arrived, waiting for at least one; nothing at the end.
    ///
    /// # Errors
    /// As [`BodyFailure`] says.
    pub async fn piece(&self, offset: u64, limit: usize, terms: Collecting) -> Result<Option<Bytes>, BodyFailure> {
        let bytes = match self {
            Self::Empty => Bytes::new(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Stored(stored) if offset >= stored.size() => Bytes::new(),
            Self::Stored(stored) => return stored.read_at(offset, limit).map(Some).map_err(unreadable),
            Self::Live(live) => return live.piece(offset, limit, terms).await,
            Self::Gone => return Err(BodyFailure::Gone),
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(limit).min(bytes.len());
        Ok((start < end).then(|| bytes.slice(start..end)))
    }

    /// Turns it into what is sent to a peer. `idle` is the most time between two pieces of a live body, and `sender` is
    /// whose fault it is when they stop coming.
    ///
    /// # Errors
    /// When stored content can no longer be read, or was not kept.
    pub fn into_outgoing(self, sender: Sender, idle: Duration) -> Result<Outgoing, BodyFailure> {
        match self {
            Self::Empty => Ok(Outgoing::default()),
            Self::Bytes(bytes) => Ok(Outgoing::ready(bytes)),
            Self::Stored(stored) => Outgoing::stored(stored),
            Self::Live(live) => Ok(Outgoing::live(&live, sender, idle)),
            Self::Gone => Err(BodyFailure::Gone),
        }
    }
}

/// Who sends a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The client, with its request.
    Client,
    /// The server, or an addon in its place, with its response.
    Server,
}

pub(super) fn unreadable(error: io::Error) -> BodyFailure {
    BodyFailure::Incomplete(error.to_string())
}
