//! What a component asked of a request: one that gives the same answers leads a component that follows its contract to the
//! same result.

use crate::flow::{Body, Request};

/// A part of a request that a component can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Part {
    Method = 1,
    Scheme = 1 << 1,
    Host = 1 << 2,
    Port = 1 << 3,
    Version = 1 << 4,
    Authority = 1 << 5,
    Path = 1 << 6,
    /// That there is no content.
    NoContent = 1 << 7,
}

/// What a component asked of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    parts: u8,
    /// Names of fields.
    fields: Vec<Box<str>>,
    /// Whether it asked for something that no other request has alike, or for too much to tell.
    is_more: bool,
}

/// Most fields of which it is told that a component asked for them.
const MOST_FIELDS: usize = 32;

/// Most bytes of a name of one.
const LONGEST_NAME: usize = 256;

impl Asked {
    pub(super) fn part(&mut self, part: Part) {
        self.parts |= part as u8;
    }

    pub(super) fn field(&mut self, name: &str) {
        if self.fields.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return;
        }
        if self.fields.len() < MOST_FIELDS && name.len() <= LONGEST_NAME {
            self.fields.push(name.into());
        } else {
            self.is_more = true;
        }
    }

    pub(super) fn more(&mut self) {
        self.is_more = true;
    }

    /// Whether another request may give all the answers that this one gave.
    pub(super) fn can_recur(&self) -> bool {
        !self.is_more
    }

    /// The answers that a request gives, so that two requests give equal bytes exactly if they give the same answers. Nothing
    /// where it gives another one to whether there is content.
    pub fn answers(&self, request: &Request) -> Option<Vec<u8>> {
        let asks = |part: Part| self.parts & part as u8 != 0;
        if asks(Part::NoContent) && !matches!(request.body, Body::Empty) {
            return None;
        }
        let head = &request.head;
        let mut answers = Vec::with_capacity(256);
        if asks(Part::Method) {
            put(&mut answers, head.method.as_str().as_bytes());
        }
        if asks(Part::Scheme) {
            put(&mut answers, head.destination.scheme().name().as_bytes());
        }
        if asks(Part::Host) {
            put(&mut answers, head.destination.host().as_bytes());
        }
        if asks(Part::Port) {
            answers.extend_from_slice(&head.destination.port().to_be_bytes());
        }
        if asks(Part::Version) {
            put(&mut answers, format!("{:?}", head.version).as_bytes());
        }
        if asks(Part::Authority) {
            answers.push(head.authority.is_some().into());
            put(&mut answers, head.authority.as_ref().map_or("", |authority| authority.as_str()).as_bytes());
        }
        if asks(Part::Path) {
            put(&mut answers, head.target.as_str().as_bytes());
        }
        for name in &self.fields {
            for line in head.fields.map().get_all(name.as_ref()) {
                answers.push(1);
                put(&mut answers, line.as_bytes());
            }
            answers.push(0);
        }
        Some(answers)
    }
}

/// Adds an answer so that its end is known from its beginning.
fn put(answers: &mut Vec<u8>, answer: &[u8]) {
    answers.extend_from_slice(&u32::try_from(answer.len()).unwrap_or(u32::MAX).to_be_bytes());
    answers.extend_from_slice(answer);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{HeaderName, HeaderValue, Method};

    use super::*;
    use crate::flow::{Destination, Scheme, Target, samples::request};

    fn asking(parts: &[Part], fields: &[&str]) -> Asked {
        let mut asked = Asked::default();
        parts.iter().for_each(|&part| asked.part(part));
        fields.iter().for_each(|name| asked.field(name));
        asked
    }

    fn changed(change: impl FnOnce(&mut crate::flow::RequestHead)) -> Request {
        let mut request = request(Body::Empty);
        change(Arc::make_mut(&mut request.head));
        request
    }

    #[test]
    fn each_part_counts_where_it_was_asked_for_and_nowhere_else() {
        let port = |port| Destination::new(Scheme::Http, "other.example", port).expect("a host");
        let others: [(Part, Request); 5] = [
            (Part::Method, changed(|head| head.method = Method::PUT)),
            (Part::Path, changed(|head| head.target = Target::parse("/other?x").expect("a path"))),
            (Part::Authority, changed(|head| head.authority = Some("named.example:1".parse().expect("an authority")))),
            (Part::Host, changed(|head| head.destination = port(head.destination.port()))),
            (Part::Port, changed(|head| head.destination = port(9))),
        ];
        let plain = request(Body::Empty);
        for (part, other) in &others {
            let asked = asking(&[*part], &[]);
            assert_ne!(asked.answers(&plain), asked.answers(other), "{part:?}");
            assert_eq!(asked.answers(&plain), asked.answers(&plain), "{part:?}");
            let asked = asking(&[Part::Version, Part::Scheme, Part::NoContent], &["x-unknown"]);
            assert_eq!(asked.answers(&plain), asked.answers(other), "{part:?}");
        }
    }

    #[test]
    fn content_is_no_answer_that_recurs() {
        let asked = asking(&[Part::NoContent], &[]);
        assert!(asked.answers(&request(Body::Empty)).is_some());
        assert!(asked.answers(&request(Body::Bytes(Bytes::from_static(b"x")))).is_none());
        assert!(asking(&[Part::Path], &[]).answers(&request(Body::Bytes(Bytes::from_static(b"x")))).is_some());
    }

    #[test]
    fn lines_of_fields_are_told_apart() {
        let with = |lines: &[&'static str]| {
            changed(|head| {
                for line in lines {
                    head.fields.add(HeaderName::from_static("x-one"), HeaderValue::from_static(line));
                }
            })
        };
        let asked = asking(&[], &["X-One", "x-one", "x-two"]);
        assert_eq!(asked.fields.len(), 2);
        let answers =
            [&[][..], &[""], &["a"], &["a", "b"], &["ab"], &["b", "a"]].map(|lines| asked.answers(&with(lines)));
        for (place, one) in answers.iter().enumerate() {
            assert!(answers.iter().skip(place + 1).all(|other| other != one));
        }
    }

    #[test]
    fn too_much_does_not_recur() {
        let names: Vec<String> = (0..=MOST_FIELDS).map(|number| format!("x-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(asking(&[], names.get(1..).expect("some")).can_recur());
        assert!(!asking(&[], &names).can_recur());
        assert!(!asking(&[], &["x".repeat(LONGEST_NAME + 1).as_str()]).can_recur());
    }
}
