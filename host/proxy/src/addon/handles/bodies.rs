//! Handles of contents, and contents that a component gives its messages.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::{Result, component::Resource};

use super::{Edited, HANDLE, Handles, Part, RequestHandle, ResponseHandle};
use crate::{
    addon::{
        bindings::proxyhost::addon::messages::EditError,
        limits::Limits,
        memory::{Account, Charge, OutOfMemory, SharedCharge},
    },
    flow::{Body, BodyFailure},
};

/// A message's content.
pub struct BodyHandle {
    body: Body,
    memory: SharedCharge,
    _handle: Charge,
}

/// A place in a message's content.
pub struct BodyReader {
    body: Body,
    /// How many bytes of it were read.
    offset: u64,
    memory: SharedCharge,
    _handle: Charge,
}

impl Handles {
    /// Gives the component the body of a request.
    ///
    /// # Errors
    /// When the handle is not the component's, or it has no room.
    pub fn request_body(&mut self, request: &Resource<RequestHandle>) -> Result<Resource<BodyHandle>> {
        let handle = self.table.get_mut(request)?;
        if let Some(asked) = &mut handle.asked {
            match handle.request.body {
                Body::Empty => asked.part(Part::NoContent),
                _ => asked.more(),
            }
        }
        let (body, memory) = (handle.request.body.clone(), handle.body.clone());
        self.give_body(body, memory)
    }

    /// Gives the component the body of a response.
    ///
    /// # Errors
    /// When the handle is not the component's, or it has no room.
    pub fn response_body(&mut self, response: &Resource<ResponseHandle>) -> Result<Resource<BodyHandle>> {
        let handle = self.table.get(response)?;
        let (body, memory) = (handle.response.body.clone(), handle.body.clone());
        self.give_body(body, memory)
    }

    fn give_body(&mut self, body: Body, memory: SharedCharge) -> Result<Resource<BodyHandle>> {
        charge_for_held(&body, &memory)?;
        let handle = Charge::new(&self.account, HANDLE)?;
        Ok(self.table.push(BodyHandle { body, memory, _handle: handle })?)
    }

    /// Gives the component a reader of a body.
    ///
    /// # Errors
    /// When the handle is not the component's, or it has no room.
    pub fn reader(&mut self, body: &Resource<BodyHandle>) -> Result<Resource<BodyReader>> {
        let handle = self.table.get(body)?;
        let (body, memory) = (handle.body.clone(), handle.memory.clone());
        let handle = Charge::new(&self.account, HANDLE)?;
        Ok(self.table.push(BodyReader { body, offset: 0, memory, _handle: handle })?)
    }

    /// A body that the component has.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn body(&self, body: &Resource<BodyHandle>) -> Result<&Body> {
        Ok(&self.table.get(body)?.body)
    }

    /// Replaces a request's body.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, when the change is refused.
    pub fn set_request_body(&mut self, request: &Resource<RequestHandle>, content: Vec<u8>) -> Edited {
        self.ask_more(request)?;
        let handle = self.table.get_mut(request)?;
        if handle.is_read_only {
            return Ok(Err(EditError::ReadOnly));
        }
        Ok(replace_body(&mut handle.request.body, &mut handle.body, &self.account, content))
    }

    /// Replaces a response's body.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, when the change is refused.
    pub fn set_response_body(&mut self, response: &Resource<ResponseHandle>, content: Vec<u8>) -> Edited {
        let handle = self.table.get_mut(response)?;
        Ok(replace_body(&mut handle.response.body, &mut handle.body, &self.account, content))
    }

    /// All of a body, once it has arrived; at most `wanted` bytes of it.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, as [`BodyFailure`] says.
    pub async fn collect(
        &mut self,
        body: &Resource<BodyHandle>,
        limits: &Limits,
        wanted: u64,
    ) -> Result<std::result::Result<Bytes, BodyFailure>> {
        let handle = self.table.get(body)?;
        let (body, memory) = (handle.body.clone(), handle.memory.clone());
        let bytes = body.collect(limits.collecting(wanted.min(memory.most() as u64))).await;
        let is_kept = matches!(body, Body::Live(_));
        Ok(bytes.and_then(|bytes| {
            if is_kept {
                memory.raise(bytes.len()).map_err(|_| BodyFailure::TooLarge)?
            }
            Ok(bytes)
        }))
    }

    /// Has a body be kept when it is sent on, for whoever of the addon's calls reads it then; `kept` is charged for it.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, when it is larger than what may be kept.
    pub fn keep(
        &self,
        body: &Resource<BodyHandle>,
        limits: &Limits,
        wanted: u64,
        kept: &Arc<Account>,
    ) -> Result<std::result::Result<(), BodyFailure>> {
        let body = &self.table.get(body)?.body;
        if !body.is_live() {
            return Ok(Ok(()));
        }
        let limit = wanted.min(limits.body);
        // What does not say how long it is may be as long as it may be.
        let most = body.size().unwrap_or(limit);
        let charge =
            usize::try_from(most).ok().filter(|_| most <= limit).and_then(|bytes| Charge::new(kept, bytes).ok());
        let Some(charge) = charge else { return Ok(Err(BodyFailure::TooLarge)) };
        body.keep(limit, Box::new(charge));
        Ok(Ok(()))
    }

    /// The next bytes of a body, at most `limit`.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, as [`BodyFailure`] says.
    pub async fn next_piece(
        &mut self,
        reader: &Resource<BodyReader>,
        limits: &Limits,
        limit: usize,
    ) -> Result<std::result::Result<Option<Bytes>, BodyFailure>> {
        let place = self.table.get(reader)?;
        let (body, offset, memory) = (place.body.clone(), place.offset, place.memory.clone());
        let piece = match body.piece(offset, limit, limits.collecting(memory.most() as u64)).await {
            Ok(Some(piece)) => piece,
            other => return Ok(other),
        };
        let end = offset.saturating_add(piece.len() as u64);
        // What has arrived stays until it is sent.
        if matches!(body, Body::Live(_)) && memory.raise(usize::try_from(end).unwrap_or(usize::MAX)).is_err() {
            return Ok(Err(BodyFailure::TooLarge));
        }
        self.table.get_mut(reader)?.offset = end;
        Ok(Ok(Some(piece)))
    }
}

/// Charges for content that is in memory, and stays there as long as a handle does.
pub(super) fn charge_for_held(body: &Body, memory: &SharedCharge) -> Result<(), OutOfMemory> {
    match body {
        Body::Bytes(bytes) => memory.raise(bytes.len()),
        _ => Ok(()),
    }
}

fn replace_body(
    body: &mut Body,
    memory: &mut SharedCharge,
    account: &Arc<Account>,
    content: Vec<u8>,
) -> std::result::Result<(), EditError> {
    *memory = SharedCharge::new(account, content.len())?;
    *body = Body::Bytes(Bytes::from(content));
    Ok(())
}
