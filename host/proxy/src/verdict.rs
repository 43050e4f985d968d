//! What is said at the end of a run.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use control::Report;
use tracing::{error, info, warn};

use crate::config::Verdict;

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report to `{}` (--report)", path.display())]
pub struct ReportError {
    path: PathBuf,
    source: io::Error,
}

/// Says what came of the flows, to the log and to the file that was asked for; whether the run is a failure.
///
/// # Errors
/// When the file cannot be written.
pub fn conclude(verdict: &Verdict, report: &Report) -> Result<bool, ReportError> {
    if *verdict != Verdict::default() {
        say(report);
    } else if !report.exchanges.is_empty() || report.missed > 0 {
        let text = report.text();
        info!("{}", text.lines().next().unwrap_or_default());
    }
    if let Some(path) = &verdict.report {
        let is_xml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"));
        let text = if is_xml { report.junit(verdict.fail_on) } else { report.json() };
        fs::write(path, text).map_err(|source| ReportError { path: path.clone(), source })?;
    }
    let fails = report.fails(verdict.fail_on);
    if fails {
        error!("the run failed (--fail-on {})", verdict.fail_on);
    }
    Ok(fails)
}

/// Whether the report could be written. Nothing is.
///
/// # Errors
/// When it could not.
pub fn check(verdict: &Verdict) -> Result<(), ReportError> {
    let Some(path) = &verdict.report else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let checked = match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::OpenOptions::new().append(true).open(path).map(drop),
        // Opening a pipe would wait for somebody to read.
        Ok(_) => Ok(()),
        // A file that has no name and is never seen. The library would name one if the folder is missing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::metadata(folder).and_then(|_| tempfile::tempfile_in(folder)).map(drop)
        }
        Err(error) => Err(error),
    };
    checked.map_err(|source| ReportError { path: path.clone(), source })
}

/// Says what came of the flows so far.
pub fn say(report: &Report) {
    for line in report.text().lines() {
        if report.missed > 0 || report.failed > 0 {
            warn!("{line}");
        } else {
            info!("{line}");
        }
    }
}
