//! A proxy that does nothing, with flows, options and commands to show.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use control::*;
use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::json;

/// Flows that it keeps.
const MOST_KEPT: usize = 20_000;

/// Events that wait to be looked at.
const MOST_EVENTS: usize = 16;

/// What a console looks at in tests and pictures.
pub(crate) struct Sample {
    flows: Mutex<Kept>,
    options: Vec<OptionInfo>,
    commands: Vec<CommandInfo>,
    asked: Mutex<Asked>,
    events: tokio::sync::broadcast::Sender<Event>,
}

/// What a console asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Times that it was told which flows there are.
    pub(crate) lists: usize,
    /// The flows that it was told of in a line.
    pub(crate) lines: Vec<u64>,
    /// The flows that it was given with all that is kept of them.
    pub(crate) whole: Vec<u64>,
}

/// Flows, in the order of their numbers.
#[derive(Default)]
struct Kept {
    flows: VecDeque<Arc<Flow>>,
    version: u64,
}

impl Sample {
    /// With these flows.
    pub(crate) fn new(flows: Vec<Flow>) -> Self {
        Self {
            flows: Mutex::new(Kept { flows: flows.into_iter().map(Arc::new).collect(), version: 0 }),
            options: options(),
            commands: commands(),
            asked: Mutex::default(),
            events: tokio::sync::broadcast::channel(MOST_EVENTS).0,
        }
    }

    /// Has a flow pass, or what is known of one be this from now on.
    pub(crate) fn pass(&self, flow: Flow) {
        let mut kept = self.kept();
        kept.version += 1;
        let id = flow.summary.id;
        if kept.flows.back().is_some_and(|latest| latest.summary.id >= id) {
            kept.flows.retain(|flow| flow.summary.id != id);
        }
        let place = kept.flows.partition_point(|flow| flow.summary.id < id);
        kept.flows.insert(place, Arc::new(flow));
        if kept.flows.len() > MOST_KEPT {
            kept.flows.pop_front();
        }
    }

    /// What it was asked for so far, to be taken or added to.
    pub(crate) fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> VecDeque<Arc<Flow>> {
        self.kept().flows.clone()
    }
}

impl Control for Sample {
    fn health(&self) -> Health {
        let listeners =
            vec![ListenerInfo { mode: "regular".to_owned(), address: "127.0.0.1:8080".to_owned(), session: None }];
        Health { is_serving: true, pid: 1, version: "0.1.0", generation: 1, listeners }
    }

    fn flows(&self, _: &FlowQuery) -> Result<FlowPage, ControlError> {
        let flows = self.all().iter().map(|flow| Arc::new(flow.summary.clone())).collect();
        Ok(FlowPage { flows, forgotten: 0 })
    }

    fn recent(&self, seen: Option<u64>) -> Option<RecentFlows> {
        let kept = self.kept();
        let flows = || kept.flows.iter().map(|flow| (flow.summary.id, flow.summary.stage)).collect();
        let is_news = seen != Some(kept.version);
        self.asked().lists += usize::from(is_news);
        is_news.then(|| RecentFlows { version: kept.version, flows: flows() })
    }

    fn summaries(&self, flows: &[u64]) -> Vec<Arc<FlowSummary>> {
        self.asked().lines.extend(flows);
        let all = self.all();
        let wanted = all.iter().filter(|flow| flows.binary_search(&flow.summary.id).is_ok());
        wanted.map(|flow| Arc::new(flow.summary.clone())).collect()
    }

    fn flow(&self, id: u64) -> Option<Arc<Flow>> {
        self.asked().whole.push(id);
        self.all().into_iter().find(|flow| flow.summary.id == id)
    }

    fn clear_flows(&self) {
        let mut kept = self.kept();
        kept.version += 1;
        kept.flows.retain(|flow| flow.summary.stage != Stage::Ended);
    }

    fn save_flows(&self, flows: Vec<u64>, _: PathBuf, _: Existing) -> BoxFuture<'static, Result<usize, ControlError>> {
        async move { Ok(flows.len()) }.boxed()
    }

    fn events(&self) -> Events {
        Events::new(self.events.subscribe())
    }

    fn news(&self) -> Events {
        self.events()
    }

    fn options(&self) -> Vec<OptionInfo> {
        self.options.clone()
    }

    fn commands(&self) -> Vec<CommandInfo> {
        self.commands.clone()
    }

    /// Ends this program if the argument says how.
    fn run(&self, _: String, arguments: Vec<String>, _: String) -> BoxFuture<'static, Result<Answer, ControlError>> {
        async move {
            match arguments.first().map(String::as_str) {
                Some("panic") => unreachable!("the sample was told to panic"),
                Some("signal") => {
                    let kill = std::process::Command::new("kill").arg(std::process::id().to_string()).status();
                    kill.map_err(|error| ControlError::new(ErrorKind::Failed, error.to_string()))?;
                }
                _ => {}
            }
            Ok(Answer { text: String::new(), data: None })
        }
        .boxed()
    }

    fn addons(&self) -> Vec<AddonInfo> {
        Vec::new()
    }

    fn recordings(&self, _: Option<&str>) -> Vec<RecordingInfo> {
        Vec::new()
    }

    fn sessions(&self) -> Vec<SessionInfo> {
        Vec::new()
    }

    fn reset(&self, _: Option<&str>) -> Result<(), ControlError> {
        Ok(())
    }

    fn report(&self, _: Option<&str>) -> Report {
        Report::default()
    }

    fn metrics(&self) -> Vec<Family> {
        Vec::new()
    }

    fn change(&self, _: Change) -> BoxFuture<'static, Result<Changed, ControlError>> {
        async { Ok(Changed { generation: 2, what: String::new() }) }.boxed()
    }

    fn stop(&self) {}
}

/// 2026-03-02 09:30:00 UTC.
const START: f64 = 1_772_443_800.0;

/// A flow that a server answered.
pub(crate) fn flow(id: u64, method: &str, authority: &str, path: &str, status: u16, body: &str) -> Flow {
    let started_at = START + id as f64;
    let fields = |lines: &[(&str, &str)]| {
        lines.iter().map(|(name, value)| ((*name).to_owned(), Bytes::copy_from_slice(value.as_bytes()))).collect()
    };
    Flow {
        summary: FlowSummary {
            id,
            session: String::new(),
            client: Some("127.0.0.1:50312".to_owned()),
            method: method.to_owned(),
            scheme: "http".to_owned(),
            authority: authority.to_owned(),
            path: path.to_owned(),
            started_at,
            stage: Stage::Ended,
            outcome: Outcome::Forwarded,
            status: Some(status),
            media_type: Some("application/json".to_owned()),
            request_bytes: 0,
            response_bytes: body.len() as u64,
            head_after: Some(0.0301),
            ended_after: Some(0.0312),
            is_websocket: false,
            notes: Vec::new(),
        },
        request: Message {
            version: "HTTP/1.1".to_owned(),
            reason: None,
            fields: fields(&[("Host", authority), ("User-Agent", "curl/8.5.0"), ("Accept", "*/*")]),
            content: Content::Kept(Bytes::new()),
            trailers: Vec::new(),
        },
        response: Some(Message {
            version: "HTTP/1.1".to_owned(),
            reason: Some("OK".to_owned()),
            fields: fields(&[("Content-Type", "application/json"), ("Date", "Mon, 02 Mar 2026 09:30:00 GMT")]),
            content: Content::Kept(Bytes::copy_from_slice(body.as_bytes())),
            trailers: Vec::new(),
        }),
        frames: Vec::new(),
        server: Some("192.0.2.7:80".to_owned()),
        timing: Timing {
            request_head: started_at,
            request_end: Some(started_at + 0.0001),
            response_head: Some(started_at + 0.0301),
            response_end: Some(started_at + 0.0312),
        },
    }
}

/// One flow of each kind.
pub(crate) fn shop() -> Vec<Flow> {
    let host = "shop.example";
    let order = r#"{"id":1042,"state":"shipped","items":[{"sku":"A-7","count":2}],"total":"19.90"}"#;
    let mut replayed = flow(1, "GET", host, "/api/orders/1042", 200, order);
    replayed.summary.outcome = Outcome::Answered { addon: "serverreplay".to_owned() };
    replayed.summary.ended_after = Some(0.0004);
    replayed.summary.notes.push(note("replayed", "flow 4 of shop.mitm", None));

    let mut missed = flow(2, "GET", host, "/api/products?page=3&sort=price&_=1772443801", 404, "");
    missed.summary.outcome = Outcome::Answered { addon: "serverreplay".to_owned() };
    missed.summary.notes.push(note("missed", "query page differs from flow 7 of shop.mitm", Some(miss())));

    let forwarded =
        flow(3, "GET", "cdn.example:8443", "/assets/app/v41/chunks/main.3f9a1c07b2.js?cache=immutable", 304, "");

    let mut killed = flow(4, "POST", "telemetry.example", "/v1/events", 0, "");
    killed.summary.outcome = Outcome::Killed { addon: "serverreplay".to_owned() };
    (killed.summary.status, killed.response) = (None, None);

    let mut failed = flow(5, "DELETE", host, "/api/orders/9", 502, "cannot connect");
    let detail = "cannot connect to `shop.example:80`: connection refused".to_owned();
    failed.summary.outcome = Outcome::Failed { error: "connection_refused".to_owned(), detail };

    let mut streaming = flow(6, "GET", host, "/downloads/catalogue-2026.pdf", 200, "");
    streaming.summary.stage = Stage::Streaming;
    streaming.summary.ended_after = None;
    streaming.summary.response_bytes = 18_200_000;
    streaming.summary.media_type = Some("application/pdf".to_owned());

    let mut websocket = flow(7, "GET", host, "/api/updates", 101, "");
    websocket.summary.is_websocket = true;
    websocket.summary.stage = Stage::Streaming;
    websocket.summary.ended_after = None;
    websocket.frames = vec![
        Frame {
            is_from_client: true,
            is_text: true,
            content: Bytes::from_static(b"{\"watch\":1042}"),
            at: START + 7.2,
        },
        Frame { is_from_client: false, is_text: false, content: Bytes::from_static(b"\x01\x02\xff"), at: START + 7.9 },
    ];

    let mut waiting = flow(8, "PUT", host, "/api/cart/items/A-7", 0, "");
    (waiting.summary.status, waiting.response) = (None, None);
    (waiting.summary.stage, waiting.summary.outcome) = (Stage::Waiting, Outcome::Open);
    (waiting.summary.head_after, waiting.summary.ended_after) = (None, None);
    vec![replayed, missed, forwarded, killed, failed, streaming, websocket, waiting]
}

fn note(name: &str, text: &str, data: Option<serde_json::Value>) -> Note {
    Note { addon: "serverreplay".to_owned(), name: name.to_owned(), text: text.to_owned(), data }
}

fn miss() -> serde_json::Value {
    json!({
        "reason": "no recorded request has the same query",
        "parts": [
            { "name": "method", "value": "GET" },
            { "name": "host", "value": "shop.example" },
            { "name": "path", "value": "/api/products" },
            { "name": "query page", "value": "3" },
            { "name": "query sort" },
        ],
        "nearest": [
            {
                "flow": 7,
                "file": "shop.mitm",
                "request": "GET http://shop.example/api/products?page=2&sort=price",
                "differences": [
                    { "part": "query page", "kind": "value", "live": "3", "recorded": "2" },
                    { "part": "query _", "kind": "added" },
                ],
                "would_match_with": "--replay-ignore-param _ --replay-ignore-param page",
            },
            { "flow": 9, "file": "shop.mitm", "cannot_answer": "no response",
              "differences": [{ "part": "query sort", "kind": "missing" }, { "kind": "order" }], "more_differences": 3 },
        ],
    })
}

fn options() -> Vec<OptionInfo> {
    let option = |name: &str, help: &str, kind, value, default| OptionInfo {
        name: name.to_owned(),
        addon: "serverreplay".to_owned(),
        help: help.to_owned(),
        kind,
        value,
        default,
        is_fixed: false,
        deprecated: None,
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let text = |text: &str| OptionValue::Text(text.to_owned());
    let mut fixed = option("record", "Write flows to this file.", OptionKind::Output, text("+all.mitm"), text(""));
    (fixed.addon, fixed.is_fixed) = ("record".to_owned(), true);
    vec![
        option(
            "server_replay",
            "Replay server responses from these files.",
            OptionKind::Files,
            OptionValue::Texts(words(&["shop.mitm"])),
            OptionValue::Texts(Vec::new()),
        ),
        option(
            "server_replay_extra",
            "What to do with requests that no recorded response is for: forward them to the server, kill the connection, or \
             answer with a status.",
            OptionKind::Choice(words(&["forward", "kill", "404"])),
            text("forward"),
            text("forward"),
        ),
        option(
            "server_replay_ignore_params",
            "Parameters of the query that need not be the same.",
            OptionKind::Texts,
            OptionValue::Texts(Vec::new()),
            OptionValue::Texts(Vec::new()),
        ),
        option(
            "server_replay_refresh",
            "Bring dates and the expiry of cookies up to date in replayed responses.",
            OptionKind::Flag,
            OptionValue::Flag(true),
            OptionValue::Flag(true),
        ),
        option(
            "server_replay_most",
            "Responses that are kept at most.",
            OptionKind::Integer,
            OptionValue::Integer(1000),
            OptionValue::Integer(1000),
        ),
        fixed,
    ]
}

fn commands() -> Vec<CommandInfo> {
    let command = |name: &str, help: &str, parameters, keys: &str| CommandInfo {
        name: name.to_owned(),
        addon: "serverreplay".to_owned(),
        help: help.to_owned(),
        parameters,
        keys: keys.to_owned(),
    };
    let file = Parameter { name: "file".to_owned(), kind: ParameterKind::File, is_optional: false, is_repeated: false };
    vec![
        command("replay.server.file", "Replay responses from this file only.", vec![file], "Rs"),
        command("replay.server.reset", "Forget which responses were used.", Vec::new(), "Rr"),
        command("replay.server.count", "How many responses are left.", Vec::new(), ""),
    ]
}
