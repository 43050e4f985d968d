//! Events as they are streamed.

use std::sync::Arc;

use control::{Event, LogLine, Note};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    time::timeout,
};

use super::{
    fake::answered,
    harness::{PATIENCE, Served, TOKEN},
    schema,
};
use crate::{handlers::openapi::DOCUMENT, routes::MOST_STREAMS};

/// A stream of events whose head has come, so that nothing is missed from now on.
struct Stream {
    status: String,
    lines: Lines<BufReader<TcpStream>>,
}

impl Stream {
    async fn open(served: &Served, query: &str) -> Self {
        let mut stream = served.connect().await;
        let head =
            format!("GET /v1/events{query} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("it reads");
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next_line().await.expect("a line").expect("a line");
        while lines.next_line().await.expect("a line").is_some_and(|line| !line.is_empty()) {}
        Self { status, lines }
    }

    /// The name and the data of the next event.
    async fn next(&mut self) -> (String, Value) {
        let mut name = String::new();
        timeout(PATIENCE, async {
            loop {
                let line = self.lines.next_line().await.expect("a line").expect("a line");
                if let Some(event) = line.strip_prefix("event: ") {
                    name = event.to_owned();
                }
                if let Some(data) = line.strip_prefix("data: ") {
                    return (name, serde_json::from_str(data).expect("JSON"));
                }
            }
        })
        .await
        .expect("an event in time")
    }
}

fn all() -> Vec<Event> {
    let flow = Arc::new(answered().summary);
    let note = Note { addon: "a".to_owned(), name: "n".to_owned(), text: "t\nu".to_owned(), data: None };
    vec![
        Event::FlowStarted { flow: flow.clone() },
        Event::FlowAnswered { flow: flow.clone() },
        Event::FlowKilled { flow: flow.clone() },
        Event::FlowFailed { flow: flow.clone() },
        Event::FlowEnded { flow },
        Event::Noted { flow: 4, note },
        Event::Changed { generation: 2, what: "x".to_owned() },
        Event::Logged(LogLine { at: 1.5, level: "warn", text: "w".to_owned() }),
        Event::Lost { events: 9 },
    ]
}

#[tokio::test]
async fn every_kind_of_event_is_sent_as_the_document_says() {
    let served = Served::start().await;
    let document: Value = serde_json::from_str(DOCUMENT).expect("a JSON document");
    let mut stream = Stream::open(&served, "").await;
    assert_eq!(stream.status, "HTTP/1.1 200 OK");
    for event in all() {
        served.fake.events.send(event).expect("somebody listens");
        let (name, data) = stream.next().await;
        assert_eq!(data["event"], name.as_str());
        assert_eq!(schema::fault(&document, &document["components"]["schemas"]["Event"], &data, "the event"), None);
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_sent_and_what_was_lost_always() {
    let served = Served::start().await;
    let mut kinds = Stream::open(&served, "?kind=noted,flow_ended").await;
    let mut session = Stream::open(&served, "?session=b").await;
    let mut filter = Stream::open(&served, "?filter=~u%20shop.example").await;
    let mut other = Stream::open(&served, "?filter=~u%20else").await;
    for event in all() {
        served.fake.events.send(event).expect("somebody listens");
        // Nobody falls behind, as all are read.
        if served.fake.events.len() == 4 {
            while !served.fake.events.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    }
    let expected: [(&mut Stream, &[&str]); 4] = [
        (&mut kinds, &["flow_ended", "noted", "lost"]),
        (&mut session, &["noted", "changed", "logged", "lost"]),
        (
            &mut filter,
            &[
                "flow_started",
                "flow_answered",
                "flow_killed",
                "flow_failed",
                "flow_ended",
                "noted",
                "changed",
                "logged",
                "lost",
            ],
        ),
        (&mut other, &["noted", "changed", "logged", "lost"]),
    ];
    for (stream, names) in expected {
        for name in names {
            assert_eq!(stream.next().await.0, *name);
        }
    }
}

#[tokio::test]
async fn streams_leave_room_for_other_requests() {
    let served = Served::start().await;
    let mut streams = Vec::new();
    for _ in 0..MOST_STREAMS {
        streams.push(Stream::open(&served, "").await);
    }
    let refused = served.ask("GET", "/v1/events", "", b"").await;
    let reason = "there are too many streams of events: close one of them";
    assert_eq!((refused.status, refused.error()), (503, ("refused".to_owned(), reason.to_owned())));
    assert_eq!(served.ask("GET", "/v1/flows", "", b"").await.status, 200);
    streams.pop();
    let closed = async { while Stream::open(&served, "").await.status != "HTTP/1.1 200 OK" {} };
    timeout(PATIENCE, closed).await.expect("there is room again");
}

#[tokio::test]
async fn a_stream_does_not_keep_the_server_from_stopping() {
    let mut served = Served::start().await;
    let mut stream = Stream::open(&served, "").await;
    drop(served.stop.take());
    timeout(PATIENCE, served.task).await.expect("it stops").expect("it does not panic");
    while let Ok(Some(_)) = stream.lines.next_line().await {}
}
