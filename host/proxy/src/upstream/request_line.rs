//! The line of a request whose target has bytes that no URI can have: the library writes stand-ins, which are replaced.

use crate::flow::raw_bytes;

/// The first line that is written to a connection.
#[derive(Debug, Default)]
pub(super) struct RequestLine {
    line: Vec<u8>,
    /// Whether it has ended, and so has its own bytes again.
    has_ended: bool,
    written: usize,
}

impl RequestLine {
    /// Takes the beginning of what the library writes, up to the end of the line; how much that is.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        self.line.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if end.is_some() {
            self.has_ended = true;
            if let Ok(line) = std::str::from_utf8(&self.line) {
                self.line = raw_bytes::restored(line).into_owned();
            }
        }
        taken
    }

    /// What is to be written now, nothing of it when all was; `None` before the line has ended.
    pub(super) fn waiting(&self) -> Option<&[u8]> {
        self.has_ended.then(|| self.line.get(self.written..).unwrap_or_default())
    }

    /// So many bytes of that were written.
    pub(super) fn written(&mut self, count: usize) {
        self.written += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_alone_gets_its_bytes_again() {
        let sent = "GET /\u{10fe22}a HTTP/1.1\r\nA: \u{10fe22}\r\n".as_bytes();
        for cut in 0..20 {
            let (mut line, mut out, mut at) = (RequestLine::default(), Vec::new(), 0);
            while line.waiting().is_none() {
                let end = if at == 0 && cut > 0 { cut } else { sent.len() };
                at += line.take(&sent[at..end]);
            }
            while let Some(waiting @ [_, ..]) = line.waiting() {
                out.push(waiting[0]);
                line.written(1);
            }
            out.extend_from_slice(&sent[at..]);
            assert_eq!(out, "GET /\"a HTTP/1.1\r\nA: \u{10fe22}\r\n".as_bytes());
        }
    }
}
