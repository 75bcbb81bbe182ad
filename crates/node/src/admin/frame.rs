//! Frames of `admin.sock`: the length of a message as 4 bytes, big-endian, then the message in JSON.

use serde::Serialize;
use std::io::{self, ErrorKind};

/// Most bytes of one message.
pub(super) const LIMIT: usize = 1 << 20;

/// Bytes of the length.
pub(super) const HEADER: usize = 4;

/// The length that a header tells; `InvalidData` for one of nothing or beyond the limit, before anything more is read.
pub(super) fn length(header: [u8; HEADER]) -> io::Result<usize> {
    let length = u32::from_be_bytes(header);
    match usize::try_from(length) {
        Ok(length @ 1..=LIMIT) => Ok(length),
        _ => Err(invalid(format!("a message of {length} bytes: 1 to {LIMIT} are possible"))),
    }
}

/// A message in its frame.
pub(super) fn framed(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - HEADER;
    let header = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    self::length(header)?;
    frame[..HEADER].copy_from_slice(&header);
    Ok(frame)
}

fn invalid(text: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text)
}
