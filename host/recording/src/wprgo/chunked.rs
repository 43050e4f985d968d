//! The chunked transfer coding (RFC 9112, section 7.1).

use bytes::Bytes;
use httparse::Status;

use super::message::{FIELDS_LIMIT, kept};
use crate::model::Fields;

/// The body and its trailer fields. A coding that does not end is an error.
pub(super) fn decode(coded: &Bytes) -> Result<(Vec<u8>, Fields), &'static str> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let (line, size) = match httparse::parse_chunk_size(coded.get(at..).unwrap_or_default()) {
            Ok(Status::Complete(found)) => found,
            Ok(Status::Partial) => return Err("does not end"),
            Err(_) => return Err("has a size that is none"),
        };
        at += line;
        if size == 0 {
            return Ok((body, trailers(&coded.slice(at..))?));
        }
        let end = usize::try_from(size).ok().and_then(|size| at.checked_add(size)).ok_or("does not end")?;
        body.extend_from_slice(coded.get(at..end).ok_or("does not end")?);
        match coded.get(end..end + 2) {
            Some(b"\r\n") => at = end + 2,
            Some(_) => return Err("has more in a chunk than its size says"),
            None => return Err("does not end"),
        }
    }
}

fn trailers(rest: &Bytes) -> Result<Fields, &'static str> {
    let mut headers = vec![httparse::EMPTY_HEADER; FIELDS_LIMIT];
    match httparse::parse_headers(rest, &mut headers) {
        Ok(Status::Complete((_, found))) => Ok(kept(rest, found)),
        Ok(Status::Partial) => Err("does not end"),
        Err(_) => Err("has malformed trailers"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(coded: &[u8]) -> Result<Vec<u8>, &'static str> {
        decode(&Bytes::copy_from_slice(coded)).map(|(body, _)| body)
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(decoded(b"5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n").unwrap(), b"hello!");
        let (body, trailers) = decode(&Bytes::from_static(b"0\r\nX-A: b\r\n\r\n")).unwrap();
        assert!(body.is_empty());
        assert_eq!(trailers, [("X-A", "b")].into());
    }

    #[test]
    fn what_is_cut_or_garbled_is_refused() {
        for (coded, what) in [
            (&b""[..], "does not end"),
            (b"5\r\nhel", "does not end"),
            (b"5\r\nhello", "does not end"),
            (b"5\r\nhello\r\n0\r\n", "does not end"),
            (b"ffffffffffffffff\r\nhello\r\n", "does not end"),
            (b"x\r\n", "has a size that is none"),
            (b"5\r\nhello!\r\n", "has more in a chunk than its size says"),
            (b"0\r\n:\r\n\r\n", "has malformed trailers"),
        ] {
            assert_eq!(decoded(coded), Err(what), "{}", coded.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_pieces_are_joined_and_any_bytes_survived(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
            garbage in any::<Vec<u8>>(),
        ) {
            let mut coded = Vec::new();
            for piece in &pieces {
                coded.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                coded.extend_from_slice(piece);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(decoded(&coded).unwrap(), pieces.concat());
            for len in 0..coded.len() {
                prop_assert!(decoded(&coded[..len]).is_err());
            }
            let _ = decoded(&garbage);
        }
    }
}
