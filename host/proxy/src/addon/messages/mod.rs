//! What components do with requests, responses and bodies.

mod body;
mod request;
mod response;

use std::time::{SystemTime, UNIX_EPOCH};

use http::Version;

use super::{
    bindings::proxyhost::addon::{
        actions,
        messages::{self, Field},
    },
    state::State,
};
use crate::flow::Fields;

impl actions::Host for State {}

impl messages::Host for State {}

fn lines(fields: &Fields, name: &str) -> Vec<Vec<u8>> {
    fields.map().get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

fn all(fields: &Fields) -> Vec<Field> {
    let fields = fields.map().iter();
    fields.map(|(name, value)| Field { name: name.to_string(), value: value.as_bytes().to_vec() }).collect()
}

fn version(version: Version) -> messages::Version {
    match version {
        Version::HTTP_2 => messages::Version::Http2,
        Version::HTTP_3 => messages::Version::Http3,
        Version::HTTP_11 => messages::Version::Http11,
        _ => messages::Version::Http10,
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
