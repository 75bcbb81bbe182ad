//! Mechanism parameters as callers pass them, made into [`Params`] by the row's [`Shape`].
//!
//! The length given decides how a parameter is read: a structure is taken only at its full size, so that a shorter
//! one is never read past its end. Accepted beyond the letter of the standard, because clients send it and it
//! means nothing else: a NULL parameter with a length, or a pointer with length 0, where there is none;
//! `CK_GCM_PARAMS` without `ulIvBits`, and with any value in it (the IV is always whole bytes); an OAEP source of 0
//! with no label.

use super::args::{Plain, Pointer, copy_out};
use crate::crypto::Hash;
use crate::crypto::kdf::AgreementKdf;
use crate::error::{Error, Result};
use crate::mechanism::params::Oaep;
use crate::mechanism::{Given, Params, Shape, Short, hash};
use cryptoki_sys as ck;
use cryptoki_sys::{CK_MECHANISM, CK_ULONG};

/// Bytes of the longest label, context or additional data that is accepted.
const MAX_DATA: CK_ULONG = 16 << 20;

/// `CK_GCM_PARAMS` as PKCS#11 2.20's drafts had it.
#[repr(C)]
#[derive(Clone, Copy)]
struct OldGcmParams {
    iv: *mut u8,
    iv_length: CK_ULONG,
    aad: *mut u8,
    aad_length: CK_ULONG,
    tag_bits: CK_ULONG,
}

// SAFETY: numbers and data pointers; any bits are one.
unsafe impl Plain for OldGcmParams {}

/// A mechanism's parameter as it was passed.
#[derive(Clone, Copy)]
pub(super) struct Parameter<'a> {
    pub(super) at: Pointer<'a, u8>,
    pub(super) length: CK_ULONG,
}

impl Parameter<'_> {
    pub(super) fn of(given: &CK_MECHANISM) -> Self {
        // SAFETY: NULL or good for `ulParameterLen` bytes, says the caller of each mechanism.
        Parameter { at: unsafe { Pointer::new(given.pParameter.cast()) }, length: given.ulParameterLen }
    }

    pub(super) fn read(self, shape: Shape) -> Result<Params> {
        match shape {
            Shape::None if self.is_absent() => Ok(Params::None),
            Shape::None => Err(Error::MechanismParamInvalid),
            Shape::OptionalIv(_) | Shape::Eddsa | Shape::SignContext if self.is_absent() => Ok(Params::None),
            Shape::Iv(length) | Shape::OptionalIv(length) => self.iv(length),
            Shape::Counter => self.counter(),
            Shape::Gcm => self.gcm(),
            Shape::CloudGcm => self.cloud_gcm(),
            Shape::Ccm => self.ccm(),
            Shape::ChaCha20 => self.chacha20(),
            Shape::ChaCha20Poly1305 => self.chacha20_poly1305(),
            Shape::Oaep => oaep(self.structure()?).map(Params::Oaep),
            Shape::Pss => self.pss(),
            Shape::Eddsa => self.eddsa(),
            Shape::Ecdh => self.ecdh(),
            Shape::RsaAesWrap => self.rsa_aes_wrap(),
            Shape::MacLength => self.structure().and_then(size).map(Params::MacLength),
            Shape::StringData => self.string_data(),
            Shape::AesCbcData => self.aes_cbc_data(),
            Shape::DesCbcData => self.des_cbc_data(),
            Shape::SignContext => self.sign_context(),
            Shape::HashSignContext => self.hash_sign_context(),
            Shape::Bytes => nested_bytes(self.at, self.length).map(Params::StringData),
            Shape::X942 => self.x942(),
            Shape::Key => self.structure().map(Params::Key),
            Shape::Bit => self.structure().map(Params::Bit),
            Shape::EcdhAesWrap => self.ecdh_aes_wrap(),
            Shape::Hkdf => self.hkdf(),
            Shape::Pbkdf2 => self.pbkdf2(),
            Shape::Kbkdf => self.kbkdf(),
            Shape::CloudKbkdf => self.cloud_kbkdf(),
            Shape::FeedbackKbkdf => self.feedback_kbkdf(),
            Shape::Version => self.version(),
            Shape::OldTlsMaster => self.old_tls_master(),
            Shape::TlsMaster => self.tls_master(),
            Shape::TlsExtendedMaster => self.tls_extended_master(),
            Shape::OldTlsKeys => self.old_tls_keys(),
            Shape::TlsKeys => self.tls_keys(),
            Shape::SafeTlsKeys => self.safe_tls_keys(),
            Shape::TlsExport => self.tls_export(),
            Shape::TlsMac => self.tls_mac(),
            Shape::TlsPrf => self.tls_prf(),
        }
    }

    /// The same where it lies, for what begins again; `None`: it takes [`Parameter::read`], if only to say what is wrong.
    #[inline(always)] // what comes out is looked at next
    pub(super) fn given(&self, shape: Shape) -> Option<Given<'_>> {
        match shape {
            Shape::None if self.is_absent() => Some(Given::None),
            Shape::Iv(length) if self.length == length as CK_ULONG => {
                useful_bytes(self.at, self.length).ok().map(Given::Iv)
            }
            Shape::Gcm => {
                let OldGcmParams { iv, iv_length, aad, aad_length, tag_bits } = self.gcm_structure().ok()?;
                // SAFETY: each is NULL or good for the length beside it, says the caller of the structure they stand in.
                let (iv, aad) = unsafe { (Pointer::new(iv), Pointer::new(aad)) };
                let (iv, aad) = (useful_bytes(iv, iv_length).ok()?, useful_bytes(aad, aad_length).ok()?);
                Some(Given::Gcm { iv, aad, tag_bits: narrow(tag_bits).ok()? })
            }
            _ => None,
        }
    }

    fn is_absent(self) -> bool {
        self.at.is_null() || self.length == 0
    }

    /// The parameter as a structure, if it has just its size.
    pub(super) fn structure<T: Plain>(self) -> Result<T> {
        if self.at.is_null() || self.length != size_of::<T>() as CK_ULONG {
            return Err(Error::MechanismParamInvalid);
        }
        self.at.cast().read()
    }

    fn iv(self, length: usize) -> Result<Params> {
        if self.length != length as CK_ULONG {
            return Err(Error::MechanismParamInvalid);
        }
        short_bytes(self.at, self.length).map(Params::Iv)
    }

    fn counter(self) -> Result<Params> {
        let given: ck::CK_AES_CTR_PARAMS = self.structure()?;
        match given.ulCounterBits {
            bits @ 1..=128 => Ok(Params::Counter { bits: bits as u32, block: given.cb }),
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// The initialisation vector's place is NULL, whatever length stands beside it.
    fn cloud_gcm(self) -> Result<Params> {
        let given = self.gcm_structure()?;
        if !given.iv.is_null() {
            return Err(Error::MechanismParamInvalid);
        }
        let (iv, aad) = (Short::from(&[][..]), nested(given.aad, given.aad_length)?);
        Ok(Params::Gcm { iv, aad, tag_bits: narrow(given.tag_bits)? })
    }

    /// Puts an initialisation vector that the token has chosen where the caller's was.
    pub(super) fn write_gcm_iv(self, iv: &[u8]) -> Result<()> {
        let given = self.gcm_structure()?;
        // SAFETY: it was read from there, as long as it is.
        copy_out(iv, unsafe { Pointer::new(given.iv) })
    }

    #[inline]
    fn gcm_structure(self) -> Result<OldGcmParams> {
        if self.length == size_of::<OldGcmParams>() as CK_ULONG {
            return self.structure();
        }
        let given: ck::CK_GCM_PARAMS = self.structure()?;
        Ok(OldGcmParams {
            iv: given.pIv,
            iv_length: given.ulIvLen,
            aad: given.pAAD,
            aad_length: given.ulAADLen,
            tag_bits: given.ulTagBits,
        })
    }

    fn gcm(self) -> Result<Params> {
        let given = self.gcm_structure()?;
        Ok(Params::Gcm {
            iv: short(given.iv, given.iv_length)?,
            aad: nested(given.aad, given.aad_length)?,
            tag_bits: narrow(given.tag_bits)?,
        })
    }

    fn ccm(self) -> Result<Params> {
        let given: ck::CK_CCM_PARAMS = self.structure()?;
        Ok(Params::Ccm {
            data_length: size(given.ulDataLen)?,
            nonce: nested(given.pNonce, given.ulNonceLen)?,
            aad: nested(given.pAAD, given.ulAADLen)?,
            mac_length: size(given.ulMACLen)?,
        })
    }

    fn ecdh(self) -> Result<Params> {
        let given: ck::CK_ECDH1_DERIVE_PARAMS = self.structure()?;
        let (kdf, shared) = agreement(given.kdf, given.pSharedData, given.ulSharedDataLen)?;
        Ok(Params::Ecdh { kdf, shared, public: nested(given.pPublicData, given.ulPublicDataLen)? })
    }

    fn ecdh_aes_wrap(self) -> Result<Params> {
        let given: ck::CK_ECDH_AES_KEY_WRAP_PARAMS = self.structure()?;
        let (kdf, shared) = agreement(given.kdf, given.pSharedData, given.ulSharedDataLen)?;
        Ok(Params::EcdhAesWrap { aes_bits: narrow(given.ulAESKeyBits)?, kdf, shared })
    }

    fn rsa_aes_wrap(self) -> Result<Params> {
        let given: ck::CK_RSA_AES_KEY_WRAP_PARAMS = self.structure()?;
        // SAFETY: NULL or a CK_RSA_PKCS_OAEP_PARAMS, says the caller of the structure it stands in.
        let inner = unsafe { Pointer::new(given.pOAEPParams) };
        let inner = inner.read().map_err(|_| Error::MechanismParamInvalid)?;
        Ok(Params::RsaAesWrap { aes_bits: narrow(given.ulAESKeyBits)?, oaep: oaep(inner)? })
    }

    fn string_data(self) -> Result<Params> {
        let given: ck::CK_KEY_DERIVATION_STRING_DATA = self.structure()?;
        nested(given.pData, given.ulLen).map(Params::StringData)
    }

    fn aes_cbc_data(self) -> Result<Params> {
        let given: ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS = self.structure()?;
        Ok(Params::CbcData { iv: given.iv.to_vec(), data: nested(given.pData, given.length)? })
    }

    fn des_cbc_data(self) -> Result<Params> {
        let given: ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS = self.structure()?;
        Ok(Params::CbcData { iv: given.iv.to_vec(), data: nested(given.pData, given.length)? })
    }
}

/// The derivation function of an agreement, if there is one, and what both sides share for it.
fn agreement(kdf: CK_ULONG, shared: *mut u8, length: CK_ULONG) -> Result<(Option<AgreementKdf>, Vec<u8>)> {
    let kdf = match kdf {
        ck::CKD_NULL => None,
        other => Some(hash::agreement_kdf(other).ok_or(Error::MechanismParamInvalid)?),
    };
    let shared = nested(shared, length)?;
    if kdf.is_none() && !shared.is_empty() {
        return Err(Error::MechanismParamInvalid);
    }
    Ok((kdf, shared))
}

fn oaep(given: ck::CK_RSA_PKCS_OAEP_PARAMS) -> Result<Oaep> {
    let (hash, mgf) = hashes(given.hashAlg, given.mgf)?;
    let label = nested(given.pSourceData.cast(), given.ulSourceDataLen)?;
    match given.source {
        ck::CKZ_DATA_SPECIFIED => Ok(Oaep { hash, mgf, label }),
        0 if label.is_empty() => Ok(Oaep { hash, mgf, label }),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// The digests of a message or label and of the mask generation; they need not be the same.
pub(super) fn hashes(message: CK_ULONG, mask: CK_ULONG) -> Result<(Hash, Hash)> {
    let message = hash::by_mechanism(message).ok_or(Error::MechanismParamInvalid)?;
    let mask = hash::by_mgf(mask).ok_or(Error::MechanismParamInvalid)?;
    Ok((message, mask))
}

/// Bytes that a parameter's structure points at.
#[inline]
pub(super) fn nested(at: *mut u8, length: CK_ULONG) -> Result<Vec<u8>> {
    // Most have no additional data: nothing is to be looked at then.
    if length == 0 { Ok(Vec::new()) } else { some_nested(at, length) }
}

fn some_nested(at: *mut u8, length: CK_ULONG) -> Result<Vec<u8>> {
    // SAFETY: NULL or good for the length beside it, says the caller of the structure it stands in.
    nested_bytes(unsafe { Pointer::new(at) }, length)
}

/// The same for an initialisation vector.
#[inline]
fn short(at: *mut u8, length: CK_ULONG) -> Result<Short> {
    // SAFETY: as in `nested`.
    short_bytes(unsafe { Pointer::new(at) }, length)
}

/// Bytes of a parameter.
pub(super) fn nested_bytes(at: Pointer<u8>, length: CK_ULONG) -> Result<Vec<u8>> {
    useful_bytes(at, length).map(<[u8]>::to_vec)
}

#[inline]
fn short_bytes(at: Pointer<u8>, length: CK_ULONG) -> Result<Short> {
    useful_bytes(at, length).map(Short::from)
}

/// No more than any mechanism has use for.
#[inline]
fn useful_bytes(at: Pointer<'_, u8>, length: CK_ULONG) -> Result<&[u8]> {
    if length > MAX_DATA {
        return Err(Error::MechanismParamInvalid);
    }
    at.bytes(length).map_err(|_| Error::MechanismParamInvalid)
}

/// Bits that are whole bytes, in bytes.
pub(super) fn whole_bytes(bits: CK_ULONG) -> Result<CK_ULONG> {
    if bits.is_multiple_of(8) { Ok(bits / 8) } else { Err(Error::MechanismParamInvalid) }
}

pub(super) fn size(number: CK_ULONG) -> Result<usize> {
    usize::try_from(number).map_err(|_| Error::MechanismParamInvalid)
}

pub(super) fn narrow(number: CK_ULONG) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::MechanismParamInvalid)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn read_with<T>(shape: Shape, parameter: &mut T, length: usize) -> Result<Params> {
        // SAFETY: at least as long as any length that is not refused; nested pointers are the tests' own.
        let at = unsafe { Pointer::new((&raw mut *parameter).cast()) };
        let parameter = Parameter { at, length: length as CK_ULONG };
        let read = parameter.read(shape);
        if let Some(given) = parameter.given(shape) {
            assert_eq!(read.as_ref().map(Given::from), Ok(given), "where it lies, {shape:?}");
        }
        read
    }

    pub(in crate::abi) fn read<T>(shape: Shape, mut parameter: T) -> Result<Params> {
        let length = size_of::<T>();
        read_with(shape, &mut parameter, length)
    }

    fn absent(shape: Shape) -> Result<Params> {
        // SAFETY: NULL.
        Parameter { at: unsafe { Pointer::new(std::ptr::null_mut()) }, length: 0 }.read(shape)
    }

    fn oaep_params() -> ck::CK_RSA_PKCS_OAEP_PARAMS {
        ck::CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: ck::CKM_SHA256,
            mgf: ck::CKG_MGF1_SHA1,
            source: ck::CKZ_DATA_SPECIFIED,
            ..Default::default()
        }
    }

    const STRUCTURES: [Shape; 14] = [
        Shape::Counter,
        Shape::ChaCha20,
        Shape::ChaCha20Poly1305,
        Shape::Gcm,
        Shape::Ccm,
        Shape::Oaep,
        Shape::Pss,
        Shape::Ecdh,
        Shape::RsaAesWrap,
        Shape::MacLength,
        Shape::StringData,
        Shape::AesCbcData,
        Shape::DesCbcData,
        Shape::HashSignContext,
    ];

    #[test]
    fn a_structure_is_taken_at_its_own_size_only() {
        for shape in STRUCTURES.into_iter().chain([Shape::Eddsa, Shape::SignContext]) {
            for length in [1, 4, 7, 15, 23, 39, 47, 49] {
                let result = read_with(shape, &mut [0u64; 8], length);
                assert_eq!(result, Err(Error::MechanismParamInvalid), "{shape:?} of {length}");
            }
        }
    }

    #[test]
    fn a_parameter_may_be_left_out_only_where_there_is_a_default() {
        for shape in STRUCTURES.into_iter().chain([Shape::Iv(16)]) {
            assert_eq!(absent(shape), Err(Error::MechanismParamInvalid), "{shape:?}");
        }
        for shape in [Shape::None, Shape::OptionalIv(8), Shape::Eddsa, Shape::SignContext] {
            assert_eq!(absent(shape), Ok(Params::None), "{shape:?}");
        }
    }

    #[test]
    fn no_parameter_means_null_or_no_length() {
        assert_eq!(read_with(Shape::None, &mut [0u8; 4], 0), Ok(Params::None));
        assert_eq!(read(Shape::None, [0u8; 4]), Err(Error::MechanismParamInvalid));
    }

    #[test]
    fn an_iv_has_just_its_length() {
        assert_eq!(read(Shape::Iv(3), *b"abc"), Ok(Params::Iv(b"abc"[..].into())));
        assert_eq!(read(Shape::Iv(3), *b"ab"), Err(Error::MechanismParamInvalid));
        assert_eq!(read(Shape::OptionalIv(3), *b"abcd"), Err(Error::MechanismParamInvalid));
    }

    #[test]
    fn gcm_is_read_with_and_without_the_bits_of_the_iv() {
        let (mut iv, mut aad) = ([1u8; 12], *b"aad");
        let expected = Ok(Params::Gcm { iv: vec![1; 12].into(), aad: b"aad".to_vec(), tag_bits: 128 });
        let new = ck::CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 0,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: 3,
            ulTagBits: 128,
        };
        let old = OldGcmParams {
            iv: iv.as_mut_ptr(),
            iv_length: 12,
            aad: aad.as_mut_ptr(),
            aad_length: 3,
            tag_bits: 128,
        };
        assert_eq!(read(Shape::Gcm, new), expected);
        assert_eq!(read(Shape::Gcm, old), expected);
        let missing = ck::CK_GCM_PARAMS { pIv: std::ptr::null_mut(), ..new };
        assert_eq!(read(Shape::Gcm, missing), Err(Error::MechanismParamInvalid));
        let huge = ck::CK_GCM_PARAMS { ulAADLen: 1 << 60, ..new };
        assert_eq!(read(Shape::Gcm, huge), Err(Error::MechanismParamInvalid));
        let wide = ck::CK_GCM_PARAMS { ulTagBits: 1 << 32, ..new };
        assert_eq!(read(Shape::Gcm, wide), Err(Error::MechanismParamInvalid));
    }

    #[test]
    fn a_counter_has_1_to_128_bits() {
        let with = |bits| read(Shape::Counter, ck::CK_AES_CTR_PARAMS { ulCounterBits: bits, cb: [3; 16] });
        assert_eq!(with(128), Ok(Params::Counter { bits: 128, block: [3; 16] }));
        for bits in [0, 129, 1 << 32, CK_ULONG::MAX] {
            assert_eq!(with(bits), Err(Error::MechanismParamInvalid), "{bits}");
        }
    }

    #[test]
    fn oaep_takes_any_pair_of_known_digests() {
        let expected = Oaep { hash: Hash::Sha256, mgf: Hash::Sha1, label: vec![] };
        assert_eq!(read(Shape::Oaep, oaep_params()), Ok(Params::Oaep(expected.clone())));
        let lazy = ck::CK_RSA_PKCS_OAEP_PARAMS { source: 0, ..oaep_params() };
        assert_eq!(read(Shape::Oaep, lazy), Ok(Params::Oaep(expected)));
        for wrong in [
            ck::CK_RSA_PKCS_OAEP_PARAMS { hashAlg: ck::CKM_AES_CBC, ..oaep_params() },
            ck::CK_RSA_PKCS_OAEP_PARAMS { mgf: 99, ..oaep_params() },
            ck::CK_RSA_PKCS_OAEP_PARAMS { source: 2, ..oaep_params() },
            ck::CK_RSA_PKCS_OAEP_PARAMS { ulSourceDataLen: 4, ..oaep_params() },
        ] {
            assert_eq!(read(Shape::Oaep, wrong), Err(Error::MechanismParamInvalid), "{wrong:?}");
        }
    }

    #[test]
    fn the_oaep_inside_an_rsa_aes_wrap_is_checked_too() {
        let mut inner = oaep_params();
        let outer = |inner| ck::CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: 256, pOAEPParams: inner };
        let expected = Oaep { hash: Hash::Sha256, mgf: Hash::Sha1, label: vec![] };
        assert_eq!(
            read(Shape::RsaAesWrap, outer(&raw mut inner)),
            Ok(Params::RsaAesWrap { aes_bits: 256, oaep: expected })
        );
        let gone = read(Shape::RsaAesWrap, outer(std::ptr::null_mut()));
        assert_eq!(gone, Err(Error::MechanismParamInvalid));
    }

    #[test]
    fn ecdh_shares_information_only_with_a_kdf() {
        let mut point = *b"point";
        let mut ecdh = |kdf, shared: &mut [u8]| {
            let given = ck::CK_ECDH1_DERIVE_PARAMS {
                kdf,
                ulSharedDataLen: shared.len() as CK_ULONG,
                pSharedData: shared.as_mut_ptr(),
                ulPublicDataLen: 5,
                pPublicData: point.as_mut_ptr(),
            };
            read(Shape::Ecdh, given)
        };
        let expected = |kdf, shared| Ok(Params::Ecdh { kdf, shared, public: b"point".to_vec() });
        assert_eq!(ecdh(ck::CKD_NULL, &mut []), expected(None, vec![]));
        let x963 = AgreementKdf::X963(Hash::Sha256);
        assert_eq!(ecdh(ck::CKD_SHA256_KDF, &mut [1]), expected(Some(x963), vec![1]));
        let one_step = AgreementKdf::OneStep(Hash::Sha3_384);
        assert_eq!(ecdh(ck::CKD_SHA3_384_KDF_SP800, &mut []), expected(Some(one_step), vec![]));
        assert_eq!(ecdh(ck::CKD_NULL, &mut [1]), Err(Error::MechanismParamInvalid));
        assert_eq!(ecdh(12345, &mut []), Err(Error::MechanismParamInvalid));
    }
}
