//! Keys to test with.

use super::*;

/// Object identifiers of curves, as `CKA_EC_PARAMS` takes them.
pub const P224: &[u8] = &[0x06, 5, 0x2B, 0x81, 0x04, 0, 33];
pub const P256: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
pub const P384: &[u8] = &[0x06, 5, 0x2B, 0x81, 0x04, 0, 34];
pub const P521: &[u8] = &[0x06, 5, 0x2B, 0x81, 0x04, 0, 35];
pub const SECP256K1: &[u8] = &[0x06, 5, 0x2B, 0x81, 0x04, 0, 10];
pub const ED25519: &[u8] = &[0x06, 3, 0x2B, 0x65, 112];
pub const ED448: &[u8] = &[0x06, 3, 0x2B, 0x65, 113];
pub const X25519: &[u8] = &[0x06, 3, 0x2B, 0x65, 110];
pub const X448: &[u8] = &[0x06, 3, 0x2B, 0x65, 111];

/// The template of an AES key of so many bytes that may do anything but leave; a session object.
pub fn aes_template(length: CK_ULONG) -> Template {
    template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => length, CKA_TOKEN => false,
        CKA_PRIVATE => true, CKA_SENSITIVE => true, CKA_EXTRACTABLE => false, CKA_ENCRYPT => true,
        CKA_DECRYPT => true, CKA_WRAP => true, CKA_UNWRAP => true, CKA_SIGN => true, CKA_VERIFY => true,
        CKA_DERIVE => true,
    ]
}

/// A new AES key of 32 bytes, as [`aes_template`] with changes.
pub fn aes(session: Session, changes: Template) -> Handle {
    let template = aes_template(32).and(&changes);
    session.generate(&Mechanism::plain(CKM_AES_KEY_GEN), &template).unwrap()
}

/// The template of an imported secret key that may do anything.
pub fn secret_template(key_type: CK_KEY_TYPE, value: &[u8]) -> Template {
    aes_template(0)
        .without(CKA_VALUE_LEN)
        .and(&template![CKA_KEY_TYPE => key_type, CKA_VALUE => value, CKA_SENSITIVE => false])
        .and(&template![CKA_EXTRACTABLE => true])
}

/// An imported secret key, as [`secret_template`] with changes.
pub fn secret(session: Session, key_type: CK_KEY_TYPE, value: &[u8], changes: Template) -> Handle {
    session.create(&secret_template(key_type, value).and(&changes)).unwrap()
}

/// The template of a public key to be generated; a session object.
pub fn public_template() -> Template {
    template![CKA_TOKEN => false, CKA_PRIVATE => false]
}

/// The template of a private key to be generated; a session object that can't leave.
pub fn private_template() -> Template {
    template![CKA_TOKEN => false, CKA_PRIVATE => true, CKA_SENSITIVE => true, CKA_EXTRACTABLE => false]
}

/// An RSA pair for all uses: public and private key.
pub fn rsa(session: Session, bits: CK_ULONG, changes: Template) -> (Handle, Handle) {
    let usage = template![
        CKA_SIGN => true, CKA_DECRYPT => true, CKA_UNWRAP => true, CKA_SIGN_RECOVER => true,
        CKA_DECAPSULATE => true,
    ];
    let public = public_template().and(&template![
        CKA_MODULUS_BITS => bits, CKA_PUBLIC_EXPONENT => &[1, 0, 1], CKA_VERIFY => true,
        CKA_ENCRYPT => true, CKA_WRAP => true, CKA_VERIFY_RECOVER => true, CKA_ENCAPSULATE => true,
    ]);
    let private = private_template().and(&usage).and(&changes);
    session.generate_pair(&Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private).unwrap()
}

/// A pair on a curve for signatures: public and private key.
pub fn ec(session: Session, curve: &[u8], changes: Template) -> (Handle, Handle) {
    let uses = template![CKA_VERIFY => true, CKA_WRAP => true, CKA_ENCAPSULATE => true];
    let public = public_template().and(&template![CKA_EC_PARAMS => curve]).and(&uses);
    let uses = template![CKA_SIGN => true, CKA_DERIVE => true, CKA_UNWRAP => true, CKA_DECAPSULATE => true];
    let private = private_template().and(&uses).and(&changes);
    session.generate_pair(&Mechanism::plain(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap()
}

/// A well-known group of 2048 bits, with its subprime or without.
pub fn group(subprime: bool) -> Template {
    let group = openssl::dh::Dh::get_2048_224().unwrap();
    let (p, g) = (group.prime_p().to_vec(), group.generator().to_vec());
    let numbers = template![CKA_PRIME => &p[..], CKA_BASE => &g[..]];
    let q = group.prime_q().unwrap().to_vec();
    if subprime { numbers.and(&template![CKA_SUBPRIME => &q[..]]) } else { numbers }
}

/// A pair modulo a prime, made by `id`.
pub fn modulo_prime(session: Session, id: CK_MECHANISM_TYPE) -> (Handle, Handle) {
    let group = group(id != CKM_DH_PKCS_KEY_PAIR_GEN);
    let public = public_template().and(&group);
    session.generate_pair(&Mechanism::plain(id), &public, &private_template()).unwrap()
}

/// An Edwards pair.
pub fn edwards(session: Session, curve: &[u8]) -> (Handle, Handle) {
    let public = public_template().and(&template![CKA_EC_PARAMS => curve, CKA_VERIFY => true]);
    let private = private_template().and(&template![CKA_SIGN => true]);
    session.generate_pair(&Mechanism::plain(CKM_EC_EDWARDS_KEY_PAIR_GEN), &public, &private).unwrap()
}

/// A Montgomery pair.
pub fn montgomery(session: Session, curve: &[u8]) -> (Handle, Handle) {
    let public =
        public_template().and(&template![CKA_EC_PARAMS => curve, CKA_ENCAPSULATE => true, CKA_WRAP => true]);
    let uses = template![CKA_DERIVE => true, CKA_DECAPSULATE => true, CKA_UNWRAP => true];
    let private = private_template().and(&uses);
    session.generate_pair(&Mechanism::plain(CKM_EC_MONTGOMERY_KEY_PAIR_GEN), &public, &private).unwrap()
}

/// A small public data object in the token.
pub fn data_template(label: &str) -> Template {
    template![
        CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_PRIVATE => false, CKA_LABEL => label,
        CKA_APPLICATION => "tests", CKA_VALUE => "some data",
    ]
}

/// The mechanism that makes post-quantum pairs of that type.
pub fn pqc_generation(key_type: CK_KEY_TYPE) -> Mechanism {
    Mechanism::plain(match key_type {
        CKK_ML_DSA => CKM_ML_DSA_KEY_PAIR_GEN,
        CKK_ML_KEM => CKM_ML_KEM_KEY_PAIR_GEN,
        _ => CKM_SLH_DSA_KEY_PAIR_GEN,
    })
}

/// A post-quantum pair of that parameter set: public and private key.
pub fn pqc(session: Session, key_type: CK_KEY_TYPE, set: CK_ULONG, changes: Template) -> (Handle, Handle) {
    let (public_use, private_use) = match key_type {
        CKK_ML_KEM => (CKA_ENCAPSULATE, CKA_DECAPSULATE),
        _ => (CKA_VERIFY, CKA_SIGN),
    };
    let public = public_template().and(&template![CKA_PARAMETER_SET => set, public_use => true]);
    let private = private_template().and(&template![private_use => true]).and(&changes);
    session.generate_pair(&pqc_generation(key_type), &public, &private).unwrap()
}
