//! Keys on elliptic curves of all three kinds: attributes to keys and back (PKCS#11 3.2, section 6.3).

use super::curves::Curve;
use super::material::{PairType, required};
use super::{number::Number, point};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::BigNumContext;
use openssl::ec::{EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public};

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
        let key = private_key(curve, required(attributes, ck::CKA_VALUE)?)?;
        if let Some(given) = attributes.bytes(ck::CKA_EC_POINT) {
            let given = point::bare(curve, given).ok_or(Error::AttributeValueInvalid)?;
            if !is_point_of(curve, given, &key)? {
                return Err(Error::AttributeValueInvalid);
            }
        }
        Ok(key)
    }

    fn stand_in(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        let curve = self.curve(attributes)?;
        // As a number 1 with leading zeros on the curves whose keys are numbers.
        let mut value = vec![0; curve.size];
        if let Some(last) = value.last_mut() {
            *last = 1;
        }
        private_key(curve, &value)
    }

    fn public_parts(&self, key: &PKeyRef<Public>) -> Result<Attributes> {
        self.open_parts(key)
    }

    /// With the public point: section 6.3 has none in private keys, but clients that find no public key object look for
    /// it there.
    fn private_parts(&self, key: &PKeyRef<Private>) -> Result<Attributes> {
        let mut parts = self.open_parts(key)?;
        parts.set(ck::CKA_VALUE, private_value(key)?);
        Ok(parts)
    }
}

/// The private number, or the bytes that are the key.
fn private_value(key: &PKeyRef<Private>) -> Result<Bytes> {
    let value = match key.ec_key() {
        Ok(ec) => ec.private_key().to_vec_padded(Curve::of(key)?.size as i32),
        Err(_) => key.raw_private_key(),
    };
    value.map(Bytes::new).map_err(unexpected)
}

impl EcType {
    fn curve(&self, attributes: &Attributes) -> Result<&'static Curve> {
        Curve::named(self.0, required(attributes, ck::CKA_EC_PARAMS)?)
    }

    /// Curve and point, which are no secret.
    fn open_parts<T: HasPublic>(&self, key: &PKeyRef<T>) -> Result<Attributes> {
        let curve = Curve::of(key)?;
        if curve.key_type != self.0 {
            return Err(Error::KeyTypeInconsistent);
        }
        let mut parts = Attributes::new();
        parts.set(ck::CKA_EC_PARAMS, curve.oid);
        parts.set(ck::CKA_EC_POINT, point::octet_string(&bare_point(curve, key).map_err(unexpected)?));
        Ok(parts)
    }
}

/// The public key with that bare point (see [`point::bare`]); one that is not on the curve is
/// `PublicKeyInvalid`.
///
/// The bytes of a Montgomery key are always a point. Those of an Edwards key are looked at when the key is
/// used: one that is no point verifies nothing.
pub(super) fn public_key(curve: &Curve, bare: &[u8]) -> Result<PKey<Public>> {
    if curve.id != Id::EC {
        return PKey::public_key_from_raw_bytes(bare, curve.id).map_err(|_| Error::PublicKeyInvalid);
    }
    let group = curve.group()?;
    let mut context = BigNumContext::new().map_err(unexpected)?;
    let key = EcPoint::from_bytes(group, bare, &mut context)
        .and_then(|point| EcKey::from_public_key(group, &point))
        .map_err(|_| Error::PublicKeyInvalid)?;
    key.check_key().map_err(|_| Error::PublicKeyInvalid)?;
    PKey::from_ec_key(key).map_err(unexpected)
}

/// The bare public point of a key, uncompressed.
pub(super) fn bare_point<T: HasPublic>(
    curve: &Curve,
    key: &PKeyRef<T>,
) -> std::result::Result<Vec<u8>, ErrorStack> {
    if curve.id != Id::EC {
        return key.raw_public_key();
    }
    let key = key.ec_key()?;
    let mut context = BigNumContext::new()?;
    key.public_key().to_bytes(key.group(), PointConversionForm::UNCOMPRESSED, &mut context)
}

/// Whether this is the bare public point of a key; one that is not on the curve is `PublicKeyInvalid`. To compare points takes no inversion, as
/// their encoding does.
fn is_point_of(curve: &Curve, given: &[u8], key: &PKeyRef<Private>) -> Result<bool> {
    if curve.id != Id::EC {
        return key.raw_public_key().map(|own| own == given).map_err(unexpected);
    }
    let (key, mut context) = (key.ec_key().map_err(unexpected)?, BigNumContext::new().map_err(unexpected)?);
    let given = EcPoint::from_bytes(key.group(), given, &mut context).map_err(|_| Error::PublicKeyInvalid)?;
    key.public_key().eq(key.group(), &given, &mut context).map_err(unexpected)
}

/// A private key from its bytes.
fn private_key(curve: &Curve, value: &[u8]) -> Result<PKey<Private>> {
    if curve.id == Id::EC {
        return weierstrass_private(curve, value);
    }
    if value.len() != curve.size {
        return Err(Error::AttributeValueInvalid);
    }
    PKey::private_key_from_raw_bytes(value, curve.id).map_err(|_| Error::AttributeValueInvalid)
}

/// A private key from its number: from 1 to the order of the base point, exclusive. Leading zeros may be
/// missing or too many.
fn weierstrass_private(curve: &Curve, value: &[u8]) -> Result<PKey<Private>> {
    let group = curve.group()?;
    let mut context = BigNumContext::new().map_err(unexpected)?;
    let mut order = openssl::bn::BigNum::new().map_err(unexpected)?;
    group.order(&mut order, &mut context).map_err(unexpected)?;
    let number = Number::new(value)?;
    if number < Number::small(1)? || number >= Number::new(&order.to_vec())? {
        return Err(Error::AttributeValueInvalid);
    }
    let mut point = EcPoint::new(group).map_err(unexpected)?;
    point.mul_generator2(group, number.as_bn(), &mut context).map_err(unexpected)?;
    let key = EcKey::from_private_components(group, number.as_bn(), &point).map_err(unexpected)?;
    PKey::from_ec_key(key).map_err(unexpected)
}

#[cfg(test)]
mod tests {
    use super::super::curves::CURVES;
    use super::super::pair_testing::curve as pair;
    use super::super::{Material, encoding};
    use super::*;
    use openssl::bn::BigNum;

    fn refusal(key: &Attributes) -> Error {
        match Material::from_attributes(key) {
            Ok(_) => panic!("taken"),
            Err(error) => error,
        }
    }

    fn changed(key: &Attributes, kind: u64, value: &[u8]) -> Attributes {
        let mut key = key.clone();
        key.set(kind, value);
        key
    }

    #[test]
    fn generated_pairs_of_every_curve_belong_together() {
        for curve in CURVES {
            let (public, private) = pair(curve.key_type, curve.oid);
            for key in [&public, &private] {
                assert_eq!(key.bytes(ck::CKA_EC_PARAMS), Some(curve.oid));
                assert_eq!(Material::from_attributes(key).unwrap().size(), curve.bits, "{:?}", curve.names);
            }
            assert_eq!(private.bytes(ck::CKA_VALUE).unwrap().len(), curve.size);
            assert!(!public.contains(ck::CKA_VALUE));
            assert_eq!(private.bytes(ck::CKA_EC_POINT), public.bytes(ck::CKA_EC_POINT));
            assert_eq!(public.bytes(ck::CKA_EC_POINT).unwrap()[0], 4);
            assert_eq!(encoding::public_key_info(&public), encoding::public_key_info(&private));
        }
    }

    #[test]
    fn points_are_taken_in_every_form_and_shown_in_one() {
        for curve in CURVES {
            let (public, _) = pair(curve.key_type, curve.oid);
            let shown = public.bytes(ck::CKA_EC_POINT).unwrap();
            let bare = point::bare(curve, shown).unwrap();
            let mut forms = vec![bare.to_vec()];
            if curve.id == Id::EC {
                let compressed = [&[2 | bare[bare.len() - 1] & 1], &bare[1..=curve.size]].concat();
                forms.push(point::octet_string(&compressed));
                forms.push(compressed);
            }
            for form in forms {
                let mut key = changed(&public, ck::CKA_EC_POINT, &form);
                encoding::complete(&mut key).unwrap();
                assert_eq!(key, public, "{:?}", curve.names);
            }
        }
    }

    #[test]
    fn points_that_are_none_are_refused() {
        for curve in CURVES {
            let (public, _) = pair(curve.key_type, curve.oid);
            let shown = public.bytes(ck::CKA_EC_POINT).unwrap().to_vec();
            for value in [&b""[..], b"\x00", &shown[..shown.len() - 1], &[&shown[..], &[0]].concat()] {
                let key = changed(&public, ck::CKA_EC_POINT, value);
                assert_eq!(refusal(&key), Error::AttributeValueInvalid, "{:?}", curve.names);
            }
            if curve.id == Id::EC {
                let mut off = shown.clone();
                off[shown.len() - 1] ^= 1;
                let key = changed(&public, ck::CKA_EC_POINT, &off);
                assert_eq!(refusal(&key), Error::PublicKeyInvalid, "{:?}", curve.names);
                let key = changed(&public, ck::CKA_EC_POINT, &vec![0; 1 + 2 * curve.size]);
                assert_eq!(refusal(&key), Error::PublicKeyInvalid, "{:?}", curve.names);
            }
            let mut none = public;
            none.remove(ck::CKA_EC_POINT);
            assert_eq!(refusal(&none), Error::TemplateIncomplete);
        }
    }

    #[test]
    fn private_values_are_in_range_and_may_lack_or_have_leading_zeros() {
        for curve in CURVES.iter().filter(|curve| curve.id == Id::EC) {
            let (_, mut private) = pair(curve.key_type, curve.oid);
            private.remove(ck::CKA_EC_POINT);
            let group = curve.group().unwrap();
            let mut order = BigNum::new().unwrap();
            group.order(&mut order, &mut BigNumContext::new().unwrap()).unwrap();
            let order = order.to_vec();
            let mut largest = order.clone();
            *largest.last_mut().unwrap() -= 1;
            for value in [&b"\x01"[..], b"\x00\x00\x05", &largest, &[&[0; 9], &largest[..]].concat()] {
                let mut key = changed(&private, ck::CKA_VALUE, value);
                encoding::complete(&mut key).unwrap();
                assert_eq!(key.bytes(ck::CKA_VALUE).unwrap().len(), curve.size);
            }
            for value in [&b""[..], b"\x00", &order, &vec![0xff; curve.size], &[1; 10_000]] {
                let key = changed(&private, ck::CKA_VALUE, value);
                assert_eq!(refusal(&key), Error::AttributeValueInvalid, "{:?}", curve.names);
            }
        }
        for curve in CURVES.iter().filter(|curve| curve.id != Id::EC) {
            let (_, private) = pair(curve.key_type, curve.oid);
            for length in [0, curve.size - 1, curve.size + 1] {
                let key = changed(&private, ck::CKA_VALUE, &vec![1; length]);
                assert_eq!(refusal(&key), Error::AttributeValueInvalid, "{:?}", curve.names);
            }
        }
    }

    #[test]
    fn a_private_key_may_come_with_its_own_point_and_no_other() {
        for curve in CURVES {
            let (_, private) = pair(curve.key_type, curve.oid);
            let (other, _) = pair(curve.key_type, curve.oid);
            let shown = private.bytes(ck::CKA_EC_POINT).unwrap().to_vec();
            let mut bare = changed(&private, ck::CKA_EC_POINT, point::bare(curve, &shown).unwrap());
            encoding::complete(&mut bare).unwrap();
            assert_eq!(bare, private);
            let mut without = private.clone();
            without.remove(ck::CKA_EC_POINT);
            encoding::complete(&mut without).unwrap();
            assert_eq!(without, private);
            for wrong in [other.bytes(ck::CKA_EC_POINT).unwrap(), b"\x00"] {
                let key = changed(&private, ck::CKA_EC_POINT, wrong);
                assert_eq!(refusal(&key), Error::AttributeValueInvalid, "{:?}", curve.names);
            }
        }
    }

    #[test]
    fn a_curve_keeps_the_name_its_key_came_with() {
        let name = b"\x13\x0cedwards25519";
        let (public, mut private) = pair(ck::CKK_EC_EDWARDS, name);
        assert_eq!(public.bytes(ck::CKA_EC_PARAMS), Some(&name[..]));
        encoding::complete(&mut private).unwrap();
        assert_eq!(private.bytes(ck::CKA_EC_PARAMS), Some(&name[..]));
    }

    #[test]
    fn a_curve_of_another_key_type_is_refused() {
        let (public, private) = pair(ck::CKK_EC, CURVES[0].oid);
        for key in [public, private] {
            for (key_type, oid) in
                [(ck::CKK_EC_EDWARDS, CURVES[0].oid), (ck::CKK_EC, b"\x06\x03\x2b\x65\x70")]
            {
                let mut key = changed(&key, ck::CKA_EC_PARAMS, oid);
                key.set(ck::CKA_KEY_TYPE, key_type);
                assert_eq!(refusal(&key), Error::CurveNotSupported);
            }
            assert_eq!(refusal(&changed(&key, ck::CKA_EC_PARAMS, b"\x30\x00")), Error::DomainParamsInvalid);
        }
    }
}
