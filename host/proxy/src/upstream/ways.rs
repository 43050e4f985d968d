//! Connections that take another way than the direct one.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use super::{
    Clients, Credentials, IDLE_CONNECTIONS,
    connector::{Connector, Plain, Way},
    through::NextProxy,
};
use crate::flow::{Destination, Request, Route};

/// The ways that requests took of late.
pub(super) struct Ways {
    /// Who this proxy is at others, and at the servers that the operator named.
    credentials: Option<Credentials>,
    known: Mutex<LruCache<Route, Arc<Taken>>>,
}

/// A way, with its connections.
pub(super) struct Taken {
    pub(super) connector: Connector,
    pub(super) kept: Clients,
    pub(super) fresh: Clients,
}

/// Ways that are remembered. The connections of others are closed.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(256).expect("it is not zero");

impl Ways {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, known: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// The way to a server, if it is not the direct one.
    pub(super) fn taken(&self, route: &Route, server: &Destination, direct: &Connector) -> Option<Arc<Taken>> {
        let way = match route {
            Route::Direct | Route::Named(_) => return None,
            Route::Pinned(..) => Way::Pinned(route.pinned(server)?),
            Route::Through(proxy) => {
                let proxy = NextProxy { server: proxy.clone(), credentials: self.credentials.clone() };
                Way::Through(proxy, Plain::Sent)
            }
        };
        // Nothing panics while it is held.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = known.get(route) {
            return Some(taken.clone());
        }
        let connector = direct.clone().going(way);
        let (kept, fresh) = (Clients::new(&connector, IDLE_CONNECTIONS), Clients::new(&connector, 0));
        let taken = Arc::new(Taken { connector, kept, fresh });
        known.put(route.clone(), taken.clone());
        Some(taken)
    }

    /// What the server that the operator named is told of this proxy's user. No other server is.
    pub(super) fn authorization(&self, request: &Request) -> Option<&Credentials> {
        let is_named = matches!(&request.route, Route::Named(server) if **server == request.head.destination);
        self.credentials.as_ref().filter(|_| is_named)
    }
}
