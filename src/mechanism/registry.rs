//! The registry: one row per mechanism, grouped by family.

use super::aead::{ChaCha20Poly1305, Gcm};
use super::block_cipher::{self, AES, ARIA, CAMELLIA, DES};
use super::cbc_mac::Gmac;
use super::ccm::Ccm;
use super::dh::{Agreement, PairGeneration};
use super::digest::{Blake2b, Digest};
use super::dsa::{self, DsaWith};
use super::ecdh::Ecdh;
use super::eddsa::Eddsa;
use super::hkdf::{self, Pbkdf2};
use super::kbkdf::Kbkdf;
use super::kem::MlKem;
use super::keywrap::KeyWrap;
use super::mac::{Hmac, Poly1305};
use super::pqc_signature::{self, HashedWith};
use super::prefixed_gcm::PrefixedGcm;
use super::prehash::Prehash;
use super::prime_key::{self, PrimeType};
use super::rsa_wrap::RsaAesWrap;
use super::secret::{Generator, Lengths, MAX_LENGTH};
use super::simple::{self, Blake2bDigested, Digested, ShakeDigested};
use super::tls::{self, ConnectionKeys, Master};
use super::{Family, Row, Shape, Unit, aes, cloudhsm, des, ec, ecdh_wrap, once, pqc_key, rsa, stream};
use crate::crypto::Hash;
use crate::crypto::digest::Shake;
use cryptoki_sys as ck;
use once_cell::sync::Lazy;

/// A mechanism's number and name, from the one word of the standard.
macro_rules! ckm {
    ($name:ident) => {
        (ck::$name, stringify!($name))
    };
}

/// Every mechanism of the module.
pub static ROWS: &[Row] = &[
    // RSA (section 6.1). What raw RSA unwraps does not tell its length, so it wraps no keys.
    rsa(ckm!(CKM_RSA_PKCS_KEY_PAIR_GEN), PAIR, Shape::None, &rsa::KeyPairGeneration),
    rsa(ckm!(CKM_RSA_X9_31_KEY_PAIR_GEN), PAIR, Shape::None, &rsa::KeyPairGeneration),
    rsa(ckm!(CKM_RSA_PKCS), CIPHER | SIGNATURE | RECOVERY | ENCAPSULATION, Shape::None, &rsa::PKCS1),
    rsa(
        ckm!(CKM_RSA_X_509),
        ck::CKF_ENCRYPT | ck::CKF_DECRYPT | SIGNATURE | RECOVERY | ENCAPSULATION,
        Shape::None,
        &rsa::RAW,
    ),
    rsa(ckm!(CKM_RSA_PKCS_OAEP), CIPHER | ENCAPSULATION, Shape::Oaep, &rsa::OAEP),
    rsa(ckm!(CKM_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PSS),
    rsa(ckm!(CKM_RSA_AES_KEY_WRAP), WRAPPING, Shape::RsaAesWrap, &RsaAesWrap),
    rsa(ckm!(CKM_SHA1_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha1)),
    rsa(ckm!(CKM_SHA224_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha224)),
    rsa(ckm!(CKM_SHA256_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha256)),
    rsa(ckm!(CKM_SHA384_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha384)),
    rsa(ckm!(CKM_SHA512_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha512)),
    rsa(ckm!(CKM_SHA3_224_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha3_224)),
    rsa(ckm!(CKM_SHA3_256_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha3_256)),
    rsa(ckm!(CKM_SHA3_384_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha3_384)),
    rsa(ckm!(CKM_SHA3_512_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Sha3_512)),
    rsa(ckm!(CKM_SHA1_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha1)),
    rsa(ckm!(CKM_SHA224_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha224)),
    rsa(ckm!(CKM_SHA256_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha256)),
    rsa(ckm!(CKM_SHA384_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha384)),
    rsa(ckm!(CKM_SHA512_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha512)),
    rsa(ckm!(CKM_SHA3_224_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha3_224)),
    rsa(ckm!(CKM_SHA3_256_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha3_256)),
    rsa(ckm!(CKM_SHA3_384_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha3_384)),
    rsa(ckm!(CKM_SHA3_512_RSA_PKCS_PSS), SIGNATURE, Shape::Pss, &rsa::PssWith(Hash::Sha3_512)),
    // Elliptic curves (section 6.3).
    curve(ckm!(CKM_EC_KEY_PAIR_GEN), WEIERSTRASS, PAIR, Shape::None, &ec::KeyPairGeneration(ck::CKK_EC)),
    curve(
        ckm!(CKM_EC_EDWARDS_KEY_PAIR_GEN),
        EDWARDS,
        PAIR,
        Shape::None,
        &ec::KeyPairGeneration(ck::CKK_EC_EDWARDS),
    ),
    curve(
        ckm!(CKM_EC_MONTGOMERY_KEY_PAIR_GEN),
        MONTGOMERY,
        PAIR,
        Shape::None,
        &ec::KeyPairGeneration(ck::CKK_EC_MONTGOMERY),
    ),
    curve(ckm!(CKM_ECDSA), WEIERSTRASS, SIGNATURE, Shape::None, &ec::Ecdsa),
    curve(ckm!(CKM_ECDSA_SHA1), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha1)),
    curve(ckm!(CKM_ECDSA_SHA224), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha224)),
    curve(ckm!(CKM_ECDSA_SHA256), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha256)),
    curve(ckm!(CKM_ECDSA_SHA384), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha384)),
    curve(ckm!(CKM_ECDSA_SHA512), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha512)),
    curve(ckm!(CKM_ECDSA_SHA3_224), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha3_224)),
    curve(ckm!(CKM_ECDSA_SHA3_256), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha3_256)),
    curve(ckm!(CKM_ECDSA_SHA3_384), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha3_384)),
    curve(ckm!(CKM_ECDSA_SHA3_512), WEIERSTRASS, SIGNATURE, Shape::None, &ec::EcdsaWith(Hash::Sha3_512)),
    curve(ckm!(CKM_EDDSA), EDWARDS, SIGNATURE, Shape::Eddsa, &Eddsa),
    curve(ckm!(CKM_ECDH1_DERIVE), AGREEING, AGREEMENT, Shape::Ecdh, &Ecdh),
    curve(ckm!(CKM_ECDH1_COFACTOR_DERIVE), WEIERSTRASS, AGREEMENT, Shape::Ecdh, &Ecdh),
    curve(ckm!(CKM_ECDH_AES_KEY_WRAP), AGREEING, WRAPPING, Shape::EcdhAesWrap, &ecdh_wrap::BARE),
    curve(ckm!(CKM_ECDH_COF_AES_KEY_WRAP), WEIERSTRASS, WRAPPING, Shape::EcdhAesWrap, &ecdh_wrap::COFACTOR),
    curve(ckm!(CKM_ECDH_X_AES_KEY_WRAP), MONTGOMERY, WRAPPING, Shape::EcdhAesWrap, &ecdh_wrap::BARE),
    // DSA (section 6.2) and Diffie-Hellman (6.4).
    prime(ckm!(CKM_DSA_KEY_PAIR_GEN), DSA_KEYS, PAIR, Shape::None, &PairGeneration(PrimeType::Dsa)),
    prime(ckm!(CKM_DSA), DSA_KEYS, SIGNATURE, Shape::None, &dsa::Dsa),
    prime(ckm!(CKM_DSA_SHA1), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha1)),
    prime(ckm!(CKM_DSA_SHA224), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha224)),
    prime(ckm!(CKM_DSA_SHA256), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha256)),
    prime(ckm!(CKM_DSA_SHA384), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha384)),
    prime(ckm!(CKM_DSA_SHA512), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha512)),
    prime(ckm!(CKM_DSA_SHA3_224), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha3_224)),
    prime(ckm!(CKM_DSA_SHA3_256), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha3_256)),
    prime(ckm!(CKM_DSA_SHA3_384), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha3_384)),
    prime(ckm!(CKM_DSA_SHA3_512), DSA_KEYS, SIGNATURE, Shape::None, &DsaWith(Hash::Sha3_512)),
    prime(ckm!(CKM_DH_PKCS_KEY_PAIR_GEN), DH_KEYS, PAIR, Shape::None, &PairGeneration(PrimeType::Dh)),
    prime(ckm!(CKM_DH_PKCS_DERIVE), DH_KEYS, AGREEMENT, Shape::Bytes, &Agreement(PrimeType::Dh)),
    prime(ckm!(CKM_X9_42_DH_KEY_PAIR_GEN), X942_KEYS, PAIR, Shape::None, &PairGeneration(PrimeType::X942)),
    prime(ckm!(CKM_X9_42_DH_DERIVE), X942_KEYS, AGREEMENT, Shape::X942, &Agreement(PrimeType::X942)),
    // ML-DSA, ML-KEM and SLH-DSA (sections 6.67 to 6.69).
    pqc(
        ckm!(CKM_ML_DSA_KEY_PAIR_GEN),
        ML_DSA,
        PAIR,
        Shape::None,
        &pqc_key::KeyPairGeneration(ck::CKK_ML_DSA),
    ),
    pqc(ckm!(CKM_ML_DSA), ML_DSA, SIGNATURE, Shape::SignContext, &pqc_signature::Pure),
    pqc(ckm!(CKM_HASH_ML_DSA), ML_DSA, SIGNATURE, Shape::HashSignContext, &pqc_signature::Digested),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA224), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha224))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA256), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha256))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA384), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha384))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA512), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha512))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA3_224), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_224))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA3_256), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_256))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA3_384), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_384))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHA3_512), ML_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_512))),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHAKE128), ML_DSA, &HashedWith(Prehash::Shake128)),
    pqc_hashed(ckm!(CKM_HASH_ML_DSA_SHAKE256), ML_DSA, &HashedWith(Prehash::Shake256)),
    pqc(
        ckm!(CKM_ML_KEM_KEY_PAIR_GEN),
        ML_KEM,
        PAIR,
        Shape::None,
        &pqc_key::KeyPairGeneration(ck::CKK_ML_KEM),
    ),
    pqc(ckm!(CKM_ML_KEM), ML_KEM, ENCAPSULATION, Shape::None, &MlKem),
    pqc(
        ckm!(CKM_SLH_DSA_KEY_PAIR_GEN),
        SLH_DSA,
        PAIR,
        Shape::None,
        &pqc_key::KeyPairGeneration(ck::CKK_SLH_DSA),
    ),
    pqc(ckm!(CKM_SLH_DSA), SLH_DSA, SIGNATURE, Shape::SignContext, &pqc_signature::Pure),
    pqc(ckm!(CKM_HASH_SLH_DSA), SLH_DSA, SIGNATURE, Shape::HashSignContext, &pqc_signature::Digested),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA224), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha224))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA256), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha256))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA384), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha384))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA512), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha512))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA3_224), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_224))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA3_256), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_256))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA3_384), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_384))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHA3_512), SLH_DSA, &HashedWith(Prehash::Fixed(Hash::Sha3_512))),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHAKE128), SLH_DSA, &HashedWith(Prehash::Shake128)),
    pqc_hashed(ckm!(CKM_HASH_SLH_DSA_SHAKE256), SLH_DSA, &HashedWith(Prehash::Shake256)),
    // Digests (section 6.20).
    digest(ckm!(CKM_SHA_1), &Digest(Hash::Sha1)),
    digest(ckm!(CKM_SHA224), &Digest(Hash::Sha224)),
    digest(ckm!(CKM_SHA256), &Digest(Hash::Sha256)),
    digest(ckm!(CKM_SHA384), &Digest(Hash::Sha384)),
    digest(ckm!(CKM_SHA512), &Digest(Hash::Sha512)),
    digest(ckm!(CKM_SHA512_224), &Digest(Hash::Sha512_224)),
    digest(ckm!(CKM_SHA512_256), &Digest(Hash::Sha512_256)),
    digest(ckm!(CKM_SHA3_224), &Digest(Hash::Sha3_224)),
    digest(ckm!(CKM_SHA3_256), &Digest(Hash::Sha3_256)),
    digest(ckm!(CKM_SHA3_384), &Digest(Hash::Sha3_384)),
    digest(ckm!(CKM_SHA3_512), &Digest(Hash::Sha3_512)),
    // OpenSSL makes BLAKE2b of any length, but an HMAC of the longest only.
    digest(ckm!(CKM_BLAKE2B_160), &Blake2b(20)),
    digest(ckm!(CKM_BLAKE2B_256), &Blake2b(32)),
    digest(ckm!(CKM_BLAKE2B_384), &Blake2b(48)),
    digest(ckm!(CKM_BLAKE2B_512), &Digest(Hash::Blake2b512)),
    // HMAC (section 6.22).
    hmac(ckm!(CKM_SHA_1_HMAC), SHA1_KEYS, Shape::None, &Hmac(Hash::Sha1)),
    hmac(ckm!(CKM_SHA224_HMAC), SHA224_KEYS, Shape::None, &Hmac(Hash::Sha224)),
    hmac(ckm!(CKM_SHA256_HMAC), SHA256_KEYS, Shape::None, &Hmac(Hash::Sha256)),
    hmac(ckm!(CKM_SHA384_HMAC), SHA384_KEYS, Shape::None, &Hmac(Hash::Sha384)),
    hmac(ckm!(CKM_SHA512_HMAC), SHA512_KEYS, Shape::None, &Hmac(Hash::Sha512)),
    hmac(ckm!(CKM_SHA512_224_HMAC), SHA512_224_KEYS, Shape::None, &Hmac(Hash::Sha512_224)),
    hmac(ckm!(CKM_SHA512_256_HMAC), SHA512_256_KEYS, Shape::None, &Hmac(Hash::Sha512_256)),
    hmac(ckm!(CKM_SHA3_224_HMAC), SHA3_224_KEYS, Shape::None, &Hmac(Hash::Sha3_224)),
    hmac(ckm!(CKM_SHA3_256_HMAC), SHA3_256_KEYS, Shape::None, &Hmac(Hash::Sha3_256)),
    hmac(ckm!(CKM_SHA3_384_HMAC), SHA3_384_KEYS, Shape::None, &Hmac(Hash::Sha3_384)),
    hmac(ckm!(CKM_SHA3_512_HMAC), SHA3_512_KEYS, Shape::None, &Hmac(Hash::Sha3_512)),
    hmac(ckm!(CKM_BLAKE2B_512_HMAC), BLAKE2B_512_KEYS, Shape::None, &Hmac(Hash::Blake2b512)),
    hmac(ckm!(CKM_SHA_1_HMAC_GENERAL), SHA1_KEYS, Shape::MacLength, &Hmac(Hash::Sha1)),
    hmac(ckm!(CKM_SHA224_HMAC_GENERAL), SHA224_KEYS, Shape::MacLength, &Hmac(Hash::Sha224)),
    hmac(ckm!(CKM_SHA256_HMAC_GENERAL), SHA256_KEYS, Shape::MacLength, &Hmac(Hash::Sha256)),
    hmac(ckm!(CKM_SHA384_HMAC_GENERAL), SHA384_KEYS, Shape::MacLength, &Hmac(Hash::Sha384)),
    hmac(ckm!(CKM_SHA512_HMAC_GENERAL), SHA512_KEYS, Shape::MacLength, &Hmac(Hash::Sha512)),
    hmac(ckm!(CKM_SHA512_224_HMAC_GENERAL), SHA512_224_KEYS, Shape::MacLength, &Hmac(Hash::Sha512_224)),
    hmac(ckm!(CKM_SHA512_256_HMAC_GENERAL), SHA512_256_KEYS, Shape::MacLength, &Hmac(Hash::Sha512_256)),
    hmac(ckm!(CKM_SHA3_224_HMAC_GENERAL), SHA3_224_KEYS, Shape::MacLength, &Hmac(Hash::Sha3_224)),
    hmac(ckm!(CKM_SHA3_256_HMAC_GENERAL), SHA3_256_KEYS, Shape::MacLength, &Hmac(Hash::Sha3_256)),
    hmac(ckm!(CKM_SHA3_384_HMAC_GENERAL), SHA3_384_KEYS, Shape::MacLength, &Hmac(Hash::Sha3_384)),
    hmac(ckm!(CKM_SHA3_512_HMAC_GENERAL), SHA3_512_KEYS, Shape::MacLength, &Hmac(Hash::Sha3_512)),
    hmac(ckm!(CKM_BLAKE2B_512_HMAC_GENERAL), BLAKE2B_512_KEYS, Shape::MacLength, &Hmac(Hash::Blake2b512)),
    generator(ckm!(CKM_BLAKE2B_512_KEY_GEN), &[ck::CKK_BLAKE2B_512_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA_1_KEY_GEN), &[ck::CKK_SHA_1_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA224_KEY_GEN), &[ck::CKK_SHA224_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA256_KEY_GEN), &[ck::CKK_SHA256_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA384_KEY_GEN), &[ck::CKK_SHA384_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA512_KEY_GEN), &[ck::CKK_SHA512_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA512_224_KEY_GEN), &[ck::CKK_SHA512_224_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA512_256_KEY_GEN), &[ck::CKK_SHA512_256_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA3_224_KEY_GEN), &[ck::CKK_SHA3_224_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA3_256_KEY_GEN), &[ck::CKK_SHA3_256_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA3_384_KEY_GEN), &[ck::CKK_SHA3_384_HMAC], GENERATED, &ANY_LENGTH),
    generator(ckm!(CKM_SHA3_512_KEY_GEN), &[ck::CKK_SHA3_512_HMAC], GENERATED, &ANY_LENGTH),
    // AES (sections 6.10, 6.11, 6.13, 6.14, 6.16 and 6.17).
    generator(ckm!(CKM_AES_KEY_GEN), &[ck::CKK_AES], AES_SIZES, &block_cipher::GENERATOR),
    aes(ckm!(CKM_AES_ECB), CIPHER, Shape::None, &AES.ecb),
    aes(ckm!(CKM_AES_CBC), CIPHER, Shape::Iv(16), &AES.cbc),
    aes(ckm!(CKM_AES_CBC_PAD), CIPHER, Shape::Iv(16), &AES.cbc_pad),
    aes(ckm!(CKM_AES_CTR), CIPHER, Shape::Counter, &stream::AES_CTR),
    aes(ckm!(CKM_AES_OFB), CIPHER, Shape::Iv(16), &stream::AES_OFB),
    aes(ckm!(CKM_AES_CFB1), CIPHER, Shape::Iv(16), &stream::AES_CFB1),
    aes(ckm!(CKM_AES_CFB8), CIPHER, Shape::Iv(16), &stream::AES_CFB8),
    aes(ckm!(CKM_AES_CFB128), CIPHER, Shape::Iv(16), &stream::AES_CFB128),
    aes(ckm!(CKM_AES_CTS), CIPHER, Shape::Iv(16), &once::CTS),
    aes(ckm!(CKM_AES_GCM), CIPHER | MESSAGES, Shape::Gcm, &Gcm),
    aes(ckm!(CKM_AES_CCM), CIPHER | MESSAGES, Shape::Ccm, &Ccm),
    aes(ckm!(CKM_AES_CMAC), MAC, Shape::None, &aes::CMAC),
    aes(ckm!(CKM_AES_CMAC_GENERAL), MAC, Shape::MacLength, &aes::CMAC),
    aes(ckm!(CKM_AES_MAC), MAC, Shape::None, &AES.cbc_mac),
    aes(ckm!(CKM_AES_MAC_GENERAL), MAC, Shape::MacLength, &AES.cbc_mac),
    aes(ckm!(CKM_AES_GMAC), ONE_MAC, Shape::Gcm, &Gmac),
    // RFC 3566 knows keys of 128 bits only.
    Row { sizes: (16, 16), ..aes(ckm!(CKM_AES_XCBC_MAC), MAC, Shape::None, &aes::XCBC_MAC) },
    Row { sizes: (16, 16), ..aes(ckm!(CKM_AES_XCBC_MAC_96), MAC, Shape::None, &aes::XCBC_MAC_96) },
    generator(ckm!(CKM_AES_XTS_KEY_GEN), XTS_KEYS, XTS_SIZES, &aes::XTS_GENERATOR),
    secret(ckm!(CKM_AES_XTS), (XTS_KEYS, XTS_SIZES), CIPHER, Shape::Iv(16), &once::XTS),
    aes(ckm!(CKM_AES_KEY_WRAP), CIPHER, Shape::OptionalIv(8), &KeyWrap::Plain),
    // Deprecated and no longer defined by the standard. In use it means RFC 5649, in other tokens and in clients.
    aes(ckm!(CKM_AES_KEY_WRAP_PAD), CIPHER, Shape::OptionalIv(4), &KeyWrap::Kwp),
    aes(ckm!(CKM_AES_KEY_WRAP_KWP), CIPHER, Shape::OptionalIv(4), &KeyWrap::Kwp),
    aes(ckm!(CKM_AES_KEY_WRAP_PKCS7), CIPHER, Shape::OptionalIv(8), &KeyWrap::Pkcs7),
    aes(ckm!(CKM_AES_ECB_ENCRYPT_DATA), ck::CKF_DERIVE, Shape::StringData, &AES.ecb_data),
    aes(ckm!(CKM_AES_CBC_ENCRYPT_DATA), ck::CKF_DERIVE, Shape::AesCbcData, &AES.cbc_data),
    // ARIA (sections 6.49 and 6.50).
    generator(ckm!(CKM_ARIA_KEY_GEN), ARIA_KEYS.0, ARIA_KEYS.1, &block_cipher::GENERATOR),
    secret(ckm!(CKM_ARIA_ECB), ARIA_KEYS, CIPHER, Shape::None, &ARIA.ecb),
    secret(ckm!(CKM_ARIA_CBC), ARIA_KEYS, CIPHER, Shape::Iv(16), &ARIA.cbc),
    secret(ckm!(CKM_ARIA_CBC_PAD), ARIA_KEYS, CIPHER, Shape::Iv(16), &ARIA.cbc_pad),
    secret(ckm!(CKM_ARIA_MAC), ARIA_KEYS, MAC, Shape::None, &ARIA.cbc_mac),
    secret(ckm!(CKM_ARIA_MAC_GENERAL), ARIA_KEYS, MAC, Shape::MacLength, &ARIA.cbc_mac),
    secret(ckm!(CKM_ARIA_ECB_ENCRYPT_DATA), ARIA_KEYS, ck::CKF_DERIVE, Shape::StringData, &ARIA.ecb_data),
    secret(ckm!(CKM_ARIA_CBC_ENCRYPT_DATA), ARIA_KEYS, ck::CKF_DERIVE, Shape::AesCbcData, &ARIA.cbc_data),
    // Camellia (sections 6.47 and 6.48).
    generator(ckm!(CKM_CAMELLIA_KEY_GEN), CAMELLIA_KEYS.0, CAMELLIA_KEYS.1, &block_cipher::GENERATOR),
    secret(ckm!(CKM_CAMELLIA_ECB), CAMELLIA_KEYS, CIPHER, Shape::None, &CAMELLIA.ecb),
    secret(ckm!(CKM_CAMELLIA_CBC), CAMELLIA_KEYS, CIPHER, Shape::Iv(16), &CAMELLIA.cbc),
    secret(ckm!(CKM_CAMELLIA_CBC_PAD), CAMELLIA_KEYS, CIPHER, Shape::Iv(16), &CAMELLIA.cbc_pad),
    secret(ckm!(CKM_CAMELLIA_CTR), CAMELLIA_KEYS, CIPHER, Shape::Counter, &stream::CAMELLIA_CTR),
    secret(ckm!(CKM_CAMELLIA_MAC), CAMELLIA_KEYS, MAC, Shape::None, &CAMELLIA.cbc_mac),
    secret(ckm!(CKM_CAMELLIA_MAC_GENERAL), CAMELLIA_KEYS, MAC, Shape::MacLength, &CAMELLIA.cbc_mac),
    secret(
        ckm!(CKM_CAMELLIA_ECB_ENCRYPT_DATA),
        CAMELLIA_KEYS,
        ck::CKF_DERIVE,
        Shape::StringData,
        &CAMELLIA.ecb_data,
    ),
    secret(
        ckm!(CKM_CAMELLIA_CBC_ENCRYPT_DATA),
        CAMELLIA_KEYS,
        ck::CKF_DERIVE,
        Shape::AesCbcData,
        &CAMELLIA.cbc_data,
    ),
    // ChaCha20 and Poly1305 (sections 6.58, 6.60 and 6.61).
    generator(ckm!(CKM_CHACHA20_KEY_GEN), CHACHA20.0, CHACHA20.1, &THIRTY_TWO_BYTES),
    secret(ckm!(CKM_CHACHA20), CHACHA20, CIPHER, Shape::ChaCha20, &stream::CHACHA20),
    secret(
        ckm!(CKM_CHACHA20_POLY1305),
        CHACHA20,
        CIPHER | MESSAGES,
        Shape::ChaCha20Poly1305,
        &ChaCha20Poly1305,
    ),
    generator(ckm!(CKM_POLY1305_KEY_GEN), POLY1305.0, POLY1305.1, &THIRTY_TWO_BYTES),
    secret(ckm!(CKM_POLY1305), POLY1305, ONE_MAC, Shape::None, &Poly1305),
    // Triple DES (sections 6.17, 6.18 and 6.19).
    generator(ckm!(CKM_DES2_KEY_GEN), &[ck::CKK_DES2], (16, 16), &des::DOUBLE_GENERATOR),
    generator(ckm!(CKM_DES3_KEY_GEN), &[ck::CKK_DES3], (24, 24), &des::TRIPLE_GENERATOR),
    des3(ckm!(CKM_DES3_ECB), CIPHER, Shape::None, &DES.ecb),
    des3(ckm!(CKM_DES3_CBC), CIPHER, Shape::Iv(8), &DES.cbc),
    des3(ckm!(CKM_DES3_CBC_PAD), CIPHER, Shape::Iv(8), &DES.cbc_pad),
    des3(ckm!(CKM_DES3_MAC), MAC, Shape::None, &DES.cbc_mac),
    des3(ckm!(CKM_DES3_MAC_GENERAL), MAC, Shape::MacLength, &DES.cbc_mac),
    des3(ckm!(CKM_DES3_CMAC), MAC, Shape::None, &des::CMAC),
    des3(ckm!(CKM_DES3_CMAC_GENERAL), MAC, Shape::MacLength, &des::CMAC),
    des3(ckm!(CKM_DES3_ECB_ENCRYPT_DATA), ck::CKF_DERIVE, Shape::StringData, &DES.ecb_data),
    des3(ckm!(CKM_DES3_CBC_ENCRYPT_DATA), ck::CKF_DERIVE, Shape::DesCbcData, &DES.cbc_data),
    // Hash-based derivation (section 6.21).
    derivation(ckm!(CKM_SHA1_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha1)),
    derivation(ckm!(CKM_SHA224_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha224)),
    derivation(ckm!(CKM_SHA256_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha256)),
    derivation(ckm!(CKM_SHA384_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha384)),
    derivation(ckm!(CKM_SHA512_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha512)),
    derivation(ckm!(CKM_SHA512_224_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha512_224)),
    derivation(ckm!(CKM_SHA512_256_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha512_256)),
    derivation(ckm!(CKM_SHA3_224_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha3_224)),
    derivation(ckm!(CKM_SHA3_256_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha3_256)),
    derivation(ckm!(CKM_SHA3_384_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha3_384)),
    derivation(ckm!(CKM_SHA3_512_KEY_DERIVATION), Shape::None, &Digested(Hash::Sha3_512)),
    derivation(ckm!(CKM_SHAKE_128_KEY_DERIVATION), Shape::None, &ShakeDigested(Shake::Bits128, 32)),
    derivation(ckm!(CKM_SHAKE_256_KEY_DERIVATION), Shape::None, &ShakeDigested(Shake::Bits256, 64)),
    derivation(ckm!(CKM_BLAKE2B_160_KEY_DERIVE), Shape::None, &Blake2bDigested(20)),
    derivation(ckm!(CKM_BLAKE2B_256_KEY_DERIVE), Shape::None, &Blake2bDigested(32)),
    derivation(ckm!(CKM_BLAKE2B_384_KEY_DERIVE), Shape::None, &Blake2bDigested(48)),
    derivation(ckm!(CKM_BLAKE2B_512_KEY_DERIVE), Shape::None, &Blake2bDigested(64)),
    // Simple derivations (section 6.43).
    derivation(ckm!(CKM_CONCATENATE_BASE_AND_KEY), Shape::Key, &simple::BaseAndKey),
    derivation(ckm!(CKM_CONCATENATE_BASE_AND_DATA), Shape::StringData, &simple::BASE_AND_DATA),
    derivation(ckm!(CKM_CONCATENATE_DATA_AND_BASE), Shape::StringData, &simple::DATA_AND_BASE),
    derivation(ckm!(CKM_XOR_BASE_AND_DATA), Shape::StringData, &simple::XOR_BASE_AND_DATA),
    derivation(ckm!(CKM_EXTRACT_KEY_FROM_KEY), Shape::Bit, &simple::Extract),
    // Derivation functions: HKDF (section 6.62), SP 800-108 (6.42), PBKDF2 (6.37).
    generator(ckm!(CKM_HKDF_KEY_GEN), &[ck::CKK_HKDF], GENERATED, &ANY_LENGTH),
    secret(ckm!(CKM_HKDF_DERIVE), (HKDF_KEYS, USED), ck::CKF_DERIVE, Shape::Hkdf, &hkdf::HKDF),
    secret(ckm!(CKM_HKDF_DATA), (HKDF_KEYS, USED), ck::CKF_DERIVE, Shape::Hkdf, &hkdf::HKDF_DATA),
    derivation(ckm!(CKM_SP800_108_COUNTER_KDF), Shape::Kbkdf, &Kbkdf::Counter),
    derivation(ckm!(CKM_SP800_108_FEEDBACK_KDF), Shape::FeedbackKbkdf, &Kbkdf::Feedback),
    derivation(ckm!(CKM_SP800_108_DOUBLE_PIPELINE_KDF), Shape::Kbkdf, &Kbkdf::DoublePipeline),
    Row { shape: Shape::Pbkdf2, ..generator(ckm!(CKM_PKCS5_PBKD2), &[], GENERATED, &Pbkdf2) },
    // TLS 1.0 to 1.2 (sections 6.39 and 6.40). SSL 3.0's name of the premaster secret is in use for TLS's, which is the same.
    premaster(ckm!(CKM_TLS_PRE_MASTER_KEY_GEN)),
    premaster(ckm!(CKM_SSL3_PRE_MASTER_KEY_GEN)),
    tls(ckm!(CKM_TLS_MASTER_KEY_DERIVE), ck::CKF_DERIVE, Shape::OldTlsMaster, &OLD_RSA_MASTER),
    tls(ckm!(CKM_TLS_MASTER_KEY_DERIVE_DH), ck::CKF_DERIVE, Shape::OldTlsMaster, &OLD_DH_MASTER),
    tls(ckm!(CKM_TLS_KEY_AND_MAC_DERIVE), ck::CKF_DERIVE, Shape::OldTlsKeys, &ConnectionKeys),
    tls(ckm!(CKM_TLS_PRF), ck::CKF_DERIVE, Shape::TlsPrf, &tls::OldPrf),
    tls(ckm!(CKM_TLS12_MASTER_KEY_DERIVE), ck::CKF_DERIVE, Shape::TlsMaster, &RSA_MASTER),
    tls(ckm!(CKM_TLS12_MASTER_KEY_DERIVE_DH), ck::CKF_DERIVE, Shape::TlsMaster, &DH_MASTER),
    tls(ckm!(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE), ck::CKF_DERIVE, Shape::TlsExtendedMaster, &RSA_MASTER),
    tls(ckm!(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH), ck::CKF_DERIVE, Shape::TlsExtendedMaster, &DH_MASTER),
    tls(ckm!(CKM_TLS12_KEY_AND_MAC_DERIVE), ck::CKF_DERIVE, Shape::TlsKeys, &ConnectionKeys),
    tls(ckm!(CKM_TLS12_KEY_SAFE_DERIVE), ck::CKF_DERIVE, Shape::SafeTlsKeys, &ConnectionKeys),
    tls(ckm!(CKM_TLS_KDF), ck::CKF_DERIVE, Shape::TlsExport, &tls::Export),
    tls(ckm!(CKM_TLS12_KDF), ck::CKF_DERIVE, Shape::TlsExport, &tls::Export),
    tls(ckm!(CKM_TLS_MAC), MAC, Shape::TlsMac, &tls::Finished),
    tls(ckm!(CKM_TLS12_MAC), MAC, Shape::TlsMac, &tls::Finished),
    // AWS CloudHSM's own.
    aes(cloudhsm::AES_GCM, CIPHER, Shape::CloudGcm, &PrefixedGcm),
    aes(cloudhsm::AES_KEY_WRAP_NO_PAD, WRAPPING, Shape::OptionalIv(8), &KeyWrap::Whole),
    aes(cloudhsm::AES_KEY_WRAP_PKCS5_PAD, WRAPPING, Shape::OptionalIv(8), &KeyWrap::Pkcs7),
    aes(cloudhsm::AES_KEY_WRAP_ZERO_PAD, WRAPPING, Shape::OptionalIv(8), &KeyWrap::Plain),
    derivation(cloudhsm::SP800_108_COUNTER_KDF, Shape::CloudKbkdf, &Kbkdf::Counter),
    // For old data and old tests. Single DES is among the historical mechanisms.
    legacy(generator(ckm!(CKM_DES_KEY_GEN), DES_KEYS.0, DES_KEYS.1, &des::SINGLE_GENERATOR)),
    legacy(secret(ckm!(CKM_DES_ECB), DES_KEYS, CIPHER, Shape::None, &DES.ecb)),
    legacy(secret(ckm!(CKM_DES_CBC), DES_KEYS, CIPHER, Shape::Iv(8), &DES.cbc)),
    legacy(secret(ckm!(CKM_DES_CBC_PAD), DES_KEYS, CIPHER, Shape::Iv(8), &DES.cbc_pad)),
    legacy(secret(ckm!(CKM_DES_OFB64), DES_KEYS, CIPHER, Shape::Iv(8), &stream::DES_OFB64)),
    legacy(secret(ckm!(CKM_DES_CFB64), DES_KEYS, CIPHER, Shape::Iv(8), &stream::DES_CFB64)),
    legacy(secret(ckm!(CKM_DES_CFB8), DES_KEYS, CIPHER, Shape::Iv(8), &stream::DES_CFB8)),
    legacy(secret(ckm!(CKM_DES_MAC), DES_KEYS, MAC, Shape::None, &DES.cbc_mac)),
    legacy(secret(ckm!(CKM_DES_MAC_GENERAL), DES_KEYS, MAC, Shape::MacLength, &DES.cbc_mac)),
    legacy(secret(
        ckm!(CKM_DES_ECB_ENCRYPT_DATA),
        DES_KEYS,
        ck::CKF_DERIVE,
        Shape::StringData,
        &DES.ecb_data,
    )),
    legacy(secret(
        ckm!(CKM_DES_CBC_ENCRYPT_DATA),
        DES_KEYS,
        ck::CKF_DERIVE,
        Shape::DesCbcData,
        &DES.cbc_data,
    )),
    legacy(digest(ckm!(CKM_MD5), &Digest(Hash::Md5))),
    legacy(hmac(ckm!(CKM_MD5_HMAC), MD5_KEYS, Shape::None, &Hmac(Hash::Md5))),
    legacy(hmac(ckm!(CKM_MD5_HMAC_GENERAL), MD5_KEYS, Shape::MacLength, &Hmac(Hash::Md5))),
    legacy(derivation(ckm!(CKM_MD5_KEY_DERIVATION), Shape::None, &Digested(Hash::Md5))),
    legacy(rsa(ckm!(CKM_MD5_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Md5))),
    legacy(digest(ckm!(CKM_RIPEMD160), &Digest(Hash::Ripemd160))),
    legacy(hmac(ckm!(CKM_RIPEMD160_HMAC), RIPEMD160_KEYS, Shape::None, &Hmac(Hash::Ripemd160))),
    legacy(hmac(ckm!(CKM_RIPEMD160_HMAC_GENERAL), RIPEMD160_KEYS, Shape::MacLength, &Hmac(Hash::Ripemd160))),
    legacy(rsa(ckm!(CKM_RIPEMD160_RSA_PKCS), SIGNATURE, Shape::None, &rsa::Pkcs1With(Hash::Ripemd160))),
    // Generic secrets (section 6.8).
    generator(ckm!(CKM_GENERIC_SECRET_KEY_GEN), &[ck::CKK_GENERIC_SECRET], GENERATED, &ANY_LENGTH),
];

/// Numbers below this one are found by one look; most of the table's pages are never touched.
const NEAR: usize = 0x4100;

/// The row of `CKM_` number `id`.
pub fn find(id: u64) -> Option<&'static Row> {
    /// The rows of lower numbers, each at its number, and the others in the order of theirs.
    static BY_ID: Lazy<(Vec<Option<&'static Row>>, Vec<&'static Row>)> = Lazy::new(|| {
        let mut near = vec![None; NEAR];
        let mut far = Vec::new();
        for row in ROWS {
            match usize::try_from(row.id).ok().and_then(|id| near.get_mut(id)) {
                Some(place) => *place = Some(row),
                None => far.push(row),
            }
        }
        far.sort_unstable_by_key(|row| row.id);
        (near, far)
    });
    let (near, far) = &*BY_ID;
    match usize::try_from(id).ok().and_then(|id| near.get(id)) {
        Some(row) => *row,
        None => far.binary_search_by_key(&id, |row| row.id).ok().map(|at| far[at]),
    }
}

/// A mechanism for tokens that ask for such.
const fn legacy(row: Row) -> Row {
    Row { legacy: true, ..row }
}

type Name = (u64, &'static str);
type Sizes = (u64, u64);

/// Encryption and decryption; all ciphers of the module also wrap and unwrap.
const CIPHER: u64 = ck::CKF_ENCRYPT | ck::CKF_DECRYPT | ck::CKF_WRAP | ck::CKF_UNWRAP;
const WRAPPING: u64 = ck::CKF_WRAP | ck::CKF_UNWRAP;
/// Messages of authenticated encryption: the family offers [`Family::aead`].
const MESSAGES: u64 = ck::CKF_MESSAGE_ENCRYPT | ck::CKF_MESSAGE_DECRYPT | ck::CKF_MULTI_MESSAGE;
/// Signatures and MACs, of messages too.
const MAC: u64 = ONE_MAC | ck::CKF_MESSAGE_SIGN | ck::CKF_MESSAGE_VERIFY | ck::CKF_MULTI_MESSAGE;
/// MACs whose nonce or key may be used for one message only.
const ONE_MAC: u64 = ck::CKF_SIGN | ck::CKF_VERIFY;
const SIGNATURE: u64 = MAC;
const RECOVERY: u64 = ck::CKF_SIGN_RECOVER | ck::CKF_VERIFY_RECOVER;
const PAIR: u64 = ck::CKF_GENERATE_KEY_PAIR;
const ENCAPSULATION: u64 = ck::CKF_ENCAPSULATE | ck::CKF_DECAPSULATE;
const AGREEMENT: u64 = ck::CKF_DERIVE | ENCAPSULATION;
/// Curves over prime fields, by identifier or name; points of either form.
const CURVE: u64 =
    ck::CKF_EC_F_P | ck::CKF_EC_OID | ck::CKF_EC_CURVENAME | ck::CKF_EC_UNCOMPRESS | ck::CKF_EC_COMPRESS;

const DSA_KEYS: &[u64] = &[ck::CKK_DSA];
const DH_KEYS: &[u64] = &[ck::CKK_DH];
const X942_KEYS: &[u64] = &[ck::CKK_X9_42_DH];

const AES_SIZES: Sizes = (16, 32);
const DES_KEYS: Keys = (&[ck::CKK_DES], (8, 8));
const DES3_SIZES: Sizes = (16, 24);
const XTS_KEYS: &[u64] = &[ck::CKK_AES_XTS];
const XTS_SIZES: Sizes = (32, 64);
const ARIA_KEYS: Keys = (&[ck::CKK_ARIA], AES_SIZES);
const CAMELLIA_KEYS: Keys = (&[ck::CKK_CAMELLIA], AES_SIZES);
const CHACHA20: (&[u64], Sizes) = (&[ck::CKK_CHACHA20], (32, 32));
const POLY1305: (&[u64], Sizes) = (&[ck::CKK_POLY1305], (32, 32));
/// Secrets of any length that are generated.
const GENERATED: Sizes = (1, MAX_LENGTH);
/// Secrets of any length that are used: an imported one has no limit but the store's.
const USED: Sizes = (1, u32::MAX as u64);

static ANY_LENGTH: Generator = Generator { lengths: Lengths::UpTo(MAX_LENGTH) };

static THIRTY_TWO_BYTES: Generator = Generator { lengths: Lengths::Fixed(32) };

const HKDF_KEYS: &[u64] = &[ck::CKK_HKDF, ck::CKK_GENERIC_SECRET];

static OLD_RSA_MASTER: Master = Master { versioned: true, allowed: &[] };
static OLD_DH_MASTER: Master = Master { versioned: false, allowed: &[] };
static RSA_MASTER: Master = Master { versioned: true, allowed: tls::MASTER_USES };
static DH_MASTER: Master = Master { versioned: false, allowed: tls::MASTER_USES };

// Keys of HMAC: generic ones and those of the digest's own type.
const SHA1_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA_1_HMAC];
const SHA224_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA224_HMAC];
const SHA256_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA256_HMAC];
const SHA384_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA384_HMAC];
const SHA512_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA512_HMAC];
const SHA512_224_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA512_224_HMAC];
const SHA512_256_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA512_256_HMAC];
const SHA3_224_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA3_224_HMAC];
const SHA3_256_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA3_256_HMAC];
const SHA3_384_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA3_384_HMAC];
const SHA3_512_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA3_512_HMAC];
const MD5_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_MD5_HMAC];
const RIPEMD160_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_RIPEMD160_HMAC];
const BLAKE2B_512_KEYS: &[u64] = &[ck::CKK_GENERIC_SECRET, ck::CKK_BLAKE2B_512_HMAC];

/// Key types, and the smallest and largest of them.
type Keys = (&'static [u64], Sizes);
// Elliptic curves, in bits of the field.
const WEIERSTRASS: Keys = (&[ck::CKK_EC], (192, 521));
const EDWARDS: Keys = (&[ck::CKK_EC_EDWARDS], (255, 448));
const MONTGOMERY: Keys = (&[ck::CKK_EC_MONTGOMERY], (255, 448));
const AGREEING: Keys = (&[ck::CKK_EC, ck::CKK_EC_MONTGOMERY], (192, 521));
// Post-quantum keys, in bytes of the public half.
const ML_DSA: Keys = (&[ck::CKK_ML_DSA], (1312, 2592));
const ML_KEM: Keys = (&[ck::CKK_ML_KEM], (800, 1568));
const SLH_DSA: Keys = (&[ck::CKK_SLH_DSA], (32, 64));

const fn rsa((id, name): Name, flags: u64, shape: Shape, family: &'static dyn Family) -> Row {
    let (key_types, sizes, unit) = (&[ck::CKK_RSA], rsa::SIZES, Unit::Bits);
    Row { id, name, flags, key_types, sizes, unit, shape, family, legacy: false }
}

const fn curve(
    (id, name): Name,
    (key_types, sizes): Keys,
    flags: u64,
    shape: Shape,
    family: &'static dyn Family,
) -> Row {
    Row { id, name, flags: flags | CURVE, key_types, sizes, unit: Unit::Bits, shape, family, legacy: false }
}

const fn prime(
    (id, name): Name,
    key_types: &'static [u64],
    flags: u64,
    shape: Shape,
    family: &'static dyn Family,
) -> Row {
    let (sizes, unit) = (prime_key::SIZES, Unit::Bits);
    Row { id, name, flags, key_types, sizes, unit, shape, family, legacy: false }
}

const fn pqc(
    (id, name): Name,
    (key_types, sizes): Keys,
    flags: u64,
    shape: Shape,
    family: &'static dyn Family,
) -> Row {
    Row { id, name, flags, key_types, sizes, unit: Unit::Bytes, shape, family, legacy: false }
}

const fn pqc_hashed(name: Name, keys: Keys, family: &'static dyn Family) -> Row {
    pqc(name, keys, SIGNATURE, Shape::SignContext, family)
}

const fn digest((id, name): Name, family: &'static dyn Family) -> Row {
    let (flags, unit, shape) = (ck::CKF_DIGEST, Unit::None, Shape::None);
    Row { id, name, flags, key_types: &[], sizes: (0, 0), unit, shape, family, legacy: false }
}

const fn hmac((id, name): Name, key_types: &'static [u64], shape: Shape, family: &'static dyn Family) -> Row {
    Row { id, name, flags: MAC, key_types, sizes: USED, unit: Unit::Bytes, shape, family, legacy: false }
}

const fn generator(
    (id, name): Name,
    key_types: &'static [u64],
    sizes: Sizes,
    family: &'static dyn Family,
) -> Row {
    let (flags, unit, shape) = (ck::CKF_GENERATE, Unit::Bytes, Shape::None);
    Row { id, name, flags, key_types, sizes, unit, shape, family, legacy: false }
}

/// A derivation from secret keys of any type and size.
const fn derivation(name: Name, shape: Shape, family: &'static dyn Family) -> Row {
    secret(name, (&[], USED), ck::CKF_DERIVE, shape, family)
}

/// A mechanism with TLS's secrets, which are generic ones.
const fn tls(name: Name, flags: u64, shape: Shape, family: &'static dyn Family) -> Row {
    secret(name, (&[ck::CKK_GENERIC_SECRET], USED), flags, shape, family)
}

const fn premaster(name: Name) -> Row {
    let row = generator(name, &[ck::CKK_GENERIC_SECRET], (48, 48), &tls::PremasterGeneration);
    Row { shape: Shape::Version, ..row }
}

/// A mechanism with secret keys of these types and sizes, in bytes.
const fn secret(
    (id, name): Name,
    (key_types, sizes): Keys,
    flags: u64,
    shape: Shape,
    family: &'static dyn Family,
) -> Row {
    Row { id, name, flags, key_types, sizes, unit: Unit::Bytes, shape, family, legacy: false }
}

const fn aes((id, name): Name, flags: u64, shape: Shape, family: &'static dyn Family) -> Row {
    Row {
        id,
        name,
        flags,
        key_types: &[ck::CKK_AES],
        sizes: AES_SIZES,
        unit: Unit::Bytes,
        shape,
        family,
        legacy: false,
    }
}

const fn des3((id, name): Name, flags: u64, shape: Shape, family: &'static dyn Family) -> Row {
    let key_types = &[ck::CKK_DES2, ck::CKK_DES3];
    Row { id, name, flags, key_types, sizes: DES3_SIZES, unit: Unit::Bytes, shape, family, legacy: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_is_there_once_and_found_by_its_number() {
        for row in ROWS {
            let found = find(row.id).unwrap_or_else(|| panic!("{}", row.name));
            assert_eq!(found.name, row.name);
        }
        assert!(find(0xdead_beef).is_none());
    }

    #[test]
    fn rows_that_encrypt_messages_have_a_family_that_can() {
        for row in ROWS {
            let promised = row.flags & (ck::CKF_MESSAGE_ENCRYPT | ck::CKF_MESSAGE_DECRYPT) != 0;
            assert_eq!(promised, row.family.aead().is_some(), "{}", row.name);
        }
    }

    #[test]
    fn sizes_and_key_types_agree_with_the_unit() {
        for row in ROWS {
            assert!(row.sizes.0 <= row.sizes.1, "{}", row.name);
            assert_eq!(row.unit == Unit::None, row.sizes == (0, 0), "{}", row.name);
            assert_ne!(row.flags, 0, "{}", row.name);
        }
    }
}
