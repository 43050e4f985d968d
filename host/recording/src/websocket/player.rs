//! Playing the server's part of a recorded session.

use std::{
    future::{pending, poll_fn},
    io,
    pin::Pin,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::WebSocketStream;
use tungstenite::{
    Message,
    error::{Error, ProtocolError},
    protocol::{
        Role, WebSocketConfig,
        frame::{
            CloseFrame, Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use super::{
    decoder::MESSAGE_LIMIT,
    difference::{Difference, Said, between, extra},
    ended::{Ended, EndedBy, PlayError},
    schedule::{Next, Schedule},
    session::{ABNORMAL, Manner, NO_STATUS, OnDifference, Session, SessionContent},
};

/// How long a client may take to answer a close frame, and to take in what was sent before it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much is read at once. It is allocated for every session.
const READ: usize = 16 * 1024;

/// The longest reason in a close frame (RFC 6455 §5.5).
const REASON: usize = 123;

/// Plays `session` to a client whose handshake was answered without an extension, until it is closed or the client leaves.
///
/// Differences are told to `report` as they come; the pings of the client are answered. If the server closed the session,
/// it is closed at its time; otherwise it lasts until the client closes it or leaves. Dropping the future drops the
/// connection.
pub async fn play<S, C>(
    io: S,
    session: &Session<C>,
    manner: Manner,
    report: impl FnMut(Difference),
) -> Result<Ended, PlayError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: SessionContent,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let schedule = Schedule::new(session, manner, Instant::now());
    let on_difference = manner.on_difference;
    let mut player = Player { socket, session, schedule, on_difference, report, is_flushed: true };
    let by = player.play().await?;
    let (unsent, missing) = player.schedule.left();
    Ok(Ended { by, unsent, missing })
}

struct Player<'s, S, C, R> {
    socket: WebSocketStream<S>,
    session: &'s Session<C>,
    schedule: Schedule<'s, C>,
    on_difference: OnDifference,
    report: R,
    /// Whether the client has been given everything that was sent.
    is_flushed: bool,
}

/// What has happened while waiting.
enum Happened {
    Due,
    Flushed,
    Came(Message),
    Left,
}

impl<S, C, R> Player<'_, S, C, R>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: SessionContent,
    R: FnMut(Difference),
{
    async fn play(&mut self) -> Result<EndedBy, PlayError> {
        loop {
            let next = self.schedule.next();
            let due = match next {
                Next::Send(_, due) | Next::Close(due) => Some(due),
                Next::Wait => None,
            };
            let happened = match self.wait(due).await {
                Ok(happened) => happened,
                Err(error) => return Err(self.refuse(error).await),
            };
            match (happened, next) {
                (Happened::Left, _) => return Ok(EndedBy::Departure),
                (Happened::Came(Message::Close(_)), _) => {
                    self.part().await?;
                    return Ok(EndedBy::Client);
                }
                (Happened::Came(message), _) => {
                    if let Some(ended) = self.check_or_end(message).await? {
                        return Ok(ended);
                    }
                }
                (Happened::Due, Next::Send(index, _)) => self.send(index).await?,
                (Happened::Due, Next::Close(_)) => {
                    self.close_as_recorded().await?;
                    return Ok(EndedBy::Server);
                }
                (Happened::Due, Next::Wait) | (Happened::Flushed, _) => {}
            }
        }
    }

    /// Waits until something happens; until `due` only if everything sent has left, so that nothing piles up. What the
    /// client says is taken in meanwhile: a client that is stuck sending would not take in anything either.
    async fn wait(&mut self, due: Option<Instant>) -> Result<Happened, Error> {
        let due = due.filter(|_| self.is_flushed);
        let (socket, is_flushed) = (&mut self.socket, &mut self.is_flushed);
        let traffic = poll_fn(|context| {
            if !*is_flushed && let Poll::Ready(flushed) = Pin::new(&mut *socket).poll_flush(context) {
                *is_flushed = true;
                return Poll::Ready(flushed.map(|()| Happened::Flushed));
            }
            let came = Pin::new(&mut *socket).poll_next(context);
            came.map(|came| came.transpose().map(|came| came.map_or(Happened::Left, Happened::Came)))
        });
        let timer = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        let happened = tokio::select! {
            biased;
            happened = traffic => happened,
            () = timer => Ok(Happened::Due),
        };
        match happened {
            Err(error) if is_departure(&error) => Ok(Happened::Left),
            happened => happened,
        }
    }

    async fn send(&mut self, index: usize) -> Result<(), PlayError> {
        let content = content_of(self.session, index).await?;
        let is_text = self.session.websocket.messages.get(index).is_some_and(|message| message.is_text);
        let kind = if is_text { Data::Text } else { Data::Binary };
        // A frame, because a recorded text need not be one.
        self.queue(Message::Frame(Frame::message(content, OpCode::Data(kind), true)));
        self.schedule.sent(Instant::now());
        Ok(())
    }

    /// Hands on a frame. If that fails, the client has left, which is seen when waiting for it.
    fn queue(&mut self, message: Message) {
        self.is_flushed = Pin::new(&mut self.socket).start_send(message).is_err();
    }

    async fn check_or_end(&mut self, message: Message) -> Result<Option<EndedBy>, PlayError> {
        let Some(difference) = self.check(message).await? else { return Ok(None) };
        let reason = format!("message {}: {}", difference.number, difference.what);
        (self.report)(difference);
        match self.on_difference {
            OnDifference::Ignore => return Ok(None),
            OnDifference::Drop => {}
            OnDifference::Close => self.close(Some((CloseCode::Policy.into(), &reason))).await?,
        }
        Ok(Some(EndedBy::Difference))
    }

    /// Compares a message with the recorded one.
    async fn check(&mut self, message: Message) -> Result<Option<Difference>, PlayError> {
        let is_text = message.is_text();
        if !is_text && !message.is_binary() {
            return Ok(None);
        }
        let (number, index) = self.schedule.came(Instant::now());
        let content = message.into_data();
        let came = Said { is_text, content: &content };
        let what = match index {
            Some(index) => {
                let content = content_of(self.session, index).await?;
                let is_text = self.session.websocket.messages.get(index).is_some_and(|message| message.is_text);
                between(Said { is_text, content: &content }, came)
            }
            None => Some(extra(came)),
        };
        Ok(what.map(|what| Difference { number, what }))
    }

    async fn close_as_recorded(&mut self) -> Result<(), PlayError> {
        match self.session.websocket.close_code {
            Some(ABNORMAL) => {
                self.hang_up().await;
                Ok(())
            }
            Some(NO_STATUS) | None => self.close(None).await,
            Some(code) => {
                let reason = self.session.websocket.close_reason.as_deref().unwrap_or_default();
                self.close(Some((code, reason))).await
            }
        }
    }

    /// Sends a close frame, and waits for the answer.
    async fn close(&mut self, status: Option<(u16, &str)>) -> Result<(), PlayError> {
        let frame = status.map(|(code, reason)| {
            let reason = &reason[..reason.floor_char_boundary(REASON)];
            CloseFrame { code: code.into(), reason: reason.into() }
        });
        self.queue(Message::Close(frame));
        self.part().await
    }

    /// Waits until the client has been given the close frame, and has answered it or is the one that sent it. What it says
    /// until then is checked, but changes nothing.
    async fn part(&mut self) -> Result<(), PlayError> {
        let parting = async {
            loop {
                match self.wait(None).await {
                    Ok(Happened::Came(message)) => {
                        if let Some(difference) = self.check(message).await? {
                            (self.report)(difference);
                        }
                    }
                    Ok(Happened::Due | Happened::Flushed) => {}
                    Ok(Happened::Left) | Err(_) => return Ok(()),
                }
            }
        };
        // The connection of a client that takes longer is dropped.
        if let Ok(parted) = timeout(CLOSE_TIMEOUT, parting).await {
            parted?;
            self.hang_up().await;
        }
        Ok(())
    }

    /// Ends the session of a client that breaks the protocol (RFC 6455 §7.1.7).
    async fn refuse(&mut self, error: Error) -> PlayError {
        let code = match error {
            Error::Capacity(_) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            _ => CloseCode::Protocol,
        };
        self.queue(Message::Close(Some(CloseFrame { code, reason: Default::default() })));
        self.hang_up().await;
        PlayError::Client(Box::new(error))
    }

    /// Ends the connection after what was sent. What fails here has no consequence.
    async fn hang_up(&mut self) {
        let ending = async {
            if !self.is_flushed {
                poll_fn(|context| Pin::new(&mut self.socket).poll_flush(context)).await.ok();
            }
            self.socket.get_mut().shutdown().await
        };
        timeout(CLOSE_TIMEOUT, ending).await.ok();
    }
}

/// Whether the client has left, and not done something wrong.
fn is_departure(error: &Error) -> bool {
    matches!(error, Error::Io(_) | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))
}

/// Reads a recorded message, which may block.
async fn content_of<C: SessionContent>(session: &Session<C>, index: usize) -> Result<Bytes, PlayError> {
    let Some(message) = session.websocket.messages.get(index) else { return Ok(Bytes::new()) };
    let content = message.content.clone();
    let read = tokio::task::spawn_blocking(move || content.read()).await;
    read.map_err(io::Error::from).flatten().map_err(|source| PlayError::Content { number: index + 1, source })
}

#[cfg(test)]
mod tests;
