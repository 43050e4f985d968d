//! What two sessions of a WebSocket have apart, in lines.

use recording::{Content, Exchange, Message, Recording, RecordingError, WebSocket};

use super::{json_diff, measure, text};

/// Adds, of sessions in these recordings, a line for each message that is another one in the other session, and for another end.
pub(super) fn compare(
    recordings: [&Recording; 2],
    old: &Exchange,
    new: &Exchange,
    lines: &mut Vec<String>,
) -> Result<(), RecordingError> {
    let (old, new) = match (&old.websocket, &new.websocket) {
        (Some(old), Some(new)) => (old, new),
        (None, None) => return Ok(()),
        (old, new) => {
            lines.push(format!("WebSocket: {} -> {}", counted(old.as_ref()), counted(new.as_ref())));
            return Ok(());
        }
    };
    let (mut different, most) = (0, old.messages.len().max(new.messages.len()));
    for index in 0..most {
        let (old, new) = (old.messages.get(index), new.messages.get(index));
        let Some(difference) = difference(recordings, old, new)? else { continue };
        different += 1;
        if different <= SHOWN {
            lines.push(format!("message {}{difference}", index + 1));
        }
    }
    if different > SHOWN {
        lines.push(format!("{} more differ", measure::count(different - SHOWN, "message")));
    }
    let [old, new] = [old, new].map(end);
    if old != new {
        lines.push(format!("end of the WebSocket: {old} -> {new}"));
    }
    Ok(())
}

/// What two messages at one place have apart, if they do.
fn difference(
    recordings: [&Recording; 2],
    old: Option<&Message<Content>>,
    new: Option<&Message<Content>>,
) -> Result<Option<String>, RecordingError> {
    let [of_old, of_new] = recordings;
    let [before, after] = [(of_old, old), (of_new, new)].map(|(recording, message)| match message {
        Some(message) => said(recording, message).map(Some),
        None => Ok(None),
    });
    let (before, after) = (before?, after?);
    if before == after {
        return Ok(None);
    }
    if let (Some(old), Some(new)) = (&before, &after)
        && (old.from_client, old.is_text) == (new.from_client, new.is_text)
        && let (Some(old), Some(new)) = (&old.content, &new.content)
        && let Some(differences) = json_diff::differences(old, new)
    {
        // The same values in other words are the same.
        return Ok((!differences.is_empty()).then(|| format!(", {}", differences.join(", "))));
    }
    let [before, after] = [before, after].map(|said| said.map_or_else(|| "none".to_owned(), |said| said.shown()));
    Ok(Some(format!(": {before} -> {after}")))
}

/// What one side said; nothing stands for a content that was not recorded.
#[derive(PartialEq)]
struct Said {
    from_client: bool,
    is_text: bool,
    content: Option<Vec<u8>>,
}

impl Said {
    fn shown(&self) -> String {
        let who = if self.from_client { "client" } else { "server" };
        match &self.content {
            None => format!("{who}, not recorded"),
            Some(content) if self.is_text => format!("{who}, `{}`", text::cut(&text::decoded(content), TEXT_SHOWN)),
            Some(content) => format!("{who}, {} of bytes", measure::size(content.len() as u64)),
        }
    }
}

fn said(recording: &Recording, message: &Message<Content>) -> Result<Said, RecordingError> {
    let content = match &message.content {
        Content::NotRecorded => None,
        content => Some(recording.read(content)?.to_vec()),
    };
    Ok(Said { from_client: message.from_client, is_text: message.is_text, content })
}

fn counted(session: Option<&WebSocket<Content>>) -> String {
    session.map_or_else(|| "none".to_owned(), |session| measure::count(session.messages.len(), "message"))
}

/// How a session ended.
fn end(session: &WebSocket<Content>) -> String {
    let code = session.close_code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
    let reason = session.close_reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(", `{reason}`")).unwrap_or_default();
    match session.closed_by_client {
        Some(true) => format!("{code}{reason}, by the client"),
        Some(false) => format!("{code}{reason}, by the server"),
        None => format!("{code}{reason}"),
    }
}

/// Most messages that have a line: of one that was put in between, all that follow differ.
const SHOWN: usize = 10;
/// How much of a text is shown.
const TEXT_SHOWN: usize = 60;
