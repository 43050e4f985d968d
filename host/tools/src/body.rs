//! Bodies for people.

use recording::{Content, Fields, Recording, RecordingError, media_type};

use super::{decode, json, measure, text};

/// A body as it is shown.
pub(super) struct ShownBody {
    /// What it is, in a line.
    pub(super) about: String,
    /// What it says, in lines that end.
    pub(super) lines: String,
}

/// Reads and decodes a body, and makes it readable.
pub(super) fn shown(recording: &Recording, content: &Content, fields: &Fields) -> Result<ShownBody, RecordingError> {
    let Some(stored) = content.size() else {
        return Ok(ShownBody { about: "body not recorded".to_owned(), lines: String::new() });
    };
    if stored == 0 {
        return Ok(ShownBody { about: "no body".to_owned(), lines: String::new() });
    }
    if stored > READ_LIMIT {
        let start = recording.read_at(content, 0, HEX_LIMIT)?;
        return Ok(ShownBody {
            about: format!("body: {}, the first bytes", measure::size(stored)),
            lines: text::hex(&start),
        });
    }
    let raw = recording.read(content)?;
    let decoded = decode::decode(&raw, fields);
    let mut about = format!("body: {}", measure::size(stored));
    let coding = fields.joined("content-encoding");
    match (&decoded, coding) {
        (Some(decoded), Some(coding)) => {
            about = format!("{about}, {} decoded from {}", measure::size(decoded.len() as u64), text::bytes(&coding));
        }
        (None, Some(coding)) => about = format!("{about}, not decoded from {}", text::bytes(&coding)),
        _ => {}
    }
    let (kind, lines) = readable(decoded.as_ref().unwrap_or(&raw), fields);
    Ok(ShownBody { about: format!("{about}, {kind}"), lines })
}

/// A message of a WebSocket, or any bytes without fields.
pub(super) fn readable_message(content: &[u8]) -> String {
    readable(content, &Fields::new()).1
}

/// What a body is, and what it says.
fn readable(content: &[u8], fields: &Fields) -> (&'static str, String) {
    let Some(text) = as_text(content, fields) else {
        let start = content.get(..HEX_LIMIT).unwrap_or(content);
        return ("binary", text::hex(start));
    };
    match json::indented(text.trim_start_matches('\u{feff}')).filter(|text| text.starts_with(['{', '['])) {
        Some(indented) => ("JSON", ended(text::lines(&indented))),
        None => ("text", ended(text::lines(&text))),
    }
}

/// The text of a content in the charset that its fields name, unless it is none.
pub(super) fn as_text(content: &[u8], fields: &Fields) -> Option<String> {
    let kind = fields.joined("content-type").map(|kind| text::latin1(&kind).to_ascii_lowercase());
    let kind = kind.unwrap_or_default();
    let charset = media_type::parameter(&kind, "charset").and_then(|range| kind.get(range));
    let charset = charset.map(|charset| charset.trim_matches('\''));
    let is_latin1 = charset.is_some_and(|charset| LATIN1.iter().any(|name| charset.starts_with(name)));
    let text = match str::from_utf8(content) {
        _ if is_latin1 => text::latin1(content),
        Ok(text) => text.to_owned(),
        Err(_) if kind.starts_with("text/") && charset.is_none() => text::latin1(content),
        Err(_) => return None,
    };
    // Pictures and packed data have these at once, texts hardly ever.
    let is_binary =
        |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    (!text.contains(is_binary)).then_some(text)
}

fn ended(mut lines: String) -> String {
    if !lines.is_empty() && !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// The names of Latin-1, and of what differs from it in characters that are seldom used.
const LATIN1: [&str; 4] = ["iso-8859-1", "latin-1", "latin1", "windows-1252"];
/// The largest body that is read whole.
pub(super) const READ_LIMIT: u64 = 64 << 20;
/// How many bytes of what is no text are shown.
const HEX_LIMIT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn of_kind(content: &[u8], kind: &'static str) -> (&'static str, String) {
        readable(content, &[("content-type", kind)].into())
    }

    #[test]
    fn a_text_is_read_in_its_charset() {
        assert_eq!(of_kind(b"caf\xe9", "text/plain; charset=\"ISO-8859-1\""), ("text", "café\n".to_owned()));
        assert_eq!(of_kind("café".as_bytes(), "text/plain"), ("text", "café\n".to_owned()));
        assert_eq!(of_kind(b"caf\xe9", "text/plain"), ("text", "café\n".to_owned()));
        assert_eq!(of_kind(b"caf\xe9", "text/plain; charset=utf-8").0, "binary");
        assert_eq!(of_kind(b"caf\xe9", "application/octet-stream").0, "binary");
    }

    #[test]
    fn json_is_known_without_its_type() {
        assert_eq!(of_kind(b"\xef\xbb\xbf{\"a\":1}", "text/plain"), ("JSON", "{\n  \"a\": 1\n}\n".to_owned()));
        assert_eq!(of_kind(b"1", "application/json"), ("text", "1\n".to_owned()));
    }

    #[test]
    fn what_is_no_text_is_dumped_from_its_start() {
        let (kind, lines) = of_kind(&[0; 1000], "text/plain");
        assert_eq!((kind, lines.lines().count()), ("binary", HEX_LIMIT / 16));
    }

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(of_kind(b"\x1b]0;title", "text/plain"), ("text", "\\u{1b}]0;title\n".to_owned()));
    }
}
