//! The length protocol of every function that fills a caller's buffer (PKCS#11 3.2, section 5.2),
//! in its one place: a NULL buffer asks for the size; one that is too small is told the size and
//! leaves the operation alive; one that is large enough is filled.

use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// How many bytes a step is going to write, known before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Just so many.
    Exact(usize),
    /// No more than so many: only running the step tells (padding to be removed).
    AtMost(usize),
}

impl Size {
    /// The number of bytes that suffice in any case.
    pub fn bound(self) -> usize {
        match self {
            Size::Exact(bytes) | Size::AtMost(bytes) => bytes,
        }
    }
}

/// A step's result that did not fit: kept until the caller comes back with a larger buffer.
pub type Kept = Option<Zeroizing<Vec<u8>>>;

/// Whether a delivery finished the step or only told its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The caller has the bytes; the step is over.
    Done,
    /// The caller only asked for the size (`CKR_OK`): nothing has run.
    SizeTold,
}

/// A caller's buffer and the place for its length.
pub struct Output<'a> {
    buffer: Option<&'a mut [u8]>,
    length: &'a mut u64,
}

impl<'a> Output<'a> {
    /// `buffer`: `None` where the caller passed NULL. `length`: receives the number of bytes written
    /// or needed.
    pub fn new(buffer: Option<&'a mut [u8]>, length: &'a mut u64) -> Self {
        Output { buffer, length }
    }

    /// Whether the caller only asks for the size.
    pub fn is_query(&self) -> bool {
        self.buffer.is_none()
    }

    /// Runs `step` if its result has room, straight into the caller's memory where possible.
    ///
    /// `Err(BufferTooSmall)` leaves the operation as it was: either nothing has run, or the result
    /// waits in `kept` for the next call.
    pub fn deliver(
        self,
        size: Size,
        kept: &mut Kept,
        step: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<Delivery> {
        if let Some(result) = kept.take() {
            return self.hand_over(result, kept);
        }
        let bound = size.bound();
        let Some(buffer) = self.buffer else {
            *self.length = bound as u64;
            return Ok(Delivery::SizeTold);
        };
        if buffer.len() >= bound {
            *self.length = step(&mut buffer[..bound])? as u64;
            return Ok(Delivery::Done);
        }
        match size {
            Size::Exact(_) => {
                *self.length = bound as u64;
                Err(Error::BufferTooSmall)
            }
            Size::AtMost(_) => {
                let mut result = Zeroizing::new(vec![0; bound]);
                let written = step(&mut result)?;
                result.truncate(written);
                Output { buffer: Some(buffer), length: self.length }.hand_over(result, kept)
            }
        }
    }

    /// Copies a finished value out: for results that cost nothing to have again.
    pub fn copy(self, value: &[u8]) -> Result<Delivery> {
        self.deliver(Size::Exact(value.len()), &mut None, |buffer| {
            buffer.copy_from_slice(value);
            Ok(value.len())
        })
    }

    fn hand_over(self, result: Zeroizing<Vec<u8>>, kept: &mut Kept) -> Result<Delivery> {
        *self.length = result.len() as u64;
        match self.buffer {
            Some(buffer) if buffer.len() >= result.len() => {
                buffer[..result.len()].copy_from_slice(&result);
                Ok(Delivery::Done)
            }
            Some(_) => {
                *kept = Some(result);
                Err(Error::BufferTooSmall)
            }
            None => {
                *kept = Some(result);
                Ok(Delivery::SizeTold)
            }
        }
    }
}
