//! Mechanism parameters as owned values. The C structures stop at `abi::params`, which makes these from them by
//! the row's [`Shape`].

use super::kdf_params::{Hkdf, Kbkdf, MasterSeed, Pbkdf2, Salt, Segment, TlsExport, TlsKeys, TlsMac};
use super::pqc_signature::Hedge;
use super::prehash::Prehash;
use super::short::Short;
use crate::crypto::Hash;
use crate::crypto::kdf::{AgreementKdf, TlsPrf};
use serde::{Deserialize, Serialize};

/// Which C structure a mechanism's parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// None: `pParameter` NULL or of length 0.
    None,
    /// An initialisation vector of just so many bytes.
    Iv(usize),
    /// An initialisation vector of just so many bytes, or none for the standard's default (key wrap).
    OptionalIv(usize),
    /// `CK_AES_CTR_PARAMS`.
    Counter,
    /// `CK_GCM_PARAMS` (with the shorter structure of 2.20 drafts, without `ulIvBits`, accepted).
    Gcm,
    /// `CK_GCM_PARAMS` without an initialisation vector: the token makes it.
    CloudGcm,
    /// `CK_CCM_PARAMS`.
    Ccm,
    /// `CK_CHACHA20_PARAMS`.
    ChaCha20,
    /// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`.
    ChaCha20Poly1305,
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep,
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss,
    /// `CK_EDDSA_PARAMS`, or none for the pure form.
    Eddsa,
    /// `CK_ECDH1_DERIVE_PARAMS`.
    Ecdh,
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`.
    RsaAesWrap,
    /// `CK_MAC_GENERAL_PARAMS`: the length of the MAC in bytes.
    MacLength,
    /// `CK_KEY_DERIVATION_STRING_DATA`.
    StringData,
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS`: a 16-byte IV and the data.
    AesCbcData,
    /// `CK_DES_CBC_ENCRYPT_DATA_PARAMS`: an 8-byte IV and the data.
    DesCbcData,
    /// `CK_SIGN_ADDITIONAL_CONTEXT`, or none: hedged, with an empty context.
    SignContext,
    /// `CK_HASH_SIGN_ADDITIONAL_CONTEXT`.
    HashSignContext,
    /// Any bytes: another side's public value.
    Bytes,
    /// `CK_X9_42_DH1_DERIVE_PARAMS`.
    X942,
    /// `CK_OBJECT_HANDLE`: another key.
    Key,
    /// `CK_EXTRACT_PARAMS`: the number of a bit.
    Bit,
    /// `CK_ECDH_AES_KEY_WRAP_PARAMS`.
    EcdhAesWrap,
    /// `CK_HKDF_PARAMS`.
    Hkdf,
    /// `CK_PKCS5_PBKD2_PARAMS2`, or `CK_PKCS5_PBKD2_PARAMS`, which has a pointer to the password's length.
    Pbkdf2,
    /// `CK_SP800_108_KDF_PARAMS`.
    Kbkdf,
    /// CloudHSM's `CK_SP800_108_KDF_PARAMS`: without further keys, and with shorter structures in it.
    CloudKbkdf,
    /// `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
    FeedbackKbkdf,
    /// `CK_VERSION`.
    Version,
    /// `CK_SSL3_MASTER_KEY_DERIVE_PARAMS`.
    OldTlsMaster,
    /// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`.
    TlsMaster,
    /// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`.
    TlsExtendedMaster,
    /// `CK_SSL3_KEY_MAT_PARAMS`.
    OldTlsKeys,
    /// `CK_TLS12_KEY_MAT_PARAMS`.
    TlsKeys,
    /// The same, without initialisation vectors whatever it says.
    SafeTlsKeys,
    /// `CK_TLS_KDF_PARAMS`.
    TlsExport,
    /// `CK_TLS_MAC_PARAMS`.
    TlsMac,
    /// `CK_TLS_PRF_PARAMS`.
    TlsPrf,
}

/// RSA-OAEP's choices (PKCS#11 3.2, section 6.1.8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oaep {
    /// Digest of the label.
    pub hash: Hash,
    /// Digest of the mask generation.
    pub mgf: Hash,
    /// The label, often empty.
    pub label: Vec<u8>,
}

/// A mechanism's parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Params {
    /// Nothing given.
    None,
    /// An initialisation vector of the length the shape tells.
    Iv(Short),
    /// AES-CTR: the counter's bits (1 to 128) and the first counter block.
    Counter {
        /// Width of the counter, low bits of the block.
        bits: u32,
        /// The first block.
        block: [u8; 16],
    },
    /// AES-GCM.
    Gcm {
        /// Initialisation vector, 1 to 256 bytes.
        iv: Short,
        /// Additional authenticated data.
        aad: Vec<u8>,
        /// Bits of the tag.
        tag_bits: u32,
    },
    /// AES-CCM.
    Ccm {
        /// Bytes of the plaintext, known in advance.
        data_length: usize,
        /// Nonce, 7 to 13 bytes.
        nonce: Vec<u8>,
        /// Additional authenticated data.
        aad: Vec<u8>,
        /// Bytes of the MAC.
        mac_length: usize,
    },
    /// ChaCha20.
    ChaCha20 {
        /// The first block's number, lowest byte first: 4 or 8 bytes.
        counter: Vec<u8>,
        /// Nonce, 12 or 8 bytes.
        nonce: Vec<u8>,
    },
    /// ChaCha20-Poly1305.
    ChaCha20Poly1305 {
        /// Nonce, 12 bytes.
        nonce: Vec<u8>,
        /// Additional authenticated data.
        aad: Vec<u8>,
    },
    /// RSA-OAEP.
    Oaep(Oaep),
    /// RSA-PSS.
    Pss {
        /// Digest of the message.
        hash: Hash,
        /// Digest of the mask generation.
        mgf: Hash,
        /// Bytes of the salt.
        salt_length: usize,
    },
    /// EdDSA with a flag or a context.
    Eddsa {
        /// Sign the digest of the message (Ed25519ph, Ed448ph).
        prehash: bool,
        /// Context, up to 255 bytes.
        context: Vec<u8>,
    },
    /// ECDH, with or without cofactor.
    Ecdh {
        /// `None`: the raw shared secret (`CKD_NULL`).
        kdf: Option<AgreementKdf>,
        /// Shared info of the KDF.
        shared: Vec<u8>,
        /// The other side's point, raw or in an OCTET STRING.
        public: Vec<u8>,
    },
    /// RSA and AES key wrap.
    RsaAesWrap {
        /// Bits of the temporary AES key.
        aes_bits: u32,
        /// How it is encrypted.
        oaep: Oaep,
    },
    /// Bytes of a MAC.
    MacLength(usize),
    /// Data for a derivation.
    StringData(Vec<u8>),
    /// IV and data for a derivation by CBC encryption.
    CbcData {
        /// Initialisation vector.
        iv: Vec<u8>,
        /// What is encrypted.
        data: Vec<u8>,
    },
    /// ML-DSA and SLH-DSA.
    SignContext {
        /// Whether the signature takes randomness.
        hedge: Hedge,
        /// Context, up to 255 bytes.
        context: Vec<u8>,
    },
    /// ML-DSA and SLH-DSA over a digest that the caller gives.
    HashSignContext {
        /// Whether the signature takes randomness.
        hedge: Hedge,
        /// Context, up to 255 bytes.
        context: Vec<u8>,
        /// Which digest it is.
        hash: Prehash,
    },
    /// The handle of another key.
    Key(u64),
    /// The number of a bit, counted from the highest of the first byte.
    Bit(u64),
    /// ECDH and AES key wrap.
    EcdhAesWrap {
        /// Bits of the agreed AES key.
        aes_bits: u32,
        /// As in [`Params::Ecdh`].
        kdf: Option<AgreementKdf>,
        /// As in [`Params::Ecdh`].
        shared: Vec<u8>,
    },
    /// HKDF.
    Hkdf(Hkdf),
    /// PBKDF2.
    Pbkdf2(Pbkdf2),
    /// SP 800-108.
    Kbkdf(Kbkdf),
    /// A protocol's version: major, minor.
    Version([u8; 2]),
    /// A TLS master secret.
    TlsMaster {
        /// The pseudo-random function.
        prf: TlsPrf,
        /// What it is made with.
        seed: MasterSeed,
    },
    /// The keys of a TLS connection.
    TlsKeys(TlsKeys),
    /// A key exported from TLS.
    TlsExport(TlsExport),
    /// The MAC of a TLS handshake.
    TlsMac(TlsMac),
    /// TLS 1.0's pseudo-random function itself.
    TlsPrf {
        /// The label.
        label: Vec<u8>,
        /// The seed.
        seed: Vec<u8>,
        /// Bytes wanted.
        length: usize,
    },
}

/// A parameter as its caller has it: for beginning again what rests, which copies nothing that OpenSSL copies anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// As [`Params::None`].
    None,
    /// As [`Params::Iv`].
    Iv(&'a [u8]),
    /// As [`Params::Gcm`].
    #[allow(missing_docs)] // the names are the same
    Gcm { iv: &'a [u8], aad: &'a [u8], tag_bits: u32 },
    /// Any other.
    Other(&'a Params),
}

impl<'a> From<&'a Params> for Given<'a> {
    fn from(params: &'a Params) -> Self {
        match params {
            Params::None => Given::None,
            Params::Iv(iv) => Given::Iv(iv),
            Params::Gcm { iv, aad, tag_bits } => Given::Gcm { iv, aad, tag_bits: *tag_bits },
            params => Given::Other(params),
        }
    }
}

impl<'a> Given<'a> {
    /// The same as a parameter; `None`: it would have to be made.
    pub fn params(self) -> Option<&'a Params> {
        match self {
            Given::None => Some(&Params::None),
            Given::Other(params) => Some(params),
            Given::Iv(_) | Given::Gcm { .. } => None,
        }
    }
}

impl Params {
    /// The handles of the keys that the parameter names besides the one a function is called with.
    pub fn keys(&self) -> Vec<u64> {
        match self {
            Params::Key(key) | Params::Hkdf(Hkdf { salt: Salt::Key(key), .. }) => vec![*key],
            Params::Kbkdf(kbkdf) => kbkdf.data.iter().filter_map(Segment::key).collect(),
            _ => Vec::new(),
        }
    }
}

impl Shape {
    /// Whether a parameter that did not come through `abi::params` is one it could have made for this shape.
    pub fn admits(self, params: &Params) -> bool {
        match (self, params) {
            (Shape::None | Shape::OptionalIv(_) | Shape::Eddsa | Shape::SignContext, Params::None) => true,
            (Shape::Iv(length) | Shape::OptionalIv(length), Params::Iv(iv)) => iv.len() == length,
            (Shape::Counter, Params::Counter { bits, .. }) => (1..=128).contains(bits),
            (Shape::Ecdh | Shape::X942, Params::Ecdh { kdf, shared, .. }) => {
                kdf.is_some() || shared.is_empty()
            }
            (Shape::AesCbcData, Params::CbcData { iv, .. }) => iv.len() == 16,
            (Shape::DesCbcData, Params::CbcData { iv, .. }) => iv.len() == 8,
            (Shape::SafeTlsKeys, Params::TlsKeys(keys)) => keys.iv == 0,
            (Shape::CloudGcm, Params::Gcm { iv, .. }) => iv.is_empty(),
            (Shape::Gcm, Params::Gcm { .. })
            | (Shape::Ccm, Params::Ccm { .. })
            | (Shape::ChaCha20, Params::ChaCha20 { .. })
            | (Shape::ChaCha20Poly1305, Params::ChaCha20Poly1305 { .. })
            | (Shape::Oaep, Params::Oaep(_))
            | (Shape::Pss, Params::Pss { .. })
            | (Shape::Eddsa, Params::Eddsa { .. })
            | (Shape::RsaAesWrap, Params::RsaAesWrap { .. })
            | (Shape::MacLength, Params::MacLength(_))
            | (Shape::StringData | Shape::Bytes, Params::StringData(_))
            | (Shape::Key, Params::Key(_))
            | (Shape::Bit, Params::Bit(_))
            | (Shape::EcdhAesWrap, Params::EcdhAesWrap { .. })
            | (Shape::Hkdf, Params::Hkdf(_))
            | (Shape::Pbkdf2, Params::Pbkdf2(_))
            | (Shape::Kbkdf | Shape::CloudKbkdf | Shape::FeedbackKbkdf, Params::Kbkdf(_))
            | (Shape::Version, Params::Version(_))
            | (Shape::OldTlsMaster | Shape::TlsMaster | Shape::TlsExtendedMaster, Params::TlsMaster { .. })
            | (Shape::OldTlsKeys | Shape::TlsKeys, Params::TlsKeys(_))
            | (Shape::TlsExport, Params::TlsExport(_))
            | (Shape::TlsMac, Params::TlsMac(_))
            | (Shape::TlsPrf, Params::TlsPrf { .. })
            | (Shape::SignContext, Params::SignContext { .. })
            | (Shape::HashSignContext, Params::HashSignContext { .. }) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_admits_its_own_parameters_only() {
        let counter = |bits| Params::Counter { bits, block: [0; 16] };
        let cbc = |length| Params::CbcData { iv: vec![0; length], data: vec![] };
        let ecdh = |kdf, shared: &[u8]| Params::Ecdh { kdf, shared: shared.to_vec(), public: vec![] };
        let signed = || Params::SignContext { hedge: Hedge::Preferred, context: vec![] };
        let admitted = [
            (Shape::None, Params::None),
            (Shape::OptionalIv(8), Params::None),
            (Shape::OptionalIv(8), Params::Iv(vec![0; 8].into())),
            (Shape::Counter, counter(128)),
            (Shape::AesCbcData, cbc(16)),
            (Shape::DesCbcData, cbc(8)),
            (Shape::Ecdh, ecdh(Some(AgreementKdf::X963(Hash::Sha1)), b"info")),
            (Shape::Ecdh, ecdh(None, b"")),
            (Shape::SignContext, Params::None),
            (Shape::SignContext, signed()),
        ];
        let refused = [
            (Shape::Iv(16), Params::None),
            (Shape::Iv(16), Params::Iv(vec![0; 17].into())),
            (Shape::OptionalIv(8), Params::Iv(vec![].into())),
            (Shape::Counter, counter(0)),
            (Shape::Counter, counter(129)),
            (Shape::AesCbcData, cbc(8)),
            (Shape::DesCbcData, cbc(16)),
            (Shape::Ecdh, ecdh(None, b"info")),
            (Shape::Gcm, Params::Iv(vec![0; 12].into())),
            (Shape::HashSignContext, Params::None),
            (Shape::HashSignContext, signed()),
        ];
        assert!(admitted.iter().all(|(shape, params)| shape.admits(params)));
        assert!(!refused.iter().any(|(shape, params)| shape.admits(params)));
    }
}
