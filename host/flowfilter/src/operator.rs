//! The names of the operators.

use crate::{pattern::Kind, subject::Side};

/// What an operator takes after its name, and asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// It stands alone.
    Alone(Question),
    /// A pattern follows.
    Pattern(Place),
    /// A status code follows.
    Status,
}

/// A question that the flow answers with yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    All,
    Asset,
    Failed,
    Http,
    Tcp,
    Udp,
    Dns,
    WebSocket,
    Marked,
    /// Whether a side was replayed, or any.
    Replayed(Option<Side>),
    Unanswered,
    Answered,
}

/// A text of the flow that a pattern is looked for in. `None` is both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Body(Option<Side>),
    Head(Option<Side>),
    ContentType(Option<Side>),
    Method,
    Host,
    Url,
    Source,
    Destination,
    Metadata,
    Marker,
    Comment,
}

impl Operator {
    /// The operator of a name without its `~`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        OPERATORS.iter().find(|(known, _)| *known == name).map(|(_, operator)| *operator)
    }

    /// The names for messages.
    pub(crate) fn names() -> String {
        OPERATORS.map(|(name, _)| format!("~{name}")).join(" ")
    }
}

impl Place {
    /// How patterns for this place are read.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Body(_) => Kind::Body,
            Self::Head(_) => Kind::Lines,
            Self::ContentType(_) | Self::Method => Kind::Bytes,
            Self::Metadata | Self::Comment => Kind::TextLines,
            Self::Host | Self::Url | Self::Source | Self::Destination | Self::Marker => Kind::Text,
        }
    }
}

const OPERATORS: [(&str, Operator); 32] = {
    use Operator::{Alone, Pattern, Status};
    use Side::{Request, Response};
    [
        ("a", Alone(Question::Asset)),
        ("all", Alone(Question::All)),
        ("b", Pattern(Place::Body(None))),
        ("bq", Pattern(Place::Body(Some(Request)))),
        ("bs", Pattern(Place::Body(Some(Response)))),
        ("c", Status),
        ("comment", Pattern(Place::Comment)),
        ("d", Pattern(Place::Host)),
        ("dns", Alone(Question::Dns)),
        ("dst", Pattern(Place::Destination)),
        ("e", Alone(Question::Failed)),
        ("h", Pattern(Place::Head(None))),
        ("hq", Pattern(Place::Head(Some(Request)))),
        ("hs", Pattern(Place::Head(Some(Response)))),
        ("http", Alone(Question::Http)),
        ("m", Pattern(Place::Method)),
        ("marked", Alone(Question::Marked)),
        ("marker", Pattern(Place::Marker)),
        ("meta", Pattern(Place::Metadata)),
        ("q", Alone(Question::Unanswered)),
        ("replay", Alone(Question::Replayed(None))),
        ("replayq", Alone(Question::Replayed(Some(Request)))),
        ("replays", Alone(Question::Replayed(Some(Response)))),
        ("s", Alone(Question::Answered)),
        ("src", Pattern(Place::Source)),
        ("t", Pattern(Place::ContentType(None))),
        ("tcp", Alone(Question::Tcp)),
        ("tq", Pattern(Place::ContentType(Some(Request)))),
        ("ts", Pattern(Place::ContentType(Some(Response)))),
        ("u", Pattern(Place::Url)),
        ("udp", Alone(Question::Udp)),
        ("websocket", Alone(Question::WebSocket)),
    ]
};
