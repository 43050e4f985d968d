//! An addon that does as its option says.

mod recorded;
mod script;

use std::sync::atomic::Ordering;

use proxyhost_sdk::{
    Action, Declaration, ErrorHook, Lifecycle, Readiness, Request, RequestHook, Response, ResponseHook, Startup,
    declare::{self, Declared},
    options,
};

struct Probe;

impl Declaration for Probe {
    fn declare() -> Declared {
        let default = |mut option: declare::OptionDeclaration| {
            option.default = Some("default.flows".to_owned());
            option
        };
        declare::component(
            "does as it is told",
            vec![
                declare::texts(OPTION, "An instruction"),
                declare::files("probe_files", "Files to read"),
                declare::output("probe_output", "A file to write"),
                declare::text("probe_text", "", "A text that may be the name of a file"),
                default(declare::files("probe_default_files", "A file that it chose itself")),
                default(declare::output("probe_default_output", "A file that it chose itself")),
            ],
        )
        .reading(&["save_stream_file", "server_replay"])
    }
}

/// The instructions.
const OPTION: &str = "probe";

impl Lifecycle for Probe {
    fn configure() -> Result<Readiness, String> {
        recorded::configure(&options::texts(OPTION)).map(|()| Readiness::Active)
    }
}

impl Startup for Probe {
    fn start() -> Result<(), String> {
        script::STARTS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl RequestHook for Probe {
    fn on_request(request: &Request) -> Action {
        let script = options::texts(OPTION);
        recorded::on_request(&script, request).unwrap_or_else(|| script::on_request(&script, request))
    }
}

impl ResponseHook for Probe {
    fn on_response(request: &Request, response: &Response) -> Action {
        let script = options::texts(OPTION);
        recorded::on_response(&script, request, response);
        script::on_response(&script, request, response)
    }
}

impl ErrorHook for Probe {
    fn on_error(request: &Request, kind: String, detail: String) {
        script::on_error(&options::texts(OPTION), request, &kind, &detail);
    }
}

proxyhost_sdk::export!(Probe: declaration, lifecycle, startup, request_hook, response_hook, error_hook);
