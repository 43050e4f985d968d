//! How the configuration is read, at the start and again while the proxy runs.

use std::{ffi::OsString, sync::Arc};

use crate::{
    addon::{self, AddonEngine, LoadRequest, Loaded},
    config::{Action, AddonSpec, ConfigError, DeclaredAddon, Edit, Environment, Preliminary},
    running::ChangeError,
};

/// The command line and what is around it, from which the configuration can be read at any time.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The arguments, without the program's name.
    pub args: Vec<OsString>,
    /// What the configuration takes from around it.
    pub environment: Environment,
}

impl Plan {
    /// Finds out which addons to load.
    ///
    /// # Errors
    /// When the configuration file cannot be read or is wrong, or a component that it names cannot be found.
    pub fn scan(&self, edits: &[Edit]) -> Result<Preliminary, ConfigError> {
        let mut preliminary = Preliminary::scan(self.args.clone(), self.environment.clone())?;
        edits.iter().try_for_each(|edit| preliminary.edit(edit))?;
        Ok(preliminary)
    }

    /// Loads the addons, and reads everything.
    ///
    /// # Errors
    /// When an addon cannot be loaded, or the configuration is wrong.
    pub async fn finish(
        &self,
        engine: &AddonEngine,
        preliminary: Preliminary,
    ) -> Result<(Action, Vec<Arc<Loaded>>), ChangeError> {
        let requests: Vec<LoadRequest> = preliminary.addons().iter().map(request).collect();
        let loaded = addon::load(engine, &requests, preliminary.plugs()).await?;
        let declared: Vec<DeclaredAddon> = loaded.iter().map(declared).collect();
        let action = preliminary.finish(&declared)?;
        Ok((action, loaded.into_iter().map(Arc::new).collect()))
    }
}

fn request(spec: &AddonSpec) -> LoadRequest {
    LoadRequest { source: spec.source.clone(), plugs: spec.plugs.clone(), limits: spec.limits }
}

fn declared(loaded: &Loaded) -> DeclaredAddon {
    DeclaredAddon {
        name: loaded.name.clone(),
        summary: loaded.summary.clone(),
        options: loaded.options.clone(),
        reads: loaded.reads.clone(),
    }
}
