use super::*;

fn read(body: &Body) -> Vec<u8> {
    match body {
        Body::Empty => Vec::new(),
        Body::Stored(stored) => stored.read_all().expect("it is in memory").to_vec(),
        other => panic!("{other:?}"),
    }
}

fn part(offset: u64, len: u64) -> Piece {
    Piece::Part { offset, len }
}

#[test]
fn pieces_follow_each_other_also_those_of_composed_contents() {
    let whole = Body::Bytes(Bytes::from_static(b"0123456789"));
    let pieces = vec![part(8, 2), Piece::Bytes(Bytes::from_static(b"-")), part(0, 0), part(0, 3)];
    let (composed, _) = compose(&whole, pieces).expect("they are all there");
    assert_eq!((composed.size(), read(&composed)), (Some(6), b"89-012".to_vec()));
    let (again, _) = compose(&composed, vec![part(1, 4)]).expect("they are all there");
    assert_eq!(read(&again), b"9-01");
    let (none, _) = compose(&composed, vec![part(6, 0)]).expect("nothing is there");
    assert_eq!(read(&none), b"");
}

#[test]
fn what_is_not_there_is_refused() {
    let whole = Body::Bytes(Bytes::from_static(b"0123456789"));
    for (offset, len) in [(0, 11), (11, 0), (10, 1), (u64::MAX, 1), (1, u64::MAX)] {
        assert!(compose(&whole, vec![part(offset, len)]).is_err(), "{offset} {len}");
    }
    assert!(compose(&Body::Empty, vec![part(0, 1)]).is_err());
    assert_eq!(compose(&Body::Gone, Vec::new()).map(drop), Err("its content is not here".to_owned()));
}
