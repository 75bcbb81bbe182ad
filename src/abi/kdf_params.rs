//! The parameters of derivations, made into values as in [`super::params`].

use super::args::{Plain, Pointer};
use super::params::{Parameter, narrow, nested, size, whole_bytes};
use crate::attribute::Bytes;
use crate::crypto::Hash;
use crate::crypto::kdf::{AgreementKdf, TlsPrf};
use crate::error::{Error, Result};
use crate::mechanism::kdf_params::{
    Hkdf, Kbkdf, MasterSeed, NumberForm, Pbkdf2, Prf, Randoms, Salt, Segment, TlsExport, TlsKeys, TlsMac,
};
use crate::mechanism::{Params, cloudhsm, hash};
use cryptoki_sys as ck;
use cryptoki_sys::CK_ULONG;

/// Most parts of SP 800-108's input.
const MAX_SEGMENTS: CK_ULONG = 1024;
/// No password is longer than this, and no pointer has so low an address: it tells a length from a pointer to one, in structures that
/// have the same size.
const MAX_PASSWORD: CK_ULONG = 0xffff;

impl Parameter<'_> {
    pub(super) fn hkdf(self) -> Result<Params> {
        let given: ck::CK_HKDF_PARAMS = self.structure()?;
        let (extract, expand) = (truth(given.bExtract)?, truth(given.bExpand)?);
        let salt = match given.ulSaltType {
            _ if !extract => Salt::Zeros,
            ck::CKF_HKDF_SALT_NULL => Salt::Zeros,
            ck::CKF_HKDF_SALT_DATA => Salt::Data(nested(given.pSalt, given.ulSaltLen)?),
            ck::CKF_HKDF_SALT_KEY => Salt::Key(given.hSaltKey),
            _ => return Err(Error::MechanismParamInvalid),
        };
        let info = if expand { nested(given.pInfo, given.ulInfoLen)? } else { Vec::new() };
        Ok(Params::Hkdf(Hkdf { extract, expand, hash: digest(given.prfHashMechanism)?, salt, info }))
    }

    /// Of the derivation functions OpenSSL has the one that concatenates, which is X9.63's with SHA-1.
    pub(super) fn x942(self) -> Result<Params> {
        let given: ck::CK_X9_42_DH1_DERIVE_PARAMS = self.structure()?;
        let shared = nested(given.pOtherInfo, given.ulOtherInfoLen)?;
        let kdf = match given.kdf {
            ck::CKD_NULL if shared.is_empty() => None,
            ck::CKD_SHA1_KDF_CONCATENATE => Some(AgreementKdf::X963(Hash::Sha1)),
            _ => return Err(Error::MechanismParamInvalid),
        };
        Ok(Params::Ecdh { kdf, shared, public: nested(given.pPublicData, given.ulPublicDataLen)? })
    }

    pub(super) fn pbkdf2(self) -> Result<Params> {
        let given: ck::CK_PKCS5_PBKD2_PARAMS2 = self.structure()?;
        if given.saltSource != ck::CKZ_SALT_SPECIFIED || given.ulPrfDataLen != 0 {
            return Err(Error::MechanismParamInvalid);
        }
        let length = match given.ulPasswordLen {
            length @ ..=MAX_PASSWORD => length,
            address => {
                // SAFETY: the older structure has a pointer to a CK_ULONG here, says its caller.
                let at = unsafe { Pointer::<CK_ULONG>::new(address as *mut CK_ULONG) };
                at.read().ok().filter(|length| *length <= MAX_PASSWORD).ok_or(Error::MechanismParamInvalid)?
            }
        };
        Ok(Params::Pbkdf2(Pbkdf2 {
            hash: hash::by_pbkdf2(given.prf).ok_or(Error::MechanismParamInvalid)?,
            password: Bytes::new(nested(given.pPassword, length)?),
            salt: nested(given.pSaltSourceData.cast(), given.ulSaltSourceDataLen)?,
            iterations: narrow(given.iterations)?,
        }))
    }

    pub(super) fn kbkdf(self) -> Result<Params> {
        let given: ck::CK_SP800_108_KDF_PARAMS = self.structure()?;
        let data = segments(given.pDataParams, given.ulNumberOfDataParams)?;
        Ok(Params::Kbkdf(Kbkdf { prf: prf(given.prfType)?, data, iv: Vec::new() }))
    }

    pub(super) fn feedback_kbkdf(self) -> Result<Params> {
        let given: ck::CK_SP800_108_FEEDBACK_KDF_PARAMS = self.structure()?;
        let data = segments(given.pDataParams, given.ulNumberOfDataParams)?;
        Ok(Params::Kbkdf(Kbkdf { prf: prf(given.prfType)?, data, iv: nested(given.pIV, given.ulIVLen)? }))
    }

    pub(super) fn cloud_kbkdf(self) -> Result<Params> {
        let given: CloudKdfParams = self.structure()?;
        let data = data_params(given.data, given.count)?;
        let old = data.iter().any(|part| (cloudhsm::PRF_LABEL..=cloudhsm::BYTE_ARRAY).contains(&part.type_));
        let data = if old { cloud_old_segments(&data)? } else { cloud_segments(&data)? };
        Ok(Params::Kbkdf(Kbkdf { prf: prf(given.prf)?, data, iv: Vec::new() }))
    }

    pub(super) fn version(self) -> Result<Params> {
        let given: ck::CK_VERSION = self.structure()?;
        Ok(Params::Version([given.major, given.minor]))
    }

    pub(super) fn old_tls_master(self) -> Result<Params> {
        let given: ck::CK_SSL3_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        Ok(Params::TlsMaster { prf: TlsPrf::Old, seed: MasterSeed::Randoms(randoms(given.RandomInfo)?) })
    }

    pub(super) fn tls_master(self) -> Result<Params> {
        let given: ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        let seed = MasterSeed::Randoms(randoms(given.RandomInfo)?);
        Ok(Params::TlsMaster { prf: TlsPrf::With(digest(given.prfHashMechanism)?), seed })
    }

    pub(super) fn tls_extended_master(self) -> Result<Params> {
        let given: ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        let seed = MasterSeed::Session(nested(given.pSessionHash, given.ulSessionHashLen)?);
        Ok(Params::TlsMaster { prf: any_prf(given.prfHashMechanism)?, seed })
    }

    pub(super) fn old_tls_keys(self) -> Result<Params> {
        let given: ck::CK_SSL3_KEY_MAT_PARAMS = self.structure()?;
        let lengths = [given.ulMacSizeInBits, given.ulKeySizeInBits, given.ulIVSizeInBits];
        tls_keys(TlsPrf::Old, given.bIsExport, given.RandomInfo, lengths)
    }

    pub(super) fn tls_keys(self) -> Result<Params> {
        let given: ck::CK_TLS12_KEY_MAT_PARAMS = self.structure()?;
        let lengths = [given.ulMacSizeInBits, given.ulKeySizeInBits, given.ulIVSizeInBits];
        let prf = TlsPrf::With(digest(given.prfHashMechanism)?);
        tls_keys(prf, given.bIsExport, given.RandomInfo, lengths)
    }

    pub(super) fn safe_tls_keys(self) -> Result<Params> {
        match self.tls_keys()? {
            Params::TlsKeys(keys) => Ok(Params::TlsKeys(TlsKeys { iv: 0, ..keys })),
            other => Ok(other),
        }
    }

    pub(super) fn tls_export(self) -> Result<Params> {
        let given: ck::CK_TLS_KDF_PARAMS = self.structure()?;
        let has_context = !given.pContextData.is_null();
        let context = nested(given.pContextData, given.ulContextDataLength)?;
        Ok(Params::TlsExport(TlsExport {
            prf: any_prf(given.prfMechanism)?,
            label: nested(given.pLabel, given.ulLabelLength)?,
            randoms: randoms(given.RandomInfo)?,
            context: has_context.then_some(context),
        }))
    }

    pub(super) fn tls_mac(self) -> Result<Params> {
        let given: ck::CK_TLS_MAC_PARAMS = self.structure()?;
        let server = match given.ulServerOrClient {
            1 => true,
            2 => false,
            _ => return Err(Error::MechanismParamInvalid),
        };
        let prf = any_prf(given.prfHashMechanism)?;
        Ok(Params::TlsMac(TlsMac { prf, length: size(given.ulMacLength)?, server }))
    }

    pub(super) fn tls_prf(self) -> Result<Params> {
        let given: ck::CK_TLS_PRF_PARAMS = self.structure()?;
        // SAFETY: NULL or a CK_ULONG, says the caller of the structure it stands in.
        let length = unsafe { Pointer::new(given.pulOutputLen) };
        Ok(Params::TlsPrf {
            label: nested(given.pLabel, given.ulLabelLen)?,
            seed: nested(given.pSeed, given.ulSeedLen)?,
            length: size(length.read().map_err(|_| Error::MechanismParamInvalid)?)?,
        })
    }
}

fn tls_keys(
    prf: TlsPrf,
    export: ck::CK_BBOOL,
    random: ck::CK_SSL3_RANDOM_DATA,
    bits: [CK_ULONG; 3],
) -> Result<Params> {
    // Export cipher suites are gone from TLS 1.1 on, and were weak before.
    if truth(export)? {
        return Err(Error::MechanismParamInvalid);
    }
    let [mac, key, iv] = bits.map(|bits| whole_bytes(bits).and_then(size));
    Ok(Params::TlsKeys(TlsKeys { prf, randoms: randoms(random)?, mac: mac?, key: key?, iv: iv? }))
}

fn randoms(given: ck::CK_SSL3_RANDOM_DATA) -> Result<Randoms> {
    Ok(Randoms {
        client: nested(given.pClientRandom, given.ulClientRandomLen)?,
        server: nested(given.pServerRandom, given.ulServerRandomLen)?,
    })
}

/// A digest, or `CKM_TLS_PRF` for TLS 1.0 and 1.1.
fn any_prf(number: CK_ULONG) -> Result<TlsPrf> {
    if number == ck::CKM_TLS_PRF { Ok(TlsPrf::Old) } else { digest(number).map(TlsPrf::With) }
}

fn digest(number: CK_ULONG) -> Result<Hash> {
    hash::by_mechanism(number).ok_or(Error::MechanismParamInvalid)
}

pub(super) fn prf(number: CK_ULONG) -> Result<Prf> {
    match number {
        ck::CKM_AES_CMAC => Ok(Prf::AesCmac),
        ck::CKM_DES3_CMAC => Ok(Prf::Des3Cmac),
        other => hash::by_hmac(other).map(Prf::Hmac).ok_or(Error::MechanismParamInvalid),
    }
}

fn truth(value: ck::CK_BBOOL) -> Result<bool> {
    match value {
        ck::CK_FALSE => Ok(false),
        ck::CK_TRUE => Ok(true),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// The parts of SP 800-108's input as they were passed.
pub(super) fn data_params(
    at: *mut ck::CK_PRF_DATA_PARAM,
    count: CK_ULONG,
) -> Result<Vec<ck::CK_PRF_DATA_PARAM>> {
    if count > MAX_SEGMENTS {
        return Err(Error::MechanismParamInvalid);
    }
    // SAFETY: NULL or good for so many structures, says the caller of the one it stands in.
    let at = unsafe { Pointer::new(at) };
    let count = at.extent(count).map_err(|_| Error::MechanismParamInvalid)?;
    (0..count).map(|index| at.at(index).read()).collect()
}

fn segments(at: *mut ck::CK_PRF_DATA_PARAM, count: CK_ULONG) -> Result<Vec<Segment>> {
    data_params(at, count)?.iter().map(segment).collect()
}

fn segment(given: &ck::CK_PRF_DATA_PARAM) -> Result<Segment> {
    match given.type_ {
        ck::CK_SP800_108_ITERATION_VARIABLE if given.ulValueLen == 0 => Ok(Segment::Iteration(None)),
        ck::CK_SP800_108_ITERATION_VARIABLE => counter_form(given).map(Some).map(Segment::Iteration),
        ck::CK_SP800_108_COUNTER => counter_form(given).map(Segment::Counter),
        ck::CK_SP800_108_DKM_LENGTH => {
            let form: ck::CK_SP800_108_DKM_LENGTH_FORMAT = value(given)?;
            length(form.dkmLengthMethod, number_form(form.bLittleEndian, form.ulWidthInBits, 64)?)
        }
        ck::CK_SP800_108_BYTE_ARRAY => nested(given.pValue.cast(), given.ulValueLen).map(Segment::Bytes),
        ck::CK_SP800_108_KEY_HANDLE => value(given).map(Segment::Key),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// CloudHSM's `CK_SP800_108_KDF_PARAMS`.
#[repr(C)]
#[derive(Clone, Copy)]
struct CloudKdfParams {
    prf: CK_ULONG,
    count: CK_ULONG,
    data: *mut ck::CK_PRF_DATA_PARAM,
}

// SAFETY: numbers and a data pointer; any bits are one.
unsafe impl Plain for CloudKdfParams {}

/// CloudHSM's `CK_SP800_108_DKM_LENGTH_FORMAT`; its `CK_SP800_108_COUNTER_FORMAT` is a number alone.
#[repr(C)]
#[derive(Clone, Copy)]
struct CloudLengthFormat {
    method: CK_ULONG,
    bits: CK_ULONG,
}

// SAFETY: numbers; any bits are one.
unsafe impl Plain for CloudLengthFormat {}

fn cloud_counter(given: &ck::CK_PRF_DATA_PARAM) -> Result<Segment> {
    Ok(Segment::Iteration(Some(number_form(ck::CK_FALSE, value(given)?, 32)?)))
}

fn cloud_length(given: &ck::CK_PRF_DATA_PARAM) -> Result<Segment> {
    let form: CloudLengthFormat = value(given)?;
    length(form.method, number_form(ck::CK_FALSE, form.bits, 64)?)
}

fn cloud_bytes(given: &ck::CK_PRF_DATA_PARAM) -> Result<Segment> {
    nested(given.pValue.cast(), given.ulValueLen).map(Segment::Bytes)
}

/// What the older library passes: parts in any order, put into the one that SP 800-108 shows.
fn cloud_old_segments(given: &[ck::CK_PRF_DATA_PARAM]) -> Result<Vec<Segment>> {
    const KNOWN: [CK_ULONG; 5] = [
        cloudhsm::COUNTER_FORMAT,
        cloudhsm::PRF_LABEL,
        cloudhsm::PRF_CONTEXT,
        cloudhsm::DKM_FORMAT,
        cloudhsm::BYTE_ARRAY,
    ];
    if given.iter().any(|part| !KNOWN.contains(&part.type_)) {
        return Err(Error::MechanismParamInvalid);
    }
    let of = |kind: CK_ULONG| given.iter().filter(move |part| part.type_ == kind);
    let separator = of(cloudhsm::PRF_LABEL).next().map(|_| Ok(Segment::Bytes(vec![0])));
    of(cloudhsm::COUNTER_FORMAT)
        .map(cloud_counter)
        .chain(of(cloudhsm::BYTE_ARRAY).map(cloud_bytes))
        .chain(of(cloudhsm::PRF_LABEL).map(cloud_bytes))
        .chain(separator)
        .chain(of(cloudhsm::PRF_CONTEXT).map(cloud_bytes))
        .chain(of(cloudhsm::DKM_FORMAT).map(cloud_length))
        .collect()
}

/// What the newer library passes: parts in the caller's order, under the standard's names. Their numbers are those of the standard, or those
/// of a header in which length and bytes come one earlier; what stands in a part tells which.
fn cloud_segments(given: &[ck::CK_PRF_DATA_PARAM]) -> Result<Vec<Segment>> {
    let has = |kind: CK_ULONG| given.iter().any(|part| part.type_ == kind);
    let earlier = has(2)
        || (has(3) && !has(4) && given.iter().any(|part| part.type_ == 3 && cloud_length(part).is_err()));
    let (length, bytes) =
        if earlier { (2, 3) } else { (ck::CK_SP800_108_DKM_LENGTH, ck::CK_SP800_108_BYTE_ARRAY) };
    given
        .iter()
        .map(|part| match part.type_ {
            ck::CK_SP800_108_ITERATION_VARIABLE => cloud_counter(part),
            kind if kind == length => cloud_length(part),
            kind if kind == bytes => cloud_bytes(part),
            _ => Err(Error::MechanismParamInvalid),
        })
        .collect()
}

/// The total of what is derived, as `method` (`CK_SP800_108_DKM_LENGTH_`) counts it.
pub(super) fn length(method: CK_ULONG, form: NumberForm) -> Result<Segment> {
    match method {
        ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS => Ok(Segment::Length { whole: false, form }),
        ck::CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS => Ok(Segment::Length { whole: true, form }),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// A counter has at most 32 bits (SP 800-108, section 4).
fn counter_form(given: &ck::CK_PRF_DATA_PARAM) -> Result<NumberForm> {
    let form: ck::CK_SP800_108_COUNTER_FORMAT = value(given)?;
    number_form(form.bLittleEndian, form.ulWidthInBits, 32)
}

/// A number in whole bytes, and no more than `most` bits.
pub(super) fn number_form(little_endian: ck::CK_BBOOL, bits: CK_ULONG, most: CK_ULONG) -> Result<NumberForm> {
    if bits == 0 || bits > most {
        return Err(Error::MechanismParamInvalid);
    }
    Ok(NumberForm { little_endian: truth(little_endian)?, width: size(whole_bytes(bits)?)? })
}

/// The structure that a part is, if it has just its size.
pub(super) fn value<T: Plain>(given: &ck::CK_PRF_DATA_PARAM) -> Result<T> {
    // SAFETY: NULL or good for the length beside it, says the caller of the structure it stands in.
    let at = unsafe { Pointer::new(given.pValue.cast::<u8>()) };
    Parameter { at, length: given.ulValueLen }.structure()
}
