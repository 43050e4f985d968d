//! XML by what it says, as stubs compare it: white space around texts, comments, prefixes of namespaces, and the order of
//! attributes and of elements beside each other do not count.

use quick_xml::{
    NsReader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
    name::{LocalName, ResolveResult},
};

/// Bytes of a document that is looked at, so that its elements fit into memory.
const TEXT: usize = 1 << 20;

/// How deep elements may be nested: what is in one is copied as often.
const DEPTH: usize = 128;

/// What a document says in one form; nothing when it is none, goes beyond a limit, or declares entities of its own.
pub(crate) fn meaning(text: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(text).ok().filter(|text| text.len() <= TEXT)?;
    let mut reader = NsReader::from_str(text);
    // Those within which the reader is, the outermost first: it holds the whole document.
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(_) if open.len() > DEPTH => return None,
            Event::Start(start) => open.push(Element { head: head(&reader, &start)?, ..Element::default() }),
            Event::Empty(start) => {
                let empty = Element { head: head(&reader, &start)?, ..Element::default() };
                open.last_mut()?.take(empty);
            }
            Event::End(_) => {
                let closed = open.pop()?;
                open.last_mut()?.take(closed);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.into_inner()),
            Event::CData(text) => open.last_mut()?.text.push_str(&text.into_inner()),
            Event::GeneralRef(reference) => {
                let text = &mut open.last_mut()?.text;
                match reference.resolve_char_ref().ok()? {
                    Some(character) => text.push(character),
                    None => text.push_str(resolve_predefined_entity(&reference)?),
                }
            }
            Event::DocType(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    let document = open.pop().filter(|_| open.is_empty())?;
    let is_one = document.children.len() == 1 && document.text.trim().is_empty();
    is_one.then(|| document.written())
}

/// An element, until it is closed.
#[derive(Default)]
struct Element {
    /// Name and attributes in one form.
    head: Vec<u8>,
    text: String,
    children: Vec<Vec<u8>>,
}

impl Element {
    fn take(&mut self, child: Self) {
        self.end_text();
        self.children.push(child.written());
    }

    /// Ends a text between elements.
    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if !text.is_empty() {
            self.children.push(counted(b't', text.as_bytes()));
        }
    }

    fn written(mut self) -> Vec<u8> {
        self.end_text();
        self.children.sort();
        counted(b'e', &[counted(b'h', &self.head), self.children.concat()].concat())
    }
}

/// Name and attributes of an element in one form.
fn head(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Option<Vec<u8>> {
    let (namespace, name) = reader.resolver().resolve_element(start.name());
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?;
        attributes.push([named(&namespace, name)?, counted(b'v', value.as_bytes())].concat());
    }
    attributes.sort();
    Some([named(&namespace, name)?, attributes.concat()].concat())
}

fn named(namespace: &ResolveResult<'_>, name: LocalName<'_>) -> Option<Vec<u8>> {
    let namespace = match namespace {
        ResolveResult::Unbound => "",
        ResolveResult::Bound(namespace) => namespace.as_ref(),
        ResolveResult::Unknown(_) => return None,
    };
    Some([counted(b'n', namespace.as_bytes()), counted(b'l', name.as_ref().as_bytes())].concat())
}

/// Bytes whose end is known from their beginning.
fn counted(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [[kind].as_slice(), &(bytes.len() as u64).to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let (one, other) = (meaning(one.as_bytes()), meaning(other.as_bytes()));
        assert!(one.is_some() && other.is_some(), "{one:?} {other:?}");
        one == other
    }

    #[test]
    fn how_a_document_is_written_does_not_count() {
        let plain = "<a x=\"1\" y=\"2\"><b>t &amp; u</b><c/></a>";
        for other in [
            "<?xml version=\"1.0\"?>\n<!-- note -->\n<a y='2'  x='1'>\n  <b> t &#38; u </b>\n  <c></c>\n</a>\n",
            "<a x=\"1\" y=\"2\"><c/><b><![CDATA[t & u]]></b></a>",
        ] {
            assert!(same(plain, other), "{other}");
        }
        assert!(same("<p:a xmlns:p='urn:x'/>", "<a xmlns='urn:x'/>"));
        for other in [
            "<a x=\"1\" y=\"2\"><b>t &amp; v</b><c/></a>",
            "<a x=\"1\" y=\"3\"><b>t &amp; u</b><c/></a>",
            "<a x=\"1\" y=\"2\"><b>t &amp; u</b></a>",
            "<a xmlns=\"urn:x\" x=\"1\" y=\"2\"><b>t &amp; u</b><c/></a>",
        ] {
            assert!(!same(plain, other), "{other}");
        }
        for none in ["", "text", "<a>", "<a/><b/>", "<a>&own;</a>", "<p:a/>", "<a></b>"] {
            assert_eq!(meaning(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn nesting_and_size_have_limits() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(meaning(nested(DEPTH).as_bytes()).is_some());
        assert_eq!(meaning(nested(DEPTH + 1).as_bytes()), None);
        assert_eq!(meaning(format!("<a>{}</a>", " ".repeat(TEXT)).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[<>/a=\"' &;:!\\[\\]-]{0,40}") {
            meaning(text.as_bytes());
        }
    }
}
