//! The parameters of signatures, made into values as in [`super::params`].

use super::params::{Parameter, hashes, nested, size};
use crate::error::{Error, Result};
use crate::mechanism::Params;
use crate::mechanism::pqc_signature::Hedge;
use crate::mechanism::prehash::Prehash;
use cryptoki_sys as ck;
use cryptoki_sys::CK_ULONG;

impl Parameter<'_> {
    pub(super) fn pss(self) -> Result<Params> {
        let given: ck::CK_RSA_PKCS_PSS_PARAMS = self.structure()?;
        let (hash, mgf) = hashes(given.hashAlg, given.mgf)?;
        Ok(Params::Pss { hash, mgf, salt_length: size(given.sLen)? })
    }

    pub(super) fn eddsa(self) -> Result<Params> {
        let given: ck::CK_EDDSA_PARAMS = self.structure()?;
        let prehash = match given.phFlag {
            ck::CK_FALSE => false,
            ck::CK_TRUE => true,
            _ => return Err(Error::MechanismParamInvalid),
        };
        Ok(Params::Eddsa { prehash, context: nested(given.pContextData, given.ulContextDataLen)? })
    }

    pub(super) fn sign_context(self) -> Result<Params> {
        let given: ck::CK_SIGN_ADDITIONAL_CONTEXT = self.structure()?;
        let context = nested(given.pContext, given.ulContextLen)?;
        Ok(Params::SignContext { hedge: hedge(given.hedgeVariant)?, context })
    }

    pub(super) fn hash_sign_context(self) -> Result<Params> {
        let given: ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT = self.structure()?;
        let context = nested(given.pContext, given.ulContextLen)?;
        let hash = Prehash::by_mechanism(given.hash).ok_or(Error::MechanismParamInvalid)?;
        Ok(Params::HashSignContext { hedge: hedge(given.hedgeVariant)?, context, hash })
    }
}

/// `CK_HEDGE_TYPE`.
fn hedge(number: CK_ULONG) -> Result<Hedge> {
    match number {
        ck::CKH_HEDGE_PREFERRED => Ok(Hedge::Preferred),
        ck::CKH_HEDGE_REQUIRED => Ok(Hedge::Required),
        ck::CKH_DETERMINISTIC_REQUIRED => Ok(Hedge::Deterministic),
        _ => Err(Error::MechanismParamInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::super::params::tests::read;
    use super::*;
    use crate::crypto::Hash;
    use crate::mechanism::Shape;

    #[test]
    fn pss_knows_its_digests() {
        let pss = |hash, mgf| read(Shape::Pss, ck::CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: 20 });
        assert_eq!(
            pss(ck::CKM_SHA3_512, ck::CKG_MGF1_SHA384),
            Ok(Params::Pss { hash: Hash::Sha3_512, mgf: Hash::Sha384, salt_length: 20 })
        );
        assert_eq!(pss(0, ck::CKG_MGF1_SHA1), Err(Error::MechanismParamInvalid));
    }

    #[test]
    fn a_context_comes_with_a_known_hedge_and_digest() {
        let mut context = *b"context";
        let plain = |hedge, at: *mut u8, length| {
            let given =
                ck::CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: hedge, pContext: at, ulContextLen: length };
            read(Shape::SignContext, given)
        };
        let expected = Params::SignContext { hedge: Hedge::Deterministic, context: context.to_vec() };
        assert_eq!(plain(ck::CKH_DETERMINISTIC_REQUIRED, context.as_mut_ptr(), 7), Ok(expected));
        let none = Params::SignContext { hedge: Hedge::Required, context: vec![] };
        assert_eq!(plain(ck::CKH_HEDGE_REQUIRED, std::ptr::null_mut(), 0), Ok(none));
        assert_eq!(plain(3, std::ptr::null_mut(), 0), Err(Error::MechanismParamInvalid));
        assert_eq!(plain(0, std::ptr::null_mut(), 7), Err(Error::MechanismParamInvalid));
        let hashed = |hash| {
            let given = ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT { hash, ..Default::default() };
            read(Shape::HashSignContext, given)
        };
        let hash = Prehash::Fixed(Hash::Sha512_256);
        let expected = Params::HashSignContext { hedge: Hedge::Preferred, context: vec![], hash };
        assert_eq!(hashed(ck::CKM_SHA512_256), Ok(expected));
        for unfit in [ck::CKM_SHA_1, ck::CKM_ML_DSA, 0] {
            assert_eq!(hashed(unfit), Err(Error::MechanismParamInvalid), "{unfit:#x}");
        }
    }

    #[test]
    fn eddsa_takes_a_flag_and_a_context() {
        let mut context = *b"ctx";
        let mut eddsa = |prehash| {
            let given = ck::CK_EDDSA_PARAMS {
                phFlag: prehash,
                ulContextDataLen: 3,
                pContextData: context.as_mut_ptr(),
            };
            read(Shape::Eddsa, given)
        };
        assert_eq!(eddsa(1), Ok(Params::Eddsa { prehash: true, context: b"ctx".to_vec() }));
        assert_eq!(eddsa(2), Err(Error::MechanismParamInvalid));
    }
}
