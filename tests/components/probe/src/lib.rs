//! An addon that does as its option says.

mod script;

use proxyhost_sdk::{
    Action, Declaration, ErrorHook, Request, RequestHook, Response, ResponseHook,
    declare::{self, Declared},
    options,
};

struct Probe;

impl Declaration for Probe {
    fn declare() -> Declared {
        declare::component("does as it is told", vec![declare::texts(OPTION, "An instruction")])
    }
}

/// The instructions.
const OPTION: &str = "probe";

impl RequestHook for Probe {
    fn on_request(request: &Request) -> Action {
        script::on_request(&options::texts(OPTION), request)
    }
}

impl ResponseHook for Probe {
    fn on_response(request: &Request, response: &Response) -> Action {
        script::on_response(&options::texts(OPTION), request, response)
    }
}

impl ErrorHook for Probe {
    fn on_error(request: &Request, kind: String, detail: String) {
        script::on_error(&options::texts(OPTION), request, &kind, &detail);
    }
}

proxyhost_sdk::export!(Probe: declaration, request_hook, response_hook, error_hook);
