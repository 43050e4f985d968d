//! An addon with one instance that counts the requests it sees, from a hundred on, and answers with the number: its state is
//! in its memory. `/crash` ends it, what is sent to `/echo` is read, and `/slow` takes a moment.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use proxyhost_sdk::{
    Action, Declaration, Lifecycle, Readiness, Request, RequestHook, Response, Startup,
    declare::{self, Declared},
    log,
};

struct Counting;

static SEEN: AtomicU32 = AtomicU32::new(0);

impl Declaration for Counting {
    fn declare() -> Declared {
        declare::component("counts requests", Vec::new()).alone().reading_bodies()
    }
}

impl Lifecycle for Counting {
    fn configure() -> Result<Readiness, String> {
        SEEN.store(90, Ordering::Relaxed);
        Ok(Readiness::Active)
    }
}

impl Startup for Counting {
    fn start() -> Result<(), String> {
        SEEN.fetch_add(10, Ordering::Relaxed);
        Ok(())
    }
}

impl RequestHook for Counting {
    fn on_request(request: &Request) -> Action {
        let path = request.path();
        assert!(path != "/crash", "as it is told");
        if path == "/slow" {
            log::write(log::Level::Info, "a moment");
            thread::sleep(Duration::from_millis(500));
        }
        let read = if path == "/echo" { request.body().read(u64::MAX).unwrap_or_default() } else { Vec::new() };
        let number = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
        let response = Response::new(200);
        let text = format!("{number} {}", String::from_utf8_lossy(&read));
        match response.set_body(text.trim_end().as_bytes()) {
            Ok(()) => Action::Respond(response),
            Err(_) => Action::Kill,
        }
    }
}

proxyhost_sdk::export!(Counting: declaration, lifecycle, startup, request_hook);
