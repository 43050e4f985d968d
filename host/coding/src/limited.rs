//! A bound on what is read.

use std::io::{self, Read};

/// Fails where more is decoded than it may be.
pub(crate) struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R> Limited<R> {
    /// Reads `limit` bytes of `inner` at most.
    pub(crate) fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        let left = self.left.checked_sub(len as u64);
        self.left = left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the coded body is too large"))?;
        Ok(len)
    }
}
