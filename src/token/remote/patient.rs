//! A stream that is given up neither too early nor too late: whenever it stalls, somebody decides whether to go on.

use std::io::{self, ErrorKind, Read, Write};

/// Called each time that nothing has moved for the stream's own timeout; an error gives the stream up.
pub(super) type Stalled<'a> = &'a mut dyn FnMut() -> io::Result<()>;

/// A stream with a timeout that is no end.
pub(super) struct Patient<'a, S> {
    pub stream: S,
    pub stalled: Stalled<'a>,
}

impl<S> Patient<'_, S> {
    fn until_it_moves<T>(&mut self, mut step: impl FnMut(&mut S) -> io::Result<T>) -> io::Result<T> {
        loop {
            match step(&mut self.stream) {
                Err(error) if is_timeout(&error) => (self.stalled)()?,
                moved => return moved,
            }
        }
    }
}

impl<S: Read> Read for Patient<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.until_it_moves(|stream| stream.read(buffer))
    }
}

impl<S: Write> Write for Patient<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_it_moves(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_it_moves(Write::flush)
    }
}

/// Whether a stream has given up for its timeout; sockets call it either.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Stalls where it has `None`.
    struct Slow(VecDeque<Option<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.pop_front() {
                None => Ok(0),
                Some(None) => Err(ErrorKind::WouldBlock.into()),
                Some(Some(byte)) => {
                    buffer[0] = byte;
                    Ok(1)
                }
            }
        }
    }

    #[test]
    fn a_stall_anywhere_is_waited_out_and_loses_nothing() {
        let slow = Slow([None, Some(1), None, None, Some(2), Some(3)].into());
        let mut stalls = 0;
        let mut stalled = || {
            stalls += 1;
            Ok(())
        };
        let mut read = [0; 3];
        Patient { stream: slow, stalled: &mut stalled }.read_exact(&mut read).unwrap();
        assert_eq!((read, stalls), ([1, 2, 3], 3));
    }

    #[test]
    fn a_stream_is_given_up_for_the_reason_given() {
        let slow = Slow([Some(1), None, Some(2)].into());
        let mut stalled = || Err(io::Error::other("enough"));
        let given_up = Patient { stream: slow, stalled: &mut stalled }.read_exact(&mut [0; 2]);
        assert_eq!(given_up.unwrap_err().to_string(), "enough");
    }
}
