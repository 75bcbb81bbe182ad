//! Keys on short Weierstrass curves: made again and again in one place of OpenSSL's, for which the `openssl` crate has no call.

use super::param::check;
use crate::attribute::Bytes;
use foreign_types::ForeignTypeRef;
use openssl::ec::{EcGroupRef, EcKey};
use openssl::error::ErrorStack;
use openssl::pkey::Params;
use openssl_sys as ffi;
use std::ffi::c_int;
use std::ptr;

/// A pair as bytes: the secret number, and the point uncompressed.
pub type Parts = (Bytes, Vec<u8>);

/// Makes pairs on one curve. Between two of them it has neither half of one.
pub struct Generator(EcKey<Params>);

impl Generator {
    /// On the curve of this group.
    pub fn new(group: &EcGroupRef) -> Result<Self, ErrorStack> {
        EcKey::from_group(group).map(Generator)
    }

    /// A new pair, its number of `size` bytes.
    pub fn generate(&mut self, size: usize) -> Result<Parts, ErrorStack> {
        // SAFETY: the key is alive, has a group and is nobody else's.
        let made = check(unsafe { ffi::EC_KEY_generate_key(self.0.as_ptr()) });
        let parts = made.and_then(|()| self.parts(size));
        self.clear();
        parts
    }

    /// Lets both halves go. A generation that fails halfway would free a point that it finds here, and leave it here all the same.
    fn clear(&mut self) {
        // SAFETY: the key is alive and nobody else's. NULL wipes what there is and lets it go, which OpenSSL answers with 0.
        unsafe {
            ffi::EC_KEY_set_private_key(self.0.as_ptr(), ptr::null());
            ffi::EC_KEY_set_public_key(self.0.as_ptr(), ptr::null());
        }
    }

    fn parts(&self, size: usize) -> Result<Parts, ErrorStack> {
        let (mut number, mut point) = (Bytes::zeroed(size), vec![0; 1 + 2 * size]);
        let room = c_int::try_from(size).unwrap_or(0);
        let form = ffi::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
        // SAFETY: the key is alive and has just been made, so that it has both parts; OpenSSL writes no more than it is told
        // that there is room for, and takes NULL for a context of its own.
        let (filled, written) = unsafe {
            let key = self.0.as_ptr();
            let filled = ffi::BN_bn2binpad(ffi::EC_KEY_get0_private_key(key), number.as_mut_ptr(), room);
            let (group, public) = (ffi::EC_KEY_get0_group(key), ffi::EC_KEY_get0_public_key(key));
            let (place, room) = (point.as_mut_ptr(), point.len());
            (filled, ffi::EC_POINT_point2oct(group, public, form, place, room, ptr::null_mut()))
        };
        if (filled, written) == (room, point.len()) { Ok((number, point)) } else { Err(ErrorStack::get()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::EcGroup;
    use openssl::nid::Nid;

    fn is_empty(generator: &Generator) -> bool {
        let key = generator.0.as_ptr();
        // SAFETY: the key is alive; the parts are only compared with NULL.
        unsafe { ffi::EC_KEY_get0_private_key(key).is_null() && ffi::EC_KEY_get0_public_key(key).is_null() }
    }

    #[test]
    fn nothing_of_a_pair_is_left_for_the_next_one_to_trip_over() {
        let group = EcGroup::from_curve_name(Nid::BRAINPOOL_P320R1).unwrap();
        let mut generator = Generator::new(&group).unwrap();
        for _ in 0..3 {
            generator.generate(40).unwrap();
            assert!(is_empty(&generator));
            assert!(generator.generate(1).is_err(), "no room");
            assert!(is_empty(&generator));
        }
    }
}
