//! What each key type and certificate type adds to its class (PKCS#11 3.2, sections 4.6 and 6).

use super::classes::{CERTIFICATE, Class, DATA, PRIVATE_KEY, PUBLIC_KEY, SECRET_KEY, TRUST};
use super::note::*;
use super::rows::Rows;
use super::{Initial::*, Row, row};
use crate::attribute::AttributeType;
use cryptoki_sys as ck;

/// One form of object: a class with, where it has several, its key type or certificate type.
#[derive(Debug)]
pub struct Form {
    /// The class.
    pub class: &'static Class,
    /// The `CKK_` or `CKC_` number; `None` where the class has one form only.
    pub subtype: Option<u64>,
    /// The `CKK_` or `CKC_` name, else the class's.
    pub name: &'static str,
    /// Its class's attributes and its own, in ascending order.
    rows: Rows,
    /// The usage flags that are true where a template leaves them out: what mechanisms do with this type.
    pub usage: &'static [AttributeType],
    /// Lengths of `CKA_VALUE`, in bytes.
    pub lengths: Lengths,
}

/// The lengths that a value may have, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// No rule here: the mechanisms know.
    Any,
    /// One of a few.
    OneOf(&'static [u64]),
    /// From 1 to so many.
    UpTo(u64),
}

impl Lengths {
    /// Whether a value may be `length` bytes long.
    pub fn allow(self, length: u64) -> bool {
        match self {
            Lengths::Any => true,
            Lengths::OneOf(lengths) => lengths.contains(&length),
            Lengths::UpTo(most) => (1..=most).contains(&length),
        }
    }
}

impl Form {
    /// All its rows, in ascending order of attribute: the class's and its own.
    pub fn rows(&self) -> std::slice::Iter<'_, Row> {
        self.rows.all().iter()
    }

    /// The row of `attribute`, if such objects have it.
    pub fn row(&self, attribute: AttributeType) -> Option<&Row> {
        self.rows.find(attribute)
    }

    /// The form of a class (`CKO_`) with this key or certificate type.
    pub(super) fn find(class: u64, subtype: Option<u64>) -> Option<&'static Form> {
        NAMES.iter().position(|name| *name == (class, subtype)).map(|at| &FORMS[at])
    }
}

/// Classes and types of all forms, close together: every new object looks for its own.
static NAMES: [(u64, Option<u64>); FORMS.len()] = {
    let mut names = [(0, None); FORMS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = (FORMS[at].class.number, FORMS[at].subtype);
        at += 1;
    }
    names
};

/// All forms.
pub const FORMS: &[Form] = &[
    alone(&DATA),
    alone(&TRUST),
    certificate(ck::CKC_X_509, "CKC_X_509", X_509),
    certificate(ck::CKC_X_509_ATTR_CERT, "CKC_X_509_ATTR_CERT", X_509_ATTRIBUTE),
    certificate(ck::CKC_WTLS, "CKC_WTLS", WTLS),
    key(&PUBLIC_KEY, ck::CKK_RSA, "CKK_RSA", RSA_PUBLIC, RSA_PUBLIC_USAGE),
    key(&PRIVATE_KEY, ck::CKK_RSA, "CKK_RSA", RSA_PRIVATE, RSA_PRIVATE_USAGE),
    key(&PUBLIC_KEY, ck::CKK_EC, "CKK_EC", EC_PUBLIC, &[ck::CKA_VERIFY]),
    key(&PRIVATE_KEY, ck::CKK_EC, "CKK_EC", EC_PRIVATE, &[ck::CKA_SIGN, ck::CKA_DERIVE]),
    key(&PUBLIC_KEY, ck::CKK_EC_EDWARDS, "CKK_EC_EDWARDS", EC_PUBLIC, &[ck::CKA_VERIFY]),
    key(&PRIVATE_KEY, ck::CKK_EC_EDWARDS, "CKK_EC_EDWARDS", BYTES_PRIVATE, &[ck::CKA_SIGN]),
    key(&PUBLIC_KEY, ck::CKK_EC_MONTGOMERY, "CKK_EC_MONTGOMERY", EC_PUBLIC, &[]),
    key(&PRIVATE_KEY, ck::CKK_EC_MONTGOMERY, "CKK_EC_MONTGOMERY", BYTES_PRIVATE, &[ck::CKA_DERIVE]),
    key(&PUBLIC_KEY, ck::CKK_ML_DSA, "CKK_ML_DSA", PQC_PUBLIC, &[ck::CKA_VERIFY]),
    key(&PRIVATE_KEY, ck::CKK_ML_DSA, "CKK_ML_DSA", SEEDED_PRIVATE, &[ck::CKA_SIGN]),
    key(&PUBLIC_KEY, ck::CKK_ML_KEM, "CKK_ML_KEM", PQC_PUBLIC, &[ck::CKA_ENCAPSULATE]),
    key(&PRIVATE_KEY, ck::CKK_ML_KEM, "CKK_ML_KEM", SEEDED_PRIVATE, &[ck::CKA_DECAPSULATE]),
    key(&PUBLIC_KEY, ck::CKK_SLH_DSA, "CKK_SLH_DSA", PQC_PUBLIC, &[ck::CKA_VERIFY]),
    key(&PRIVATE_KEY, ck::CKK_SLH_DSA, "CKK_SLH_DSA", SLH_DSA_PRIVATE, &[ck::CKA_SIGN]),
    key(&PUBLIC_KEY, ck::CKK_DSA, "CKK_DSA", SUBPRIME_PUBLIC, &[ck::CKA_VERIFY]),
    key(&PRIVATE_KEY, ck::CKK_DSA, "CKK_DSA", SUBPRIME_PRIVATE, &[ck::CKA_SIGN]),
    key(&PUBLIC_KEY, ck::CKK_DH, "CKK_DH", DH_PUBLIC, &[]),
    key(&PRIVATE_KEY, ck::CKK_DH, "CKK_DH", DH_PRIVATE, &[ck::CKA_DERIVE]),
    key(&PUBLIC_KEY, ck::CKK_X9_42_DH, "CKK_X9_42_DH", SUBPRIME_PUBLIC, &[]),
    key(&PRIVATE_KEY, ck::CKK_X9_42_DH, "CKK_X9_42_DH", SUBPRIME_PRIVATE, &[ck::CKA_DERIVE]),
    secret(ck::CKK_AES, "CKK_AES", SECRET_VALUE, CIPHER_USAGE, Lengths::OneOf(&[16, 24, 32])),
    secret(ck::CKK_AES_XTS, "CKK_AES_XTS", SECRET_VALUE, CRYPT_USAGE, Lengths::OneOf(&[32, 64])),
    secret(ck::CKK_ARIA, "CKK_ARIA", SECRET_VALUE, CIPHER_USAGE, Lengths::OneOf(&[16, 24, 32])),
    secret(ck::CKK_CAMELLIA, "CKK_CAMELLIA", SECRET_VALUE, CIPHER_USAGE, Lengths::OneOf(&[16, 24, 32])),
    secret(ck::CKK_CHACHA20, "CKK_CHACHA20", FIXED_SECRET_VALUE, CRYPT_USAGE, Lengths::OneOf(&[32])),
    secret(ck::CKK_POLY1305, "CKK_POLY1305", FIXED_SECRET_VALUE, MAC_USAGE, Lengths::OneOf(&[32])),
    secret(ck::CKK_DES, "CKK_DES", FIXED_SECRET_VALUE, CIPHER_USAGE, Lengths::OneOf(&[8])),
    secret(ck::CKK_DES2, "CKK_DES2", FIXED_SECRET_VALUE, CIPHER_USAGE, Lengths::OneOf(&[16])),
    secret(ck::CKK_DES3, "CKK_DES3", FIXED_SECRET_VALUE, CIPHER_USAGE, Lengths::OneOf(&[24])),
    secret(ck::CKK_GENERIC_SECRET, "CKK_GENERIC_SECRET", SECRET_VALUE, GENERIC_USAGE, SECRET_LENGTHS),
    hmac(ck::CKK_SHA_1_HMAC, "CKK_SHA_1_HMAC"),
    hmac(ck::CKK_SHA224_HMAC, "CKK_SHA224_HMAC"),
    hmac(ck::CKK_SHA256_HMAC, "CKK_SHA256_HMAC"),
    hmac(ck::CKK_SHA384_HMAC, "CKK_SHA384_HMAC"),
    hmac(ck::CKK_SHA512_HMAC, "CKK_SHA512_HMAC"),
    hmac(ck::CKK_SHA512_224_HMAC, "CKK_SHA512_224_HMAC"),
    hmac(ck::CKK_SHA512_256_HMAC, "CKK_SHA512_256_HMAC"),
    hmac(ck::CKK_SHA3_224_HMAC, "CKK_SHA3_224_HMAC"),
    hmac(ck::CKK_SHA3_256_HMAC, "CKK_SHA3_256_HMAC"),
    hmac(ck::CKK_SHA3_384_HMAC, "CKK_SHA3_384_HMAC"),
    hmac(ck::CKK_SHA3_512_HMAC, "CKK_SHA3_512_HMAC"),
    hmac(ck::CKK_BLAKE2B_512_HMAC, "CKK_BLAKE2B_512_HMAC"),
    hmac(ck::CKK_MD5_HMAC, "CKK_MD5_HMAC"),
    hmac(ck::CKK_RIPEMD160_HMAC, "CKK_RIPEMD160_HMAC"),
    secret(ck::CKK_HKDF, "CKK_HKDF", SECRET_VALUE, &[ck::CKA_DERIVE], SECRET_LENGTHS),
];

/// A class that has no types.
const fn alone(class: &'static Class) -> Form {
    let rows = Rows::of(class.groups, &[]);
    Form { class, subtype: None, name: class.name, rows, usage: &[], lengths: Lengths::Any }
}

const fn certificate(number: u64, name: &'static str, own: &'static [Row]) -> Form {
    let rows = Rows::of(CERTIFICATE.groups, own);
    Form { class: &CERTIFICATE, subtype: Some(number), name, rows, usage: &[], lengths: Lengths::Any }
}

const fn key(
    class: &'static Class,
    number: u64,
    name: &'static str,
    own: &'static [Row],
    usage: &'static [AttributeType],
) -> Form {
    let rows = Rows::of(class.groups, own);
    Form { class, subtype: Some(number), name, rows, usage, lengths: Lengths::Any }
}

const fn secret(
    number: u64,
    name: &'static str,
    own: &'static [Row],
    usage: &'static [AttributeType],
    lengths: Lengths,
) -> Form {
    let rows = Rows::of(SECRET_KEY.groups, own);
    Form { class: &SECRET_KEY, subtype: Some(number), name, rows, usage, lengths }
}

const fn hmac(number: u64, name: &'static str) -> Form {
    secret(number, name, SECRET_VALUE, MAC_USAGE, SECRET_LENGTHS)
}

/// Section 4.6.3. That a value or a URL is there is a rule of its own.
const X_509: &[Row] = &[
    row(ck::CKA_SUBJECT, MUST_CREATE, Absent),
    row(ck::CKA_ID, MODIFIABLE, Empty),
    row(ck::CKA_ISSUER, MODIFIABLE, Empty),
    row(ck::CKA_SERIAL_NUMBER, MODIFIABLE, Empty),
    row(ck::CKA_VALUE, MUST_CREATE, Absent),
    row(ck::CKA_URL, 0, Empty),
    row(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, 0, Empty),
    row(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, 0, Empty),
    row(ck::CKA_JAVA_MIDP_SECURITY_DOMAIN, 0, Ulong(ck::CK_SECURITY_DOMAIN_UNSPECIFIED)),
    row(ck::CKA_NAME_HASH_ALGORITHM, 0, Ulong(ck::CKM_SHA_1)),
];

/// Section 4.6.4.
const WTLS: &[Row] = &[
    row(ck::CKA_SUBJECT, MUST_CREATE, Absent),
    row(ck::CKA_ISSUER, MODIFIABLE, Empty),
    row(ck::CKA_VALUE, MUST_CREATE, Absent),
    row(ck::CKA_URL, 0, Empty),
    row(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, 0, Empty),
    row(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, 0, Empty),
    row(ck::CKA_NAME_HASH_ALGORITHM, 0, Ulong(ck::CKM_SHA_1)),
];

/// Section 4.6.5.
const X_509_ATTRIBUTE: &[Row] = &[
    row(ck::CKA_OWNER, MUST_CREATE, Absent),
    row(ck::CKA_AC_ISSUER, MODIFIABLE, Empty),
    row(ck::CKA_SERIAL_NUMBER, MODIFIABLE, Empty),
    row(ck::CKA_ATTR_TYPES, MODIFIABLE, Empty),
    row(ck::CKA_VALUE, MUST_CREATE | NOT_EMPTY, Absent),
];

// Encapsulation is not among what RSA and EC keys do unasked: who makes a key for signatures alone and says so flag by flag, in
// a program older than these flags, must not get one that decrypts.
const RSA_PUBLIC_USAGE: &[AttributeType] =
    &[ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP];

const RSA_PRIVATE_USAGE: &[AttributeType] =
    &[ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_UNWRAP];

/// Section 6.1.2. `CKA_MODULUS_BITS` has footnote 2, but clients give it with a public key they import.
const RSA_PUBLIC: &[Row] = &[
    row(ck::CKA_MODULUS, MUST_CREATE | NOT_GENERATE | BIG_INTEGER | NOT_EMPTY, Absent),
    row(ck::CKA_MODULUS_BITS, MUST_GENERATE | NOT_EMPTY, BitsOf(ck::CKA_MODULUS)),
    row(ck::CKA_PUBLIC_EXPONENT, MUST_CREATE | BIG_INTEGER | NOT_EMPTY, Absent),
];

/// Section 6.1.3.
const RSA_PRIVATE: &[Row] = &[
    row(ck::CKA_MODULUS, CONTRIBUTED | BIG_INTEGER, Absent),
    row(ck::CKA_PUBLIC_EXPONENT, CONTRIBUTED | BIG_INTEGER, Absent),
    row(ck::CKA_PRIVATE_EXPONENT, CONTRIBUTED | SECRET | BIG_INTEGER, Absent),
    row(ck::CKA_PRIME_1, RSA_FACTOR, Absent),
    row(ck::CKA_PRIME_2, RSA_FACTOR, Absent),
    row(ck::CKA_EXPONENT_1, RSA_FACTOR, Absent),
    row(ck::CKA_EXPONENT_2, RSA_FACTOR, Absent),
    row(ck::CKA_COEFFICIENT, RSA_FACTOR, Absent),
];

const RSA_FACTOR: super::Notes = NOT_GENERATE | NOT_UNWRAP | SECRET | BIG_INTEGER | NOT_EMPTY;

/// Sections 6.3.3, 6.3.5 and 6.3.7.
const EC_PUBLIC: &[Row] = &[
    row(ck::CKA_EC_PARAMS, MUST_CREATE | MUST_GENERATE | ENCODED | NOT_EMPTY, Absent),
    row(ck::CKA_EC_POINT, MUST_CREATE | NOT_GENERATE | ENCODED | NOT_EMPTY, Absent),
];

/// Section 6.3.4: the value is a number.
const EC_PRIVATE: &[Row] =
    &[EC_PRIVATE_PARAMS, row(ck::CKA_VALUE, CONTRIBUTED | SECRET | BIG_INTEGER, Absent), EC_PRIVATE_POINT];

/// Sections 6.3.6 and 6.3.8: the value is a string of bytes.
const BYTES_PRIVATE: &[Row] =
    &[EC_PRIVATE_PARAMS, row(ck::CKA_VALUE, CONTRIBUTED | SECRET, Absent), EC_PRIVATE_POINT];

const EC_PRIVATE_PARAMS: Row = row(ck::CKA_EC_PARAMS, CONTRIBUTED | ENCODED, Absent);

/// Not in the standard's tables, but clients that find no public key object look for the public half here.
const EC_PRIVATE_POINT: Row = row(ck::CKA_EC_POINT, NOT_GENERATE | NOT_UNWRAP | ENCODED | NOT_EMPTY, Absent);

/// Sections 6.67.2, 6.68.2 and 6.69.2.
const PQC_PUBLIC: &[Row] = &[
    row(ck::CKA_PARAMETER_SET, MUST_CREATE | MUST_GENERATE | NOT_EMPTY, Absent),
    row(ck::CKA_VALUE, MUST_CREATE | NOT_GENERATE | NOT_EMPTY, Absent),
];

/// Sections 6.67.3 and 6.68.3: the seed, the value or both.
const SEEDED_PRIVATE: &[Row] = &[
    PRIVATE_PARAMETER_SET,
    row(ck::CKA_SEED, NOT_GENERATE | NOT_UNWRAP | SECRET | NOT_EMPTY, Absent),
    row(ck::CKA_VALUE, NOT_GENERATE | NOT_UNWRAP | SECRET | NOT_EMPTY, Absent),
];

/// Section 6.69.3.
const SLH_DSA_PRIVATE: &[Row] = &[PRIVATE_PARAMETER_SET, row(ck::CKA_VALUE, CONTRIBUTED | SECRET, Absent)];

/// The tables have footnotes 4 and 6 here, but callers name the set on both halves of a pair and for keys they unwrap:
/// one that is not the key's own is a contradiction.
const PRIVATE_PARAMETER_SET: Row = row(ck::CKA_PARAMETER_SET, MUST_CREATE | NOT_EMPTY, Absent);

/// Sections 6.4.2 and 6.4.4.
const DH_PUBLIC: &[Row] = &[
    row(ck::CKA_PRIME, PUBLIC_NUMBER, Absent),
    row(ck::CKA_BASE, PUBLIC_NUMBER, Absent),
    row(ck::CKA_VALUE, MUST_CREATE | NOT_GENERATE | BIG_INTEGER | NOT_EMPTY, Absent),
];
const DH_PRIVATE: &[Row] = &[
    row(ck::CKA_PRIME, CONTRIBUTED | BIG_INTEGER, Absent),
    row(ck::CKA_BASE, CONTRIBUTED | BIG_INTEGER, Absent),
    row(ck::CKA_VALUE, CONTRIBUTED | SECRET | BIG_INTEGER, Absent),
    row(ck::CKA_VALUE_BITS, NOT_CREATE, BitsOf(ck::CKA_VALUE)),
];

/// Sections 6.2.2 and 6.4.3; 6.2.3 and 6.4.5.
const SUBPRIME_PUBLIC: &[Row] = &[
    row(ck::CKA_PRIME, PUBLIC_NUMBER, Absent),
    row(ck::CKA_SUBPRIME, PUBLIC_NUMBER, Absent),
    row(ck::CKA_BASE, PUBLIC_NUMBER, Absent),
    row(ck::CKA_VALUE, MUST_CREATE | NOT_GENERATE | BIG_INTEGER | NOT_EMPTY, Absent),
];
const SUBPRIME_PRIVATE: &[Row] = &[
    row(ck::CKA_PRIME, CONTRIBUTED | BIG_INTEGER, Absent),
    row(ck::CKA_SUBPRIME, CONTRIBUTED | BIG_INTEGER, Absent),
    row(ck::CKA_BASE, CONTRIBUTED | BIG_INTEGER, Absent),
    row(ck::CKA_VALUE, CONTRIBUTED | SECRET | BIG_INTEGER, Absent),
];

const PUBLIC_NUMBER: super::Notes = MUST_CREATE | MUST_GENERATE | BIG_INTEGER | NOT_EMPTY;

const CIPHER_USAGE: &[AttributeType] = &[
    ck::CKA_ENCRYPT,
    ck::CKA_DECRYPT,
    ck::CKA_SIGN,
    ck::CKA_VERIFY,
    ck::CKA_WRAP,
    ck::CKA_UNWRAP,
    ck::CKA_DERIVE,
];

const CRYPT_USAGE: &[AttributeType] = &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_WRAP, ck::CKA_UNWRAP];

const MAC_USAGE: &[AttributeType] = &[ck::CKA_SIGN, ck::CKA_VERIFY];

const GENERIC_USAGE: &[AttributeType] = &[ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_DERIVE];

/// Longer secrets have no use, and a template's number must not decide how much memory is taken.
const SECRET_LENGTHS: Lengths = Lengths::UpTo(1 << 16);

/// Keys of several lengths: AES (6.10), generic secrets (6.8), HMAC keys (6.22).
const SECRET_VALUE: &[Row] = &[
    row(ck::CKA_VALUE, CONTRIBUTED | SECRET, Absent),
    row(ck::CKA_VALUE_LEN, NOT_CREATE | MUST_GENERATE, LengthOf(ck::CKA_VALUE)),
];

/// Keys of one length (6.18). The standard gives them no `CKA_VALUE_LEN`, but clients that derive keys send it
/// for any type.
const FIXED_SECRET_VALUE: &[Row] = &[
    row(ck::CKA_VALUE, CONTRIBUTED | SECRET, Absent),
    row(ck::CKA_VALUE_LEN, NOT_CREATE, LengthOf(ck::CKA_VALUE)),
];
