use std::{sync::Mutex, time::Duration};

use http::{HeaderValue, Method, Version, header};
use tokio::time::Instant;

use super::*;
use crate::flow::{Body, Completion, Endpoint, Fields, FlowId, Route, Scheme, Target};

/// A server that answers as it is told, and remembers what it was asked.
#[derive(Default)]
struct Told {
    answers: Mutex<Vec<Result<Response, Fault>>>,
    asked: Mutex<Vec<String>>,
}

impl Forward for Told {
    async fn send(&self, request: Request, _: Option<Arc<dyn InterimSink>>) -> Result<Response, Fault> {
        self.asked.lock().unwrap().push(format!("{} {}", request.head.method, request.head.shown()));
        self.answers.lock().unwrap().remove(0)
    }

    async fn tunnel(&self, destination: &Destination, _: &Route) -> Result<ByteStream, Fault> {
        self.asked.lock().unwrap().push(format!("tunnel to {}", destination.host_and_port()));
        Ok(Box::new(tokio::io::empty()))
    }
}

fn proxy(upstream: Option<Told>) -> Proxy<Told> {
    let generations = Arc::new(Generations::new(Vec::new(), Arc::default()));
    Proxy { generations, upstream, egress: Arc::default(), onboarding: None, via: Some(Via::new(7)) }
}

fn told(answer: Result<Response, Fault>) -> Option<Told> {
    Some(Told { answers: Mutex::new(vec![answer]), asked: Mutex::default() })
}

fn request(upgrade: Option<&'static str>) -> Request {
    let head = RequestHead {
        method: Method::GET,
        destination: Destination::new(Scheme::Http, "shop.example", 80).unwrap(),
        authority: None,
        target: Target::parse("/a?b").unwrap(),
        version: Version::HTTP_11,
        fields: Fields::default(),
        accepts_trailers: false,
        upgrade: upgrade.map(HeaderValue::from_static),
    };
    Request::new(FlowId(1), head, Body::Empty)
}

fn response(status: u16) -> Response {
    Response::new(StatusCode::from_u16(status).unwrap(), Fields::default(), Body::Empty)
}

fn kind(answered: Result<Response, Unanswered>) -> FaultKind {
    match answered {
        Err(Unanswered::Failed(fault)) => fault.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_no_addon_answers_goes_to_its_server_and_comes_back_with_via() {
    let proxy = proxy(told(Ok(response(204))));
    let answer = proxy.respond(request(None), None).await.unwrap();
    assert_eq!(answer.head.status, 204);
    assert_eq!(answer.head.fields.get(&header::VIA).unwrap(), "1.1 proxyhost-7");
    assert_eq!(*proxy.upstream.unwrap().asked.lock().unwrap(), ["GET http://shop.example/a?…"]);
}

#[tokio::test]
async fn offline_nothing_is_sent() {
    let proxy = proxy(None);
    assert_eq!(kind(proxy.respond(request(None), None).await), FaultKind::Offline);
    let tunnel = proxy.connect(request(None)).await;
    assert!(matches!(tunnel, Err(Unanswered::Failed(Fault { kind: FaultKind::Offline, .. }))));
}

#[tokio::test]
async fn a_fault_of_the_server_is_the_answers() {
    let fault = Fault::new(FaultKind::Refused, "nobody is there");
    let proxy = proxy(told(Err(fault.clone())));
    assert_eq!(proxy.respond(request(None), None).await.unwrap_err(), Unanswered::Failed(fault));
}

#[tokio::test(start_paused = true)]
async fn a_response_is_held_back_for_its_latency() {
    let mut slow = response(200);
    slow.latency = Duration::from_secs(90);
    let began = Instant::now();
    proxy(told(Ok(slow))).respond(request(None), None).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(90));
}

/// Somebody to speak with.
#[derive(Debug)]
struct Anybody;

impl Endpoint for Anybody {
    fn serve(self: Arc<Self>, _: FlowId, _: ByteStream) -> Completion {
        Box::pin(async {})
    }
}

#[tokio::test]
async fn only_who_asked_for_an_upgrade_gets_one() {
    let switching = |endpoint: bool| {
        let mut response = response(101);
        response.upgrade.endpoint = endpoint.then(|| Arc::new(Anybody) as Arc<dyn Endpoint>);
        told(Ok(response))
    };
    let upgraded = proxy(switching(true)).respond(request(Some("websocket")), None).await.unwrap();
    assert!(upgraded.upgrade.endpoint.is_some());
    for (endpoint, wanted) in [(true, None), (false, Some("websocket"))] {
        let answered = proxy(switching(endpoint)).respond(request(wanted), None).await;
        assert_eq!(kind(answered), FaultKind::ResponseIncomplete);
    }
}

#[tokio::test]
async fn what_replaced_an_upgrade_upgrades_nothing() {
    let mut replaced = response(200);
    replaced.upgrade.endpoint = Some(Arc::new(Anybody));
    let answer = proxy(told(Ok(replaced))).respond(request(Some("websocket")), None).await.unwrap();
    assert!(answer.upgrade.endpoint.is_none());
}

#[tokio::test]
async fn a_tunnel_goes_where_its_request_says_and_not_to_every_port() {
    let proxy = proxy(told(Ok(response(200))));
    assert!(proxy.connect(request(None)).await.is_ok());
    assert_eq!(*proxy.upstream.as_ref().unwrap().asked.lock().unwrap(), ["tunnel to shop.example:80"]);
    let mail = Destination::new(Scheme::Https, "shop.example", 25).unwrap();
    assert_eq!(proxy.check_tunnel(&mail).unwrap_err().kind, FaultKind::Denied);
}
