//! Secrets in event streams (HTML, section 9.2), whose events often hold JSON.

use json_pointer::JsonPointer;
use memchr::memchr2;

use crate::{
    edit::Edit,
    json::{self, Unclear},
};

/// Finds the values at the pointers in the data of each event.
pub(crate) fn find(stream: &[u8], pointers: &[JsonPointer], found: &mut dyn FnMut(Edit)) -> Result<(), Unclear> {
    let mut data = Data::default();
    for (start, line) in lines(stream) {
        if line.is_empty() {
            data.finish(pointers, found)?;
        } else if let Some(value) = line.strip_prefix(b"data:") {
            data.add(value, start + line.len() - value.len());
        }
    }
    // Readers drop an event that was broken off, recordings keep it.
    data.finish(pointers, found)
}

/// The lines of a stream and where they begin. The empty one behind the last line end is left out.
fn lines(stream: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = if stream.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    std::iter::from_fn(move || {
        let rest = stream.get(start..).filter(|rest| !rest.is_empty())?;
        let length = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let (line, end) = rest.split_at_checked(length)?;
        let begin = start;
        start += length + if end.starts_with(b"\r\n") { 2 } else { 1 };
        Some((begin, line))
    })
}

/// The data of one event: its lines, one after the other.
#[derive(Default)]
struct Data {
    text: Vec<u8>,
    /// Where a line begins in the text, and where in the stream.
    starts: Vec<(usize, usize)>,
}

impl Data {
    fn add(&mut self, line: &[u8], start: usize) {
        if !self.starts.is_empty() {
            self.text.push(b'\n');
        }
        self.starts.push((self.text.len(), start));
        self.text.extend_from_slice(line);
    }

    /// Finds what is secret of this event, and begins the next one.
    fn finish(&mut self, pointers: &[JsonPointer], found: &mut dyn FnMut(Edit)) -> Result<(), Unclear> {
        json::find(&self.text, pointers, &mut |Edit { range, with }| {
            // A value may go over several lines: the beginnings of those between go with it.
            if let (Some(start), Some(last)) =
                (self.in_stream(range.start), self.in_stream(range.end.saturating_sub(1)))
            {
                found(Edit { range: start..last + 1, with });
            }
        })?;
        self.text.clear();
        self.starts.clear();
        Ok(())
    }

    /// The position in the stream of a position in the text.
    fn in_stream(&self, position: usize) -> Option<usize> {
        let line = self.starts.partition_point(|&(start, _)| start <= position).checked_sub(1)?;
        let &(in_text, in_stream) = self.starts.get(line)?;
        Some(in_stream + position - in_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Edited;

    fn redacted(stream: &str) -> Result<String, Unclear> {
        let mut edited = Edited::new(stream.as_bytes());
        find(stream.as_bytes(), &[JsonPointer::parse("/*/pw").unwrap()], &mut |edit| edited.edit(edit))?;
        Ok(String::from_utf8(edited.finish().unwrap().into_owned()).unwrap())
    }

    #[test]
    fn the_data_of_each_event_is_redacted() {
        for (stream, expected) in [
            ("data: {\"a\":{\"pw\":1}}\n\n", "data: {\"a\":{\"pw\":\"redacted\"}}\n\n"),
            (
                ": pw\r\nevent:pw\r\ndata:[{\"pw\":1}]\r\n\r\ndata: [DONE]\r\n\r\ndata:[{\"pw\":\"2\"}]",
                ": pw\r\nevent:pw\r\ndata:[{\"pw\":\"redacted\"}]\r\n\r\ndata: [DONE]\r\n\r\ndata:[{\"pw\":\"redacted\"}]",
            ),
            ("\u{feff}data:[{\"pw\":1}]\r\rdata\r", "\u{feff}data:[{\"pw\":\"redacted\"}]\r\rdata\r"),
            (
                "data: {\"a\":\ndata: {\"pw\"\ndata: :\ndata: \"x\"\ndata: },\"b\":{\"pw\": [1,\ndata: 2]}}\n\n",
                "data: {\"a\":\ndata: {\"pw\"\ndata: :\ndata: \"redacted\"\ndata: },\"b\":{\"pw\": \"redacted\"}}\n\n",
            ),
            ("", ""),
        ] {
            for stream in [stream, expected] {
                assert_eq!(redacted(stream).as_deref(), Ok(expected), "{stream}");
            }
        }
    }

    #[test]
    fn data_that_may_hold_a_value_and_is_no_json_is_refused() {
        for stream in ["data: {\"pw\":1\n\n", "data: a\n\ndata: {\"pw\":\n\ndata: 1}"] {
            assert_eq!(redacted(stream), Err(Unclear), "{stream}");
        }
    }
}
