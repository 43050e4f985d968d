//! What components note of flows.

use std::fmt;

use serde_json::value::RawValue;
use wasmtime::{Result, component::Resource};

use super::{
    bindings::proxyhost::addon::notes::{self, NoteError},
    handles::RequestHandle,
    state::State,
};
use crate::flow::{Note, NoteRefused, Session};

/// Keeps what addons could not answer, for reports.
pub trait NoteKeeper: Send + Sync + fmt::Debug {
    /// The notes called `missed` that an addon left on flows of a session; the latest `limit`, in order.
    fn missed(&self, addon: &str, session: &Session, limit: usize) -> Vec<Noted>;
}

/// A note that was left on a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The number of the flow.
    pub flow: u64,
    /// Method and URL of its request, without the values of the query.
    pub request: String,
    /// What the note said to people.
    pub text: String,
    /// What it said to programs, as JSON.
    pub data: Option<String>,
}

/// Most notes that one call gives.
const MOST: u32 = 1000;

impl notes::Host for State {
    fn note(
        &mut self,
        request: Resource<RequestHandle>,
        name: String,
        text: String,
        data: Option<String>,
    ) -> Result<Result<(), NoteError>> {
        if data.as_deref().is_some_and(|data| serde_json::from_str::<&RawValue>(data).is_err()) {
            return Ok(Err(NoteError::Invalid));
        }
        let request = self.handles.request(&request)?;
        let note = Note { addon: self.shared.name.as_str().into(), name, text: oneline::escaped(&text), data };
        Ok(request.notes.add(note).map_err(|refused| match refused {
            NoteRefused::Many => NoteError::TooMany,
            NoteRefused::Name | NoteRefused::Text | NoteRefused::Data => NoteError::TooLarge,
        }))
    }

    fn missed(&mut self, limit: u32) -> Result<Vec<notes::Noted>> {
        let Some(journal) = &self.shared.journal else { return Ok(Vec::new()) };
        let limit = usize::try_from(limit.min(MOST)).unwrap_or(usize::MAX);
        let noted = journal.missed(&self.shared.name, &self.session, limit);
        Ok(noted
            .into_iter()
            .map(|Noted { flow, request, text, data }| notes::Noted { flow, request, text, data })
            .collect())
    }
}
