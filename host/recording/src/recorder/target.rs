//! Where to record to: `session.mitm`, `+session.mitm` to append, `%Y-%m-%d.mitm` for a file a day.

use std::path::{Path, PathBuf};

use jiff::{ZonedDateTime, fmt::strtime};

use super::RecorderError;

/// Where to record to, and how.
#[derive(Debug)]
pub(super) struct Target {
    /// A path, with `%` and a letter for parts of the time as in strftime.
    pattern: String,
    pub(super) opening: Opening,
    pub(super) encoding: Encoding,
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It is an error, unless it is empty.
    Refuse,
    Replace,
    Append,
}

/// What becomes of a file that is there already, and is not to be appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing is recorded, unless the file is empty. One that is there when a name changes in time is appended to.
    Refuse,
    /// It is replaced.
    Replace,
}

/// How flows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As a flow file of mitmproxy.
    Flows,
    /// As a HAR file.
    Har,
}

impl Target {
    pub(super) fn parse(target: &str) -> Result<Self, RecorderError> {
        let (opening, pattern) = match target.strip_prefix('+') {
            Some(rest) => (Opening::Append, rest),
            None => (Opening::Replace, target),
        };
        if pattern.is_empty() || pattern.ends_with('/') {
            return Err(RecorderError::NoPath { target: target.into() });
        }
        let encoding = match Path::new(pattern).extension() {
            Some(extension) if extension.eq_ignore_ascii_case("har") => Encoding::Har,
            _ => Encoding::Flows,
        };
        Ok(Self { pattern: pattern.into(), opening, encoding })
    }

    /// The same target, of which files that are there already are treated so.
    pub(super) fn treating(self, existing: Existing) -> Self {
        let opening = match (self.opening, existing) {
            (Opening::Replace, Existing::Refuse) => Opening::Refuse,
            (opening, _) => opening,
        };
        Self { opening, ..self }
    }

    /// The path at a time, which `now` is only asked for if it matters.
    pub(super) fn path(&self, now: impl FnOnce() -> ZonedDateTime) -> Result<PathBuf, RecorderError> {
        if !self.pattern.contains('%') {
            return Ok(self.pattern.clone().into());
        }
        match strtime::format(&self.pattern, &now()) {
            Ok(path) => Ok(path.into()),
            Err(source) => Err(RecorderError::Pattern { target: self.pattern.clone(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{civil::date, tz::TimeZone};

    use super::*;

    fn now() -> ZonedDateTime {
        date(2024, 7, 5).at(8, 9, 3, 0).to_zoned_datetime(TimeZone::UTC).unwrap()
    }

    #[test]
    fn a_plus_appends_and_the_ending_tells_the_encoding() {
        for (target, opening, encoding, path) in [
            ("a.mitm", Opening::Replace, Encoding::Flows, "a.mitm"),
            ("+a.mitm", Opening::Append, Encoding::Flows, "a.mitm"),
            ("++a", Opening::Append, Encoding::Flows, "+a"),
            ("/x/a.har", Opening::Replace, Encoding::Har, "/x/a.har"),
            ("+a.HAR", Opening::Append, Encoding::Har, "a.HAR"),
            (".har", Opening::Replace, Encoding::Flows, ".har"),
        ] {
            let parsed = Target::parse(target).unwrap();
            assert_eq!((parsed.opening, parsed.encoding), (opening, encoding), "{target}");
            assert_eq!(parsed.path(|| panic!("no time is needed")).unwrap(), Path::new(path));
        }
    }

    #[test]
    fn parts_of_the_time_are_filled_in() {
        let path = |pattern: &str| Target::parse(pattern).unwrap().path(now).unwrap();
        assert_eq!(path("+%Y/%m-%d/%H.%M.%S"), Path::new("2024/07-05/08.09.03"));
        assert_eq!(path("%y%j-%a-%b-%p-%I-%%"), Path::new("24187-Fri-Jul-AM-08-%"));
        assert_eq!(path("%F_%T_%s"), Path::new("2024-07-05_08:09:03_1720166943"));
    }

    #[test]
    fn what_names_no_file_is_refused() {
        for target in ["", "+", "folder/", "+folder/"] {
            let message = Target::parse(target).unwrap_err().to_string();
            let expected = "it names no file, and a path such as `session.mitm` should be";
            assert_eq!(message, format!("cannot record to `{target}`: {expected}"));
        }
    }

    #[test]
    fn a_percent_sign_that_is_no_part_of_the_time_is_refused() {
        for target in ["100%", "%K", "a%/b"] {
            let error = Target::parse(target).unwrap().path(now).unwrap_err();
            let expected = "its `%` stand for parts of the time, as in `%Y-%m-%d`; write `%%` for a plain one";
            assert_eq!(error.to_string(), format!("cannot record to `{target}`: {expected}"));
        }
    }
}
