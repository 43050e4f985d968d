use proptest::prelude::*;

use super::*;
use crate::flow::{
    Target,
    raw_bytes::{is_raw, push_stand_in},
};

/// What is read of bytes that come in pieces, whose ends are at these places.
fn read(targets: &mut Targets<()>, bytes: &[u8], mut ends: Vec<usize>) -> Vec<u8> {
    ends.retain(|&end| end < bytes.len());
    ends.extend([0, bytes.len()]);
    ends.sort_unstable();
    let mut all = Vec::new();
    for pair in ends.windows(2) {
        let piece = &bytes[pair[0]..pair[1]];
        all.extend(targets.look(piece).unwrap_or_else(|| piece.to_vec()));
    }
    all.extend(targets.held_back());
    all
}

fn targets() -> Targets<()> {
    Targets::new((), Originals::default())
}

fn with_stand_ins(target: &str) -> String {
    let mut text = Vec::new();
    for byte in target.bytes() {
        if is_raw(byte) { push_stand_in(&mut text, byte) } else { text.push(byte) }
    }
    String::from_utf8(text).unwrap()
}

/// The request of a path in HTTP/2.
fn asked(path: &[u8]) -> http::Request<()> {
    http::Request::get(format!("http://h{}", std::str::from_utf8(path).unwrap())).body(()).unwrap()
}

#[test]
fn stand_ins_are_in_targets_only() {
    let stood = |text: &str| text.replace('Q', "\u{10fe22}");
    for (came, expected) in [
        ("GET /\" HTTP/1.1\r\nA: \"\r\n\r\n", "GET /Q HTTP/1.1\r\nA: \"\r\n\r\n"),
        ("\r\nGET http://h\"/?\" HTTP/1.1\r\n\r\n", "\r\nGET http://h\"/?Q HTTP/1.1\r\n\r\n"),
        ("GET http://h?\" HTTP/1.1\r\n\r\n", "GET http://h?Q HTTP/1.1\r\n\r\n"),
        // Not HTTP, or no longer.
        ("CONNECT h:1 HTTP/1.1\r\n\r\nGET /\" HTTP/1.1\r\n", "CONNECT h:1 HTTP/1.1\r\n\r\nGET /\" HTTP/1.1\r\n"),
        ("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\nG /\" \r\n", "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\nG /\" \r\n"),
        (
            "P / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nG /\" \r\n",
            "P / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nG /\" \r\n",
        ),
        ("\"SSH-2.0 /\"", "\"SSH-2.0 /Q"),
        ("PRI * HTTP/2.0\r\n\r\nS /\" ", "PRI * HTTP/2.0\r\n\r\nS /Q "),
    ] {
        for every in 1..12 {
            let ends = (1..came.len()).step_by(every).collect();
            assert_eq!(read(&mut targets(), came.as_bytes(), ends), stood(expected).as_bytes(), "{came}");
        }
    }
}

/// A request with its target twice: as sent, and with stand-ins.
fn request() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let target = "/[a-z\"<>`?é\u{10fe22}|{^]{0,8}";
    let content = prop::collection::vec(prop::sample::select(&b"G /\"\r\n0"[..]), 0..30);
    (target, content, 0..4).prop_map(|(target, content, kind)| {
        let mut head = format!("POST {target} HTTP/1.1\r\nHost: \"\r\nX-Y: /\"\r\n").into_bytes();
        match kind {
            0 => head.extend_from_slice(b"\r\n"),
            1 => {
                head.extend_from_slice(format!("content-LENGTH: {}\r\n\r\n", content.len()).as_bytes());
                head.extend_from_slice(&content);
            }
            _ => {
                head.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                if !content.is_empty() {
                    head.extend_from_slice(format!("{:x};a=\"\r\n", content.len()).as_bytes());
                    head.extend_from_slice(&content);
                    head.extend_from_slice(b"\r\n");
                }
                head.extend_from_slice(b"0\r\nT: /\"\r\n\r\n");
            }
        }
        let rest = head[5 + target.len()..].to_vec();
        (head, [b"POST ", with_stand_ins(&target).as_bytes(), &rest].concat())
    })
}

/// Fields with a path, coded in one of the ways; the stand-in's bytes have the same number as the path's.
fn fields(path: &[u8], way: u8) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    let mut list = vec![0x3F, 0x01, 0x82, 0x87];
    match way {
        0 => list.extend([0x44, length]),
        1 => list.extend([0x04, length]),
        _ => list.extend([&[0x10, 5][..], b":path", &[length]].concat()),
    }
    list.extend_from_slice(path);
    list.extend([0x0F, 0x01, 1, b'"']);
    list
}

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[high, middle, low, kind, flags, 0, 0, 0, 1], payload].concat()
}

proptest! {
    #[test]
    fn however_requests_come_their_targets_alone_get_stand_ins(
        requests in prop::collection::vec(request(), 0..5),
        ends in prop::collection::vec(0..400_usize, 0..20),
    ) {
        let came = requests.iter().flat_map(|(came, _)| came.clone()).collect::<Vec<_>>();
        let expected = requests.iter().flat_map(|(_, expected)| expected.clone()).collect::<Vec<_>>();
        prop_assert_eq!(read(&mut targets(), &came, ends).escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn however_frames_come_their_paths_alone_get_stand_ins(
        paths in prop::collection::vec(("/[a-z\"<>`é\u{10fe22}]{1,20}|/[a-z]{1,20}|[?][a-z]{1,9}", 0..3_u8, any::<bool>()), 0..8),
        ends in prop::collection::vec(0..600_usize, 0..20),
    ) {
        let mut targets = targets();
        let mut came = PREFACE.to_vec();
        came.extend(frame(4, 0, &[]));
        for (path, way, is_padded) in &paths {
            let list = fields(path.as_bytes(), *way);
            came.extend(if *is_padded {
                frame(1, PADDED_AND_PRIORITY, &[&[3], &[0; 5][..], &list, &[0; 3]].concat())
            } else {
                frame(1, 0x4, &list)
            });
            came.extend(frame(0, 0, &list));
        }
        let read = read(&mut targets, &came, ends);
        prop_assert_eq!(read.len(), came.len());
        let mut at = PREFACE.len() + 9;
        for (path, way, is_padded) in &paths {
            let list = fields(path.as_bytes(), *way);
            let begin = at + 9 + if *is_padded { 6 } else { 0 };
            let place = begin + list.len() - 4 - path.len();
            let mut request = asked(&read[place..place + path.len()]);
            targets.originals.restore(&mut request);
            let restored = request.uri().path_and_query().unwrap();
            match Target::of_uri(restored) {
                Some(target) => prop_assert_eq!(Some(target), Target::of_bytes(path.as_bytes())),
                None => prop_assert_eq!(restored.as_str(), path.as_str()),
            }
            // What is content was left alone.
            at = begin + list.len() + if *is_padded { 3 } else { 0 };
            prop_assert_eq!(&read[at + 9..at + 9 + list.len()], &list[..]);
            at += 9 + list.len();
        }
    }

    #[test]
    fn any_bytes_pass(
        preface in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        ends in prop::collection::vec(0..200_usize, 0..9),
    ) {
        let preface = if preface { PREFACE } else { b"" };
        let came = [preface, &bytes].concat();
        prop_assert!(read(&mut targets(), &came, ends).len() >= came.len().min(1));
    }
}

const PADDED_AND_PRIORITY: u8 = 0x2C;

#[test]
fn short_paths_and_many_of_them_have_stand_ins_of_their_own() {
    let originals = Originals::default();
    for number in 0..3000 {
        let path = format!("/\"{number}").into_bytes();
        let stand_in = originals.stand_in(path.clone()).unwrap();
        assert_eq!(stand_in.len(), path.len());
        let mut request = asked(&stand_in);
        originals.restore(&mut request);
        assert_eq!(Target::of_uri(request.uri().path_and_query().unwrap()), Target::of_bytes(&path));
    }
    assert_eq!(originals.stand_in(b"/<".to_vec()).map(|stand_in| stand_in.len()), Some(2));
    assert_eq!(originals.stand_in(b"\"".to_vec()), None);
}
