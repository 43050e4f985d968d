//! The code of HTTP/2's strings (RFC 7541 Appendix B).

/// The bytes a coded string is of; nothing for what is no code.
pub(super) fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(coded.len() * 8 / 5);
    // The next bits are the highest ones of 64.
    let (mut bits, mut count) = (0_u64, 0_u32);
    let mut coded = coded.iter();
    loop {
        while count <= 56 {
            let Some(&byte) = coded.next() else { break };
            bits |= u64::from(byte) << (56 - count);
            count += 8;
        }
        let Some((length, first, symbols)) = length(bits) else {
            return is_padding(bits, count).then_some(decoded);
        };
        if length > count {
            return is_padding(bits, count).then_some(decoded);
        }
        let offset = (bits >> (64 - length)).checked_sub(first)?;
        decoded.push(*SYMBOLS.get(symbols + usize::try_from(offset).ok()?)?);
        bits <<= length;
        count -= length;
    }
}

/// How long the code is that bits begin with; the first one of that length, and where its symbol is.
fn length(bits: u64) -> Option<(u32, u64, usize)> {
    LENGTHS.iter().find(|&&(limit, ..)| bits >> 32 < limit).map(|&(_, length, first, symbols)| (length, first, symbols))
}

/// A string ends with less than a byte of ones (RFC 7541 §5.2).
fn is_padding(bits: u64, count: u32) -> bool {
    count == 0 || count < 8 && bits >> (64 - count) == (1 << count) - 1
}

/// Of each length of codes: what the next 32 bits are less than, the length, its first code, and how many symbols have shorter
/// ones.
const LENGTHS: [(u64, u32, u64, usize); 21] = [
    (0x50000000, 5, 0x0, 0),
    (0xb8000000, 6, 0x14, 10),
    (0xf8000000, 7, 0x5c, 36),
    (0xfe000000, 8, 0xf8, 68),
    (0xff400000, 10, 0x3f8, 74),
    (0xffa00000, 11, 0x7fa, 79),
    (0xffc00000, 12, 0xffa, 82),
    (0xfff00000, 13, 0x1ff8, 84),
    (0xfff80000, 14, 0x3ffc, 90),
    (0xfffe0000, 15, 0x7ffc, 92),
    (0xfffe6000, 19, 0x7fff0, 95),
    (0xfffee000, 20, 0xfffe6, 98),
    (0xffff4800, 21, 0x1fffdc, 106),
    (0xffffb000, 22, 0x3fffd2, 119),
    (0xffffea00, 23, 0x7fffd8, 145),
    (0xfffff600, 24, 0xffffea, 174),
    (0xfffff800, 25, 0x1ffffec, 186),
    (0xfffffbc0, 26, 0x3ffffe0, 190),
    (0xfffffe20, 27, 0x7ffffde, 205),
    (0xfffffff0, 28, 0xfffffe2, 224),
    (0xfffffffc, 30, 0x3ffffffc, 253),
];

/// The symbols, in the order of their codes.
#[rustfmt::skip]
const SYMBOLS: [u8; 256] = [
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100,
    102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81,
    82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118, 119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63,
    39, 43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162, 184, 194,
    224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156,
    160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1, 135, 137, 138, 139,
    140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231,
    239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205,
    210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248,
    250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29,
    30, 31, 127, 220, 249, 10, 13, 22,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_are_decoded() {
        let coded = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decode(&coded).as_deref(), Some(&b"www.example.com"[..]));
        assert_eq!(decode(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).as_deref(), Some(&b"no-cache"[..]));
        assert_eq!(decode(&[]).as_deref(), Some(&b""[..]));
        // A quote, and the longest code; what ends within a code, with zeros, or with the end's own code.
        assert_eq!(decode(&[0xfe, 0x7f]).as_deref(), Some(&b"\""[..]));
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xf3]).as_deref(), Some(&b"\n"[..]));
        for wrong in [&[0xfe, 0x00][..], &[0x00], &[0xff], &[0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(decode(wrong), None, "{wrong:x?}");
        }
    }
}
