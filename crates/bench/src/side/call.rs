//! A call that is prepared: what is timed, and what is done before and after while no clock runs.

use crate::Result;

/// Done once, or with how many calls will follow.
pub type Step<'a> = Box<dyn FnMut(usize) -> Result<()> + 'a>;

/// What is measured, ready to go.
pub struct Call<'a> {
    /// Before so many calls.
    pub before: Step<'a>,
    /// The call.
    pub once: Box<dyn FnMut() -> Result<()> + 'a>,
    /// After them.
    pub after: Step<'a>,
}

impl<'a> Call<'a> {
    /// A call that needs nothing before and leaves nothing behind.
    pub fn alone(once: impl FnMut() -> Result<()> + 'a) -> Call<'a> {
        Call { before: Box::new(|_| Ok(())), once: Box::new(once), after: Box::new(|_| Ok(())) }
    }

    /// So many calls, with what belongs to them.
    pub fn times(&mut self, times: usize) -> Result<()> {
        (self.before)(times)?;
        (0..times).try_for_each(|_| (self.once)())?;
        (self.after)(times)
    }
}
