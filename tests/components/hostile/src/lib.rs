//! A component that does harm where its option says, to flows whose path begins with `/hostile` (as a refresher, to recorded
//! responses with a field `x-hostile`), and serves all others.
//!
//! As an addon: `--set hostile='request loop'`; as a plug of server replay: `--set hostile='matcher loop'`. What it does while
//! it declares itself is chosen when it is built: `HOSTILE_DECLARE=loop cargo build …`.

mod misdeeds;

use proxyhost_sdk::{
    Action, Comparison, Declaration, ErrorHook, Lifecycle, Matcher, Part, Readiness, Refresher, Request, RequestHook,
    Response, ResponseHook,
    declare::{self, Declared},
    options,
};

use misdeeds::Victim;

struct Hostile;

/// Where and what: `request loop`.
const OPTION: &str = "hostile";

impl Declaration for Hostile {
    fn declare() -> Declared {
        let options = vec![declare::texts(OPTION, "Where to do harm, and which")];
        let mut declared = declare::component("does harm", options);
        if let Some(misdeed) = option_env!("HOSTILE_DECLARE") {
            match misdeeds::perform(misdeed, &Victim::Nobody) {
                misdeeds::Outcome::Nothing => {}
                misdeeds::Outcome::Invalid => {
                    let option = |number| declare::text(&format!("hostile_{number}"), "", "One of many");
                    declared.options.extend((0..100_000).map(option));
                }
            }
        }
        declared
    }
}

/// Does what the option says for a place.
fn act(place: &str, victim: &Victim<'_>) -> misdeeds::Outcome {
    for instruction in options::texts(OPTION) {
        if let Some((at, misdeed)) = instruction.split_once(' ')
            && at == place
        {
            return misdeeds::perform(misdeed, victim);
        }
    }
    misdeeds::Outcome::Nothing
}

fn is_meant(request: &Request) -> bool {
    request.path().starts_with("/hostile")
}

impl Lifecycle for Hostile {
    fn configure() -> Result<Readiness, String> {
        match act("configure", &Victim::Nobody) {
            misdeeds::Outcome::Nothing => Ok(Readiness::Active),
            misdeeds::Outcome::Invalid => Err("no ".repeat(2_000_000)),
        }
    }
}

/// An answer that no client can be given.
fn impossible() -> Action {
    Action::Respond(Response::new(999))
}

impl RequestHook for Hostile {
    fn on_request(request: &Request) -> Action {
        if !is_meant(request) {
            return Action::Next;
        }
        match act("request", &Victim::Request(request)) {
            misdeeds::Outcome::Nothing => Action::Next,
            misdeeds::Outcome::Invalid => impossible(),
        }
    }
}

impl ResponseHook for Hostile {
    fn on_response(request: &Request, response: &Response) -> Action {
        if !is_meant(request) {
            return Action::Next;
        }
        match act("response", &Victim::Response(response)) {
            misdeeds::Outcome::Nothing => Action::Next,
            misdeeds::Outcome::Invalid => impossible(),
        }
    }
}

impl ErrorHook for Hostile {
    fn on_error(request: &Request, _kind: String, _detail: String) {
        if is_meant(request) {
            act("error", &Victim::Request(request));
        }
    }
}

impl Matcher for Hostile {
    fn key(request: &Request) -> Option<Vec<u8>> {
        // Not while the recording is loaded, in which there is no such path.
        if request.path().starts_with("/hostile/live")
            && let misdeeds::Outcome::Invalid = act("matcher", &Victim::Request(request))
        {
            return Some(vec![b'k'; 12 << 20]);
        }
        Some(request.path().into_bytes())
    }

    fn key_by(_request: &Request, _comparison: Comparison) -> Option<Vec<u8>> {
        None
    }

    fn explain(_request: &Request, _limit: u64) -> Vec<Part> {
        Vec::new()
    }

    fn suggest(_live: &Request, _recorded: &Request, _limit: u64) -> Option<String> {
        None
    }
}

impl Refresher for Hostile {
    fn refresh(response: &Response, _recorded_at: f64, _now: f64) {
        if response.field("x-hostile").is_some() {
            act("refresher", &Victim::Response(response));
        }
    }
}

proxyhost_sdk::export!(Hostile: declaration, lifecycle, request_hook, response_hook, error_hook, matcher, refresher);
