//! Filters: what is asked, and in which order.

use std::str::FromStr;

use crate::{
    error::ParseError,
    operator::{Place, Question},
    parse::{Expression, parse},
    pattern::Pattern,
    subject::{Protocol, Side, Subject, hosts, url},
};

/// A filter that was parsed, to be asked about flows.
#[derive(Clone, Debug)]
pub struct Filter {
    expression: Expression,
}

impl Filter {
    /// Parses an expression.
    ///
    /// # Errors
    /// When the expression is no filter; the error says where and why.
    pub fn parse(expression: &str) -> Result<Self, ParseError> {
        Ok(Self { expression: parse(expression)? })
    }

    /// Whether the flow is one of those that the filter describes.
    pub fn matches(&self, subject: &impl Subject) -> bool {
        matches(&self.expression, subject)
    }

    /// Whether the answer can depend on a body, or on the messages of a WebSocket.
    pub fn asks_for_bodies(&self) -> bool {
        any(&self.expression, &|test| matches!(test, Expression::Has(Place::Body(_), _)))
    }

    /// Whether the answer can change when the response arrives, or when it fails to.
    pub fn needs_response(&self) -> bool {
        any(&self.expression, &|test| match test {
            Expression::Status(_) => true,
            Expression::Is(question) => match question {
                Question::All | Question::Http | Question::Tcp | Question::Udp | Question::Dns => false,
                // Marks are set by people and addons, who may do so until the end.
                Question::Marked | Question::Replayed(_) => true,
                Question::Asset | Question::Failed | Question::WebSocket => true,
                Question::Unanswered | Question::Answered => true,
            },
            Expression::Has(place, _) => match place {
                Place::Head(side) | Place::ContentType(side) => *side != Some(Side::Request),
                // The messages that a WebSocket's client sends are its request's body, and come after the response.
                Place::Body(_) => true,
                Place::Method | Place::Host | Place::Url | Place::Source => false,
                Place::Destination | Place::Metadata | Place::Marker | Place::Comment => true,
            },
            Expression::All(_) | Expression::Any(_) | Expression::Not(_) => false,
        })
    }
}

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(expression: &str) -> Result<Self, ParseError> {
        Self::parse(expression)
    }
}

/// Whether one of the tests in an expression is like that.
fn any(expression: &Expression, is_like_that: &dyn Fn(&Expression) -> bool) -> bool {
    match expression {
        Expression::All(items) | Expression::Any(items) => items.iter().any(|item| any(item, is_like_that)),
        Expression::Not(item) => any(item, is_like_that),
        test => is_like_that(test),
    }
}

fn matches(expression: &Expression, subject: &dyn Subject) -> bool {
    match expression {
        Expression::All(items) => items.iter().all(|item| matches(item, subject)),
        Expression::Any(items) => items.iter().any(|item| matches(item, subject)),
        Expression::Not(item) => !matches(item, subject),
        Expression::Is(question) => is(*question, subject),
        Expression::Has(place, pattern) => has(*place, pattern, subject),
        Expression::Status(status) => is_http(subject) && status.is_some() && subject.status() == *status,
    }
}

fn is(question: Question, subject: &dyn Subject) -> bool {
    let protocol = subject.protocol();
    let has_response = || matches!(protocol, Protocol::Http | Protocol::Dns).then(|| subject.is_answered());
    match question {
        Question::All => true,
        Question::Asset => protocol == Protocol::Http && is_asset(subject),
        Question::Failed => subject.has_failed(),
        Question::Http => protocol == Protocol::Http,
        Question::Tcp => protocol == Protocol::Tcp,
        Question::Udp => protocol == Protocol::Udp,
        Question::Dns => protocol == Protocol::Dns,
        Question::WebSocket => protocol == Protocol::Http && subject.is_websocket(),
        Question::Marked => !subject.marker().is_empty(),
        Question::Replayed(None) => subject.replayed().is_some(),
        Question::Replayed(side) => subject.replayed() == side,
        Question::Unanswered => has_response() == Some(false),
        Question::Answered => has_response() == Some(true),
    }
}

fn has(place: Place, pattern: &Pattern, subject: &dyn Subject) -> bool {
    let in_text = |text: Option<&str>| text.is_some_and(|text| pattern.is_in(text.as_bytes()));
    let in_side = |side: Option<Side>, find: &dyn Fn(Side) -> bool| match side {
        Some(side) => find(side),
        None => find(Side::Request) || find(Side::Response),
    };
    match place {
        Place::Body(side) => in_side(side, &|side| has_content(side, pattern, subject)),
        Place::Head(side) => is_http(subject) && in_side(side, &|side| pattern_in_head(side, pattern, subject)),
        Place::ContentType(side) => {
            is_http(subject) && in_side(side, &|side| has_content_type(side, subject, &|value| pattern.is_in(value)))
        }
        Place::Method => is_http(subject) && pattern.is_in(&subject.method()),
        Place::Host => {
            let hosts = is_http(subject).then(|| hosts(subject)).flatten();
            hosts.is_some_and(|hosts| hosts.iter().any(|host| pattern.is_in(host.as_bytes())))
        }
        Place::Url => match subject.protocol() {
            Protocol::Http => in_text(url(subject).as_deref()),
            Protocol::Dns => in_text(subject.question().as_deref()),
            Protocol::Tcp | Protocol::Udp | Protocol::Other => false,
        },
        Place::Source => in_text(subject.source().as_deref()),
        Place::Destination => in_text(subject.destination().as_deref()),
        Place::Metadata => in_text(Some(&subject.metadata())),
        Place::Marker => in_text(Some(&subject.marker())),
        Place::Comment => in_text(Some(&subject.comment())),
    }
}

fn is_http(subject: &dyn Subject) -> bool {
    subject.protocol() == Protocol::Http
}

/// The body of a side, and the messages that it sent.
fn has_content(side: Side, pattern: &Pattern, subject: &dyn Subject) -> bool {
    let is_there = side == Side::Request || subject.is_answered();
    if is_there && subject.content(side).is_some_and(|content| pattern.is_in(&content)) {
        return true;
    }
    let mut found = false;
    subject.messages(&mut |message| {
        found = message.side == side && pattern.is_in(message.content);
        found
    });
    found
}

/// The fields of a side as lines, as HTTP/1 has them. No fields are no text to look in for a response that is not there.
fn pattern_in_head(side: Side, pattern: &Pattern, subject: &dyn Subject) -> bool {
    if side == Side::Response && !subject.is_answered() {
        return false;
    }
    let mut lines = Vec::new();
    subject.fields(side, &mut |name, value| lines.extend([name, b": ", value, b"\r\n"].concat()));
    pattern.is_in(&lines)
}

fn has_content_type(side: Side, subject: &dyn Subject, is_wanted: &dyn Fn(&[u8]) -> bool) -> bool {
    let mut found = false;
    subject.fields(side, &mut |name, value| {
        found = found || name.eq_ignore_ascii_case(b"content-type") && is_wanted(value);
    });
    found
}

/// Whether the response is what pages are made of besides HTML.
fn is_asset(subject: &dyn Subject) -> bool {
    let is_one =
        |value: &[u8]| ASSETS.iter().any(|asset| value.windows(asset.len()).any(|part| part == asset.as_bytes()));
    subject.is_answered() && has_content_type(Side::Response, subject, &is_one)
}

/// Parts of media types, in the case in which they count.
const ASSETS: [&str; 7] = [
    "text/javascript",
    "application/x-javascript",
    "application/javascript",
    "text/css",
    "image/",
    "font/",
    "application/font",
];

#[cfg(test)]
mod tests;
