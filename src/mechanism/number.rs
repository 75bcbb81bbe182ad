//! Big numbers that may be secret: OpenSSL's, wiped when dropped, compared and computed with in constant
//! time where OpenSSL can.

use crate::crypto::unexpected;
use crate::error::{Error, Result};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use std::cmp::Ordering;

/// Bytes of the longest number in any key, a product of two of them included: no caller can make us compute
/// with more.
const LONGEST: usize = 2 * 8192 / 8;

/// A number, never negative.
pub struct Number(BigNum);

impl Drop for Number {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl Number {
    /// From big-endian bytes; leading zeros don't count. Longer than any key's is `AttributeValueInvalid`.
    pub fn new(bytes: &[u8]) -> Result<Number> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = &bytes[zeros..];
        if digits.len() > LONGEST {
            return Err(Error::AttributeValueInvalid);
        }
        BigNum::from_slice(digits).map(Number::secret).map_err(unexpected)
    }

    /// From a small number.
    pub fn small(value: u32) -> Result<Number> {
        BigNum::from_u32(value).map(Number).map_err(unexpected)
    }

    fn secret(mut number: BigNum) -> Number {
        number.set_const_time();
        Number(number)
    }

    /// OpenSSL's form, to look at.
    pub fn as_bn(&self) -> &BigNumRef {
        &self.0
    }

    /// A copy for a key to own, which wipes it with the key.
    pub fn to_bn(&self) -> Result<BigNum> {
        self.0.to_owned().map_err(unexpected)
    }

    /// Bits without leading zeros.
    pub fn bits(&self) -> u32 {
        self.0.num_bits().unsigned_abs()
    }

    /// Whether it is odd.
    pub fn is_odd(&self) -> bool {
        self.0.is_odd()
    }

    /// How often two divides it.
    pub fn trailing_zeros(&self) -> u32 {
        (0..self.bits()).take_while(|bit| !self.0.is_bit_set(*bit as i32)).count() as u32
    }

    /// One less. Of zero, it is `AttributeValueInvalid`.
    pub fn minus_one(&self) -> Result<Number> {
        let mut result = Number::secret(self.to_bn()?);
        if result.bits() == 0 {
            return Err(Error::AttributeValueInvalid);
        }
        result.0.sub_word(1).map_err(unexpected)?;
        Ok(result)
    }

    /// Without its lowest bits.
    pub fn shifted_right(&self, bits: u32) -> Result<Number> {
        compute(|result, _| result.rshift(&self.0, bits as i32))
    }

    /// The product.
    pub fn times(&self, other: &Number) -> Result<Number> {
        compute(|result, context| result.checked_mul(&self.0, &other.0, context))
    }

    /// The quotient, rounded down.
    pub fn over(&self, divisor: &Number) -> Result<Number> {
        compute(|result, context| result.checked_div(&self.0, &divisor.0, context))
    }

    /// The remainder.
    pub fn modulo(&self, modulus: &Number) -> Result<Number> {
        compute(|result, context| result.checked_rem(&self.0, &modulus.0, context))
    }

    /// The power modulo `modulus`, which is odd.
    pub fn power(&self, exponent: &Number, modulus: &Number) -> Result<Number> {
        compute(|result, context| result.mod_exp(&self.0, &exponent.0, &modulus.0, context))
    }

    /// The greatest common divisor.
    pub fn gcd(&self, other: &Number) -> Result<Number> {
        compute(|result, context| result.gcd(&self.0, &other.0, context))
    }

    /// The inverse modulo `modulus`, if there is one.
    pub fn inverse(&self, modulus: &Number) -> Result<Option<Number>> {
        if self.gcd(modulus)? != Number::small(1)? {
            return Ok(None);
        }
        compute(|result, context| result.mod_inverse(&self.0, &modulus.0, context)).map(Some)
    }
}

/// Runs one computation with a scratch place that is wiped after it.
fn compute(
    run: impl FnOnce(&mut BigNum, &mut BigNumContext) -> std::result::Result<(), ErrorStack>,
) -> Result<Number> {
    let mut context = BigNumContext::new().map_err(unexpected)?;
    let mut result = Number::secret(BigNum::new().map_err(unexpected)?);
    run(&mut result.0, &mut context).map_err(unexpected)?;
    Ok(result)
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.0 == other.0
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.0.ucmp(&other.0))
    }
}
