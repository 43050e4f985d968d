//! JSON, a member a line.

/// The document with a line for each member, its numbers, texts and order as they are. Nothing if it is no JSON.
pub(super) fn lines(text: &str) -> Option<Vec<String>> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let mut printer = Printer::default();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                printer.line.push('"');
                while let Some(character) = characters.next() {
                    printer.line.push(character);
                    match character {
                        '\\' => printer.line.extend(characters.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                printer.line.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => printer.line.push(close),
                    None => {
                        printer.depth += 1;
                        printer.end_line();
                    }
                }
            }
            '}' | ']' => {
                printer.depth = printer.depth.saturating_sub(1);
                printer.end_line();
                printer.line.push(character);
            }
            ',' => {
                printer.line.push(',');
                printer.end_line();
            }
            ':' => printer.line.push_str(": "),
            _ if character.is_ascii_whitespace() => {}
            _ => printer.line.push(character),
        }
    }
    printer.end_line();
    Some(printer.lines)
}

/// Deeper members are not indented further: the lines would be mostly spaces.
const MOST_INDENTED: usize = 40;

#[derive(Default)]
struct Printer {
    lines: Vec<String>,
    line: String,
    indent: usize,
    depth: usize,
}

impl Printer {
    /// Ends the line. The next one is as deep as it is by now.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.lines.push(format!("{:indent$}{line}", "", indent = 2 * self.indent));
        self.indent = self.depth.min(MOST_INDENTED);
    }
}
