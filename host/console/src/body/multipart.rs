//! Forms in parts.

use super::{hex, pretty};

/// Bytes of a part that is no text that are shown.
const FEW_BYTES: usize = 256;

/// The fields and the content of each part. Nothing if that has no parts.
pub(super) fn lines(parameters: &str, content: &[u8]) -> Option<Vec<String>> {
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    let delimiter = format!("--{boundary}");
    let mut lines = Vec::new();
    let mut rest = after(content, delimiter.as_bytes())?.1;
    while !rest.starts_with(b"--") {
        let (part, further) = after(rest, delimiter.as_bytes()).unwrap_or((rest, b"--"));
        lines.push(delimiter.clone());
        add_part(&mut lines, part);
        rest = further;
    }
    Some(lines)
}

fn add_part(lines: &mut Vec<String>, part: &[u8]) {
    let (head, content) = after(part, b"\r\n\r\n").unwrap_or((part, b""));
    let head = String::from_utf8_lossy(head);
    let content = content.strip_suffix(b"\r\n").unwrap_or(content);
    let mut content_type = String::new();
    for field in head.lines().filter(|field| !field.is_empty()) {
        if let Some((name, value)) = field.split_once(':')
            && name.eq_ignore_ascii_case("content-type")
        {
            value.trim().clone_into(&mut content_type);
        }
        lines.push(field.to_owned());
    }
    // Parts in parts would be possible without end.
    if content_type.starts_with("multipart") {
        content_type.clear();
    }
    let (name, content_lines) = pretty(&content_type, content);
    lines.push(String::new());
    match name.as_str() {
        "Hex" => lines.extend(hex::lines(content.get(..FEW_BYTES).unwrap_or(content))),
        _ if content_lines.is_empty() && !content.is_empty() => lines.push(name),
        _ => lines.extend(content_lines),
    }
}

/// What is before a mark, and what after it.
fn after<'c>(content: &'c [u8], mark: &[u8]) -> Option<(&'c [u8], &'c [u8])> {
    let at = content.windows(mark.len().max(1)).position(|window| window == mark)?;
    Some((content.get(..at)?, content.get(at + mark.len()..)?))
}
