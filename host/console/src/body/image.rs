//! Images: their kind and size.

/// What an image is, such as `PNG image, 16 × 16`. Nothing if it is none, or of a kind that is not known here.
pub(super) fn describe(content: &[u8]) -> Option<String> {
    let (kind, size) = if content.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("PNG", png(content))
    } else if content.starts_with(&[0xff, 0xd8, 0xff]) {
        ("JPEG", jpeg(content))
    } else if content.starts_with(b"GIF87a") || content.starts_with(b"GIF89a") {
        ("GIF", gif(content))
    } else if content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP") {
        ("WebP", webp(content))
    } else if content.starts_with(&[0, 0, 1, 0]) {
        ("ICO", ico(content))
    } else if matches!(content.get(4..12), Some(b"ftypavif")) {
        ("AVIF", None)
    } else {
        return None;
    };
    Some(match size {
        Some((width, height)) => format!("{kind} image, {width} × {height}"),
        None => format!("{kind} image"),
    })
}

type Size = Option<(u32, u32)>;

/// The `IHDR` chunk, which comes first.
fn png(content: &[u8]) -> Size {
    Some((big(content.get(16..20)?), big(content.get(20..24)?)))
}

/// The segment that starts a frame: 0xC0 to 0xCF, except three that do something else.
fn jpeg(content: &[u8]) -> Size {
    let mut at = 2;
    loop {
        let [0xff, marker] = content.get(at..at + 2)? else { return None };
        match marker {
            0xff => at += 1,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big(content.get(at + 7..at + 9)?), big(content.get(at + 5..at + 7)?)));
            }
            _ => at += 2 + big(content.get(at + 2..at + 4)?) as usize,
        }
    }
}

fn gif(content: &[u8]) -> Size {
    Some((little(content.get(6..8)?), little(content.get(8..10)?)))
}

/// Each of the three kinds has its size elsewhere.
fn webp(content: &[u8]) -> Size {
    match content.get(12..16)? {
        b"VP8 " => Some((little(content.get(26..28)?) & 0x3fff, little(content.get(28..30)?) & 0x3fff)),
        b"VP8L" => {
            let bits = little(content.get(21..25)?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((little(content.get(24..27)?) + 1, little(content.get(27..30)?) + 1)),
        _ => None,
    }
}

/// The first of its images; 0 stands for 256.
fn ico(content: &[u8]) -> Size {
    let side = |at: usize| content.get(at).map(|side| if *side == 0 { 256 } else { u32::from(*side) });
    Some((side(6)?, side(7)?))
}

fn big(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
