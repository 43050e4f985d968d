//! Forms: a field a line.

/// The fields of a form, decoded.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.trim().split('&').filter(|field| !field.is_empty()).map(line).collect()
}

fn line(field: &str) -> String {
    let (name, value) = field.split_once('=').unwrap_or((field, ""));
    format!("{}: {}", decoded(name), decoded(value))
}

/// What `%20` and `+` stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escape = (*byte == b'%').then(|| after.split_at_checked(2)).flatten();
        let value = escape.and_then(|(digits, _)| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        rest = match (value, escape) {
            (Some(_), Some((_, behind))) => behind,
            _ => after,
        };
        bytes.push(value.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
