//! `CKA_EC_POINT`: a public key's bytes, alone or in a DER OCTET STRING.
//!
//! Section 6.3 of PKCS#11 3.2 asks for the OCTET STRING on short Weierstrass curves and for the bare bytes
//! on Edwards and Montgomery ones; 3.0 asked for the OCTET STRING on all, and the clients in use (OpenSC,
//! libp11) read nothing else. So both forms are taken everywhere, and the OCTET STRING is what we show.

use super::curves::Curve;
use super::der;
use crate::attribute::{AttributeType, Attributes, Bytes, Late};
use crate::crypto::ffi::weierstrass;
use crate::crypto::unexpected;
use crate::error::Result;
use cryptoki_sys as ck;
use parking_lot::Mutex;

/// The point of a new pair, which both halves tell when they are asked.
pub struct NewPoint(Mutex<Form>);

enum Form {
    /// As it was computed.
    Computed(weierstrass::Point),
    /// Its bare bytes.
    Bare(Bytes),
}

impl From<weierstrass::Point> for NewPoint {
    fn from(point: weierstrass::Point) -> Self {
        NewPoint(Mutex::new(Form::Computed(point)))
    }
}

impl From<Bytes> for NewPoint {
    fn from(bare: Bytes) -> Self {
        NewPoint(Mutex::new(Form::Bare(bare)))
    }
}

impl Late for NewPoint {
    fn kinds(&self) -> &'static [AttributeType] {
        &[ck::CKA_EC_POINT]
    }

    /// Who asks first lets go of what it was computed from.
    fn tell(&self) -> Result<Attributes> {
        let mut form = self.0.lock();
        let bare = match &*form {
            Form::Computed(point) => point.encode().map_err(unexpected)?.into(),
            Form::Bare(bare) => bare.clone(),
        };
        let told = Attributes::from_iter([(ck::CKA_EC_POINT, octet_string(&bare))]);
        *form = Form::Bare(bare);
        Ok(told)
    }
}

/// The bare bytes in `value`, which has one form or the other: by length, which tells them apart on every
/// curve (a bare uncompressed point begins with the tag of an OCTET STRING). `None`: it is neither.
pub fn bare<'a>(curve: &Curve, value: &'a [u8]) -> Option<&'a [u8]> {
    if has_length(curve, value.len()) {
        return Some(value);
    }
    let (content, rest) = der::content(der::OCTET_STRING, value)?;
    if !rest.is_empty() {
        return None;
    }
    has_length(curve, content.len()).then_some(content)
}

/// `bare` in an OCTET STRING.
pub fn octet_string(bare: &[u8]) -> Vec<u8> {
    der::element(der::OCTET_STRING, &[bare])
}

/// Bytes of a bare point of this curve, uncompressed.
pub fn bare_length(curve: &Curve) -> usize {
    if curve.key_type == ck::CKK_EC { 1 + 2 * curve.size } else { curve.size }
}

/// Whether a point of this curve may have so many bytes: uncompressed or compressed, or just a coordinate.
fn has_length(curve: &Curve, length: usize) -> bool {
    length == bare_length(curve) || (curve.key_type == ck::CKK_EC && length == 1 + curve.size)
}

#[cfg(test)]
mod tests {
    use super::super::curves::CURVES;
    use super::*;
    use openssl::pkey::Id;

    #[test]
    fn a_new_point_is_told_each_time_the_same_and_as_it_was_computed_is_kept_no_longer() {
        for curve in CURVES.iter().filter(|curve| curve.id == Id::EC) {
            let (_, computed) = weierstrass::generate(curve.group().unwrap(), curve.size).unwrap();
            let shown = octet_string(&computed.encode().unwrap());
            let new = NewPoint::from(computed);
            for _ in 0..3 {
                assert_eq!(new.tell().unwrap().bytes(ck::CKA_EC_POINT), Some(&shown[..]));
                assert!(matches!(*new.0.lock(), Form::Bare(_)), "{:?}", curve.names);
            }
        }
    }

    #[test]
    fn both_forms_of_every_curve_are_told_apart() {
        for curve in CURVES {
            for length in (0..300).filter(|length| has_length(curve, *length)) {
                let point = vec![4; length];
                let wrapped = octet_string(&point);
                assert_eq!(bare(curve, &point), Some(&point[..]), "{:?}", curve.names);
                assert_eq!(bare(curve, &wrapped), Some(&point[..]), "{:?}", curve.names);
                assert_eq!(bare(curve, &wrapped[..wrapped.len() - 1]), None, "{:?}", curve.names);
            }
        }
    }

    #[test]
    fn no_point_is_found_in_other_bytes() {
        for value in [&b""[..], b"\x04", b"\x04\x81", b"\x04\x00", b"\x00", &[4; 1000]] {
            assert!(CURVES.iter().all(|curve| bare(curve, value).is_none()));
        }
    }
}
