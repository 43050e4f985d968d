//! The chain of addons: requests go inwards in the order listed, responses come back outwards.

use std::sync::Arc;

use tracing::debug;

use super::{action::Action, hooks::Addon};
use crate::flow::{Decision, Fault, Request, Response};

/// The addons of a host, outermost first.
#[derive(Debug, Default)]
pub struct Chain(Vec<Arc<Addon>>);

impl Chain {
    /// Addons in order, outermost first.
    pub fn new(addons: Vec<Arc<Addon>>) -> Self {
        Self(addons)
    }

    /// The addons, outermost first.
    pub fn addons(&self) -> &[Arc<Addon>] {
        &self.0
    }

    /// The addons themselves.
    pub fn into_addons(self) -> Vec<Arc<Addon>> {
        self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a request inwards, until an addon answers or all have seen it. The request then has their changes. Beside what
    /// is to happen stands how many addons the response passes on its way out, see [`Chain::response`].
    ///
    /// # Errors
    /// When an addon failed whose policy is to fail.
    pub async fn request(&self, request: &mut Request) -> Result<(Action, usize), Fault> {
        for (position, addon) in self.0.iter().enumerate().filter(|(_, addon)| addon.sees_requests()) {
            match addon.on_request(request).await? {
                Action::Next(changed) => *request = *changed,
                Action::Respond(response) => {
                    debug!(flow = request.flow.0, addon = addon.name(), "answered by addon");
                    request.notes.decide(Decision::Answered(addon.shared_name()));
                    return Ok((Action::Respond(response), position));
                }
                Action::Kill => {
                    debug!(flow = request.flow.0, addon = addon.name(), "killed by addon");
                    request.notes.decide(Decision::Killed(addon.shared_name()));
                    return Ok((Action::Kill, position));
                }
            }
        }
        Ok((Action::Next(()), self.len()))
    }

    /// Takes a response outwards through the addons before a position; `None` when one ended the flow.
    ///
    /// # Errors
    /// When an addon failed whose policy is to fail.
    pub async fn response(
        &self,
        before: usize,
        request: &Request,
        mut response: Box<Response>,
    ) -> Result<Option<Box<Response>>, Fault> {
        for addon in self.0.iter().take(before).rev().filter(|addon| addon.sees_responses()) {
            match addon.on_response(request, &response).await? {
                Action::Next(changed) => response = changed,
                Action::Respond(instead) => {
                    request.notes.decide(Decision::Answered(addon.shared_name()));
                    response = instead;
                }
                Action::Kill => {
                    request.notes.decide(Decision::Killed(addon.shared_name()));
                    return Ok(None);
                }
            }
        }
        Ok(Some(response))
    }

    /// Opens files again that others may have put away.
    pub fn reopen(&self) {
        self.0.iter().for_each(|addon| addon.reopen());
    }

    /// Waits until nothing is left to be done for the addons. For when no flow is left.
    pub async fn finish(&self) {
        for addon in &self.0 {
            addon.finish().await;
        }
    }

    /// Tells all addons that a request got no response.
    pub async fn error(&self, request: &Request, fault: &Fault) {
        for addon in self.0.iter().rev().filter(|addon| addon.sees_errors()) {
            // A failure here is in the log already, and there is a fault to report already.
            let _ = addon.on_error(request, fault).await;
        }
    }
}
