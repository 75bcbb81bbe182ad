//! New pairs on short Weierstrass curves, for which the `openssl` crate lacks some calls.

use super::param::check;
use crate::attribute::Bytes;
use foreign_types::ForeignTypeRef;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroupRef, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use std::ffi::c_int;
use std::mem::ManuallyDrop;

// <openssl/bn.h>, <openssl/ec.h>; not in `openssl-sys`.
unsafe extern "C" {
    fn BN_priv_rand_range(number: *mut ffi::BIGNUM, range: *const ffi::BIGNUM) -> c_int;
    fn EC_GROUP_get0_order(group: *const ffi::EC_GROUP) -> *const ffi::BIGNUM;
    fn EC_POINT_clear_free(point: *mut ffi::EC_POINT);
}

/// A new pair's point as the multiplication has left it. To make its own coordinates of that takes an inversion, which is a quarter of the whole
/// pair with P-256. Which of its many forms it has tells something of the secret number, so none is ever shown, and its memory is wiped.
pub struct Point {
    point: ManuallyDrop<EcPoint>,
    group: &'static EcGroupRef,
}

impl Drop for Point {
    fn drop(&mut self) {
        // SAFETY: the point is alive and nobody else's, and it is not looked at again.
        unsafe { EC_POINT_clear_free(self.point.as_ptr()) }
    }
}

impl Point {
    /// The point itself, uncompressed.
    pub fn encode(&self) -> Result<Vec<u8>, ErrorStack> {
        let mut numbers = BigNumContext::new_secure()?;
        self.point.to_bytes(self.group, PointConversionForm::UNCOMPRESSED, &mut numbers)
    }
}

/// A new pair on the curve of this group: the secret number, of `size` bytes, and the point. (`EC_KEY_generate_key` takes the same steps, but to
/// have its point without inverting anything is to copy it, and it leaves its own in memory.)
pub fn generate(group: &'static EcGroupRef, size: usize) -> Result<(Bytes, Point), ErrorStack> {
    let (number, mut numbers) = (draw(group)?, BigNumContext::new_secure()?);
    let mut point = Point { point: ManuallyDrop::new(EcPoint::new(group)?), group };
    point.point.mul_generator2(group, &number, &mut numbers)?;
    // What is longer than `i32` can tell is longer than any number: there is no room for so many zeros.
    let number = number.to_vec_padded(c_int::try_from(size).unwrap_or(0))?;
    Ok((Bytes::new(number), point))
}

/// A secret number from 1 to the order of the base point, exclusive: drawn again until it is one (FIPS 186-5, section A.2.2). Wiped when dropped.
fn draw(group: &EcGroupRef) -> Result<BigNum, ErrorStack> {
    let number = BigNum::new_secure()?;
    loop {
        // SAFETY: number and group are alive, and every group has an order, which lives as long as it does.
        check(unsafe { BN_priv_rand_range(number.as_ptr(), EC_GROUP_get0_order(group.as_ptr())) })?;
        if number.num_bits() > 0 {
            return Ok(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::EcGroup;
    use openssl::nid::Nid;

    fn group(nid: Nid) -> &'static EcGroupRef {
        Box::leak(Box::new(EcGroup::from_curve_name(nid).unwrap()))
    }

    #[test]
    fn the_pairs_made_one_after_the_other_each_belong_together_and_to_no_other() {
        let mut numbers = BigNumContext::new().unwrap();
        let mut seen = Vec::new();
        let curves = [
            (Nid::X9_62_PRIME256V1, 32),
            (Nid::SECP224R1, 28),
            (Nid::SECP521R1, 66),
            (Nid::BRAINPOOL_P320R1, 40),
        ];
        for (group, size) in curves.map(|(nid, size)| (group(nid), size)) {
            for _ in 0..5 {
                let (number, point) = generate(group, size).unwrap();
                let encoded = point.encode().unwrap();
                assert_eq!((number.len(), encoded.len()), (size, 1 + 2 * size));
                let mut same = EcPoint::new(group).unwrap();
                same.mul_generator2(group, &BigNum::from_slice(&number).unwrap(), &mut numbers).unwrap();
                let form = PointConversionForm::UNCOMPRESSED;
                assert_eq!(same.to_bytes(group, form, &mut numbers).unwrap(), encoded);
                assert_eq!(point.encode().unwrap(), encoded, "asked again");
                assert!(!seen.contains(&number));
                seen.push(number);
            }
        }
    }

    #[test]
    fn a_number_that_there_is_no_room_for_makes_no_pair() {
        let group = group(Nid::BRAINPOOL_P320R1);
        assert!(generate(group, 1).is_err());
        assert!(generate(group, usize::MAX).is_err());
    }
}
