//! What recorders leave out of bodies, because they are too large, were forgotten, or are not wanted.

use super::body::content_length;
use crate::{
    document::{Entry, Text},
    media_type::parameter,
    model::Fields,
    reading::body::is_wide,
};

/// Whether it is said of a body that it is not whole, or not there: in words, as Fiddler, Firefox and HTTP Toolkit do, or by a
/// mark.
pub(super) fn is_told(entry: &Entry, place: &str) -> Result<bool, String> {
    for mark in ["truncated", "_truncated"] {
        if entry.get(&format!("{place}.{mark}"))?.is_some_and(|mark| mark.as_bool() == Some(true)) {
            return Ok(true);
        }
    }
    let comment = entry.get(&format!("{place}.comment"))?.and_then(|comment| comment.as_str()).unwrap_or_default();
    let comment = comment.to_ascii_lowercase();
    Ok(SAID.iter().any(|said| comment.contains(said)))
}

/// Whether HTTP Toolkit says that it has left a body out, of the request or of the response.
pub(super) fn is_discarded(entry: &Entry, side: &str) -> Result<bool, String> {
    let status = entry.get(&format!("{side}._{side}BodyStatus"))?.and_then(|status| status.as_str());
    Ok(status.is_some_and(|status| status.starts_with("discarded")))
}

/// Whether a request may have had a body that nobody tells the size of: its recorder does not know, and it is of a method
/// that is there to send something.
pub(super) fn may_have_body(entry: &Entry, fields: &Fields) -> Result<bool, String> {
    let is_unknown = entry.number("request.bodySize")?.is_some_and(|size| size < 0.0);
    let method = entry.text("request.method")?.unwrap_or_default();
    let sends = !WITHOUT_BODY.iter().any(|without| method.eq_ignore_ascii_case(without));
    Ok((is_unknown && sends) || fields.get("transfer-encoding").is_some())
}

/// What is told of how long a body should be.
pub(super) struct Told {
    size: Option<u64>,
    /// What it was when it was sent.
    sent: Option<u64>,
    is_coded: bool,
    /// Whether it was sent in another charset, and then had another size.
    is_recoded: bool,
    /// Whether that charset has several bytes for each character.
    is_wide: bool,
    is_request: bool,
}

impl Told {
    /// What is told at a `place` with a `size`, and by the fields of the message.
    pub(super) fn of(entry: &Entry, place: &str, size: Option<u64>, fields: &Fields) -> Result<Self, String> {
        let field = fields.get("content-type").and_then(|kind| str::from_utf8(kind).ok());
        let kind = field.or(entry.text(&format!("{place}.mimeType"))?).unwrap_or_default();
        let charset = parameter(kind, "charset").and_then(|range| kind.get(range));
        let is_unicode = |charset: &str| UNICODE.iter().any(|name| charset.eq_ignore_ascii_case(name));
        Ok(Self {
            size,
            sent: content_length(fields),
            is_coded: fields.get("content-encoding").is_some(),
            is_recoded: charset.is_some_and(|charset| !is_unicode(charset)),
            is_wide: charset.is_some_and(is_wide),
            is_request: place.starts_with("request."),
        })
    }

    /// Whether it was sent in another charset than the one that texts of HAR have.
    pub(super) fn is_recoded(&self) -> bool {
        self.is_recoded
    }

    /// Whether a text was bytes that its recorder took for characters each: that many were sent, and not those of UTF-8.
    /// mitmproxy and Chromium write bytes so that are no text, and browsers texts in windows-1252, with a charset or without.
    pub(super) fn is_of_single_bytes(&self, text: &Text) -> bool {
        let (characters, len) = (text.characters(), text.len());
        if self.is_wide {
            return false;
        }
        if let Some(sent) = self.sent.filter(|sent| !self.is_coded && (*sent == characters || *sent == len)) {
            return sent == characters;
        }
        match self.size {
            // Some recorders count characters, whatever the bytes were.
            Some(size) if size == characters => size != len && text.is_latin1(),
            Some(size) => size != len && size == 2 * characters,
            // Of Chromium's requests no size is told.
            None => self.is_request && text.has_controls(),
        }
    }

    /// Whether `len` bytes are only the start of it. They are written as a text of `written` bytes, with some `characters`
    /// and line ends.
    pub(super) fn is_more_than(&self, len: u64, written: u64, characters: u64, line_ends: u64) -> bool {
        let Some(size) = self.size else { return false };
        // Some recorders tell how much was sent, which is more if there was little to be packed.
        let packing = if self.is_coded { PACKING } else { 0 };
        let most = len.saturating_add(line_ends + BYTE_ORDER_MARK + packing);
        // chrome-har adds the length of what it writes, in UTF-16, to that of what it stands for.
        let surrogates = written.saturating_sub(characters) / 3;
        let is_counted_twice =
            size.checked_sub(len + characters).is_some_and(|more| more <= surrogates + BYTE_ORDER_MARK);
        size > most && size != written && self.sent != Some(len) && !self.is_recoded && !is_counted_twice
    }
}

/// What is said of bodies that are not there, or not whole.
const SAID: [&str; 5] = ["truncated", "discarded", "omitted", "not included", "cut off"];
/// Methods of which a request has a body seldom, if ever.
const WITHOUT_BODY: [&str; 6] = ["GET", "HEAD", "OPTIONS", "TRACE", "DELETE", "CONNECT"];
/// The charsets in which a text has the size that it has here.
const UNICODE: [&str; 3] = ["utf-8", "utf8", "us-ascii"];
/// Recorders leave it out of a text, in whatever encoding.
const BYTE_ORDER_MARK: u64 = 4;
/// More than any coding adds to a body that it cannot make smaller, and less than what recorders take for too large.
const PACKING: u64 = 1024;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        Content,
        har::samples::{exchange, held, set, with},
    };

    /// Whether a response with this content and these fields is there.
    fn answers(content: Value, fields: Value) -> bool {
        let found = exchange(&set(with("/response/content", content), "/response/headers", fields));
        assert_eq!(found.is_answered(), found.response.as_ref().unwrap().content != Content::NotRecorded);
        found.is_answered()
    }

    #[test]
    fn the_start_of_a_body_is_no_body() {
        let long = "x".repeat(5000);
        for (content, fields) in [
            (json!({"size": 6_268_505, "text": "<html>"}), json!([])),
            (json!({"size": 20_000, "text": long}), json!([])),
            (json!({"size": 20_000, "text": "QUJD".repeat(900), "encoding": "base64"}), json!([])),
            (json!({"size": 20_000, "text": "<html>"}), json!([["content-encoding", "gzip"]])),
            (json!({"size": 20_000, "text": "<html>"}), json!([["content-type", "text/html; charset=UTF-8"]])),
            (json!({"size": 6, "text": "<html>", "comment": "Response body was truncated"}), json!([])),
            (json!({"size": 6, "text": "<html>", "_truncated": true}), json!([])),
            (json!({"text": "<html>", "truncated": true}), json!([])),
        ] {
            assert!(!answers(content.clone(), fields), "{content}");
        }
    }

    #[test]
    fn a_size_that_means_something_else_cuts_nothing() {
        let lines = "a\n".repeat(900);
        let base64 = "QUJD".repeat(900);
        for (content, fields) in [
            (json!({"size": 5, "text": "hello"}), json!([])),
            // A byte order mark, line ends of two bytes, and text that is shorter in UTF-8.
            (json!({"size": 8, "text": "hello"}), json!([])),
            (json!({"size": 2700, "text": lines}), json!([])),
            (json!({"size": 12, "text": "a\nb\nc\nd\n"}), json!([])),
            (json!({"size": 100, "text": "hello"}), json!([["content-type", "text/html; charset=utf-16"]])),
            (json!({"size": 100, "text": "hello", "mimeType": "text/html; charset=UTF-16LE"}), json!([])),
            // What was sent, and how long the text in the file is.
            (json!({"size": 25, "text": "hello"}), json!([["content-encoding", "gzip"]])),
            (json!({"size": 3600, "text": base64, "encoding": "base64"}), json!([])),
            // chrome-har counts what it writes and what was sent together: in UTF-16, and in base64.
            (json!({"size": 26, "text": "one two three"}), json!([])),
            (json!({"size": 29, "text": "{\"bom\": true}"}), json!([])),
            (json!({"size": 11, "text": "Kä🧀"}), json!([])),
            (json!({"size": 5999, "text": "QUJD".repeat(857), "encoding": "base64"}), json!([])),
            // Other sizes are wrong, if this one is right.
            (json!({"size": 100, "text": "hello"}), json!([["content-length", "5"]])),
            (json!({"size": 3, "text": "hello"}), json!([["content-length", "99"]])),
            (json!({"size": -1, "text": "hello", "comment": "as it was"}), json!([])),
        ] {
            assert!(answers(content.clone(), fields), "{content}");
        }
    }

    #[test]
    fn a_body_that_was_left_out_is_not_an_empty_one() {
        for content in [
            json!({"size": 6_268_505, "comment": "Body discarded during HAR generation: longer than limit of 500000 bytes"}),
            json!({"size": 0, "text": "", "comment": "Body length exceeded the limit, so body was omitted."}),
            json!({"size": 0, "comment": "Response bodies are not included."}),
            json!({"mimeType": "image/png"}),
        ] {
            assert!(!answers(content.clone(), json!([])), "{content}");
        }
        let response = |key: &str, value: Value| set(with("/response/content", json!({"text": ""})), key, value);
        assert!(!exchange(&response("/response/bodySize", 7.into())).is_answered());
        assert!(!exchange(&response("/response/_responseBodyStatus", "discarded:too-large".into())).is_answered());
        assert!(exchange(&response("/response/bodySize", (-1).into())).is_answered());
    }

    #[test]
    fn a_request_without_its_body_is_not_an_empty_one() {
        let request = |method: &str, size: Value, data: Value, fields: Value| {
            let entry = set(with("/request/method", method.into()), "/request/bodySize", size);
            let found = exchange(&set(set(entry, "/request/postData", data), "/request/headers", fields));
            found.flow.request.content
        };
        let none = || json!([]);
        for method in ["POST", "PUT", "PATCH", "QUERY"] {
            assert_eq!(request(method, json!(-1), Value::Null, none()), Content::NotRecorded);
            let empty = json!([["Content-Length", "0"]]);
            assert_eq!(held(&request(method, json!(-1), Value::Null, empty)), b"");
            assert_eq!(held(&request(method, json!(-1), json!({"text": ""}), none())), b"");
            assert_eq!(held(&request(method, json!(0), Value::Null, none())), b"");
        }
        for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
            assert_eq!(held(&request(method, json!(-1), Value::Null, none())), b"");
        }
        let comment = json!({"mimeType": "", "comment": "Request bodies are not included."});
        assert_eq!(request("POST", json!(0), comment, none()), Content::NotRecorded);
        assert_eq!(request("GET", json!(3), Value::Null, none()), Content::NotRecorded);
        assert_eq!(request("POST", json!(-1), Value::Null, json!([["Content-Length", "3"]])), Content::NotRecorded);
        let chunked = json!([["Transfer-Encoding", "chunked"]]);
        assert_eq!(request("POST", Value::Null, Value::Null, chunked), Content::NotRecorded);
        assert_eq!(request("POST", json!(2_000_000), json!({"text": "the start"}), none()), Content::NotRecorded);
        let discarded = with("/request/_requestBodyStatus", "discarded:not-representable".into());
        assert_eq!(exchange(&discarded).request.content, Content::NotRecorded);
    }
}
