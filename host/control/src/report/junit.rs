//! A report as JUnit XML.
//!
//! There is no standard. This is what the schemas of Jenkins, and the readers of GitLab and GitHub, have in common: suites with
//! a suite of cases, of which each has a class and a name, and may have failed, have met an error or be skipped.

use std::fmt::{self, Write};

use super::{FailOn, Report, text::place};

/// The report as a document.
pub(super) fn write(report: &Report, on: FailOn) -> String {
    let cases = cases(report, on);
    let count = |outcome: &dyn Fn(&Outcome) -> bool| cases.iter().filter(|case| outcome(&case.outcome)).count();
    let counts = format!(
        r#"tests="{}" failures="{}" errors="{}" skipped="{}""#,
        cases.len(),
        count(&|outcome| matches!(outcome, Outcome::Failed { .. })),
        count(&|outcome| matches!(outcome, Outcome::Broken { .. })),
        count(&|outcome| matches!(outcome, Outcome::Skipped { .. })),
    );
    let mut document = String::new();
    // Writing to memory does not fail.
    let _ = writeln!(document, r#"<?xml version="1.0" encoding="UTF-8"?>"#);
    let _ = writeln!(document, r#"<testsuites name="proxyhost" {counts}>"#);
    let _ = writeln!(document, r#"  <testsuite name="{}" {counts}>"#, Escaped::attribute(&suite(report)));
    for case in &cases {
        let _ = case.write(&mut document);
    }
    document.push_str("  </testsuite>\n</testsuites>\n");
    document
}

fn suite(report: &Report) -> String {
    match report.session.as_deref() {
        None => "proxyhost".to_owned(),
        Some("") => "proxyhost without a session".to_owned(),
        Some(session) => format!("proxyhost session {session}"),
    }
}

struct Case {
    class: &'static str,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Skipped { message: String },
    Failed { kind: &'static str, message: String, detail: String },
    Broken { kind: String, message: String },
}

fn cases(report: &Report, on: FailOn) -> Vec<Case> {
    let mut cases = Vec::new();
    for exchange in &report.exchanges {
        let name = format!("flow {} of {}: {} {}", exchange.number, exchange.file, exchange.request, exchange.status);
        let outcome = match exchange.hits {
            0 => unless(on.unused, "unused", "was never served".to_owned(), String::new()),
            _ => Outcome::Passed,
        };
        cases.push(Case { class: "proxyhost.recorded", name, outcome });
    }
    for miss in &report.misses {
        let name = format!("{}: {}", place(miss.flow, &miss.session), miss.request);
        let detail = miss.data.as_ref().map(|data| format!("{data:#}")).unwrap_or_default();
        let outcome = unless(on.miss, "miss", miss.reason.clone(), detail);
        cases.push(Case { class: "proxyhost.missed", name, outcome });
    }
    if let Some((name, message)) = beyond(report.missed, report.misses.len(), "earlier misses") {
        cases.push(Case { class: "proxyhost.missed", name, outcome: unless(on.miss, "miss", message, String::new()) });
    }
    for failure in &report.failures {
        let name = format!("{}: {}", place(failure.flow, &failure.session), failure.request);
        let outcome = broken(on.error, failure.error.clone(), failure.detail.clone());
        cases.push(Case { class: "proxyhost.failed", name, outcome });
    }
    if let Some((name, message)) = beyond(report.failed, report.failures.len(), "earlier failures") {
        cases.push(Case { class: "proxyhost.failed", name, outcome: broken(on.error, "failure".to_owned(), message) });
    }
    cases
}

fn unless(fails: bool, kind: &'static str, message: String, detail: String) -> Outcome {
    if fails { Outcome::Failed { kind, message, detail } } else { Outcome::Skipped { message } }
}

fn broken(fails: bool, kind: String, message: String) -> Outcome {
    if fails { Outcome::Broken { kind, message } } else { Outcome::Skipped { message } }
}

/// A case for those of which nothing more is known.
fn beyond(all: u64, kept: usize, what: &str) -> Option<(String, String)> {
    let left = all.checked_sub(kept as u64).filter(|&left| left > 0)?;
    Some((what.to_owned(), format!("{left} more, of which nothing was kept")))
}

impl Case {
    fn write(&self, document: &mut String) -> fmt::Result {
        let (class, name) = (self.class, Escaped::attribute(&self.name));
        write!(document, r#"    <testcase classname="{class}" name="{name}""#)?;
        match &self.outcome {
            Outcome::Passed => writeln!(document, "/>"),
            Outcome::Skipped { message } => {
                let message = Escaped::attribute(message);
                writeln!(document, ">\n      <skipped message=\"{message}\"/>\n    </testcase>")
            }
            Outcome::Failed { kind, message, detail } => {
                let (message, detail) = (Escaped::attribute(message), Escaped::text(detail));
                writeln!(document, ">\n      <failure type=\"{kind}\" message=\"{message}\">{detail}</failure>")?;
                writeln!(document, "    </testcase>")
            }
            Outcome::Broken { kind, message } => {
                let (kind, message) = (Escaped::attribute(kind), Escaped::attribute(message));
                writeln!(document, ">\n      <error type=\"{kind}\" message=\"{message}\"/>\n    </testcase>")
            }
        }
    }
}

/// A text as XML 1.0 has it. Characters that it cannot have are written as Rust escapes them.
struct Escaped<'a> {
    text: &'a str,
    is_attribute: bool,
}

impl<'a> Escaped<'a> {
    fn attribute(text: &'a str) -> Self {
        Self { text, is_attribute: true }
    }

    fn text(text: &'a str) -> Self {
        Self { text, is_attribute: false }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.text.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\n' if !self.is_attribute => formatter.write_char('\n')?,
                // As they are, a reader makes a space or a line end of them.
                '\t' | '\n' | '\r' => write!(formatter, "&#{};", u32::from(character))?,
                // XML 1.0, section 2.2: what it cannot have, and what it discourages.
                '\u{0}'..'\u{20}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                    write!(formatter, "{}", character.escape_unicode())?;
                }
                _ => formatter.write_char(character)?,
            }
        }
        Ok(())
    }
}
