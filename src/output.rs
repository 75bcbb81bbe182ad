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

/// Which of an operation's functions a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The one-shot function.
    Whole,
    /// An update.
    Update,
    /// The end after updates.
    Finish,
}

/// One call, as far as a later one can be known to repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which function.
    pub part: Part,
    /// Bytes of its input.
    pub input: usize,
}

/// The result of a step that did not fit: kept until the caller repeats the call with a larger buffer.
pub type Kept = Option<(Step, Zeroizing<Vec<u8>>)>;

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

    /// The caller's buffer; `None` where it only asks for the size.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        self.buffer.as_deref_mut()
    }

    /// So many bytes have been written to the beginning of [`Output::room`].
    pub fn written(self, size: usize) -> Delivery {
        *self.length = size as u64;
        Delivery::Done
    }

    /// Tells how many bytes there would be, for which a buffer is too small.
    pub fn tell(self, size: usize) -> Result<Delivery> {
        *self.length = size as u64;
        if self.is_query() { Ok(Delivery::SizeTold) } else { Err(Error::BufferTooSmall) }
    }

    /// Runs `run` if its result has room, straight into the caller's memory where possible.
    ///
    /// `Err(BufferTooSmall)` leaves the operation as it was: either nothing has run, or the result
    /// waits in `kept` until the same `step` is asked for again. Another step meanwhile is `OperationActive`.
    pub fn deliver(
        self,
        step: Step,
        size: Size,
        kept: &mut Kept,
        run: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<Delivery> {
        if kept.is_some() {
            return self.deliver_kept(step, kept);
        }
        let bound = size.bound();
        let Some(buffer) = self.buffer else {
            *self.length = bound as u64;
            return Ok(Delivery::SizeTold);
        };
        if buffer.len() >= bound {
            *self.length = run(&mut buffer[..bound])? as u64;
            return Ok(Delivery::Done);
        }
        match size {
            Size::Exact(_) => {
                *self.length = bound as u64;
                Err(Error::BufferTooSmall)
            }
            Size::AtMost(_) => {
                let mut result = Zeroizing::new(vec![0; bound]);
                let written = run(&mut result)?;
                result.truncate(written);
                Output { buffer: Some(buffer), length: self.length }.hand_over(step, result, kept)
            }
        }
    }

    /// The same where a result waits.
    #[cold]
    fn deliver_kept(self, step: Step, kept: &mut Kept) -> Result<Delivery> {
        match kept.take() {
            Some((same, result)) if same == step => self.hand_over(step, result, kept),
            _ => Err(Error::OperationActive),
        }
    }

    /// Copies a finished value out: for results that cost nothing to have again.
    pub fn copy(self, value: &[u8]) -> Result<Delivery> {
        let step = Step { part: Part::Whole, input: 0 };
        self.deliver(step, Size::Exact(value.len()), &mut None, |buffer| {
            buffer.copy_from_slice(value);
            Ok(value.len())
        })
    }

    fn hand_over(self, step: Step, result: Zeroizing<Vec<u8>>, kept: &mut Kept) -> Result<Delivery> {
        *self.length = result.len() as u64;
        match self.buffer {
            Some(buffer) if buffer.len() >= result.len() => {
                buffer[..result.len()].copy_from_slice(&result);
                Ok(Delivery::Done)
            }
            Some(_) => {
                *kept = Some((step, result));
                Err(Error::BufferTooSmall)
            }
            None => {
                *kept = Some((step, result));
                Ok(Delivery::SizeTold)
            }
        }
    }
}
