//! Templates and mechanisms of a fuzz run: well-formed ones, nearly well-formed ones, and nonsense.

use super::memory::Memory;
use super::random::Random;
use crate::common::cases::{Case, Job};
use crate::common::*;
use std::ptr::null_mut;

/// Attributes of all kinds, those of other vendors and versions too.
#[rustfmt::skip]
const KINDS: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL, CKA_UNIQUE_ID, CKA_APPLICATION, CKA_VALUE, CKA_OBJECT_ID,
    CKA_CERTIFICATE_TYPE, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_TRUSTED, CKA_CERTIFICATE_CATEGORY, CKA_URL,
    CKA_CHECK_VALUE, CKA_KEY_TYPE, CKA_SUBJECT, CKA_ID, CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,
    CKA_UNWRAP, CKA_SIGN, CKA_SIGN_RECOVER, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_DERIVE, CKA_START_DATE,
    CKA_END_DATE, CKA_MODULUS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
    CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT, CKA_PUBLIC_KEY_INFO, CKA_PRIME, CKA_BASE,
    CKA_VALUE_BITS, CKA_VALUE_LEN, CKA_EXTRACTABLE, CKA_LOCAL, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_SENSITIVE,
    CKA_KEY_GEN_MECHANISM, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE, CKA_EC_PARAMS, CKA_EC_POINT,
    CKA_ALWAYS_AUTHENTICATE, CKA_WRAP_WITH_TRUSTED, CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE,
    CKA_DERIVE_TEMPLATE, CKA_ALLOWED_MECHANISMS, CKA_OTP_FORMAT, CKA_HW_FEATURE_TYPE, CKA_VENDOR_DEFINED + 7,
];

const BOOLEANS: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_DERIVE,
    CKA_EXTRACTABLE,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_TRUSTED,
    CKA_LOCAL,
];

const TEMPLATES: &[CK_ATTRIBUTE_TYPE] = &[CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE];

const CLASSES: &[CK_ULONG] = &[
    CKO_DATA,
    CKO_CERTIFICATE,
    CKO_PUBLIC_KEY,
    CKO_PRIVATE_KEY,
    CKO_SECRET_KEY,
    CKO_HW_FEATURE,
    CKO_DOMAIN_PARAMETERS,
    CKO_PROFILE,
    0x8000_0001,
];

const KEY_TYPES: &[CK_KEY_TYPE] = &[
    CKK_RSA,
    CKK_EC,
    CKK_EC_EDWARDS,
    CKK_EC_MONTGOMERY,
    CKK_AES,
    CKK_DES3,
    CKK_GENERIC_SECRET,
    CKK_DSA,
    CKK_SHA256_HMAC,
    0x8000_0002,
];

const CURVES: &[&[u8]] = &[
    keys::P224,
    keys::P256,
    keys::P384,
    keys::P521,
    keys::SECP256K1,
    keys::ED25519,
    keys::ED448,
    keys::X25519,
    keys::X448,
    b"\x13\x0cedwards25519",
    b"\x06\x00",
    b"\x05\x00",
];

/// Bits of RSA keys that take little time to make or to refuse.
const MODULUS_BITS: &[CK_ULONG] = &[0, 1, 511, 512, 1023, 1024, 1024, 1025, 2048, 16385, 1 << 32, u64::MAX];

/// A random attribute.
pub fn kind(random: &mut Random) -> CK_ATTRIBUTE_TYPE {
    if random.percent(3) { random.next() } else { *random.pick(KINDS) }
}

/// A value of the attribute's kind, or not.
fn value(random: &mut Random, kind: CK_ATTRIBUTE_TYPE) -> Value {
    let number = |number: CK_ULONG| Value::from(number);
    if random.percent(3) {
        let length = random.below(20);
        return Value::Flat(random.bytes(length));
    }
    match kind {
        kind if BOOLEANS.contains(&kind) => Value::from(random.percent(70)),
        CKA_CLASS => number(*random.pick(CLASSES)),
        CKA_KEY_TYPE => number(*random.pick(KEY_TYPES)),
        CKA_MODULUS_BITS => number(*random.pick(MODULUS_BITS)),
        CKA_VALUE_LEN => number(*random.pick(&[0, 1, 8, 15, 16, 24, 24, 32, 32, 33, 64, 1 << 20, 1 << 60])),
        CKA_CERTIFICATE_TYPE | CKA_CERTIFICATE_CATEGORY => number(random.below(4) as CK_ULONG),
        CKA_EC_PARAMS => Value::from(*random.pick(CURVES)),
        CKA_PUBLIC_EXPONENT => Value::from(*random.pick(&[&[1u8, 0, 1][..], &[3], &[2], &[], &[0, 0, 0]])),
        CKA_START_DATE | CKA_END_DATE => Value::from(*random.pick(&["20240229", "19990101", "99999999", ""])),
        CKA_LABEL | CKA_ID => Value::from(*random.pick(&["one", "two", "", "a longer name than the others"])),
        CKA_ALLOWED_MECHANISMS => {
            let list: Vec<_> =
                (0..random.below(4)).map(|_| *random.pick(&[CKM_AES_CBC, CKM_ECDSA, 77])).collect();
            Value::from(&list[..])
        }
        _ => {
            let length = *random.pick(&[0, 1, 8, 16, 20, 24, 32, 32, 33, 65, 128, 256, 300]);
            Value::Flat(random.bytes(length))
        }
    }
}

/// A template of anything; `depth` says how deep templates may still be nested.
pub fn template(random: &mut Random, depth: usize) -> Template {
    let count = random.below(7);
    Template((0..count).map(|_| attribute(random, depth)).collect())
}

/// What to change about a good template: mostly nothing or little.
pub fn changes(random: &mut Random, depth: usize) -> Template {
    match random.below(4) {
        0 => template(random, depth),
        1 => Template(vec![attribute(random, depth)]),
        _ => template![],
    }
}

fn attribute(random: &mut Random, depth: usize) -> (CK_ATTRIBUTE_TYPE, Value) {
    if depth > 0 && random.percent(5) {
        return (*random.pick(TEMPLATES), Value::Nested(template(random, depth - 1)));
    }
    let kind = kind(random);
    if TEMPLATES.contains(&kind) {
        // Bytes would be taken for pointers: less than one attribute.
        let length = random.below(size_of::<CK_ATTRIBUTE>());
        return (kind, Value::Flat(random.bytes(length)));
    }
    (kind, value(random, kind))
}

/// Puts a template where the module reads it; now and then with something missing.
pub fn place(random: &mut Random, memory: &mut Memory, template: &Template) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
    let raw: Vec<CK_ATTRIBUTE> =
        template.0.iter().map(|(kind, value)| place_attribute(random, memory, *kind, value)).collect();
    (memory.array(&raw, false), raw.len() as CK_ULONG)
}

fn place_attribute(
    random: &mut Random,
    memory: &mut Memory,
    kind: CK_ATTRIBUTE_TYPE,
    value: &Value,
) -> CK_ATTRIBUTE {
    let (at, length) = match value {
        Value::Flat(bytes) if random.percent(20) => (memory.misaligned(bytes), bytes.len()),
        Value::Flat(bytes) => (memory.input(bytes), bytes.len()),
        Value::Nested(inner) => {
            let (at, count) = place(random, memory, inner);
            (at.cast(), count as usize * size_of::<CK_ATTRIBUTE>())
        }
    };
    let (at, length) = match random.below(200) {
        0 => (null_mut(), length as CK_ULONG),
        1 => (null_mut(), random.absurd()),
        2 => (at, random.absurd()),
        3 => (at, length.saturating_sub(1) as CK_ULONG),
        _ => (at, length as CK_ULONG),
    };
    CK_ATTRIBUTE { type_: kind, pValue: at.cast(), ulValueLen: length }
}

/// An array to be filled, with buffers of any length.
pub fn query(random: &mut Random, memory: &mut Memory) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
    let wanted: Vec<CK_ATTRIBUTE> = (0..random.below(6)).map(|_| wanted(random, memory, 2)).collect();
    (memory.array(&wanted, true), wanted.len() as CK_ULONG)
}

fn wanted(random: &mut Random, memory: &mut Memory, depth: usize) -> CK_ATTRIBUTE {
    let kind = if random.percent(30) { *random.pick(&[CKA_VALUE, CKA_WRAP_TEMPLATE]) } else { kind(random) };
    let length = if random.percent(50) { 600 } else { random.length() };
    let (at, length) = if random.percent(20) {
        (null_mut(), random.number())
    } else if TEMPLATES.contains(&kind) && depth > 0 && random.percent(60) {
        // The module fills inner attributes, whatever their types were: none may be nested deeper.
        let inner: Vec<_> = (0..random.below(4)).map(|_| wanted(random, memory, 0)).collect();
        (memory.array(&inner, true).cast(), size_of_val(&inner[..]) as CK_ULONG)
    } else {
        (memory.output(&vec![0; length]), length as CK_ULONG)
    };
    CK_ATTRIBUTE { type_: kind, pValue: at.cast(), ulValueLen: length }
}

/// A secret key that must never leave: its value is one of the run's marks.
pub fn marked_key(random: &mut Random, mark: &[u8]) -> Template {
    let fixed = template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_VALUE => mark, CKA_EXTRACTABLE => false,
        CKA_KEY_TYPE => *random.pick(&[CKK_AES, CKK_GENERIC_SECRET]), CKA_TOKEN => random.percent(20),
    ];
    let unfixed = |random: &mut Random| attribute(random, 1);
    let more = Template((0..random.below(5)).map(|_| unfixed(random)).collect());
    let protected = |(kind, _): &(CK_ATTRIBUTE_TYPE, Value)| fixed.0.iter().all(|(fixed, _)| fixed != kind);
    Template(fixed.0.iter().cloned().chain(more.0.into_iter().filter(protected)).collect())
}

/// A well-formed mechanism with the keys that fit it, some fields changed at random.
pub fn variant(random: &mut Random, case: &Case, point: &[u8]) -> Option<Mechanism> {
    let id = case.mechanism.id();
    let short = |random: &mut Random| {
        let length = random.below(40);
        random.bytes(length)
    };
    let (one, other) = (short(random), short(random));
    let hash = *random.pick(&[CKM_SHA_1, CKM_SHA256, CKM_SHA512, CKM_SHA3_256, CKM_AES_CBC, 0]);
    let mgf = *random.pick(&[CKG_MGF1_SHA1, CKG_MGF1_SHA256, CKG_MGF1_SHA512, 0, 99]);
    let number = random.number();
    Some(match (id, &case.job) {
        (CKM_AES_GCM, _) => {
            Mechanism::gcm_with_tag(&one, &other, *random.pick(&[128, 96, 32, 0, 129, 1 << 60]))
        }
        (CKM_AES_CCM, _) => {
            let mac = *random.pick(&[4, 8, 16, 0, 5, 17]);
            Mechanism::ccm(random.length(), &one[..one.len().min(14)], &other, mac)
        }
        (CKM_AES_CTR, _) => Mechanism::ctr(*random.pick(&[0, 1, 8, 32, 64, 128, 129, number]), [0xFF; 16]),
        (CKM_RSA_PKCS_OAEP, _) => Mechanism::oaep(hash, mgf, &one),
        (CKM_RSA_AES_KEY_WRAP, _) => Mechanism::rsa_aes(*random.pick(&[128, 192, 256, 0, 255, number])),
        (CKM_EDDSA, _) => Mechanism::eddsa(random.percent(50), &one),
        (CKM_HASH_ML_DSA | CKM_HASH_SLH_DSA, _) => Mechanism::hash_sign_context(id, hash, &one),
        (_, _) if case.name.contains("_DSA_SHA") || case.name.ends_with("LH_DSA") => {
            Mechanism::sign_context(id, *random.pick(&[0, 1, 2, 3, number]), &one)
        }
        (CKM_AES_ECB_ENCRYPT_DATA | CKM_DES3_ECB_ENCRYPT_DATA, _) => Mechanism::string_data(id, &one),
        (CKM_AES_CBC_ENCRYPT_DATA, _) => Mechanism::aes_cbc_data([3; 16], &one),
        (CKM_DES3_CBC_ENCRYPT_DATA, _) => Mechanism::des_cbc_data([3; 8], &one),
        (_, Job::Agree(_)) => {
            let kdf = *random.pick(&[CKD_NULL, CKD_SHA1_KDF, CKD_SHA256_KDF, 99]);
            let shared = if random.percent(50) { &one[..] } else { &[] };
            Mechanism::ecdh(id, kdf, shared, if random.percent(80) { point } else { &other })
        }
        (_, _) if case.name.ends_with("_PSS") => Mechanism::pss(id, hash, mgf, random.length()),
        (_, _) if case.name.ends_with("_GENERAL") => Mechanism::mac_length(id, number),
        _ => return None,
    })
}

/// Mechanisms whose parameters hold pointers, with nonsense that the module must refuse by its length, or with nothing.
pub fn nonsense(random: &mut Random, memory: &mut Memory, id: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    let length = *random.pick(&[0, 1, 7, 8, 12, 15, 16, 24, 32, 40, 48, 100]);
    // Numbers at random would be taken for pointers where a structure has that size.
    let holds_pointers = length >= size_of::<CK_KEY_DERIVATION_STRING_DATA>() && length.is_multiple_of(8);
    let bytes = if holds_pointers { vec![0; length] } else { random.bytes(length) };
    let (at, length) = match random.below(10) {
        0 => (null_mut(), length as CK_ULONG),
        1 => (memory.input(&bytes), random.absurd()),
        2 => (null_mut(), random.absurd()),
        _ => (memory.input(&bytes), length as CK_ULONG),
    };
    CK_MECHANISM { mechanism: id, pParameter: at.cast(), ulParameterLen: length }
}

/// The parameter of a message: where it is, how long, and the mechanism it belongs to. What it points to is there, whatever else is wrong.
pub fn message(random: &mut Random, memory: &mut Memory) -> (*mut u8, CK_ULONG, CK_MECHANISM_TYPE) {
    let nonce_length = *random.pick(&[12, 12, 12, 0, 1, 7, 13, 16, 200]);
    let nonce = random.bytes(nonce_length);
    let (nonce, tag) = (memory.output(&nonce), memory.output(&[7; 32]));
    let generator = *random.pick(&[0, 1, 2, 3, 4, 5, u64::MAX]);
    let fixed_bits = *random.pick(&[0, 32, 64, 95, 96, 97, u64::MAX]);
    if random.percent(60) {
        let parameter = memory.structure(CK_GCM_MESSAGE_PARAMS {
            pIv: nonce,
            ulIvLen: nonce_length as CK_ULONG,
            ulIvFixedBits: fixed_bits,
            ivGenerator: generator,
            pTag: tag,
            ulTagBits: *random.pick(&[128, 128, 96, 32, 0, 127, 136, u64::MAX]),
        });
        return (parameter.cast(), size_of::<CK_GCM_MESSAGE_PARAMS>() as CK_ULONG, CKM_AES_GCM);
    }
    let parameter = memory.structure(CK_CCM_MESSAGE_PARAMS {
        ulDataLen: random.length() as CK_ULONG,
        pNonce: nonce,
        ulNonceLen: nonce_length as CK_ULONG,
        ulNonceFixedBits: fixed_bits,
        nonceGenerator: generator,
        pMAC: tag,
        ulMACLen: *random.pick(&[16, 16, 8, 4, 0, 5, 17, u64::MAX]),
    });
    (parameter.cast(), size_of::<CK_CCM_MESSAGE_PARAMS>() as CK_ULONG, CKM_AES_CCM)
}
