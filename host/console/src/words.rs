//! A command line as words.

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Where it begins in the line, in bytes.
    pub(crate) start: usize,
    /// What it says, without quotes.
    pub(crate) text: String,
}

/// The words of a line, which spaces part. Spaces in quotes, single or double, part nothing. A line that ends in a space, or is
/// empty, ends in an empty word: the one that is about to be typed.
pub(crate) fn split(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    for (start, character) in line.char_indices() {
        if quote.is_none() && character == ' ' {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_with(|| Word { start, text: String::new() });
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            _ => word.text.push(character),
        }
    }
    words.push(word.unwrap_or(Word { start: line.len(), text: String::new() }));
    words
}

/// A word as it has to be typed.
pub(crate) fn quoted(word: &str) -> String {
    if !word.contains([' ', '"', '\'']) && !word.is_empty() {
        word.to_owned()
    } else if word.contains('"') {
        format!("'{word}'")
    } else {
        format!("\"{word}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_part_words_unless_they_are_quoted() {
        let words = |line| split(line).into_iter().map(|word| word.text).collect::<Vec<_>>();
        assert_eq!(words("run 'a b'  \"c d\"e f"), ["run", "a b", "c de", "f"]);
        assert_eq!(words("run "), ["run", ""]);
        assert_eq!(words(""), [""]);
        assert_eq!(words("run '' 'open"), ["run", "", "open"]);
    }

    #[test]
    fn a_quoted_word_is_read_again_as_it_was() {
        for word in ["plain", "with space", "it's", "say \"this\"", ""] {
            assert_eq!(split(&quoted(word)).into_iter().map(|word| word.text).collect::<Vec<_>>(), [word]);
        }
    }
}
