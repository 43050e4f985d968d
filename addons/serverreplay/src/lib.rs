//! Answers requests from a recorded conversation: the default addon.
//!
//! Hooks: `lifecycle` opens the recordings and files every recorded exchange under the key that the *matcher* gives
//! it; `request-hook` looks the live request's key up, takes the next recorded response, has the *refresher* bring it
//! up to date and answers with it. A request without a recorded response follows the miss policy, which stays in force
//! after the last response was used. What a client has already, wants a part of, cannot decode or knows by another address
//! gives the response another form. `commands` lists, resets and replaces what is replayed while the host runs.

pub mod accepted;
pub mod allowed;
mod commands;
mod comparison;
pub mod difference;
mod form;
mod miss;
mod nearest;
pub mod options;
mod preflight;
mod query;
pub mod ranges;
mod replay;
mod report;
pub mod reverse;
mod special;
pub mod validators;
pub mod words;

use proxyhost_sdk::{
    Action, Commands, Declaration, Lifecycle, Readiness, Request, RequestHook, Value,
    command::{Answer, Command},
    declare::Declared,
};

struct ServerReplay;

impl Declaration for ServerReplay {
    fn declare() -> Declared {
        options::declared()
    }
}

impl Lifecycle for ServerReplay {
    fn configure() -> Result<Readiness, String> {
        replay::load()
    }
}

impl Commands for ServerReplay {
    fn offered() -> Vec<Command> {
        commands::offered()
    }

    fn run(name: String, arguments: Vec<Value>) -> Result<Answer, String> {
        commands::run(&name, arguments)
    }
}

impl RequestHook for ServerReplay {
    fn on_request(request: &Request) -> Action {
        replay::answer(request)
    }
}

proxyhost_sdk::export!(ServerReplay: declaration, lifecycle, commands, request_hook);
