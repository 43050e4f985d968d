//! Bodies as Polly.JS writes them, which replaces what a program of Node.js sends by.
//!
//! Of a body with a content coding it keeps the chunks in which it came, as a list in JSON, each in base64, or in hexadecimal
//! before version 6. A body that is no text is one such chunk. Of responses, and not even of all, it says which of these a
//! text is; of others, the fields tell.

use base64::{Engine, engine::general_purpose::STANDARD};
use coding::Coding;

use super::body::{Encoding, content_length};
use crate::{json_string::Surveyed, model::Fields, reading::body::Form};

/// The bytes of a text that it wrote so, and their form; nothing of any other text.
pub(super) fn read(text: &str, encoding: Encoding, fields: &Fields) -> Option<(Vec<u8>, Form)> {
    if text.starts_with('[') {
        let codings = fields.joined("content-encoding");
        if encoding == Encoding::None && codings.is_none() {
            return None;
        }
        let chunks: Vec<String> = serde_json::from_str(text).ok()?;
        let bytes = match encoding {
            Encoding::Base64 => joined(&chunks, base64),
            Encoding::Hex => joined(&chunks, hex),
            // The digits of hexadecimal are some of base64 too.
            Encoding::None => {
                let mut decoded = [hex, base64].into_iter().filter_map(|decode| joined(&chunks, decode));
                decoded.find(|bytes| is_coded(bytes, &codings.clone().unwrap_or_default()))
            }
        };
        return bytes.map(|bytes| (bytes, Form::Coded));
    }
    let bytes = match encoding {
        Encoding::Base64 => None,
        Encoding::Hex => hex(text),
        Encoding::None => {
            let len = encoded_len(text.len() as u64, fields)?;
            let has_len = |bytes: &Vec<u8>| bytes.len() as u64 == len;
            hex(text).filter(has_len).or_else(|| base64(text).filter(has_len))
        }
    };
    bytes.map(|bytes| (bytes, Form::Bytes))
}

/// Whether a long text has to be looked at.
pub(super) fn may_have_written(text: &Surveyed, encoding: Encoding, fields: &Fields) -> bool {
    let is_list = text.start().starts_with(b"[");
    match encoding {
        Encoding::Base64 => is_list,
        Encoding::Hex => true,
        Encoding::None if is_list => fields.get("content-encoding").is_some(),
        Encoding::None => text.is_ascii() && encoded_len(text.len(), fields).is_some(),
    }
}

/// How many bytes a text of `len` stands for, if it is no text: as many as were sent, which are as many as were written.
fn encoded_len(len: u64, fields: &Fields) -> Option<u64> {
    let sent = content_length(fields).filter(|_| fields.get("content-encoding").is_none())?;
    (sent > 0 && (sent.checked_mul(2) == Some(len) || sent.div_ceil(3).checked_mul(4) == Some(len))).then_some(sent)
}

fn joined(chunks: &[String], decode: fn(&str) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    Some(chunks.iter().map(|chunk| decode(chunk)).collect::<Option<Vec<_>>>()?.concat())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

/// Whether bytes have the last of the codings.
fn is_coded(bytes: &[u8], codings: &[u8]) -> bool {
    let last = codings.rsplit(|byte| *byte == b',').next().and_then(Coding::named);
    last.is_some_and(|coding| coding.decode(bytes, DECODED_LIMIT).is_some())
}

/// The largest body of which that is tried.
const DECODED_LIMIT: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        har::samples::{entry, exchange, gzip, har, held, invalid, set, with},
        samples::{open, shown},
    };

    fn hex_of(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    /// A body in chunks, of which each is encoded.
    fn list(bytes: &[u8], encode: impl Fn(&[u8]) -> String) -> Value {
        json!(bytes.chunks(7).map(encode).collect::<Vec<_>>()).to_string().into()
    }

    fn base64_of(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    /// An entry whose response, or request, has a content and fields.
    fn answered(content: Value, fields: Value) -> Value {
        set(with("/response/content", content), "/response/headers", fields)
    }

    fn asked(data: Value, fields: Value) -> Value {
        set(with("/request/postData", data), "/request/headers", fields)
    }

    #[test]
    fn a_coded_response_is_joined_and_keeps_its_coding() {
        let coded = gzip(b"{\"zipped\":true}");
        for (text, marks) in [
            (list(&coded, base64_of), json!({"encoding": "base64"})),
            (list(&coded, hex_of), json!({"_isBinary": true})),
            (list(&coded, hex_of), json!({"encoding": "hex"})),
            (list(&coded, hex_of), json!({})),
            (list(&coded, base64_of), json!({})),
        ] {
            let mut content = json!({"size": coded.len(), "mimeType": "application/json", "text": text});
            content.as_object_mut().unwrap().extend(marks.as_object().unwrap().clone());
            for coding in ["gzip", "X-GZIP"] {
                let fields = json!([["content-encoding", coding], ["content-length", coded.len().to_string()]]);
                let found = exchange(&answered(content.clone(), fields)).flow.response.unwrap();
                assert_eq!(held(&found.content), coded, "{content}");
                assert_eq!(found.fields.get("content-encoding").unwrap(), coding);
            }
        }
        // Codings of which nobody knows what they start with.
        let content = json!({"size": 5, "text": list(b"\x0b\x00", base64_of), "encoding": "base64"});
        let found = exchange(&answered(content, json!([["content-encoding", "br"]]))).flow.response.unwrap();
        assert_eq!(
            (held(&found.content), shown(&found.fields)),
            (&b"\x0b\x00"[..], vec!["content-encoding: br".into()])
        );
    }

    #[test]
    fn a_coded_request_is_joined_without_a_mark() {
        let coded = gzip(b"a=b");
        for text in [list(&coded, base64_of), list(&coded, hex_of)] {
            let size = text.as_str().unwrap().len();
            let entry = asked(json!({"mimeType": "text/plain", "text": text}), json!([["content-encoding", "gzip"]]));
            let found = exchange(&set(entry, "/request/bodySize", size.into())).flow.request;
            assert_eq!(held(&found.content), coded);
            assert_eq!(found.fields.get("content-encoding").unwrap(), "gzip");
        }
    }

    #[test]
    fn what_is_no_text_is_told_by_its_length() {
        let bytes = b"\x00\x01\xff\xfe\n\x00";
        let fields = json!([["Content-Length", "6"]]);
        for (text, expected) in [(base64_of(bytes), &bytes[..]), (hex_of(bytes), bytes), ("AAH//go".into(), b"AAH//go")]
        {
            let entry = asked(json!({"text": text}), fields.clone());
            assert_eq!(held(&exchange(&entry).request.content), expected);
        }
        let entry = answered(json!({"size": 6, "text": hex_of(bytes), "_isBinary": true}), json!([]));
        assert_eq!(held(&exchange(&entry).flow.response.unwrap().content), bytes);
        let garbage = invalid(&answered(json!({"text": "0g", "_isBinary": true}), json!([])));
        assert_eq!(garbage, "`response.content.text` is not hexadecimal");
    }

    #[test]
    fn a_list_that_is_something_else_stays_text() {
        for (text, coding) in
            [("[\"1f8b\"]", None), ("[\"1f8b\"]", Some("gzip")), ("[\"a!\"]", Some("gzip")), ("[", Some("br"))]
        {
            let fields = coding.map_or(json!([]), |coding| json!([["content-encoding", coding]]));
            let found = exchange(&answered(json!({"text": text}), fields)).flow.response.unwrap();
            assert_eq!((held(&found.content), found.fields.len()), (text.as_bytes(), 0));
        }
    }

    #[test]
    fn long_ones_are_read_too() {
        let noise: Vec<u8> = (0..9000_u32).map(|number| (number * number % 251) as u8).collect();
        let (coded, gzipped) = (gzip(&noise), json!([["content-encoding", "gzip"]]));
        let length = json!([["content-length", noise.len().to_string()]]);
        let entries = [
            answered(json!({"text": list(&coded, base64_of), "encoding": "base64"}), gzipped.clone()),
            answered(json!({"text": list(&coded, hex_of)}), gzipped),
            answered(json!({"text": hex_of(&noise), "_isBinary": true}), json!([])),
            answered(json!({"text": base64_of(&noise)}), length.clone()),
            answered(json!({"text": hex_of(&noise)}), length),
            entry(),
        ];
        let recording = open(&har(&entries)).unwrap();
        let bodies = recording.exchanges().iter().map(|exchange| &exchange.response.as_ref().unwrap().content);
        let bodies: Vec<_> = bodies.map(|content| recording.read(content).unwrap()).collect();
        assert!(bodies == [&coded[..], &coded, &noise, &noise, &noise, b"hello"]);
    }
}
