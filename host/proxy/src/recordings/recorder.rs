//! Recording, for components.

use std::sync::Arc;

use wasmtime::{Result, component::Resource};

use recording::{Existing, Recorder, Redaction};

use super::{PassingRecorder, bindings::recorder, capability::View};
use crate::{
    addon::handles::{RequestHandle, ResponseHandle},
    flow::{Fields, Request, Response},
};

impl recorder::Host for View<'_> {
    async fn open(&mut self, file: String, redact: Vec<String>) -> Result<Result<Option<String>, String>> {
        if !self.is_configuring {
            return Ok(Err("a file can only be opened while the addon is configured".to_owned()));
        }
        if !self.addon.grants.may_write(&file) {
            return Ok(Err(format!("cannot record to `{file}`: the user set no `output` option of the addon to it")));
        }
        let redaction = match Redaction::parse(&redact) {
            Ok(redaction) => redaction,
            Err(error) => return Ok(Err(oneline::chain(&error))),
        };
        let existing = if self.addon.grants.may_replace() { Existing::Replace } else { Existing::Refuse };
        if self.addon.is_trial {
            return Ok(Recorder::check(&file, existing).map(|()| None).map_err(|error| oneline::chain(&error)));
        }
        let recordings = self.recordings()?;
        // Recording goes on where only other options have changed.
        let going_on = recordings.before().and_then(|before| before.recorder.get().cloned());
        let (recorder, notice) = match going_on.filter(|recorder| recorder.is_for(&file, &redact)) {
            Some(recorder) => (recorder, None),
            None => {
                match tokio::task::spawn_blocking(move || PassingRecorder::open(&file, existing, &redact, redaction))
                    .await?
                {
                    Ok((recorder, notice)) => (Arc::new(recorder), notice),
                    Err(error) => return Ok(Err(oneline::chain(&error))),
                }
            }
        };
        let once = recordings.recorder.set(recorder);
        Ok(once.map(|()| notice).map_err(|_| "the addon records to another file already".to_owned()))
    }

    fn keep(&mut self, request: Resource<RequestHandle>) -> Result<()> {
        let Some(recorder) = self.recordings()?.recorder.get().cloned() else { return Ok(()) };
        recorder.keep(self.handles.request_mut(&request)?);
        Ok(())
    }

    async fn save(&mut self, request: Resource<RequestHandle>, response: Resource<ResponseHandle>) -> Result<()> {
        let Some(recorder) = self.recordings()?.recorder.get() else { return Ok(()) };
        let request = self.handles.request(&request)?.clone();
        let held = held_while_passing(&request, self.handles.response(&response)?);
        let response = self.handles.response_mut(&response, held)?;
        if let Some(completion) = recorder.save(&request, response) {
            completion.await;
        }
        Ok(())
    }

    async fn save_failed(&mut self, request: Resource<RequestHandle>, mut reason: String) -> Result<()> {
        let Some(recorder) = self.recordings()?.recorder.get() else { return Ok(()) };
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        let completion = recorder.save_failed(self.handles.request(&request)?, reason);
        completion.await;
        Ok(())
    }
}

/// Most bytes of the reason why a request has no response.
const LONGEST_REASON: usize = 8 * 1024;

/// What the exchange takes, beside its contents, until its response has passed.
fn held_while_passing(request: &Request, response: &Response) -> usize {
    memory(&request.head.fields) + memory(&response.head.fields) + EXCHANGE
}

fn memory(fields: &Fields) -> usize {
    fields.map().iter().map(|(name, value)| name.as_str().len() + value.len() + LINE).sum()
}

/// What a field line and an exchange take beside their bytes.
const LINE: usize = 128;
const EXCHANGE: usize = 4096;
