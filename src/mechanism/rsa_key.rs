//! RSA keys: their numbers as attributes, and what can be computed where some are missing (PKCS#11 3.2,
//! section 6.1).

use super::material::{PairType, required};
use super::number::Number;
use crate::attribute::{Attributes, Bytes};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::BigNum;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::rsa::{Rsa, RsaPrivateKeyBuilder};

/// Bits of a modulus.
pub const SIZES: (u64, u64) = (1024, 8192);

/// Bits of a public exponent: OpenSSL takes no longer one with large moduli.
const EXPONENT_BITS: u32 = 64;

/// What a private key that comes without its public exponent is tried with.
const COMMON_EXPONENTS: &[u32] = &[65537, 3, 17, 5, 7, 257];

/// RSA key pairs.
pub(super) struct RsaType;

impl PairType for RsaType {
    fn public(&self, attributes: &Attributes) -> Result<PKey<Public>> {
        let n = modulus(attributes)?;
        let e = Number::new(required(attributes, ck::CKA_PUBLIC_EXPONENT)?)?;
        check_exponent(&e)?;
        let rsa = Rsa::from_public_components(n.to_bn()?, e.to_bn()?).map_err(unexpected)?;
        PKey::from_rsa(rsa).map_err(unexpected)
    }

    fn private(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        let n = modulus(attributes)?;
        let d = Number::new(required(attributes, ck::CKA_PRIVATE_EXPONENT)?)?;
        if d <= Number::small(1)? || d >= n {
            return Err(Error::AttributeValueInvalid);
        }
        let given = |kind| attributes.bytes(kind).map(Number::new).transpose();
        let factors = given_factors(&n, given(ck::CKA_PRIME_1)?, given(ck::CKA_PRIME_2)?)?;
        let e = match (given(ck::CKA_PUBLIC_EXPONENT)?, &factors) {
            (Some(e), _) => e,
            (None, Some((p, q))) => d.inverse(&carmichael(p, q)?)?.ok_or(Error::AttributeValueInvalid)?,
            (None, None) => common_exponent(&n, &d)?,
        };
        check_exponent(&e)?;
        let (p, q) = match factors {
            Some(factors) => factors,
            None => factor(&n, &e, &d)?,
        };
        let key = Numbers { n, e, d, p, q };
        key.build(attributes)
    }

    /// Its exponents are none: only the modulus is asked for.
    fn stand_in(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        let small = || Number::small(COMMON_EXPONENTS[0])?.to_bn();
        let rsa = RsaPrivateKeyBuilder::new(modulus(attributes)?.to_bn()?, small()?, small()?);
        PKey::from_rsa(rsa.map_err(unexpected)?.build()).map_err(unexpected)
    }

    fn public_parts(&self, key: &PKeyRef<Public>) -> Result<Attributes> {
        let rsa = key.rsa().map_err(|_| Error::KeyTypeInconsistent)?;
        let mut parts = Attributes::new();
        parts.set(ck::CKA_MODULUS, rsa.n().to_vec());
        parts.set(ck::CKA_MODULUS_BITS, rsa.n().num_bits() as u64);
        parts.set(ck::CKA_PUBLIC_EXPONENT, rsa.e().to_vec());
        Ok(parts)
    }

    fn private_parts(&self, key: &PKeyRef<Private>) -> Result<Attributes> {
        let rsa = key.rsa().map_err(|_| Error::KeyTypeInconsistent)?;
        let numbers = [
            (ck::CKA_MODULUS, Some(rsa.n())),
            (ck::CKA_PUBLIC_EXPONENT, Some(rsa.e())),
            (ck::CKA_PRIVATE_EXPONENT, Some(rsa.d())),
            (ck::CKA_PRIME_1, rsa.p()),
            (ck::CKA_PRIME_2, rsa.q()),
            (ck::CKA_EXPONENT_1, rsa.dmp1()),
            (ck::CKA_EXPONENT_2, rsa.dmq1()),
            (ck::CKA_COEFFICIENT, rsa.iqmp()),
        ];
        let present = numbers.into_iter().filter_map(|(kind, number)| Some((kind, number?)));
        Ok(present.map(|(kind, number)| (kind, Bytes::new(number.to_vec()))).collect())
    }
}

/// The public exponent that a template for generation asks for, or the usual one. One we can't use is
/// `TemplateInconsistent`.
pub(super) fn wanted_exponent(template: &Attributes) -> Result<BigNum> {
    let Some(given) = template.bytes(ck::CKA_PUBLIC_EXPONENT) else {
        return Number::small(COMMON_EXPONENTS[0])?.to_bn();
    };
    let e = Number::new(given)?;
    check_exponent(&e).map_err(|_| Error::TemplateInconsistent)?;
    e.to_bn()
}

/// The numbers that make a private key, not yet known to fit together.
struct Numbers {
    n: Number,
    e: Number,
    d: Number,
    p: Number,
    q: Number,
}

impl Numbers {
    /// Checks that everything fits, also what `attributes` say of the rest, and makes the key.
    fn build(self, attributes: &Attributes) -> Result<PKey<Private>> {
        let (p1, q1) = (self.p.minus_one()?, self.q.minus_one()?);
        let product = self.e.times(&self.d)?;
        let one = Number::small(1)?;
        if self.p == self.q || product.modulo(&p1)? != one || product.modulo(&q1)? != one {
            return Err(Error::AttributeValueInvalid);
        }
        let dp = self.d.modulo(&p1)?;
        let dq = self.d.modulo(&q1)?;
        let qinv = self.coefficient(attributes)?;
        for (kind, number) in [(ck::CKA_EXPONENT_1, &dp), (ck::CKA_EXPONENT_2, &dq)] {
            if let Some(given) = attributes.bytes(kind)
                && Number::new(given)? != *number
            {
                return Err(Error::AttributeValueInvalid);
            }
        }
        let rsa = Rsa::from_private_components(
            self.n.to_bn()?,
            self.e.to_bn()?,
            self.d.to_bn()?,
            self.p.to_bn()?,
            self.q.to_bn()?,
            dp.to_bn()?,
            dq.to_bn()?,
            qinv.to_bn()?,
        )
        .map_err(unexpected)?;
        PKey::from_rsa(rsa).map_err(unexpected)
    }
}

impl Numbers {
    /// The inverse of `q` modulo `p`. One that is given is only checked: that takes a hundredth of the time.
    fn coefficient(&self, attributes: &Attributes) -> Result<Number> {
        let Some(given) = attributes.bytes(ck::CKA_COEFFICIENT) else {
            return self.q.inverse(&self.p)?.ok_or(Error::AttributeValueInvalid);
        };
        let given = Number::new(given)?;
        let is_inverse = given < self.p && given.times(&self.q)?.modulo(&self.p)? == Number::small(1)?;
        if is_inverse { Ok(given) } else { Err(Error::AttributeValueInvalid) }
    }
}

/// `CKA_MODULUS`, of a size we take.
fn modulus(attributes: &Attributes) -> Result<Number> {
    let n = Number::new(required(attributes, ck::CKA_MODULUS)?)?;
    let fits = (SIZES.0..=SIZES.1).contains(&u64::from(n.bits()));
    if fits && n.is_odd() { Ok(n) } else { Err(Error::AttributeValueInvalid) }
}

/// Whether `e` can be a public exponent: odd, at least 3, not too long.
fn check_exponent(e: &Number) -> Result<()> {
    let fits = e.is_odd() && e.bits() > 1 && e.bits() <= EXPONENT_BITS;
    if fits { Ok(()) } else { Err(Error::AttributeValueInvalid) }
}

/// Both primes if at least one is given; their product must be `n`.
fn given_factors(n: &Number, p: Option<Number>, q: Option<Number>) -> Result<Option<(Number, Number)>> {
    let one = Number::small(1)?;
    let proper = |factor: &Number| *factor > one && factor < n && factor.is_odd();
    let (p, q) = match (p, q) {
        (None, None) => return Ok(None),
        (Some(p), None) | (None, Some(p)) if !proper(&p) => return Err(Error::AttributeValueInvalid),
        (Some(p), Some(q)) => (p, q),
        (Some(p), None) => {
            let q = n.over(&p)?;
            (p, q)
        }
        (None, Some(q)) => (n.over(&q)?, q),
    };
    if proper(&p) && proper(&q) && p.times(&q)? == *n {
        Ok(Some((p, q)))
    } else {
        Err(Error::AttributeValueInvalid)
    }
}

/// The least common multiple of `p - 1` and `q - 1`.
fn carmichael(p: &Number, q: &Number) -> Result<Number> {
    let (p1, q1) = (p.minus_one()?, q.minus_one()?);
    p1.times(&q1)?.over(&p1.gcd(&q1)?)
}

/// The public exponent that belongs to `d`, if it is one that people use.
fn common_exponent(n: &Number, d: &Number) -> Result<Number> {
    let two = Number::small(2)?;
    let power = two.power(d, n)?;
    for candidate in COMMON_EXPONENTS {
        let e = Number::small(*candidate)?;
        if power.power(&e, n)? == two {
            return Ok(e);
        }
    }
    Err(Error::TemplateIncomplete)
}

/// The primes of `n` from a pair of exponents, as in NIST SP 800-56B, appendix C.1: `e * d - 1` is a
/// multiple of the order of every number, so a square root of 1 that is neither 1 nor -1 is soon found on
/// the way to it.
fn factor(n: &Number, e: &Number, d: &Number) -> Result<(Number, Number)> {
    let one = Number::small(1)?;
    let minus_one = n.minus_one()?;
    let multiple = e.times(d)?.minus_one()?;
    let twos = multiple.trailing_zeros();
    let odd = multiple.shifted_right(twos)?;
    for base in 2..100 {
        let mut power = Number::small(base)?.power(&odd, n)?;
        for _ in 0..twos {
            if power == one || power == minus_one {
                break;
            }
            let square = power.times(&power)?.modulo(n)?;
            if square == one {
                let p = power.minus_one()?.gcd(n)?;
                let q = n.over(&p)?;
                return Ok(if p > q { (p, q) } else { (q, p) });
            }
            power = square;
        }
    }
    Err(Error::AttributeValueInvalid)
}

#[cfg(test)]
mod tests {
    use super::super::pair_testing::rsa;
    use super::super::{Material, encoding};
    use super::*;

    const PARTS: [u64; 6] = [
        ck::CKA_PUBLIC_EXPONENT,
        ck::CKA_PRIME_1,
        ck::CKA_PRIME_2,
        ck::CKA_EXPONENT_1,
        ck::CKA_EXPONENT_2,
        ck::CKA_COEFFICIENT,
    ];

    fn without(kinds: &[u64]) -> Attributes {
        let mut key = rsa().1.clone();
        for kind in kinds {
            key.remove(*kind);
        }
        key
    }

    fn refusal(key: &Attributes) -> Error {
        match Material::from_attributes(key) {
            Ok(_) => panic!("taken"),
            Err(error) => error,
        }
    }

    #[test]
    fn missing_parts_are_computed_and_are_the_same_numbers() {
        let full = &rsa().1;
        for missing in [
            &PARTS[..],
            &PARTS[1..],
            &PARTS[3..],
            &[ck::CKA_PRIME_1],
            &[ck::CKA_PRIME_2],
            &[ck::CKA_PUBLIC_EXPONENT],
            &[],
        ] {
            let mut key = without(missing);
            encoding::complete(&mut key).unwrap();
            // The two primes may have changed places.
            for kind in [ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT, ck::CKA_PRIVATE_EXPONENT] {
                assert_eq!(key.bytes(kind), full.bytes(kind));
            }
            let primes = |key: &Attributes| {
                let mut primes =
                    [ck::CKA_PRIME_1, ck::CKA_PRIME_2].map(|kind| key.bytes(kind).unwrap().to_vec());
                primes.sort();
                primes
            };
            assert_eq!(primes(&key), primes(full));
            let Ok(Material::Private(key)) = Material::from_attributes(&key) else { panic!() };
            assert!(key.rsa().unwrap().check_key().unwrap());
        }
    }

    #[test]
    fn numbers_may_begin_with_zeros_and_lose_them() {
        let mut key = rsa().1.clone();
        for kind in PARTS.iter().chain([ck::CKA_MODULUS, ck::CKA_PRIVATE_EXPONENT].iter()) {
            let padded = [&[0, 0], key.bytes(*kind).unwrap()].concat();
            key.set(*kind, padded);
        }
        encoding::complete(&mut key).unwrap();
        assert_eq!(key, rsa().1);
        let mut public = rsa().0.clone();
        public.remove(ck::CKA_MODULUS_BITS);
        public.set(ck::CKA_PUBLIC_EXPONENT, vec![0, 1, 0, 1]);
        encoding::complete(&mut public).unwrap();
        assert_eq!(public, rsa().0);
    }

    #[test]
    fn numbers_that_do_not_fit_together_are_refused() {
        let kinds = PARTS.iter().chain([ck::CKA_MODULUS, ck::CKA_PRIVATE_EXPONENT].iter());
        for kind in kinds {
            for position in [0, 1] {
                let mut key = rsa().1.clone();
                let mut value = key.bytes(*kind).unwrap().to_vec();
                let at = if position == 0 { 0 } else { value.len() - 1 };
                value[at] ^= 2;
                key.set(*kind, value);
                assert_eq!(refusal(&key), Error::AttributeValueInvalid, "{kind:#x}");
            }
            let mut key = rsa().1.clone();
            key.set(*kind, vec![]);
            assert_eq!(refusal(&key), Error::AttributeValueInvalid, "{kind:#x}");
            key.set(*kind, vec![0xff; 5000]);
            assert_eq!(refusal(&key), Error::AttributeValueInvalid, "{kind:#x}");
        }
        let mut key = without(&PARTS[1..]);
        key.set(ck::CKA_PUBLIC_EXPONENT, vec![3]);
        assert_eq!(refusal(&key), Error::AttributeValueInvalid);
        let mut key = rsa().1.clone();
        key.set(ck::CKA_PRIME_1, key.bytes(ck::CKA_MODULUS).unwrap().to_vec());
        key.set(ck::CKA_PRIME_2, vec![1]);
        assert_eq!(refusal(&key), Error::AttributeValueInvalid);
    }

    #[test]
    fn what_cannot_be_computed_is_missing() {
        assert_eq!(refusal(&without(&[ck::CKA_MODULUS])), Error::TemplateIncomplete);
        assert_eq!(refusal(&without(&[ck::CKA_PRIVATE_EXPONENT])), Error::TemplateIncomplete);
        let mut public = rsa().0.clone();
        public.remove(ck::CKA_PUBLIC_EXPONENT);
        assert_eq!(refusal(&public), Error::TemplateIncomplete);
    }

    #[test]
    fn public_keys_have_an_odd_modulus_of_a_size_we_take_and_an_odd_exponent() {
        for (kind, value) in [
            (ck::CKA_MODULUS, vec![0xff; 127]),
            (ck::CKA_MODULUS, vec![0xff; 1025]),
            (ck::CKA_MODULUS, vec![0xfe; 256]),
            (ck::CKA_PUBLIC_EXPONENT, vec![1]),
            (ck::CKA_PUBLIC_EXPONENT, vec![4]),
            (ck::CKA_PUBLIC_EXPONENT, vec![0xff; 9]),
        ] {
            let mut key = rsa().0.clone();
            key.set(kind, value);
            assert_eq!(refusal(&key), Error::AttributeValueInvalid);
        }
    }
}
