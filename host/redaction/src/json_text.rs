//! JSON texts read piece by piece.
//!
//! Neither values nor places are kept, so that a text of any size is read once, in no memory.

/// A place in a JSON text, which `serde_json` has found valid before.
///
/// In a text that is not valid, pieces are nothing or not what they should be, and nothing else happens.
#[derive(Clone, Debug)]
pub struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    /// The start of a text.
    pub fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    /// How many bytes are before it. After [`Cursor::peek`], this is where the next piece begins.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The first byte of the next piece, which says what the piece is; nothing at the end.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes a bracket, a brace, a colon or a comma, if that is next.
    pub fn takes(&mut self, sign: u8) -> bool {
        let is_next = self.peek() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    /// Whether another member or element follows within an object or array; its end is taken.
    ///
    /// `is_first` says whether its start was taken just now.
    pub fn goes_on(&mut self, end: u8, is_first: bool) -> bool {
        !self.takes(end) && (is_first || self.takes(b','))
    }

    /// Takes a string with its quotes, a number or a literal.
    pub fn scalar(&mut self) -> Option<&'t [u8]> {
        let first = self.peek()?;
        let start = self.at;
        if first == b'"' {
            self.pass_string()?;
        } else {
            let rest = self.text.get(start..)?;
            let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' | b':' | b'"');
            self.at += rest.iter().position(is_end).unwrap_or(rest.len());
        }
        self.text.get(start..self.at).filter(|scalar| !scalar.is_empty())
    }

    /// Takes the name of a member with its quotes, and the colon behind it.
    pub fn name(&mut self) -> Option<&'t [u8]> {
        if self.peek()? != b'"' {
            return None;
        }
        let name = self.scalar()?;
        self.takes(b':').then_some(name)
    }

    /// Takes any value, however deep others are nested in it.
    pub fn value(&mut self) -> Option<&'t [u8]> {
        if !matches!(self.peek()?, b'[' | b'{') {
            return self.scalar();
        }
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    self.pass_string()?;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return self.text.get(start..self.at);
            }
        }
    }

    fn pass_string(&mut self) -> Option<()> {
        loop {
            self.at += 1;
            match self.text.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        self.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::Cursor;

    /// The value as another reader makes it of the pieces.
    fn rebuilt(cursor: &mut Cursor<'_>) -> Option<Value> {
        let mut is_first = true;
        if cursor.takes(b'{') {
            let mut members = serde_json::Map::new();
            while cursor.goes_on(b'}', is_first) {
                let name = serde_json::from_slice(cursor.name()?).ok()?;
                members.insert(name, rebuilt(cursor)?);
                is_first = false;
            }
            return Some(Value::Object(members));
        }
        if cursor.takes(b'[') {
            let mut elements = Vec::new();
            while cursor.goes_on(b']', is_first) {
                elements.push(rebuilt(cursor)?);
                is_first = false;
            }
            return Some(Value::Array(elements));
        }
        serde_json::from_slice(cursor.scalar()?).ok()
    }

    fn document() -> impl Strategy<Value = Value> {
        let text = prop::collection::vec(
            prop::sample::select(&["a", "\"", "\\", "é", "[", "}", ",", ":", "\n", "\u{1}"][..]),
            0..4,
        );
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            text.prop_map(|text| text.concat().into())
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let members = prop::collection::btree_map("[ab\"\\\\{]{0,2}", inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn pieces_make_the_value(value in document(), is_pretty: bool) {
            let text = if is_pretty { format!(" {value:#}\n ") } else { value.to_string() };
            let mut cursor = Cursor::new(&text);
            prop_assert_eq!(rebuilt(&mut cursor), Some(value));
            prop_assert_eq!(cursor.peek(), None);
            let mut cursor = Cursor::new(&text);
            prop_assert_eq!(cursor.value(), Some(text.trim().as_bytes()));
            prop_assert_eq!(cursor.peek(), None);
        }

        #[test]
        fn any_text_is_read_to_an_end(text in "[\\[\\]{}\",:\\\\1a ]{0,16}") {
            let mut cursor = Cursor::new(&text);
            let _ = cursor.value();
            let _ = rebuilt(&mut Cursor::new(&text));
            prop_assert!(cursor.position() <= text.len() + 1);
        }
    }
}
