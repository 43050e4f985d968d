//! Options with which a request would have the key of a recorded one.

use std::collections::BTreeMap;

use json_pointer::JsonPointer;

use crate::{
    Content, Options, Subject, key,
    key::describe,
    part::{Kind, Sink},
};

/// What to add to the command line for both requests to have the same key; nothing when no options do that, or only more than
/// four of a kind.
///
/// It is tried out before it is told. For long queries, nothing is tried.
pub fn suggest(live: &impl Subject, recorded: &impl Subject, options: &Options) -> Option<String> {
    if live.target().len() > TARGET || recorded.target().len() > TARGET {
        return None;
    }
    let pair = Pair { live, recorded };
    let mut found = Suggestion { options: options.clone(), words: Vec::new() };
    let without_content = |options: &Options| Options { ignore_content: true, ..options.clone() };
    if !pair.is_same(&without_content(options)) {
        let head = without_content(options);
        let (one, other) = (Collected::of(live, &head), Collected::of(recorded, &head));
        found.leave_out_origin(&one, &other);
        found.leave_out_params(&one, &other)?;
        if !pair.is_same(&without_content(&found.options)) {
            return None;
        }
    }
    if !pair.is_same(&found.options) {
        let (one, other) = (Collected::of(live, &found.options), Collected::of(recorded, &found.options));
        found = found.about_content(&one, &other).into_iter().find(|found| pair.is_same(&found.options))?;
    }
    (!found.words.is_empty()).then(|| found.words.join(" "))
}

/// Bytes of a path and query that are read again for each attempt, at most.
const TARGET: usize = 8 << 10;

/// Names of a kind that are left out at most: with more of them, there is not much left that would match.
const MOST: usize = 4;

struct Pair<'s, L, R> {
    live: &'s L,
    recorded: &'s R,
}

impl<L: Subject, R: Subject> Pair<'_, L, R> {
    fn is_same(&self, options: &Options) -> bool {
        let live = key(self.live, options);
        live.is_some() && live == key(self.recorded, options) && (options.ignore_content || self.is_read_alike())
    }

    /// Whether contents with equal bytes mean the same, also where they are too large for anybody to have looked at that.
    fn is_read_alike(&self) -> bool {
        let fields = ["content-type", "content-encoding", "grpc-encoding"];
        let is_read = || {
            let contents = [self.live.content(), self.recorded.content()];
            contents.iter().all(|content| !matches!(content, Content::Unreadable))
        };
        fields.iter().all(|name| self.live.field(name) == self.recorded.field(name)) || is_read()
    }
}

#[derive(Clone)]
struct Suggestion {
    options: Options,
    words: Vec<String>,
}

impl Suggestion {
    fn leave_out_origin(&mut self, one: &Collected, other: &Collected) {
        let differs = |kind| one.of_kind(kind) != other.of_kind(kind);
        let found = [differs(Kind::Scheme), differs(Kind::Host), differs(Kind::Port)];
        match found {
            [false, false, false] => {}
            [false, true, false] => {
                self.options.ignore_host = true;
                self.words.push("--replay-ignore-host".to_owned());
            }
            [false, false, true] => {
                self.options.ignore_port = true;
                self.words.push("--set server_replay_ignore_port=true".to_owned());
            }
            [true, false, false] => {
                self.options.ignore_scheme = true;
                self.words.push("--set server_replay_ignore_scheme=true".to_owned());
            }
            _ => {
                self.options.ignore_origin = true;
                self.words.push("--set server_replay_ignore_origin=true".to_owned());
            }
        }
    }

    /// Nothing when the parameters that differ cannot be named.
    fn leave_out_params(&mut self, one: &Collected, other: &Collected) -> Option<()> {
        for name in differing(one, other, |kind| kind == Kind::Query)? {
            self.options.ignore_params.add(name);
            self.words.push(with_value("--replay-ignore-param", name));
        }
        Some(())
    }

    /// What may make contents match, beginning with what leaves out least.
    fn about_content(self, one: &Collected, other: &Collected) -> Vec<Self> {
        let mut tried = Vec::new();
        if one.has(Kind::Json) && other.has(Kind::Json) {
            if !self.options.canonical_json && self.options.ignore_json.is_empty() {
                let mut found = self.clone();
                found.options.canonical_json = true;
                found.words.push("--set server_replay_canonical_json=true".to_owned());
                tried.push(found);
            }
            if !self.options.graphql {
                let mut found = self.clone();
                found.options.graphql = true;
                found.words.push("--set server_replay_graphql=true".to_owned());
                tried.push(found);
            }
            let pointers = all_differing(one, other, |kind| kind == Kind::Json).unwrap_or_default();
            tried.extend(self.leaving_out_json(&pointers));
            // Above the values that differ, for those that differ in what they are made of.
            let above = pointers.iter().map(|pointer| first_step(pointer));
            let mut above: Vec<&str> = above.collect();
            above.dedup();
            if above != pointers {
                tried.extend(self.leaving_out_json(&above));
            }
        }
        let is_of_a_form = |kind| matches!(kind, Kind::Form | Kind::Multipart | Kind::FileName | Kind::FileType);
        if let Some(names) = differing(one, other, is_of_a_form)
            && !names.is_empty()
        {
            let mut found = self.clone();
            for name in names {
                found.options.ignore_payload_params.add(name);
                found.words.push(with_value("--replay-ignore-payload-param", name));
            }
            tried.push(found);
        }
        let mut found = self;
        found.options.ignore_content = true;
        found.words.push("--replay-ignore-content".to_owned());
        tried.push(found);
        tried
    }

    /// With these values left out, and what is below them; nothing if they are many, or one of them cannot be named.
    fn leaving_out_json(&self, pointers: &[&str]) -> Option<Self> {
        let mut kept: Vec<&str> = Vec::new();
        for pointer in pointers {
            let is_below = |above: &&str| pointer.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
            if kept.iter().any(is_below) {
                continue;
            }
            if kept.len() == MOST {
                return None;
            }
            kept.push(pointer);
        }
        let mut found = self.clone();
        for pointer in &kept {
            found.options.ignore_json.push(JsonPointer::parse(pointer).ok()?);
            found.words.push(with_value("--set", &format!("server_replay_ignore_json={pointer}")));
        }
        (!kept.is_empty()).then_some(found)
    }
}

fn first_step(pointer: &str) -> &str {
    let end = pointer.char_indices().skip(1).find(|&(_, character)| character == '/');
    end.map_or(pointer, |(at, _)| pointer.split_at(at).0)
}

/// The names of parts that differ, if they are few.
fn differing<'c>(one: &'c Collected, other: &'c Collected, is_meant: impl Fn(Kind) -> bool) -> Option<Vec<&'c str>> {
    all_differing(one, other, is_meant).filter(|names| names.len() <= MOST)
}

/// The names of parts that differ, in order; nothing when there are more parts than were looked at, or one of the names
/// cannot be told: it is no text, or may be a secret itself, as in `?s3cret` or `?czNjcmV0Cg==`.
fn all_differing<'c>(
    one: &'c Collected,
    other: &'c Collected,
    is_meant: impl Fn(Kind) -> bool,
) -> Option<Vec<&'c str>> {
    if one.is_cut || other.is_cut {
        return None;
    }
    /// What both sides have of a name.
    type Sides<'a> = [Vec<(Kind, &'a [u8])>; 2];
    let mut by_name: BTreeMap<&[u8], Sides<'_>> = BTreeMap::new();
    for (position, parts) in [&one.parts, &other.parts].into_iter().enumerate() {
        for part in parts.iter().filter(|part| is_meant(part.kind)) {
            if let Some(values) = by_name.entry(&part.name).or_default().get_mut(position) {
                values.push((part.kind, &part.value));
            }
        }
    }
    let differing = by_name.into_iter().filter(|(_, [live, recorded])| live != recorded);
    differing
        .map(|(name, values)| {
            let is_bare = values.iter().flatten().all(|(_, value)| value.iter().all(|&byte| byte == b'='));
            let name = str::from_utf8(name).ok().filter(|name| !name.contains(char::is_control));
            name.filter(|_| !is_bare)
        })
        .collect()
}

/// A flag with its value, as a shell takes it.
fn with_value(flag: &str, value: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_-./:=@%+,".contains(character);
    let quoted = match value {
        "" => "''".to_owned(),
        _ if value.chars().all(is_plain) => value.to_owned(),
        _ => format!("'{}'", value.replace('\'', r"'\''")),
    };
    // What begins like a flag is not taken for one behind this sign.
    let sign = if value.starts_with('-') { '=' } else { ' ' };
    format!("{flag}{sign}{quoted}")
}

/// The parts of a request, and details of them.
#[derive(Default)]
struct Collected {
    parts: Vec<Piece>,
    /// Of the content.
    bytes: usize,
    /// Whether there are more.
    is_cut: bool,
}

struct Piece {
    kind: Kind,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Collected {
    /// Parts that are kept.
    const PARTS: usize = 4096;

    /// Bytes that names and values of a content's parts have together.
    const BYTES: usize = 4 << 20;

    fn of(subject: &impl Subject, options: &Options) -> Self {
        let mut parts = Self::default();
        // What is not told is no part then, and the keys tell.
        let _ = describe(subject, options, &mut parts);
        parts
    }

    fn of_kind(&self, kind: Kind) -> Option<&[u8]> {
        self.parts.iter().find(|part| part.kind == kind).map(|part| part.value.as_slice())
    }

    fn has(&self, kind: Kind) -> bool {
        self.parts.iter().any(|part| part.kind == kind)
    }
}

impl Sink for Collected {
    const EXPLAINS: bool = true;

    fn part(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        // Its details say the same.
        if kind != Kind::Json {
            self.detail(kind, name, value);
        }
    }

    fn detail(&mut self, kind: Kind, name: &[u8], value: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(name.len() + value.len());
        self.is_cut |= self.parts.len() >= Self::PARTS || self.bytes > Self::BYTES;
        if !self.is_cut {
            self.parts.push(Piece { kind, name: name.to_vec(), value: value.to_vec() });
        }
        !self.is_cut
    }
}
