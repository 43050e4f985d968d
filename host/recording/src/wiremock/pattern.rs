//! Regular expressions that stand for one text, because they are patterns in name only.

/// The text that an expression of Java stands for; nothing if it is a real pattern. A point that is not repeated is taken for
/// itself: whoever writes `/logo.png` means no other character.
pub(super) fn literal(expression: &str) -> Option<String> {
    let mut text = String::new();
    let expression = expression.strip_prefix('^').unwrap_or(expression);
    let mut rest = expression.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next()? {
                'Q' => text.push_str(quoted(&mut rest)),
                'E' => {}
                // Those are classes of characters, places and back references.
                escaped if escaped.is_ascii_alphanumeric() => return None,
                escaped => text.push(escaped),
            },
            '[' => text.push(only_member(&mut rest)?),
            '$' if rest.as_str().is_empty() => {}
            '$' | '^' | '(' | ')' | '|' | '*' | '+' | '?' | '{' => return None,
            literal => text.push(literal),
        }
    }
    Some(text)
}

/// What is quoted up to `\E`, or to the end.
fn quoted<'e>(rest: &mut std::str::Chars<'e>) -> &'e str {
    let text = rest.as_str();
    let (quoted, after) = text.split_once("\\E").unwrap_or((text, ""));
    *rest = after.chars();
    quoted
}

/// The only member of a class such as `[.]`, after its bracket.
fn only_member(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let member = match rest.next()? {
        '\\' => rest.next().filter(|escaped| !escaped.is_ascii_alphanumeric())?,
        '^' | ']' | '[' => return None,
        member => member,
    };
    (rest.next()? == ']').then_some(member)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::literal;

    #[test]
    fn what_is_no_real_pattern_is_its_text() {
        for (expression, text) in [
            ("/api/users", "/api/users"),
            ("^/logo.png$", "/logo.png"),
            (r"/a\.json\?b=\[1\]", "/a.json?b=[1]"),
            (r"\/a\-b", "/a-b"),
            (r"/a[.]b[?]c[\$]", "/a.b?c$"),
            (r"\Q/a.b?c=(d)\E&e", "/a.b?c=(d)&e"),
            (r"/a\Q+", "/a+"),
            ("", ""),
        ] {
            assert_eq!(literal(expression).as_deref(), Some(text), "{expression}");
        }
    }

    #[test]
    fn a_real_pattern_has_no_text() {
        for expression in [
            "/a.*", "/a+", "/a?b=c", "/a{2}", "/a|/b", "/(a)", "(?i)/a", "/[ab]", "/[^a]", "/[a-z]", "/[]a]", r"/\d",
            r"/[\d]", r"\b/a", "/a$/b", "/a^", "/a\\", "/[a", "/[", "/.?",
        ] {
            assert_eq!(literal(expression), None, "{expression}");
        }
    }

    proptest! {
        #[test]
        fn an_escaped_text_is_that_text(text in "[ -/:-@\\[-`{-~é]{0,12}") {
            let escaped: String = text.chars().flat_map(|character| ['\\', character]).collect();
            prop_assert_eq!(literal(&escaped), Some(text.clone()));
            // Whatever it is, it is survived.
            let _ = literal(&text);
        }
    }
}
