//! The parts of a key that an HSM shows.

use cryptoki::error::Error;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use zeroize::Zeroizing;

use super::from_openssl;
use crate::hsm::Trouble;

/// Attributes of one key, wiped when dropped.
pub struct Parts(Vec<(AttributeType, Zeroizing<Vec<u8>>)>);

impl Parts {
    /// Reads those attributes of a key.
    pub fn read(session: &Session, key: ObjectHandle, which: &[AttributeType]) -> Result<Self, Error> {
        let attributes = session.get_attributes(key, which)?;
        Ok(Self(attributes.into_iter().filter_map(part).collect()))
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the HSM doesn't show it.
    pub fn get(&self, which: AttributeType) -> Result<&[u8], Trouble> {
        let found = self.0.iter().find(|(kind, value)| *kind == which && !value.is_empty());
        found
            .map(|(_, value)| &value[..])
            .ok_or_else(|| Trouble::Unsupported(format!("the HSM shows no {which}")))
    }

    /// One of them, as a number.
    pub fn number(&self, which: AttributeType) -> Result<BigNum, Trouble> {
        number(self.get(which)?).map_err(from_openssl)
    }
}

/// A number that may be secret: OpenSSL wipes it.
fn number(bytes: &[u8]) -> Result<BigNum, ErrorStack> {
    let mut number = BigNum::new_secure()?;
    number.copy_from_slice(bytes)?;
    Ok(number)
}

fn part(attribute: Attribute) -> Option<(AttributeType, Zeroizing<Vec<u8>>)> {
    let kind = attribute.attribute_type();
    match attribute {
        Attribute::Modulus(value)
        | Attribute::PublicExponent(value)
        | Attribute::PrivateExponent(value)
        | Attribute::Prime1(value)
        | Attribute::Prime2(value)
        | Attribute::Exponent1(value)
        | Attribute::Exponent2(value)
        | Attribute::Coefficient(value)
        | Attribute::EcPoint(value)
        | Attribute::Seed(value)
        | Attribute::Value(value) => Some((kind, Zeroizing::new(value))),
        _ => None,
    }
}

#[cfg(test)]
impl Parts {
    /// For tests: as if an HSM had shown them.
    pub fn of(parts: &[(AttributeType, &[u8])]) -> Self {
        Self(parts.iter().map(|(kind, value)| (*kind, Zeroizing::new(value.to_vec()))).collect())
    }
}
