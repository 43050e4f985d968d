//! The faces of a proxy that runs, as far as they are built in: the control API and the console.

use std::{
    future,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    sync::Arc,
};

use control::Control;
use tracing::error;

use crate::{config::ControlSettings, log::StandardError};

/// Why there is no face that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum FaceError {
    /// The control API cannot be had.
    #[cfg(feature = "api")]
    #[error(transparent)]
    Api(#[from] api::BindError),
    /// There is nothing to show a console on.
    #[error("cannot show a console (--console): standard input and output are no terminal")]
    NoTerminal,
    /// It is not built in.
    #[error("cannot {what}: this `proxyhost` was built without {without}")]
    NotBuiltIn {
        /// What was asked for.
        what: &'static str,
        /// What is missing.
        without: &'static str,
    },
}

/// A control API whose address is bound.
pub struct ControlApi {
    #[cfg(feature = "api")]
    bound: api::Bound,
    /// Nothing of this kind can be made where it is not built in.
    #[cfg(not(feature = "api"))]
    never: std::convert::Infallible,
}

#[cfg(feature = "api")]
impl ControlApi {
    /// Listens where the settings say.
    ///
    /// # Errors
    /// When the address cannot be listened on, or there is no token.
    pub async fn bind(settings: &ControlSettings) -> Result<Self, FaceError> {
        let bound = api::Bound::bind(settings.address, settings.name.clone(), settings.token_file.as_deref()).await?;
        Ok(Self { bound })
    }

    /// The address, with the port that was picked.
    pub fn address(&self) -> SocketAddr {
        self.bound.address()
    }

    /// What to tell the operator; it may have a secret in it.
    pub fn announcement(&self) -> String {
        self.bound.announcement()
    }

    /// Serves until `shutdown` is done.
    pub async fn serve(self, control: Arc<dyn Control>, shutdown: impl Future<Output = ()>) {
        self.bound.serve(control, shutdown).await;
    }
}

#[cfg(not(feature = "api"))]
impl ControlApi {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub async fn bind(_: &ControlSettings) -> Result<Self, FaceError> {
        Err(FaceError::NotBuiltIn { what: "be controlled (--control)", without: "the control API" })
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        match self.never {}
    }

    /// What to tell the operator.
    pub fn announcement(&self) -> String {
        match self.never {}
    }

    /// Serves until `shutdown` is done.
    pub async fn serve(self, _: Arc<dyn Control>, _: impl Future<Output = ()>) {
        match self.never {}
    }
}

/// Whether the token can be had that a control API is to ask for.
///
/// # Errors
/// When it cannot.
#[cfg(feature = "api")]
pub fn check_control(settings: &ControlSettings) -> Result<(), FaceError> {
    let checked = settings.token_file.as_deref().map_or(Ok(()), |path| api::Token::load(path).map(drop));
    Ok(checked.map_err(api::BindError::from)?)
}

/// There is none in such a build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "api"))]
pub fn check_control(_: &ControlSettings) -> Result<(), FaceError> {
    Err(FaceError::NotBuiltIn { what: "be controlled (--control)", without: "the control API" })
}

/// Whether there can be a console, where one is wanted.
///
/// # Errors
/// When it is not built in, or there is no terminal.
pub fn check_console(is_wanted: bool) -> Result<(), FaceError> {
    if is_wanted && cfg!(not(feature = "console")) {
        return Err(FaceError::NotBuiltIn { what: "show a console (--console)", without: "it" });
    }
    if is_wanted && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(FaceError::NoTerminal);
    }
    Ok(())
}

/// Shows it on the terminal, if that is wanted, until the user has enough of it. Whatever is written to that terminal else
/// gives way to it.
pub async fn show(is_wanted: bool, control: Arc<dyn Control>, stderr: &StandardError) {
    if !is_wanted {
        return future::pending().await;
    }
    // Dropped after the console, which shows the log itself.
    let given_way = stderr.give_way();
    #[cfg(feature = "console")]
    let shown = console::run(control).await;
    drop(given_way);
    #[cfg(feature = "console")]
    if let Err(failure) = shown {
        error!("{}", oneline::escaped(&oneline::chain(&failure)));
    }
    #[cfg(not(feature = "console"))]
    {
        drop(control);
        error!("there is no console in this build");
    }
}
