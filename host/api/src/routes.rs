//! What can be asked for.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodFilter, MethodRouter, on},
};
use control::{Control, ErrorKind};
use http::{Method, StatusCode};
use tokio::sync::Semaphore;

use super::{
    Access,
    failure::Failure,
    guard,
    handlers::{
        addons, bodies, commands, events, exports, flows, lifecycle, metrics, openapi, options, recordings, sessions,
    },
};

/// What handlers answer from.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) control: Arc<dyn Control>,
    /// What a stream of events takes one of, so that there is always room for other requests.
    pub(crate) streams: Arc<Semaphore>,
}

/// A method of a path.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// The path, with a name in braces where anything may stand.
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    handler: fn(MethodFilter) -> MethodRouter<Served>,
}

/// What a client has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The token: it shows content, or changes something.
    Token,
    /// Nothing.
    Nothing,
}

/// All that can be asked for. Paths that are open have no names in braces.
pub(crate) const ROUTES: &[Route] = &[
    open("/healthz", |method| on(method, lifecycle::alive)),
    open("/readyz", |method| on(method, lifecycle::ready)),
    open("/metrics", |method| on(method, metrics::text)),
    open("/v1/openapi.json", |method| on(method, openapi::document)),
    route(Method::GET, "/v1/health", |method| on(method, lifecycle::health)),
    route(Method::GET, "/v1/flows", |method| on(method, flows::list)),
    route(Method::DELETE, "/v1/flows", |method| on(method, flows::clear)),
    route(Method::GET, "/v1/flows/export", |method| on(method, exports::download)),
    route(Method::POST, "/v1/flows/save", |method| on(method, exports::save)),
    route(Method::GET, "/v1/flows/{id}", |method| on(method, flows::one)),
    route(Method::GET, "/v1/flows/{id}/request/body", |method| on(method, bodies::of_request)),
    route(Method::GET, "/v1/flows/{id}/response/body", |method| on(method, bodies::of_response)),
    route(Method::GET, "/v1/events", |method| on(method, events::stream)),
    route(Method::GET, "/v1/options", |method| on(method, options::list)),
    route(Method::PATCH, "/v1/options", |method| on(method, options::set)),
    route(Method::GET, "/v1/options/{name}", |method| on(method, options::one)),
    route(Method::GET, "/v1/commands", |method| on(method, commands::list)),
    route(Method::POST, "/v1/commands/{name}", |method| on(method, commands::run)),
    route(Method::GET, "/v1/addons", |method| on(method, addons::list)),
    route(Method::POST, "/v1/addons", |method| on(method, addons::add)),
    route(Method::POST, "/v1/addons/{name}", |method| on(method, addons::upload)),
    route(Method::PUT, "/v1/addons/{name}", |method| on(method, addons::replace)),
    route(Method::DELETE, "/v1/addons/{name}", |method| on(method, addons::remove)),
    route(Method::GET, "/v1/plugs", |method| on(method, addons::plugs)),
    route(Method::POST, "/v1/plugs", |method| on(method, addons::add_plug)),
    route(Method::POST, "/v1/plugs/{name}", |method| on(method, addons::upload_plug)),
    route(Method::PUT, "/v1/plugs/{name}", |method| on(method, addons::replace_plug)),
    route(Method::DELETE, "/v1/plugs/{name}", |method| on(method, addons::remove_plug)),
    route(Method::GET, "/v1/recordings", |method| on(method, recordings::list)),
    route(Method::POST, "/v1/recordings", |method| on(method, recordings::add)),
    route(Method::DELETE, "/v1/recordings", |method| on(method, recordings::remove)),
    route(Method::GET, "/v1/sessions", |method| on(method, sessions::list)),
    route(Method::POST, "/v1/sessions/reset", |method| on(method, sessions::reset)),
    route(Method::GET, "/v1/report", |method| on(method, sessions::report)),
    route(Method::POST, "/v1/reload", |method| on(method, lifecycle::reload)),
    route(Method::POST, "/v1/stop", |method| on(method, lifecycle::stop)),
];

const fn open(path: &'static str, handler: fn(MethodFilter) -> MethodRouter<Served>) -> Route {
    Route { method: Method::GET, path, needs: Needs::Nothing, handler }
}

const fn route(method: Method, path: &'static str, handler: fn(MethodFilter) -> MethodRouter<Served>) -> Route {
    Route { method, path, needs: Needs::Token, handler }
}

/// Whether a path needs no token.
pub(crate) fn is_open(path: &str) -> bool {
    ROUTES.iter().any(|route| route.needs == Needs::Nothing && route.path == path)
}

/// What answers requests. Each that comes over a connection has to go through [`crate::serve`], which bounds what clients may
/// take; this alone checks who asks, and answers.
pub fn router(control: Arc<dyn Control>, access: Access) -> Router {
    let served = Served { control, streams: Arc::new(Semaphore::new(MOST_STREAMS)) };
    let router =
        ROUTES.iter().fold(Router::new(), |router, route| match MethodFilter::try_from(route.method.clone()) {
            Ok(method) => router.route(route.path, (route.handler)(method)),
            // None of the table is one that the library does not know.
            Err(_) => router,
        });
    router
        .fallback(async || Failure::unknown("there is nothing at this path: `/v1/openapi.json` says what there is"))
        .method_not_allowed_fallback(async || {
            let reason = "this path has no such method: `/v1/openapi.json` says which ones it has";
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, ErrorKind::Invalid, reason)
        })
        .layer(from_fn_with_state(Arc::new(access), guard::admit))
        .with_state(served)
}

/// Streams of events at once.
pub(crate) const MOST_STREAMS: usize = 32;
