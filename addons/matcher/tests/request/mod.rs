//! A request on plain data.

use base64::{Engine, prelude::BASE64_STANDARD};
use matcher::{Content, Digest, Options, Subject};
use serde::{Deserialize, Deserializer};
use sha2::Digest as _;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    #[serde(rename = "headers")]
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
    #[serde(default, deserialize_with = "base64")]
    pub(crate) body_base64: Option<Vec<u8>>,
}

fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text).map(Some).map_err(serde::de::Error::custom)
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            host: "example.com".to_owned(),
            port: 80,
            path: "/".to_owned(),
            fields: vec![("Host".to_owned(), "example.com".to_owned())],
            body: String::new(),
            body_base64: None,
        }
    }
}

impl Request {
    fn bytes(&self) -> &[u8] {
        match &self.body_base64 {
            Some(bytes) => bytes,
            None => self.body.as_bytes(),
        }
    }
}

impl Subject for Request {
    fn method(&self) -> String {
        self.method.clone()
    }

    fn scheme(&self) -> String {
        self.scheme.clone()
    }

    fn host(&self) -> String {
        self.host.clone()
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn authority(&self) -> Option<String> {
        self.field("host").and_then(|host| String::from_utf8(host).ok())
    }

    fn target(&self) -> String {
        self.path.clone()
    }

    fn field(&self, name: &str) -> Option<Vec<u8>> {
        let lines = self.field_lines(name);
        (!lines.is_empty()).then(|| lines.join(b", ".as_slice()))
    }

    fn field_lines(&self, name: &str) -> Vec<Vec<u8>> {
        let lines = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.clone().into_bytes()).collect()
    }

    fn content(&self) -> Content {
        Content::Bytes(self.bytes().to_vec())
    }

    fn digest(&self) -> Digest {
        match self.bytes() {
            [] => Digest::Empty,
            bytes => Digest::Known(sha2::Sha256::digest(bytes).to_vec()),
        }
    }
}

/// Whether the requests have the same key, after checking that their parts agree with that.
pub(crate) fn same(one: &Request, other: &Request, options: &Options) -> bool {
    let keys = (matcher::key(one, options), matcher::key(other, options));
    let counted = |request| {
        let parts = matcher::parts(request, options).into_iter();
        parts.filter(|part| !part.detail).map(|part| (part.name, part.value)).collect::<Vec<_>>()
    };
    let parts = (counted(one), counted(other));
    assert!(keys.0.is_some() && keys.1.is_some());
    assert_eq!(keys.0 == keys.1, parts.0 == parts.1, "{parts:#?}");
    keys.0 == keys.1
}
