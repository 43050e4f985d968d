//! What makes recordings a capability of addons.

use std::{
    any::Any,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use control::{Family, Inventory};
use wasmtime::{
    component::{HasData, Linker},
    format_err,
};

use super::{
    bindings::{index, recorder, recordings},
    heads::Heads,
    keys::Keys,
    ledger::Ledger,
    library::Library,
    numbers,
    passing::PassingRecorder,
};
use crate::{
    addon::{
        Capability,
        capability::{CapabilityState, Finishing, Package},
        handles::Handles,
        state::{Shared, State},
    },
    flow::Session,
};

/// Lets addons read recordings, keep an index over them, and record.
#[derive(Debug)]
pub struct Recordings;

impl Capability for Recordings {
    fn packages(&self) -> &'static [Package] {
        &[Package { name: "proxyhost:recordings", version: "0.1" }]
    }

    fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        recordings::add_to_linker::<_, Viewed>(linker, view)?;
        recorder::add_to_linker::<_, Viewed>(linker, view)?;
        index::add_to_linker::<_, Viewed>(linker, view)
    }

    fn for_addon(&self, before: Option<&Arc<dyn CapabilityState>>) -> Arc<dyn CapabilityState> {
        let before = before.and_then(|before| (before.clone() as Arc<dyn Any + Send + Sync>).downcast().ok());
        Arc::new(AddonRecordings::after(before))
    }
}

/// What an instance's state is seen as.
struct Viewed;

impl HasData for Viewed {
    type Data<'a> = View<'a>;
}

/// What the functions of this package see of an instance.
pub(super) struct View<'a> {
    pub(super) handles: &'a mut Handles,
    pub(super) addon: &'a Shared,
    pub(super) session: &'a Session,
    pub(super) is_configuring: bool,
}

fn view(state: &mut State) -> View<'_> {
    View {
        handles: &mut state.handles,
        addon: &state.shared,
        session: &state.session,
        is_configuring: state.is_configuring,
    }
}

impl<'a> View<'a> {
    /// What the addon has of recordings.
    ///
    /// # Errors
    /// When the addon was made without this capability, and yet calls it.
    pub(super) fn recordings(&self) -> wasmtime::Result<&'a AddonRecordings> {
        self.addon.capability().ok_or_else(|| format_err!("the addon has no recordings"))
    }
}

/// What an addon has of recordings, shared by its instances.
#[derive(Debug)]
pub(super) struct AddonRecordings {
    /// What was served, which outlasts a change of the configuration.
    pub(super) ledger: Arc<Ledger>,
    /// What is being loaded. Only one instance is there then.
    building: Mutex<Library>,
    /// What was loaded, once the addon is configured.
    library: OnceLock<Library>,
    /// The keys that it made of requests.
    pub(super) keys: Keys,
    /// The heads that it made of recorded ones.
    pub(super) heads: Heads,
    /// What it records to.
    pub(super) recorder: OnceLock<Arc<PassingRecorder>>,
    /// What the addon had in the configuration before, until it is configured.
    before: Mutex<Option<Arc<Self>>>,
}

impl AddonRecordings {
    fn after(before: Option<Arc<Self>>) -> Self {
        let ledger = before.as_ref().map(|before| before.ledger.clone()).unwrap_or_default();
        let building = Mutex::new(Library::new(ledger.clone()));
        let (keys, heads) = Default::default();
        let (library, recorder) = Default::default();
        Self { ledger, building, library, keys, heads, recorder, before: Mutex::new(before) }
    }

    /// What the addon had in the configuration before, while it is being configured.
    pub(super) fn before(&self) -> Option<Arc<Self>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is loaded, once the addon is configured.
    pub(super) fn library(&self) -> Option<&Library> {
        self.library.get()
    }

    /// Looks at what is loaded.
    pub(super) fn read<R>(&self, look: impl FnOnce(&Library) -> R) -> R {
        match self.library.get() {
            Some(library) => look(library),
            None => self.build(|library| look(library)),
        }
    }

    /// Adds to what is loaded. Has no effect once the addon is configured.
    pub(super) fn build<R>(&self, add: impl FnOnce(&mut Library) -> R) -> R {
        add(&mut self.building.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CapabilityState for AddonRecordings {
    fn configured(&self) {
        // Fails only if it was set before, and it is called once.
        let _ = self.library.set(self.build(std::mem::take));
        self.before.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn inventory(&self, addon: &str, session: Option<&Session>) -> Inventory {
        self.read(|library| library.inventory(addon, session))
    }

    fn used(&self, session: &Session) -> u64 {
        self.read(|library| library.used(session))
    }

    fn is_used_up(&self) -> Option<bool> {
        self.read(Library::is_used_up)
    }

    fn forget(&self, session: Option<&Session>) {
        self.read(|library| library.forget(session));
    }

    fn numbers(&self, addon: &str) -> Vec<Family> {
        self.recorder.get().map_or_else(Vec::new, |recorder| numbers::of_recorder(addon, recorder.tally()))
    }

    fn reopen(&self) {
        if let Some(recorder) = self.recorder.get() {
            recorder.reopen();
        }
    }

    fn finish(&self) -> Finishing {
        // Another configuration goes on with it if it has it too.
        let recorder = self.recorder.get().filter(|recorder| Arc::strong_count(recorder) == 1).cloned();
        Box::pin(async move {
            let Some(recorder) = recorder else { return };
            // Fails only when the thread panicked, and then there is nothing to wait for.
            let _ = tokio::task::spawn_blocking(move || recorder.finish()).await;
        })
    }
}
