//! Whether it serves, and where.

use serde::Serialize;

/// Whether the proxy serves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// Whether it takes connections: not any more once it stops.
    pub is_serving: bool,
    /// The process.
    pub pid: u32,
    /// The version of the program.
    pub version: &'static str,
    /// The number of the configuration that is in force, from 1.
    pub generation: u64,
    /// Where it listens.
    pub listeners: Vec<ListenerInfo>,
}

/// Where the proxy listens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListenerInfo {
    /// How requests arrive there, such as `regular` or `reverse:http://localhost:3000`.
    pub mode: String,
    /// The address, with the port that was picked.
    pub address: String,
    /// The session of all requests that arrive there, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}
