//! A request with all that came of it.

use std::{convert::Infallible, net::SocketAddr};

use super::{Request, Response, WebSocket};

/// A request and what came of it. Times are in seconds since the epoch.
#[derive(Clone, Debug)]
pub struct Flow<C> {
    /// The recorder's name for it, usually a UUID; empty if it has none.
    pub id: String,
    /// The client's address, if it is known. Those in flow files are read by [`crate::Details`] only: nobody replays them.
    pub client: Option<SocketAddr>,
    /// The server's address, as for the client.
    pub server: Option<SocketAddr>,
    /// What the client asked.
    pub request: Request<C>,
    /// What the server answered, if it did.
    pub response: Option<Response<C>>,
    /// Why it failed, if it did. A response may be there nevertheless, usually cut short.
    pub error: Option<Failure>,
    /// What was said after the protocol was changed to WebSocket, if it was recorded and every message can be read.
    pub websocket: Option<WebSocket<C>>,
}

/// Why a flow failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The reason, for people.
    pub reason: String,
    /// When it failed, in seconds since the epoch, if it was recorded.
    pub at: Option<f64>,
}

impl<C> Flow<C> {
    /// The same flow with its contents elsewhere.
    pub fn map_contents<D>(self, mut map: impl FnMut(C) -> D) -> Flow<D> {
        let Ok(flow) = self.try_map_contents(|content| Ok::<_, Infallible>(map(content)));
        flow
    }

    /// The same flow with its contents elsewhere, if all of them get there.
    pub fn try_map_contents<D, E>(self, mut map: impl FnMut(C) -> Result<D, E>) -> Result<Flow<D>, E> {
        let Self { id, client, server, request, response, error, websocket } = self;
        Ok(Flow {
            id,
            client,
            server,
            request: request.try_map_content(&mut map)?,
            response: response.map(|response| response.try_map_content(&mut map)).transpose()?,
            error,
            websocket: websocket.map(|websocket| websocket.try_map_contents(&mut map)).transpose()?,
        })
    }

    /// Its contents.
    pub fn contents(&self) -> impl Iterator<Item = &C> {
        let response = self.response.iter().map(|response| &response.content);
        let messages = self.websocket.iter().flat_map(|websocket| &websocket.messages);
        std::iter::once(&self.request.content).chain(response).chain(messages.map(|message| &message.content))
    }
}
