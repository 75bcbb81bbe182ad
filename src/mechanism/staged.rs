//! Single-part algorithms in several parts: the input is collected, up to a limit, and worked on at the end.
//!
//! RSA, raw ECDSA, EdDSA and key wrap know no other way; decryption with authentication must not release what it
//! has not checked. With these adapters every mechanism works in one part and in several.

use super::{Cipher, Given, Params, Signer, Verifier};
use crate::error::{Error, Result};
use crate::output::Size;
use zeroize::{Zeroize, Zeroizing};

/// A limit for algorithms that have none of their own: what a caller may make this process hold for one operation.
pub const MEMORY_LIMIT: usize = 1 << 30;

/// A cipher, signer or verifier over work that takes all input at once.
pub struct Staged<W> {
    input: Collected,
    work: W,
}

/// The one step of a cipher.
#[allow(unused_variables)] // the names of what an implementation gets
pub trait Step: Send {
    /// Room needed for so many bytes of input, also for lengths that `run` refuses.
    fn size(&self, input: usize) -> Size;
    /// Writes to the output and tells how much.
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize>;
    /// As [`Cipher::rest`].
    fn rest(&mut self) -> bool {
        false
    }
    /// As [`Cipher::renew`].
    fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        Ok(false)
    }
}

/// A step of two closures: its size, and what it does.
impl<S, R> Step for (S, R)
where
    S: Fn(usize) -> Size + Send,
    R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send,
{
    fn size(&self, input: usize) -> Size {
        (self.0)(input)
    }

    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        (self.1)(input, output)
    }
}

impl<W: Step> Staged<W> {
    /// An encryption or decryption of at most `limit` bytes; more is `too_long`.
    pub fn step(limit: usize, too_long: Error, work: W) -> Self {
        Staged { input: Collected::new(limit, too_long), work }
    }
}

impl<S, R> Staged<(S, R)>
where
    S: Fn(usize) -> Size + Send,
    R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send,
{
    /// The same by closures: `size` as [`Step::size`], `run` as [`Step::run`].
    pub fn cipher(limit: usize, too_long: Error, size: S, run: R) -> Self {
        Staged::step(limit, too_long, (size, run))
    }
}

/// The one step of a signature or its check.
pub struct Signing<R> {
    size: usize,
    run: R,
    /// The parameter of another that may begin when this is over.
    again: Option<Params>,
}

impl<R> Staged<Signing<R>> {
    fn signing(limit: usize, size: usize, run: R) -> Self {
        let work = Signing { size, run, again: None };
        Staged { input: Collected::new(limit, Error::DataLenRange), work }
    }

    /// What it runs depends on nothing but its key and this parameter: another with both the same may begin when this is over.
    pub fn again(mut self, params: &Params) -> Self {
        self.work.again = Some(params.clone());
        self
    }

    fn rest(&mut self) -> bool {
        self.input.forget();
        self.work.again.is_some()
    }

    fn renew(&mut self, params: &Params) -> bool {
        self.work.again.as_ref() == Some(params)
    }
}

impl<R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send> Staged<Signing<R>> {
    /// A signature of `size` bytes over at most `limit` bytes (`DataLenRange`).
    pub fn signer(limit: usize, size: usize, run: R) -> Self {
        Staged::signing(limit, size, run)
    }
}

impl<R: FnMut(&[u8], &[u8]) -> Result<()> + Send> Staged<Signing<R>> {
    /// The check of a signature of `size` bytes over at most `limit` bytes (`DataLenRange`). `run` takes data and
    /// signature.
    pub fn verifier(limit: usize, size: usize, run: R) -> Self {
        Staged::signing(limit, size, run)
    }
}

impl<W: Step> Cipher for Staged<W> {
    fn update_size(&self, _input: usize) -> Size {
        Size::Exact(0)
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        self.input.add(input)?;
        Ok(0)
    }

    fn finish_size(&self) -> Size {
        self.work.size(self.input.bytes.len())
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.work.run(&self.input.bytes, output)
    }

    fn whole_size(&self, input: usize) -> Size {
        self.work.size(input)
    }

    fn whole(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.input.check(input.len())?;
        self.work.run(input, output)
    }

    fn yields_in_parts(&self) -> bool {
        false
    }

    fn rest(&mut self) -> bool {
        self.input.bytes.is_empty() && self.work.rest()
    }

    fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        self.work.renew(given)
    }
}

impl<R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send> Signer for Staged<Signing<R>> {
    fn size(&self) -> usize {
        self.work.size
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.input.add(input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        (self.work.run)(&self.input.bytes, output)
    }

    fn rest(&mut self) -> bool {
        Staged::rest(self)
    }

    fn renew(&mut self, params: &Params) -> Result<bool> {
        Ok(Staged::renew(self, params))
    }
}

impl<R: FnMut(&[u8], &[u8]) -> Result<()> + Send> Verifier for Staged<Signing<R>> {
    fn size(&self) -> usize {
        self.work.size
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.input.add(input)
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        (self.work.run)(&self.input.bytes, signature)
    }

    fn rest(&mut self) -> bool {
        Staged::rest(self)
    }

    fn renew(&mut self, params: &Params) -> Result<bool> {
        Ok(Staged::renew(self, params))
    }
}

/// Input so far, wiped when dropped and when it moves to a larger place.
struct Collected {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
    too_long: Error,
}

impl Collected {
    /// As much room is kept between two operations, in bytes.
    const KEPT: usize = 1024;

    fn new(limit: usize, too_long: Error) -> Self {
        Collected { bytes: Zeroizing::default(), limit, too_long }
    }

    /// Whether `more` bytes still fit.
    fn check(&self, more: usize) -> Result<()> {
        if more > self.limit - self.bytes.len() { Err(self.too_long) } else { Ok(()) }
    }

    /// Wipes what there is, and keeps little room for more.
    fn forget(&mut self) {
        self.bytes.zeroize();
        if self.bytes.capacity() > Collected::KEPT {
            self.bytes = Zeroizing::default();
        }
    }

    fn add(&mut self, input: &[u8]) -> Result<()> {
        self.check(input.len())?;
        let needed = self.bytes.len() + input.len();
        if needed > self.bytes.capacity() {
            // `Vec` would free its old place unwiped.
            let mut larger = Vec::new();
            let wanted = needed.max(self.bytes.capacity().saturating_mul(2)).min(self.limit);
            larger.try_reserve_exact(wanted).map_err(|_| Error::HostMemory)?;
            larger.extend_from_slice(&self.bytes);
            self.bytes = Zeroizing::new(larger);
        }
        self.bytes.extend_from_slice(input);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reversing(limit: usize) -> impl Cipher {
        Staged::cipher(limit, Error::EncryptedDataLenRange, Size::Exact, |input, output| {
            output.copy_from_slice(input);
            output.reverse();
            Ok(input.len())
        })
    }

    #[test]
    fn parts_are_worked_on_as_one() {
        let mut cipher = reversing(5);
        for part in [&b"ab"[..], b"", b"cde"] {
            assert_eq!(cipher.update_size(part.len()), Size::Exact(0));
            assert_eq!(cipher.update(part, &mut []), Ok(0));
        }
        let mut output = [0; 5];
        assert_eq!(cipher.finish_size(), Size::Exact(5));
        assert_eq!(cipher.finish(&mut output), Ok(5));
        assert_eq!(&output, b"edcba");
    }

    #[test]
    fn input_over_the_limit_is_refused_and_changes_nothing() {
        let mut cipher = reversing(3);
        assert_eq!(cipher.update(b"ab", &mut []), Ok(0));
        assert_eq!(cipher.update(b"cd", &mut []), Err(Error::EncryptedDataLenRange));
        assert_eq!(cipher.finish_size(), Size::Exact(2));
        assert_eq!(reversing(3).whole(b"abcd", &mut [0; 4]), Err(Error::EncryptedDataLenRange));
    }

    #[test]
    fn signer_and_verifier_see_all_parts() {
        let mut signer = Staged::signer(10, 1, |data, signature| {
            signature[0] = data.iter().sum();
            Ok(1)
        });
        let mut verifier = Staged::verifier(10, 1, |data, signature| {
            if signature == [data.iter().sum::<u8>()] { Ok(()) } else { Err(Error::SignatureInvalid) }
        });
        for part in [&[1, 2][..], &[], &[3]] {
            Signer::update(&mut signer, part).unwrap();
            Verifier::update(&mut verifier, part).unwrap();
        }
        let mut signature = [0];
        assert_eq!(Signer::finish(&mut signer, &mut signature), Ok(1));
        assert_eq!(Verifier::finish(&mut verifier, &signature), Ok(()));
        assert_eq!(Verifier::finish(&mut verifier, &[9]), Err(Error::SignatureInvalid));
        assert_eq!(Signer::update(&mut signer, &[0; 8]), Err(Error::DataLenRange));
    }

    #[test]
    fn a_signature_begins_again_with_the_same_parameter_only_and_has_nothing_of_the_one_before() {
        let params = Params::Eddsa { prehash: false, context: b"one".to_vec() };
        let other = Params::Eddsa { prehash: false, context: b"two".to_vec() };
        let size = 4096;
        let echo = |data: &[u8], signature: &mut [u8]| {
            signature[..data.len()].copy_from_slice(data);
            Ok(data.len())
        };
        let mut signer = Staged::signer(size, size, echo).again(&params);
        for message in [&b"long enough"[..], b"short", &[7; 3000], b""] {
            let mut signature = [0; 4096];
            signer.update(message).unwrap();
            assert_eq!(Signer::finish(&mut signer, &mut signature), Ok(message.len()));
            assert_eq!(signature[..message.len()], *message);
            assert!(Signer::rest(&mut signer));
            assert!(signer.input.bytes.is_empty() && signer.input.bytes.capacity() <= Collected::KEPT);
            assert_eq!(Signer::renew(&mut signer, &other), Ok(false));
            assert_eq!(Signer::renew(&mut signer, &Params::None), Ok(false));
            assert_eq!(Signer::renew(&mut signer, &params), Ok(true));
        }
        let mut once = Staged::signer(size, size, echo);
        assert!(!Signer::rest(&mut once), "nobody has said that it may");
    }
}
