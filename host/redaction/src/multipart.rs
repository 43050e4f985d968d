//! Multipart form bodies (RFC 7578).

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
    let boundary = parameter(content_type, b"boundary").filter(|boundary| !boundary.is_empty())?;
    let delimiter = [b"\r\n--", boundary].concat();
    // The line end of a delimiter that opens the body is missing.
    let opening = body.strip_prefix(delimiter.strip_prefix(LINE_END)?);
    let mut next = match opening.and_then(delimiter_end) {
        Some(next) => next,
        None => cut(body, &delimiter)?.1,
    };
    let mut fields = Vec::new();
    while let Next::Part(rest) = next {
        let part;
        (part, next) = cut(rest, &delimiter)?;
        fields.push(field(part)?);
    }
    Some(fields)
}

/// What follows a delimiter.
enum Next<'a> {
    /// Another part, and all that is behind it.
    Part(&'a [u8]),
    /// Nothing that counts.
    End,
}

/// What is before the first delimiter, and what follows it.
fn cut<'a>(text: &'a [u8], delimiter: &[u8]) -> Option<(&'a [u8], Next<'a>)> {
    memmem::find_iter(text, delimiter).find_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        Some((before, delimiter_end(rest.get(delimiter.len()..)?)?))
    })
}

/// What follows a delimiter whose line continues with this text; nothing when it goes on in a way that makes it another
/// text with the same beginning.
fn delimiter_end(text: &[u8]) -> Option<Next<'_>> {
    let (line, rest) = match split_once(text, LINE_END) {
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
fn parameter<'a>(field: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
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
    use super::{Field, parameter, parse};

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
}
