//! Mechanisms, with their parameters made on the stack for each call: where IVs change, they change in place.

use cryptoki_sys::*;

/// A mechanism and what it is told.
#[derive(Clone, Debug)]
pub struct Mechanism {
    /// Which.
    pub kind: CK_MECHANISM_TYPE,
    /// With what.
    pub parameter: Parameter,
}

/// A mechanism's parameter.
#[derive(Clone, Debug)]
pub enum Parameter {
    /// None.
    None,
    /// An initialisation vector alone, of a block mode.
    Iv([u8; 16]),
    /// `CK_GCM_PARAMS`: this IV, no additional data, a tag of 128 bits.
    Gcm([u8; 12]),
    /// `CK_RSA_PKCS_OAEP_PARAMS`: SHA-1 and MGF1 with it, no label.
    Oaep,
    /// `CK_ECDH1_DERIVE_PARAMS`: no derivation function, and the other's public point.
    Ecdh(Vec<u8>),
}

impl Mechanism {
    /// One without a parameter.
    pub fn plain(kind: CK_MECHANISM_TYPE) -> Mechanism {
        Mechanism { kind, parameter: Parameter::None }
    }

    /// Counts the IV up: none is used twice with a key.
    pub fn next(&mut self) {
        match &mut self.parameter {
            Parameter::Iv(iv) => count(iv),
            Parameter::Gcm(iv) => count(iv),
            _ => {}
        }
    }

    /// Calls with the structure that C takes, which lives as long as the call.
    pub(super) fn with<T>(&mut self, call: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
        match &mut self.parameter {
            Parameter::None => pass::<(), T>(self.kind, None, call),
            Parameter::Iv(iv) => pass(self.kind, Some(iv), call),
            Parameter::Gcm(iv) => {
                let mut gcm = CK_GCM_PARAMS {
                    pIv: iv.as_mut_ptr(),
                    ulIvLen: iv.len() as CK_ULONG,
                    ulIvBits: 8 * iv.len() as CK_ULONG,
                    pAAD: std::ptr::null_mut(),
                    ulAADLen: 0,
                    ulTagBits: 128,
                };
                pass(self.kind, Some(&mut gcm), call)
            }
            Parameter::Oaep => {
                let mut oaep = CK_RSA_PKCS_OAEP_PARAMS {
                    hashAlg: CKM_SHA_1,
                    mgf: CKG_MGF1_SHA1,
                    source: CKZ_DATA_SPECIFIED,
                    pSourceData: std::ptr::null_mut(),
                    ulSourceDataLen: 0,
                };
                pass(self.kind, Some(&mut oaep), call)
            }
            Parameter::Ecdh(point) => {
                let mut ecdh = CK_ECDH1_DERIVE_PARAMS {
                    kdf: CKD_NULL,
                    ulSharedDataLen: 0,
                    pSharedData: std::ptr::null_mut(),
                    ulPublicDataLen: point.len() as CK_ULONG,
                    pPublicData: point.as_mut_ptr(),
                };
                pass(self.kind, Some(&mut ecdh), call)
            }
        }
    }
}

fn pass<P, T>(
    kind: CK_MECHANISM_TYPE,
    parameter: Option<&mut P>,
    call: impl FnOnce(*mut CK_MECHANISM) -> T,
) -> T {
    let length = if parameter.is_some() { size_of::<P>() as CK_ULONG } else { 0 };
    let parameter = parameter.map_or(std::ptr::null_mut(), |parameter| (&raw mut *parameter).cast());
    call(&mut CK_MECHANISM { mechanism: kind, pParameter: parameter, ulParameterLen: length })
}

/// The next number, the last byte the least.
pub(super) fn count(iv: &mut [u8]) {
    for byte in iv.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}
