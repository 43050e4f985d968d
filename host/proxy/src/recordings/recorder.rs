//! Recording, for components.

use std::sync::Arc;

use wasmtime::{Result, component::Resource};

use recording::Redaction;

use super::PassingRecorder;
use crate::addon::{
    bindings::proxyhost::addon::recorder,
    handles::{RequestHandle, ResponseHandle},
    options::Value,
    state::State,
};

impl recorder::Host for State {
    async fn open(&mut self, file: String, redact: Vec<String>) -> Result<Result<Option<String>, String>> {
        if self.building.is_none() {
            return Ok(Err("a file can only be opened while the addon is configured".to_owned()));
        }
        let granted = self.shared.options.values().any(|value| *value == Value::Text(file.clone()));
        if !granted {
            return Ok(Err(format!("cannot record to `{file}`: no option of the addon names it")));
        }
        let redaction = match Redaction::parse(&redact) {
            Ok(redaction) => redaction,
            Err(error) => return Ok(Err(oneline::chain(&error))),
        };
        if self.shared.is_trial {
            return Ok(Ok(None));
        }
        let opened = tokio::task::spawn_blocking(move || PassingRecorder::open(&file, redaction)).await?;
        match opened {
            Ok((recorder, notice)) => {
                let once = self.shared.recorder.set(Arc::new(recorder));
                Ok(once.map(|()| notice).map_err(|_| "the addon records to another file already".to_owned()))
            }
            Err(error) => Ok(Err(oneline::chain(&error))),
        }
    }

    fn keep(&mut self, request: Resource<RequestHandle>) -> Result<()> {
        let recorder = self.shared.recorder.get().cloned();
        let handle = self.table.get_mut(&request)?;
        if let Some(recorder) = recorder {
            recorder.keep(&mut handle.request);
        }
        Ok(())
    }

    async fn save(&mut self, request: Resource<RequestHandle>, response: Resource<ResponseHandle>) -> Result<()> {
        let Some(recorder) = self.shared.recorder.get().cloned() else { return Ok(()) };
        let request = self.table.get(&request)?.request.clone();
        let handle = self.table.get_mut(&response)?;
        if let Some(settling) = recorder.save(&request, &mut handle.response) {
            settling.await;
        }
        Ok(())
    }

    async fn save_failed(&mut self, request: Resource<RequestHandle>, reason: String) -> Result<()> {
        let Some(recorder) = self.shared.recorder.get().cloned() else { return Ok(()) };
        let settling = recorder.save_failed(&self.table.get(&request)?.request, reason);
        settling.await;
        Ok(())
    }
}
