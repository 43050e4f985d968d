//! The one way into a running proxy.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize, Serializer};

use super::{
    AddonInfo, Answer, CommandInfo, ControlError, Events, Family, Flow, FlowSummary, Health, OptionInfo, OptionValue,
    RecordingInfo, Report, SessionInfo, Stage,
};

/// A running proxy, as it can be looked at and changed. Looking costs the flows nothing.
pub trait Control: Send + Sync + 'static {
    /// Whether it serves, and where.
    fn health(&self) -> Health;

    /// Recent flows, the oldest first.
    ///
    /// # Errors
    /// When the filter cannot be read.
    fn flows(&self, query: &FlowQuery) -> Result<FlowPage, ControlError>;

    /// Which recent flows there are, and how far they have come; nothing if that is as it was when `seen` was the
    /// [version](RecentFlows::version). So whoever shows flows can ask many times a second.
    fn recent(&self, seen: Option<u64>) -> Option<RecentFlows>;

    /// Those of these recent flows that are kept, the oldest first. `flows` are in ascending order.
    fn summaries(&self, flows: &[u64]) -> Vec<Arc<FlowSummary>>;

    /// A recent flow with all that is kept of it.
    fn flow(&self, id: u64) -> Option<Arc<Flow>>;

    /// Forgets the recent flows that have ended.
    fn clear_flows(&self);

    /// Writes recent flows to a file: a HAR if its name ends in `.har`, else a flow file. How many were written.
    fn save_flows(
        &self,
        flows: Vec<u64>,
        file: PathBuf,
        existing: Existing,
    ) -> BoxFuture<'static, Result<usize, ControlError>>;

    /// What happens from now on.
    fn events(&self) -> Events;

    /// The same but for what becomes of flows, which costs each of them something while somebody listens.
    fn news(&self) -> Events;

    /// The options of all addons.
    fn options(&self) -> Vec<OptionInfo>;

    /// The commands of all addons.
    fn commands(&self) -> Vec<CommandInfo>;

    /// Runs a command of an addon. `session` is the session that it is about, empty for the one without a name.
    fn run(
        &self,
        name: String,
        arguments: Vec<String>,
        session: String,
    ) -> BoxFuture<'static, Result<Answer, ControlError>>;

    /// The chain, outermost first.
    fn addons(&self) -> Vec<AddonInfo>;

    /// The recordings that are replayed, with the hits of a session, or of all.
    fn recordings(&self, session: Option<&str>) -> Vec<RecordingInfo>;

    /// The sessions there are.
    fn sessions(&self) -> Vec<SessionInfo>;

    /// Forgets what was used, missed and counted in a session, or in all.
    ///
    /// # Errors
    /// When there is no such session.
    fn reset(&self, session: Option<&str>) -> Result<(), ControlError>;

    /// What came of the flows so far, in a session or in all.
    fn report(&self, session: Option<&str>) -> Report;

    /// Numbers for monitoring.
    fn metrics(&self) -> Vec<Family>;

    /// Prepares another configuration aside, and puts it in force. Flows in flight end on the one before; if anything fails,
    /// all stays as it was.
    fn change(&self, change: Change) -> BoxFuture<'static, Result<Changed, ControlError>>;

    /// Has the proxy stop as on SIGTERM.
    fn stop(&self);
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Refuse,
    /// It is replaced.
    Replace,
}

/// Which recent flows to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FlowQuery {
    /// Those that a filter in mitmproxy's language matches.
    pub filter: Option<String>,
    /// Those of this session.
    pub session: Option<String>,
    /// Those with a larger number.
    pub after: Option<u64>,
    /// At most so many, the latest.
    pub limit: Option<usize>,
}

/// Recent flows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FlowPage {
    /// The flows, the oldest first.
    #[serde(serialize_with = "all_shared")]
    pub flows: Vec<Arc<FlowSummary>>,
    /// How many flows have passed that are not kept any more.
    pub forgotten: u64,
}

/// Which recent flows there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentFlows {
    /// Another one as soon as something has become of a flow.
    pub version: u64,
    /// Their numbers in ascending order, and how far they have come.
    pub flows: Vec<(u64, Stage)>,
}

/// A value for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// This value.
    Value(OptionValue),
    /// As on the command line: parsed by the option's type. For a list, this one only.
    Text(String),
    /// Its default.
    Default,
}

/// What to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Options by name, all together.
    Options(Vec<(String, Setting)>),
    /// Add an addon as the innermost of those that do not ship: a file, or the name of one that ships.
    AddAddon(String),
    /// Add an addon from its bytes.
    UploadAddon {
        /// The name it gets.
        name: String,
        /// The component.
        bytes: Bytes,
    },
    /// Have another file in the place of an addon.
    ReplaceAddon {
        /// The addon.
        name: String,
        /// The file.
        file: String,
    },
    /// The same, from its bytes.
    ReplaceAddonWith {
        /// The addon.
        name: String,
        /// The component.
        bytes: Bytes,
    },
    /// Leave an addon out.
    RemoveAddon(String),
    /// Add a plug for whichever addon imports what it exports.
    AddPlug(String),
    /// Add a plug from its bytes.
    UploadPlug {
        /// The name it gets.
        name: String,
        /// The component.
        bytes: Bytes,
    },
    /// Have another file in the place of a plug.
    ReplacePlug {
        /// The plug.
        name: String,
        /// The file.
        file: String,
    },
    /// The same, from its bytes.
    ReplacePlugWith {
        /// The plug.
        name: String,
        /// The component.
        bytes: Bytes,
    },
    /// Leave a plug out.
    RemovePlug(String),
    /// Replay a recording too.
    AddRecording {
        /// The addon, if more than one replays.
        addon: Option<String>,
        /// The file.
        file: String,
    },
    /// No longer replay a recording.
    RemoveRecording {
        /// The addon, if more than one replays.
        addon: Option<String>,
        /// The file.
        file: String,
    },
    /// Read again what has changed on disk: the configuration file, addons, plugs, recordings.
    Reload,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The number of the configuration that is in force now.
    pub generation: u64,
    /// What was changed, on one line; empty if nothing was.
    pub what: String,
}

fn all_shared<T: Serialize, S: Serializer>(values: &[Arc<T>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(Arc::as_ref))
}
