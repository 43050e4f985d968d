use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    task::JoinHandle,
};

use super::super::session::{SessionContent, Turn};
use super::*;
use crate::model::{self, Pace, WebSocket};

type Session = super::Session<Said>;

/// What a message says.
#[derive(Clone)]
enum Said {
    Bytes(&'static [u8]),
    /// It counts how often it is read.
    Counted(Arc<AtomicUsize>),
    /// It cannot be read.
    Lost,
}

impl SessionContent for Said {
    fn read(&self) -> io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(Bytes::from_static(bytes)),
            Self::Counted(count) => {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(Bytes::from_static(&[b'x'; 1000]))
            }
            Self::Lost => Err(io::Error::other("it is gone")),
        }
    }
}

type Played = (Result<Ended, PlayError>, Vec<Difference>);

/// A client to which a session is played, in virtual time.
struct Client {
    socket: WebSocketStream<DuplexStream>,
    started: Instant,
    player: JoinHandle<Played>,
}

/// More than the tests send without reading, unless they mean to.
const ROOM: usize = 64 * 1024;

fn player(session: Session, manner: Manner, room: usize) -> (DuplexStream, JoinHandle<Played>) {
    let (client, server) = duplex(room);
    let player = tokio::spawn(async move {
        let mut differences = Vec::new();
        let ended = play(server, &session, manner, |difference| differences.push(difference)).await;
        (ended, differences)
    });
    (client, player)
}

impl Client {
    async fn new(session: Session, manner: Manner) -> Self {
        Self::with_room(session, manner, ROOM).await
    }

    async fn with_room(session: Session, manner: Manner, room: usize) -> Self {
        let (client, player) = player(session, manner, room);
        let socket = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        Self { socket, started: Instant::now(), player }
    }

    async fn say(&mut self, text: &'static str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next thing that the server does, with its time in milliseconds.
    async fn hear(&mut self) -> String {
        let heard = match self.socket.next().await {
            Some(Ok(Message::Close(None))) => "close".into(),
            Some(Ok(Message::Close(Some(frame)))) => format!("close {} {}", u16::from(frame.code), frame.reason),
            Some(Ok(Message::Pong(content))) => format!("pong {}", content.escape_ascii()),
            Some(Ok(message)) if message.is_text() => message.into_text().unwrap().to_string(),
            Some(Ok(message)) => format!("binary {}", message.into_data().escape_ascii()),
            Some(Err(_)) => "break".into(),
            None => "end".into(),
        };
        format!("{heard}@{}", self.started.elapsed().as_millis())
    }

    async fn played(self) -> Played {
        drop(self.socket);
        self.player.await.unwrap()
    }
}

/// A session of `client text` and `server text` with their times, whose handshake was done at 100.
fn session(messages: &[(&'static str, f64)]) -> Session {
    let message = |(said, at): &(&'static str, f64)| {
        let (side, text) = said.split_once(' ').unwrap();
        let content = Said::Bytes(text.as_bytes());
        model::Message { is_text: true, from_client: side == "client", content, at: *at }
    };
    let messages = messages.iter().map(message).collect();
    Session { websocket: WebSocket { messages, ..WebSocket::default() }, started_at: 100.0 }
}

fn closed_by_server(mut session: Session, close_code: Option<u16>, reason: &str, ended_at: f64) -> Session {
    let (messages, closed_by_client, close_reason) = (session.websocket.messages, Some(false), Some(reason.into()));
    session.websocket = WebSocket { messages, closed_by_client, close_code, close_reason, ended_at: Some(ended_at) };
    session
}

fn manner(turn: Turn, pace: Pace, on_difference: OnDifference) -> Manner {
    Manner { turn, pace, on_difference }
}

const TIMED: Manner = Manner { turn: Turn::Timed, pace: Pace::Recorded(1.0), on_difference: OnDifference::Ignore };
const REQUESTED: Manner =
    Manner { turn: Turn::Requested, pace: Pace::Recorded(1.0), on_difference: OnDifference::Ignore };

fn ended(by: EndedBy, unsent: usize, missing: usize) -> Ended {
    Ended { by, unsent, missing }
}

#[track_caller]
fn assert_ended(played: Played, by: EndedBy, unsent: usize, missing: usize) {
    assert_eq!(played.0.unwrap(), ended(by, unsent, missing));
    assert_eq!(played.1, []);
}

#[tokio::test(start_paused = true)]
async fn timed_messages_come_whatever_the_client_does() {
    let session = session(&[("server a", 100.5), ("client x", 101.0), ("server b", 103.0)]);
    let mut client = Client::new(session.clone(), TIMED).await;
    assert_eq!(client.hear().await, "a@500");
    assert_eq!(client.hear().await, "b@3000");
    assert_ended(client.played().await, EndedBy::Departure, 0, 1);

    let mut client = Client::new(session.clone(), manner(Turn::Timed, Pace::AtOnce, OnDifference::Ignore)).await;
    assert_eq!(client.hear().await, "a@0");
    assert_eq!(client.hear().await, "b@0");
    client.say("x").await;
    assert_ended(client.played().await, EndedBy::Departure, 0, 0);

    let slow = manner(Turn::Timed, Pace::Delayed(Duration::from_secs(7)), OnDifference::Ignore);
    let mut client = Client::new(session, slow).await;
    assert_eq!(client.hear().await, "a@7000");
    assert_eq!(client.hear().await, "b@14000");
}

#[tokio::test(start_paused = true)]
async fn requested_messages_come_after_the_client() {
    let session = session(&[("client x", 100.0), ("server a", 100.25), ("client y", 101.0), ("server b", 101.5)]);
    let mut client = Client::new(session.clone(), REQUESTED).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    client.say("x").await;
    assert_eq!(client.hear().await, "a@60250");
    tokio::time::advance(Duration::from_secs(60)).await;
    client.say("y").await;
    assert_eq!(client.hear().await, "b@120750");
    assert_ended(client.played().await, EndedBy::Departure, 0, 0);

    let at_once = manner(Turn::Requested, Pace::AtOnce, OnDifference::Ignore);
    let mut client = Client::new(session, at_once).await;
    client.say("x").await;
    client.say("y").await;
    assert_eq!(client.hear().await, "a@0");
    assert_eq!(client.hear().await, "b@0");
}

#[tokio::test(start_paused = true)]
async fn the_server_closes_as_recorded() {
    let messages = session(&[("server a", 101.0)]);
    let recorded = closed_by_server(messages.clone(), Some(4001), "enough", 103.0);
    for (manner, time) in [(TIMED, 3000), (REQUESTED, 3000)] {
        let mut client = Client::new(recorded.clone(), manner).await;
        assert_eq!(client.hear().await, "a@1000");
        assert_eq!(client.hear().await, format!("close 4001 enough@{time}"));
        assert_eq!(client.hear().await, format!("end@{time}"));
        assert_ended(client.played().await, EndedBy::Server, 0, 0);
    }
    for code in [None, Some(1005)] {
        let mut client = Client::new(closed_by_server(messages.clone(), code, "", 103.0), TIMED).await;
        assert_eq!(client.hear().await, "a@1000");
        assert_eq!(client.hear().await, "close@3000");
        assert_eq!(client.hear().await, "end@3000");
        assert_ended(client.played().await, EndedBy::Server, 0, 0);
    }
    let mut client = Client::new(closed_by_server(messages, Some(1006), "", 103.0), TIMED).await;
    assert_eq!(client.hear().await, "a@1000");
    assert_eq!(client.hear().await, "break@3000");
    assert_ended(client.played().await, EndedBy::Server, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_answer_to_a_close_is_checked() {
    let recorded = closed_by_server(session(&[("client x", 101.0), ("client y", 102.0)]), Some(1000), "", 103.0);
    let at_once = manner(Turn::Timed, Pace::AtOnce, OnDifference::Close);
    let (mut client, player) = player(recorded, at_once, ROOM);
    let mut heard = [0; 4];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, *b"\x88\x02\x03\xe8");
    client.write_all(b"\x81\x81\0\0\0\0x\x81\x81\0\0\0\0z\x88\x80\0\0\0\0").await.unwrap();
    assert_eq!(client.read(&mut heard).await.unwrap(), 0);
    let (result, differences) = player.await.unwrap();
    assert_eq!(result.unwrap(), ended(EndedBy::Server, 0, 0));
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].number, 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_answers_a_close_is_left() {
    let (mut client, player) = player(closed_by_server(session(&[]), Some(1000), "", 101.0), TIMED, ROOM);
    let started = Instant::now();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"\x88\x02\x03\xe8");
    assert_eq!(started.elapsed().as_millis(), 6000);
    assert_ended(player.await.unwrap(), EndedBy::Server, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_in_is_left_too() {
    let (_client, player) = player(closed_by_server(session(&[]), Some(1000), "", 101.0), TIMED, 1);
    let started = Instant::now();
    assert_ended(player.await.unwrap(), EndedBy::Server, 0, 0);
    assert_eq!(started.elapsed().as_millis(), 6000);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_close_at_any_time() {
    let mut recorded = session(&[("server a", 101.0), ("server b", 102.0)]);
    recorded.websocket.closed_by_client = Some(true);
    for (heard, unsent) in [(0, 2), (1, 1), (2, 0)] {
        let mut client = Client::new(recorded.clone(), TIMED).await;
        for _ in 0..heard {
            client.hear().await;
        }
        let frame = CloseFrame { code: CloseCode::Away, reason: "bye".into() };
        client.socket.close(Some(frame)).await.unwrap();
        assert_eq!(client.hear().await, format!("close 1001 bye@{}", heard * 1000));
        assert_eq!(client.hear().await, format!("end@{}", heard * 1000));
        assert_ended(client.played().await, EndedBy::Client, unsent, 0);
    }
    let client = Client::new(recorded, TIMED).await;
    assert_ended(client.played().await, EndedBy::Departure, 2, 0);
}

#[tokio::test(start_paused = true)]
async fn differences_are_told_and_may_be_ignored() {
    let recorded = session(&[("client {\"id\": 1}", 101.0), ("client y", 102.0), ("server a", 102.5)]);
    let mut client = Client::new(recorded, REQUESTED).await;
    client.say("{\"id\": 2}").await;
    client.socket.send(Message::binary("y")).await.unwrap();
    assert_eq!(client.hear().await, "a@500");
    client.say("secret").await;
    let (result, differences) = client.played().await;
    assert_eq!(result.unwrap(), ended(EndedBy::Departure, 0, 0));
    let told: Vec<_> =
        differences.iter().map(|difference| format!("{} {}", difference.number, difference.what)).collect();
    assert_eq!(
        told,
        [
            "1 it differs at byte 7, at `/id` in its JSON; its length is 9, recorded is 9",
            "2 it is binary of length 1, recorded is text of length 1",
            "3 it is text of length 6, recorded is no further message"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_difference_may_end_the_session() {
    let recorded = session(&[("client x", 101.0), ("server a", 102.5)]);
    let mut client = Client::new(recorded.clone(), manner(Turn::Requested, Pace::AtOnce, OnDifference::Drop)).await;
    client.say("z").await;
    assert_eq!(client.hear().await, "break@0");
    let (result, differences) = client.played().await;
    assert_eq!(result.unwrap(), ended(EndedBy::Difference, 1, 0));
    assert_eq!(differences.len(), 1);

    let mut client = Client::new(recorded, manner(Turn::Requested, Pace::AtOnce, OnDifference::Close)).await;
    client.say("z").await;
    let reason = "message 1: it differs at byte 0; its length is 1, recorded is 1";
    assert_eq!(client.hear().await, format!("close 1008 {reason}@0"));
    assert_eq!(client.hear().await, "end@0");
    let (result, differences) = client.played().await;
    assert_eq!(result.unwrap(), ended(EndedBy::Difference, 1, 0));
    assert_eq!(differences.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_reason_is_cut_between_characters() {
    let recorded = closed_by_server(session(&[]), Some(1000), &"\u{e9}".repeat(100), 101.0);
    let mut client = Client::new(recorded, TIMED).await;
    assert_eq!(client.hear().await, format!("close 1000 {}@1000", "\u{e9}".repeat(61)));
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_messages_are_waited_for() {
    let mut client = Client::new(session(&[("client x", 101.0), ("server a", 102.0)]), TIMED).await;
    client.socket.send(Message::Ping("1".into())).await.unwrap();
    assert_eq!(client.hear().await, "pong 1@0");
    assert_eq!(client.hear().await, "a@2000");
    client.socket.send(Message::Ping("2".into())).await.unwrap();
    assert_eq!(client.hear().await, "pong 2@2000");
    assert_ended(client.played().await, EndedBy::Departure, 0, 1);
}

#[tokio::test(start_paused = true)]
async fn both_may_send_much_at_the_same_time() {
    let much: &'static str = "x".repeat(300_000).leak();
    let mut recorded = session(&[("client ", 101.0), ("server ", 102.0), ("client ", 103.0), ("server ", 104.0)]);
    for message in &mut recorded.websocket.messages {
        message.content = Said::Bytes(much.as_bytes());
    }
    let at_once = manner(Turn::Timed, Pace::AtOnce, OnDifference::Drop);
    let mut client = Client::with_room(recorded, at_once, 100).await;
    client.say(much).await;
    client.say(much).await;
    assert!(client.hear().await == format!("{much}@0"));
    assert!(client.hear().await == format!("{much}@0"));
    assert_ended(client.played().await, EndedBy::Departure, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn messages_are_not_read_before_the_client_takes_them_in() {
    let counted = Arc::new(AtomicUsize::new(0));
    let mut recorded = session(&[("server ", 101.0); 100]);
    for message in &mut recorded.websocket.messages {
        message.content = Said::Counted(counted.clone());
    }
    let at_once = manner(Turn::Timed, Pace::AtOnce, OnDifference::Ignore);
    let mut client = Client::with_room(recorded, at_once, 5000).await;
    // Virtual time passes when nothing else can happen.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(counted.load(Ordering::Relaxed), 5);
    for _ in 0..100 {
        client.hear().await;
    }
    assert_ended(client.played().await, EndedBy::Departure, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn messages_are_sent_byte_by_byte_as_recorded() {
    let mut recorded = closed_by_server(session(&[("server ", 101.0), ("server ", 102.0)]), None, "", 102.0);
    // A text that is none.
    recorded.websocket.messages[0].content = Said::Bytes(b"\xff\x00");
    recorded.websocket.messages[1].is_text = false;
    let (mut client, _player) = player(recorded, TIMED, ROOM);
    let mut heard = [0; 8];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, *b"\x81\x02\xff\x00\x82\x00\x88\x00");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_breaks_the_protocol_is_told_why() {
    let too_large = [&[0x82, 0xff][..], &(MESSAGE_LIMIT as u64 + 1).to_be_bytes(), &[0; 4]].concat();
    for (said, code, cause) in [
        (&b"\x81\x01a"[..], 1002, "WebSocket protocol error: Received an unmasked frame from client"),
        (b"\xc1\x81\0\0\0\0a", 1002, "WebSocket protocol error: Reserved bits are non-zero"),
        (b"\x81\x81\0\0\0\0\xff", 1007, "UTF-8 encoding error: invalid utf-8 sequence of 1 bytes from index 0"),
        (&too_large, 1009, "Space limit exceeded: Message too long: 67108865 > 67108864"),
    ] {
        let (mut client, player) = player(session(&[("server a", 101.0)]), TIMED, ROOM);
        client.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, [&[0x88, 2][..], &u16::to_be_bytes(code)].concat());
        let error = player.await.unwrap().0.unwrap_err();
        assert_eq!(error.to_string(), "the client broke the WebSocket protocol");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), cause);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_is_named() {
    for side in ["client ", "server "] {
        let mut recorded = session(&[("server a", 101.0), (side, 102.0)]);
        recorded.websocket.messages[1].content = Said::Lost;
        let mut client = Client::new(recorded, TIMED).await;
        assert_eq!(client.hear().await, "a@1000");
        client.say("x").await;
        assert!(client.hear().await.starts_with("break@"));
        let error = client.player.await.unwrap().0.unwrap_err();
        assert_eq!(error.to_string(), "cannot read message 2 of the recorded session");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "it is gone");
    }
}

#[test]
fn playing_can_be_given_to_another_thread() {
    fn can_be_sent(_: impl Send) {}
    let (_client, server) = duplex(1);
    can_be_sent(play(server, &session(&[]), TIMED, |_| {}));
}
