//! What kind of bytes a body has, found without keeping it.

use std::io::{self, Read};

/// What there is to know of a body before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) len: u64,
    pub(super) is_ascii: bool,
    pub(super) is_utf8: bool,
    /// Whether there are characters that texts do not have.
    pub(super) has_controls: bool,
    /// The first bytes, which tell some codings.
    pub(super) start: [u8; 2],
}

impl Survey {
    /// Reads to the end.
    pub(super) fn of(mut source: impl Read) -> io::Result<Self> {
        let mut survey = Self { len: 0, is_ascii: true, is_utf8: true, has_controls: false, start: [0; 2] };
        let mut buffer = vec![0; BUFFER];
        // The bytes of a character that the last read did not end.
        let mut kept = 0;
        loop {
            let len = source.read(buffer.get_mut(kept..).unwrap_or_default())?;
            if len == 0 {
                survey.is_utf8 &= kept == 0;
                return Ok(survey);
            }
            let part = buffer.get(kept..kept + len).unwrap_or_default();
            let start = usize::try_from(survey.len).unwrap_or(usize::MAX);
            for (slot, byte) in survey.start.iter_mut().skip(start).zip(part) {
                *slot = *byte;
            }
            survey.len += len as u64;
            survey.is_ascii &= part.is_ascii();
            survey.has_controls |= part.iter().any(|byte| is_control(*byte));
            kept = match str::from_utf8(buffer.get(..kept + len).unwrap_or_default()) {
                _ if !survey.is_utf8 => 0,
                Ok(_) => 0,
                Err(error) if error.error_len().is_none() => {
                    let open = error.valid_up_to()..kept + len;
                    let count = open.len();
                    buffer.copy_within(open, 0);
                    count
                }
                Err(_) => {
                    survey.is_utf8 = false;
                    0
                }
            };
        }
    }
}

fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

const BUFFER: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<'b>(&'b [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.0.len().min(self.1);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn a_character_that_does_not_end_is_no_text() {
        assert!(!Survey::of(&b"caf\xc3"[..]).unwrap().is_utf8);
        assert!(Survey::of(&b"caf\xc3\xa9"[..]).unwrap().is_utf8);
        assert!(Survey::of(&b"a\0"[..]).unwrap().has_controls);
    }

    proptest! {
        #[test]
        fn a_body_is_the_same_in_any_pieces(
            bytes in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)],
            piece in 1_usize..5,
        ) {
            let survey = Survey::of(Slow(&bytes, piece)).unwrap();
            prop_assert_eq!(survey.is_utf8, str::from_utf8(&bytes).is_ok());
            prop_assert_eq!((survey.len, survey.is_ascii), (bytes.len() as u64, bytes.is_ascii()));
            prop_assert_eq!(survey.has_controls, bytes.iter().any(|byte| is_control(*byte)));
        }
    }
}
