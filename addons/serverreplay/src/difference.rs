//! How two requests differ, part by part.

use std::collections::{HashMap, VecDeque};

/// A named piece of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// What it is of the request, such as `path` or `query page`.
    pub name: String,
    /// What counts of it.
    pub value: Vec<u8>,
    /// Whether it only spells out the last part before it that does not.
    pub detail: bool,
}

/// One way in which a live request and a recorded one differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A part has another value.
    Value {
        /// The part.
        name: String,
        /// The live request's value.
        live: Vec<u8>,
        /// The recorded request's value.
        recorded: Vec<u8>,
    },
    /// The live request has a part that the recorded one has not.
    Added {
        /// The part.
        name: String,
        /// The live request's value.
        live: Vec<u8>,
    },
    /// The recorded request has a part that the live one has not.
    Missing {
        /// The part.
        name: String,
        /// The recorded request's value.
        recorded: Vec<u8>,
    },
    /// A part means the same, but is written in another way.
    Written {
        /// The part.
        name: String,
    },
    /// The parts are the same, in another order.
    Order,
}

/// What a live request and a recorded one have in common, and what not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How many parts are equal, and details of them.
    pub equal: usize,
    /// The differences.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Compares a live request's parts with a recorded one's. Of parts with details, the details are what differs, unless
    /// only one of them has any.
    pub fn new(live: &[Part], recorded: &[Part]) -> Self {
        let (live, recorded) = (groups(live), groups(recorded));
        let (counted, recorded_counted) = (counted(&live), counted(&recorded));
        let paired = Pairing::new(&counted, &recorded_counted);
        let details = |groups: &[Group<'_>], at: usize| groups.get(at).map_or(0, |group| group.details.len());
        let mut equal: usize = paired.equal.iter().map(|&at| 1 + details(&live, at)).sum();
        let mut differences = Vec::new();
        for change in paired.changes {
            match change {
                Change::Value(one, other) => {
                    if let (Some(one), Some(other)) = (live.get(one), recorded.get(other)) {
                        let (alike, found) = one.differences(other);
                        equal += alike;
                        differences.extend(found);
                    }
                }
                Change::Added(at) => differences.extend(live.get(at).map(|group| added(group.part))),
                Change::Missing(at) => differences.extend(recorded.get(at).map(|group| missing(group.part))),
            }
        }
        if differences.is_empty() && counted != recorded_counted {
            differences.push(Difference::Order);
        }
        Self { equal, differences }
    }
}

/// A part, and the details that spell it out.
struct Group<'p> {
    part: &'p Part,
    details: Vec<&'p Part>,
}

fn groups(parts: &[Part]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for part in parts {
        match groups.last_mut().filter(|_| part.detail) {
            Some(group) => group.details.push(part),
            None => groups.push(Group { part, details: Vec::new() }),
        }
    }
    groups
}

fn counted<'p>(groups: &[Group<'p>]) -> Vec<&'p Part> {
    groups.iter().map(|group| group.part).collect()
}

impl Group<'_> {
    /// How a part differs from a recorded one of the same name, and how many of its details are equal.
    fn differences(&self, recorded: &Self) -> (usize, Vec<Difference>) {
        if self.details.is_empty() || recorded.details.is_empty() {
            return (0, vec![value(self.part, recorded.part)]);
        }
        let paired = Pairing::new(&self.details, &recorded.details);
        let found = paired.changes.iter().filter_map(|change| match *change {
            Change::Value(one, other) => Some(value(self.details.get(one)?, recorded.details.get(other)?)),
            Change::Added(at) => Some(added(self.details.get(at)?)),
            Change::Missing(at) => Some(missing(recorded.details.get(at)?)),
        });
        let mut found: Vec<Difference> = found.collect();
        if found.is_empty() {
            found.push(Difference::Written { name: self.part.name.clone() });
        }
        (paired.equal.len(), found)
    }
}

fn value(live: &Part, recorded: &Part) -> Difference {
    Difference::Value { name: live.name.clone(), live: live.value.clone(), recorded: recorded.value.clone() }
}

fn added(part: &Part) -> Difference {
    Difference::Added { name: name(part), live: part.value.clone() }
}

fn missing(part: &Part) -> Difference {
    Difference::Missing { name: name(part), recorded: part.value.clone() }
}

/// Which parts are equal, by position, and what changed.
struct Pairing {
    equal: Vec<usize>,
    changes: Vec<Change>,
}

#[derive(Clone, Copy)]
enum Change {
    Value(usize, usize),
    Added(usize),
    Missing(usize),
}

impl Pairing {
    fn new(live: &[&Part], recorded: &[&Part]) -> Self {
        let mut unmatched: HashMap<&Part, usize> = HashMap::new();
        for part in recorded {
            *unmatched.entry(part).or_default() += 1;
        }
        let (mut equal, mut changed) = (Vec::new(), Vec::new());
        for (position, part) in live.iter().enumerate() {
            match unmatched.get_mut(part) {
                Some(count @ 1..) => {
                    *count -= 1;
                    equal.push(position);
                }
                _ => changed.push((position, part)),
            }
        }
        // Of equal ones, the first were matched.
        let mut left: Vec<Option<&Part>> = recorded.iter().rev().map(|part| take(&mut unmatched, part)).collect();
        left.reverse();
        let mut by_name: HashMap<&str, VecDeque<usize>> = HashMap::new();
        for (position, part) in left.iter().enumerate().filter_map(|(position, part)| Some((position, (*part)?))) {
            by_name.entry(&part.name).or_default().push_back(position);
        }
        let mut changes = Vec::new();
        for (position, part) in changed {
            let other = by_name.get_mut(part.name.as_str()).and_then(VecDeque::pop_front);
            let taken = other.filter(|&other| left.get_mut(other).and_then(Option::take).is_some());
            changes.push(match taken {
                Some(other) => Change::Value(position, other),
                None => Change::Added(position),
            });
        }
        let missing = left.iter().enumerate().filter(|(_, part)| part.is_some());
        changes.extend(missing.map(|(position, _)| Change::Missing(position)));
        Self { equal, changes }
    }
}

/// The name of a part. A parameter without a value, as in `?s3cret` or `?czNjcmV0Cg==`, may be a secret itself.
pub(crate) fn name(part: &Part) -> String {
    // A part that is named by a JSON pointer always has a value.
    match part.name.split_once(' ') {
        Some((kind, _)) if part.value.iter().all(|&byte| byte == b'=') => format!("{kind} …"),
        _ => part.name.clone(),
    }
}

/// The part, if one more like it has no match.
fn take<'p>(unmatched: &mut HashMap<&'p Part, usize>, part: &'p Part) -> Option<&'p Part> {
    let count = unmatched.get_mut(part)?;
    *count = count.checked_sub(1)?;
    Some(part)
}
