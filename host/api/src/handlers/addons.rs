//! Addons and plugs.

use axum::{Json, extract::State};
use control::{AddonInfo, Change, Changed};
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    input::{Component, Document, Named, Upload},
    routes::Served,
};

/// The chain, outermost first.
#[derive(Serialize)]
pub(crate) struct Addons {
    addons: Vec<AddonInfo>,
}

pub(crate) async fn list(State(served): State<Served>) -> Json<Addons> {
    Json(Addons { addons: served.control.addons() })
}

/// A component: a file where the proxy runs, or the name of one that ships.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Used {
    r#use: String,
}

pub(crate) async fn add(State(served): State<Served>, Document(used): Document<Used>) -> Outcome {
    change(served, Change::AddAddon(used.r#use)).await
}

pub(crate) async fn upload(State(served): State<Served>, Named(name): Named<String>, Upload(bytes): Upload) -> Outcome {
    change(served, Change::UploadAddon { name, bytes }).await
}

pub(crate) async fn replace(State(served): State<Served>, Named(name): Named<String>, by: Component<Used>) -> Outcome {
    let by = match by {
        Component::Named(used) => Change::ReplaceAddon { name, file: used.r#use },
        Component::Sent(bytes) => Change::ReplaceAddonWith { name, bytes },
    };
    change(served, by).await
}

pub(crate) async fn remove(State(served): State<Served>, Named(name): Named<String>) -> Outcome {
    change(served, Change::RemoveAddon(name)).await
}

/// All plugs, and the addons that they are in.
#[derive(Serialize)]
pub(crate) struct Plugs {
    plugs: Vec<PlugOf>,
}

#[derive(Serialize)]
struct PlugOf {
    addon: String,
    name: String,
    exports: Vec<String>,
}

pub(crate) async fn plugs(State(served): State<Served>) -> Json<Plugs> {
    let of = |addon: AddonInfo| {
        let AddonInfo { name: addon, plugs, .. } = addon;
        plugs.into_iter().map(move |plug| PlugOf { addon: addon.clone(), name: plug.name, exports: plug.exports })
    };
    Json(Plugs { plugs: served.control.addons().into_iter().flat_map(of).collect() })
}

pub(crate) async fn add_plug(State(served): State<Served>, Document(used): Document<Used>) -> Outcome {
    change(served, Change::AddPlug(used.r#use)).await
}

pub(crate) async fn upload_plug(
    State(served): State<Served>,
    Named(name): Named<String>,
    Upload(bytes): Upload,
) -> Outcome {
    change(served, Change::UploadPlug { name, bytes }).await
}

pub(crate) async fn replace_plug(
    State(served): State<Served>,
    Named(name): Named<String>,
    by: Component<Used>,
) -> Outcome {
    let by = match by {
        Component::Named(used) => Change::ReplacePlug { name, file: used.r#use },
        Component::Sent(bytes) => Change::ReplacePlugWith { name, bytes },
    };
    change(served, by).await
}

pub(crate) async fn remove_plug(State(served): State<Served>, Named(name): Named<String>) -> Outcome {
    change(served, Change::RemovePlug(name)).await
}

/// What came of a change.
pub(crate) type Outcome = Result<Json<Changed>, Failure>;

/// Has something changed.
pub(super) async fn change(served: Served, change: Change) -> Outcome {
    Ok(Json(served.control.change(change).await?))
}
