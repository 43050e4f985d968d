//! Commands of addons.

use axum::{Json, extract::State};
use control::{Answer, CommandInfo};
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    input::{Named, Perhaps},
    routes::Served,
};

/// The commands of all addons.
#[derive(Serialize)]
pub(crate) struct Commands {
    commands: Vec<CommandInfo>,
}

pub(crate) async fn list(State(served): State<Served>) -> Json<Commands> {
    Json(Commands { commands: served.control.commands() })
}

/// What a command is run with.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Invocation {
    arguments: Vec<String>,
    /// The session that it is about; empty for the one without a name.
    session: String,
}

pub(crate) async fn run(
    State(served): State<Served>,
    Named(name): Named<String>,
    Perhaps(with): Perhaps<Invocation>,
) -> Result<Json<Answer>, Failure> {
    Ok(Json(served.control.run(name, with.arguments, with.session).await?))
}
