//! What the recorder of this proxy notes beside the messages of a flow, under keys that mitmproxy keeps.

use super::tnetstring::{Frame, Kind, Reader, Trouble};
use crate::model::Piece;

/// The key of the arrival times of a response's body: a list of a length in bytes and microseconds since the head, for each
/// piece of it.
pub const RESPONSE_PIECES: &str = "proxyhost_response_pieces";

/// More pieces of one body than this are neither noted nor read.
pub(crate) const PIECES_LIMIT: usize = 65_536;

/// The pieces in which a body of `size` bytes arrived. Empty unless they make up that body, one after the other: the note
/// may be damaged, or the body have been changed without it.
pub(super) fn pieces(reader: &mut Reader<'_>, metadata: Frame, size: Option<u64>) -> Result<Vec<Piece>, Trouble> {
    let Some(size) = size.filter(|size| *size > 0) else {
        return Ok(Vec::new());
    };
    let found = noted_pieces(reader, metadata, size).or_else(Trouble::without_flaw)?;
    Ok(found.unwrap_or_default())
}

fn noted_pieces(reader: &mut Reader<'_>, metadata: Frame, size: u64) -> Result<Option<Vec<Piece>>, Trouble> {
    let what = "response's pieces";
    let Some(list) = response_pieces(reader, metadata)? else {
        return Ok(None);
    };
    let mut list = reader.inside(list, Kind::List, what)?;
    let (mut pieces, mut left, mut last) = (Vec::new(), size, 0);
    while let Some(len) = reader.item(&mut list)? {
        let Some(after) = reader.item(&mut list)? else {
            return Ok(None);
        };
        let numbers = (u64::try_from(reader.integer(len, what)?), u64::try_from(reader.integer(after, what)?));
        let (Ok(len @ 1..), Ok(after_micros)) = numbers else {
            return Ok(None);
        };
        if len > left || after_micros < last || pieces.len() == PIECES_LIMIT {
            return Ok(None);
        }
        (left, last) = (left - len, after_micros);
        pieces.push(Piece { len, after_micros });
    }
    pieces.shrink_to_fit();
    Ok((left == 0).then_some(pieces))
}

/// The list under our key. Keys of others are only read if they are as long.
fn response_pieces(reader: &mut Reader<'_>, metadata: Frame) -> Result<Option<Frame>, Trouble> {
    let mut found = None;
    let mut dict = reader.inside(metadata, Kind::Dict, "flow's metadata")?;
    while let Some((key, value)) = reader.entry(&mut dict)? {
        let is_candidate = matches!(key.kind, Kind::Bytes | Kind::Text) && key.len == RESPONSE_PIECES.len() as u64;
        if is_candidate && reader.string(key, "key")? == RESPONSE_PIECES.as_bytes() {
            found = value.present();
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Value, dict, exchange, flow, nested};

    /// The pieces of `hello`, with a value as their note.
    fn read(note: impl Into<Value>) -> Vec<Piece> {
        read_metadata(dict().with(RESPONSE_PIECES, note))
    }

    fn read_metadata(metadata: Value) -> Vec<Piece> {
        exchange(&flow().with("metadata", metadata)).flow.response.unwrap().pieces
    }

    fn numbers(numbers: &[i64]) -> Value {
        Value::List(numbers.iter().map(|number| Value::Integer(*number)).collect())
    }

    #[test]
    fn pieces_that_make_up_the_body_are_read() {
        let piece = |len, after_micros| Piece { len, after_micros };
        assert_eq!(read(numbers(&[2, 0, 3, 1_500_000])), [piece(2, 0), piece(3, 1_500_000)]);
        assert_eq!(read(numbers(&[1, 7, 1, 7, 3, 7])), [piece(1, 7), piece(1, 7), piece(3, 7)]);
        let among_others = dict()
            .with("x", nested(100))
            .with(RESPONSE_PIECES, numbers(&[5, 1]))
            .with(&"y".repeat(RESPONSE_PIECES.len()), 1);
        assert_eq!(read_metadata(among_others), [piece(5, 1)]);
    }

    #[test]
    fn pieces_that_do_not_are_ignored_without_harm_to_the_flow() {
        let wrong = [
            &[][..],
            &[5],
            &[4, 0],
            &[6, 0],
            &[2, 0, 3],
            &[2, 9, 3, 8],
            &[0, 0, 5, 0],
            &[5, -1],
            &[-5, 0],
            &[i64::MAX, 0, i64::MAX, 0],
        ];
        for wrong in wrong {
            assert_eq!(read(numbers(wrong)), [], "{wrong:?}");
        }
        for wrong in [Value::Null, "5 0".into(), 1.into(), dict(), Value::List(vec![5.into(), 0.5.into()])] {
            assert_eq!(read(wrong.clone()), [], "{wrong:?}");
        }
        for wrong in [Value::Null, "x".into(), Value::Dict(vec![(Value::Null, 1.into())]), numbers(&[1])] {
            assert_eq!(read_metadata(wrong.clone()), [], "{wrong:?}");
        }
    }

    #[test]
    fn a_body_that_was_not_recorded_has_no_pieces() {
        let with_content = |content: Value| {
            let metadata = dict().with(RESPONSE_PIECES, numbers(&[5, 0]));
            let flow = flow().with("metadata", metadata).map("response", |it| it.with("content", content));
            exchange(&flow).flow.response.unwrap().pieces
        };
        assert_eq!(with_content(Value::Null), []);
        assert_eq!(with_content(b"".into()), []);
        assert_eq!(with_content(b"hello".into()).len(), 1);
    }

    #[test]
    fn more_pieces_than_are_kept_are_ignored() {
        let body = vec![b'x'; PIECES_LIMIT + 1];
        let read = |count: usize| {
            let flow = flow()
                .with("metadata", dict().with(RESPONSE_PIECES, numbers(&[1, 0].repeat(count))))
                .map("response", |it| it.with("content", &body[..count]));
            exchange(&flow).flow.response.unwrap().pieces.len()
        };
        assert_eq!(read(PIECES_LIMIT), PIECES_LIMIT);
        assert_eq!(read(PIECES_LIMIT + 1), 0);
    }
}
