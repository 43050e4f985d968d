//! Replay as the addon does it, by keys and counters, and a reference that looks through all that was recorded instead.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use matcher::{Content, Digest, NameList, Options, Subject, key};
use serverreplay::options::{Miss, Order, Reuse};

/// A request by what may count of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// One of few, so that many are the same.
    pub path: u8,
    /// Whether the parameter is one that is left out, and its value.
    pub query: Vec<(bool, u8)>,
    pub content: u8,
}

/// What a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// The recorded response of this number.
    Recorded(u32),
    Forwarded,
    Killed,
    Status(u16),
}

/// Every way in which responses are served again.
pub const REUSES: [Reuse; 5] = [Reuse::Off, Reuse::First, Reuse::Last, Reuse::Cycle, Reuse::Stick];

fn missed(miss: Miss) -> Answer {
    match miss {
        Miss::Forward => Answer::Forwarded,
        Miss::Kill => Answer::Killed,
        Miss::Status(status) => Answer::Status(status),
    }
}

/// The recorded responses under their keys, each key with a counter, as the host keeps them for the addon.
pub struct Index {
    options: Options,
    by_key: HashMap<Vec<u8>, (Vec<u32>, AtomicU64)>,
}

impl Index {
    pub fn new(recorded: &[Request]) -> Self {
        let options = Options { ignore_params: NameList::new(["glob:ignored*"]), ..Options::default() };
        let mut by_key: HashMap<Vec<u8>, (Vec<u32>, AtomicU64)> = HashMap::new();
        for (id, request) in (0..).zip(recorded) {
            let key = key(request, &options).expect("a content that can be read");
            by_key.entry(key).or_default().0.push(id);
        }
        Self { options, by_key }
    }

    pub fn answer(&self, request: &Request, reuse: Reuse, miss: Miss) -> Answer {
        let found = key(request, &self.options).and_then(|key| self.by_key.get(&key));
        let id = found.and_then(|(ids, taken)| {
            let (last, before) = (ids.len() - 1, || taken.fetch_add(1, Ordering::Relaxed) as usize);
            let position = match reuse.order() {
                Order::Once => before(),
                Order::First => 0,
                Order::Last => last,
                Order::Cycle => before() % ids.len(),
                Order::Stick => before().min(last),
            };
            ids.get(position).copied()
        });
        id.map_or(missed(miss), Answer::Recorded)
    }
}

/// The requests in the order in which they were recorded and answered.
pub struct Reference<'r> {
    recorded: &'r [Request],
    used: Vec<bool>,
    before: Vec<Request>,
}

impl<'r> Reference<'r> {
    pub fn new(recorded: &'r [Request]) -> Self {
        Self { recorded, used: vec![false; recorded.len()], before: Vec::new() }
    }

    pub fn answer(&mut self, request: &Request, reuse: Reuse, miss: Miss) -> Answer {
        let is_same = |other: &Request| counted(other) == counted(request);
        let same: Vec<usize> = (0..self.recorded.len()).filter(|&id| is_same(&self.recorded[id])).collect();
        let before = self.before.iter().filter(|other| is_same(other)).count();
        self.before.push(request.clone());
        let unused = same.iter().copied().find(|&id| !self.used[id]);
        let id = match reuse {
            Reuse::Off => unused,
            Reuse::First => same.first().copied(),
            Reuse::Last => same.last().copied(),
            Reuse::Cycle => same.iter().copied().cycle().nth(before),
            Reuse::Stick => unused.or(same.last().copied()),
        };
        if let Some(id) = id {
            self.used[id] = true;
        }
        id.map_or(missed(miss), |id| Answer::Recorded(id as u32))
    }
}

/// What counts of a request.
fn counted(request: &Request) -> (u8, Vec<u8>, u8) {
    let query = request.query.iter().filter(|(is_ignored, _)| !is_ignored).map(|(_, value)| *value).collect();
    (request.path, query, request.content)
}

impl Subject for Request {
    fn method(&self) -> String {
        "GET".to_owned()
    }

    fn scheme(&self) -> String {
        "http".to_owned()
    }

    fn host(&self) -> String {
        "a.example".to_owned()
    }

    fn port(&self) -> u16 {
        80
    }

    fn authority(&self) -> Option<String> {
        None
    }

    fn target(&self) -> String {
        let name = |is_ignored| if is_ignored { "ignored" } else { "counted" };
        let pairs: Vec<String> =
            self.query.iter().map(|&(is_ignored, value)| format!("{}={value}", name(is_ignored))).collect();
        format!("/{}?{}", self.path, pairs.join("&"))
    }

    fn field(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn field_lines(&self, _: &str) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn content(&self) -> Content {
        Content::Bytes(vec![self.content])
    }

    fn digest(&self) -> Digest {
        Digest::Known(vec![self.content; 32])
    }
}
