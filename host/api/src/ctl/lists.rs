//! Lists of what there is, a line each.

use serde_json::Value;

use super::{CtlError, run::Output};

/// Prints what stands under a name in a document: as it is, or as `lines` says.
pub(super) fn print(
    document: &Value,
    name: &str,
    lines: fn(&Value) -> Vec<String>,
    out: &mut Output<'_>,
) -> Result<(), CtlError> {
    for item in document[name].as_array().into_iter().flatten() {
        if out.is_json {
            out.line(item)?;
        } else {
            lines(item).iter().try_for_each(|line| out.line(line))?;
        }
    }
    Ok(())
}

pub(super) fn option(option: &Value) -> Vec<String> {
    let changed = if option["value"] == option["default"] { ' ' } else { '*' };
    let fixed = if option["is_fixed"] == true { " (only a start can set it)" } else { "" };
    vec![format!("{changed} {} = {}{fixed}", text(option, "name"), value(&option["value"]))]
}

/// The value of an option: as on the command line, or a list with commas.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

pub(super) fn command(command: &Value) -> Vec<String> {
    let parameters = command["parameters"].as_array().into_iter().flatten();
    let parameters: String = parameters.map(parameter).collect();
    let keys = match text(command, "keys") {
        "" => String::new(),
        keys => format!(" [keys: {keys}]"),
    };
    vec![format!("{}{parameters}: {}{keys}", text(command, "name"), text(command, "help"))]
}

fn parameter(parameter: &Value) -> String {
    let dots = if parameter["is_repeated"] == true { "…" } else { "" };
    let name = text(parameter, "name").to_uppercase();
    if parameter["is_optional"] == true { format!(" [{name}{dots}]") } else { format!(" {name}{dots}") }
}

pub(super) fn addon(addon: &Value) -> Vec<String> {
    let off = if addon["is_active"] == true { "" } else { " (off)" };
    let first = format!("{}{off}: {} [{}]", text(addon, "name"), text(addon, "summary"), text(addon, "place"));
    let plugs = addon["plugs"].as_array().into_iter().flatten();
    [first].into_iter().chain(plugs.map(|plug| format!("  plug {}", text(plug, "name")))).collect()
}

pub(super) fn plug(plug: &Value) -> Vec<String> {
    vec![format!("{} in {}", text(plug, "name"), text(plug, "addon"))]
}

pub(super) fn recording(recording: &Value) -> Vec<String> {
    let exchanges = || recording["exchanges"].as_array().into_iter().flatten();
    let hits = |exchange: &Value| exchange["hits"].as_u64().unwrap_or_default();
    let used = exchanges().filter(|exchange| hits(exchange) > 0).count();
    let unusable = match recording["unusable"].as_u64() {
        None | Some(0) => String::new(),
        Some(unusable) => format!(", and {unusable} answer nothing"),
    };
    let first = format!(
        "{} ({}): {used} of {} exchanges used{unusable}",
        text(recording, "file"),
        text(recording, "addon"),
        exchanges().count()
    );
    let line = |exchange: &Value| {
        let (number, status) = (exchange["number"].to_string(), &exchange["status"]);
        format!("{number:>6}  {:>4}×  {status} {} {}", hits(exchange), text(exchange, "method"), text(exchange, "url"))
    };
    [first].into_iter().chain(exchanges().map(line)).collect()
}

pub(super) fn session(session: &Value) -> Vec<String> {
    let name = match text(session, "name") {
        "" => "(none)",
        name => name,
    };
    let counted = |name: &str, one: &str, several: &str| {
        let number = session[name].as_u64().unwrap_or_default();
        format!("{number} {}", if number == 1 { one } else { several })
    };
    vec![format!(
        "{name}: {}, {}, {}, {} used",
        counted("flows", "flow", "flows"),
        counted("misses", "miss", "misses"),
        counted("failures", "failure", "failures"),
        counted("used", "recorded exchange", "recorded exchanges")
    )]
}

pub(super) fn listener(listener: &Value) -> Vec<String> {
    let session = listener["session"].as_str().map(|session| format!(", session {session}")).unwrap_or_default();
    vec![format!("{} ({}{session})", text(listener, "address"), text(listener, "mode"))]
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
