//! The known name that a misspelt one was probably meant to be.

/// The candidate nearest to `word`, or `None` when all are too far away to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let tolerated = (length / 3).max(1);
    let distances = candidates.into_iter().map(|candidate| {
        let plain = plain(candidate);
        let begun = length >= 3 && plain.starts_with(&word);
        let distance = if begun { 1 } else { strsim::damerau_levenshtein(&word, &plain) };
        (distance, candidate)
    });
    let (distance, candidate) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= tolerated).then_some(candidate)
}

/// A word longer than any name is not worth comparing.
const LONGEST: usize = 64;

/// Case, and which of `-` and `_` joins the words, are the most common slips.
fn plain(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let known = ["listen", "offline", "record", "record_bodies"];
        for (word, expected) in [
            ("lisen", Some("listen")),
            ("LISTEN", Some("listen")),
            ("offlien", Some("offline")),
            ("record-bodies", Some("record_bodies")),
            ("recor", Some("record")),
            ("x", None),
            ("", None),
            ("quite different", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
