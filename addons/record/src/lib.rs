//! Records what passes: a default addon, innermost, so that it sees requests as they go to their server and responses as
//! they come from it. What an addon before it answered was not sent, and is not recorded.
//!
//! It also changes, where that is asked for, what requests ask of servers, so that what is recorded can be replayed to
//! others.
//!
//! Hooks: `lifecycle` opens the file; `request-hook` has the host keep the request's content; `response-hook` has it
//! record the exchange when the response has ended; `error-hook` has it record what failed. The contents themselves never
//! enter the component.

mod edit;
mod options;
mod subject;

use std::sync::OnceLock;

use flowfilter::Filter;
use proxyhost_sdk::{
    Action, Commands, Declaration, ErrorHook, Lifecycle, Readiness, Request, RequestHook, Response, ResponseHook,
    Value,
    command::{Answer, Command, ParameterKind, command},
    declare::Declared,
    log, recorder,
};

use subject::Exchange;

struct Record;

/// The options do not change while an instance lives.
static FILTER: OnceLock<Option<Filter>> = OnceLock::new();

/// Whether an exchange is to be recorded.
fn is_wanted(exchange: &Exchange<'_>) -> bool {
    // `configure` refused a filter that cannot be read.
    let filter = FILTER.get_or_init(|| options::filter().unwrap_or_default());
    filter.as_ref().is_none_or(|filter| filter.matches(exchange))
}

impl Declaration for Record {
    fn declare() -> Declared {
        options::declared()
    }
}

impl Lifecycle for Record {
    fn configure() -> Result<Readiness, String> {
        let Some(file) = options::file() else {
            return Ok(if edit::is_wanted() { Readiness::Active } else { Readiness::Idle });
        };
        options::filter()?;
        if let Some(notice) = recorder::open(&file, &options::redact())? {
            log::write(log::Level::Warn, &notice);
        }
        log::write(log::Level::Info, &format!("recording to {}", file.trim_start_matches('+')));
        Ok(Readiness::Active)
    }
}

impl Commands for Record {
    fn offered() -> Vec<Command> {
        vec![
            command("save.file", "Record to this file from now on: + before it appends, and .har makes it a HAR file")
                .taking("file", ParameterKind::Output),
            command("save.stop", "Record no longer"),
        ]
    }

    fn run(name: String, arguments: Vec<Value>) -> Result<Answer, String> {
        match (name.as_str(), arguments.into_iter().next()) {
            ("save.file", Some(Value::Text(file))) => {
                let answer = Answer::text(format!("recording to {}", file.trim_start_matches('+')));
                Ok(answer.setting("save_stream_file", Value::Text(file)))
            }
            ("save.stop", None) => {
                Ok(Answer::text("recording no longer").setting("save_stream_file", Value::Text(String::new())))
            }
            _ => Err(format!("there is no command `{name}` with such arguments")),
        }
    }
}

impl RequestHook for Record {
    fn on_request(request: &Request) -> Action {
        edit::edit(request);
        recorder::keep(request);
        Action::Next
    }
}

impl ResponseHook for Record {
    fn on_response(request: &Request, response: &Response) -> Action {
        if is_wanted(&Exchange { request, response: Some(response), error: None }) {
            recorder::save(request, response);
        }
        Action::Next
    }
}

impl ErrorHook for Record {
    fn on_error(request: &Request, kind: String, detail: String) {
        let reason = format!("{kind}: {detail}");
        // What is in a tunnel is not an exchange.
        if request.method() != "CONNECT" && is_wanted(&Exchange { request, response: None, error: Some(&reason) }) {
            recorder::save_failed(request, &reason);
        }
    }
}

proxyhost_sdk::export!(Record: declaration, lifecycle, commands, request_hook, response_hook, error_hook);
