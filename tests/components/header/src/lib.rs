//! The least that an addon of use does: it sets one field of each request and one of each response.

use proxyhost_sdk::{
    Action, Declaration, EditError, Request, RequestHook, Response, ResponseHook,
    declare::{self, Declared},
};

struct Header;

impl Declaration for Header {
    fn declare() -> Declared {
        declare::component("sets a field of each message", Vec::new())
    }
}

impl RequestHook for Header {
    fn on_request(request: &Request) -> Action {
        done(request.set_field("x-request-header", b"set"))
    }
}

impl ResponseHook for Header {
    fn on_response(_request: &Request, response: &Response) -> Action {
        done(response.set_field("x-response-header", b"set"))
    }
}

proxyhost_sdk::export!(Header: declaration, request_hook, response_hook);

/// The action that lets a message go on; a refusal ends its flow, so that nobody measures what was not done.
fn done(edited: Result<(), EditError>) -> Action {
    edited.map_or(Action::Kill, |()| Action::Next)
}
