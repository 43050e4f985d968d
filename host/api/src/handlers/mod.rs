//! What answers each route.

pub(super) mod addons;
pub(super) mod bodies;
pub(super) mod commands;
pub(super) mod events;
pub(super) mod exports;
mod flow_view;
pub(super) mod flows;
pub(super) mod lifecycle;
pub(super) mod metrics;
pub(super) mod openapi;
pub(super) mod options;
pub(super) mod recordings;
pub(super) mod sessions;
