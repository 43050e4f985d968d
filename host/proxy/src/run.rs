//! Running the proxy from settings to shutdown.

use std::{
    future::{self, Future},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use control::{Control, Event, ListenerInfo, Report};
use tokio::sync::{mpsc::Receiver, oneshot};
use tracing::{info, warn};

use crate::{
    addon::{Addon, Capability, LoadError, Loaded, Preparation, Purpose},
    config::{self, AddonSpec, Settings},
    faces::{self, ControlApi, FaceError},
    flow::Route,
    journal::{DecodeFrames, Journal},
    listen::{
        BindError, ClientLimits, Clients, Entry, Gate, Listener, Untouched,
        ca::{CaError, CertificateAuthority},
        mode::Mode,
    },
    log::{ASKED, StandardError},
    onboarding::Onboarding,
    proxy::Proxy,
    ready::{Ready, ReadyError},
    running::{Counted, Face, Running, SaveFlows},
    upstream::{
        Egress, Upstream, Via,
        tls::{self, UpstreamTlsError},
    },
    verdict,
};

/// Why the proxy cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An addon refused its options, or failed.
    #[error(transparent)]
    Addon(#[from] LoadError),
    /// The configuration lacks something.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The certificate authority cannot be used.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// Servers' certificates could not be verified.
    #[error(transparent)]
    Tls(#[from] UpstreamTlsError),
    /// There is no face that was asked for.
    #[error(transparent)]
    Face(#[from] FaceError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The report could not be written at the end.
    #[error(transparent)]
    Report(#[from] verdict::ReportError),
    /// There can be no file that says that it serves.
    #[error(transparent)]
    Ready(#[from] ReadyError),
}

/// What addons may do beyond their flows. This is the only list of capabilities.
pub fn capabilities() -> Vec<Arc<dyn Capability>> {
    vec![
        #[cfg(feature = "recordings")]
        Arc::new(crate::recordings::Recordings),
    ]
}

/// Configures loaded addons, one for each of the settings' addons in that order, to see whether they could run.
///
/// # Errors
/// When one refuses its options, or fails.
pub async fn check(loaded: &[Arc<Loaded>], specs: &[AddonSpec]) -> Result<Vec<Addon>, LoadError> {
    let mut addons = Vec::new();
    for (loaded, spec) in loaded.iter().zip(specs) {
        let (limits, on_failure) = (spec.limits, spec.on_failure);
        let preparation = Preparation::new(spec.options.clone(), spec.grants.clone(), Purpose::Check);
        addons.push(loaded.configure(Preparation { limits, on_failure, ..preparation }).await?);
    }
    Ok(addons)
}

/// Looks at the files that settings name, beside those of addons, as a start would. Nothing is written.
///
/// # Errors
/// When one of them would keep the proxy from starting.
pub fn check_files(settings: &Settings) -> Result<(), StartError> {
    CertificateAuthority::check(settings.ca_dir()?)?;
    tls::client_config(&settings.upstream_tls)?;
    settings.ready_file.as_deref().map_or(Ok(()), Ready::check)?;
    if let Some(control) = &settings.control {
        faces::check_control(control)?;
    }
    Ok(verdict::check(&settings.verdict)?)
}

/// A proxy whose addresses are bound, so that only its addons can keep it from running.
pub struct Bound {
    listeners: Vec<(Listener, config::Listener)>,
    journal: Arc<Journal>,
    ready: Ready,
    control: Option<ControlApi>,
    ways: Ways,
    upstream: Option<Upstream>,
    egress: Arc<Egress>,
    authority: Arc<CertificateAuthority>,
    untouched: Untouched,
    onboarding: Option<Arc<Onboarding>>,
    via: Option<Via>,
    limits: ClientLimits,
    idle: Duration,
    drain_time: Duration,
}

impl Bound {
    /// Binds all addresses, and makes everything ready that requests need but the addons. What passes will be told to the journal.
    ///
    /// # Errors
    /// When something that the settings ask for cannot be had. Nothing is listening then.
    pub async fn bind(settings: &Settings, journal: Arc<Journal>) -> Result<Self, StartError> {
        faces::check_console(settings.console)?;
        let ready = Ready::not_yet(settings.ready_file.as_deref())?;
        verdict::check(&settings.verdict)?;
        let egress = Arc::new(Egress::new(settings.egress.clone()));
        let authority = Arc::new(CertificateAuthority::load_or_create(settings.ca_dir()?)?);
        let onboarding = settings.onboarding.then(|| Arc::new(Onboarding::new(&authority)));
        let via = settings.via.then(|| Via::new(unique()));
        let upstream = upstream(settings, &egress, via.as_ref())?;
        let mut listeners = Vec::new();
        for listener in &settings.listeners {
            let (entry, route) = match &listener.mode {
                Mode::Regular | Mode::Socks | Mode::Transparent => (Entry::Proxy, Route::Direct),
                Mode::Reverse(server) => (Entry::Reverse(server.clone()), Route::Named(Arc::new(server.clone()))),
                Mode::Upstream(proxy) => (Entry::Proxy, Route::Through(Arc::new(proxy.clone()))),
            };
            let gate = Gate::new(entry, listener.users.clone())
                .with_host(settings.host)
                .with_route(route)
                .with_own(settings.onboarding.then(Onboarding::own_host))
                .with_session(listener.session.clone(), settings.session_field.clone());
            let bound = Listener::bind(listener.address, listener.mode.arrival(), gate).await?;
            egress.listens_on(bound.address());
            listeners.push((bound, listener.clone()));
        }
        let control = match &settings.control {
            Some(control) => Some(ControlApi::bind(control).await?),
            None => None,
        };
        control.iter().for_each(|control| egress.listens_on(control.address()));
        let ways =
            Ways { watch: settings.watch, exit_when_used: settings.verdict.exit_when_used, console: settings.console };
        let (limits, idle, drain_time) = (settings.limits, settings.timeouts.idle, settings.drain_time);
        let untouched = settings.untouched.clone();
        Ok(Self {
            listeners,
            journal,
            ready,
            control,
            ways,
            upstream,
            egress,
            authority,
            untouched,
            onboarding,
            via,
            limits,
            idle,
            drain_time,
        })
    }

    /// The addresses, with the ports that were picked.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(|(listener, _)| listener.address())
    }

    /// Where connections may go.
    pub fn egress(&self) -> &Arc<Egress> {
        &self.egress
    }

    /// Serves until `shutdown` is done, or somebody has it stop, then finishes what is in flight. What came of the flows.
    ///
    /// # Errors
    /// When it cannot be said that it serves. It does not then.
    pub async fn serve(
        self,
        running: Arc<Running>,
        shutdown: impl Future<Output = ()>,
        asked: Receiver<Asked>,
        stderr: &StandardError,
    ) -> Result<Report, StartError> {
        let Self {
            listeners,
            journal,
            mut ready,
            control,
            ways,
            upstream,
            egress,
            authority,
            untouched,
            onboarding,
            via,
            limits,
            idle,
            drain_time,
        } = self;
        let generations = running.generations().clone();
        let to_servers = upstream.as_ref().map(Upstream::connections).unwrap_or_default();
        let proxy = Proxy { generations: generations.clone(), upstream, egress, onboarding, via };
        let clients = Clients::new(proxy, authority, limits, idle).leaving(untouched).told_to(journal.clone());
        let clients = Arc::new(clients);
        let places: Vec<ListenerInfo> =
            listeners.iter().map(|(listener, wanted)| place(listener.address(), wanted)).collect();
        let counted = Counted { clients: clients.connected(), upstream: to_servers };
        let face = Arc::new(Face::new(running.clone(), journal.clone(), places.clone(), counted, SAVE));
        let control_at = control.as_ref().map(|control| control.address().to_string());
        for (listener, wanted) in listeners {
            announce(listener.address(), &wanted);
            tokio::spawn(listener.run(clients.clone()));
        }
        let (stop_control, control_stops) = oneshot::channel::<()>();
        let control = control.map(|control| {
            info!(target: ASKED, "{}", control.announcement());
            tokio::spawn(control.serve(face.clone(), async move { drop(control_stops.await) }))
        });
        ready.serves(&places, control_at.as_deref())?;
        let mut shutdown = pin!(shutdown);
        let mut is_shut = false;
        tokio::select! {
            () = &mut shutdown => is_shut = true,
            () = face.asked_to_stop() => {}
            () = follow(asked, &running, &*face) => {}
            () = watch(ways.watch, &running) => {}
            () = used_up(ways.exit_when_used, &running, &journal) => info!("every recorded response was served"),
            () = faces::show(ways.console, face.clone(), stderr) => {}
        }
        ready.stops();
        face.stops();
        info!("stopping: open connections have {drain_time:?} to finish");
        let is_finished = tokio::select! {
            is_finished = clients.drain().finish(drain_time) => is_finished,
            // Whoever had it stop otherwise may be in a hurry too.
            () = shutdown, if !is_shut => false,
        };
        if !is_finished {
            journal.close();
            warn!("stopped before all connections had finished");
            clients.cut().await;
        }
        // The last to go: whoever asked to stop is told, and sees the end of what passes.
        drop(stop_control);
        if let Some(control) = control {
            // Fails only when it panicked.
            let _ = control.await;
        }
        let report = face.report(None);
        generations.finish().await;
        Ok(report)
    }
}

/// What a proxy that runs may be asked for by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To open files again that others may have put away, and to take over what has changed in the configuration.
    Renew,
    /// To say what came of the flows so far.
    Report,
}

/// How it runs, beside serving.
#[derive(Clone, Copy, Debug)]
struct Ways {
    watch: bool,
    exit_when_used: bool,
    console: bool,
}

/// Does what is asked, for ever.
async fn follow(mut asked: Receiver<Asked>, running: &Running, face: &dyn Control) {
    while let Some(asked) = asked.recv().await {
        match asked {
            Asked::Renew => {
                running.generations().current().chain.reopen();
                running.renew().await;
            }
            Asked::Report => verdict::say(&face.report(None)),
        }
    }
    future::pending().await
}

/// Takes files over as they change, if that is wanted; for ever.
async fn watch(is_wanted: bool, running: &Running) {
    if is_wanted {
        running.watch().await;
    }
    future::pending().await
}

/// Waits until every recorded response was served, if that is wanted.
async fn used_up(is_wanted: bool, running: &Running, journal: &Journal) {
    if !is_wanted {
        return future::pending().await;
    }
    if running.is_used_up().is_none() {
        warn!("nothing is replayed yet, so that `--exit-when-used` waits for a recording to be added and served");
    }
    let mut events = journal.subscribe();
    while let Some(event) = events.next().await {
        if matches!(event, Event::FlowEnded { .. } | Event::Lost { .. }) && running.is_used_up() == Some(true) {
            return;
        }
    }
}

/// How flows are saved that were looked at.
#[cfg(feature = "recordings")]
const SAVE: Option<SaveFlows> = Some(|flows, path, existing| Ok(crate::recordings::save(flows, path, existing)?));
#[cfg(not(feature = "recordings"))]
const SAVE: Option<SaveFlows> = None;

/// How messages of WebSockets are found, for those who look at them.
#[cfg(feature = "recordings")]
pub const DECODE_FRAMES: Option<DecodeFrames> = Some(crate::recordings::frame_decoder);
/// Nothing decodes them in a build that knows no recordings.
#[cfg(not(feature = "recordings"))]
pub const DECODE_FRAMES: Option<DecodeFrames> = None;

fn upstream(settings: &Settings, egress: &Arc<Egress>, via: Option<&Via>) -> Result<Option<Upstream>, StartError> {
    if settings.offline {
        info!("offline: nothing is sent to any server");
        return Ok(None);
    }
    let tls = tls::client_config(&settings.upstream_tls)?;
    let upstream = Upstream::new(egress.clone(), tls, settings.timeouts, via.cloned());
    Ok(Some(upstream.authorized(settings.upstream_auth.clone())))
}

/// Says where it listens. Whoever named the place is told, whatever else is logged.
fn announce(address: SocketAddr, listener: &config::Listener) {
    let said = match &listener.mode {
        Mode::Regular => format!("proxy listening on http://{address}"),
        Mode::Reverse(destination) => {
            let scheme = destination.scheme().name();
            format!("reverse proxy for {scheme}://{} listening on http://{address}", destination.authority())
        }
        Mode::Upstream(proxy) => {
            let scheme = proxy.scheme().name();
            format!("proxy by way of {scheme}://{} listening on http://{address}", proxy.authority())
        }
        Mode::Socks => format!("SOCKS proxy listening on socks5://{address}"),
        Mode::Transparent => format!("transparent proxy listening on {address}"),
    };
    if listener.is_named {
        info!(target: ASKED, "{said}");
    } else {
        info!("{said}");
    }
}

/// Where it listens, for those who look at it.
fn place(address: SocketAddr, listener: &config::Listener) -> ListenerInfo {
    let session = Some(&listener.session).filter(|session| session.is_named());
    ListenerInfo {
        mode: listener.mode.to_string(),
        address: address.to_string(),
        session: session.map(|session| session.name().to_owned()),
    }
}

/// A number that no other process has.
fn unique() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
