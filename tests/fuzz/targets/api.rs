//! Requests to the control API, as a head and a body: none is answered that a page of another origin could have sent, or somebody
//! who does not know the token; none changes anything then; and every refusal is a JSON document that says why.

#![no_main]

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use api::{Access, Token};
use axum::{Router, body::Body};
use control::{
    AddonInfo, Answer, Change, Changed, CommandInfo, Control, ControlError, ErrorKind, Events, Existing, Family, Flow,
    FlowPage, FlowQuery, FlowSummary, Health, OptionInfo, RecentFlows, RecordingInfo, Report, SessionInfo,
};
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use tokio::{
    runtime::{Builder, Runtime},
    sync::broadcast,
};
use tower_service::Service;

fuzz_target!(|bytes: &[u8]| {
    let Some(request) = request(bytes) else { return };
    let (fields, path) = (request.headers().clone(), request.uri().path().to_owned());
    let is_absolute = request.uri().authority().is_some();
    let changes = CHANGES.load(Ordering::Relaxed);
    let (status, content) = RUNTIME.block_on(answer(request));
    let is_allowed = is_own_host(&fields) && is_own_origin(&fields) && (OPEN.contains(&&*path) || has_token(&fields));
    if !is_allowed {
        assert!(!status.is_success(), "{status}");
        assert_eq!(CHANGES.load(Ordering::Relaxed), changes, "something was changed");
    } else if !is_absolute {
        let refusals = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::MISDIRECTED_REQUEST];
        assert!(!refusals.contains(&status), "{status}");
    }
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
    // The method HEAD has no content.
    if !status.is_success() && !content.is_empty() {
        let document: serde_json::Value = serde_json::from_slice(&content).expect("a JSON document");
        assert!(document["error"]["kind"].is_string() && document["error"]["reason"].is_string(), "{document}");
    }
});

const OPEN: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/v1/openapi.json"];
const TOKEN: &str = "0123456789abcdef";

/// A line of method and target, lines of fields, and a body behind an empty one.
fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let end = bytes.windows(2).position(|window| window == b"\n\n")?;
    let (head, body) = (&bytes[..end], &bytes[end + 2..]);
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let blank = first.iter().position(|byte| *byte == b' ')?;
    let (method, target) = (Method::from_bytes(&first[..blank]).ok()?, Uri::try_from(&first[blank + 1..]).ok()?);
    let mut request = Request::new(Body::from(body.to_vec()));
    (*request.method_mut(), *request.uri_mut()) = (method, target);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (HeaderName::from_bytes(&line[..colon]).ok()?, line[colon + 1..].trim_ascii());
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}

async fn answer(request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let is_endless = request.uri().path() == "/v1/events";
    let Ok(response) = ROUTER.clone().call(request).await;
    let status = response.status();
    let mut body = response.into_body();
    if is_endless && status.is_success() {
        // Nothing ever happens.
        assert!(matches!(body.frame().poll_unpin(&mut Context::from_waker(Waker::noop())), Poll::Pending | Poll::Ready(None)));
        return (status, Vec::new());
    }
    (status, body.collect().await.expect("a body").to_bytes().to_vec())
}

/// An address of loopback or `localhost`, with any port.
fn is_own_host(fields: &HeaderMap) -> bool {
    let mut lines = fields.get_all(header::HOST).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(text) = line.to_str() else { return false };
    let host = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.is_empty() => host,
        _ => text,
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let is_loopback = address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    host.eq_ignore_ascii_case("localhost") || is_loopback
}

fn is_own_origin(fields: &HeaderMap) -> bool {
    let host = fields.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let own = [b"http://", host].concat();
    let sites = fields.get_all("sec-fetch-site");
    fields.get_all(header::ORIGIN).iter().all(|origin| origin.as_bytes().eq_ignore_ascii_case(&own))
        && sites.iter().all(|site| site == "same-origin" || site == "none")
}

fn has_token(fields: &HeaderMap) -> bool {
    let mut lines = fields.get_all(header::AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Some((scheme, token)) = line.as_bytes().split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && token.trim_ascii() == TOKEN.as_bytes()
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_all().max_blocking_threads(1).build().expect("a runtime")
});

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let access = Access { token: Token::parse(TOKEN).expect("a token"), name: None };
    api::router(Arc::new(Empty(broadcast::channel(1).0)), access)
});

static CHANGES: AtomicUsize = AtomicUsize::new(0);

/// A proxy in which there is nothing, and which counts what it is asked to do.
struct Empty(broadcast::Sender<control::Event>);

impl Empty {
    fn count(&self) {
        CHANGES.fetch_add(1, Ordering::Relaxed);
    }

    fn refuse<T: Send + 'static>(&self) -> BoxFuture<'static, Result<T, ControlError>> {
        self.count();
        std::future::ready(Err(ControlError::new(ErrorKind::Refused, "nothing is done here"))).boxed()
    }
}

impl Control for Empty {
    fn health(&self) -> Health {
        Health { is_serving: true, pid: 1, version: "0", generation: 1, listeners: Vec::new() }
    }

    fn flows(&self, _: &FlowQuery) -> Result<FlowPage, ControlError> {
        Ok(FlowPage::default())
    }

    fn recent(&self, _: Option<u64>) -> Option<RecentFlows> {
        None
    }

    fn summaries(&self, _: &[u64]) -> Vec<Arc<FlowSummary>> {
        Vec::new()
    }

    fn flow(&self, _: u64) -> Option<Arc<Flow>> {
        None
    }

    fn clear_flows(&self) {
        self.count();
    }

    fn save_flows(&self, _: Vec<u64>, _: PathBuf, _: Existing) -> BoxFuture<'static, Result<usize, ControlError>> {
        self.refuse()
    }

    fn events(&self) -> Events {
        Events::new(self.0.subscribe())
    }

    fn news(&self) -> Events {
        self.events()
    }

    fn options(&self) -> Vec<OptionInfo> {
        Vec::new()
    }

    fn commands(&self) -> Vec<CommandInfo> {
        Vec::new()
    }

    fn run(&self, _: String, _: Vec<String>, _: String) -> BoxFuture<'static, Result<Answer, ControlError>> {
        self.refuse()
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
        self.count();
        Ok(())
    }

    fn report(&self, _: Option<&str>) -> Report {
        Report::default()
    }

    fn metrics(&self) -> Vec<Family> {
        Vec::new()
    }

    fn change(&self, _: Change) -> BoxFuture<'static, Result<Changed, ControlError>> {
        self.refuse()
    }

    fn stop(&self) {
        self.count();
    }
}
