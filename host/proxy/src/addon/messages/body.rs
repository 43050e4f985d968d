//! What components do with bodies.

use wasmtime::{Result, component::Resource};

use crate::{
    addon::{
        bindings::proxyhost::addon::messages::{self, BodyError},
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
        let bytes = self.handles.collect(&body, &self.shared.limits, limit).await?;
        Ok(bytes.map(|bytes| bytes.to_vec()).map_err(BodyError::from))
    }

    async fn digest(&mut self, body: Resource<BodyHandle>) -> Result<std::result::Result<Vec<u8>, BodyError>> {
        let bytes = self.handles.collect(&body, &self.shared.limits, u64::MAX).await?;
        let digest = bytes.map(|bytes| ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref().to_vec());
        Ok(digest.map_err(BodyError::from))
    }

    fn reader(&mut self, body: Resource<BodyHandle>) -> Result<Resource<BodyReader>> {
        self.handles.reader(&body)
    }

    fn drop(&mut self, body: Resource<BodyHandle>) -> Result<()> {
        self.handles.forget(body)
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
        let piece = self.handles.next_piece(&reader, &self.shared.limits, limit).await?;
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
