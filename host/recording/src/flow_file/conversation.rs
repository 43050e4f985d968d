//! The messages of a WebSocket, as flows have them from version 12 on. Their contents are only located.

use super::{
    message,
    tnetstring::{Frame, Kind, Reader, Trouble},
};
use crate::model::{Content, Message, WebSocket};

/// What was said over the WebSocket of a flow; `started_at` stands in for the time of a first message that has none. Nothing
/// if a part of it cannot be read: a conversation with gaps would be another one.
pub(super) fn read(
    reader: &mut Reader<'_>,
    frame: Frame,
    started_at: f64,
) -> Result<Option<WebSocket<Content>>, Trouble> {
    conversation(reader, frame, started_at).or_else(Trouble::without_flaw)
}

fn conversation(reader: &mut Reader<'_>, frame: Frame, started_at: f64) -> Result<Option<WebSocket<Content>>, Trouble> {
    let mut websocket = WebSocket::default();
    let mut dict = reader.inside(frame, Kind::Dict, "flow's WebSocket")?;
    while let Some((key, value)) = reader.entry(&mut dict)? {
        let present = value.present();
        match reader.string(key, "key")? {
            b"messages" => websocket.messages = messages(reader, value, started_at, MESSAGES_LIMIT)?,
            b"closed_by_client" => {
                let what = "side that closed";
                websocket.closed_by_client = present.map(|value| reader.boolean(value, what)).transpose()?;
            }
            b"close_code" => {
                let code = present.map(|value| reader.integer(value, "close code")).transpose()?;
                websocket.close_code = code.and_then(|code| u16::try_from(code).ok());
            }
            b"close_reason" => {
                websocket.close_reason = present.map(|value| reason(reader, value)).transpose()?;
            }
            b"timestamp_end" => websocket.ended_at = message::time(reader, present, "WebSocket's end")?,
            _ => {}
        }
    }
    Ok(Some(websocket))
}

fn reason(reader: &mut Reader<'_>, frame: Frame) -> Result<String, Trouble> {
    if frame.len > REASON_LIMIT {
        return Err(Trouble::flaw(frame.start, format!("the close reason has more than {REASON_LIMIT} bytes")));
    }
    Ok(String::from_utf8_lossy(reader.string(frame, "close reason")?).into_owned())
}

fn messages(
    reader: &mut Reader<'_>,
    frame: Frame,
    started_at: f64,
    limit: usize,
) -> Result<Vec<Message<Content>>, Trouble> {
    let (mut messages, mut last) = (Vec::new(), started_at);
    let mut list = reader.inside(frame, Kind::List, "WebSocket's messages")?;
    while let Some(item) = reader.item(&mut list)? {
        let Some(message) = message(reader, item, last)? else { continue };
        if messages.len() == limit {
            return Err(Trouble::flaw(item.start, format!("the WebSocket has more than {limit} messages")));
        }
        last = message.at;
        messages.push(message);
    }
    messages.shrink_to_fit();
    Ok(messages)
}

/// A message is a list of its type, direction, content and time, and whether it was dropped, which the recorder does when
/// its user does not want it to arrive.
fn message(reader: &mut Reader<'_>, frame: Frame, last: f64) -> Result<Option<Message<Content>>, Trouble> {
    let what = "WebSocket's message";
    let mut parts = reader.inside(frame, Kind::List, what)?;
    let mut part = |reader: &mut Reader<'_>| match reader.item(&mut parts)? {
        Some(part) => Ok(part),
        None => Err(Trouble::flaw(frame.start, format!("the {what} has less than four parts"))),
    };
    let (kind, from_client, content, at) = (part(reader)?, part(reader)?, part(reader)?, part(reader)?);
    let is_text = match reader.integer(kind, "message's type")? {
        1 => true,
        2 => false,
        other => {
            let what = format!("the message's type should be 1 or 2, found `{other}`");
            return Err(Trouble::flaw(kind.start, what));
        }
    };
    if let Some(dropped) = reader.item(&mut parts)?
        && reader.boolean(dropped, "message's end")?
    {
        return Ok(None);
    }
    Ok(Some(Message {
        is_text,
        from_client: reader.boolean(from_client, "message's direction")?,
        content: message::content(reader, content.present(), what)?,
        at: message::time(reader, at.present(), "message's time")?.unwrap_or(last),
    }))
}

/// RFC 6455, section 5.5 allows 125 bytes for all of a close frame; text from another encoding may be longer.
const REASON_LIMIT: u64 = 1024;
/// Hours of a hundred messages a second, and not more memory than the heads of a large recording.
const MESSAGES_LIMIT: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::{
        reading::Window,
        samples::{Value, dict, exchange, file, flow, nested, open},
    };

    fn list(items: &[Value]) -> Value {
        Value::List(items.to_vec())
    }

    fn said(kind: i64, from_client: bool, content: impl Into<Value>, at: f64) -> Vec<Value> {
        let flags = [Value::Bool(false), Value::Bool(false)];
        [&[kind.into(), Value::Bool(from_client), content.into(), at.into()][..], &flags].concat()
    }

    fn websocket(messages: &[Vec<Value>]) -> Value {
        dict()
            .with("messages", messages.iter().map(|message| list(message)).collect::<Vec<_>>())
            .with("closed_by_client", Value::Bool(true))
            .with("close_code", 1000)
            .with("close_reason", "bye")
            .with("timestamp_end", 1_700_000_009.5)
    }

    /// Reads a flow with `websocket`, which is one whatever the value is.
    fn read(websocket: Value) -> Option<WebSocket<Content>> {
        let exchange = exchange(&flow().with("websocket", websocket));
        assert!(exchange.is_websocket);
        exchange.flow.websocket
    }

    #[test]
    fn messages_are_located_and_the_close_is_read() {
        let messages = [said(1, true, b"hi", 1_700_000_001.0), said(2, false, &[b'x'; 70_000], 1_700_000_002.5)];
        let recording = open(&flow().with("websocket", websocket(&messages)).write()).unwrap();
        let found = recording.exchanges()[0].websocket.clone().unwrap();
        let parts = |index: usize| {
            let message = &found.messages[index];
            let content = recording.read(&message.content).unwrap();
            (message.is_text, message.from_client, content.to_vec(), message.at)
        };
        assert_eq!(found.messages.len(), 2);
        assert_eq!(parts(0), (true, true, b"hi".to_vec(), 1_700_000_001.0));
        assert_eq!(parts(1), (false, false, vec![b'x'; 70_000], 1_700_000_002.5));
        assert_eq!((found.closed_by_client, found.close_code), (Some(true), Some(1000)));
        assert_eq!((found.close_reason.as_deref(), found.ended_at), (Some("bye"), Some(1_700_000_009.5)));
    }

    #[test]
    fn what_is_not_known_is_none() {
        let open = dict().with("messages", list(&[]));
        for websocket in [
            dict(),
            open.clone(),
            open.with("closed_by_client", Value::Null)
                .with("close_code", Value::Null)
                .with("close_reason", Value::Null)
                .with("timestamp_end", Value::Null)
                .with("news", nested(100)),
        ] {
            let found = read(websocket).unwrap();
            assert!(found.messages.is_empty());
            assert_eq!((found.closed_by_client, found.close_code), (None, None));
            assert_eq!((found.close_reason, found.ended_at), (None, None));
        }
        assert!(exchange(&flow()).websocket.is_none());
        assert_eq!(read(dict().with("close_code", 70_000)).unwrap().close_code, None);
    }

    #[test]
    fn old_text_and_dropped_messages_and_missing_times_are_understood() {
        let mut dropped = said(1, true, b"dropped", 1.0);
        dropped[4] = Value::Bool(true);
        let mut timeless = said(1, true, "text", 1.0);
        timeless[3] = Value::Null;
        timeless.truncate(4);
        let mut missing = said(2, false, Value::Null, 1_700_000_100.0);
        missing.truncate(5);
        let found = read(websocket(&[timeless.clone(), dropped, missing, timeless])).unwrap();
        let times: Vec<_> = found.messages.iter().map(|message| message.at).collect();
        assert_eq!(times, [1_700_000_000.25, 1_700_000_100.0, 1_700_000_100.0]);
        let sizes: Vec<_> = found.messages.iter().map(|message| message.content.size()).collect();
        assert_eq!(sizes, [Some(4), None, Some(4)]);
        assert_eq!(found.messages[1].content, Content::NotRecorded);
    }

    #[test]
    fn a_conversation_with_a_flaw_is_none_and_its_exchange_stays() {
        let change = |at: usize, value: Value| {
            let mut message = said(1, true, b"hi", 1.0);
            message[at] = value;
            websocket(&[said(1, true, b"whole", 1.0), message])
        };
        let flaws = [
            "text".into(),
            1.into(),
            change(0, 3.into()),
            change(0, "1".into()),
            change(1, 1.into()),
            change(2, 7.into()),
            change(2, list(&[])),
            change(3, "now".into()),
            change(4, 1.into()),
            websocket(&[vec![1.into(), Value::Bool(true), b"hi".into()]]),
            websocket(&[]).with("messages", dict()),
            websocket(&[]).with("closed_by_client", 1),
            websocket(&[]).with("close_code", "1000"),
            websocket(&[]).with("close_reason", "x".repeat(1025).as_str()),
            websocket(&[]).with("timestamp_end", "now"),
        ];
        for flaw in flaws {
            assert!(read(flaw.clone()).is_none(), "{flaw:?}");
        }
    }

    #[test]
    fn more_messages_than_are_kept_are_a_flaw() {
        let written = list(&[list(&said(1, true, b"", 1.0)), list(&said(1, true, b"", 1.0))]).write();
        let file = file(&written);
        let opened = File::open(&file.path).unwrap();
        let mut reader = Reader::new(Window::new(&opened, written.len() as u64));
        let frame = reader.frame(0, reader.size()).unwrap();
        assert_eq!(messages(&mut reader, frame, 0.0, 2).unwrap().len(), 2);
        let Err(Trouble::Flaw(flaw)) = messages(&mut reader, frame, 0.0, 1) else { panic!("no flaw") };
        assert_eq!(flaw.what, "the WebSocket has more than 1 messages");
    }
}
