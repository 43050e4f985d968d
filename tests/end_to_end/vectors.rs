//! The reference's behaviour as data, through the real components in the real runtime.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use proxyhost::{
    addon::{
        self, Action, AddonEngine, Chain, Grants, Limits, LoadRequest, Preparation, Purpose, Source,
        options::{Kind, Value, Values},
    },
    flow::{Body, Destination, Fields, FlowId, Request, RequestHead, Response, Scheme, Target},
    run,
    spelling::Spelling,
};
use serde::Deserialize;

use crate::harness::{Flow, get, latin1, recording};

#[derive(Deserialize)]
struct Vectors<C> {
    cases: Vec<C>,
}

#[derive(Deserialize)]
struct MatchCase {
    id: String,
    options: serde_json::Map<String, serde_json::Value>,
    recorded: Described,
    incoming: Described,
    expect: bool,
}

#[derive(Deserialize)]
struct RefreshCase {
    id: String,
    recorded: f64,
    now: f64,
    before: Vec<(String, String)>,
    expect: Vec<(String, String)>,
}

/// A request as the vectors describe it.
#[derive(Deserialize)]
struct Described {
    method: String,
    scheme: String,
    host: String,
    port: u16,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    body_base64: Option<String>,
}

fn vectors<C: for<'de> Deserialize<'de>>(name: &str) -> Vec<C> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    let text = fs::read_to_string(path).expect("the vectors are there");
    serde_json::from_str::<Vectors<C>>(&text).expect("well-formed vectors").cases
}

/// Compiled components are kept from case to case.
fn engine() -> AddonEngine {
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache");
    AddonEngine::new(Some(&cache), run::capabilities()).expect("WebAssembly runs here")
}

/// The shipped addon with a recording and further options.
async fn replaying(engine: &AddonEngine, recording: &Path, options: Values) -> Chain {
    let request = LoadRequest {
        source: Source::Shipped("serverreplay".to_owned()),
        plugs: Vec::new(),
        limits: Limits::default(),
    };
    let loaded = addon::load(engine, &[request], &[]).await.expect("it loads").remove(0);
    let recordings = Value::Texts(vec![recording.display().to_string()]);
    let mut grants = Grants::default();
    grants.add(&Kind::Files, &recordings);
    let mut values = options;
    values.insert("server_replay".to_owned(), recordings);
    values.insert("server_replay_extra".to_owned(), Value::Text("kill".to_owned()));
    let configured = loaded.configure(Preparation::new(values, grants, Purpose::Run)).await;
    Chain::new(vec![Arc::new(configured.expect("it is configured"))])
}

async fn answer(chain: &Chain, mut request: Request) -> Option<Response> {
    match chain.request(&mut request).await.expect("no addon fails") {
        (Action::Respond(response), _) => Some(*response),
        (Action::Kill, _) => None,
        (Action::Next(()), _) => panic!("nothing is forwarded under `kill`"),
    }
}

impl Described {
    fn content(&self) -> Vec<u8> {
        match &self.body_base64 {
            Some(text) => STANDARD.decode(text).expect("base64"),
            None => self.body.clone().into_bytes(),
        }
    }

    /// Recorded, with an answer.
    fn recorded(&self) -> Flow {
        let destination = (self.scheme.as_str(), self.host.as_str(), self.port);
        get("http://unused.example/")
            .exactly(destination, &self.path, &self.headers)
            .method(&self.method)
            .request_body(self.content())
    }

    /// As it comes in.
    fn live(&self) -> Request {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a field name");
            map.append(name, HeaderValue::from_str(value).expect("a field value"));
        }
        let fields = Fields::new(map, Spelling::default());
        let authority = fields.joined("host").map(|host| host.as_slice().try_into().expect("a host"));
        let scheme = Scheme::parse(&self.scheme).expect("a scheme");
        let head = RequestHead {
            method: Method::from_bytes(self.method.as_bytes()).expect("a method"),
            destination: Destination::new(scheme, &self.host, self.port).expect("a host"),
            authority,
            target: Target::parse(&self.path).expect("a path"),
            version: Version::HTTP_11,
            fields,
            accepts_trailers: false,
            upgrade: None,
        };
        Request::new(FlowId(1), head, Body::Bytes(Bytes::from(self.content())))
    }
}

fn option(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Bool(value) => Value::Flag(*value),
        serde_json::Value::Array(values) => {
            Value::Texts(values.iter().map(|value| value.as_str().expect("text").to_owned()).collect())
        }
        other => panic!("no option is like {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_match_vector_holds_through_the_components() {
    let engine = engine();
    let cases = vectors::<MatchCase>("match.json");
    assert!(cases.len() > 70);
    for case in cases {
        let file = recording([case.recorded.recorded()]);
        let options = case.options.iter().map(|(name, value)| (name.clone(), option(value))).collect();
        let chain = replaying(&engine, file.path(), options).await;
        let answered = answer(&chain, case.incoming.live()).await.is_some();
        assert_eq!(answered, case.expect, "{}", case.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refresh_vector_holds_through_the_components() {
    let engine = engine();
    let cases = vectors::<RefreshCase>("refresh.json");
    assert!(cases.len() > 60);
    for case in cases {
        let url = "http://vector.example/";
        let flow = case.before.iter().fold(get(url).at(case.recorded), |flow, (name, value)| flow.field(name, value));
        let file = recording([flow]);
        let chain = replaying(&engine, file.path(), Values::new()).await;
        let mut request = Described::plain(url).live();
        request.received_at = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(case.now);
        let response = answer(&chain, request).await.unwrap_or_else(|| panic!("{} is answered", case.id));
        let map = response.head.fields.map();
        for (name, _) in &case.expect {
            let found: Vec<String> =
                map.get_all(name).iter().map(|value| latin1(value.as_bytes().trim_ascii())).collect();
            let lines = case.expect.iter().filter(|(other, _)| other == name);
            let expected: Vec<&str> = lines.map(|(_, value)| value.trim()).collect();
            assert_eq!(found, expected, "{}: {name}", case.id);
        }
        assert_eq!(map.len(), case.expect.len(), "{}", case.id);
    }
}

impl Described {
    /// `GET` of a URL without a port.
    fn plain(url: &str) -> Self {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            headers: vec![("Host".to_owned(), host.clone())],
            host,
            port: 80,
            path: "/".to_owned(),
            body: String::new(),
            body_base64: None,
        }
    }
}
