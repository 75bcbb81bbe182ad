//! New key pairs. What makes them is kept: to set it up costs up to a tenth of a pair.

use super::Places;
use super::ffi::named_key::{self, Context};
use super::ffi::weierstrass::{Generator, Parts};
use openssl::ec::EcGroupRef;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use std::ffi::CStr;

/// What makes keys, by the name of their kind.
type Kept<T> = Places<(&'static CStr, T)>;

/// A new pair of the kind that OpenSSL calls `name`.
pub fn generate(name: &'static CStr) -> Result<PKey<Private>, ErrorStack> {
    static KEPT: Kept<Context> = Places::new();
    with(&KEPT, name, || named_key::begin_generation(name), |context| context.keygen())
}

/// The parts of a new pair on the curve of this group, which OpenSSL calls `name`; a secret number of so many bytes. There is no key of
/// OpenSSL's for them yet.
pub fn generate_parts(name: &'static CStr, group: &EcGroupRef, size: usize) -> Result<Parts, ErrorStack> {
    static KEPT: Kept<Generator> = Places::new();
    with(&KEPT, name, || Generator::new(group), |generator| generator.generate(size))
}

/// Makes a key with what is kept under that name, or is made anew. What something went wrong with is not used again.
fn with<T, K>(
    kept: &Kept<T>,
    name: &'static CStr,
    new: impl FnOnce() -> Result<T, ErrorStack>,
    make: impl FnOnce(&mut T) -> Result<K, ErrorStack>,
) -> Result<K, ErrorStack> {
    let mut maker = match kept.take(|(kind, _)| *kind == name) {
        Some((_, maker)) => maker,
        None => new()?,
    };
    let key = make(&mut maker)?;
    kept.leave((name, maker));
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::bn::{BigNum, BigNumContext};
    use openssl::ec::{EcGroup, EcPoint, PointConversionForm};
    use openssl::nid::Nid;

    #[test]
    fn the_parts_made_one_after_the_other_each_belong_together_and_to_no_other() {
        let mut numbers = BigNumContext::new().unwrap();
        let mut seen = Vec::new();
        for (name, nid, size) in [
            (c"prime256v1", Nid::X9_62_PRIME256V1, 32),
            (c"secp521r1", Nid::SECP521R1, 66),
            (c"brainpoolP320r1", Nid::BRAINPOOL_P320R1, 40),
        ] {
            let group = EcGroup::from_curve_name(nid).unwrap();
            for _ in 0..5 {
                let (number, encoded) = generate_parts(name, &group, size).unwrap();
                assert_eq!((number.len(), encoded.len()), (size, 1 + 2 * size));
                let mut point = EcPoint::new(&group).unwrap();
                let secret = BigNum::from_slice(&number).unwrap();
                point.mul_generator2(&group, &secret, &mut numbers).unwrap();
                let form = PointConversionForm::UNCOMPRESSED;
                assert_eq!(point.to_bytes(&group, form, &mut numbers).unwrap(), encoded);
                assert!(!seen.contains(&number));
                seen.push(number);
            }
        }
    }

    #[test]
    fn a_kind_that_there_is_not_makes_no_key() {
        assert!(generate(c"none such").is_err());
        let one = generate(c"ED25519").unwrap().raw_private_key().unwrap();
        assert_ne!(generate(c"ED25519").unwrap().raw_private_key().unwrap(), one);
    }
}
