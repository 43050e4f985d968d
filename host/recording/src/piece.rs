//! Pieces of files.

use std::{fs::File, io};

use rustix::{
    buffer::spare_capacity,
    io::{Errno, pread},
};

/// Reads so many bytes from an offset on.
///
/// Memory for them is not zeroed before: for long ones, the allocator does that by having the system take pages away and give
/// others, which takes longer than reading.
///
/// # Errors
/// When the file cannot be read, or ends before.
pub(crate) fn read_exact_at(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let at = offset + bytes.len() as u64;
        // There may be more room than was asked for.
        match pread(file, spare_capacity(&mut bytes), at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn as_much_is_read_as_was_asked_for() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"0123456789").expect("room");
        assert_eq!(read_exact_at(&file, 2, 3).expect("it is there"), b"234");
        assert_eq!(read_exact_at(&file, 0, 10).expect("it is there"), b"0123456789");
        assert_eq!(read_exact_at(&file, 10, 0).expect("nothing is there"), b"");
        let beyond = read_exact_at(&file, 8, 3).expect_err("it ends before");
        assert_eq!(beyond.kind(), io::ErrorKind::UnexpectedEof);
    }
}
