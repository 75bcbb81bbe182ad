//! Keys, signatures and ciphertexts made by OpenSSL are used by the module, and the module's by OpenSSL.

use crate::common::*;
use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::asn1::Asn1Object;
use openssl::hash::MessageDigest;
use openssl::md_ctx::MdCtx;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::sign::{Signer, Verifier};
use openssl_sys as sys;
use std::ffi::CString;
use std::ptr::{null, null_mut};

/// OpenSSL's name of a parameter set, its key type, its number, and the mechanism that uses it.
#[rustfmt::skip]
const SIGNING: [(&str, CK_KEY_TYPE, CK_ULONG, CK_MECHANISM_TYPE); 7] = [
    ("ML-DSA-44", CKK_ML_DSA, CKP_ML_DSA_44, CKM_ML_DSA),
    ("ML-DSA-65", CKK_ML_DSA, CKP_ML_DSA_65, CKM_ML_DSA),
    ("ML-DSA-87", CKK_ML_DSA, CKP_ML_DSA_87, CKM_ML_DSA),
    ("SLH-DSA-SHA2-128f", CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, CKM_SLH_DSA),
    ("SLH-DSA-SHAKE-128f", CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128F, CKM_SLH_DSA),
    ("SLH-DSA-SHA2-192f", CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192F, CKM_SLH_DSA),
    ("SLH-DSA-SHAKE-256f", CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256F, CKM_SLH_DSA),
];

const KEMS: [(&str, CK_ULONG); 3] =
    [("ML-KEM-512", CKP_ML_KEM_512), ("ML-KEM-768", CKP_ML_KEM_768), ("ML-KEM-1024", CKP_ML_KEM_1024)];

/// A new key of OpenSSL's.
fn generate(name: &str) -> PKey<Private> {
    let name = CString::new(name).unwrap();
    let ctx = unsafe { sys::EVP_PKEY_CTX_new_from_name(null_mut(), name.as_ptr(), null()) };
    assert!(!ctx.is_null(), "{name:?}");
    let mut ctx: PkeyCtx<()> = unsafe { PkeyCtx::from_ptr(ctx) };
    ctx.keygen_init().unwrap();
    ctx.keygen().unwrap()
}

/// A secret and its ciphertext, by OpenSSL.
fn encapsulate(key: &PKeyRef<Public>) -> (Vec<u8>, Vec<u8>) {
    let ctx = PkeyCtx::new(key).unwrap();
    let (mut ciphertext, mut secret) = (vec![0; 2000], vec![0; 100]);
    let (mut length, mut secret_length) = (ciphertext.len(), secret.len());
    unsafe {
        assert_eq!(sys::EVP_PKEY_encapsulate_init(ctx.as_ptr(), null()), 1);
        let done = sys::EVP_PKEY_encapsulate(
            ctx.as_ptr(),
            ciphertext.as_mut_ptr(),
            &mut length,
            secret.as_mut_ptr(),
            &mut secret_length,
        );
        assert_eq!(done, 1);
    }
    ciphertext.truncate(length);
    secret.truncate(secret_length);
    (ciphertext, secret)
}

/// The secret behind a ciphertext, by OpenSSL.
fn decapsulate(key: &PKeyRef<Private>, ciphertext: &[u8]) -> Vec<u8> {
    let ctx = PkeyCtx::new(key).unwrap();
    let mut secret = vec![0; 100];
    let mut length = secret.len();
    unsafe {
        assert_eq!(sys::EVP_PKEY_decapsulate_init(ctx.as_ptr(), null()), 1);
        let (at, size) = (ciphertext.as_ptr(), ciphertext.len());
        let done = sys::EVP_PKEY_decapsulate(ctx.as_ptr(), secret.as_mut_ptr(), &mut length, at, size);
        assert_eq!(done, 1);
    }
    secret.truncate(length);
    secret
}

/// The public half of a key of the module's, as OpenSSL reads it from its SubjectPublicKeyInfo.
fn exported(session: Session, key: Handle) -> PKey<Public> {
    PKey::public_key_from_der(&session.get(key, CKA_PUBLIC_KEY_INFO).unwrap()).unwrap()
}

/// The public half of a key of OpenSSL's as an object of the module.
fn import_public<T>(
    session: Session,
    key: &PKeyRef<T>,
    (key_type, set): (CK_KEY_TYPE, CK_ULONG),
    length: usize,
) -> Handle
where
    T: openssl::pkey::HasPublic,
{
    let info = key.public_key_to_der().unwrap();
    let usage = if key_type == CKK_ML_KEM { CKA_ENCAPSULATE } else { CKA_VERIFY };
    let template = template![
        CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => key_type, CKA_TOKEN => false, CKA_PARAMETER_SET => set,
        CKA_VALUE => &info[info.len() - length..], usage => true,
    ];
    let handle = session.create(&template).unwrap();
    assert_eq!(session.get(handle, CKA_PUBLIC_KEY_INFO).unwrap(), info);
    handle
}

/// A key of OpenSSL's as an object of the module, brought in as PKCS#8 under an AES key.
fn import_private(session: Session, key: &PKeyRef<Private>, key_type: CK_KEY_TYPE) -> Handle {
    let wrapping = keys::aes(session, template![]);
    let kwp = Mechanism::plain(CKM_AES_KEY_WRAP_KWP);
    let wrapped = session.encrypt(&kwp, wrapping, &key.private_key_to_pkcs8().unwrap()).unwrap();
    let usage = if key_type == CKK_ML_KEM { CKA_DECAPSULATE } else { CKA_SIGN };
    let template = template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => key_type, usage => true];
    session.unwrap(&kwp, wrapping, &wrapped, &template).unwrap()
}

/// A key of the module's as OpenSSL reads it from PKCS#8.
fn take_out(session: Session, key: Handle) -> PKey<Private> {
    let wrapping = keys::aes(session, template![]);
    let kwp = Mechanism::plain(CKM_AES_KEY_WRAP_KWP);
    let wrapped = session.wrap(&kwp, wrapping, key).unwrap();
    let encoded = session.decrypt(&kwp, wrapping, &wrapped).unwrap();
    PKey::private_key_from_pkcs8(&encoded).unwrap()
}

fn public_length(session: Session, key: Handle) -> usize {
    session.get(key, CKA_VALUE).unwrap().len()
}

#[test]
fn openssl_checks_what_the_module_signs_with_keys_of_either() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (name, key_type, set, id) in SIGNING {
            let mechanism = Mechanism::plain(id);
            let (public, private) = keys::pqc(session, key_type, set, template![]);
            let theirs = generate(name);
            let brought = import_private(session, &theirs, key_type);
            for (private, public) in [(private, &*exported(session, public)), (brought, &*half(&theirs))] {
                let signature = session.sign(&mechanism, private, b"message").unwrap();
                let valid = |message: &[u8]| {
                    let mut verifier = Verifier::new_without_digest(public).unwrap();
                    verifier.verify_oneshot(&signature, message).unwrap_or(false)
                };
                assert!(valid(b"message") && !valid(b"another"), "{name}");
            }
        }
    });
}

#[test]
fn the_module_checks_what_openssl_signs_with_keys_of_either() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (name, key_type, set, id) in SIGNING {
            let mechanism = Mechanism::plain(id);
            let leaving = template![CKA_EXTRACTABLE => true];
            let (public, private) = keys::pqc(session, key_type, set, leaving);
            let theirs = generate(name);
            let brought = import_public(session, &theirs, (key_type, set), public_length(session, public));
            for (private, public) in [(&take_out(session, private), public), (&theirs, brought)] {
                let mut signer = Signer::new_without_digest(private).unwrap();
                let signature = signer.sign_oneshot_to_vec(b"message").unwrap();
                session.verify(&mechanism, public, b"message", &signature).unwrap();
                session.verify(&mechanism, public, b"another", &signature).refused(CKR_SIGNATURE_INVALID);
            }
        }
    });
}

/// The digests that are signed for messages, with OpenSSL's number of each, the bytes taken of it, and the mechanisms that sign it.
#[rustfmt::skip]
const PREHASHED: [(Nid, usize, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE); 10] = [
    (Nid::SHA224, 28, CKM_HASH_ML_DSA_SHA224, CKM_HASH_SLH_DSA_SHA224),
    (Nid::SHA256, 32, CKM_HASH_ML_DSA_SHA256, CKM_HASH_SLH_DSA_SHA256),
    (Nid::SHA384, 48, CKM_HASH_ML_DSA_SHA384, CKM_HASH_SLH_DSA_SHA384),
    (Nid::SHA512, 64, CKM_HASH_ML_DSA_SHA512, CKM_HASH_SLH_DSA_SHA512),
    (Nid::SHA3_224, 28, CKM_HASH_ML_DSA_SHA3_224, CKM_HASH_SLH_DSA_SHA3_224),
    (Nid::SHA3_256, 32, CKM_HASH_ML_DSA_SHA3_256, CKM_HASH_SLH_DSA_SHA3_256),
    (Nid::SHA3_384, 48, CKM_HASH_ML_DSA_SHA3_384, CKM_HASH_SLH_DSA_SHA3_384),
    (Nid::SHA3_512, 64, CKM_HASH_ML_DSA_SHA3_512, CKM_HASH_SLH_DSA_SHA3_512),
    (Nid::SHAKE128, 32, CKM_HASH_ML_DSA_SHAKE128, CKM_HASH_SLH_DSA_SHAKE128),
    (Nid::SHAKE256, 64, CKM_HASH_ML_DSA_SHAKE256, CKM_HASH_SLH_DSA_SHAKE256),
];

/// Whether a signature holds over a message that is already encoded as FIPS 204 and 205 have it, by OpenSSL.
fn holds_encoded(key: &PKeyRef<Public>, encoded: &[u8], signature: &[u8]) -> bool {
    let mut verifying = MdCtx::new().unwrap();
    let settings = verifying.digest_verify_init(None, key).unwrap();
    let mut already: std::ffi::c_uint = 0;
    unsafe {
        let name = c"message-encoding".as_ptr();
        let parameters =
            [sys::OSSL_PARAM_construct_uint(name, &mut already), sys::OSSL_PARAM_construct_end()];
        assert_eq!(sys::EVP_PKEY_CTX_set_params(settings.as_ptr(), parameters.as_ptr()), 1);
    }
    verifying.digest_verify(encoded, signature).unwrap_or(false)
}

/// Section 5.4 of FIPS 204 and 10.2.2 of FIPS 205, from OpenSSL's own digests and identifiers.
#[test]
fn openssl_checks_what_the_module_signs_of_a_digest() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let context = b"context";
        let pairs = [
            keys::pqc(session, CKK_ML_DSA, CKP_ML_DSA_44, template![]),
            keys::pqc(session, CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, template![]),
        ];
        for (nid, length, ml_dsa, slh_dsa) in PREHASHED {
            let mut digest = vec![0; length];
            digest_into(nid, b"message", &mut digest);
            let name = nid.long_name().unwrap();
            let oid = Asn1Object::from_str(name).unwrap();
            let encoded = [&[1, 7][..], context, &[6, 9], oid.as_slice(), &digest].concat();
            for ((public, private), id) in pairs.into_iter().zip([ml_dsa, slh_dsa]) {
                let mechanism = Mechanism::sign_context(id, CKH_HEDGE_PREFERRED, context);
                let signature = session.sign(&mechanism, private, b"message").unwrap();
                assert!(holds_encoded(&exported(session, public), &encoded, &signature), "{name}");
            }
        }
    });
}

fn digest_into(nid: Nid, message: &[u8], digest: &mut [u8]) {
    let algorithm = MessageDigest::from_nid(nid).unwrap();
    if [Nid::SHAKE128, Nid::SHAKE256].contains(&nid) {
        openssl::hash::hash_xof(algorithm, message, digest).unwrap();
    } else {
        digest.copy_from_slice(&openssl::hash::hash(algorithm, message).unwrap());
    }
}

#[test]
fn secrets_are_shared_between_the_module_and_openssl_in_both_directions() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let kem = Mechanism::plain(CKM_ML_KEM);
        let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        for (name, set) in KEMS {
            let leaving = template![CKA_EXTRACTABLE => true];
            let (public, private) = keys::pqc(session, CKK_ML_KEM, set, leaving);
            let theirs = generate(name);
            let length = public_length(session, public);
            let their_public = import_public(session, &theirs, (CKK_ML_KEM, set), length);
            let their_private = import_private(session, &theirs, CKK_ML_KEM);
            let value = |key| session.get(key, CKA_VALUE).unwrap();
            // The module to OpenSSL.
            for (public, private) in [(public, &take_out(session, private)), (their_public, &theirs)] {
                let (ciphertext, key) = session.encapsulate(&kem, public, &open).unwrap();
                assert_eq!(decapsulate(private, &ciphertext), value(key), "{name}");
            }
            // OpenSSL to the module.
            let ours = exported(session, public);
            for (public, private) in [(&*ours, private), (&*half(&theirs), their_private)] {
                let (ciphertext, secret) = encapsulate(public);
                let key = session.decapsulate(&kem, private, &ciphertext, &open).unwrap();
                assert_eq!(value(key), secret, "{name}");
            }
        }
    });
}

/// The public half of a key.
fn half(key: &PKeyRef<Private>) -> PKey<Public> {
    PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap()
}
