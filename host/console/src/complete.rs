//! What a word that is being typed can become.

use std::path::Path;

use control::ParameterKind;

/// Most names that are read of a folder.
const MOST_NAMES: usize = 10_000;

/// What a word of such a parameter can become, sorted.
pub(crate) fn parameter(kind: &ParameterKind, word: &str) -> Vec<String> {
    match kind {
        ParameterKind::Flag => among(["false", "true"], word),
        ParameterKind::Choice(words) => among(words.iter().map(String::as_str), word),
        ParameterKind::File => files(word),
        // `+` before the name of a file appends to it.
        ParameterKind::Output => match word.strip_prefix('+') {
            Some(name) => files(name).into_iter().map(|name| format!("+{name}")).collect(),
            None => files(word),
        },
        ParameterKind::Integer | ParameterKind::Text => Vec::new(),
    }
}

/// Those of some words that begin like this one.
pub(crate) fn among<'w>(words: impl IntoIterator<Item = &'w str>, word: &str) -> Vec<String> {
    let mut found: Vec<String> =
        words.into_iter().filter(|candidate| candidate.starts_with(word)).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// Files and folders that begin like this, sorted; folders end in `/`. Hidden ones only if the name begins with a dot.
pub(crate) fn files(word: &str) -> Vec<String> {
    let (folder, name) = word.rsplit_once('/').map_or(("", word), |(folder, name)| (&word[..=folder.len()], name));
    let place = match (folder, folder.strip_prefix("~/"), std::env::home_dir()) {
        ("", ..) => Path::new(".").to_owned(),
        (_, Some(below), Some(home)) => home.join(below),
        _ => Path::new(folder).to_owned(),
    };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .take(MOST_NAMES)
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let entry_name = entry.file_name().into_string().ok()?;
            let is_hidden = entry_name.starts_with('.') && !name.starts_with('.');
            if is_hidden || !entry_name.starts_with(name) {
                return None;
            }
            let end = if entry.path().is_dir() { "/" } else { "" };
            Some(format!("{folder}{entry_name}{end}"))
        })
        .collect();
    found.sort();
    found
}

/// The file that a name means: `~/` is the user's home.
pub(crate) fn file(name: &str) -> String {
    match (name.strip_prefix("~/"), std::env::home_dir()) {
        (Some(below), Some(home)) => home.join(below).to_string_lossy().into_owned(),
        _ => name.to_owned(),
    }
}

/// What all of some words begin with.
pub(crate) fn common(words: &[String]) -> String {
    let Some((first, others)) = words.split_first() else { return String::new() };
    let mut common = first.as_str();
    for word in others {
        let length = common.char_indices().zip(word.chars()).take_while(|((_, left), right)| left == right);
        let length = length.map(|((at, character), _)| at + character.len_utf8()).last().unwrap_or(0);
        common = common.get(..length).unwrap_or("");
    }
    common.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_beginning() {
        let here = files("src/comp");
        assert_eq!(here, ["src/complete.rs"]);
        assert_eq!(files("sr"), ["src/"]);
        assert!(files("no/such/folder/x").is_empty());
    }

    #[test]
    fn the_common_beginning_ends_between_characters() {
        assert_eq!(common(&["größe".to_owned(), "grün".to_owned()]), "gr");
        assert_eq!(common(&["a".to_owned()]), "a");
        assert_eq!(common(&[]), "");
    }
}
