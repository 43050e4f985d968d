//! Replacing secrets before a flow is written.

use std::{io, os::unix::fs::FileExt};

use bytes::Bytes;
use redaction::{Redacted, RuleError, Rules};
use tracing::warn;

use crate::{
    model::{Fields, Flow, Message, Source},
    recorder::Redactor,
};

/// What is replaced in flows that are recorded.
#[derive(Debug)]
pub struct Redaction(Rules);

/// Larger contents are not looked through, and therefore not recorded if they may hold secrets.
const LARGEST: u64 = 64 << 20;

impl Redaction {
    /// The redaction of these rules; nothing when there are none.
    ///
    /// # Errors
    /// When a text is not a rule.
    pub fn parse(rules: &[String]) -> Result<Option<Box<dyn Redactor>>, RuleError> {
        let rules = Rules::parse(rules)?;
        Ok((!rules.is_empty()).then(|| Box::new(Self(rules)) as Box<dyn Redactor>))
    }

    fn fields(&self, fields: &mut Fields) {
        for (name, value) in fields.iter_mut() {
            let redacted = self.0.field(&String::from_utf8_lossy(name), value);
            if redacted.as_ref() != value.as_ref() {
                *value = Bytes::from(redacted.into_owned());
            }
        }
    }

    /// Redacts a content; whether it is another one now. `what` it is of the flow is for messages.
    fn content(&self, what: &str, fields: &mut Fields, content: &mut Source) -> bool {
        let content_type = fields.joined("content-type");
        if !self.0.applies_to_content(content_type.as_deref()) {
            return false;
        }
        let redacted = match read(content) {
            Ok(Some(bytes)) => {
                self.0.content(content_type.as_deref(), fields.joined("content-encoding").as_deref(), &bytes)
            }
            Ok(None) => return false,
            Err(error) => Redacted::Refused(error.to_string()),
        };
        match redacted {
            Redacted::Unchanged => return false,
            Redacted::Changed { content: redacted, decoded } => {
                if decoded {
                    fields.remove("content-encoding");
                }
                fields.lines_mut("content-length").for_each(|value| *value = redacted.len().to_string().into());
                *content = Source::Bytes(redacted.into());
            }
            Redacted::Refused(reason) => {
                warn!("{what} is left out of the recording: {reason}");
                *content = Source::NotRecorded;
            }
        }
        true
    }

    fn message(&self, message: &mut Message<Source>) {
        // There is no type, so it is read as what it looks like.
        if message.is_text {
            self.content("a WebSocket message", &mut Fields::new(), &mut message.content);
        }
    }
}

impl Redactor for Redaction {
    fn redact(&self, flow: &mut Flow<Source>) -> Result<(), String> {
        let request = &mut flow.request;
        let path = std::str::from_utf8(&request.path).map_err(|_| "its path is not UTF-8".to_owned())?;
        request.path = self.0.target(path).into_owned().into();
        self.fields(&mut request.fields);
        self.fields(&mut request.trailers);
        self.content("a request's content", &mut request.fields, &mut request.content);
        if let Some(response) = &mut flow.response {
            self.fields(&mut response.fields);
            self.fields(&mut response.trailers);
            if self.content("a response's content", &mut response.fields, &mut response.content) {
                // They are pieces of another content.
                response.pieces.clear();
            }
        }
        if let Some(session) = &mut flow.websocket {
            session.messages.iter_mut().for_each(|message| self.message(message));
        }
        Ok(())
    }
}

/// All of a content, if there is one.
fn read(content: &Source) -> io::Result<Option<Bytes>> {
    match content {
        Source::NotRecorded => Ok(None),
        Source::Bytes(bytes) => Ok(Some(bytes.clone())),
        Source::File { .. } | Source::Quoted { .. } if content.size() > Some(LARGEST) => {
            let len = content.size().unwrap_or_default();
            Err(io::Error::other(format!("it has {len} bytes, and at most {LARGEST} are looked through")))
        }
        Source::File { file, offset, len } => {
            let mut bytes = vec![0; usize::try_from(*len).unwrap_or_default()];
            file.read_exact_at(&mut bytes, *offset)?;
            Ok(Some(bytes.into()))
        }
        Source::Quoted { file, string } => Ok(Some(string.read_at(file, 0, string.size())?)),
    }
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;
    use crate::model::{Piece, Request, Response};

    fn flow() -> Flow<Source> {
        let text = |text: &'static str| Bytes::from_static(text.as_bytes());
        let fields = |lines: &[(&'static str, &'static str)]| {
            lines.iter().map(|&(name, value)| (text(name), text(value))).collect::<Fields>()
        };
        Flow {
            id: String::new(),
            client: None,
            server: None,
            request: Request {
                method: text("POST"),
                scheme: text("http"),
                host: text("a.example"),
                port: 80,
                authority: Bytes::new(),
                path: text("/?token=SECRET&page=1"),
                version: Version::HTTP_11,
                fields: fields(&[
                    ("Authorization", "SECRET"),
                    ("Content-Type", "application/json"),
                    ("Content-Length", "17"),
                ]),
                content: Source::Bytes(text(r#"{"token":"SECRET"}"#)),
                trailers: fields(&[("authorization", "SECRET")]),
                started_at: 1.0,
                ended_at: None,
            },
            response: Some(Response {
                version: Version::HTTP_11,
                status: 200,
                reason: Bytes::new(),
                fields: fields(&[("content-type", "application/json"), ("content-encoding", "unknown")]),
                content: Source::Bytes(text("SECRET")),
                trailers: Fields::new(),
                started_at: 2.0,
                ended_at: None,
                pieces: vec![Piece { len: 6, after_micros: 0 }],
            }),
            error: None,
            websocket: None,
        }
    }

    #[test]
    fn secrets_are_replaced_everywhere() {
        let rules = ["field:authorization", "query:token", "json:/token"].map(str::to_owned);
        let redactor = Redaction::parse(&rules).expect("rules").expect("some");
        let mut flow = flow();
        redactor.redact(&mut flow).expect("a flow that can be redacted");
        assert!(!format!("{flow:?}").contains("SECRET"), "{flow:?}");
        assert_eq!(flow.request.path, "/?token=redacted&page=1");
        let Source::Bytes(content) = &flow.request.content else { panic!("{flow:?}") };
        assert_eq!(content, r#"{"token":"redacted"}"#);
        assert_eq!(flow.request.fields.get("content-length").unwrap(), &content.len().to_string());
        let response = flow.response.expect("a response");
        assert!(matches!(response.content, Source::NotRecorded), "what cannot be looked through is not kept");
        assert_eq!(response.pieces, []);
    }

    #[test]
    fn without_rules_there_is_no_redaction() {
        assert!(Redaction::parse(&[]).expect("no rules").is_none());
        assert!(Redaction::parse(&["nonsense".to_owned()]).is_err());
    }
}
