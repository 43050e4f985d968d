//! Zstandard frames, one after the other.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The furthest that data may refer back (RFC 9659, section 3), which is kept in memory.
const WINDOW: u64 = 8 << 20;

/// Reads what is in the frames of a source.
pub(crate) struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
}

impl<R> Frames<R> {
    pub(crate) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Self { source, decoder }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 {
            if !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
            } else if self.source.fill_buf()?.is_empty() {
                return Ok(0);
            } else {
                self.decoder.init(&mut self.source).map_err(io::Error::other)?;
            }
        }
        self.decoder.read(buffer)
    }
}
