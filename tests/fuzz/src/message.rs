//! Inputs that are written like an HTTP message: readable, and the same for every target that takes one.

use matcher::{Content, Digest, Subject};
use sha2::Digest as _;

/// A message of text: `METHOD TARGET`, lines of `NAME: VALUE`, an empty line, and the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The method as sent.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The fields in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// All after the empty line.
    pub content: Vec<u8>,
}

impl Message {
    /// Every input is a message; what is missing is empty.
    pub fn parse(input: &[u8]) -> Self {
        let mut rest = input;
        let first = String::from_utf8_lossy(line(&mut rest)).into_owned();
        let (method, target) = first.split_once(' ').unwrap_or(("GET", &first));
        let mut fields = Vec::new();
        while let line @ [_, ..] = line(&mut rest) {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            fields.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
        }
        Self { method: method.into(), target: target.into(), fields, content: rest.into() }
    }
}

/// Takes off the first line.
fn line<'b>(rest: &mut &'b [u8]) -> &'b [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (line, after) = rest.split_at(end);
    *rest = after.get(1..).unwrap_or_default();
    line
}

impl Subject for Message {
    fn method(&self) -> String {
        self.method.clone()
    }

    fn scheme(&self) -> String {
        "http".to_owned()
    }

    fn host(&self) -> String {
        "a.example".to_owned()
    }

    fn port(&self) -> u16 {
        80
    }

    fn authority(&self) -> Option<String> {
        self.field("host").and_then(|host| String::from_utf8(host).ok())
    }

    fn target(&self) -> String {
        self.target.clone()
    }

    fn field(&self, name: &str) -> Option<Vec<u8>> {
        let lines = self.field_lines(name);
        (!lines.is_empty()).then(|| lines.join(b", ".as_slice()))
    }

    fn field_lines(&self, name: &str) -> Vec<Vec<u8>> {
        let lines = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.clone()).collect()
    }

    fn content(&self) -> Content {
        Content::Bytes(self.content.clone())
    }

    fn digest(&self) -> Digest {
        match self.content.as_slice() {
            [] => Digest::Empty,
            bytes => Digest::Known(sha2::Sha256::digest(bytes).to_vec()),
        }
    }
}
