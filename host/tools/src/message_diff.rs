//! What two exchanges have apart, in lines.

use bytes::Bytes;
use recording::{Content, Exchange, Fields, Recording, RecordingError};

use super::{FlowsError, decode, json_diff, measure, session_diff, text};

/// What is compared, and what is left out of it.
pub(super) struct Comparison<'r> {
    /// The recording with the old exchange.
    pub(super) old: &'r Recording,
    /// The recording with the new exchange.
    pub(super) new: &'r Recording,
    /// The fields that do not count, in lower case.
    pub(super) ignored: Vec<String>,
}

/// The lines that say what is different; none if nothing is.
pub(super) fn differences(
    comparison: &Comparison<'_>,
    old: &Exchange,
    new: &Exchange,
) -> Result<Vec<String>, FlowsError> {
    let mut lines = Vec::new();
    let asked = [&old.request, &new.request];
    comparison.fields("request field", asked.map(|request| &request.fields), &mut lines);
    comparison.bodies("request", asked.map(|request| (&request.fields, &request.content)), &mut lines)?;
    comparison.fields("request trailer", asked.map(|request| &request.trailers), &mut lines);
    match (&old.response, &new.response) {
        (Some(old), Some(new)) => {
            if old.status != new.status {
                lines.push(format!("status: {} -> {}", old.status, new.status));
            }
            let answered = [old, new];
            comparison.fields("response field", answered.map(|response| &response.fields), &mut lines);
            let bodies = answered.map(|response| (&response.fields, &response.content));
            comparison.bodies("response", bodies, &mut lines)?;
            comparison.fields("response trailer", answered.map(|response| &response.trailers), &mut lines);
        }
        (None, None) => {}
        (Some(old), None) => lines.push(format!("status: {} -> no response", old.status)),
        (None, Some(new)) => lines.push(format!("status: no response -> {}", new.status)),
    }
    session_diff::compare([comparison.old, comparison.new], old, new, &mut lines)?;
    match [&old.error, &new.error].map(|error| error.as_ref().map_or("none", |failure| &failure.reason)) {
        [old, new] if old != new => lines.push(format!("error: {old} -> {new}")),
        _ => {}
    }
    Ok(lines)
}

impl Comparison<'_> {
    /// Compares fields by name. Their order only counts among those of the same name.
    fn fields(&self, side: &str, fields: [&Fields; 2], lines: &mut Vec<String>) {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in fields.into_iter().flatten() {
            let name = text::latin1(name).to_ascii_lowercase();
            if !names.contains(&name) && !self.ignored.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            let [old, new] = fields.map(|fields| fields.lines(&name).collect::<Vec<_>>());
            if old != new {
                lines.push(format!("{side} `{name}`: {} -> {}", listed(&old), listed(&new)));
            }
        }
    }

    /// Compares bodies: as they are, and if they differ, decoded, and value by value if both are JSON.
    fn bodies(&self, side: &str, bodies: [(&Fields, &Content); 2], lines: &mut Vec<String>) -> Result<(), FlowsError> {
        let [(old_fields, old), (new_fields, new)] = bodies;
        let (Some(old_size), Some(new_size)) = (old.size(), new.size()) else {
            if old.size().is_some() != new.size().is_some() {
                lines.push(format!("{side} body: {} -> {}", size(old), size(new)));
            }
            return Ok(());
        };
        if old_size == new_size && self.is_same(old, new, old_size)? {
            return Ok(());
        }
        if old_size.max(new_size) > READ_LIMIT {
            lines.push(format!("{side} body: {} -> {}", size(old), size(new)));
            return Ok(());
        }
        let old = decoded(self.old, old, old_fields)?;
        let new = decoded(self.new, new, new_fields)?;
        if old == new {
            return Ok(());
        }
        match json_diff::differences(&old, &new) {
            Some(differences) if differences.is_empty() => {}
            Some(differences) => lines.extend(differences.into_iter().map(|line| format!("{side} body, {line}"))),
            None if old.len() == new.len() => {
                lines.push(format!("{side} body: other content of the same size, {}", of_len(&old)));
            }
            None => lines.push(format!("{side} body: {} -> {}", of_len(&old), of_len(&new))),
        }
        Ok(())
    }

    /// Whether two bodies of this size have the same bytes.
    fn is_same(&self, old: &Content, new: &Content, size: u64) -> Result<bool, RecordingError> {
        let mut at = 0;
        while at < size {
            let piece = self.old.read_at(old, at, PIECE)?;
            if piece.is_empty() || piece != self.new.read_at(new, at, PIECE)? {
                return Ok(false);
            }
            at += piece.len() as u64;
        }
        Ok(true)
    }
}

fn listed(values: &[&Bytes]) -> String {
    match values {
        [] => "none".to_owned(),
        values => {
            let quoted = values.iter().map(|value| format!("`{}`", text::decoded(value)));
            quoted.collect::<Vec<_>>().join(", ")
        }
    }
}

fn decoded(recording: &Recording, content: &Content, fields: &Fields) -> Result<Bytes, RecordingError> {
    let raw = recording.read(content)?;
    Ok(decode::decode(&raw, fields).unwrap_or(raw))
}

fn size(content: &Content) -> String {
    content.size().map_or_else(|| "not recorded".to_owned(), measure::size)
}

fn of_len(body: &Bytes) -> String {
    measure::size(body.len() as u64)
}

/// How much is compared at once.
const PIECE: usize = 256 * 1024;
/// The largest bodies that are decoded and looked into.
const READ_LIMIT: u64 = 64 << 20;
