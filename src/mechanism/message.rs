//! Messages: many of them under one key, each with its own nonce and its tag beside it (PKCS#11 3.2, sections 5.9, 5.11
//! and 6.13), and the nonces that the module makes for them.

use super::Params;
use crate::crypto::random;
use crate::error::{Error, Result};

/// Authenticated encryption whose nonce and tag can stand apart from the data: what the message-based functions and
/// `C_WrapKeyAuthenticated` work with.
pub trait Aead: Sync {
    /// Which C structure a message's parameter is.
    fn message_shape(&self) -> MessageShape;

    /// The mechanism's ordinary parameter for one message. Values that can't be are found when the operation begins.
    fn params(&self, message: &Message, aad: &[u8]) -> Params;
}

/// Which C structure the parameter of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageShape {
    /// `CK_GCM_MESSAGE_PARAMS`.
    Gcm,
    /// `CK_CCM_MESSAGE_PARAMS`.
    Ccm,
    /// `CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS`.
    ChaCha20Poly1305,
}

/// The parameter of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The nonce, or what a generated one is made from: its length, its fixed bits, what a counter is added to.
    pub nonce: Vec<u8>,
    /// How many of its first bits a generator leaves alone.
    pub fixed_bits: u64,
    /// Where the rest comes from.
    pub generator: Generator,
    /// Bytes of the tag.
    pub tag_length: usize,
    /// Bytes of the data, for mechanisms that must know them in advance.
    pub data_length: usize,
}

impl Message {
    /// One that any mechanism can begin with, to find out whether a key may be used.
    pub fn sample() -> Self {
        Message {
            nonce: vec![0; 12],
            fixed_bits: 0,
            generator: Generator::Given,
            tag_length: 16,
            data_length: 0,
        }
    }
}

/// Where a nonce comes from (`CK_GENERATOR_FUNCTION`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// The caller (`CKG_NO_GENERATE`).
    Given,
    /// The module, in its own way (`CKG_GENERATE`): it begins somewhere and counts on from there, so that none comes twice.
    Any,
    /// A counter from zero (`CKG_GENERATE_COUNTER`).
    Counter,
    /// A counter from zero, added bit by bit to what the caller gave (`CKG_GENERATE_COUNTER_XOR`).
    CounterXor,
    /// The random generator, each time anew (`CKG_GENERATE_RANDOM`).
    Random,
}

/// The nonces made for one run of messages.
#[derive(Clone, Debug, Default)]
pub struct Nonces {
    run: Option<Run>,
}

/// What a generator goes on from.
#[derive(Clone, Debug)]
struct Run {
    generator: Generator,
    fixed_bits: u64,
    /// What the counter is added to.
    base: Vec<u8>,
    /// Nonces made so far.
    count: u64,
}

impl Nonces {
    /// Puts the next nonce into `message`. `MechanismParamInvalid` if there is nothing to generate, no nonce left that has not been
    /// used, or another generator than before.
    pub fn fill(&mut self, message: &mut Message) -> Result<()> {
        if message.generator == Generator::Given {
            return Ok(());
        }
        let bits = message.nonce.len() as u64 * 8;
        let free = bits.checked_sub(message.fixed_bits).filter(|free| *free > 0);
        let free = free.ok_or(Error::MechanismParamInvalid)?;
        if self.run.is_none() {
            self.run = Some(Run::begin(message)?);
        }
        let run = self.run.as_mut().ok_or(Error::MechanismParamInvalid)?;
        if !run.goes_on_with(message) || run.count >= most(run.generator, free) {
            return Err(Error::MechanismParamInvalid);
        }
        let mut made = run.next()?;
        keep_fixed(&mut made, &message.nonce, message.fixed_bits);
        message.nonce = made;
        run.count = run.count.saturating_add(1);
        Ok(())
    }
}

impl Run {
    fn begin(message: &Message) -> Result<Self> {
        let mut base = message.nonce.clone();
        match message.generator {
            Generator::Any => random(&mut base)?,
            Generator::Counter => base.fill(0),
            Generator::Given | Generator::CounterXor | Generator::Random => {}
        }
        let (generator, fixed_bits) = (message.generator, message.fixed_bits);
        Ok(Run { generator, fixed_bits, base, count: 0 })
    }

    /// Whether this message's nonce belongs to the run: of the same making, and with the same base where the caller gives one.
    fn goes_on_with(&self, message: &Message) -> bool {
        let mut given = message.nonce.clone();
        if given.len() != self.base.len() {
            return false;
        }
        keep_fixed(&mut given, &self.base, self.fixed_bits);
        let same_base = self.generator != Generator::CounterXor || given == self.base;
        (message.generator, message.fixed_bits) == (self.generator, self.fixed_bits) && same_base
    }

    fn next(&self) -> Result<Vec<u8>> {
        let mut made = self.base.clone();
        match self.generator {
            Generator::Any | Generator::Counter => add(&mut made, self.count),
            Generator::CounterXor => {
                made.iter_mut().rev().zip(self.count.to_le_bytes()).for_each(|(byte, count)| *byte ^= count);
            }
            Generator::Random => random(&mut made)?,
            Generator::Given => {}
        }
        Ok(made)
    }
}

/// How many nonces with so many free bits may be made. A counter has each value once; random ones may be so many that the odds of
/// two alike stay below 2^-32 (SP 800-38D, section 8.3).
fn most(generator: Generator, free: u64) -> u64 {
    let bits = if generator == Generator::Random { free.saturating_sub(32) / 2 } else { free };
    u32::try_from(bits).ok().and_then(|bits| 1u64.checked_shl(bits)).unwrap_or(u64::MAX)
}

/// Adds to a number that is written with its most significant byte first; what does not fit is lost.
fn add(number: &mut [u8], summand: u64) {
    let mut carry = 0u16;
    for (byte, summand) in
        number.iter_mut().rev().zip(summand.to_le_bytes().into_iter().chain(std::iter::repeat(0)))
    {
        let sum = u16::from(*byte) + u16::from(summand) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// Takes the first `bits` bits from `fixed`, which is as long.
fn keep_fixed(nonce: &mut [u8], fixed: &[u8], bits: u64) {
    let mut left = bits;
    for (byte, fixed) in nonce.iter_mut().zip(fixed) {
        let kept = u32::try_from(left.min(8)).unwrap_or(8);
        let mask = !0xffu8.checked_shr(kept).unwrap_or(0);
        *byte = (*fixed & mask) | (*byte & !mask);
        left -= u64::from(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const GENERATORS: [Generator; 4] =
        [Generator::Any, Generator::Counter, Generator::CounterXor, Generator::Random];

    fn message(generator: Generator, nonce: &[u8], fixed_bits: u64) -> Message {
        Message { nonce: nonce.to_vec(), fixed_bits, generator, ..Message::sample() }
    }

    fn next(nonces: &mut Nonces, generator: Generator, nonce: &[u8], fixed_bits: u64) -> Result<Vec<u8>> {
        let mut message = message(generator, nonce, fixed_bits);
        nonces.fill(&mut message).map(|()| message.nonce)
    }

    #[test]
    fn a_counter_begins_at_zero_after_the_fixed_bits() {
        let mut nonces = Nonces::default();
        for count in 0..300u16 {
            let made = next(&mut nonces, Generator::Counter, &[0xab, 0xcd, 0xef, 0xff], 12).unwrap();
            assert_eq!(made, [&[0xab, 0xc0][..], &count.to_be_bytes()].concat());
        }
    }

    #[test]
    fn a_counter_is_added_to_the_callers_own_bits() {
        let mut nonces = Nonces::default();
        for expected in [0x0f, 0x0e, 0x0d, 0x0c] {
            let made = next(&mut nonces, Generator::CounterXor, &[1, 2, 0x0f], 8).unwrap();
            assert_eq!(made, [1, 2, expected]);
        }
    }

    #[test]
    fn what_a_counter_is_added_to_may_not_change_and_fixed_bits_may() {
        let mut nonces = Nonces::default();
        assert_eq!(next(&mut nonces, Generator::CounterXor, &[1, 9], 8), Ok(vec![1, 9]));
        assert_eq!(next(&mut nonces, Generator::CounterXor, &[1, 8], 8), Err(Error::MechanismParamInvalid));
        assert_eq!(next(&mut nonces, Generator::CounterXor, &[2, 9], 8), Ok(vec![2, 8]));
    }

    #[test]
    fn no_nonce_comes_twice_and_none_after_the_last() {
        for generator in [Generator::Any, Generator::Counter, Generator::CounterXor] {
            let mut nonces = Nonces::default();
            let made: HashSet<_> =
                (0..256).map(|_| next(&mut nonces, generator, &[7, 7], 8).unwrap()).collect();
            assert_eq!(made.len(), 256, "{generator:?}");
            assert!(made.iter().all(|nonce| nonce[0] == 7));
            let after = next(&mut nonces, generator, &[7, 7], 8);
            assert_eq!(after, Err(Error::MechanismParamInvalid), "{generator:?}");
        }
    }

    #[test]
    fn random_nonces_are_as_many_as_chance_allows() {
        let mut nonces = Nonces::default();
        let mut made = HashSet::new();
        for _ in 0..4 {
            made.insert(next(&mut nonces, Generator::Random, &[0; 5], 3).unwrap());
        }
        assert_eq!(made.len(), 4);
        let more = (0..5).map(|_| next(&mut nonces, Generator::Random, &[0; 5], 3)).last();
        assert_eq!(more, Some(Err(Error::MechanismParamInvalid)));
        assert_eq!(most(Generator::Random, 96), 1 << 32);
        assert_eq!(most(Generator::Random, 1024), u64::MAX);
    }

    #[test]
    fn two_runs_begin_at_different_places_unless_a_counter_is_asked_for() {
        let first = |generator| next(&mut Nonces::default(), generator, &[0; 12], 0).unwrap();
        assert_ne!(first(Generator::Any), first(Generator::Any));
        assert_ne!(first(Generator::Random), first(Generator::Random));
        assert_eq!(first(Generator::Counter), [0; 12]);
    }

    #[test]
    fn a_given_nonce_is_left_alone_at_any_time() {
        let mut nonces = Nonces::default();
        assert_eq!(next(&mut nonces, Generator::Given, &[3; 12], 96), Ok(vec![3; 12]));
        next(&mut nonces, Generator::Counter, &[0; 12], 0).unwrap();
        assert_eq!(next(&mut nonces, Generator::Given, &[4; 7], 0), Ok(vec![4; 7]));
    }

    #[test]
    fn a_generator_without_free_bits_or_after_another_is_refused() {
        for generator in GENERATORS {
            for (nonce, fixed_bits) in [(&[1; 12][..], 96), (&[1; 12], 97), (&[1; 12], u64::MAX), (&[], 0)] {
                let refused = next(&mut Nonces::default(), generator, nonce, fixed_bits);
                assert_eq!(refused, Err(Error::MechanismParamInvalid), "{generator:?} {fixed_bits}");
            }
            let mut nonces = Nonces::default();
            next(&mut nonces, generator, &[0; 12], 32).unwrap();
            for other in GENERATORS.into_iter().filter(|other| *other != generator) {
                let refused = next(&mut nonces, other, &[0; 12], 32);
                assert_eq!(refused, Err(Error::MechanismParamInvalid), "{generator:?} then {other:?}");
            }
            assert_eq!(next(&mut nonces, generator, &[0; 12], 31), Err(Error::MechanismParamInvalid));
            assert_eq!(next(&mut nonces, generator, &[0; 11], 32), Err(Error::MechanismParamInvalid));
            assert!(next(&mut nonces, generator, &[0; 12], 32).is_ok(), "{generator:?} goes on");
        }
    }
}
