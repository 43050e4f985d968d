//! The probe once more: two addons with an option of one name cannot be loaded together.

#[path = "../../probe/src/script.rs"]
mod script;

use proxyhost_sdk::{
    Action, Declaration, ErrorHook, Request, RequestHook, Response, ResponseHook,
    declare::{self, Declared},
    options,
};

struct OuterProbe;

impl Declaration for OuterProbe {
    fn declare() -> Declared {
        declare::component("does as it is told", vec![declare::texts(OPTION, "An instruction")])
    }
}

/// The instructions.
const OPTION: &str = "outer_probe";

impl RequestHook for OuterProbe {
    fn on_request(request: &Request) -> Action {
        script::on_request(&options::texts(OPTION), request)
    }
}

impl ResponseHook for OuterProbe {
    fn on_response(request: &Request, response: &Response) -> Action {
        script::on_response(&options::texts(OPTION), request, response)
    }
}

impl ErrorHook for OuterProbe {
    fn on_error(request: &Request, kind: String, detail: String) {
        script::on_error(&options::texts(OPTION), request, &kind, &detail);
    }
}

proxyhost_sdk::export!(OuterProbe: declaration, request_hook, response_hook, error_hook);
