//! Keys in the form OpenSSL works with, made once from an object's attributes and then kept.

use crate::attribute::{Attributes, Bytes};
use crate::error::Result;
use openssl::pkey::{PKey, Private, Public};

/// A key ready for use.
pub enum Material {
    /// A secret key's bytes.
    Secret(Bytes),
    /// A public key.
    Public(PKey<Public>),
    /// A private key.
    Private(PKey<Private>),
}

impl Material {
    /// Makes the material of a key object from all its attributes, secret ones included.
    ///
    /// Values that are no such key are `AttributeValueInvalid`, an unknown curve `CurveNotSupported`, missing ones
    /// `TemplateIncomplete`, a key type without material here `KeyTypeInconsistent`.
    pub fn from_attributes(attributes: &Attributes) -> Result<Material> {
        let _ = attributes;
        todo!()
    }

    /// The key's size as mechanisms count it: bits of the RSA modulus or EC field, bytes of a secret.
    pub fn size(&self) -> u64 {
        todo!()
    }
}
