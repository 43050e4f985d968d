//! HTML and XML, indented.

/// Which of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Html,
    Xml,
}

/// Deeper elements are not indented further.
const MOST_INDENTED: usize = 40;

/// Elements of HTML that have no end.
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Elements of HTML whose content is no markup, or is shown as it is.
const RAW: [&str; 4] = ["script", "style", "pre", "textarea"];

/// A line for each tag and each text between tags. Broken markup stays readable: nothing of it is left out but white space.
pub(super) fn lines(text: &str, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    let mut depth: usize = 0;
    let mut rest = text;
    let mut put = |depth: usize, text: &str| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            lines.push(format!("{:indent$}{text}", "", indent = 2 * depth.min(MOST_INDENTED)));
        }
    };
    while let Some(start) = rest.find('<') {
        let (before, tag_on) = rest.split_at(start);
        put(depth, before);
        let (tag, after) = tag_on.split_at(tag_length(tag_on));
        rest = after;
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
            put(depth, tag);
            continue;
        }
        put(depth, tag);
        let name = name(tag);
        let is_html = language == Language::Html;
        let is_void = is_html && VOID.contains(&name.as_str());
        if tag.ends_with("/>") || tag.starts_with("<!") || tag.starts_with("<?") || is_void || name.is_empty() {
            continue;
        }
        depth += 1;
        if is_html && RAW.contains(&name.as_str()) {
            let (raw, after) = rest.split_at(raw_length(rest, &name));
            raw.lines().for_each(|line| put(depth, line));
            rest = after;
        }
    }
    put(depth, rest);
    lines
}

/// The bytes of the tag, comment or section that a text begins with.
fn tag_length(text: &str) -> usize {
    for (open, close) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
        if text.starts_with(open) {
            return text.find(close).map_or(text.len(), |at| at + close.len());
        }
    }
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '>') => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The bytes before the end of an element whose content is no markup.
fn raw_length(text: &str, name: &str) -> usize {
    let is_end = |at: &usize| {
        let found = text.get(at + 2..at + 2 + name.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    text.match_indices("</").map(|(at, _)| at).find(is_end).unwrap_or(text.len())
}

/// The name in a tag, in lower case.
fn name(tag: &str) -> String {
    let name = tag.trim_start_matches('<');
    let end =
        name.find(|character: char| character.is_whitespace() || matches!(character, '>' | '/')).unwrap_or(name.len());
    name.get(..end).unwrap_or_default().to_ascii_lowercase()
}
