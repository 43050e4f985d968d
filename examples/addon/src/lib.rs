//! An addon that shows a banner on every page, and answers health checks itself.
//!
//! Hooks: `request-hook` answers `/healthz`; `response-hook` puts the text of the option `banner` into HTML pages. It
//! reads a body only when the head says that it is such a page; everything else streams through. `lifecycle` refuses an
//! empty banner.
//!
//! ```sh
//! cargo build --release --target wasm32-wasip2 -p maintenance-banner
//! proxyhost -S examples/shop.mitm --addon target/wasm32-wasip2/release/maintenance_banner.wasm \
//!     --banner "Back at 6 o'clock"
//! ```

mod page;

pub use page::{Head, banner, is_editable};

use proxyhost_sdk::{
    Action, BodyError, Declaration, EditError, Lifecycle, Readiness, Request, RequestHook, Response, ResponseHook,
    declare::{self, Declared},
    log, options,
};

/// Largest page that gets a banner, in bytes.
const LARGEST_PAGE: u64 = 1 << 20;

struct MaintenanceBanner;

impl Declaration for MaintenanceBanner {
    fn declare() -> Declared {
        declare::component(
            "shows a banner on every page, and answers /healthz",
            vec![declare::text("banner", "Some things may not work today.", "The banner's text").taking("banner")],
        )
    }
}

impl Lifecycle for MaintenanceBanner {
    fn configure() -> Result<Readiness, String> {
        match options::text("banner").trim() {
            "" => Err("option `banner` is empty: give it a text, or leave the addon out".to_owned()),
            _ => Ok(Readiness::Active),
        }
    }
}

impl RequestHook for MaintenanceBanner {
    fn on_request(request: &Request) -> Action {
        let asks_for_health = request.path() == "/healthz" && ["GET", "HEAD"].contains(&request.method().as_str());
        if !asks_for_health {
            return Action::Next;
        }
        let response = Response::new(200);
        let healthy = || {
            response.set_field("content-type", b"text/plain")?;
            response.set_body(b"ok\n")
        };
        done(healthy(), Action::Respond(response))
    }
}

impl ResponseHook for MaintenanceBanner {
    fn on_response(_request: &Request, response: &Response) -> Action {
        let field = |name| response.field(name).unwrap_or_default();
        let (content_type, content_encoding) = (field("content-type"), field("content-encoding"));
        let cache_control = field("cache-control");
        let head = Head {
            status: response.status(),
            content_type: &content_type,
            content_encoding: &content_encoding,
            cache_control: &cache_control,
        };
        if !is_editable(&head) {
            return Action::Next;
        }
        let page = match response.body().read(LARGEST_PAGE) {
            Ok(page) => page,
            Err(BodyError::TooLarge | BodyError::Gone | BodyError::TimedOut | BodyError::Incomplete(_)) => {
                return Action::Next;
            }
        };
        match banner(&page, &options::text("banner")) {
            Some(page) => done(replace(response, &page), Action::Next),
            None => Action::Next,
        }
    }
}

proxyhost_sdk::export!(MaintenanceBanner: declaration, lifecycle, request_hook, response_hook);

fn replace(response: &Response, page: &[u8]) -> Result<(), EditError> {
    // It names the page as the server made it.
    response.remove_field("etag")?;
    response.set_field("x-maintenance", b"banner")?;
    response.set_body(page)
}

/// The action, unless the host refused a change.
fn done(edited: Result<(), EditError>, action: Action) -> Action {
    match edited {
        Ok(()) => action,
        Err(refused) => {
            log::write(log::Level::Error, &format!("the host refused a change: {refused}"));
            Action::Next
        }
    }
}
