use std::{io, time::Duration};

use http::HeaderValue;
use http_body_util::BodyExt;

use super::*;

/// Content whose trailers may be there.
#[derive(Debug)]
struct Text(&'static str, Option<HeaderMap>);

impl Stored for Text {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, limit: usize) -> io::Result<Bytes> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        Ok(Bytes::from_static(rest.get(..limit.min(rest.len())).unwrap_or_default().as_bytes()))
    }

    fn trailers(&self) -> Option<HeaderMap> {
        self.1.clone()
    }
}

/// The pieces, each with the seconds from the first poll to when it came.
async fn sent(text: &'static str, trailers: Option<HeaderMap>, beats: &[(u64, u64)]) -> Vec<(u64, String)> {
    let beats = beats.iter().map(|&(len, after)| Beat { len, after: Duration::from_secs(after) });
    let mut paced = Paced::new(Arc::new(Text(text, trailers)), beats.collect());
    let began = Instant::now();
    let mut sent = Vec::new();
    while let Some(frame) = paced.frame().await {
        let frame = frame.unwrap();
        let shown = match frame.into_data() {
            Ok(data) => String::from_utf8_lossy(&data).into_owned(),
            Err(frame) => format!("{:?}", frame.into_trailers().unwrap()),
        };
        sent.push((began.elapsed().as_secs(), shown));
    }
    sent
}

fn pieces(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|&(at, text)| (at, text.to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn each_piece_comes_at_its_time() {
    let found = sent("hello, you", None, &[(5, 0), (2, 3), (3, 60)]).await;
    assert_eq!(found, pieces(&[(0, "hello"), (3, ", "), (60, "you")]));
}

#[tokio::test(start_paused = true)]
async fn what_has_no_time_comes_after_the_rest_and_times_of_nothing_are_left_out() {
    assert_eq!(sent("abc", None, &[(1, 2)]).await, pieces(&[(2, "a"), (2, "bc")]));
    assert_eq!(sent("abc", None, &[(2, 1), (9, 2), (9, 3)]).await, pieces(&[(1, "ab"), (2, "c")]));
    assert_eq!(sent("ab", None, &[(0, 1), (2, 2)]).await, pieces(&[(2, "ab")]));
}

#[tokio::test(start_paused = true)]
async fn trailers_come_last_and_leave_the_length_open() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let stored = Arc::new(Text("ab", Some(trailers.clone())));
    assert_eq!(Paced::new(stored, Arc::new([])).size_hint().exact(), None);
    assert_eq!(Paced::new(Arc::new(Text("ab", None)), Arc::new([])).size_hint().exact(), Some(2));
    let found = sent("ab", Some(trailers), &[(2, 1)]).await;
    assert_eq!(found, pieces(&[(1, "ab"), (1, "{\"grpc-status\": \"0\"}")]));
}

#[tokio::test(start_paused = true)]
async fn the_clock_starts_when_the_content_is_first_wanted() {
    let beats: Arc<[Beat]> = Arc::new([Beat { len: 2, after: Duration::from_secs(5) }]);
    let mut paced = Paced::new(Arc::new(Text("ab", None)), beats);
    tokio::time::sleep(Duration::from_secs(100)).await;
    let began = Instant::now();
    assert!(paced.frame().await.is_some());
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}
