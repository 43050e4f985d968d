use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use http_body_util::BodyExt;

use super::*;
use crate::flow::Sender;

/// `a=1&t=1`.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00\x80\x65\x9f\x79\x07\x00\x00\x00";

/// So many mebibytes of zeros.
fn zeros(mebibytes: usize, level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(&vec![0; mebibytes << 20]).expect("it is in memory");
    encoder.finish().expect("it is in memory")
}

fn decoded(content: &[u8], codings: &[&str]) -> Result<Body, String> {
    let codings: Vec<String> = codings.iter().map(|&coding| coding.to_owned()).collect();
    decode(&Body::Bytes(Bytes::copy_from_slice(content)), &codings).map(|decoded| decoded.body)
}

async fn sent(body: Body) -> Result<usize, String> {
    let idle = Duration::from_secs(1);
    let outgoing = body.into_outgoing(Sender::Server, idle).expect("it can be sent");
    outgoing.collect().await.map(|all| all.to_bytes().len()).map_err(|fault| fault.detail)
}

#[tokio::test]
async fn a_small_content_is_decoded_at_once() {
    let Ok(Body::Bytes(bytes)) = decoded(GZIP, &["gzip"]) else { panic!("it is in memory") };
    assert_eq!(bytes, "a=1&t=1");
    assert!(matches!(decoded(b"", &["gzip"]), Ok(Body::Empty)));
    assert_eq!(sent(decoded(&zeros(1, Compression::fast()), &["x-gzip"]).expect("it is gzip")).await, Ok(1 << 20));
}

#[tokio::test]
async fn what_cannot_be_decoded_says_so() {
    let because = |content: &[u8], codings: &[&str]| decoded(content, codings).expect_err("it cannot be decoded");
    assert_eq!(because(GZIP, &["gzip", "compress"]), "the coding `compress` is not known");
    assert!(because(&GZIP[..20], &["gzip"]).starts_with("its content cannot be decoded: "));
    assert!(because(b"text", &["br"]).starts_with("its content cannot be decoded: "));
}

#[tokio::test]
async fn a_bomb_breaks_off() {
    let bomb = decoded(&zeros(17, Compression::fast()), &["gzip"]).expect("its beginning is harmless");
    let said = sent(bomb).await.expect_err("it is too large");
    assert!(said.contains("too large"), "{said}");
    // Large because there is so much of it.
    let content = zeros(20, Compression::none());
    assert_eq!(sent(decoded(&content, &["gzip"]).expect("it is gzip")).await, Ok(20 << 20));
}
