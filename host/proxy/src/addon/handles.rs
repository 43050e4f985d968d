//! A component's handles: what they stand for, and whose memory that is.
//!
//! Whatever a handle keeps is charged to the component: made here and nowhere else, a handle carries its charges, and
//! dropping it gives them back. A message that is lent for a call is the flow's; of it only the handle and the changes count.
//!
//! `heads` is how heads are charged, `bodies` the handles of contents, `asked` what is asked of a request.

use std::sync::Arc;

use wasmtime::{
    Result,
    component::{Resource, ResourceTable},
};

use super::{
    bindings::proxyhost::addon::messages::EditError,
    edit::{HeadSize, Room},
    memory::{Account, Charge, SharedCharge},
};
use crate::flow::{Request, RequestHead, Response, ResponseHead};

mod asked;
mod bodies;
mod heads;

pub use asked::{Asked, Part};
use bodies::charge_for_held;
pub use bodies::{BodyHandle, BodyReader};
use heads::HeadCharge;

/// Most handles that an instance may hold.
const HANDLES: usize = 1024;

/// What a handle takes by itself, with its entries in the tables of the host and of the component.
const HANDLE: usize = 512;

/// A request that a component sees, and perhaps changes.
pub struct RequestHandle {
    request: Box<Request>,
    /// Whether nothing can change it any more: it is part of a recording, or was sent already.
    is_read_only: bool,
    /// What is asked of it, where somebody wants to know.
    asked: Option<Asked>,
    head: HeadCharge,
    body: SharedCharge,
}

/// A response that a component sees, changes or makes.
pub struct ResponseHandle {
    response: Box<Response>,
    /// A status that HTTP does not know, given by the component; the response cannot be used.
    wrong_status: Option<u16>,
    head: HeadCharge,
    body: SharedCharge,
    /// What else is held because of the component until the response has gone on.
    kept: Charge,
}

/// The outcome of a change: outside, whether the component misbehaved; inside, whether the change was refused.
pub type Edited = Result<std::result::Result<(), EditError>>;

/// The handles of one instance.
#[derive(Debug)]
pub struct Handles {
    table: ResourceTable,
    account: Arc<Account>,
}

impl Handles {
    /// None yet. What they keep is charged to the account.
    pub fn new(account: Arc<Account>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self { table, account }
    }

    /// The table that WASI's handles are in as well. They keep nothing of size.
    pub fn wasi(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Whether half of the handles are in use, which happens only to components that do not drop them.
    pub fn are_many(&mut self) -> bool {
        self.table.iter_mut().count() > HANDLES / 2
    }

    /// Lends a request for a call.
    ///
    /// # Errors
    /// When the component has no room for it.
    pub fn lend_request(&mut self, request: Box<Request>) -> Result<Resource<RequestHandle>> {
        self.lend(request, false)
    }

    /// Lends a request that was sent already, for a call that can only look at it.
    ///
    /// # Errors
    /// When the component has no room for it.
    pub fn lend_sent_request(&mut self, request: Box<Request>) -> Result<Resource<RequestHandle>> {
        self.lend(request, true)
    }

    fn lend(&mut self, request: Box<Request>, is_read_only: bool) -> Result<Resource<RequestHandle>> {
        let head = HeadCharge::lent(&self.account, 0)?;
        let body = SharedCharge::new(&self.account, 0)?;
        Ok(self.table.push(RequestHandle { request, is_read_only, asked: None, head, body })?)
    }

    /// Lends a response for a call.
    ///
    /// # Errors
    /// When the component has no room for it.
    pub fn lend_response(&mut self, response: Box<Response>) -> Result<Resource<ResponseHandle>> {
        let head = HeadCharge::lent(&self.account, 0)?;
        let body = SharedCharge::new(&self.account, 0)?;
        let kept = Charge::new(&self.account, 0)?;
        Ok(self.table.push(ResponseHandle { response, wrong_status: None, head, body, kept })?)
    }

    /// Gives the component a request that it may look at. `held` are the bytes that are kept for it beside its head.
    ///
    /// # Errors
    /// When the component has no room for it.
    pub fn give_request(&mut self, request: Request, held: usize) -> Result<Resource<RequestHandle>> {
        let head = HeadCharge::owned(&self.account, HeadSize::of_request(&request.head), held)?;
        let body = SharedCharge::new(&self.account, 0)?;
        let request = Box::new(request);
        Ok(self.table.push(RequestHandle { request, is_read_only: true, asked: None, head, body })?)
    }

    /// Gives the component a response. `held` are the bytes that are kept for it beside its head.
    ///
    /// # Errors
    /// When the component has no room for it.
    pub fn give_response(&mut self, response: Response, held: usize) -> Result<Resource<ResponseHandle>> {
        self.add_response(response, None, held)
    }

    /// Gives the component a response that it makes. A status that no response can have is kept until it is used.
    ///
    /// # Errors
    /// When the component has no room for it.
    pub fn new_response(&mut self, response: Response, wrong_status: Option<u16>) -> Result<Resource<ResponseHandle>> {
        self.add_response(response, wrong_status, 0)
    }

    fn add_response(
        &mut self,
        response: Response,
        wrong_status: Option<u16>,
        held: usize,
    ) -> Result<Resource<ResponseHandle>> {
        // One that others hold as well is kept for them already.
        let head = if Arc::strong_count(&response.head) > 1 {
            HeadCharge::lent(&self.account, held)?
        } else {
            HeadCharge::owned(&self.account, HeadSize::of_response(&response.head), held)?
        };
        let body = SharedCharge::new(&self.account, 0)?;
        let (kept, response) = (Charge::new(&self.account, 0)?, Box::new(response));
        Ok(self.table.push(ResponseHandle { response, wrong_status, head, body, kept })?)
    }

    /// Gives the component a copy of a request, which shares its body.
    ///
    /// # Errors
    /// When the handle is not the component's, or it has no room for the copy.
    pub fn copy_request(&mut self, request: &Resource<RequestHandle>) -> Result<Resource<RequestHandle>> {
        self.ask_more(request)?;
        let handle = self.table.get(request)?;
        let (request, body) = (handle.request.clone(), handle.body.clone());
        charge_for_held(&request.body, &body)?;
        let head = HeadCharge::owned(&self.account, HeadSize::of_request(&request.head), 0)?;
        Ok(self.table.push(RequestHandle { request, is_read_only: false, asked: None, head, body })?)
    }

    /// A request that the component has.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn request(&self, request: &Resource<RequestHandle>) -> Result<&Request> {
        Ok(&self.table.get(request)?.request)
    }

    /// A request of which the component asks for a part.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub(super) fn ask(&mut self, request: &Resource<RequestHandle>, part: Part) -> Result<&Request> {
        self.asking(request, |asked| asked.part(part))
    }

    /// A request of which the component asks for a field.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub(super) fn ask_field(&mut self, request: &Resource<RequestHandle>, name: &str) -> Result<&Request> {
        self.asking(request, |asked| asked.field(name))
    }

    /// A request of which the component asks for something that no other request has alike.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub(super) fn ask_more(&mut self, request: &Resource<RequestHandle>) -> Result<&Request> {
        self.asking(request, Asked::more)
    }

    fn asking(&mut self, request: &Resource<RequestHandle>, note: impl FnOnce(&mut Asked)) -> Result<&Request> {
        let handle = self.table.get_mut(request)?;
        if let Some(asked) = &mut handle.asked {
            note(asked);
        }
        Ok(&handle.request)
    }

    /// Takes note from now on of what the component asks of a request.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn note_asked(&mut self, request: &Resource<RequestHandle>) -> Result<()> {
        self.table.get_mut(request)?.asked = Some(Asked::default());
        Ok(())
    }

    /// What the component has asked of a request since that is noted; nothing where no other request can be alike in it. It is
    /// noted no longer.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn take_asked(&mut self, request: &Resource<RequestHandle>) -> Result<Option<Asked>> {
        Ok(self.table.get_mut(request)?.asked.take().filter(Asked::can_recur))
    }

    /// A request that the component has, for what a capability attaches to its flow.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn request_mut(&mut self, request: &Resource<RequestHandle>) -> Result<&mut Request> {
        Ok(&mut self.table.get_mut(request)?.request)
    }

    /// A response that the component has.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn response(&self, response: &Resource<ResponseHandle>) -> Result<&Response> {
        Ok(&self.table.get(response)?.response)
    }

    /// A response that the component has, for what the host does to it on the component's behalf. That is held until the
    /// response has gone on, and counts so many bytes.
    ///
    /// # Errors
    /// When the handle is not the component's, or it has no room.
    pub fn response_mut(&mut self, response: &Resource<ResponseHandle>, bytes: usize) -> Result<&mut Response> {
        let handle = self.table.get_mut(response)?;
        handle.kept.raise_by(bytes)?;
        Ok(&mut handle.response)
    }

    /// The status of a response, also one that it cannot have.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn status(&self, response: &Resource<ResponseHandle>) -> Result<u16> {
        let handle = self.table.get(response)?;
        Ok(handle.wrong_status.unwrap_or(handle.response.head.status.as_u16()))
    }

    /// Changes a request's head.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, when the change is refused.
    pub(super) fn edit_request(
        &mut self,
        request: &Resource<RequestHandle>,
        edit: impl FnOnce(&mut RequestHead, &mut Room<'_>) -> std::result::Result<(), EditError>,
    ) -> Edited {
        self.ask_more(request)?;
        let RequestHandle { request, is_read_only, head, .. } = self.table.get_mut(request)?;
        if *is_read_only {
            return Ok(Err(EditError::ReadOnly));
        }
        Ok(match head.room(|| HeadSize::of_request(&request.head)) {
            Ok(mut room) => edit(Arc::make_mut(&mut request.head), &mut room),
            Err(refused) => Err(refused.into()),
        })
    }

    /// Changes a response's head.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, when the change is refused.
    pub(super) fn edit_response(
        &mut self,
        response: &Resource<ResponseHandle>,
        edit: impl FnOnce(&mut ResponseHead, &mut Room<'_>) -> std::result::Result<(), EditError>,
    ) -> Edited {
        let ResponseHandle { response, head, .. } = self.table.get_mut(response)?;
        Ok(match head.room(|| HeadSize::of_response(&response.head)) {
            Ok(mut room) => edit(Arc::make_mut(&mut response.head), &mut room),
            Err(refused) => Err(refused.into()),
        })
    }

    /// Gives a response a status.
    ///
    /// # Errors
    /// When the handle is not the component's; inside, when the change is refused.
    pub fn set_status(&mut self, response: &Resource<ResponseHandle>, status: http::StatusCode) -> Edited {
        let edited = self.edit_response(response, |head, _| {
            head.status = status;
            head.reason = None;
            Ok(())
        })?;
        if edited.is_ok() {
            self.table.get_mut(response)?.wrong_status = None;
        }
        Ok(edited)
    }

    /// Takes a request back after a call.
    ///
    /// # Errors
    /// When it is not there.
    pub fn take_request(&mut self, request: Resource<RequestHandle>) -> Result<Box<Request>> {
        Ok(self.table.delete(request)?.request)
    }

    /// Takes a response from the component; or the status that keeps it from being used.
    ///
    /// # Errors
    /// When the handle is not the component's.
    pub fn take_response(
        &mut self,
        response: Resource<ResponseHandle>,
    ) -> Result<std::result::Result<Box<Response>, u16>> {
        let handle = self.table.delete(response)?;
        Ok(handle.wrong_status.map_or(Ok(handle.response), Err))
    }

    /// Forgets a handle that the component dropped.
    ///
    /// # Errors
    /// When it is not the component's.
    pub fn forget<T: Send + 'static>(&mut self, handle: Resource<T>) -> Result<()> {
        Ok(self.table.delete(handle).map(drop)?)
    }
}

#[cfg(test)]
mod tests;
