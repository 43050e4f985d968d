//! GraphQL requests by their operation and its variables (GraphQL over HTTP; lists of requests as Apollo sends them).

mod document;

use std::borrow::Cow;

use json_pointer::{JsonPointer, Segment, behind, behind_element};
use redaction::json_text::Cursor;
use serde_json::value::RawValue;

use crate::{
    json::{self, Elements, Meaning, unescaped},
    part::{Kind, Sink},
};

/// Operations in a list at most.
const OPERATIONS: usize = 1000;

/// Members of an operation beside its name and document at most. Other JSON may have any number.
const MEMBERS: usize = 32;

/// What one request asks for.
#[derive(Default)]
struct Operation<'t> {
    name: Option<Cow<'t, str>>,
    document: Option<document::Document>,
    /// Everything else by its name, such as variables: as JSON, in one form.
    others: Vec<(Cow<'t, str>, Vec<u8>, &'t [u8])>,
}

/// Tells the operations of a JSON text; nothing, with nothing told, when it asks for none.
pub(crate) fn describe<S: Sink>(text: &[u8], ignored: &[JsonPointer], sink: &mut S) -> Option<()> {
    let text: &RawValue = serde_json::from_slice(text).ok()?;
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    let mut cursor = Cursor::new(text.get());
    let mut operations = Vec::new();
    if cursor.takes(b'[') {
        while cursor.goes_on(b']', operations.is_empty()) {
            if operations.len() == OPERATIONS {
                return None;
            }
            let behind = behind_element(&ignored, operations.len());
            operations.push(Operation::read(&mut cursor, &behind)?);
        }
    } else {
        operations.push(Operation::read(&mut cursor, &ignored)?);
    }
    let is_list = text.get().trim_ascii_start().starts_with('[');
    if is_list {
        // A list of one operation is answered by a list.
        sink.part(Kind::Member, b"batch", operations.len().to_string().as_bytes());
    }
    for (number, operation) in operations.iter().enumerate() {
        if is_list {
            operation.describe(&format!("/{number}"), &behind_element(&ignored, number), sink);
        } else {
            operation.describe("", &ignored, sink);
        }
    }
    (!operations.is_empty()).then_some(())
}

/// Tells the operation of a document that is sent by itself.
pub(crate) fn describe_document<S: Sink>(text: &[u8], sink: &mut S) -> Option<()> {
    let document = Some(document::read(str::from_utf8(text).ok()?)?);
    Operation { document, ..Operation::default() }.describe("", &[], sink);
    Some(())
}

/// A parameter of a query: its name and its value.
type Pair<'t> = (Cow<'t, [u8]>, Cow<'t, [u8]>);

/// Tells the operation that a query's parameters ask for; nothing, with nothing told, when they ask for none. Those that are
/// not about it are left to the caller, in order.
pub(crate) fn describe_params<S: Sink>(pairs: &mut Vec<Pair<'_>>, ignored: &[JsonPointer], sink: &mut S) -> Option<()> {
    let ignored: Vec<&[Segment]> = ignored.iter().map(JsonPointer::segments).collect();
    let mut operation = Operation::default();
    for (name, value) in pairs.iter().filter(|(name, _)| PARAMS.contains(&name.as_ref())) {
        let (name, value) = (str::from_utf8(name).ok()?, str::from_utf8(value).ok()?);
        match name {
            "query" => operation.document = Some(document::read(value)?),
            "operationName" => operation.name = Some(value.to_owned().into()).filter(|_| !value.is_empty()),
            _ => {
                let meaning = meaning(value.as_bytes(), &behind(&ignored, name))?;
                operation.add(name.to_owned().into(), meaning, b"");
            }
        }
    }
    if !operation.is_some() {
        return None;
    }
    pairs.retain(|(name, _)| !PARAMS.contains(&name.as_ref()));
    operation.describe("", &ignored, sink);
    Some(())
}

const PARAMS: [&[u8]; 4] = [b"query", b"operationName", b"variables", b"extensions"];

impl<'t> Operation<'t> {
    /// Reads a request of a JSON text; nothing when it is none.
    fn read(cursor: &mut Cursor<'t>, ignored: &[&[Segment]]) -> Option<Self> {
        if !cursor.takes(b'{') {
            return None;
        }
        let mut operation = Self::default();
        let mut is_first = true;
        while cursor.goes_on(b'}', is_first) {
            is_first = false;
            let name = unescaped(cursor.name()?)?;
            let value = cursor.value()?;
            let behind = behind(ignored, name.as_bytes());
            match (name.as_ref(), value) {
                (_, b"null") => {}
                ("query", _) => operation.document = Some(document::read(&text(value)?)?),
                ("operationName", _) => operation.name = Some(text(value)?).filter(|name| !name.is_empty()),
                _ if operation.others.len() == MEMBERS => return None,
                _ => {
                    let meaning = meaning(value, &behind)?;
                    operation.add(name, meaning, value);
                }
            }
        }
        operation.is_some().then_some(operation)
    }

    /// Adds a member; of those of one name, the last counts. Where there are no variables, some write an empty object.
    fn add(&mut self, name: Cow<'t, str>, meaning: Vec<u8>, value: &'t [u8]) {
        self.others.retain(|(other, ..)| *other != name);
        let is_nothing =
            meaning.is_empty() || (PARAMS.contains(&name.as_bytes()) && matches!(meaning.as_slice(), b"{}" | b"null"));
        if !is_nothing {
            self.others.push((name, meaning, value));
        }
    }

    /// Whether it says what is to be done: by a document, or by what stands for one that the server knows.
    fn is_some(&self) -> bool {
        let is_known = |name: &str| {
            let others =
                ["extensions", "id", "documentId", "docId", "doc_id", "queryId", "query_id", "hash", "sha256Hash"];
            others.contains(&name)
        };
        let has_other = |is_meant: &dyn Fn(&str) -> bool| self.others.iter().any(|(name, ..)| is_meant(name));
        self.document.is_some()
            || (has_other(&is_known) && (self.name.is_some() || has_other(&|name| name == "variables")))
            || has_other(&|name| name == "extensions")
    }

    /// Tells it. For people, what is in its variables is told as details, with `above` before the pointers.
    fn describe<S: Sink>(&self, above: &str, ignored: &[&[Segment]], sink: &mut S) {
        let named = self.name.as_deref().or_else(|| self.document.as_ref()?.operation.as_deref());
        sink.part(Kind::Operation, b"", named.unwrap_or_default().as_bytes());
        if let Some(document) = &self.document {
            sink.part(Kind::Document, b"", &document.tokens);
        }
        let mut others: Vec<_> = self.others.iter().collect();
        others.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        for (name, meaning, value) in others {
            sink.part(Kind::Member, name.as_bytes(), meaning);
            if S::EXPLAINS {
                let mut pointer = above.to_owned();
                json_pointer::push(&mut pointer, name);
                json::tell_below(value, pointer, &behind(ignored, name.as_bytes()), &mut |told| {
                    json::detail(told, sink)
                });
            }
        }
    }
}

fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    if value.first() == Some(&b'"') { unescaped(value) } else { None }
}

/// What a value means without what is ignored; empty if all of it is.
fn meaning(value: &[u8], ignored: &[&[Segment]]) -> Option<Vec<u8>> {
    Some(match json::meaning_without(value, ignored, Elements::InOrder)? {
        Meaning::Nothing => Vec::new(),
        Meaning::Whole(meaning) | Meaning::Digest(meaning) => meaning,
    })
}
