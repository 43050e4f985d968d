use futures_util::FutureExt;
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Semaphore,
    time::Instant,
};

use super::*;
use crate::{
    flow::{Body, ByteStream, Destination, Fault, Fields, InterimSink, Request, Response, Unanswered},
    listen::{ClientLimits, Entry, ca::CertificateAuthority},
};

/// Answers by path, and can be made to wait.
struct Answers {
    go_on: Semaphore,
}

impl Service for Answers {
    async fn respond(&self, request: Request, _: Option<Arc<dyn InterimSink>>) -> Result<Response, Unanswered> {
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

    async fn connect(&self, _: Request) -> Result<ByteStream, Unanswered> {
        Err(Unanswered::Killed)
    }
}

fn clients(flows: usize) -> Arc<Clients<Answers>> {
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(CertificateAuthority::load_or_create(folder.path()).unwrap());
    let limits = ClientLimits { connections: 1, flows, ..ClientLimits::default() };
    let answers = Answers { go_on: Semaphore::new(0) };
    Arc::new(Clients::new(answers, authority, limits, Duration::from_secs(60)))
}

/// A client's side of a new connection.
fn connect(clients: &Arc<Clients<Answers>>) -> DuplexStream {
    let (client, server) = duplex(64 * 1024);
    let carrier = Carrier { gate: Arc::new(Gate::new(Entry::Proxy, None)), peer: None };
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
    let carrier = Carrier { gate: Arc::new(Gate::new(Entry::Proxy, None)), peer: None };
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
