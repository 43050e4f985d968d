//! Reading expressions.
//!
//! From the weakest to the strongest: what stands side by side (and), `|`, `&`, `!`.

use crate::{
    error::ParseError,
    operator::{Operator, Place, Question},
    pattern::Pattern,
};

/// A parsed expression.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Is(Question),
    Has(Place, Pattern),
    Status(Option<u16>),
}

/// Reads a whole expression.
pub(crate) fn parse(text: &str) -> Result<Expression, ParseError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let parsed = parser.expression().and_then(|expression| match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.wrong("there is a `)` without its `(`")),
    });
    parsed.map_err(|Wrong { at, what }| ParseError {
        expression: text.to_owned(),
        character: text.get(..at).unwrap_or(text).chars().count() + 1,
        what,
    })
}

/// What is wrong, and at which byte.
struct Wrong {
    at: usize,
    what: String,
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    /// How many `(` and `!` are open.
    depth: usize,
}

impl<'t> Parser<'t> {
    /// All that stands side by side.
    fn expression(&mut self) -> Result<Expression, Wrong> {
        let mut all = vec![self.alternatives()?];
        while self.peek().is_some_and(|next| next != ')') {
            all.push(self.alternatives()?);
        }
        Ok(one_or(all, Expression::All))
    }

    fn alternatives(&mut self) -> Result<Expression, Wrong> {
        let mut any = vec![self.conjunction()?];
        while self.takes('|') {
            any.push(self.conjunction()?);
        }
        Ok(one_or(any, Expression::Any))
    }

    fn conjunction(&mut self) -> Result<Expression, Wrong> {
        let mut all = vec![self.operand()?];
        while self.takes('&') {
            all.push(self.operand()?);
        }
        Ok(one_or(all, Expression::All))
    }

    fn operand(&mut self) -> Result<Expression, Wrong> {
        match self.peek() {
            None => Err(self.wrong("an operator or a pattern is missing")),
            Some(')') => Err(self.wrong("an operator or a pattern is missing before `)`")),
            Some(sign @ ('&' | '|')) => {
                Err(self.wrong(format!("an operator or a pattern is missing before `{sign}`; quote it to look for it")))
            }
            Some('!') => {
                self.enter()?;
                let inner = self.operand()?;
                self.depth -= 1;
                Ok(Expression::Not(Box::new(inner)))
            }
            Some('(') => self.group(),
            Some('~') => self.operator(),
            Some(_) => self.pattern(Place::Url, "the URL"),
        }
    }

    fn group(&mut self) -> Result<Expression, Wrong> {
        let open = self.at;
        self.enter()?;
        let inner = self.expression()?;
        if !self.takes(')') {
            return Err(Wrong { at: open, what: "there is a `(` without its `)`".to_owned() });
        }
        self.depth -= 1;
        Ok(inner)
    }

    /// Takes the sign that starts an inner expression.
    fn enter(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(self.wrong(format!("there are more than {DEPTH_LIMIT} `(` and `!` within each other")));
        }
        self.at += 1;
        Ok(())
    }

    fn operator(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        self.at += 1;
        let name = self.take_while(|next| !is_white(next) && !"()'\"~&|!".contains(next));
        match Operator::named(name) {
            Some(Operator::Alone(question)) => Ok(Expression::Is(question)),
            Some(Operator::Pattern(place)) => self.pattern(place, &format!("`~{name}`")),
            Some(Operator::Status) => self.status(),
            None => {
                let what = format!("`~{name}` is no operator; known are {}", Operator::names());
                Err(Wrong { at: start, what })
            }
        }
    }

    fn status(&mut self) -> Result<Expression, Wrong> {
        self.skip_white();
        let digits = self.take_while(|next| next.is_ascii_digit());
        if digits.is_empty() || self.rest().starts_with(char::is_alphanumeric) {
            return Err(self.wrong("`~c` needs a status code such as `404`"));
        }
        Ok(Expression::Status(digits.parse().ok()))
    }

    fn pattern(&mut self, place: Place, whose: &str) -> Result<Expression, Wrong> {
        self.skip_white();
        let at = self.at;
        let text = match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => self.take_while(|next| !is_white(next) && !"()~'\"".contains(next)).to_owned(),
        };
        if self.at == at {
            return Err(self.wrong(format!("a pattern for {whose} is missing; quote one that starts with `(` or `~`")));
        }
        let pattern = Pattern::parse(&text, place.kind());
        let pattern = pattern.map_err(|why| Wrong { at, what: format!("`{text}` is no pattern: {why}") })?;
        Ok(Expression::Has(place, pattern))
    }

    /// What is between quotes. A backslash takes the next character as it is, or makes white space of a letter.
    fn quoted(&mut self, quote: char) -> Result<String, Wrong> {
        let mut characters = self.rest().char_indices().skip(1);
        let mut text = String::new();
        while let Some((offset, character)) = characters.next() {
            match character {
                '\\' => text.push(match characters.next() {
                    Some((_, 't')) => '\t',
                    Some((_, 'n')) => '\n',
                    Some((_, 'r')) => '\r',
                    Some((_, 'f')) => '\u{c}',
                    Some((_, other)) => other,
                    None => break,
                }),
                '\n' | '\r' => break,
                _ if character == quote => {
                    self.at += offset + 1;
                    return Ok(text);
                }
                _ => text.push(character),
            }
        }
        Err(self.wrong(format!("there is a `{quote}` without the one that closes it")))
    }

    /// The next character that is no white space, not taken.
    fn peek(&mut self) -> Option<char> {
        self.skip_white();
        self.rest().chars().next()
    }

    /// Takes a sign if it is the next one.
    fn takes(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_white(&mut self) {
        self.take_while(is_white);
    }

    fn take_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|next| !is_wanted(next)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, what: impl Into<String>) -> Wrong {
        Wrong { at: self.at, what: what.into() }
    }
}

/// White space for mitmproxy; any other is part of a word.
fn is_white(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

fn one_or(mut items: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => {
            items.extend(last);
            join(items)
        }
    }
}

/// More than anybody writes, and few enough for any stack.
const DEPTH_LIMIT: usize = 64;

#[cfg(test)]
mod tests;
