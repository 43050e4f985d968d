//! Bodies as text for people, by their media type.

mod form;
mod grpc;
mod hex;
mod image;
mod json;
mod markup;
mod multipart;
mod protobuf;

use crate::view::amount;

/// How bodies are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) form: Form,
    /// Whether long ones are shown to their end, or as far as that is possible.
    pub(crate) is_whole: bool,
}

/// What bodies are made into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// What suits their media type.
    #[default]
    Pretty,
    /// Text as it is.
    Text,
    /// Bytes.
    Hex,
}

impl Form {
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Pretty => Self::Text,
            Self::Text => Self::Hex,
            Self::Hex => Self::Pretty,
        }
    }
}

/// A body as text.
pub(crate) struct Body {
    /// What it is, and how long.
    pub(crate) title: String,
    /// The text; may hold anything.
    pub(crate) lines: Vec<String>,
    /// Whether there is more.
    pub(crate) is_cut: bool,
}

/// Lines of a body that are shown at first.
const FEW_LINES: usize = 500;

/// Lines that are shown at most.
const MOST_LINES: usize = 100_000;

/// Bytes that are looked at at first.
const FEW_BYTES: usize = 1 << 20;

/// Bytes that are looked at at most.
const MOST_BYTES: usize = 8 << 20;

/// A body as text, by its `Content-Type` and by what it looks like.
pub(crate) fn body(content_type: Option<&str>, content: &[u8], look: Look) -> Body {
    let (most_bytes, most_lines) = if look.is_whole { (MOST_BYTES, MOST_LINES) } else { (FEW_BYTES, FEW_LINES) };
    let shown = content.get(..most_bytes).unwrap_or(content);
    let (name, mut lines) = match look.form {
        Form::Pretty => pretty(content_type.unwrap_or_default(), shown),
        Form::Text => ("Text".to_owned(), text(&String::from_utf8_lossy(shown))),
        Form::Hex => ("Hex".to_owned(), hex::lines(shown)),
    };
    let is_cut = shown.len() < content.len() || lines.len() > most_lines;
    lines.truncate(most_lines);
    Body { title: format!("{name}, {}", amount::bytes(content.len() as u64)), lines, is_cut }
}

/// What suits a media type: a name for it, and lines.
fn pretty(content_type: &str, content: &[u8]) -> (String, Vec<String>) {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let kind = kind.trim().to_ascii_lowercase();
    if let Some(image) = image::describe(content) {
        return (image, Vec::new());
    }
    if kind.starts_with("application/grpc") {
        return ("gRPC".to_owned(), grpc::lines(content));
    }
    if kind.contains("protobuf")
        && let Some(lines) = protobuf::lines(content)
    {
        return ("Protobuf".to_owned(), lines);
    }
    if kind == "multipart/form-data"
        && let Some(lines) = multipart::lines(parameters, content)
    {
        return ("Multipart".to_owned(), lines);
    }
    let Some(decoded) = decoded(&kind, parameters, content) else {
        return ("Hex".to_owned(), hex::lines(content));
    };
    if kind == "application/x-www-form-urlencoded" {
        return ("Form".to_owned(), form::lines(&decoded));
    }
    let first = decoded.trim_start().chars().next();
    if (kind.ends_with("json") || matches!(first, Some('{' | '[')))
        && let Some(lines) = json::lines(&decoded)
    {
        return ("JSON".to_owned(), lines);
    }
    match kind.as_str() {
        "text/html" | "application/xhtml+xml" => ("HTML".to_owned(), markup::lines(&decoded, markup::Language::Html)),
        _ if kind.ends_with("xml") => ("XML".to_owned(), markup::lines(&decoded, markup::Language::Xml)),
        _ => ("Text".to_owned(), text(&decoded)),
    }
}

/// Text as lines.
fn text(text: &str) -> Vec<String> {
    text.lines().map(|line| line.replace('\t', "    ")).collect()
}

/// The text of a body, if it is text.
fn decoded(kind: &str, parameters: &str, content: &[u8]) -> Option<String> {
    let parameters = parameters.to_ascii_lowercase();
    let is_latin = ["iso-8859-1", "latin1", "windows-1252"].iter().any(|name| parameters.contains(name));
    let text = match std::str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        // The end of what is looked at may be within a character.
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(content).into_owned(),
        Err(_) if is_latin => content.iter().copied().map(char::from).collect(),
        Err(_) if kind.starts_with("text/") => String::from_utf8_lossy(content).into_owned(),
        Err(_) => return None,
    };
    let strange = text.chars().filter(|character| character.is_control() && !matches!(character, '\t' | '\n' | '\r'));
    // What says that it is text is; anything else may hold a few controls, such as those that colour a terminal.
    (kind.starts_with("text/") || strange.count() * 20 <= text.len()).then_some(text)
}

#[cfg(test)]
mod tests;
