//! How a body is written.
//!
//! HAR files have bodies without their content coding, as text where they are text and in base64 otherwise. A body that
//! the reader of this program would not serve as it was is marked, with a key of our own: `_body` is `coded` where the
//! text still has its content coding, and `missing` where there was a body that nobody recorded.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    os::unix::fs::FileExt,
};

use coding::Coding;

use super::{
    coding::Coded,
    json::{self, Object},
    survey::Survey,
};
use crate::{
    media_type::parameter,
    model::{Fields, Source},
};

/// A body with the decision on how it is written.
pub(super) struct Body<'c> {
    content: &'c Source,
    form: Form,
    /// How many bytes were sent, if they were recorded.
    pub(super) len: Option<u64>,
    /// How many bytes the text stands for.
    pub(super) size: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It was not recorded.
    Missing,
    Empty,
    Text(Option<Coding>),
    Base64(Option<Coding>),
    /// In base64 with its content coding.
    CodedBase64,
}

impl<'c> Body<'c> {
    /// The body of a request keeps its content coding, which is rare enough.
    pub(super) fn of_request(content: &'c Source, fields: &Fields) -> io::Result<Self> {
        let Some(source) = open(content) else { return Ok(Self::missing(content)) };
        let survey = Survey::of(source)?;
        let form = match Coded::by(fields) {
            _ if survey.len == 0 => Form::Empty,
            Coded::Not => survey.form(None, fields),
            _ => Form::CodedBase64,
        };
        Ok(Self { content, form, len: Some(survey.len), size: Some(survey.len) })
    }

    pub(super) fn of_response(content: &'c Source, fields: &Fields) -> io::Result<Self> {
        let Some(source) = open(content) else { return Ok(Self::missing(content)) };
        let sent = Survey::of(source)?;
        let coded = Coded::by(fields);
        let (form, size) = match coded {
            _ if sent.len == 0 => (Form::Empty, 0),
            Coded::Not => (sent.form(None, fields), sent.len),
            Coded::As(coding) => match decoded(content, coding, sent.len) {
                // The reader tells by these bytes that gzip was not undone.
                Some(survey) if coding == Coding::Gzip && survey.start == GZIP_START => (Form::CodedBase64, sent.len),
                Some(survey) if survey.len == 0 => (Form::Empty, 0),
                Some(survey) => (survey.form(Some(coding), fields), survey.len),
                None => (Form::CodedBase64, sent.len),
            },
            Coded::Otherwise => (Form::CodedBase64, sent.len),
        };
        Ok(Self { content, form, len: Some(sent.len), size: Some(size) })
    }

    /// What a message of a WebSocket says.
    pub(super) fn of_message(content: &'c Source, is_text: bool) -> io::Result<Self> {
        let Some(source) = open(content) else { return Ok(Self::missing(content)) };
        let survey = Survey::of(source)?;
        let form = if is_text && survey.is_utf8 { Form::Text(None) } else { Form::Base64(None) };
        Ok(Self { content, form, len: Some(survey.len), size: Some(survey.len) })
    }

    fn missing(content: &'c Source) -> Self {
        Self { content, form: Form::Missing, len: None, size: None }
    }

    /// Whether there is nothing to write, and nothing was left out either.
    pub(super) fn is_empty(&self) -> bool {
        self.form == Form::Empty
    }

    /// Writes the text, with what there is to say about its form. `encoding_key` is the one that says so of base64.
    pub(super) fn write(&self, object: &mut Object<'_>, encoding_key: &str) -> io::Result<()> {
        self.write_text(object.key("text")?)?;
        if matches!(self.form, Form::Base64(_) | Form::CodedBase64) {
            object.member(encoding_key, "base64")?;
        }
        match self.form {
            Form::Missing => object.member("_body", "missing"),
            Form::CodedBase64 => object.member("_body", "coded"),
            _ => Ok(()),
        }
    }

    /// Writes what a message of a WebSocket says. Binary ones are in base64 without saying so.
    pub(super) fn write_message(&self, object: &mut Object<'_>, is_text: bool) -> io::Result<()> {
        self.write_text(object.key("data")?)?;
        match self.form {
            Form::Missing => object.member("_body", "missing"),
            Form::Base64(_) if is_text => object.member("_encoding", "base64"),
            _ => Ok(()),
        }
    }

    /// Writes the text, or base64, as a string.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(source) = open(self.content) else { return out.write_all(b"\"\"") };
        match self.form {
            Form::Missing | Form::Empty => out.write_all(b"\"\""),
            Form::Text(None) => json::text(out, source),
            Form::Text(Some(coding)) => json::text(out, coding.reader(BufReader::new(source), u64::MAX)?),
            Form::Base64(None) | Form::CodedBase64 => json::base64(out, source),
            Form::Base64(Some(coding)) => json::base64(out, coding.reader(BufReader::new(source), u64::MAX)?),
        }
    }
}

impl Survey {
    /// Text is what the reader takes for the same bytes, and leaves the fields alone for.
    fn form(&self, coding: Option<Coding>, fields: &Fields) -> Form {
        let is_text = self.is_utf8 && !self.has_controls && (self.is_ascii || !names_other_charset(fields));
        if is_text { Form::Text(coding) } else { Form::Base64(coding) }
    }
}

fn names_other_charset(fields: &Fields) -> bool {
    fields.lines("content-type").filter_map(|kind| str::from_utf8(kind).ok()).any(|kind| {
        parameter(kind, "charset")
            .and_then(|range| kind.get(range))
            .is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8"))
    })
}

/// What a coded body is without its coding; nothing if it is damaged, or larger than it should be.
fn decoded(content: &Source, coding: Coding, len: u64) -> Option<Survey> {
    let limit = len.saturating_mul(DECODED_RATIO).max(DECODED_ANYWAY);
    Survey::of(coding.reader(BufReader::new(open(content)?), limit).ok()?).ok()
}

/// The bytes, if they were recorded.
fn open(content: &Source) -> Option<Box<dyn Read + Send + '_>> {
    match content {
        Source::NotRecorded => None,
        Source::Bytes(bytes) => Some(Box::new(&bytes[..])),
        Source::File { file, offset, len } => Some(Box::new(Part { file, at: *offset, left: *len })),
        Source::Quoted { file, string } => Some(Box::new(string.reader(file))),
    }
}

/// A part of a file.
struct Part<'f> {
    file: &'f File,
    at: u64,
    left: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let len = self.file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), self.at)?;
        if len == 0 && wanted > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file of a body is shorter than the body"));
        }
        self.at += len as u64;
        self.left -= len as u64;
        Ok(len)
    }
}

const GZIP_START: [u8; 2] = *b"\x1f\x8b";
/// How many times larger than what was sent a body may be, if it is larger than [`DECODED_ANYWAY`]. The reader bounds what
/// it unpacks in the same way.
const DECODED_RATIO: u64 = 100;
const DECODED_ANYWAY: u64 = 16 << 20;
