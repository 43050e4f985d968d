//! Keys of requests that mean the same: however a request is written, what the options say does not count does not.

#![no_main]

use std::sync::LazyLock;

use fuzz::message::Message;
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use matcher::{JsonPointer, NameList, Options, key};
use serde_json::Value;

/// A request by what it means.
#[derive(Arbitrary, Debug)]
struct Meant {
    path: Vec<Piece>,
    query: Vec<(Name, Piece)>,
    content: Content,
}

#[derive(Arbitrary, Debug)]
enum Content {
    Form(Vec<(Name, Piece)>),
    Multipart(Vec<(Name, Piece)>),
    Json(Json),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Name {
    /// Left out by the options.
    Ignored,
    Counted(u8),
}

#[derive(Arbitrary, Debug)]
struct Piece(Vec<u8>);

#[derive(Arbitrary, Debug)]
enum Json {
    Number(i32),
    Text(String),
    Elements(Vec<Json>),
    Members(Vec<(Name, Json)>),
}

static OPTIONS: LazyLock<Options> = LazyLock::new(|| Options {
    ignore_params: NameList::new(["glob:ignored*"]),
    ignore_payload_params: NameList::new(["glob:ig*red"]),
    ignore_json: ["/ignored", "/*/ignored"].iter().filter_map(|text| JsonPointer::parse(text).ok()).collect(),
    ..Options::default()
});

fuzz_target!(|meant: Meant| {
    let plain = key(&written(&meant, Style::Plain), &OPTIONS);
    assert!(plain.is_some());
    for style in [Style::Escaped, Style::Reordered] {
        assert_eq!(key(&written(&meant, style), &OPTIONS), plain, "{style:?}");
    }
});

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    Plain,
    /// Every byte is escaped, JSON is spread over lines, and nothing that is ignored is there.
    Escaped,
    /// Members are in the opposite order, and the boundary is another one.
    Reordered,
}

fn written(meant: &Meant, style: Style) -> Message {
    let path: Vec<String> = meant.path.iter().map(|Piece(bytes)| escaped(bytes, Style::Escaped)).collect();
    let boundary = if style == Style::Reordered { "other" } else { "b" };
    let (kind, content) = match &meant.content {
        Content::Form(pairs) => ("application/x-www-form-urlencoded".to_owned(), form(pairs, style).into_bytes()),
        Content::Multipart(fields) => {
            (format!("multipart/form-data; boundary={boundary}"), multipart(fields, boundary, style))
        }
        Content::Json(json) => ("application/json".to_owned(), text(json, style).into_bytes()),
    };
    let host = if style == Style::Escaped { "A.Example" } else { "a.example" };
    Message {
        method: if style == Style::Escaped { "post" } else { "POST" }.to_owned(),
        target: format!("/{}?{}", path.join("/"), form(&meant.query, style)),
        fields: vec![("Host".to_owned(), host.into()), ("Content-Type".to_owned(), kind.into())],
        content,
    }
}

fn form(pairs: &[(Name, Piece)], style: Style) -> String {
    // A form without pairs counts byte by byte.
    let mut form = "first=1".to_owned();
    for (name, Piece(value)) in pairs.iter().filter(|(name, _)| is_written(*name, style)) {
        form.push_str(&format!("&{}={}", escaped(self::name(*name).as_bytes(), style), escaped(value, style)));
    }
    form
}

fn escaped(bytes: &[u8], style: Style) -> String {
    let is_plain = |byte: u8| style != Style::Escaped && byte.is_ascii_alphanumeric();
    let one = |&byte: &u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    bytes.iter().map(one).collect()
}

fn multipart(fields: &[(Name, Piece)], boundary: &str, style: Style) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, Piece(value)) in fields.iter().filter(|(name, _)| is_written(*name, style)) {
        // Neither value may look like a boundary.
        let value: Vec<u8> = value.iter().copied().filter(|byte| !b"\r-".contains(byte)).collect();
        let name = self::name(*name);
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), &value, b"\r\n"].concat());
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    body
}

fn text(json: &Json, style: Style) -> String {
    let value = value(json, style, 0);
    match style {
        Style::Escaped => format!("\n{value:#} "),
        _ => value.to_string(),
    }
}

const NESTED: usize = 100;

fn value(json: &Json, style: Style, depth: usize) -> Value {
    match json {
        // What is nested too deep counts byte by byte.
        _ if depth > NESTED => Value::Null,
        Json::Number(number) => (*number).into(),
        Json::Text(text) => text.as_str().into(),
        Json::Elements(elements) => elements.iter().take(40).map(|json| value(json, style, depth + 1)).collect(),
        Json::Members(members) => {
            let mut object: Vec<(String, Value)> = Vec::new();
            for (name, json) in members {
                // Deeper, no pointer leads to it.
                if depth < 2 && !is_written(*name, style) {
                    continue;
                }
                let name = self::name(*name);
                object.retain(|(other, _)| *other != name);
                object.push((name, value(json, style, depth + 1)));
            }
            if style == Style::Reordered {
                object.reverse();
            }
            Value::Object(object.into_iter().collect())
        }
    }
}

fn is_written(name: Name, style: Style) -> bool {
    style != Style::Escaped || !matches!(name, Name::Ignored)
}

fn name(name: Name) -> String {
    match name {
        Name::Ignored => "ignored".to_owned(),
        Name::Counted(number) => format!("n{number}"),
    }
}
