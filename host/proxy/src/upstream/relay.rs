//! Passing a server's interim responses (1xx) on, within bounds.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::Notify;

use crate::flow::InterimSink;

/// Most interim responses to one request.
pub(super) const MOST: u32 = 32;

/// Where the interim responses to one request go.
#[derive(Clone)]
pub(super) struct Relay(Arc<Shared>);

struct Shared {
    /// `None` where the client's protocol has no interim responses.
    client: Option<Arc<dyn InterimSink>>,
    seen: AtomicU32,
    too_many: Notify,
}

impl Relay {
    pub(super) fn new(client: Option<Arc<dyn InterimSink>>) -> Self {
        Self(Arc::new(Shared { client, seen: AtomicU32::new(0), too_many: Notify::new() }))
    }

    /// Has the interim responses to a request sent to the client.
    pub(super) fn watch<B>(&self, request: &mut http::Request<B>) {
        let shared = self.0.clone();
        hyper::ext::on_informational(request, move |response| {
            if shared.seen.fetch_add(1, Ordering::Relaxed) >= MOST {
                shared.too_many.notify_one();
                return;
            }
            // 100 asks for the body, which the client sends as we read it; 101 is a final answer here.
            if let Some(client) = &shared.client
                && response.status().as_u16() > 101
            {
                client.send(response.status(), response.headers());
            }
        });
    }

    /// Waits until there were too many.
    pub(super) async fn too_many(&self) {
        self.0.too_many.notified().await;
    }
}
