//! Secrets in contents.

use std::borrow::Cow;

use crate::{
    REPLACEMENT, Rules,
    bytes::range_of,
    decode,
    edit::{Edit, Edited, GROWTH},
    events,
    json::{self, Unclear},
    media_type::MediaType,
    multipart, query,
};

/// A content after what is secret of it was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redacted {
    /// Nothing of it is secret.
    Unchanged,
    /// Something was.
    Changed {
        /// All of it, with the secrets replaced.
        content: Vec<u8>,
        /// Whether its content coding was undone, so that it must no longer be said to have one.
        decoded: bool,
    },
    /// It may hold secrets that cannot be found; the text says why. Nothing of it must be kept.
    Refused(String),
}

impl Rules {
    /// Whether contents of this type may have to change; those of others need not be read.
    pub fn applies_to_content(&self, content_type: Option<&[u8]>) -> bool {
        self.format(content_type).is_some()
    }

    /// A content with what is secret of it replaced. Its coding is undone where secrets could be under it.
    pub fn content(&self, content_type: Option<&[u8]>, content_encoding: Option<&[u8]>, bytes: &[u8]) -> Redacted {
        let Some(format) = self.format(content_type).filter(|_| !bytes.is_empty()) else {
            return Redacted::Unchanged;
        };
        let Some(text) = decode(bytes, content_encoding) else {
            let coding = String::from_utf8_lossy(content_encoding.unwrap_or_default());
            return Redacted::Refused(format!("its content coding `{coding}` cannot be undone"));
        };
        let mut edited = Edited::new(&text);
        let mut found = |edit| edited.edit(edit);
        let outcome = match format {
            Format::Json => self.find_in_json(&text, &mut found),
            Format::Events if json::begins(&text) => self.find_in_json(&text, &mut found),
            Format::Events => events::find(&text, &self.json, &mut found).map_err(unclear),
            Format::Multipart => self.find_in_multipart(content_type.unwrap_or_default(), &text, &mut found),
            Format::Guess => self.find_in_either(&text, &mut found),
        };
        if let Err(reason) = outcome {
            return Redacted::Refused(reason);
        }
        match edited.finish() {
            Some(Cow::Borrowed(_)) => Redacted::Unchanged,
            Some(Cow::Owned(content)) => Redacted::Changed { content, decoded: matches!(text, Cow::Owned(_)) },
            None => Redacted::Refused(format!("it would grow by more than {} MiB", GROWTH >> 20)),
        }
    }

    /// What contents of a type are read as; nothing when no rule is about such.
    fn format(&self, content_type: Option<&[u8]>) -> Option<Format> {
        let format = Format::of(MediaType::new(content_type))?;
        let applies = match format {
            Format::Json | Format::Events => !self.json.is_empty(),
            Format::Multipart | Format::Guess => !self.json.is_empty() || !self.form.is_empty(),
        };
        applies.then_some(format)
    }

    fn find_in_json(&self, text: &[u8], found: &mut dyn FnMut(Edit)) -> Result<(), String> {
        json::find(text, &self.json, found).map(drop).map_err(unclear)
    }

    fn find_in_multipart(&self, content_type: &[u8], text: &[u8], found: &mut dyn FnMut(Edit)) -> Result<(), String> {
        let Some(fields) = multipart::parse(content_type, text) else {
            if self.form.is_empty() && !json::may_hold(text, &self.json) {
                return Ok(());
            }
            return Err("it is not a whole multipart form, and may hold what is secret".to_owned());
        };
        for field in fields {
            let Some(range) = range_of(field.value, text) else {
                continue;
            };
            if self.form.contains(field.name) {
                found(Edit { range, with: REPLACEMENT });
            } else if MediaType::new(field.file_type).is_like_json() {
                self.find_in_json(field.value, &mut |Edit { range: within, with }| {
                    found(Edit { range: range.start + within.start..range.start + within.end, with });
                })?;
            }
        }
        Ok(())
    }

    fn find_in_either(&self, text: &[u8], found: &mut dyn FnMut(Edit)) -> Result<(), String> {
        if json::begins(text) && json::find(text, &self.json, found).map_err(unclear)? {
            return Ok(());
        }
        if json::may_embed(text, &self.json) {
            return Err(unclear(Unclear));
        }
        query::edits(text, 0, &self.form).for_each(found);
        Ok(())
    }
}

fn unclear(_: Unclear) -> String {
    "it is no valid JSON, and may hold what is secret".to_owned()
}

/// How a content is read.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Events,
    Multipart,
    /// As JSON if it is that, else as an urlencoded form.
    Guess,
}

impl Format {
    fn of(media_type: MediaType<'_>) -> Option<Self> {
        if media_type.is_multipart_form() {
            return Some(Self::Multipart);
        }
        if media_type.is_unclear() || media_type.is_urlencoded_form() {
            return Some(Self::Guess);
        }
        if media_type.is_event_stream() {
            return Some(Self::Events);
        }
        media_type.is_like_json().then_some(Self::Json)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::Redacted;
    use crate::Rules;

    const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");
    const JSON: Option<&[u8]> = Some(b"application/json");
    const MULTIPART: Option<&[u8]> = Some(b"multipart/form-data; boundary=A");

    fn rules() -> Rules {
        Rules::parse(&["form:pw", "form:glob:*_token", "json:/a/pw", "json:/pw"].map(str::to_owned)).unwrap()
    }

    fn changed(content: &str) -> Redacted {
        Redacted::Changed { content: content.as_bytes().to_vec(), decoded: false }
    }

    fn check(content_type: Option<&[u8]>, content: &str, expected: &str) {
        let said = content_type.map(String::from_utf8_lossy);
        let redacted = rules().content(content_type, None, content.as_bytes());
        let expected_here = if content == expected { Redacted::Unchanged } else { changed(expected) };
        assert_eq!(redacted, expected_here, "{said:?} {content}");
        assert_eq!(
            rules().content(content_type, None, expected.as_bytes()),
            Redacted::Unchanged,
            "{said:?} {expected}"
        );
    }

    fn refuses(content_type: Option<&[u8]>, coding: Option<&[u8]>, content: &[u8]) -> bool {
        matches!(rules().content(content_type, coding, content), Redacted::Refused(_))
    }

    #[test]
    fn a_type_says_whether_a_rule_is_about_it() {
        let rules = |text: &str| Rules::parse(&[text.to_owned()]).unwrap();
        for (content_type, json, form) in [
            ("application/json; charset=utf-8", true, false),
            ("application/problem+JSON", true, false),
            ("application/x-ndjson", true, false),
            ("text/event-stream", true, false),
            ("application/x-www-form-urlencoded", true, true),
            ("multipart/form-data; boundary=json", true, true),
            ("text/plain; charset=utf-8", true, true),
            ("", true, true),
            ("text/html; x=json", false, false),
            ("application/octet-stream", false, false),
        ] {
            let content_type = Some(content_type.as_bytes());
            assert_eq!(rules("json:/a").applies_to_content(content_type), json, "{content_type:?}");
            assert_eq!(rules("form:a").applies_to_content(content_type), form, "{content_type:?}");
            assert!(!rules("query:a").applies_to_content(content_type));
        }
        assert!(rules("form:a").applies_to_content(None));
    }

    #[test]
    fn each_type_is_redacted_in_its_way() {
        check(JSON, r#"{"pw": "x", "b": 1}"#, r#"{"pw": "redacted", "b": 1}"#);
        check(JSON, "x_token=1", "x_token=1");
        check(Some(b"text/event-stream"), "data: {\"pw\":1}\n\n", "data: {\"pw\":\"redacted\"}\n\n");
        check(Some(b"text/event-stream"), "{\"pw\":1}", "{\"pw\":\"redacted\"}");
        check(FORM, "a=1&p%77=x&a_token=y", "a=1&p%77=redacted&a_token=redacted");
        check(FORM, r#"{"pw":1}"#, r#"{"pw":"redacted"}"#);
        check(Some(b"image/png"), "pw=1", "pw=1");
    }

    #[test]
    fn contents_without_a_clear_type_are_json_or_forms() {
        for content_type in [None, Some(b"".as_slice()), Some(b"Text/Plain; charset=utf-8")] {
            check(content_type, "\n {\"pw\":1}", "\n {\"pw\":\"redacted\"}");
            check(content_type, "a=1&pw=2", "a=1&pw=redacted");
            check(content_type, "[1]&x_token=2", "[1]&x_token=redacted");
            check(content_type, "some text, pw=1", "some text, pw=1");
            assert!(refuses(content_type, None, b"{\"pw\":"));
            assert!(refuses(content_type, None, b"42[{\"pw\":1}]"));
        }
    }

    #[test]
    fn multipart_fields_are_redacted_by_name_and_their_json_by_pointer() {
        let form = |token: &str, json: &str| {
            let part = "--A\r\nContent-Disposition: form-data; name=";
            let json = format!("Content-Type: application/json\r\n\r\n{json}");
            format!(
                "{part}\"x_token\"\r\n\r\n{token}\r\n{part}c; filename=pw\r\n{json}\r\n{part}d\r\n\r\npw\r\n--A--\r\n"
            )
        };
        check(MULTIPART, &form("1\r\n2", "{\"pw\":1}"), &form("redacted", "{\"pw\":\"redacted\"}"));
        assert!(refuses(MULTIPART, None, form("1", "{\"pw\":").as_bytes()));
        assert!(refuses(MULTIPART, None, form("1", "{}").trim_end_matches("A--\r\n").as_bytes()));
        assert!(refuses(Some(b"multipart/form-data"), None, form("1", "{}").as_bytes()));
    }

    #[test]
    fn a_content_of_too_many_small_secrets_is_refused() {
        let form = |count: usize| "pw=1&".repeat(count);
        let refused = Redacted::Refused("it would grow by more than 4 MiB".to_owned());
        assert_eq!(rules().content(FORM, None, form(600_000).as_bytes()), refused);
        assert_eq!(rules().content(FORM, None, form(500_000).as_bytes()), changed(&"pw=redacted&".repeat(500_000)));
    }

    #[test]
    fn codings_are_undone_where_something_is_secret() {
        let gzip = |text: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let expected = Redacted::Changed { content: b"pw=redacted".to_vec(), decoded: true };
        assert_eq!(rules().content(FORM, Some(b"gzip"), &gzip(b"pw=1")), expected);
        for (content_type, coding, content) in [
            (FORM, b"gzip".as_slice(), gzip(b"a=1")),
            (FORM, b"gzip", Vec::new()),
            (Some(b"text/html"), b"secret", b"pw=1".to_vec()),
        ] {
            assert_eq!(rules().content(content_type, Some(coding), &content), Redacted::Unchanged);
        }
        let refused = Redacted::Refused("its content coding `secret` cannot be undone".to_owned());
        assert_eq!(rules().content(FORM, Some(b"secret"), b"a=1"), refused);
        assert!(refuses(JSON, Some(b"gzip"), b"{}"));
    }
}
