use std::time::Duration;

use bytes::Bytes;
use control::{Outcome, Stage};
use http::StatusCode;
use http_body_util::BodyExt;

use super::*;
use crate::flow::{
    Body, Decision, FaultKind, Fields, FlowId, Note, Response, Sender,
    samples::{Next, Peer, request},
};

fn journal(keeping: Option<Keeping>) -> Arc<Journal> {
    Arc::new(Journal::new(keeping))
}

/// A request of this number and session.
fn of(flow: u64, session: &str, body: Body) -> Request {
    let session = if session.is_empty() { Session::default() } else { Session::named(session).unwrap() };
    Request { flow: FlowId(flow), session, ..request(body) }
}

fn response(body: Body) -> Response {
    Response::new(StatusCode::OK, Fields::default(), body)
}

fn missed(text: &str, data: &str) -> Note {
    let (name, text) = ("missed".to_owned(), text.to_owned());
    Note { addon: "replay".into(), name, text, data: Some(data.to_owned()) }
}

/// Sends a body on, as a peer gets it.
async fn send(body: Body) -> Bytes {
    let outgoing = body.into_outgoing(Sender::Server, Duration::from_secs(1)).unwrap();
    outgoing.collect().await.unwrap().to_bytes()
}

/// A flow that an addon answers, and that has ended.
fn answered(journal: &Arc<Journal>, request: &Request, body: &'static str) {
    let passing = journal.begin(request, None);
    request.notes.decide(Decision::Answered("replay".into()));
    passing.answered(&mut response(Body::Bytes(Bytes::from_static(body.as_bytes()))));
    passing.sent(body.len() as u64);
    passing.sent_all();
}

/// The number of a sample, by its family and the value of its label.
fn number(journal: &Journal, name: &str, label: &str) -> f64 {
    let families = journal.families();
    let family = families.iter().find(|family| family.name == name).expect(name);
    let of = |sample: &&control::Sample| sample.labels.iter().all(|(_, value)| value == label);
    family.samples.iter().find(of).map_or(0.0, |sample| sample.value)
}

#[test]
fn flows_are_counted_by_session_and_by_what_became_of_them() {
    let journal = journal(None);
    answered(&journal, &of(1, "", Body::Empty), "ab");
    let forwarded = of(2, "a", Body::Empty);
    forwarded.notes.decide(Decision::Forwarded(forwarded.head.destination.clone()));
    journal.begin(&forwarded, None).answered(&mut response(Body::Empty));
    journal.begin(&of(3, "a", Body::Empty), None).killed();
    let fault = Fault::new(FaultKind::Refused, "no");
    journal.begin(&of(4, "a", Body::Empty), None).failed(&fault);
    journal.refused(&Fault::new(FaultKind::BadRequest, "nonsense"));
    let under_way = journal.begin(&of(5, "", Body::Empty), None);
    assert_eq!(number(&journal, "proxyhost_flows_in_flight", ""), 1.0);
    drop(under_way);
    for outcome in ["answered", "forwarded", "killed", "failed", "refused"] {
        assert_eq!(number(&journal, "proxyhost_flows_total", outcome), 1.0, "{outcome}");
    }
    assert_eq!(number(&journal, "proxyhost_failures_total", "connection_refused"), 1.0);
    assert_eq!(number(&journal, "proxyhost_content_bytes_total", "sent"), 2.0);
    let counts = |journal: &Journal| {
        let sessions = journal.sessions().into_iter();
        sessions.map(|session| (session.name, session.flows, session.failures)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&journal), [(String::new(), 2, 0), ("a".to_owned(), 3, 1)]);
    journal.reset(Some("a")).unwrap();
    assert_eq!(counts(&journal), [(String::new(), 2, 0)]);
    assert_eq!(journal.reset(Some("a")).unwrap_err().reason, "there is no session `a`");
    journal.reset(None).unwrap();
    assert_eq!(counts(&journal), [(String::new(), 0, 0)]);
    assert_eq!(number(&journal, "proxyhost_flows_total", "killed"), 1.0, "a counter never falls");
}

#[test]
fn a_report_has_misses_and_failures_of_a_session_or_of_all() {
    let journal = journal(None);
    for (flow, session) in [(1, "a"), (2, "b")] {
        let request = of(flow, session, Body::Empty);
        let passing = journal.begin(&request, None);
        request.notes.add(missed("never recorded", r#"{"nearest":[]}"#)).unwrap();
        passing.killed();
    }
    journal.begin(&of(3, "b", Body::Empty), None).failed(&Fault::new(FaultKind::Refused, "no"));
    let all = journal.report(None);
    assert_eq!((all.flows, all.missed, all.failed, all.misses.len(), all.failures.len()), (3, 2, 1, 2, 1));
    let report = journal.report(Some("a"));
    let data = Some(serde_json::json!({ "nearest": [] }));
    let (request, reason) = ("GET http://a.example/".to_owned(), "never recorded".to_owned());
    let miss = control::Miss { flow: 1, session: "a".to_owned(), request, reason, data };
    assert_eq!((report.flows, report.misses, report.failures), (1, vec![miss], vec![]));
    journal.reset(Some("a")).unwrap();
    let all = journal.report(None);
    assert_eq!((all.flows, all.missed, all.misses.len(), all.failures.len()), (2, 1, 1, 1));
}

#[test]
fn misses_beyond_the_bound_are_counted_and_the_oldest_forgotten() {
    let journal = journal(None);
    let data = format!("\"{}\"", "x".repeat(60_000));
    for flow in 0..200 {
        let request = of(flow, "", Body::Empty);
        request.notes.add(missed("never recorded", &data)).unwrap();
        journal.begin(&request, None).killed();
    }
    let report = journal.report(None);
    assert_eq!(report.missed, 200);
    assert!((100..150).contains(&report.misses.len()), "8 MiB of them: {}", report.misses.len());
    assert_eq!(report.misses.last().map(|miss| miss.flow), Some(199));
}

#[tokio::test]
async fn those_who_listen_are_told_of_a_flow_in_order() {
    let journal = journal(None);
    let unheard = of(1, "", Body::Empty);
    answered(&journal, &unheard, "");
    let mut events = journal.subscribe();
    let request = of(2, "a", Body::Empty);
    let passing = journal.begin(&request, Some("192.0.2.1:4".parse().unwrap()));
    request.notes.add(missed("why", "1")).unwrap();
    request.notes.decide(Decision::Answered("replay".into()));
    passing.answered(&mut response(Body::Empty));
    drop(passing);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(match events.next().await.unwrap() {
            Event::FlowStarted { flow } => format!("started {} {:?}", flow.id, flow.client),
            Event::Noted { flow, note } => format!("noted {flow} {} {}", note.text, note.data.unwrap()),
            Event::FlowAnswered { flow } => format!("answered {:?} {:?}", flow.outcome, flow.status),
            Event::FlowEnded { flow } => format!("ended {:?} {}", flow.stage, flow.notes.len()),
            other => panic!("{other:?}"),
        });
    }
    let started = "started 2 Some(\"192.0.2.1:4\")";
    let answered = "answered Answered { addon: \"replay\" } Some(200)";
    assert_eq!(told, [started, "noted 2 why 1", answered, "ended Ended 1"]);
}

#[tokio::test]
async fn events_that_are_not_read_are_lost_and_counted() {
    let journal = journal(None);
    let mut events = journal.subscribe();
    for flow in 0..5000 {
        drop(journal.begin(&of(flow, "", Body::Empty), None));
    }
    let Some(Event::Lost { events: lost }) = events.next().await else { panic!("some were lost") };
    assert_eq!(number(&journal, "proxyhost_events_lost_total", ""), lost as f64);
    assert!((1..10_000).contains(&lost));
}

#[tokio::test]
async fn a_recent_flow_has_the_bodies_that_passed() {
    let journal = journal(Some(Keeping::default()));
    let peer = Peer::new([Next::Piece("one"), Next::Piece("two"), Next::Trailers("x-sum", "6")]);
    let request = of(1, "", Body::live(peer));
    let passing = journal.begin(&request, None);
    assert_eq!(send(request.body.clone()).await, "onetwo");
    passing.answered(&mut response(Body::Bytes(Bytes::from_static(b"answer"))));
    let under_way = journal.flow(1).unwrap();
    assert_eq!((under_way.summary.stage, &under_way.summary.outcome), (Stage::Streaming, &Outcome::Forwarded));
    passing.sent(6);
    drop(passing);
    let flow = journal.flow(1).unwrap();
    assert_eq!(flow.request.content, control::Content::Kept(Bytes::from_static(b"onetwo")));
    assert_eq!(flow.request.trailers, [("x-sum".to_owned(), Bytes::from_static(b"6"))]);
    let response = flow.response.as_ref().unwrap();
    assert_eq!(response.content, control::Content::Kept(Bytes::from_static(b"answer")));
    assert_eq!((flow.summary.request_bytes, flow.summary.response_bytes), (6, 6));
    assert_eq!((flow.summary.stage, flow.summary.path.as_str()), (Stage::Ended, "/"));
    assert!(journal.flow(2).is_none());
}

#[tokio::test]
async fn of_a_body_beyond_the_limit_nothing_is_kept_but_its_size() {
    let journal = journal(Some(Keeping { body: 5, ..Keeping::default() }));
    let request = of(1, "", Body::live(Peer::new([Next::Piece("one"), Next::Piece("two"), Next::Piece("three")])));
    let passing = journal.begin(&request, None);
    send(request.body.clone()).await;
    passing.answered(&mut response(Body::Bytes(Bytes::from_static(b"answer"))));
    let flow = journal.flow(1).unwrap();
    assert_eq!(flow.request.content, control::Content::NotKept(Some(11)));
    assert_eq!(flow.response.as_ref().unwrap().content, control::Content::NotKept(Some(6)));
}

#[test]
fn a_failed_flow_has_what_its_client_was_told() {
    let journal = journal(Some(Keeping::default()));
    journal.begin(&of(7, "", Body::Empty), None).failed(&Fault::new(FaultKind::Refused, "nobody listens"));
    let flow = journal.flow(7).unwrap();
    let (error, detail) = ("connection_refused".to_owned(), "nobody listens".to_owned());
    assert_eq!((flow.summary.status, &flow.summary.outcome), (Some(502), &Outcome::Failed { error, detail }));
    let told = control::Content::Kept(Bytes::from_static(b"proxyhost: nobody listens (flow 7)\n"));
    assert_eq!(flow.response.as_ref().unwrap().content, told);
}

#[test]
fn recent_flows_are_bounded_in_number_and_bytes() {
    let ids = |page: &FlowPage| page.flows.iter().map(|flow| flow.id).collect::<Vec<_>>();
    let few = journal(Some(Keeping { flows: 10, ..Keeping::default() }));
    for flow in 1..=25 {
        answered(&few, &of(flow, "", Body::Empty), "");
    }
    let page = few.flows(&FlowQuery::default()).unwrap();
    assert_eq!((ids(&page), page.forgotten), ((16..=25).collect(), 15));

    let small = journal(Some(Keeping { bytes: 8 << 20, ..Keeping::default() }));
    for flow in 1..=20 {
        answered(&small, &of(flow, "", Body::Bytes(Bytes::from(vec![0; 1 << 20]))), "");
    }
    let page = small.flows(&FlowQuery::default()).unwrap();
    assert_eq!((ids(&page), page.forgotten), ((16..=20).collect(), 15), "a quarter of the room is kept free");
    assert!(number(&small, "proxyhost_recent_bytes", "") > f64::from(5 << 20));
    small.clear();
    assert_eq!(number(&small, "proxyhost_recent_flows", ""), 0.0);
    assert_eq!(number(&small, "proxyhost_recent_bytes", ""), 0.0);
}

#[test]
fn recent_flows_are_found_by_filter_session_and_number() {
    let journal = journal(Some(Keeping::default()));
    for (flow, session) in [(1, "a"), (3, "b"), (2, "a")] {
        answered(&journal, &of(flow, session, Body::Empty), "");
    }
    journal.begin(&of(4, "a", Body::Empty), None).killed();
    let found = |query: FlowQuery| journal.flows(&query).unwrap().flows.iter().map(|flow| flow.id).collect::<Vec<_>>();
    assert_eq!(found(FlowQuery::default()), [1, 2, 3, 4]);
    assert_eq!(found(FlowQuery { session: Some("a".to_owned()), ..FlowQuery::default() }), [1, 2, 4]);
    assert_eq!(found(FlowQuery { filter: Some("~c 200".to_owned()), ..FlowQuery::default() }), [1, 2, 3]);
    assert_eq!(found(FlowQuery { after: Some(2), ..FlowQuery::default() }), [3, 4]);
    assert_eq!(found(FlowQuery { limit: Some(2), ..FlowQuery::default() }), [3, 4]);
    let wrong = journal.flows(&FlowQuery { filter: Some("~nothing".to_owned()), ..FlowQuery::default() });
    assert!(wrong.unwrap_err().reason.starts_with("at character "));
}

#[test]
fn whoever_looks_again_and_again_is_told_which_flows_there_are_and_what_those_are_that_are_asked_for() {
    use control::Stage::{Ended, Streaming, Waiting};
    let journal = journal(Some(Keeping { flows: 4, ..Keeping::default() }));
    let mut version = None;
    let mut seen = |journal: &Journal| {
        let recent = journal.recent(version)?;
        version = Some(recent.version);
        Some(recent.flows)
    };
    assert_eq!((seen(&journal), seen(&journal)), (Some(vec![]), None));
    let (first, second) = (of(1, "", Body::Empty), of(2, "", Body::Empty));
    let (under_way, ending) = (journal.begin(&first, None), journal.begin(&second, None));
    assert_eq!((seen(&journal), seen(&journal)), (Some(vec![(1, Waiting), (2, Waiting)]), None));
    under_way.answered(&mut response(Body::Empty));
    assert_eq!(seen(&journal), Some(vec![(1, Streaming), (2, Waiting)]));
    drop(ending);
    assert_eq!((seen(&journal), seen(&journal)), (Some(vec![(1, Streaming), (2, Ended)]), None));
    (3..=6).for_each(|flow| answered(&journal, &of(flow, "", Body::Empty), ""));
    assert_eq!(seen(&journal), Some(vec![(1, Streaming), (4, Ended), (5, Ended), (6, Ended)]));
    let asked = journal.summaries(&[1, 2, 5]);
    let asked: Vec<_> = asked.iter().map(|flow| (flow.id, flow.stage, flow.status)).collect();
    assert_eq!(asked, [(1, Streaming, Some(200)), (5, Ended, Some(200))], "what is forgotten is left out");
    assert_eq!(journal.flow(6).map(|flow| flow.summary.id), Some(6));
    journal.clear();
    assert_eq!((seen(&journal), seen(&journal)), (Some(vec![(1, Streaming)]), None));
    assert!(journal.summaries(&[5]).is_empty());
}

#[tokio::test]
async fn those_who_listen_to_news_are_told_nothing_of_flows() {
    let journal = journal(None);
    let (mut events, mut news) = (journal.subscribe(), journal.subscribe_to_news());
    answered(&journal, &of(1, "", Body::Empty), "");
    journal.tell(|| Event::Changed { generation: 2, what: "all".to_owned() });
    assert!(matches!(news.next().await, Some(Event::Changed { generation: 2, .. })));
    for _ in 0..3 {
        assert!(!matches!(events.next().await, Some(Event::Changed { .. })));
    }
    assert!(matches!(events.next().await, Some(Event::Changed { .. })));
    drop(events);
    assert!(!journal.is_heard(), "flows make no events for news");
}

#[test]
fn nothing_is_kept_where_nothing_can_look_at_it() {
    let journal = journal(None);
    answered(&journal, &of(1, "", Body::Empty), "");
    assert!(journal.flows(&FlowQuery::default()).unwrap().flows.is_empty());
    assert!(journal.flow(1).is_none());
}
