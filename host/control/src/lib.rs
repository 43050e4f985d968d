//! What can be looked at in a running proxy, and what can be changed.
//!
//! [`Control`] is the one way in: the proxy implements it, and the console, the HTTP API and `proxyhost ctl` are its faces.
//! They depend on this crate and not on the proxy, so each of them can be left out. Nothing here names an addon: what there is
//! to change are the [`options`](OptionInfo) that addons declare and the [`commands`](CommandInfo) that they offer, and what there
//! is to see are [flows](FlowSummary) with the [`Note`]s that addons left on them, and [`Event`]s.

mod addon;
mod command;
mod error;
mod event;
mod face;
mod flow;
mod health;
mod metrics;
mod option;
mod recordings;
mod report;
mod subject;

pub use addon::{AddonInfo, PlugInfo};
pub use command::{Answer, CommandInfo, Parameter, ParameterKind};
pub use error::{ControlError, ErrorKind};
pub use event::{Event, Events, LogLine};
pub use face::{Change, Changed, Control, Existing, FlowPage, FlowQuery, RecentFlows, Setting};
pub use flow::{Content, Flow, FlowSummary, Frame, Message, Note, Outcome, Stage, Timing};
pub use health::{Health, ListenerInfo};
pub use metrics::{Family, MetricKind, Sample};
pub use option::{OptionInfo, OptionKind, OptionValue};
pub use recordings::{ExchangeInfo, Inventory, RecordingInfo, SessionInfo};
pub use report::{FailOn, Failure, Miss, Report, ServedExchange, UnknownVerdict};
