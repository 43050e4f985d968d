//! What a proxy that runs looks like from outside.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use control::{
    AddonInfo, Answer, Change, Changed, CommandInfo, Control, ControlError, ErrorKind, Events, Existing, Family, Flow,
    FlowPage, FlowQuery, FlowSummary, Health, ListenerInfo, OptionInfo, PlugInfo, RecentFlows, RecordingInfo, Report,
    ServedExchange, SessionInfo,
};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::{Counted, Running, numbers, setup::Entry};
use crate::{
    addon::{Duty, options::OptionDeclaration},
    flow::Session,
    journal::Journal,
};

/// Writes flows to a file; how many. Blocks.
pub type SaveFlows = fn(&[Arc<Flow>], &Path, Existing) -> Result<usize, ControlError>;

/// A proxy that runs, for those who look at it and change it.
pub struct Face {
    running: Arc<Running>,
    journal: Arc<Journal>,
    listeners: Vec<ListenerInfo>,
    connections: Counted,
    /// Nothing in a build that knows no recordings.
    save: Option<SaveFlows>,
    is_serving: AtomicBool,
    stop: Notify,
}

impl Face {
    /// The face of a proxy that serves at these places.
    pub fn new(
        running: Arc<Running>,
        journal: Arc<Journal>,
        listeners: Vec<ListenerInfo>,
        connections: Counted,
        save: Option<SaveFlows>,
    ) -> Self {
        Self { running, journal, listeners, connections, save, is_serving: AtomicBool::new(true), stop: Notify::new() }
    }

    /// Says that it takes no connections any more.
    pub fn stops(&self) {
        self.is_serving.store(false, Ordering::Relaxed);
    }

    /// Waits until somebody asks it to stop.
    pub async fn asked_to_stop(&self) {
        self.stop.notified().await;
    }

    fn session(name: &str) -> Result<Session, ControlError> {
        if name.is_empty() {
            return Ok(Session::default());
        }
        Session::named(name).map_err(|error| ControlError::new(ErrorKind::Invalid, error.to_string()))
    }
}

impl Control for Face {
    fn health(&self) -> Health {
        Health {
            is_serving: self.is_serving.load(Ordering::Relaxed),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            generation: self.running.generations.current().number,
            listeners: self.listeners.clone(),
        }
    }

    fn flows(&self, query: &FlowQuery) -> Result<FlowPage, ControlError> {
        self.journal.flows(query)
    }

    fn recent(&self, seen: Option<u64>) -> Option<RecentFlows> {
        self.journal.recent(seen)
    }

    fn summaries(&self, flows: &[u64]) -> Vec<Arc<FlowSummary>> {
        self.journal.summaries(flows)
    }

    fn flow(&self, id: u64) -> Option<Arc<Flow>> {
        self.journal.flow(id)
    }

    fn clear_flows(&self) {
        self.journal.clear();
    }

    fn save_flows(
        &self,
        flows: Vec<u64>,
        file: PathBuf,
        existing: Existing,
    ) -> BoxFuture<'static, Result<usize, ControlError>> {
        let failed = |reason: String| ControlError::new(ErrorKind::Failed, reason);
        let flows: Vec<Arc<Flow>> = flows.into_iter().filter_map(|id| self.journal.flow(id)).collect();
        let Some(save) = self.save else {
            let reason = "cannot save flows: this `proxyhost` was built without recordings".to_owned();
            return Box::pin(async move { Err(failed(reason)) });
        };
        let file = PathBuf::from(self.running.path(&file.to_string_lossy()));
        Box::pin(async move {
            let saved = tokio::task::spawn_blocking(move || save(&flows, &file, existing)).await;
            saved.unwrap_or_else(|panicked| Err(failed(format!("cannot save flows: {panicked}"))))
        })
    }

    fn events(&self) -> Events {
        self.journal.subscribe()
    }

    fn news(&self) -> Events {
        self.journal.subscribe_to_news()
    }

    fn options(&self) -> Vec<OptionInfo> {
        let setup = self.running.setup.load();
        let mut options: Vec<OptionInfo> = Vec::new();
        for entry in &setup.entries {
            for option in &entry.loaded.options {
                if options.iter().all(|known| known.name != option.name) {
                    options.push(shown(entry, option));
                }
            }
        }
        options
    }

    fn commands(&self) -> Vec<CommandInfo> {
        let setup = self.running.setup.load();
        let of_addon = |entry: &Entry| {
            entry.loaded.commands.iter().map(|command| command.info(&entry.loaded.name)).collect::<Vec<_>>()
        };
        setup.entries.iter().flat_map(of_addon).collect()
    }

    fn run(
        &self,
        name: String,
        arguments: Vec<String>,
        session: String,
    ) -> BoxFuture<'static, Result<Answer, ControlError>> {
        let running = self.running.clone();
        Box::pin(async move {
            let session = Self::session(&session)?;
            Ok(running.run(&name, &arguments, &session).await?)
        })
    }

    fn addons(&self) -> Vec<AddonInfo> {
        let setup = self.running.setup.load();
        let info = |entry: &Entry| AddonInfo {
            name: entry.loaded.name.clone(),
            place: entry.loaded.place.clone(),
            summary: entry.loaded.summary.clone(),
            hooks: entry.loaded.hooks.iter().map(|&hook| hook.to_owned()).collect(),
            is_active: entry.addon.duty() != Duty::Idle,
            plugs: {
                let plugs = entry.loaded.plugs.iter();
                plugs.map(|plug| PlugInfo { name: plug.name.clone(), exports: plug.exports.clone() }).collect()
            },
        };
        setup.entries.iter().map(info).collect()
    }

    fn recordings(&self, session: Option<&str>) -> Vec<RecordingInfo> {
        // A session that nobody can name has used nothing.
        let Ok(session) = session.map(Self::session).transpose() else { return Vec::new() };
        let setup = self.running.setup.load();
        setup.entries.iter().flat_map(|entry| entry.addon.inventory(session.as_ref())).collect()
    }

    fn sessions(&self) -> Vec<SessionInfo> {
        let setup = self.running.setup.load();
        let mut sessions = self.journal.sessions();
        for info in &mut sessions {
            // All of them have names that sessions can have.
            let Ok(session) = Self::session(&info.name) else { continue };
            info.used = setup.entries.iter().map(|entry| entry.addon.used(&session)).sum();
        }
        sessions
    }

    fn reset(&self, session: Option<&str>) -> Result<(), ControlError> {
        let named = session.map(Self::session).transpose()?;
        self.journal.reset(session)?;
        let setup = self.running.setup.load();
        setup.entries.iter().for_each(|entry| entry.addon.forget(named.as_ref()));
        Ok(())
    }

    fn report(&self, session: Option<&str>) -> Report {
        let mut report = self.journal.report(session);
        for recording in self.recordings(session) {
            let served = recording.exchanges.into_iter().map(|exchange| ServedExchange {
                file: recording.file.clone(),
                number: exchange.number,
                request: format!("{} {}", exchange.method, exchange.url),
                status: exchange.status,
                hits: exchange.hits,
            });
            report.exchanges.extend(served);
        }
        report
    }

    fn metrics(&self) -> Vec<Family> {
        let generation = self.running.generations.current().number;
        numbers::families(&self.running.setup.load(), &self.journal, &self.connections, generation)
    }

    fn change(&self, change: Change) -> BoxFuture<'static, Result<Changed, ControlError>> {
        let running = self.running.clone();
        Box::pin(async move { Ok(running.change(change).await?) })
    }

    fn stop(&self) {
        self.stop.notify_one();
    }
}

fn shown(entry: &Entry, option: &OptionDeclaration) -> OptionInfo {
    let value = entry.spec.options.get(&option.name).cloned().unwrap_or_else(|| option.default_value());
    OptionInfo {
        name: option.name.clone(),
        addon: entry.loaded.name.clone(),
        help: option.help.clone(),
        kind: option.kind.clone(),
        value,
        default: option.default_value(),
        is_fixed: option.fixed,
        deprecated: option.deprecated.clone(),
    }
}
