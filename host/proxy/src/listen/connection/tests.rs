use std::sync::Mutex;

use futures_util::FutureExt;
use http::{HeaderName, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Semaphore,
    time::Instant,
};

use super::*;
use crate::{
    flow::{Body, ByteStream, Destination, Fault, Fields, InterimSink, Lease, Request, Response, Session, Unanswered},
    listen::{ClientLimits, Entry, ca::CertificateAuthority},
};

/// Answers by path, and can be made to wait.
struct Answers {
    go_on: Semaphore,
    /// The session of each request, and the names of its fields.
    seen: Mutex<Vec<(String, Vec<String>)>>,
}

impl Service for Answers {
    async fn respond(&self, request: Request, _: Option<Arc<dyn InterimSink>>) -> Result<Response, Unanswered> {
        let fields = request.head.fields.map().keys().map(ToString::to_string).collect();
        self.seen.lock().unwrap().push((request.session.name().to_owned(), fields));
        match request.head.target.as_str() {
            "/panic" => panic!("this flow is broken"),
            "/kill" => Err(Unanswered::Killed),
            "/wait" => {
                let _permit = self.go_on.acquire().await;
                Ok(Response::new(StatusCode::NO_CONTENT, Fields::default(), Body::Empty))
            }
            _ => Ok(Response::new(StatusCode::NO_CONTENT, Fields::default(), Body::Empty)),
        }
    }

    fn check_tunnel(&self, _: &Destination) -> Result<(), Fault> {
        Ok(())
    }

    async fn connect(&self, _: Request) -> Result<(ByteStream, Lease), Unanswered> {
        Err(Unanswered::Killed)
    }
}

fn clients(flows: usize) -> Arc<Clients<Answers>> {
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(CertificateAuthority::load_or_create(folder.path()).unwrap());
    let limits = ClientLimits { connections: 1, flows, ..ClientLimits::default() };
    let answers = Answers { go_on: Semaphore::new(0), seen: Mutex::default() };
    Arc::new(Clients::new(answers, authority, limits, Duration::from_secs(60)))
}

/// A client's side of a new connection.
fn connect(clients: &Arc<Clients<Answers>>) -> DuplexStream {
    connect_to(Gate::new(Entry::Proxy, None), clients)
}

/// The same, to a listener with this gate.
fn connect_to(gate: Gate, clients: &Arc<Clients<Answers>>) -> DuplexStream {
    let (client, server) = duplex(64 * 1024);
    let carrier = Carrier { gate: Arc::new(gate), peer: None, scheme: Scheme::Http };
    tokio::spawn(serve(clients.clone(), server, carrier, None));
    client
}

fn get(path: &str) -> String {
    format!("GET http://a.example{path} HTTP/1.1\r\nhost: a.example\r\n\r\n")
}

/// The first line of the next answer, which has no content or closes the connection.
async fn answer(client: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap().lines().next().unwrap_or_default().to_owned()
}

async fn is_closed(client: &mut DuplexStream) -> bool {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_arrives_is_closed_in_the_heads_time() {
    let mut client = connect(&clients(1));
    let opened = Instant::now();
    assert!(is_closed(&mut client).await);
    assert_eq!(opened.elapsed(), HEAD_WITHIN);
}

#[tokio::test(start_paused = true)]
async fn a_beginning_of_a_head_does_not_keep_a_connection() {
    for start in ["G", "GET http://a.example/ HTTP/1.1\r\nhost: a", "PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut client = connect(&clients(1));
        let opened = Instant::now();
        client.write_all(start.as_bytes()).await.unwrap();
        assert!(is_closed(&mut client).await);
        assert!(opened.elapsed() <= HEAD_WITHIN + CLOSE_WITHIN, "{start}: {:?}", opened.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_for_a_next_request_is_closed_when_none_comes() {
    let mut client = connect(&clients(1));
    client.write_all(get("/").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
    let answered = Instant::now();
    assert!(is_closed(&mut client).await);
    assert!((HEAD_WITHIN..=IDLE_WITHIN).contains(&answered.elapsed()), "{:?}", answered.elapsed());
}

/// Longer than it takes until a connection rests.
const WHILE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn of_a_connection_at_rest_only_the_stream_is_kept_and_its_client_is_served_again() {
    let clients = clients(1);
    let mut client = connect(&clients);
    for _ in 0..3 {
        // Ours, and that of the connection.
        tokio::time::sleep(WHILE).await;
        assert_eq!(Arc::strong_count(&clients), 2);
        client.write_all(get("/").as_bytes()).await.unwrap();
        assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
        assert!(Arc::strong_count(&clients) > 2);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_of_what_came_before_a_pause() {
    let head = get("/");
    for (requests, count) in [([head.as_str(), &head].concat(), 2), (["\r\n\r\n", &head].concat(), 1)] {
        for cut in 1..requests.len() {
            let mut client = connect(&clients(2));
            let mut answered = 0;
            for piece in [&requests[..cut], &requests[cut..]] {
                client.write_all(piece.as_bytes()).await.unwrap();
                tokio::time::sleep(WHILE).await;
                while answered < count && client.read_u8().now_or_never().is_some() {
                    assert!(answer(&mut client).await.ends_with("204 No Content"), "{cut}: {requests:?}");
                    answered += 1;
                }
            }
            assert_eq!(answered, count, "{cut}: {requests:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_a_connection_at_rest_gives_its_permit_back() {
    let clients = clients(1);
    let permits = Arc::new(Semaphore::new(1));
    let (mut client, server) = duplex(64 * 1024);
    let carrier = Carrier { gate: Arc::new(Gate::new(Entry::Proxy, None)), peer: None, scheme: Scheme::Http };
    let permit = permits.clone().try_acquire_owned().ok();
    let served = tokio::spawn(serve(clients, server, carrier, permit));
    client.write_all(get("/").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
    tokio::time::sleep(WHILE).await;
    assert_eq!(permits.available_permits(), 0);
    drop(client);
    served.await.unwrap();
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_long_keeps_its_connection() {
    let clients = clients(1);
    let mut client = connect(&clients);
    client.write_all(get("/wait").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    clients.service().go_on.add_permits(1);
    assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
}

#[tokio::test(start_paused = true)]
async fn flows_beyond_the_limit_are_answered_with_a_503() {
    let clients = clients(1);
    let mut first = connect(&clients);
    first.write_all(get("/wait").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut second = connect(&clients);
    second.write_all(get("/").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut second).await, "HTTP/1.1 503 Service Unavailable");
    clients.service().go_on.add_permits(1);
    assert_eq!(answer(&mut first).await, "HTTP/1.1 204 No Content");
    let mut third = connect(&clients);
    third.write_all(get("/").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut third).await, "HTTP/1.1 204 No Content");
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_its_flow_with_a_500_and_nothing_else() {
    let clients = clients(1);
    let mut client = connect(&clients);
    client.write_all(get("/panic").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 500 Internal Server Error");
    let mut next = connect(&clients);
    next.write_all(get("/").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut next).await, "HTTP/1.1 204 No Content");
}

#[tokio::test(start_paused = true)]
async fn a_killed_flow_closes_its_connection_without_an_answer() {
    let mut client = connect(&clients(1));
    client.write_all(get("/kill").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "");
}

#[tokio::test(start_paused = true)]
async fn draining_closes_what_is_idle() {
    let clients = clients(1);
    let mut client = connect(&clients);
    client.write_all(get("/").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
    assert!(clients.drain().finish(Duration::from_secs(10)).await);
    let told = Instant::now();
    assert!(is_closed(&mut client).await);
    assert!(told.elapsed() < HEAD_WITHIN);
}

/// A listener whose session is `own`, at which a field can name another.
fn with_sessions() -> Gate {
    let field = HeaderName::from_static("x-session");
    Gate::new(Entry::Proxy, None).with_session(Session::named("own").unwrap(), Some(field))
}

/// A user whose name is `ann`, or `bob`, with any password.
const ANN: &str = "proxy-authorization: Basic YW5uOng=\r\n";
const BOB: &str = "proxy-authorization: Basic Ym9iOg==\r\n";

/// The sessions of the requests so far, none of which has a field that names one.
fn sessions(clients: &Clients<Answers>) -> Vec<String> {
    let seen = std::mem::take(&mut *clients.service().seen.lock().unwrap());
    assert!(seen.iter().all(|(_, fields)| !fields.iter().any(|name| name != "host")), "{seen:?}");
    seen.into_iter().map(|(session, _)| session).collect()
}

#[tokio::test(start_paused = true)]
async fn requests_are_of_the_session_that_they_name_and_do_not_have_its_name() {
    let clients = clients(4);
    let mut client = connect_to(with_sessions(), &clients);
    for fields in ["", ANN, "X-Session: t:1\r\n", &format!("{ANN}x-session: t:2\r\n")] {
        let request = format!("GET http://a.example/ HTTP/1.1\r\nhost: a.example\r\n{fields}\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
    }
    assert_eq!(sessions(&clients), ["own", "ann", "t:1", "t:2"]);
    let counted = clients.journal.sessions().into_iter().map(|session| (session.name, session.flows));
    let expected = [("", 0), ("ann", 1), ("own", 1), ("t:1", 1), ("t:2", 1)];
    assert_eq!(counted.collect::<Vec<_>>(), expected.map(|(name, flows)| (name.to_owned(), flows)));
}

#[tokio::test(start_paused = true)]
async fn what_is_inside_a_tunnel_is_of_the_session_that_opened_it() {
    let clients = clients(4);
    let mut client = connect_to(with_sessions(), &clients);
    client.write_all(format!("CONNECT a.example:80 HTTP/1.1\r\nhost: a\r\n{ANN}\r\n").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 200 OK");
    for fields in ["", BOB, "x-session: other\r\n"] {
        client.write_all(format!("GET / HTTP/1.1\r\nhost: a.example\r\n{fields}\r\n").as_bytes()).await.unwrap();
        assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
    }
    assert_eq!(sessions(&clients), ["ann", "ann", "other"]);
}

#[tokio::test(start_paused = true)]
async fn streams_of_http2_have_sessions_of_their_own() {
    let clients = clients(4);
    let client = TokioIo::new(connect_to(with_sessions(), &clients));
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), client).await.unwrap();
    tokio::spawn(connection);
    for (name, value) in [("x-session", "t:1"), ("proxy-authorization", "Basic YW5uOng=")] {
        let request = http::Request::get("http://a.example/").header(name, value);
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(sessions(&clients), ["t:1", "ann"]);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_bounded_and_room_comes_from_a_reset() {
    let clients = clients(4);
    for number in 0..1000 {
        clients.session(Session::named(&number.to_string()).unwrap()).unwrap();
    }
    let mut client = connect_to(with_sessions(), &clients);
    let asked = format!("GET http://a.example/ HTTP/1.1\r\nhost: a.example\r\n{ANN}\r\n");
    client.write_all(asked.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 503 Service Unavailable");
    clients.journal.reset(Some("17")).unwrap();
    let mut client = connect_to(with_sessions(), &clients);
    client.write_all(asked.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 204 No Content");
    assert_eq!(sessions(&clients), ["ann"]);
}
