//! A proxy that is none: it says what it is told to, and notes what it is asked to do.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use control::*;
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::json;
use tokio::sync::broadcast;

pub(crate) struct Fake {
    pub(crate) events: broadcast::Sender<Event>,
    /// What it was asked to do, in order.
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) is_serving: Mutex<bool>,
    /// Whether its flows were listed.
    pub(crate) is_listed: AtomicBool,
    pub(crate) flows: Vec<Arc<Flow>>,
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            events: broadcast::channel(4).0,
            asked: Mutex::default(),
            is_serving: Mutex::new(true),
            is_listed: AtomicBool::new(false),
            flows: vec![Arc::new(answered()), Arc::new(failed())],
        })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panicked"))
    }

    fn note(&self, what: String) {
        self.asked.lock().expect("nobody panicked").push(what);
    }
}

/// A flow that was replayed, and became a WebSocket for good measure.
pub(crate) fn answered() -> Flow {
    // `hello` by `gzip -n`.
    let coded = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    let fields = |lines: &[(&str, &[u8])]| {
        lines.iter().map(|(name, value)| ((*name).to_owned(), Bytes::copy_from_slice(value))).collect()
    };
    Flow {
        summary: FlowSummary {
            id: 4,
            session: "a".to_owned(),
            client: Some("127.0.0.1:5000".to_owned()),
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            authority: "shop.example".to_owned(),
            path: "/api/orders?id=1".to_owned(),
            started_at: 1_700_000_000.25,
            stage: Stage::Ended,
            outcome: Outcome::Answered { addon: "serverreplay".to_owned() },
            status: Some(200),
            media_type: Some("text/html".to_owned()),
            request_bytes: 0,
            response_bytes: 47,
            head_after: Some(0.0003),
            ended_after: Some(0.0004),
            is_websocket: true,
            notes: vec![Note {
                addon: "serverreplay".to_owned(),
                name: "replayed".to_owned(),
                text: "flow 4 of shop.mitm".to_owned(),
                data: Some(json!({ "file": "shop.mitm", "number": 4 })),
            }],
        },
        request: Message {
            version: "HTTP/1.1".to_owned(),
            reason: None,
            fields: fields(&[("accept", b"*/*"), ("x-latin", b"caf\xe9")]),
            content: Content::Kept(Bytes::new()),
            trailers: Vec::new(),
        },
        response: Some(Message {
            version: "HTTP/1.1".to_owned(),
            reason: Some("Fine".to_owned()),
            fields: fields(&[("content-type", b"text/html; charset=utf-8"), ("content-encoding", b"gzip")]),
            content: Content::Kept(Bytes::from_static(coded)),
            trailers: fields(&[("x-sum", b"\x1b[2J")]),
        }),
        frames: vec![
            Frame { is_from_client: true, is_text: true, content: Bytes::from_static(b"hi"), at: 1_700_000_001.0 },
            Frame { is_from_client: false, is_text: false, content: Bytes::from_static(b"\xff"), at: 1_700_000_002.0 },
        ],
        server: None,
        timing: Timing { request_head: 1_700_000_000.25, request_end: Some(1_700_000_000.25), ..Timing::default() },
    }
}

/// A flow that failed, of which nothing was kept.
fn failed() -> Flow {
    let answered = answered();
    Flow {
        summary: FlowSummary {
            id: 5,
            session: String::new(),
            client: None,
            path: "/\u{1b}[2J".to_owned(),
            outcome: Outcome::Failed {
                error: "connection_refused".to_owned(),
                detail: "connection refused by 127.0.0.1:1".to_owned(),
            },
            status: None,
            media_type: None,
            response_bytes: 0,
            head_after: None,
            is_websocket: false,
            notes: Vec::new(),
            ..answered.summary
        },
        request: Message { content: Content::NotKept(Some(7)), ..answered.request },
        response: None,
        frames: Vec::new(),
        server: Some("127.0.0.1:1".to_owned()),
        timing: Timing::default(),
    }
}

fn option(name: &str, kind: OptionKind, value: OptionValue, default: OptionValue) -> OptionInfo {
    OptionInfo {
        name: name.to_owned(),
        addon: "serverreplay".to_owned(),
        help: "Does something".to_owned(),
        kind,
        value,
        default,
        is_fixed: name == "fixed",
        deprecated: (name == "order").then(|| "mode".to_owned()),
    }
}

impl Control for Fake {
    fn health(&self) -> Health {
        let listener = |session: Option<&str>| ListenerInfo {
            mode: "regular".to_owned(),
            address: "127.0.0.1:8080".to_owned(),
            session: session.map(str::to_owned),
        };
        Health {
            is_serving: *self.is_serving.lock().expect("nobody panicked"),
            pid: 7,
            version: "0.1.0",
            generation: 3,
            listeners: vec![listener(None), listener(Some("a"))],
        }
    }

    fn flows(&self, query: &FlowQuery) -> Result<FlowPage, ControlError> {
        self.is_listed.store(true, Ordering::Relaxed);
        let filter = query.filter.as_deref().map(flowfilter::Filter::parse).transpose();
        let filter = filter.map_err(|error| ControlError::new(ErrorKind::Invalid, error.reason()))?;
        let matches = |flow: &&Arc<Flow>| {
            filter.as_ref().is_none_or(|filter| filter.matches(&***flow))
                && query.session.as_ref().is_none_or(|session| flow.summary.session == *session)
                && query.after.is_none_or(|after| flow.summary.id > after)
        };
        let mut flows: Vec<_> = self.flows.iter().filter(matches).map(|flow| Arc::new(flow.summary.clone())).collect();
        flows.drain(..flows.len().saturating_sub(query.limit.unwrap_or(usize::MAX)));
        Ok(FlowPage { flows, forgotten: 3 })
    }

    fn recent(&self, _: Option<u64>) -> Option<RecentFlows> {
        None
    }

    fn summaries(&self, _: &[u64]) -> Vec<Arc<FlowSummary>> {
        Vec::new()
    }

    fn flow(&self, id: u64) -> Option<Arc<Flow>> {
        assert_ne!(id, 666, "a handler that panics");
        self.flows.iter().find(|flow| flow.summary.id == id).cloned()
    }

    fn clear_flows(&self) {
        self.note("clear".to_owned());
    }

    fn save_flows(
        &self,
        flows: Vec<u64>,
        file: PathBuf,
        existing: Existing,
    ) -> BoxFuture<'static, Result<usize, ControlError>> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let manner = if existing == Existing::Replace { " replacing" } else { "" };
        self.note(format!("save {flows:?} {name}{manner}"));
        async move {
            let failed = |error: std::io::Error| ControlError::new(ErrorKind::Failed, error.to_string());
            std::fs::write(file, format!("{flows:?}")).map_err(failed)?;
            Ok(flows.len())
        }
        .boxed()
    }

    fn events(&self) -> Events {
        Events::new(self.events.subscribe())
    }

    fn news(&self) -> Events {
        self.events()
    }

    fn options(&self) -> Vec<OptionInfo> {
        let text = |text: &str| OptionValue::Text(text.to_owned());
        let texts = |texts: &[&str]| OptionValue::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
        vec![
            option("refresh", OptionKind::Flag, OptionValue::Flag(false), OptionValue::Flag(true)),
            option("most", OptionKind::Integer, OptionValue::Integer(3), OptionValue::Integer(3)),
            option("order", OptionKind::Choice(vec!["old".to_owned(), "new".to_owned()]), text("old"), text("old")),
            option("files", OptionKind::Files, texts(&["a.mitm", "b c"]), texts(&[])),
            option("fixed", OptionKind::Output, text(""), text("")),
        ]
    }

    fn commands(&self) -> Vec<CommandInfo> {
        let parameter = |name: &str, kind, is_optional| Parameter {
            name: name.to_owned(),
            kind,
            is_optional,
            is_repeated: is_optional,
        };
        vec![CommandInfo {
            name: "replay.server.file".to_owned(),
            addon: "serverreplay".to_owned(),
            help: "Replays a file".to_owned(),
            parameters: vec![
                parameter("file", ParameterKind::File, false),
                parameter("how", ParameterKind::Choice(vec!["once".to_owned()]), true),
            ],
            keys: "Rs".to_owned(),
        }]
    }

    fn run(
        &self,
        name: String,
        arguments: Vec<String>,
        session: String,
    ) -> BoxFuture<'static, Result<Answer, ControlError>> {
        self.note(format!("run {name} {arguments:?} {session:?}"));
        let answer = match name.as_str() {
            "replay.server.count" => Ok(Answer { text: "2 left\n\u{1b}1 used".to_owned(), data: Some(json!(2)) }),
            "refuse" => Err(ControlError::new(ErrorKind::Refused, "no room for `x`")),
            "fail" => Err(ControlError::new(ErrorKind::Failed, "the disk is full")),
            _ => Err(ControlError::new(ErrorKind::Unknown, format!("there is no command `{name}`"))),
        };
        std::future::ready(answer).boxed()
    }

    fn addons(&self) -> Vec<AddonInfo> {
        vec![AddonInfo {
            name: "serverreplay".to_owned(),
            place: "shipped".to_owned(),
            summary: "replays".to_owned(),
            hooks: vec!["request".to_owned()],
            is_active: false,
            plugs: vec![PlugInfo { name: "matcher".to_owned(), exports: vec!["a:b/c".to_owned()] }],
        }]
    }

    fn recordings(&self, session: Option<&str>) -> Vec<RecordingInfo> {
        let exchange = |number, hits| ExchangeInfo {
            number,
            method: "GET".to_owned(),
            url: format!("http://shop.example/{number}"),
            status: 200,
            hits,
        };
        vec![RecordingInfo {
            addon: "serverreplay".to_owned(),
            file: "shop.mitm".to_owned(),
            exchanges: vec![exchange(1, if session.is_some() { 1 } else { 2 }), exchange(3, 0)],
            unusable: 1,
        }]
    }

    fn sessions(&self) -> Vec<SessionInfo> {
        let session = |name: &str| SessionInfo { name: name.to_owned(), flows: 4, misses: 1, failures: 0, used: 3 };
        vec![session(""), session("a")]
    }

    fn reset(&self, session: Option<&str>) -> Result<(), ControlError> {
        self.note(format!("reset {session:?}"));
        if session == Some("none") {
            return Err(ControlError::new(ErrorKind::Unknown, "there is no session `none`"));
        }
        Ok(())
    }

    fn report(&self, session: Option<&str>) -> Report {
        let exchange = |number, hits| ServedExchange {
            file: "shop.mitm".to_owned(),
            number,
            request: format!("GET http://shop.example/{number}"),
            status: 200,
            hits,
        };
        Report {
            session: session.map(str::to_owned),
            flows: 5,
            exchanges: vec![exchange(1, 2), exchange(3, 0)],
            misses: vec![Miss {
                flow: 6,
                session: "a".to_owned(),
                request: "GET http://shop.example/x".to_owned(),
                reason: "nothing recorded".to_owned(),
                data: Some(json!({ "nearest": [] })),
            }],
            missed: 1,
            failures: vec![Failure {
                flow: 5,
                session: String::new(),
                request: "GET http://shop.example/y".to_owned(),
                error: "connection_refused".to_owned(),
                detail: "refused".to_owned(),
            }],
            failed: 1,
        }
    }

    fn metrics(&self) -> Vec<Family> {
        vec![Family {
            name: "proxyhost_flows_total",
            help: "Flows",
            kind: MetricKind::Counter,
            samples: vec![Sample { labels: Vec::new(), value: 5.0 }],
        }]
    }

    fn change(&self, change: Change) -> BoxFuture<'static, Result<Changed, ControlError>> {
        let change = match change {
            Change::UploadAddon { name, bytes } => format!("UploadAddon {name} {}", bytes.len()),
            Change::ReplaceAddonWith { name, bytes } => format!("ReplaceAddonWith {name} {}", bytes.len()),
            Change::UploadPlug { name, bytes } => format!("UploadPlug {name} {}", bytes.len()),
            Change::ReplacePlugWith { name, bytes } => format!("ReplacePlugWith {name} {}", bytes.len()),
            other => format!("{other:?}"),
        };
        self.note(change.clone());
        std::future::ready(Ok(Changed { generation: 4, what: change })).boxed()
    }

    fn stop(&self) {
        self.note("stop".to_owned());
    }
}
