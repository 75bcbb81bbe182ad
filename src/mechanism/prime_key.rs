//! Key pairs modulo a prime: Diffie-Hellman, that of X9.42, and DSA (PKCS#11 3.2, sections 6.2 and 6.4).

use super::material::{PairType, required};
use crate::attribute::{Attributes, Bytes, Value};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::dh::Dh;
use openssl::dsa::Dsa;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, PKeyRef, Private, Public};

/// Bits of the prime.
pub const SIZES: (u64, u64) = (1024, 8192);

/// Which algorithm the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrimeType {
    /// PKCS #3: prime and base.
    Dh,
    /// X9.42: prime, subprime and base.
    X942,
    /// The same numbers for signatures.
    Dsa,
}

/// What all users of a group share.
pub(super) struct Group {
    /// The prime.
    pub p: BigNum,
    /// The order of the base, where it is known.
    pub q: Option<BigNum>,
    /// The base.
    pub g: BigNum,
}

type Opened<T> = std::result::Result<T, ErrorStack>;

impl PrimeType {
    /// The group in these attributes; `DomainParamsInvalid` for numbers that cannot be one.
    pub fn group(self, attributes: &Attributes) -> Result<Group> {
        let q = if self == PrimeType::Dh { None } else { Some(number(attributes, ck::CKA_SUBPRIME)?) };
        let group = Group { p: number(attributes, ck::CKA_PRIME)?, q, g: number(attributes, ck::CKA_BASE)? };
        let bits = group.p.num_bits() as u64;
        let one = small(1)?;
        let sound = (SIZES.0..=SIZES.1).contains(&bits)
            && group.p.is_bit_set(0)
            && group.g > one
            && group.g < group.p
            && group.q.as_ref().is_none_or(|q| q.num_bits() >= 160 && q.is_bit_set(0) && *q < group.p);
        if sound { Ok(group) } else { Err(Error::DomainParamsInvalid) }
    }

    /// The public key `y` in a group.
    pub fn public_key(self, group: &Group, y: &BigNumRef) -> Result<PKey<Public>> {
        // 1 and -1 are in every group, and no key.
        let mut last = group.copy().map_err(unexpected)?.p;
        last.sub_word(1).map_err(unexpected)?;
        if *y <= *small(1)? || *y >= *last {
            return Err(Error::AttributeValueInvalid);
        }
        let open = || -> Opened<PKey<Public>> {
            let (group, y) = (group.copy()?, y.to_owned()?);
            match (self, group.q) {
                (PrimeType::Dsa, Some(q)) => {
                    PKey::from_dsa(Dsa::from_public_components(group.p, q, group.g, y)?)
                }
                (PrimeType::X942, q) => PKey::from_dhx(Dh::from_pqg(group.p, q, group.g)?.set_public_key(y)?),
                (_, q) => PKey::from_dh(Dh::from_pqg(group.p, q, group.g)?.set_public_key(y)?),
            }
        };
        open().map_err(unexpected)
    }

    /// The private key `x` in a group.
    pub fn private_key(self, group: &Group, x: BigNum) -> Result<PKey<Private>> {
        let most = group.q.as_ref().unwrap_or(&group.p);
        if x < *small(1)? || x >= *most {
            return Err(Error::AttributeValueInvalid);
        }
        let open = || -> Opened<PKey<Private>> {
            let mut x = x;
            x.set_const_time();
            let mut y = BigNum::new()?;
            y.mod_exp(&group.g, &x, &group.p, &mut *BigNumContext::new_secure()?)?;
            let group = group.copy()?;
            match (self, group.q) {
                (PrimeType::Dsa, Some(q)) => {
                    PKey::from_dsa(Dsa::from_private_components(group.p, q, group.g, x, y)?)
                }
                (PrimeType::X942, q) => PKey::from_dhx(Dh::from_pqg(group.p, q, group.g)?.set_key(y, x)?),
                (_, q) => PKey::from_dh(Dh::from_pqg(group.p, q, group.g)?.set_key(y, x)?),
            }
        };
        open().map_err(unexpected)
    }

    /// A new private key; where `bits` are given, one of so many.
    pub fn generate(self, group: &Group, bits: Option<u64>) -> Result<PKey<Private>> {
        let most = group.q.as_ref().unwrap_or(&group.p);
        let x = match bits {
            Some(bits) if bits < 160 || bits >= u64::from(most.num_bits() as u32) => {
                return Err(Error::AttributeValueInvalid);
            }
            Some(bits) => random(|x| x.rand(bits as i32, openssl::bn::MsbOption::ONE, false)),
            None => random(|x| most.rand_range(x)),
        };
        self.private_key(group, x.map_err(|_| Error::RandomNoRng)?)
    }

    fn group_parts(self, p: &BigNumRef, q: Option<&BigNumRef>, g: &BigNumRef) -> Attributes {
        let mut parts = Attributes::new();
        parts.set(ck::CKA_PRIME, p.to_vec());
        parts.set(ck::CKA_BASE, g.to_vec());
        if let (Some(q), true) = (q, self != PrimeType::Dh) {
            parts.set(ck::CKA_SUBPRIME, q.to_vec());
        }
        parts
    }
}

impl PairType for PrimeType {
    fn public(&self, attributes: &Attributes) -> Result<PKey<Public>> {
        let y = number(attributes, ck::CKA_VALUE)?;
        self.public_key(&self.group(attributes)?, &y)
    }

    fn private(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        let x = BigNum::from_slice(required(attributes, ck::CKA_VALUE)?).map_err(unexpected)?;
        self.private_key(&self.group(attributes)?, x)
    }

    /// Its exponent is one that everybody knows.
    fn stand_in(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        self.private_key(&self.group(attributes)?, small(2)?)
    }

    fn public_parts(&self, key: &PKeyRef<Public>) -> Result<Attributes> {
        let mut parts;
        if *self == PrimeType::Dsa {
            let dsa = key.dsa().map_err(|_| Error::KeyTypeInconsistent)?;
            parts = self.group_parts(dsa.p(), Some(dsa.q()), dsa.g());
            parts.set(ck::CKA_VALUE, dsa.pub_key().to_vec());
        } else {
            let dh = key.dh().map_err(|_| Error::KeyTypeInconsistent)?;
            parts = self.group_parts(dh.prime_p(), dh.prime_q(), dh.generator());
            parts.set(ck::CKA_VALUE, dh.public_key().to_vec());
        }
        Ok(parts)
    }

    fn private_parts(&self, key: &PKeyRef<Private>) -> Result<Attributes> {
        let mut parts;
        let x = if *self == PrimeType::Dsa {
            let dsa = key.dsa().map_err(|_| Error::KeyTypeInconsistent)?;
            parts = self.group_parts(dsa.p(), Some(dsa.q()), dsa.g());
            Bytes::new(dsa.priv_key().to_vec())
        } else {
            let dh = key.dh().map_err(|_| Error::KeyTypeInconsistent)?;
            parts = self.group_parts(dh.prime_p(), dh.prime_q(), dh.generator());
            Bytes::new(dh.private_key().to_vec())
        };
        if *self != PrimeType::Dh && !parts.contains(ck::CKA_SUBPRIME) {
            return Err(Error::KeyTypeInconsistent);
        }
        parts.set(ck::CKA_VALUE, Value::Bytes(x));
        Ok(parts)
    }
}

impl Group {
    /// Bytes of the prime.
    pub fn bytes(&self) -> usize {
        self.p.num_bytes() as usize
    }

    fn copy(&self) -> Opened<Group> {
        let q = self.q.as_deref().map(BigNumRef::to_owned).transpose()?;
        Ok(Group { p: self.p.to_owned()?, q, g: self.g.to_owned()? })
    }
}

/// A number that must be there.
fn number(attributes: &Attributes, kind: u64) -> Result<BigNum> {
    BigNum::from_slice(required(attributes, kind)?).map_err(unexpected)
}

fn small(number: u32) -> Result<BigNum> {
    BigNum::from_u32(number).map_err(unexpected)
}

/// A random number other than zero.
fn random(fill: impl Fn(&mut BigNumRef) -> Opened<()>) -> Opened<BigNum> {
    let mut number = BigNum::new_secure()?;
    while number.num_bits() == 0 {
        fill(&mut number)?;
    }
    Ok(number)
}
