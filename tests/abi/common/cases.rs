//! Every mechanism of the module with what it takes to use it: keys, a parameter, and how much input.

use super::*;

/// The keys a mechanism works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// None: a digest.
    None,
    /// A secret key of that type (`CKK_`) and so many bytes.
    Secret(CK_KEY_TYPE, usize),
    /// An RSA pair of 2048 bits.
    Rsa,
    /// A DSA pair.
    Dsa,
    /// A pair on this curve.
    Ec(&'static [u8]),
    /// An Edwards pair on this curve.
    Edwards(&'static [u8]),
    /// A Montgomery pair on this curve.
    Montgomery(&'static [u8]),
    /// A post-quantum pair of that type (`CKK_`) and parameter set (`CKP_`).
    Pqc(CK_KEY_TYPE, CK_ULONG),
}

/// What a mechanism is there for.
#[derive(Clone, Debug)]
pub enum Job {
    /// Encrypts, signs, digests or wraps: with these keys, so many bytes at once.
    Use(Keys, usize),
    /// Makes a secret key from this template.
    Generate(Template),
    /// Makes a pair from this template of the public key.
    GeneratePair(Template),
    /// Derives a key from a pair and another side's public key.
    Agree(Keys),
    /// Derives a key from a key of that kind and the mechanism's parameter.
    Derive(Keys),
    /// Derives the same key of 16 bytes each time.
    DeriveFixed(Keys),
    /// Takes more than a case can say: `derivations.rs` has its test.
    Elsewhere,
    /// Agrees on a key by encapsulation, and does nothing else.
    Encapsulate(Keys),
}

/// One mechanism.
pub struct Case {
    pub name: &'static str,
    pub mechanism: Mechanism,
    pub job: Job,
}

impl Keys {
    /// Makes them: the one that encrypts, verifies and wraps, and the one that decrypts, signs and unwraps.
    pub fn make(self, session: Session) -> (Handle, Handle) {
        match self {
            Keys::None => (CK_INVALID_HANDLE, CK_INVALID_HANDLE),
            Keys::Secret(key_type, length) => {
                let value: Vec<u8> = (0..length).map(|at| (at * 7 + 1) as u8).collect();
                let value = if [CKK_DES, CKK_DES3].contains(&key_type) { odd_parity(value) } else { value };
                let key = keys::secret(session, key_type, &value, template![]);
                (key, key)
            }
            Keys::Rsa => keys::rsa(session, 2048, template![]),
            Keys::Dsa => keys::modulo_prime(session, CKM_DSA_KEY_PAIR_GEN),
            Keys::Ec(curve) => keys::ec(session, curve, template![]),
            Keys::Edwards(curve) => keys::edwards(session, curve),
            Keys::Montgomery(curve) => keys::montgomery(session, curve),
            Keys::Pqc(key_type, set) => keys::pqc(session, key_type, set, template![]),
        }
    }
}

/// Each byte with an odd number of ones, as DES keys have it.
pub fn odd_parity(mut key: Vec<u8>) -> Vec<u8> {
    for byte in &mut key {
        *byte = (*byte & 0xFE) | u8::from((*byte & 0xFE).count_ones() % 2 == 0);
    }
    key
}

/// Input of a length, the same each time; it starts with a zero for raw RSA.
pub fn input(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 37 % 251) as u8).collect()
}

/// Digest, bytes of it, its mask generation, HMAC, general HMAC, and the RSA and EC mechanisms that hash with it.
type Hashed = (
    (CK_MECHANISM_TYPE, &'static str),
    usize,
    CK_ULONG,
    (CK_MECHANISM_TYPE, &'static str),
    (CK_MECHANISM_TYPE, &'static str),
    (CK_MECHANISM_TYPE, &'static str),
    (CK_MECHANISM_TYPE, &'static str),
    (CK_MECHANISM_TYPE, &'static str),
);

macro_rules! named {
    ($id:ident) => {
        ($id, stringify!($id))
    };
}

#[rustfmt::skip]
const HASHED: &[Hashed] = &[
    (named!(CKM_SHA_1), 20, CKG_MGF1_SHA1, named!(CKM_SHA_1_HMAC), named!(CKM_SHA_1_HMAC_GENERAL),
     named!(CKM_SHA1_RSA_PKCS), named!(CKM_SHA1_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA1)),
    (named!(CKM_SHA224), 28, CKG_MGF1_SHA224, named!(CKM_SHA224_HMAC), named!(CKM_SHA224_HMAC_GENERAL),
     named!(CKM_SHA224_RSA_PKCS), named!(CKM_SHA224_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA224)),
    (named!(CKM_SHA256), 32, CKG_MGF1_SHA256, named!(CKM_SHA256_HMAC), named!(CKM_SHA256_HMAC_GENERAL),
     named!(CKM_SHA256_RSA_PKCS), named!(CKM_SHA256_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA256)),
    (named!(CKM_SHA384), 48, CKG_MGF1_SHA384, named!(CKM_SHA384_HMAC), named!(CKM_SHA384_HMAC_GENERAL),
     named!(CKM_SHA384_RSA_PKCS), named!(CKM_SHA384_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA384)),
    (named!(CKM_SHA512), 64, CKG_MGF1_SHA512, named!(CKM_SHA512_HMAC), named!(CKM_SHA512_HMAC_GENERAL),
     named!(CKM_SHA512_RSA_PKCS), named!(CKM_SHA512_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA512)),
    (named!(CKM_SHA3_224), 28, CKG_MGF1_SHA3_224, named!(CKM_SHA3_224_HMAC), named!(CKM_SHA3_224_HMAC_GENERAL),
     named!(CKM_SHA3_224_RSA_PKCS), named!(CKM_SHA3_224_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA3_224)),
    (named!(CKM_SHA3_256), 32, CKG_MGF1_SHA3_256, named!(CKM_SHA3_256_HMAC), named!(CKM_SHA3_256_HMAC_GENERAL),
     named!(CKM_SHA3_256_RSA_PKCS), named!(CKM_SHA3_256_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA3_256)),
    (named!(CKM_SHA3_384), 48, CKG_MGF1_SHA3_384, named!(CKM_SHA3_384_HMAC), named!(CKM_SHA3_384_HMAC_GENERAL),
     named!(CKM_SHA3_384_RSA_PKCS), named!(CKM_SHA3_384_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA3_384)),
    (named!(CKM_SHA3_512), 64, CKG_MGF1_SHA3_512, named!(CKM_SHA3_512_HMAC), named!(CKM_SHA3_512_HMAC_GENERAL),
     named!(CKM_SHA3_512_RSA_PKCS), named!(CKM_SHA3_512_RSA_PKCS_PSS), named!(CKM_ECDSA_SHA3_512)),
];

pub const CKM_CLOUDHSM_AES_GCM: CK_MECHANISM_TYPE = 0x8000_1087;
const CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD: CK_MECHANISM_TYPE = 0x8000_2109;
const CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD: CK_MECHANISM_TYPE = 0x8000_210A;
const CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD: CK_MECHANISM_TYPE = 0x8000_216F;
const CKM_CLOUDHSM_SP800_108_COUNTER_KDF: CK_MECHANISM_TYPE = 0x8000_0001;

macro_rules! cases {
    ($($id:ident: $mechanism:expr => $job:expr,)*) => {
        vec![$(Case { name: stringify!($id), mechanism: $mechanism($id), job: $job }),*]
    };
}

/// All of them.
pub fn all() -> Vec<Case> {
    let mut all = HASHED.iter().flat_map(hashed).collect::<Vec<_>>();
    all.extend(asymmetric());
    all.extend(aes());
    all.extend(other_ciphers());
    all.extend(more_digests());
    all.extend(generators());
    all.extend(derivations());
    all.extend(elsewhere());
    all.extend(post_quantum());
    all
}

fn hashed(row: &Hashed) -> [Case; 6] {
    let (hash, length, mgf, hmac, general, pkcs, pss, ecdsa) = *row;
    let case = |(_, name): (_, &'static str), mechanism, job| Case { name, mechanism, job };
    let secret = Keys::Secret(CKK_GENERIC_SECRET, 40);
    [
        case(hash, Mechanism::plain(hash.0), Job::Use(Keys::None, 100)),
        case(hmac, Mechanism::plain(hmac.0), Job::Use(secret, 100)),
        case(general, Mechanism::mac_length(general.0, 12), Job::Use(secret, 100)),
        case(pkcs, Mechanism::plain(pkcs.0), Job::Use(Keys::Rsa, 100)),
        case(pss, Mechanism::pss(pss.0, hash.0, mgf, length), Job::Use(Keys::Rsa, 100)),
        case(ecdsa, Mechanism::plain(ecdsa.0), Job::Use(Keys::Ec(keys::P256), 100)),
    ]
}

fn asymmetric() -> Vec<Case> {
    let plain = Mechanism::plain;
    cases![
        CKM_RSA_PKCS: plain => Job::Use(Keys::Rsa, 40),
        CKM_RSA_X_509: plain => Job::Use(Keys::Rsa, 256),
        CKM_RSA_PKCS_OAEP: |_| Mechanism::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"label") => Job::Use(Keys::Rsa, 40),
        CKM_RSA_PKCS_PSS: |id| Mechanism::pss(id, CKM_SHA256, CKG_MGF1_SHA256, 32) => Job::Use(Keys::Rsa, 32),
        CKM_RSA_AES_KEY_WRAP: |_| Mechanism::rsa_aes(256) => Job::Use(Keys::Rsa, 40),
        CKM_ECDH_AES_KEY_WRAP: Mechanism::ecdh_aes => Job::Use(Keys::Ec(keys::P384), 40),
        CKM_ECDH_COF_AES_KEY_WRAP: Mechanism::ecdh_aes => Job::Use(Keys::Ec(keys::P384), 40),
        CKM_ECDH_X_AES_KEY_WRAP: Mechanism::ecdh_aes => Job::Use(Keys::Montgomery(keys::X25519), 40),
        CKM_ECDSA: plain => Job::Use(Keys::Ec(keys::P384), 32),
        CKM_DSA: plain => Job::Use(Keys::Dsa, 20),
        CKM_DSA_SHA1: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA224: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA256: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA384: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA512: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA3_224: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA3_256: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA3_384: plain => Job::Use(Keys::Dsa, 100),
        CKM_DSA_SHA3_512: plain => Job::Use(Keys::Dsa, 100),
        CKM_EDDSA: plain => Job::Use(Keys::Edwards(keys::ED25519), 100),
    ]
}

/// Ciphers and MACs of AES.
fn aes() -> Vec<Case> {
    let plain = Mechanism::plain;
    let aes = Keys::Secret(CKK_AES, 32);
    let iv = |id| Mechanism::bytes(id, &[9; 16]);
    cases![
        CKM_AES_ECB: plain => Job::Use(aes, 64),
        CKM_AES_CBC: iv => Job::Use(aes, 64),
        CKM_AES_CBC_PAD: iv => Job::Use(aes, 61),
        CKM_AES_CTR: |_| Mechanism::ctr(128, [0xFE; 16]) => Job::Use(aes, 61),
        CKM_AES_GCM: |_| Mechanism::gcm(&[3; 12], b"also authentic") => Job::Use(aes, 61),
        CKM_AES_CCM: |_| Mechanism::ccm(61, &[3; 12], b"also authentic", 16) => Job::Use(aes, 61),
        CKM_AES_CMAC: plain => Job::Use(aes, 61),
        CKM_AES_CMAC_GENERAL: |id| Mechanism::mac_length(id, 8) => Job::Use(aes, 61),
        CKM_CLOUDHSM_AES_GCM: Mechanism::gcm_without_iv => Job::Use(aes, 61),
        CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD: plain => Job::Use(aes, 24),
        CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD: plain => Job::Use(aes, 24),
        CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD: plain => Job::Use(aes, 24),
        CKM_AES_KEY_WRAP: plain => Job::Use(aes, 24),
        CKM_AES_KEY_WRAP_PAD: plain => Job::Use(aes, 24),
        CKM_AES_KEY_WRAP_KWP: plain => Job::Use(aes, 21),
        CKM_AES_KEY_WRAP_PKCS7: plain => Job::Use(aes, 21),
        CKM_AES_OFB: iv => Job::Use(aes, 61),
        CKM_AES_CFB1: iv => Job::Use(aes, 61),
        CKM_AES_CFB8: iv => Job::Use(aes, 61),
        CKM_AES_CFB128: iv => Job::Use(aes, 61),
        CKM_AES_CTS: iv => Job::Use(aes, 61),
        CKM_AES_XTS: iv => Job::Use(Keys::Secret(CKK_AES_XTS, 64), 61),
        CKM_AES_MAC: plain => Job::Use(aes, 61),
        CKM_AES_MAC_GENERAL: |id| Mechanism::mac_length(id, 16) => Job::Use(aes, 61),
        CKM_AES_XCBC_MAC: plain => Job::Use(Keys::Secret(CKK_AES, 16), 61),
        CKM_AES_XCBC_MAC_96: plain => Job::Use(Keys::Secret(CKK_AES, 16), 61),
        CKM_AES_GMAC: |id| Mechanism::gcm(&[3; 12], b"").with_id(id) => Job::Use(aes, 61),
    ]
}

/// Those of other ciphers.
fn other_ciphers() -> Vec<Case> {
    let plain = Mechanism::plain;
    let aria = Keys::Secret(CKK_ARIA, 24);
    let camellia = Keys::Secret(CKK_CAMELLIA, 24);
    let chacha20 = Keys::Secret(CKK_CHACHA20, 32);
    let des = Keys::Secret(CKK_DES3, 24);
    let iv = |id| Mechanism::bytes(id, &[9; 16]);
    let short_iv = |id| Mechanism::bytes(id, &[9; 8]);
    cases![
        CKM_ARIA_ECB: plain => Job::Use(aria, 64),
        CKM_ARIA_CBC: iv => Job::Use(aria, 64),
        CKM_ARIA_CBC_PAD: iv => Job::Use(aria, 61),
        CKM_ARIA_MAC: plain => Job::Use(aria, 61),
        CKM_ARIA_MAC_GENERAL: |id| Mechanism::mac_length(id, 16) => Job::Use(aria, 61),
        CKM_CAMELLIA_ECB: plain => Job::Use(camellia, 64),
        CKM_CAMELLIA_CBC: iv => Job::Use(camellia, 64),
        CKM_CAMELLIA_CBC_PAD: iv => Job::Use(camellia, 61),
        CKM_CAMELLIA_CTR: |id| Mechanism::ctr(128, [9; 16]).with_id(id) => Job::Use(camellia, 61),
        CKM_CAMELLIA_MAC: plain => Job::Use(camellia, 61),
        CKM_CAMELLIA_MAC_GENERAL: |id| Mechanism::mac_length(id, 16) => Job::Use(camellia, 61),
        CKM_CHACHA20: |_| Mechanism::chacha20(&[1, 0, 0, 0], &[4; 12]) => Job::Use(chacha20, 61),
        CKM_CHACHA20_POLY1305: |_| Mechanism::chacha20_poly1305(&[4; 12], b"aad") => Job::Use(chacha20, 61),
        CKM_POLY1305: plain => Job::Use(Keys::Secret(CKK_POLY1305, 32), 61),
        CKM_DES3_MAC: plain => Job::Use(des, 61),
        CKM_DES3_MAC_GENERAL: |id| Mechanism::mac_length(id, 8) => Job::Use(des, 61),
        CKM_DES3_ECB: plain => Job::Use(des, 64),
        CKM_DES3_CBC: short_iv => Job::Use(des, 64),
        CKM_DES3_CBC_PAD: short_iv => Job::Use(des, 61),
        CKM_DES3_CMAC: plain => Job::Use(des, 61),
        CKM_DES3_CMAC_GENERAL: |id| Mechanism::mac_length(id, 4) => Job::Use(des, 61),
    ]
}

/// Digests, and MACs by digests, that are not in the table of hashes.
fn more_digests() -> Vec<Case> {
    let plain = Mechanism::plain;
    let secret = Keys::Secret(CKK_GENERIC_SECRET, 40);
    let mac = |id| Mechanism::mac_length(id, 12);
    cases![
        CKM_BLAKE2B_160: plain => Job::Use(Keys::None, 100),
        CKM_BLAKE2B_256: plain => Job::Use(Keys::None, 100),
        CKM_BLAKE2B_384: plain => Job::Use(Keys::None, 100),
        CKM_BLAKE2B_512: plain => Job::Use(Keys::None, 100),
        CKM_BLAKE2B_512_HMAC: plain => Job::Use(secret, 100),
        CKM_BLAKE2B_512_HMAC_GENERAL: mac => Job::Use(secret, 100),
        CKM_TLS_MAC: Mechanism::tls_mac => Job::Use(secret, 48),
        CKM_TLS12_MAC: Mechanism::tls_mac => Job::Use(secret, 48),
        CKM_SHA512_224: plain => Job::Use(Keys::None, 100),
        CKM_SHA512_224_HMAC: plain => Job::Use(secret, 100),
        CKM_SHA512_224_HMAC_GENERAL: mac => Job::Use(secret, 100),
        CKM_SHA512_256: plain => Job::Use(Keys::None, 100),
        CKM_SHA512_256_HMAC: plain => Job::Use(secret, 100),
        CKM_SHA512_256_HMAC_GENERAL: mac => Job::Use(secret, 100),
    ]
}

fn generators() -> Vec<Case> {
    let plain = Mechanism::plain;
    let secret = || keys::aes_template(0).without(CKA_VALUE_LEN).without(CKA_KEY_TYPE);
    let hmac = |key_type: CK_KEY_TYPE| {
        let changes = template![CKA_KEY_TYPE => key_type, CKA_VALUE_LEN => 40 as CK_ULONG];
        Job::Generate(secret().and(&changes).without(CKA_ENCRYPT).without(CKA_DECRYPT))
    };
    let sized = |key_type: CK_KEY_TYPE, length: CK_ULONG| {
        secret().and(&template![CKA_KEY_TYPE => key_type, CKA_VALUE_LEN => length])
    };
    let hmac_like =
        |key_type, length| Job::Generate(sized(key_type, length).without(CKA_ENCRYPT).without(CKA_DECRYPT));
    let pair = |parameter| Job::GeneratePair(keys::public_template().and(&parameter));
    cases![
        CKM_AES_KEY_GEN: plain => Job::Generate(keys::aes_template(32)),
        CKM_AES_XTS_KEY_GEN: plain => Job::Generate(sized(CKK_AES_XTS, 64)),
        CKM_ARIA_KEY_GEN: plain => Job::Generate(sized(CKK_ARIA, 24)),
        CKM_CAMELLIA_KEY_GEN: plain => Job::Generate(sized(CKK_CAMELLIA, 24)),
        CKM_CHACHA20_KEY_GEN: plain => Job::Generate(secret().and(&template![CKA_KEY_TYPE => CKK_CHACHA20])),
        CKM_POLY1305_KEY_GEN: plain => Job::Generate(
            secret().without(CKA_ENCRYPT).without(CKA_DECRYPT).and(&template![CKA_KEY_TYPE => CKK_POLY1305])
        ),
        CKM_HKDF_KEY_GEN: plain => Job::Generate(
            sized(CKK_HKDF, 40).without(CKA_ENCRYPT).without(CKA_DECRYPT)
        ),
        CKM_TLS_PRE_MASTER_KEY_GEN: |id| Mechanism::bytes(id, &[3, 3]) => hmac_like(CKK_GENERIC_SECRET, 48),
        CKM_SSL3_PRE_MASTER_KEY_GEN: |id| Mechanism::bytes(id, &[3, 1]) => hmac_like(CKK_GENERIC_SECRET, 48),
        CKM_PKCS5_PBKD2: plain => Job::Elsewhere,
        CKM_BLAKE2B_512_KEY_GEN: plain => hmac(CKK_BLAKE2B_512_HMAC),
        CKM_DES3_KEY_GEN: plain => Job::Generate(secret().and(&template![CKA_KEY_TYPE => CKK_DES3])),
        CKM_DES2_KEY_GEN: plain => Job::Generate(secret().and(&template![CKA_KEY_TYPE => CKK_DES2])),
        CKM_SHA_1_KEY_GEN: plain => hmac(CKK_SHA_1_HMAC),
        CKM_SHA224_KEY_GEN: plain => hmac(CKK_SHA224_HMAC),
        CKM_SHA256_KEY_GEN: plain => hmac(CKK_SHA256_HMAC),
        CKM_SHA384_KEY_GEN: plain => hmac(CKK_SHA384_HMAC),
        CKM_SHA512_KEY_GEN: plain => hmac(CKK_SHA512_HMAC),
        CKM_SHA512_224_KEY_GEN: plain => hmac(CKK_SHA512_224_HMAC),
        CKM_SHA512_256_KEY_GEN: plain => hmac(CKK_SHA512_256_HMAC),
        CKM_SHA3_224_KEY_GEN: plain => hmac(CKK_SHA3_224_HMAC),
        CKM_SHA3_256_KEY_GEN: plain => hmac(CKK_SHA3_256_HMAC),
        CKM_SHA3_384_KEY_GEN: plain => hmac(CKK_SHA3_384_HMAC),
        CKM_SHA3_512_KEY_GEN: plain => hmac(CKK_SHA3_512_HMAC),
        CKM_GENERIC_SECRET_KEY_GEN: plain => Job::Generate(secret().and(&template![
            CKA_VALUE_LEN => 50 as CK_ULONG, CKA_KEY_TYPE => CKK_GENERIC_SECRET,
        ])),
        CKM_RSA_PKCS_KEY_PAIR_GEN: plain => pair(template![CKA_MODULUS_BITS => 2048 as CK_ULONG]),
        CKM_RSA_X9_31_KEY_PAIR_GEN: plain => pair(template![CKA_MODULUS_BITS => 2048 as CK_ULONG]),
        CKM_DSA_KEY_PAIR_GEN: plain => pair(keys::group(true)),
        CKM_DH_PKCS_KEY_PAIR_GEN: plain => pair(keys::group(false)),
        CKM_X9_42_DH_KEY_PAIR_GEN: plain => pair(keys::group(true)),
        CKM_EC_KEY_PAIR_GEN: plain => pair(template![CKA_EC_PARAMS => keys::P256]),
        CKM_EC_EDWARDS_KEY_PAIR_GEN: plain => pair(template![CKA_EC_PARAMS => keys::ED25519]),
        CKM_EC_MONTGOMERY_KEY_PAIR_GEN: plain => pair(template![CKA_EC_PARAMS => keys::X25519]),
    ]
}

const ML_DSA: Keys = Keys::Pqc(CKK_ML_DSA, CKP_ML_DSA_44);
const ML_KEM: Keys = Keys::Pqc(CKK_ML_KEM, CKP_ML_KEM_512);
const SLH_DSA: Keys = Keys::Pqc(CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F);

/// HashML-DSA and HashSLH-DSA with each digest.
#[rustfmt::skip]
const PREHASHED: &[[(CK_MECHANISM_TYPE, &str); 2]] = &[
    [named!(CKM_HASH_ML_DSA_SHA224), named!(CKM_HASH_SLH_DSA_SHA224)],
    [named!(CKM_HASH_ML_DSA_SHA256), named!(CKM_HASH_SLH_DSA_SHA256)],
    [named!(CKM_HASH_ML_DSA_SHA384), named!(CKM_HASH_SLH_DSA_SHA384)],
    [named!(CKM_HASH_ML_DSA_SHA512), named!(CKM_HASH_SLH_DSA_SHA512)],
    [named!(CKM_HASH_ML_DSA_SHA3_224), named!(CKM_HASH_SLH_DSA_SHA3_224)],
    [named!(CKM_HASH_ML_DSA_SHA3_256), named!(CKM_HASH_SLH_DSA_SHA3_256)],
    [named!(CKM_HASH_ML_DSA_SHA3_384), named!(CKM_HASH_SLH_DSA_SHA3_384)],
    [named!(CKM_HASH_ML_DSA_SHA3_512), named!(CKM_HASH_SLH_DSA_SHA3_512)],
    [named!(CKM_HASH_ML_DSA_SHAKE128), named!(CKM_HASH_SLH_DSA_SHAKE128)],
    [named!(CKM_HASH_ML_DSA_SHAKE256), named!(CKM_HASH_SLH_DSA_SHAKE256)],
];

fn post_quantum() -> Vec<Case> {
    let plain = Mechanism::plain;
    let digested = |id| Mechanism::hash_sign_context(id, CKM_SHA384, b"context");
    let pair = |set| Job::GeneratePair(keys::public_template().and(&template![CKA_PARAMETER_SET => set]));
    let mut all = cases![
        CKM_ML_DSA_KEY_PAIR_GEN: plain => pair(CKP_ML_DSA_65),
        CKM_ML_DSA: plain => Job::Use(ML_DSA, 100),
        CKM_HASH_ML_DSA: digested => Job::Use(ML_DSA, 48),
        CKM_ML_KEM_KEY_PAIR_GEN: plain => pair(CKP_ML_KEM_768),
        CKM_ML_KEM: plain => Job::Encapsulate(ML_KEM),
        CKM_SLH_DSA_KEY_PAIR_GEN: plain => pair(CKP_SLH_DSA_SHAKE_128F),
        CKM_SLH_DSA: plain => Job::Use(SLH_DSA, 100),
        CKM_HASH_SLH_DSA: digested => Job::Use(SLH_DSA, 48),
    ];
    for row in PREHASHED {
        for ((id, name), keys) in row.iter().zip([ML_DSA, SLH_DSA]) {
            let mechanism = Mechanism::sign_context(*id, CKH_HEDGE_PREFERRED, b"context");
            all.push(Case { name, mechanism, job: Job::Use(keys, 100) });
        }
    }
    all
}

/// The mechanisms that only a token with `legacy = true` has.
pub fn legacy() -> Vec<Case> {
    let plain = Mechanism::plain;
    let secret = Keys::Secret(CKK_GENERIC_SECRET, 40);
    let des = Keys::Secret(CKK_DES, 8);
    let made = || keys::aes_template(0).without(CKA_VALUE_LEN).and(&template![CKA_KEY_TYPE => CKK_DES]);
    let mac = |id| Mechanism::mac_length(id, 12);
    let iv = |id| Mechanism::bytes(id, &[9; 8]);
    cases![
        CKM_MD5: plain => Job::Use(Keys::None, 100),
        CKM_MD5_HMAC: plain => Job::Use(secret, 100),
        CKM_MD5_HMAC_GENERAL: mac => Job::Use(secret, 100),
        CKM_MD5_KEY_DERIVATION: plain => Job::DeriveFixed(secret),
        CKM_MD5_RSA_PKCS: plain => Job::Use(Keys::Rsa, 100),
        CKM_RIPEMD160: plain => Job::Use(Keys::None, 100),
        CKM_RIPEMD160_HMAC: plain => Job::Use(secret, 100),
        CKM_RIPEMD160_HMAC_GENERAL: mac => Job::Use(secret, 100),
        CKM_RIPEMD160_RSA_PKCS: plain => Job::Use(Keys::Rsa, 100),
        CKM_DES_KEY_GEN: plain => Job::Generate(made()),
        CKM_DES_ECB: plain => Job::Use(des, 64),
        CKM_DES_CBC: iv => Job::Use(des, 64),
        CKM_DES_CBC_PAD: iv => Job::Use(des, 61),
        CKM_DES_OFB64: iv => Job::Use(des, 61),
        CKM_DES_CFB64: iv => Job::Use(des, 61),
        CKM_DES_CFB8: iv => Job::Use(des, 61),
        CKM_DES_MAC: plain => Job::Use(des, 61),
        CKM_DES_MAC_GENERAL: |id| Mechanism::mac_length(id, 8) => Job::Use(des, 61),
        CKM_DES_ECB_ENCRYPT_DATA: |id| Mechanism::string_data(id, &[1; 32]) => Job::Derive(des),
        CKM_DES_CBC_ENCRYPT_DATA: |id| Mechanism::des_cbc_data([2; 8], &[1; 32]).with_id(id) => Job::Derive(des),
    ]
}

fn derivations() -> Vec<Case> {
    let plain = Mechanism::plain;
    let aes = Job::Derive(Keys::Secret(CKK_AES, 32));
    let des = Job::Derive(Keys::Secret(CKK_DES3, 24));
    let aria = Job::Derive(Keys::Secret(CKK_ARIA, 16));
    let camellia = Job::Derive(Keys::Secret(CKK_CAMELLIA, 16));
    let fixed = Job::DeriveFixed(Keys::Secret(CKK_GENERIC_SECRET, 40));
    cases![
        CKM_ECDH1_DERIVE: plain => Job::Agree(Keys::Ec(keys::P256)),
        CKM_ECDH1_COFACTOR_DERIVE: plain => Job::Agree(Keys::Ec(keys::P256)),
        CKM_ARIA_ECB_ENCRYPT_DATA: |id| Mechanism::string_data(id, &[1; 32]) => aria.clone(),
        CKM_ARIA_CBC_ENCRYPT_DATA: |id| Mechanism::aes_cbc_data([2; 16], &[1; 32]).with_id(id) => aria.clone(),
        CKM_CAMELLIA_ECB_ENCRYPT_DATA: |id| Mechanism::string_data(id, &[1; 32]) => camellia.clone(),
        CKM_CAMELLIA_CBC_ENCRYPT_DATA: |id| Mechanism::aes_cbc_data([2; 16], &[1; 32]).with_id(id) => camellia.clone(),
        CKM_SHA1_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA224_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA256_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA384_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA512_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA512_224_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA512_256_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA3_224_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA3_256_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA3_384_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHA3_512_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHAKE_128_KEY_DERIVATION: plain => fixed.clone(),
        CKM_SHAKE_256_KEY_DERIVATION: plain => fixed.clone(),
        CKM_BLAKE2B_160_KEY_DERIVE: plain => fixed.clone(),
        CKM_BLAKE2B_256_KEY_DERIVE: plain => fixed.clone(),
        CKM_BLAKE2B_384_KEY_DERIVE: plain => fixed.clone(),
        CKM_BLAKE2B_512_KEY_DERIVE: plain => fixed.clone(),
        CKM_CONCATENATE_BASE_AND_DATA: |id| Mechanism::string_data(id, &[1; 32]) => fixed.clone(),
        CKM_CONCATENATE_DATA_AND_BASE: |id| Mechanism::string_data(id, &[1; 32]) => fixed.clone(),
        CKM_XOR_BASE_AND_DATA: |id| Mechanism::string_data(id, &[1; 32]) => fixed.clone(),
        CKM_EXTRACT_KEY_FROM_KEY: |id| Mechanism::mac_length(id, 13) => fixed.clone(),
        CKM_HKDF_DERIVE: Mechanism::hkdf => fixed.clone(),
        CKM_TLS_KDF: Mechanism::tls_kdf => fixed.clone(),
        CKM_TLS12_KDF: Mechanism::tls_kdf => fixed.clone(),
        CKM_AES_ECB_ENCRYPT_DATA: |id| Mechanism::string_data(id, &[1; 32]) => aes.clone(),
        CKM_AES_CBC_ENCRYPT_DATA: |_| Mechanism::aes_cbc_data([2; 16], &[1; 32]) => aes.clone(),
        CKM_DES3_ECB_ENCRYPT_DATA: |id| Mechanism::string_data(id, &[1; 32]) => des.clone(),
        CKM_DES3_CBC_ENCRYPT_DATA: |_| Mechanism::des_cbc_data([2; 8], &[1; 32]) => des.clone(),
    ]
}

/// Derivations whose parameters name more keys or places than one case here has.
fn elsewhere() -> Vec<Case> {
    let plain = Mechanism::plain;
    cases![
        CKM_HKDF_DATA: plain => Job::Elsewhere,
        CKM_CONCATENATE_BASE_AND_KEY: plain => Job::Elsewhere,
        CKM_SP800_108_COUNTER_KDF: plain => Job::Elsewhere,
        CKM_SP800_108_FEEDBACK_KDF: plain => Job::Elsewhere,
        CKM_SP800_108_DOUBLE_PIPELINE_KDF: plain => Job::Elsewhere,
        CKM_DH_PKCS_DERIVE: plain => Job::Elsewhere,
        CKM_X9_42_DH_DERIVE: plain => Job::Elsewhere,
        CKM_CLOUDHSM_SP800_108_COUNTER_KDF: plain => Job::Elsewhere,
        CKM_TLS_MASTER_KEY_DERIVE: plain => Job::Elsewhere,
        CKM_TLS_MASTER_KEY_DERIVE_DH: plain => Job::Elsewhere,
        CKM_TLS_KEY_AND_MAC_DERIVE: plain => Job::Elsewhere,
        CKM_TLS_PRF: plain => Job::Elsewhere,
        CKM_TLS12_MASTER_KEY_DERIVE: plain => Job::Elsewhere,
        CKM_TLS12_MASTER_KEY_DERIVE_DH: plain => Job::Elsewhere,
        CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE: plain => Job::Elsewhere,
        CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH: plain => Job::Elsewhere,
        CKM_TLS12_KEY_AND_MAC_DERIVE: plain => Job::Elsewhere,
        CKM_TLS12_KEY_SAFE_DERIVE: plain => Job::Elsewhere,
    ]
}
