//! Multipart contents (RFC 2046, section 5.1), and the forms among them (RFC 7578).

use memchr::memmem;

use crate::bytes::split_once;

const LINE_END: &[u8] = b"\r\n";

/// A field of a form.
///
/// Names, file names and types are as written: a backslash or percent escape in them is not undone.
#[derive(Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// The name of the file that its value is.
    pub file_name: Option<&'a [u8]>,
    /// The content type of its value.
    pub file_type: Option<&'a [u8]>,
    /// Its value.
    pub value: &'a [u8],
}

/// The fields of a form, in order; nothing when the body is not a whole form, or some part of it has no name.
pub fn parse<'a>(content_type: &[u8], body: &'a [u8]) -> Option<Vec<Field<'a>>> {
    let mut texts = Texts::new(boundary(content_type)?, body, LINE_END)?;
    let fields = texts.by_ref().map(field).collect::<Option<_>>()?;
    texts.is_whole().then_some(fields)
}

/// The boundary that a media type names.
pub fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    parameter(content_type, b"boundary").filter(|boundary| !boundary.is_empty())
}

/// The boundary with which a content begins that is multipart, if nothing stands before its first part.
pub fn boundary_of(body: &[u8]) -> Option<&[u8]> {
    let line = body.split(|&byte| byte == b'\n').next()?.trim_ascii_end();
    line.strip_prefix(b"--").filter(|boundary| (1..=LONGEST_BOUNDARY).contains(&boundary.len()))
}

/// RFC 2046, section 5.1.1.
const LONGEST_BOUNDARY: usize = 70;

/// A part of a multipart content of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    head: &'a [u8],
    line_end: &'a [u8],
    /// What it holds, as it is written.
    pub content: &'a [u8],
}

/// The parts of a multipart content of any kind, in order; nothing when it is not whole. Lines that end in a line feed alone
/// are lines where all do.
pub fn parts<'a>(boundary: &'a [u8], body: &'a [u8]) -> Option<impl Iterator<Item = Part<'a>>> {
    [LINE_END, b"\n"].into_iter().find_map(|line_end| {
        let mut texts = Texts::new(boundary, body, line_end)?;
        // They can be as many as there are lines: nobody lists them.
        let is_whole = texts.by_ref().all(|text| Part::of(text, line_end).is_some()) && texts.is_whole();
        let texts = Texts::new(boundary, body, line_end).filter(|_| is_whole)?;
        Some(texts.filter_map(move |text| Part::of(text, line_end)))
    })
}

impl<'a> Part<'a> {
    fn of(text: &'a [u8], line_end: &'a [u8]) -> Option<Self> {
        // A part without fields begins with the line that ends them.
        if let Some(content) = text.strip_prefix(line_end) {
            return Some(Self { head: b"", line_end, content });
        }
        let (head, content) = split_once(text, &line_end.repeat(2))?;
        Some(Self { head, line_end, content })
    }

    /// Its fields in order: each name, and the value without white space around it. A value over several lines is as it
    /// is written.
    pub fn fields(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = Some(self.head).filter(|head| !head.is_empty());
        std::iter::from_fn(move || {
            let head = rest?;
            let ends = memmem::find_iter(head, self.line_end);
            let is_end = |at: &usize| !matches!(head.get(at + self.line_end.len()), Some(b' ' | b'\t'));
            let (line, after) = match ends.into_iter().find(is_end).and_then(|at| head.split_at_checked(at)) {
                Some((line, after)) => (line, after.strip_prefix(self.line_end)),
                None => (head, None),
            };
            rest = after;
            let (name, value) = split_once(line, b":").unwrap_or((line, b""));
            Some((name.trim_ascii(), value.trim_ascii()))
        })
    }
}

/// The parts of a content with their fields, until one is not whole.
struct Texts<'a> {
    next: Option<Next<'a>>,
    delimiter: Vec<u8>,
    line_end: &'static [u8],
}

impl<'a> Texts<'a> {
    /// Nothing when the content has no first part and no end.
    fn new(boundary: &[u8], body: &'a [u8], line_end: &'static [u8]) -> Option<Self> {
        let delimiter = [line_end, b"--", boundary].concat();
        // The line end of a delimiter that opens the body is missing.
        let opening = body.strip_prefix(delimiter.strip_prefix(line_end)?);
        let next = match opening.and_then(|rest| delimiter_end(rest, line_end)) {
            Some(next) => next,
            None => cut(body, &delimiter, line_end)?.1,
        };
        Some(Self { next: Some(next), delimiter, line_end })
    }

    /// Whether all of it was given.
    fn is_whole(&self) -> bool {
        matches!(self.next, Some(Next::End))
    }
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let Some(Next::Part(rest)) = self.next else { return None };
        let (part, next) = cut(rest, &self.delimiter, self.line_end).unzip();
        self.next = next;
        part
    }
}

/// What follows a delimiter.
#[derive(Clone, Copy)]
enum Next<'a> {
    /// Another part, and all that is behind it.
    Part(&'a [u8]),
    /// Nothing that counts.
    End,
}

/// What is before the first delimiter, and what follows it.
fn cut<'a>(text: &'a [u8], delimiter: &[u8], line_end: &[u8]) -> Option<(&'a [u8], Next<'a>)> {
    memmem::find_iter(text, delimiter).find_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        Some((before, delimiter_end(rest.get(delimiter.len()..)?, line_end)?))
    })
}

/// What follows a delimiter whose line continues with this text; nothing when it goes on in a way that makes it another
/// text with the same beginning.
fn delimiter_end<'a>(text: &'a [u8], line_end: &[u8]) -> Option<Next<'a>> {
    let (line, rest) = match split_once(text, line_end) {
        Some((line, rest)) => (line, Some(rest)),
        None => (text, None),
    };
    match (line.trim_ascii_end(), rest) {
        (b"", Some(rest)) => Some(Next::Part(rest)),
        (b"--", _) => Some(Next::End),
        _ => None,
    }
}

fn field(part: &[u8]) -> Option<Field<'_>> {
    let (head, value) = split_once(part, b"\r\n\r\n")?;
    let (mut name, mut file_name, mut file_type) = (None, None, None);
    let mut rest = Some(head);
    while let Some(head) = rest {
        let (line, next) = match split_once(head, LINE_END) {
            Some((line, next)) => (line, Some(next)),
            None => (head, None),
        };
        let (field_name, field_value) = split_once(line, b":")?;
        if field_name.eq_ignore_ascii_case(b"content-disposition") {
            name = parameter(field_value, b"name");
            file_name = parameter(field_value, b"filename*").or_else(|| parameter(field_value, b"filename"));
        } else if field_name.eq_ignore_ascii_case(b"content-type") {
            file_type = Some(field_value.trim_ascii());
        }
        rest = next;
    }
    Some(Field { name: name?, file_name, file_type, value })
}

/// The value of a parameter behind a field's value, such as `x` of `form-data; name="x"`.
pub fn parameter<'a>(field: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let (_, mut rest) = split_once(field, b";")?;
    loop {
        let (name, after) = split_once(rest, b"=")?;
        // Parameters without a value may come before the name.
        let name = name.rsplit(|&byte| byte == b';').next()?.trim_ascii();
        let (value, next) = parameter_value(after)?;
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next;
    }
}

/// A parameter's value without its quotes, and what follows its semicolon.
fn parameter_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(quoted) = text.trim_ascii_start().strip_prefix(b"\"") else {
        let (value, rest) = split_once(text, b";").unwrap_or((text, b""));
        return Some((value.trim_ascii(), rest));
    };
    let mut escaped = false;
    let end = quoted.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let (value, rest) = quoted.split_at_checked(end)?;
    Some((value, split_once(rest, b";").map_or(b"".as_slice(), |(_, rest)| rest)))
}

#[cfg(test)]
mod tests {
    use super::{Field, boundary_of, parameter, parse, parts};

    fn field<'a>(name: &'a str, value: &'a str) -> Field<'a> {
        Field { name: name.as_bytes(), file_name: None, file_type: None, value: value.as_bytes() }
    }

    #[test]
    fn parameters_are_tokens_or_quoted() {
        for (value, expected) in [
            (r#"form-data; name=a"#, Some("a")),
            (r#"form-data;name="a""#, Some("a")),
            (r#"form-data; NAME = "a;b" ; x=1"#, Some("a;b")),
            (r#"form-data; filename="name=x"; name="a""#, Some("a")),
            (r#"form-data; flag; name="a\"b""#, Some(r#"a\"b"#)),
            (r#"form-data; name="""#, Some("")),
            (r#"form-data; name="a"#, None),
            (r#"form-data; filename="a""#, None),
            (r#"name="a""#, None),
        ] {
            let found = parameter(value.as_bytes(), b"name");
            assert_eq!(found, expected.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn values_keep_their_line_breaks() {
        let body = "preamble\r\n--A \r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\r\nl1\nl2\r\n\r\n--AB\r\n--A\r\n\
                    content-disposition: form-data; name=g; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n--A--\r\nepilogue";
        let file = Field { file_name: Some(b"x.txt"), file_type: Some(b"text/plain"), ..field("g", "") };
        assert_eq!(
            parse(b"multipart/form-data; boundary=\"A\"", body.as_bytes()),
            Some(vec![field("f", "\r\nl1\nl2\r\n\r\n--AB"), file])
        );
    }

    #[test]
    fn an_empty_form_is_a_form() {
        assert_eq!(parse(b"multipart/form-data; boundary=A", b"--A--"), Some(vec![]));
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let part = "Content-Disposition: form-data; name=a\r\n\r\n1";
        for body in [
            String::new(),
            "--A".to_owned(),
            format!("--A\r\n{part}"),
            format!("--A\r\n{part}\r\n--A"),
            format!("--A\r\n{part}\r\n--A\r\n"),
            format!("--B\r\n{part}\r\n--B--\r\n"),
            "--A\r\n\r\nno name\r\n--A--\r\n".to_owned(),
            "--A\r\nno colon\r\n\r\n1\r\n--A--\r\n".to_owned(),
        ] {
            let parsed = parse(b"multipart/form-data; boundary=A", body.as_bytes());
            assert_eq!(parsed, None, "{body:?}");
        }
        let whole = format!("--A\r\n{part}\r\n--A--\r\n");
        for content_type in ["multipart/form-data", "multipart/form-data; boundary="] {
            assert_eq!(parse(content_type.as_bytes(), whole.as_bytes()), None);
        }
    }

    /// A part's fields and content, as text.
    type Listed = (Vec<(String, String)>, String);

    /// Each part's fields and content, as text.
    fn listed(boundary: &str, body: &str) -> Option<Vec<Listed>> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let parts = parts(boundary.as_bytes(), body.as_bytes())?;
        let listed = parts
            .map(|part| (part.fields().map(|(name, value)| (text(name), text(value))).collect(), text(part.content)));
        Some(listed.collect())
    }

    #[test]
    fn parts_of_any_kind_have_all_their_fields() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let body = "--A\nContent-Type: a/b;\n c=d\nX: 1\n\n{}\n--A\n\nnone\n\n--A--";
        let expected = |line_end: &str| {
            let typed = field("Content-Type", &format!("a/b;{line_end} c=d"));
            vec![(vec![typed, field("X", "1")], "{}".to_owned()), (vec![], format!("none{line_end}"))]
        };
        assert_eq!(listed("A", body), Some(expected("\n")));
        assert_eq!(listed("A", &body.replace('\n', "\r\n")), Some(expected("\r\n")));
        assert_eq!(listed("A", "--A--"), Some(vec![]));
        for broken in ["", "--A\r\nX: 1\r\n--A--", "--A\r\n\r\n1\r\n--A\r\n", "--A\r\n\r\n1\n--A--"] {
            assert_eq!(listed("A", broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_content_tells_its_boundary() {
        assert_eq!(boundary_of(b"--A b \r\nX: 1"), Some(b"A b".as_slice()));
        for none in [b"".as_slice(), b"--", b"--\r\n", b"A\r\n", &[b'-'; 80]] {
            assert_eq!(boundary_of(none), None);
        }
    }
}
