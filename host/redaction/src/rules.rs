//! What is secret.

use std::{borrow::Cow, error::Error, fmt};

use json_pointer::{BadPointer, JsonPointer};

use crate::{NameList, edit, fields, query};

/// What of a message is secret.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// In lower case.
    pub(crate) fields: NameList,
    pub(crate) query: NameList,
    pub(crate) form: NameList,
    pub(crate) json: Vec<JsonPointer>,
    pub(crate) cookies: NameList,
}

impl Rules {
    /// Parses the texts of the option `record_redact`, each `KIND:NAME`:
    ///
    /// - `field:authorization`: a header field of requests and responses, in any case;
    /// - `query:token`: a query parameter, by its decoded name, also in `Referer`, `Location` and `Content-Location`;
    /// - `form:password`: a field of forms, urlencoded or multipart;
    /// - `json:/user/password`: a value in JSON; `*` stands for every member or element, no pointer for the whole text;
    /// - `cookie:session`: a cookie, in `Cookie` and `Set-Cookie`.
    ///
    /// Names may be patterns such as `query:glob:*_token`, as a [`NameList`] has them.
    ///
    /// # Errors
    /// When a text is no such rule.
    pub fn parse(texts: &[String]) -> Result<Self, RuleError> {
        let mut rules = Self::default();
        for text in texts {
            rules.add(text)?;
        }
        Ok(rules)
    }

    fn add(&mut self, text: &str) -> Result<(), RuleError> {
        let not_a_rule = || RuleError(Mistake::Rule(text.to_owned()));
        let (kind, name) = text.split_once(':').ok_or_else(not_a_rule)?;
        let list = match kind {
            "json" => {
                let pointer = JsonPointer::parse(name)
                    .map_err(|source| RuleError(Mistake::Pointer { rule: text.to_owned(), source }))?;
                self.json.push(pointer);
                return Ok(());
            }
            "field" => {
                let name = name.to_ascii_lowercase();
                if fields::is_kept(&name) {
                    return Err(RuleError(Mistake::Kept(name)));
                }
                if !name.bytes().all(|byte| byte.is_ascii_graphic()) || name.is_empty() {
                    return Err(not_a_rule());
                }
                self.fields.add(&name);
                return Ok(());
            }
            "query" => &mut self.query,
            "form" => &mut self.form,
            "cookie" => &mut self.cookies,
            _ => return Err(not_a_rule()),
        };
        if name.is_empty() {
            return Err(not_a_rule());
        }
        list.add(name);
        Ok(())
    }

    /// Whether nothing is secret.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.fields, &self.query, &self.form, &self.cookies];
        lists.iter().all(|list| list.is_empty()) && self.json.is_empty()
    }

    /// A request's path and query, or its whole URL, with the values of secret parameters replaced.
    pub fn target<'a>(&self, target: &'a str) -> Cow<'a, str> {
        // A matcher asks for every request, and mostly there are no rules.
        if self.query.is_empty() {
            return target.into();
        }
        match edit::apply(target.as_bytes(), query::url_edits(target.as_bytes(), &self.query)) {
            Cow::Borrowed(_) => target.into(),
            // It was cut beside `&`, `=` and `#` only, so it is UTF-8 still.
            Cow::Owned(redacted) => String::from_utf8_lossy(&redacted).into_owned().into(),
        }
    }

    /// One line of a header field with what is secret of its value replaced.
    pub fn field<'a>(&self, name: &str, value: &'a [u8]) -> Cow<'a, [u8]> {
        edit::apply(value, fields::edits(self, &name.to_ascii_lowercase(), value))
    }
}

/// A text that is not a rule. `Display` is one level; the cause is the `source`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError(Mistake);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mistake {
    Rule(String),
    Kept(String),
    Pointer { rule: String, source: BadPointer },
}

impl fmt::Display for RuleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("option `record_redact`: ")?;
        match &self.0 {
            Mistake::Rule(text) => write!(
                formatter,
                "`{text}` is not a rule: expected `field:`, `query:`, `form:`, `json:` or `cookie:` and a name, such as \
                 `field:authorization`"
            ),
            Mistake::Kept(name) => {
                write!(formatter, "`{name}` is not a field to redact: without it the recording could not be replayed")
            }
            Mistake::Pointer { rule, .. } => write!(formatter, "cannot use the rule `{rule}`"),
        }
    }
}

impl Error for RuleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Mistake::Pointer { source, .. } => Some(source),
            Mistake::Rule(_) | Mistake::Kept(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;

    fn rules(text: &str) -> Rules {
        Rules::parse(&[text.to_owned()]).unwrap()
    }

    fn refusal(text: &str) -> String {
        oneline::chain(&Rules::parse(&[text.to_owned()]).map(drop).unwrap_err())
    }

    #[test]
    fn no_rules_make_nothing_secret() {
        let none = Rules::parse(&[]).unwrap();
        assert!(none.is_empty());
        assert_eq!(none.target("/?token=1"), "/?token=1");
        assert_eq!(*none.field("authorization", b"1"), *b"1");
        for text in ["field:a", "query:a", "form:a", "json:", "json:/a", "cookie:glob:*"] {
            assert!(!rules(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_rule_is_refused() {
        let not_a_rule = |text: &str| {
            format!(
                "option `record_redact`: `{text}` is not a rule: expected `field:`, `query:`, `form:`, `json:` or `cookie:` \
                 and a name, such as `field:authorization`"
            )
        };
        for text in ["", "foo", "header:x", "query", "query:", "form:", "cookie:", "field:", "field: x", "Query:x"] {
            assert_eq!(refusal(text), not_a_rule(text));
        }
        assert_eq!(
            refusal("field:Content-Length"),
            "option `record_redact`: `content-length` is not a field to redact: without it the recording could not be replayed"
        );
        assert!(refusal("json:user").starts_with(
            "option `record_redact`: cannot use the rule `json:user`: `user` is not a JSON pointer: expected"
        ));
    }

    #[test]
    fn targets_lose_the_values_of_named_parameters() {
        let rules =
            Rules::parse(&["query:token".to_owned(), "query:glob:*_key".to_owned(), "query:é b".to_owned()]).unwrap();
        for (target, expected) in [
            ("/a?token=1&x=2", "/a?token=redacted&x=2"),
            ("/a?x=2&&token=a=b?c&token=&token", "/a?x=2&&token=redacted&token=&token"),
            ("/a?%74oken=%2&api_key=é&x=%20+", "/a?%74oken=redacted&api_key=redacted&x=%20+"),
            ("/a?%c3%a9+b=1", "/a?%c3%a9+b=redacted"),
            ("/token=1/a;token=1?Token=1", "/token=1/a;token=1?Token=1"),
            ("/a#token=1?2&x=1", "/a#token=redacted&x=1"),
            ("/a?x=1#/b?token=1", "/a?x=1#/b?token=redacted"),
            ("http://a?token=1#token", "http://a?token=redacted#token"),
            ("/a?token=redacted", "/a?token=redacted"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(rules.target(target), expected);
            assert_eq!(rules.target(expected), expected);
        }
    }
}
