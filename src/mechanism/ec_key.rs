//! Keys on elliptic curves of all three kinds: attributes to keys and back (PKCS#11 3.2, section 6.3).

use super::curves::Curve;
use super::material::{PairType, required};
use super::{number::Number, point};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, PKeyRef, Private, Public};

/// Key pairs on the curves whose keys have this `CKK_` number.
pub(super) struct EcType(pub u64);

impl PairType for EcType {
    fn public(&self, attributes: &Attributes) -> Result<PKey<Public>> {
        let curve = self.curve(attributes)?;
        let value = required(attributes, ck::CKA_EC_POINT)?;
        let bare = point::bare(curve, value).ok_or(Error::AttributeValueInvalid)?;
        public_key(curve, bare)
    }

    fn private(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        let curve = self.curve(attributes)?;
        let value = required(attributes, ck::CKA_VALUE)?;
        if curve.id == Id::EC {
            return weierstrass_private(curve, value);
        }
        if value.len() != curve.size {
            return Err(Error::AttributeValueInvalid);
        }
        PKey::private_key_from_raw_bytes(value, curve.id).map_err(|_| Error::AttributeValueInvalid)
    }

    fn public_parts(&self, key: &PKeyRef<Public>) -> Result<Attributes> {
        let curve = self.curve_of(key)?;
        let mut parts = Attributes::new();
        parts.set(ck::CKA_EC_PARAMS, curve.oid);
        parts.set(ck::CKA_EC_POINT, point::octet_string(&bare_point(curve, key).map_err(unexpected)?));
        Ok(parts)
    }

    fn private_parts(&self, key: &PKeyRef<Private>) -> Result<Attributes> {
        let curve = self.curve_of(key)?;
        let value = match key.ec_key() {
            Ok(key) => key.private_key().to_vec_padded(curve.size as i32),
            Err(_) => key.raw_private_key(),
        };
        let mut parts = Attributes::new();
        parts.set(ck::CKA_EC_PARAMS, curve.oid);
        parts.set(ck::CKA_VALUE, Bytes::new(value.map_err(unexpected)?));
        Ok(parts)
    }
}

impl EcType {
    fn curve(&self, attributes: &Attributes) -> Result<&'static Curve> {
        Curve::named(self.0, required(attributes, ck::CKA_EC_PARAMS)?)
    }

    fn curve_of<T: openssl::pkey::HasParams>(&self, key: &PKeyRef<T>) -> Result<&'static Curve> {
        let curve = Curve::of(key)?;
        if curve.key_type == self.0 { Ok(curve) } else { Err(Error::KeyTypeInconsistent) }
    }
}

/// The public key with that bare point (see [`point::bare`]); one that is not on the curve is `PublicKeyInvalid`.
///
/// The bytes of a Montgomery key are always a point. Those of an Edwards key are looked at when the key is used: one that is no
/// point verifies nothing.
pub(super) fn public_key(curve: &Curve, bare: &[u8]) -> Result<PKey<Public>> {
    if curve.id != Id::EC {
        return PKey::public_key_from_raw_bytes(bare, curve.id).map_err(|_| Error::PublicKeyInvalid);
    }
    let group = EcGroup::from_curve_name(curve.nid).map_err(unexpected)?;
    let mut context = BigNumContext::new().map_err(unexpected)?;
    let key = EcPoint::from_bytes(&group, bare, &mut context)
        .and_then(|point| EcKey::from_public_key(&group, &point))
        .map_err(|_| Error::PublicKeyInvalid)?;
    key.check_key().map_err(|_| Error::PublicKeyInvalid)?;
    PKey::from_ec_key(key).map_err(unexpected)
}

/// The bare point of a public key, uncompressed.
fn bare_point(curve: &Curve, key: &PKeyRef<Public>) -> std::result::Result<Vec<u8>, ErrorStack> {
    if curve.id != Id::EC {
        return key.raw_public_key();
    }
    let key = key.ec_key()?;
    let mut context = BigNumContext::new()?;
    key.public_key().to_bytes(key.group(), PointConversionForm::UNCOMPRESSED, &mut context)
}

/// A private key from its number: from 1 to the order of the base point, exclusive. Leading zeros may be missing or too many.
fn weierstrass_private(curve: &Curve, value: &[u8]) -> Result<PKey<Private>> {
    let group = EcGroup::from_curve_name(curve.nid).map_err(unexpected)?;
    let mut context = BigNumContext::new().map_err(unexpected)?;
    let mut order = openssl::bn::BigNum::new().map_err(unexpected)?;
    group.order(&mut order, &mut context).map_err(unexpected)?;
    let number = Number::new(value)?;
    if number < Number::small(1)? || number >= Number::new(&order.to_vec())? {
        return Err(Error::AttributeValueInvalid);
    }
    let mut point = EcPoint::new(&group).map_err(unexpected)?;
    point.mul_generator2(&group, number.as_bn(), &mut context).map_err(unexpected)?;
    let key = EcKey::from_private_components(&group, number.as_bn(), &point).map_err(unexpected)?;
    PKey::from_ec_key(key).map_err(unexpected)
}
