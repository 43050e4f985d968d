//! What components do with bodies.

use bytes::Bytes;
use wasmtime::{Result, component::Resource};

use crate::{
    addon::{
        bindings::proxyhost::addon::messages::{self, BodyError},
        cpu,
        handles::{BodyHandle, BodyReader},
        state::State,
    },
    flow::BodyFailure,
};

impl messages::HostBody for State {
    fn size(&mut self, body: Resource<BodyHandle>) -> Result<Option<u64>> {
        Ok(self.handles.body(&body)?.size())
    }

    async fn read(
        &mut self,
        body: Resource<BodyHandle>,
        limit: u64,
    ) -> Result<std::result::Result<Vec<u8>, BodyError>> {
        let bytes = self.collected(&body, limit).await?;
        Ok(bytes.map(|bytes| bytes.to_vec()).map_err(BodyError::from))
    }

    async fn digest(&mut self, body: Resource<BodyHandle>) -> Result<std::result::Result<Vec<u8>, BodyError>> {
        let bytes = self.collected(&body, u64::MAX).await?;
        let digest = bytes.map(|bytes| ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref().to_vec());
        Ok(digest.map_err(BodyError::from))
    }

    fn keep(&mut self, body: Resource<BodyHandle>, limit: u64) -> Result<std::result::Result<(), BodyError>> {
        let kept = self.handles.keep(&body, &self.shared.limits, limit, &self.shared.kept)?;
        Ok(kept.map_err(BodyError::from))
    }

    fn reader(&mut self, body: Resource<BodyHandle>) -> Result<Resource<BodyReader>> {
        self.handles.reader(&body)
    }

    fn drop(&mut self, body: Resource<BodyHandle>) -> Result<()> {
        self.handles.forget(body)
    }
}

/// Content of more bytes takes the host longer than a tick, to copy or to digest.
const LONG: usize = 512 * 1024;

impl State {
    /// All of a body, once it has arrived; at most `limit` bytes of it.
    async fn collected(
        &mut self,
        body: &Resource<BodyHandle>,
        limit: u64,
    ) -> Result<std::result::Result<Bytes, BodyFailure>> {
        let (waits, limits) = (self.waits.clone(), self.shared.limits);
        let bytes = waits.during(self.handles.collect(body, &limits, limit)).await?;
        if let Ok(bytes) = &bytes {
            self.cpu.allow(limits.cpu_for(bytes.len()));
            if bytes.len() > LONG {
                cpu::move_aside().await;
            }
        }
        Ok(bytes)
    }
}

/// Most bytes of a body that cross to a component in one piece.
const PIECE: usize = 64 * 1024;

impl messages::HostBodyReader for State {
    async fn next(
        &mut self,
        reader: Resource<BodyReader>,
        limit: u32,
    ) -> Result<std::result::Result<Option<Vec<u8>>, BodyError>> {
        let limit = usize::try_from(limit).unwrap_or(PIECE).clamp(1, PIECE);
        let (waits, limits) = (self.waits.clone(), self.shared.limits);
        let piece = waits.during(self.handles.next_piece(&reader, &limits, limit)).await?;
        if let Ok(Some(piece)) = &piece {
            self.cpu.allow(limits.cpu_for(piece.len()));
        }
        Ok(piece.map(|piece| piece.map(|bytes| bytes.to_vec())).map_err(BodyError::from))
    }

    fn drop(&mut self, reader: Resource<BodyReader>) -> Result<()> {
        self.handles.forget(reader)
    }
}

impl From<BodyFailure> for BodyError {
    fn from(failure: BodyFailure) -> Self {
        match failure {
            BodyFailure::TooLarge => Self::TooLarge,
            BodyFailure::Gone => Self::Gone,
            BodyFailure::TimedOut => Self::TimedOut,
            BodyFailure::Incomplete(why) => Self::Incomplete(why),
        }
    }
}
