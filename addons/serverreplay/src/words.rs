//! Differences and values in words.

use crate::difference::Difference;

/// Which values of parts a report shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Those that are in every access log; others may be secret.
    Public,
    /// All. Matchers leave secrets out of them.
    All,
}

/// Parts whose values are in every access log, or name a piece of the client's program.
const PUBLIC: [&str; 6] = ["method", "scheme", "host", "port", "path", "operation"];

/// Most bytes of a value that a report shows.
const SHOWN_BYTES: usize = 100;

/// Most differences that a report lists.
const LISTED: usize = 4;

impl Values {
    /// The value of a part as it is shown; nothing when it is not.
    pub fn shown(self, name: &str, value: &[u8]) -> Option<String> {
        let is_shown = self == Self::All || PUBLIC.contains(&name);
        let (beginning, rest) = value.split_at_checked(SHOWN_BYTES).unwrap_or((value, b""));
        let end = if rest.is_empty() { "" } else { "…" };
        is_shown.then(|| format!("{}{end}", String::from_utf8_lossy(beginning)))
    }

    /// The same within a line.
    fn quoted(self, name: &str, value: &[u8]) -> Option<String> {
        self.shown(name, value).map(|text| format!("`{}`", oneline::escaped(&text)))
    }
}

/// The differences in words.
pub fn summary(differences: &[Difference], values: Values) -> String {
    if differences.is_empty() {
        return "no part differs".to_owned();
    }
    let listed = differences.iter().take(LISTED);
    let mut listed: Vec<String> = listed.map(|difference| words(difference, values)).collect();
    if differences.len() > LISTED {
        listed.push(format!("{} more", differences.len() - LISTED));
    }
    listed.join(", ")
}

fn words(difference: &Difference, values: Values) -> String {
    match difference {
        Difference::Value { name, recorded, .. } if name == "content" && recorded == NOT_RECORDED => {
            "content is not in the recording".to_owned()
        }
        Difference::Value { name, live, recorded } => {
            match (values.quoted(name, live), values.quoted(name, recorded)) {
                (Some(live), Some(recorded)) => format!("{} is {live}, not {recorded}", line(name)),
                _ => format!("{} differs", line(name)),
            }
        }
        Difference::Added { name, live } => format!("{} not recorded", with_value(name, live, values)),
        Difference::Missing { name, recorded } => format!("{} only recorded", with_value(name, recorded, values)),
        Difference::Written { name } => format!("{} is written differently", line(name)),
        Difference::Order => "the order differs".to_owned(),
    }
}

/// What a matcher says of a content that a recording does not hold.
const NOT_RECORDED: &[u8] = b"not recorded";

fn with_value(name: &str, value: &[u8], values: Values) -> String {
    match values.quoted(name, value) {
        Some(value) => format!("{} ({value})", line(name)),
        None => line(name),
    }
}

/// Most characters of a name that a report shows.
const SHOWN_CHARACTERS: usize = 200;

/// A name within a line: whoever sends a request names its members.
fn line(name: &str) -> String {
    oneline::escaped(&cut(name))
}

/// A name, or the beginning of a long one.
pub(crate) fn cut(name: &str) -> String {
    match name.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", name.split_at(end).0),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difference::{Comparison, Part};

    fn parts(list: &[(&str, &str)]) -> Vec<Part> {
        let part = |&(name, value): &(&str, &str)| {
            let (name, detail) = name.strip_prefix("+").map_or((name, false), |name| (name, true));
            Part { name: name.to_owned(), value: value.as_bytes().to_vec(), detail }
        };
        list.iter().map(part).collect()
    }

    fn compared(live: &[(&str, &str)], recorded: &[(&str, &str)]) -> String {
        summary(&Comparison::new(&parts(live), &parts(recorded)).differences, Values::Public)
    }

    #[test]
    fn values_of_the_request_line_are_shown_and_others_are_not() {
        assert_eq!(compared(&[("path", "/a")], &[("path", "/b")]), "path is `/a`, not `/b`");
        assert_eq!(compared(&[("query token", "s3cret")], &[("query token", "other")]), "query token differs");
        assert_eq!(
            compared(&[("query s3cret", "")], &[("query 0ther", "")]),
            "query … not recorded, query … only recorded"
        );
    }

    #[test]
    fn a_content_that_nobody_kept_is_named() {
        let live = [("content", "sha-256:00"), ("+/a", "1")];
        assert_eq!(compared(&live, &[("content", "not recorded")]), "content is not in the recording");
    }

    #[test]
    fn all_values_are_shown_where_the_user_wants_that() {
        let (live, recorded) = (parts(&[("query a", "1\n"), ("query b", "2")]), parts(&[("query a", "3")]));
        let differences = Comparison::new(&live, &recorded).differences;
        assert_eq!(summary(&differences, Values::All), r"query a is `1\n`, not `3`, query b (`2`) not recorded");
        let long = [Difference::Added { name: "content".to_owned(), live: vec![b'a'; SHOWN_BYTES + 1] }];
        assert_eq!(summary(&long, Values::All), format!("content (`{}…`) not recorded", "a".repeat(SHOWN_BYTES)));
    }

    #[test]
    fn added_missing_and_reordered_parts_are_named() {
        assert_eq!(
            compared(&[("query a", "1"), ("query b", "2")], &[("query a", "1"), ("query c", "3")]),
            "query b not recorded, query c only recorded"
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
        assert_eq!(compared(&[("query a", "1")], &[("query a", "1"), ("query a", "1")]), "query a only recorded");
    }

    #[test]
    fn details_are_compared_where_what_they_spell_out_differs() {
        let content = |digest, details: &[(&'static str, &'static str)]| {
            let content = [("content", digest)].into_iter();
            content.chain(details.iter().copied()).collect::<Vec<_>>()
        };
        let recorded = content("1", &[("+/a", "1"), ("+/nonce", "1")]);
        assert_eq!(compared(&content("2", &[("+/a", "2")]), &recorded), "/a differs, /nonce only recorded");
        assert_eq!(
            compared(&content("2", &[("+/nonce", "1"), ("+/a", "1")]), &recorded),
            "content is written differently"
        );
        // It has no members.
        assert_eq!(compared(&content("2", &[]), &recorded), "content differs");
        // It has others, but that does not count.
        assert_eq!(compared(&content("1", &[]), &recorded), "no part differs");
    }

    #[test]
    fn equal_parts_are_counted_with_their_details() {
        let equal =
            |live: &[(&str, &str)], recorded: &[(&str, &str)]| Comparison::new(&parts(live), &parts(recorded)).equal;
        let recorded = [("path", "/"), ("content", "1"), ("+/a", "1"), ("+/b", "1")];
        assert_eq!(equal(&recorded, &recorded), 4);
        assert_eq!(equal(&[("path", "/"), ("content", "2"), ("+/a", "1"), ("+/b", "2")], &recorded), 2);
        assert_eq!(equal(&[("path", "/"), ("content", "2")], &recorded), 1);
    }

    #[test]
    fn a_long_list_is_cut_and_so_is_a_long_name() {
        let live = [("query a", "1"), ("query b", "1"), ("query c", "1"), ("query d", "1"), ("query e", "1")];
        assert_eq!(
            compared(&live, &[]),
            "query a not recorded, query b not recorded, query c not recorded, query d not recorded, 1 more"
        );
        let long = format!("/{}", "a\n".repeat(SHOWN_CHARACTERS));
        let cut = format!("/{}a…", r"a\n".repeat(SHOWN_CHARACTERS / 2 - 1));
        assert_eq!(compared(&[(&long, "1")], &[]), format!("{cut} not recorded"));
    }

    #[test]
    fn equal_requests_have_no_difference() {
        let none = Comparison::new(&parts(&[("path", "/")]), &parts(&[("path", "/")]));
        assert_eq!(none, Comparison { equal: 1, differences: Vec::new() });
    }
}
