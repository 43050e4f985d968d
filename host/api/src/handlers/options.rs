//! Options of addons.

use axum::{Json, extract::State};
use control::{Change, OptionInfo, OptionValue, Setting};
use serde::Serialize;
use serde_json::{Map, Value};

use super::addons::{Outcome, change};
use crate::{
    failure::Failure,
    input::{Document, Named},
    routes::Served,
};

/// The options of all addons.
#[derive(Serialize)]
pub(crate) struct Options {
    options: Vec<OptionInfo>,
}

pub(crate) async fn list(State(served): State<Served>) -> Json<Options> {
    Json(Options { options: served.control.options() })
}

pub(crate) async fn one(State(served): State<Served>, Named(name): Named<String>) -> Result<Json<OptionInfo>, Failure> {
    let found = served.control.options().into_iter().find(|option| option.name == name);
    found.map(Json).ok_or_else(|| {
        let name = oneline::escaped(&name);
        Failure::unknown(format!("there is no option `{name}`: `/v1/options` lists them"))
    })
}

/// Sets all together, or none of them.
pub(crate) async fn set(State(served): State<Served>, Document(values): Document<Map<String, Value>>) -> Outcome {
    let settings = values.into_iter().map(|(name, value)| match setting(value) {
        Some(setting) => Ok((name, setting)),
        None => {
            let name = oneline::escaped(&name);
            Err(Failure::invalid(format!(
                "cannot set option `{name}`: a value is true or false, a whole number, a text, a list of texts, null for \
                 the default, or {{\"text\": …}} for a value as on the command line"
            )))
        }
    });
    change(served, Change::Options(settings.collect::<Result<_, _>>()?)).await
}

fn setting(value: Value) -> Option<Setting> {
    match value {
        Value::Null => Some(Setting::Default),
        Value::Object(mut members) => match (members.remove("text"), members.is_empty()) {
            (Some(Value::String(text)), true) => Some(Setting::Text(text)),
            _ => None,
        },
        value => serde_json::from_value::<OptionValue>(value).ok().map(Setting::Value),
    }
}
