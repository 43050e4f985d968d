//! What mitmproxy says of each flow to each expression. `vectors/generate.py` asked it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flowfilter::{Filter, Message, Protocol, Side, Subject, Target};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    flows: Vec<Flow>,
    /// An expression, and for each flow `1` if it matches and `0` if not.
    cases: Vec<(String, String)>,
    refused: Vec<String>,
}

#[derive(Deserialize)]
struct Flow {
    protocol: String,
    failed: bool,
    replayed: Option<String>,
    marker: String,
    comment: String,
    metadata: String,
    source: Option<String>,
    destination: Option<String>,
    messages: Vec<(bool, String)>,
    request: Option<Request>,
    response: Option<Response>,
    #[serde(default)]
    websocket: bool,
    question: Option<String>,
    #[serde(default)]
    answered: bool,
    /// Those of DNS, request and response, as mitmproxy describes them.
    contents: Option<[Option<String>; 2]>,
}

/// Bytes are written as texts of Latin-1.
#[derive(Deserialize)]
struct Request {
    method: String,
    scheme: String,
    host: String,
    port: u16,
    authority: String,
    path: String,
    prefers_authority: bool,
    fields: Vec<(String, String)>,
    content: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    fields: Vec<(String, String)>,
    content: Option<String>,
}

impl Subject for Flow {
    fn protocol(&self) -> Protocol {
        match self.protocol.as_str() {
            "http" => Protocol::Http,
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            "dns" => Protocol::Dns,
            other => panic!("{other}"),
        }
    }

    fn method(&self) -> Cow<'_, [u8]> {
        self.request.as_ref().map(|request| bytes(&request.method)).unwrap_or_default()
    }

    fn target(&self) -> Option<Target<'_>> {
        let request = self.request.as_ref()?;
        Some(Target {
            scheme: bytes(&request.scheme),
            host: Cow::Borrowed(request.host.as_bytes()),
            port: request.port,
            authority: bytes(&request.authority),
            path: bytes(&request.path),
            prefers_authority: request.prefers_authority,
        })
    }

    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8])) {
        let fields = match side {
            Side::Request => self.request.as_ref().map(|request| &request.fields),
            Side::Response => self.response.as_ref().map(|response| &response.fields),
        };
        for (name, value) in fields.into_iter().flatten() {
            see(&bytes(name), &bytes(value));
        }
    }

    fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|response| response.status)
    }

    fn content(&self, side: Side) -> Option<Cow<'_, [u8]>> {
        let content = match (&self.contents, side) {
            (Some([asked, _]), Side::Request) => asked.as_ref()?,
            (Some([_, answered]), Side::Response) => answered.as_ref()?,
            (None, Side::Request) => self.request.as_ref()?.content.as_ref()?,
            (None, Side::Response) => self.response.as_ref()?.content.as_ref()?,
        };
        Some(STANDARD.decode(content).expect("base64").into())
    }

    fn messages(&self, see: &mut dyn FnMut(Message<'_>) -> bool) {
        for (from_client, content) in &self.messages {
            let side = if *from_client { Side::Request } else { Side::Response };
            if see(Message { side, content: &STANDARD.decode(content).expect("base64") }) {
                break;
            }
        }
    }

    fn question(&self) -> Option<Cow<'_, str>> {
        self.question.as_deref().map(Cow::Borrowed)
    }

    fn is_answered(&self) -> bool {
        self.response.is_some() || self.answered
    }

    fn has_failed(&self) -> bool {
        self.failed
    }

    fn is_websocket(&self) -> bool {
        self.websocket
    }

    fn replayed(&self) -> Option<Side> {
        self.replayed.as_ref().map(|side| if side == "request" { Side::Request } else { Side::Response })
    }

    fn marker(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.marker)
    }

    fn comment(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.comment)
    }

    fn metadata(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.metadata)
    }

    fn source(&self) -> Option<Cow<'_, str>> {
        self.source.as_deref().map(Cow::Borrowed)
    }

    fn destination(&self) -> Option<Cow<'_, str>> {
        self.destination.as_deref().map(Cow::Borrowed)
    }
}

fn bytes(text: &str) -> Cow<'_, [u8]> {
    text.chars().map(|character| u8::try_from(character).expect("Latin-1")).collect::<Vec<u8>>().into()
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/filter.json")).expect("vectors")
}

#[test]
fn every_expression_matches_what_it_matches_in_mitmproxy() {
    let Vectors { flows, cases, .. } = vectors();
    let mut differences = String::new();
    for (expression, expected) in &cases {
        let filter = Filter::parse(expression).unwrap_or_else(|error| panic!("{error}"));
        let found: String = flows.iter().map(|flow| if filter.matches(flow) { '1' } else { '0' }).collect();
        if found != *expected {
            differences.push_str(&format!("\n{expression:?}\n  {found}, expected\n  {expected}"));
        }
    }
    assert_eq!(differences, "");
    assert!(cases.len() * flows.len() > 10_000);
}

#[test]
fn what_mitmproxy_refuses_is_refused() {
    for expression in vectors().refused {
        assert!(Filter::parse(&expression).is_err(), "{expression:?}");
    }
}
