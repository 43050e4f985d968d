//! What the component `header` does, as a filter of Envoy: it sets one field of each request and one of each response.

use proxy_wasm::{
    traits::{Context, HttpContext},
    types::Action,
};

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Header));
}}

struct Header;

impl Context for Header {}

impl HttpContext for Header {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_request_header("x-request-header", Some("set"));
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("x-response-header", Some("set"));
        Action::Continue
    }
}
