//! Mechanisms with their parameters, which they own.

use super::*;

/// A mechanism as the functions get it.
#[derive(Debug)]
pub struct Mechanism {
    raw: CK_MECHANISM,
    // What `raw` points to; boxes, so that moving the mechanism moves none of it.
    kept: Vec<Box<[u64]>>,
}

// Nobody writes to what it points to.
unsafe impl Send for Mechanism {}
unsafe impl Sync for Mechanism {}

impl Mechanism {
    /// Without a parameter.
    pub fn plain(id: CK_MECHANISM_TYPE) -> Self {
        let raw = CK_MECHANISM { mechanism: id, pParameter: std::ptr::null_mut(), ulParameterLen: 0 };
        Mechanism { raw, kept: Vec::new() }
    }

    /// With bytes as its parameter: an initialisation vector.
    pub fn bytes(id: CK_MECHANISM_TYPE, parameter: &[u8]) -> Self {
        let mut mechanism = Mechanism::plain(id);
        mechanism.raw.pParameter = mechanism.keep(parameter).cast();
        mechanism.raw.ulParameterLen = parameter.len() as CK_ULONG;
        mechanism
    }

    /// With a structure, made by `fill` from pointers to copies of `buffers`.
    pub fn structure<T, const N: usize>(
        id: CK_MECHANISM_TYPE,
        buffers: [&[u8]; N],
        fill: impl FnOnce([*mut u8; N]) -> T,
    ) -> Self {
        let mut mechanism = Mechanism::plain(id);
        let pointers = buffers.map(|buffer| mechanism.keep(buffer));
        let structure = fill(pointers);
        let size = size_of::<T>();
        let bytes = unsafe { std::slice::from_raw_parts((&raw const structure).cast::<u8>(), size) };
        mechanism.raw.pParameter = mechanism.keep(bytes).cast();
        mechanism.raw.ulParameterLen = size as CK_ULONG;
        mechanism
    }

    /// The number.
    pub fn id(&self) -> CK_MECHANISM_TYPE {
        self.raw.mechanism
    }

    /// The same parameter for another mechanism.
    pub fn with_id(mut self, id: CK_MECHANISM_TYPE) -> Self {
        self.raw.mechanism = id;
        self
    }

    /// AES-GCM whose initialisation vector the token makes.
    pub fn gcm_without_iv(id: CK_MECHANISM_TYPE) -> Self {
        Mechanism::structure(id, [], |[]| CK_GCM_PARAMS { ulTagBits: 128, ..Default::default() })
    }

    /// ChaCha20.
    pub fn chacha20(counter: &[u8], nonce: &[u8]) -> Self {
        Mechanism::structure(CKM_CHACHA20, [counter, nonce], |[counter_at, nonce_at]| CK_CHACHA20_PARAMS {
            pBlockCounter: counter_at,
            blockCounterBits: 8 * counter.len() as CK_ULONG,
            pNonce: nonce_at,
            ulNonceBits: 8 * nonce.len() as CK_ULONG,
        })
    }

    /// ChaCha20-Poly1305.
    pub fn chacha20_poly1305(nonce: &[u8], aad: &[u8]) -> Self {
        Mechanism::structure(CKM_CHACHA20_POLY1305, [nonce, aad], |[nonce_at, aad_at]| {
            CK_SALSA20_CHACHA20_POLY1305_PARAMS {
                pNonce: nonce_at,
                ulNonceLen: nonce.len() as CK_ULONG,
                pAAD: aad_at,
                ulAADLen: aad.len() as CK_ULONG,
            }
        })
    }

    /// ECDH and AES key wrap with a key of 256 bits, by SHA-256.
    pub fn ecdh_aes(id: CK_MECHANISM_TYPE) -> Self {
        Mechanism::structure(id, [b"shared"], |[at]| CK_ECDH_AES_KEY_WRAP_PARAMS {
            ulAESKeyBits: 256,
            kdf: CKD_SHA256_KDF,
            ulSharedDataLen: 6,
            pSharedData: at,
        })
    }

    /// HKDF-SHA-256, both halves.
    pub fn hkdf(id: CK_MECHANISM_TYPE) -> Self {
        Mechanism::structure(id, [b"salt", b"info"], |[salt, info]| CK_HKDF_PARAMS {
            bExtract: CK_TRUE,
            bExpand: CK_TRUE,
            prfHashMechanism: CKM_SHA256,
            ulSaltType: CKF_HKDF_SALT_DATA,
            pSalt: salt,
            ulSaltLen: 4,
            hSaltKey: 0,
            pInfo: info,
            ulInfoLen: 4,
        })
    }

    /// The MAC of a TLS 1.2 handshake.
    pub fn tls_mac(id: CK_MECHANISM_TYPE) -> Self {
        Mechanism::structure(id, [], |[]| CK_TLS_MAC_PARAMS {
            prfHashMechanism: CKM_SHA256,
            ulMacLength: 12,
            ulServerOrClient: 1,
        })
    }

    /// TLS's exporter.
    pub fn tls_kdf(id: CK_MECHANISM_TYPE) -> Self {
        Mechanism::structure(id, [b"label", &[1; 32], &[2; 32]], |[label, client, server]| {
            CK_TLS_KDF_PARAMS {
                prfMechanism: CKM_SHA256,
                pLabel: label,
                ulLabelLength: 5,
                RandomInfo: random_data(client, server),
                pContextData: std::ptr::null_mut(),
                ulContextDataLength: 0,
            }
        })
    }

    /// For a call. The functions take a pointer they must not write through.
    pub fn as_ptr(&self) -> *mut CK_MECHANISM {
        (&raw const self.raw).cast_mut()
    }

    /// AES-GCM with a tag of 16 bytes.
    pub fn gcm(iv: &[u8], aad: &[u8]) -> Self {
        Mechanism::gcm_with_tag(iv, aad, 128)
    }

    /// AES-GCM.
    pub fn gcm_with_tag(iv: &[u8], aad: &[u8], tag_bits: CK_ULONG) -> Self {
        Mechanism::structure(CKM_AES_GCM, [iv, aad], |[iv_at, aad_at]| CK_GCM_PARAMS {
            pIv: iv_at,
            ulIvLen: iv.len() as CK_ULONG,
            ulIvBits: iv.len() as CK_ULONG * 8,
            pAAD: aad_at,
            ulAADLen: aad.len() as CK_ULONG,
            ulTagBits: tag_bits,
        })
    }

    /// AES-CCM for so many bytes of plaintext.
    pub fn ccm(length: usize, nonce: &[u8], aad: &[u8], mac_length: usize) -> Self {
        Mechanism::structure(CKM_AES_CCM, [nonce, aad], |[nonce_at, aad_at]| CK_CCM_PARAMS {
            ulDataLen: length as CK_ULONG,
            pNonce: nonce_at,
            ulNonceLen: nonce.len() as CK_ULONG,
            pAAD: aad_at,
            ulAADLen: aad.len() as CK_ULONG,
            ulMACLen: mac_length as CK_ULONG,
        })
    }

    /// AES-CTR.
    pub fn ctr(bits: CK_ULONG, block: [u8; 16]) -> Self {
        Mechanism::structure(CKM_AES_CTR, [], |[]| CK_AES_CTR_PARAMS { ulCounterBits: bits, cb: block })
    }

    /// RSA-OAEP.
    pub fn oaep(hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, label: &[u8]) -> Self {
        Mechanism::structure(CKM_RSA_PKCS_OAEP, [label], |[at]| oaep_params(hash, mgf, at, label.len()))
    }

    /// RSA-PSS, `id` being `CKM_RSA_PKCS_PSS` or one that hashes.
    pub fn pss(id: CK_MECHANISM_TYPE, hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, salt: usize) -> Self {
        let parameter = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: salt as CK_ULONG };
        Mechanism::structure(id, [], |[]| parameter)
    }

    /// ECDH, `id` with or without cofactor.
    pub fn ecdh(id: CK_MECHANISM_TYPE, kdf: CK_ULONG, shared: &[u8], public: &[u8]) -> Self {
        Mechanism::structure(id, [shared, public], |[shared_at, public_at]| CK_ECDH1_DERIVE_PARAMS {
            kdf,
            ulSharedDataLen: shared.len() as CK_ULONG,
            pSharedData: if shared.is_empty() { std::ptr::null_mut() } else { shared_at },
            ulPublicDataLen: public.len() as CK_ULONG,
            pPublicData: public_at,
        })
    }

    /// EdDSA with a flag or context.
    pub fn eddsa(prehash: bool, context: &[u8]) -> Self {
        Mechanism::structure(CKM_EDDSA, [context], |[at]| CK_EDDSA_PARAMS {
            phFlag: prehash.into(),
            ulContextDataLen: context.len() as CK_ULONG,
            pContextData: at,
        })
    }

    /// ML-DSA or SLH-DSA with a context, hedged or not (`CKH_`).
    pub fn sign_context(id: CK_MECHANISM_TYPE, hedge: CK_ULONG, context: &[u8]) -> Self {
        Mechanism::structure(id, [context], |[at]| CK_SIGN_ADDITIONAL_CONTEXT {
            hedgeVariant: hedge,
            pContext: at,
            ulContextLen: context.len() as CK_ULONG,
        })
    }

    /// The same over a digest that `hash` has made.
    pub fn hash_sign_context(id: CK_MECHANISM_TYPE, hash: CK_MECHANISM_TYPE, context: &[u8]) -> Self {
        Mechanism::structure(id, [context], |[at]| CK_HASH_SIGN_ADDITIONAL_CONTEXT {
            hedgeVariant: CKH_HEDGE_PREFERRED,
            pContext: at,
            ulContextLen: context.len() as CK_ULONG,
            hash,
        })
    }

    /// RSA and AES key wrap, with OAEP over SHA-256.
    pub fn rsa_aes(aes_bits: CK_ULONG) -> Self {
        let mut mechanism = Mechanism::plain(CKM_RSA_AES_KEY_WRAP);
        let oaep = oaep_params(CKM_SHA256, CKG_MGF1_SHA256, std::ptr::null_mut(), 0);
        let oaep = mechanism.keep_structure(oaep);
        let parameter = CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: aes_bits, pOAEPParams: oaep };
        mechanism.raw.pParameter = mechanism.keep_structure(parameter).cast();
        mechanism.raw.ulParameterLen = size_of::<CK_RSA_AES_KEY_WRAP_PARAMS>() as CK_ULONG;
        mechanism
    }

    /// A derivation from data: `CKM_AES_ECB_ENCRYPT_DATA` and its kin.
    pub fn string_data(id: CK_MECHANISM_TYPE, data: &[u8]) -> Self {
        Mechanism::structure(id, [data], |[at]| CK_KEY_DERIVATION_STRING_DATA {
            pData: at,
            ulLen: data.len() as CK_ULONG,
        })
    }

    /// `CKM_AES_CBC_ENCRYPT_DATA`.
    pub fn aes_cbc_data(iv: [u8; 16], data: &[u8]) -> Self {
        let length = data.len() as CK_ULONG;
        Mechanism::structure(CKM_AES_CBC_ENCRYPT_DATA, [data], |[at]| CK_AES_CBC_ENCRYPT_DATA_PARAMS {
            iv,
            pData: at,
            length,
        })
    }

    /// `CKM_DES3_CBC_ENCRYPT_DATA`.
    pub fn des_cbc_data(iv: [u8; 8], data: &[u8]) -> Self {
        let length = data.len() as CK_ULONG;
        Mechanism::structure(CKM_DES3_CBC_ENCRYPT_DATA, [data], |[at]| CK_DES_CBC_ENCRYPT_DATA_PARAMS {
            iv,
            pData: at,
            length,
        })
    }

    /// A MAC of so many bytes: `CKM_SHA256_HMAC_GENERAL` and its kin.
    pub fn mac_length(id: CK_MECHANISM_TYPE, length: CK_ULONG) -> Self {
        Mechanism::structure(id, [], |[]| length)
    }

    fn keep(&mut self, bytes: &[u8]) -> *mut u8 {
        let words = bytes.len().div_ceil(8);
        let mut buffer = vec![0u64; words.max(1)].into_boxed_slice();
        let at = buffer.as_mut_ptr().cast::<u8>();
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
        self.kept.push(buffer);
        at
    }

    fn keep_structure<T>(&mut self, structure: T) -> *mut T {
        let bytes = unsafe { std::slice::from_raw_parts((&raw const structure).cast(), size_of::<T>()) };
        self.keep(bytes).cast()
    }
}

/// The random numbers of a TLS handshake, 32 bytes each.
pub fn random_data(client: *mut u8, server: *mut u8) -> CK_SSL3_RANDOM_DATA {
    CK_SSL3_RANDOM_DATA {
        pClientRandom: client,
        ulClientRandomLen: 32,
        pServerRandom: server,
        ulServerRandomLen: 32,
    }
}

fn oaep_params(
    hash: CK_MECHANISM_TYPE,
    mgf: CK_ULONG,
    label: *mut u8,
    length: usize,
) -> CK_RSA_PKCS_OAEP_PARAMS {
    CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: hash,
        mgf,
        source: CKZ_DATA_SPECIFIED,
        pSourceData: if length == 0 { std::ptr::null_mut() } else { label.cast() },
        ulSourceDataLen: length as CK_ULONG,
    }
}
