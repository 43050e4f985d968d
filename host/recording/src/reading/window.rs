//! A window on a file that moves to where it is read, and jumps over what nobody asks for.

use std::{fs::File, io, os::unix::fs::FileExt};

/// Reads a file at positions through a small buffer. Nearby reads cost no system call.
pub(crate) struct Window<'f> {
    file: &'f File,
    size: u64,
    /// Where the buffer lies in the file.
    start: u64,
    buffer: Vec<u8>,
    /// How much the next move reads at least.
    reach: usize,
}

impl<'f> Window<'f> {
    /// A window on the first `size` bytes of `file`; what is written behind them later is not seen.
    pub(crate) fn new(file: &'f File, size: u64) -> Self {
        Self { file, size, start: 0, buffer: Vec::new(), reach: REACH_AFTER_JUMP }
    }

    /// The number of bytes behind the window.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The `len` bytes at `at`. The caller has checked `len`, because it is allocated.
    pub(crate) fn get(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let from = match self.holds(at, len) {
            Some(from) => from,
            None => {
                self.move_to(at, len)?;
                0
            }
        };
        self.buffer.get(from..from + len).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// The byte at `at`, without moving there.
    pub(crate) fn byte(&self, at: u64) -> io::Result<u8> {
        if let Some(byte) = self.holds(at, 1).and_then(|from| self.buffer.get(from)) {
            return Ok(*byte);
        }
        let mut bytes = [0];
        self.file.read_exact_at(&mut bytes, at)?;
        let [byte] = bytes;
        Ok(byte)
    }

    /// Where the `len` bytes at `at` lie in the buffer, if they all do.
    fn holds(&self, at: u64, len: usize) -> Option<usize> {
        let from = usize::try_from(at.checked_sub(self.start)?).ok()?;
        (from.checked_add(len)? <= self.buffer.len()).then_some(from)
    }

    fn move_to(&mut self, at: u64, len: usize) -> io::Result<()> {
        let end = self.start + self.buffer.len() as u64;
        self.reach =
            if (self.start..=end).contains(&at) { (self.reach * 2).min(REACH_LIMIT) } else { REACH_AFTER_JUMP };
        let left = self.size.saturating_sub(at);
        if left < len as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let wanted = (len.max(self.reach) as u64).min(left) as usize;
        self.start = at;
        self.buffer.resize(wanted, 0);
        let read = self.file.read_exact_at(&mut self.buffer, at);
        if read.is_err() {
            self.buffer.clear();
        }
        read
    }
}

/// Small after a jump, because a body may follow that nobody reads; larger while reading goes on, to save system calls.
const REACH_AFTER_JUMP: usize = 4 * 1024;
const REACH_LIMIT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::samples::file;

    #[test]
    fn every_read_sees_the_bytes_of_the_file() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        let file = file(&bytes);
        let opened = File::open(&file.path).unwrap();
        let mut window = Window::new(&opened, bytes.len() as u64);
        let places =
            [(0, 10), (5, 4090), (4090, 20), (4110, 70_000), (290_000, 10_000), (3, 0), (299_999, 1), (100, 4096)];
        for (at, len) in places {
            assert_eq!(window.get(at as u64, len).unwrap(), &bytes[at..at + len]);
            assert_eq!(window.byte(at as u64).unwrap(), bytes[at]);
            assert_eq!(window.byte(250_000).unwrap(), bytes[250_000]);
        }
    }

    #[test]
    fn reading_on_reaches_further_and_a_jump_starts_small_again() {
        let file = file(&[0; 300_000]);
        let opened = File::open(&file.path).unwrap();
        let mut window = Window::new(&opened, 300_000);
        let mut at = 0;
        while at < 200_000 {
            window.get(at, 100).unwrap();
            at += 100;
        }
        assert_eq!(window.reach, REACH_LIMIT);
        window.get(299_000, 100).unwrap();
        assert_eq!(window.reach, REACH_AFTER_JUMP);
    }

    #[test]
    fn a_read_behind_the_end_is_an_early_end() {
        let file = file(b"0123456789");
        let opened = File::open(&file.path).unwrap();
        let mut window = Window::new(&opened, 10);
        assert_eq!(window.get(5, 6).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(window.byte(10).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        // The file shrank after its size was taken.
        let mut window = Window::new(&opened, 100);
        assert_eq!(window.get(5, 50).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(window.get(5, 2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
