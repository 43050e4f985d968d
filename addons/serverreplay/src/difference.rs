//! How two requests differ, part by part.

use std::collections::{HashMap, VecDeque};

/// A named piece of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// What it is of the request, such as `path` or `query page`.
    pub name: String,
    /// What counts of it.
    pub value: Vec<u8>,
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
    Added(String),
    /// The recorded request has a part that the live one has not.
    Missing(String),
    /// The parts are the same, in another order.
    Order,
}

/// Parts whose values a report may show: they are in every access log, others may be secret.
const SHOWN: [&str; 5] = ["method", "scheme", "host", "port", "path"];

/// Most bytes of a value that a report shows.
const SHOWN_BYTES: usize = 100;

/// Most differences that a report lists.
const LISTED: usize = 4;

/// The differences between a live request's parts and a recorded one's.
pub fn differences(live: &[Part], recorded: &[Part]) -> Vec<Difference> {
    let mut unmatched: HashMap<&Part, usize> = HashMap::new();
    for part in recorded {
        *unmatched.entry(part).or_default() += 1;
    }
    let mut changed: Vec<&Part> = Vec::new();
    for part in live {
        match unmatched.get_mut(part) {
            Some(count @ 1..) => *count -= 1,
            _ => changed.push(part),
        }
    }
    // Of equal ones, the first were matched.
    let mut left: Vec<Option<&Part>> = recorded.iter().rev().map(|part| take(&mut unmatched, part)).collect();
    left.reverse();
    let mut by_name: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (position, part) in left.iter().enumerate().filter_map(|(position, part)| Some((position, (*part)?))) {
        by_name.entry(&part.name).or_default().push_back(position);
    }
    let mut found = Vec::new();
    for part in changed {
        let position = by_name.get_mut(part.name.as_str()).and_then(VecDeque::pop_front);
        let recorded = position.and_then(|position| left.get_mut(position)?.take());
        found.push(match recorded {
            Some(recorded) => Difference::Value {
                name: part.name.clone(),
                live: part.value.clone(),
                recorded: recorded.value.clone(),
            },
            None => Difference::Added(name(part)),
        });
    }
    found.extend(left.into_iter().flatten().map(|part| Difference::Missing(name(part))));
    if found.is_empty() && live != recorded {
        found.push(Difference::Order);
    }
    found
}

/// The name of a part. A parameter without a value, as in `?s3cret` or `?czNjcmV0Cg==`, may be a secret itself.
fn name(part: &Part) -> String {
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

/// The differences in words.
pub fn summary(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "no part differs, but the keys do".to_owned();
    }
    let mut listed: Vec<String> = differences.iter().take(LISTED).map(words).collect();
    if differences.len() > LISTED {
        listed.push(format!("{} more", differences.len() - LISTED));
    }
    listed.join(", ")
}

fn words(difference: &Difference) -> String {
    match difference {
        Difference::Value { name, live, recorded } if SHOWN.contains(&name.as_str()) => {
            format!("{name} is `{}`, not `{}`", shown(live), shown(recorded))
        }
        Difference::Value { name, .. } => format!("{name} differs"),
        Difference::Added(name) => format!("{name} is not in the recording"),
        Difference::Missing(name) => format!("{name} is missing"),
        Difference::Order => "the order differs".to_owned(),
    }
}

fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(&value[..value.len().min(SHOWN_BYTES)]);
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(list: &[(&str, &str)]) -> Vec<Part> {
        list.iter().map(|(name, value)| Part { name: (*name).to_owned(), value: value.as_bytes().to_vec() }).collect()
    }

    fn compared(live: &[(&str, &str)], recorded: &[(&str, &str)]) -> String {
        summary(&differences(&parts(live), &parts(recorded)))
    }

    #[test]
    fn values_of_the_request_line_are_shown_and_others_are_not() {
        assert_eq!(compared(&[("path", "/a")], &[("path", "/b")]), "path is `/a`, not `/b`");
        assert_eq!(compared(&[("query token", "s3cret")], &[("query token", "other")]), "query token differs");
        assert_eq!(
            compared(&[("query s3cret", "")], &[("query 0ther", "")]),
            "query … is not in the recording, query … is missing"
        );
    }

    #[test]
    fn added_missing_and_reordered_parts_are_named() {
        assert_eq!(
            compared(&[("query a", "1"), ("query b", "2")], &[("query a", "1"), ("query c", "3")]),
            "query b is not in the recording, query c is missing"
        );
        assert_eq!(
            compared(&[("query a", "1"), ("query b", "2")], &[("query b", "2"), ("query a", "1")]),
            "the order differs"
        );
    }

    #[test]
    fn repeated_parts_are_paired_one_by_one() {
        assert_eq!(
            compared(&[("query a", "1"), ("query a", "2")], &[("query a", "2"), ("query a", "3")]),
            "query a differs"
        );
        assert_eq!(compared(&[("query a", "1")], &[("query a", "1"), ("query a", "1")]), "query a is missing");
    }

    #[test]
    fn a_long_list_is_cut() {
        let live = [("query a", "1"), ("query b", "1"), ("query c", "1"), ("query d", "1"), ("query e", "1")];
        assert_eq!(
            compared(&live, &[]),
            "query a is not in the recording, query b is not in the recording, query c is not in the recording, query d \
             is not in the recording, 1 more"
        );
    }

    #[test]
    fn equal_requests_have_no_difference() {
        assert_eq!(differences(&parts(&[("path", "/")]), &parts(&[("path", "/")])), []);
    }
}
