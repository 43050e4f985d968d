//! One flow's road: addons' request hooks → an answer, or the server → addons' response hooks.

use std::sync::{Arc, LazyLock};

use http::StatusCode;
use tracing::{debug, warn};

use crate::{
    addon::Action,
    flow::{
        ByteStream, Decision, Destination, Fault, FaultKind, InterimSink, Lease, Request, RequestHead, Response,
        Unanswered,
    },
    generation::{Generation, Generations},
    listen::Service,
    onboarding::Onboarding,
    throttle::Throttle,
    upstream::{Egress, Forward, Upstream, Via},
};

/// Makes responses of requests.
pub struct Proxy<U = Upstream> {
    /// The addons, which may be replaced while flows pass.
    pub generations: Arc<Generations>,
    /// Connections to servers; `None` when there must be none.
    pub upstream: Option<U>,
    /// Where connections may go.
    pub egress: Arc<Egress>,
    /// What answers those who ask the proxy itself.
    pub onboarding: Option<Arc<Onboarding>>,
    /// This proxy's entry in the `Via` field of forwarded responses.
    pub via: Option<Via>,
}

impl<U: Forward> Service for Proxy<U> {
    async fn respond(
        &self,
        mut request: Request,
        interim: Option<Arc<dyn InterimSink>>,
    ) -> Result<Response, Unanswered> {
        let generation = self.generations.current();
        let mut answered = self.answer(&generation, &mut request, interim).await;
        let (flow, head) = (request.flow.0, &request.head);
        match &answered {
            Ok(response) => debug!(flow, status = response.head.status.as_u16(), "{} {}", head.method, head.shown()),
            Err(Unanswered::Killed) => debug!(flow, "killed: {} {}", head.method, head.shown()),
            Err(Unanswered::Failed(fault)) => self.failed(&generation, &request, fault).await,
        }
        if let Ok(response) = &mut answered {
            response.lease = Lease::of(generation);
        }
        answered
    }

    fn check_tunnel(&self, destination: &Destination) -> Result<(), Fault> {
        self.egress.check(destination)
    }

    async fn connect(&self, mut request: Request) -> Result<(ByteStream, Lease), Unanswered> {
        let generation = self.generations.current();
        let connected = match generation.chain.request(&mut request).await {
            // There is no way to give the inside of such a tunnel an answer.
            Ok((Action::Kill | Action::Respond(_), _)) => return Err(Unanswered::Killed),
            Ok((Action::Next(()), _)) => {
                request.notes.decide(Decision::Forwarded(request.head.destination.clone()));
                self.tunnel(&generation, &request).await
            }
            Err(fault) => Err(fault),
        };
        if let Err(fault) = &connected {
            self.failed(&generation, &request, fault).await;
        }
        Ok((connected?, Lease::of(generation)))
    }
}

impl<U: Forward> Proxy<U> {
    /// Takes a request through the addons, and to its server if none of them answers.
    async fn answer(
        &self,
        generation: &Generation,
        request: &mut Request,
        interim: Option<Arc<dyn InterimSink>>,
    ) -> Result<Response, Unanswered> {
        let (action, before) = generation.chain.request(request).await?;
        if let Some(own) = self.onboarding.as_ref().and_then(|onboarding| onboarding.answer(request, &action)) {
            return Ok(own);
        }
        let response = match action {
            Action::Kill => return Err(Unanswered::Killed),
            Action::Respond(response) => response,
            Action::Next(()) => {
                let upstream = self.reachable(generation, &request.head.destination)?;
                request.notes.decide(Decision::Forwarded(request.head.destination.clone()));
                // Boxed, as it is large, and flows that an addon answers would carry it along too.
                Box::new(Box::pin(upstream.send(request.clone(), interim)).await?)
            }
        };
        let mut response = generation.chain.response(before, request, response).await?.ok_or(Unanswered::Killed)?;
        if let Some(via) = self.via.as_ref().filter(|_| before == generation.chain.len()) {
            let head = Arc::make_mut(&mut response.head);
            via.append(&mut head.fields, head.version);
        }
        if !response.latency.is_zero() {
            tokio::time::sleep(response.latency).await;
        }
        settle_upgrade(&request.head, &mut response)?;
        Ok(*response)
    }

    /// Connects a tunnel.
    async fn tunnel(&self, generation: &Generation, request: &Request) -> Result<ByteStream, Fault> {
        let destination = &request.head.destination;
        self.reachable(generation, destination)?.tunnel(destination, &request.route).await
    }

    /// Connections to servers, unless there must be none.
    fn reachable(&self, generation: &Generation, destination: &Destination) -> Result<&U, Fault> {
        generation.check_out()?;
        self.upstream.as_ref().ok_or_else(|| {
            let server = destination.host_and_port();
            Fault::new(FaultKind::Offline, format!("nothing is sent to `{server}`: the proxy is offline (--offline)"))
        })
    }

    /// Tells the log and the addons that a request got no response.
    async fn failed(&self, generation: &Generation, request: &Request, fault: &Fault) {
        let (flow, head, kind) = (request.flow.0, &request.head, fault.kind.name());
        match fault.kind {
            // Its own line says more, and there is one for many.
            FaultKind::Addon => debug!(flow, kind, "{} {}: {fault}", head.method, head.shown()),
            _ if is_new(fault.kind) => warn!(flow, kind, "{} {}: {fault}", head.method, head.shown()),
            _ => debug!(flow, kind, "{} {}: {fault}", head.method, head.shown()),
        }
        generation.chain.error(request, fault).await;
    }
}

/// Whether a failure of this kind is to be written: one a second is, and the others are counted.
fn is_new(kind: FaultKind) -> bool {
    static FAILURES: LazyLock<Throttle<FaultKind>> = LazyLock::new(|| {
        Throttle::new(1, |kind: FaultKind, flows| {
            warn!(kind = kind.name(), flows, "{flows} more flows failed in the same way");
        })
    });
    FAILURES.admits(kind)
}

/// A response that upgrades the connection needs a request for that, and somebody to speak with. An addon may have replaced
/// it by another one, and then nothing is upgraded.
fn settle_upgrade(request: &RequestHead, response: &mut Response) -> Result<(), Fault> {
    if response.head.status != StatusCode::SWITCHING_PROTOCOLS {
        response.upgrade.endpoint = None;
        return Ok(());
    }
    if request.upgrade.is_some() && response.upgrade.endpoint.is_some() {
        return Ok(());
    }
    let detail = "the answer upgrades the connection, which the client did not ask for";
    Err(Fault::new(FaultKind::ResponseIncomplete, detail))
}

#[cfg(test)]
mod tests;
