//! Keys leave and come back sealed with authentication, nonce and tag apart.

use crate::common::message::{Aead, Parameter};
use crate::common::*;

const AEADS: [Aead; 3] = [Aead::Gcm, Aead::Ccm(0), Aead::ChaCha20Poly1305];

/// A wrapping key, and a key that may leave.
fn pair(session: Session, aead: Aead) -> (Handle, Handle) {
    let wrapping = aead.key(session);
    (wrapping, keys::secret(session, CKK_AES, &[8; 24], template![]))
}

fn unwrapped() -> Template {
    template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => false, CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ]
}

#[test]
fn a_key_comes_back_with_the_nonce_that_the_module_has_made() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in AEADS {
            let (wrapping, key) = pair(session, aead);
            let mut nonces = Vec::new();
            for generator in [CKG_NO_GENERATE, CKG_GENERATE, CKG_GENERATE_RANDOM] {
                let mut parameter = Parameter::new(aead, generator);
                let wrapped = session.wrap_authenticated(&mut parameter, b"aad", wrapping, key).unwrap();
                assert_eq!(wrapped.len(), 24);
                nonces.push(parameter.nonce.clone());
                let back =
                    session.unwrap_authenticated(&mut parameter, b"aad", wrapping, &wrapped, &unwrapped());
                assert_eq!(session.get(back.unwrap(), CKA_VALUE).unwrap(), [8; 24]);
                let whole = [&wrapped[..], &parameter.tag].concat();
                let old = session.unwrap(&parameter.single(b"aad"), wrapping, &whole, &unwrapped()).unwrap();
                assert_eq!(session.get(old, CKA_VALUE).unwrap(), [8; 24], "as C_UnwrapKey does");
            }
            assert_eq!(nonces[0], [0; 12]);
            let made = nonces[1] != nonces[0] && nonces[2] != nonces[1];
            assert_eq!(made, aead != Aead::ChaCha20Poly1305, "its parameter names no generator");
        }
    });
}

/// A parameter of `C_WrapKey` that says where the nonce comes from. The nonce's place must outlive it.
fn telling(aead: Aead, nonce: &mut [u8], fixed_bits: CK_ULONG, generator: CK_ULONG) -> Mechanism {
    let (at, length) = (nonce.as_mut_ptr(), nonce.len() as CK_ULONG);
    if aead == Aead::Gcm {
        return Mechanism::structure(CKM_AES_GCM, [b"aad"], |[aad]| CK_GCM_WRAP_PARAMS {
            pIv: at,
            ulIvLen: length,
            ulIvFixedBits: fixed_bits,
            ivGenerator: generator,
            pAAD: aad,
            ulAADLen: 3,
            ulTagBits: 128,
        });
    }
    Mechanism::structure(CKM_AES_CCM, [b"aad"], |[aad]| CK_CCM_WRAP_PARAMS {
        ulDataLen: 77,
        pNonce: at,
        ulNonceLen: length,
        ulNonceFixedBits: fixed_bits,
        nonceGenerator: generator,
        pAAD: aad,
        ulAADLen: 3,
        ulMACLen: 16,
    })
}

#[test]
fn wrapping_tells_the_nonce_that_the_module_has_made_and_keeps_what_is_fixed() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in [Aead::Gcm, Aead::Ccm(0)] {
            let (wrapping, key) = pair(session, aead);
            for (generator, made) in
                [(CKG_NO_GENERATE, false), (CKG_GENERATE, true), (CKG_GENERATE_RANDOM, true)]
            {
                let mut nonce = [7; 12];
                let mechanism = telling(aead, &mut nonce, 32, generator);
                let wrapped = session.wrap(&mechanism, wrapping, key).unwrap();
                assert_eq!((wrapped.len(), &nonce[..4]), (24 + 16, &[7; 4][..]));
                assert_eq!(nonce[4..] != [7; 8], made);
                // Who opens it has the nonce: what else stands beside it does not matter.
                let whole = telling(aead, &mut nonce, 999, 77);
                let ordinary = Parameter::new(aead, CKG_NO_GENERATE).with(&nonce).single(b"aad");
                for mechanism in [whole, ordinary] {
                    let back = session.unwrap(&mechanism, wrapping, &wrapped, &unwrapped()).unwrap();
                    assert_eq!(session.get(back, CKA_VALUE).unwrap(), [8; 24]);
                }
                let mut altered = wrapped;
                altered[30] ^= 1;
                let mechanism = telling(aead, &mut nonce, 0, CKG_NO_GENERATE);
                let answer = session.unwrap(&mechanism, wrapping, &altered, &unwrapped());
                answer.refused(CKR_WRAPPED_KEY_INVALID);
            }
        }
    });
}

#[test]
fn wrapping_with_a_nonce_that_cannot_be_made_is_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in [Aead::Gcm, Aead::Ccm(0)] {
            let (wrapping, key) = pair(session, aead);
            for (fixed_bits, generator) in
                [(0, CKG_GENERATE_COUNTER), (0, CKG_GENERATE_COUNTER_XOR), (0, 77), (96, CKG_GENERATE)]
            {
                let mut nonce = [7; 12];
                let mechanism = telling(aead, &mut nonce, fixed_bits, generator);
                session.wrap(&mechanism, wrapping, key).refused(CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(nonce, [7; 12]);
            }
        }
    });
}

#[test]
fn an_altered_key_is_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in AEADS {
            let (wrapping, key) = pair(session, aead);
            let mut parameter = Parameter::new(aead, CKG_GENERATE);
            let wrapped = session.wrap_authenticated(&mut parameter, b"aad", wrapping, key).unwrap();
            let open = |parameter: &mut Parameter, aad: &[u8], wrapped: &[u8]| {
                session.unwrap_authenticated(parameter, aad, wrapping, wrapped, &unwrapped())
            };
            let mut altered = wrapped.clone();
            altered[0] ^= 1;
            open(&mut parameter, b"aad", &altered).refused(CKR_WRAPPED_KEY_INVALID);
            open(&mut parameter, b"add", &wrapped).refused(CKR_WRAPPED_KEY_INVALID);
            let mut other = parameter.clone();
            other.tag[15] ^= 1;
            open(&mut other, b"aad", &wrapped).refused(CKR_WRAPPED_KEY_INVALID);
            let mut unsaid = Parameter { generator: 77, ..parameter };
            open(&mut unsaid, b"aad", &wrapped).unwrap();
        }
    });
}

#[test]
fn what_may_not_leave_or_wrap_does_not_with_authentication_either() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (wrapping, key) = pair(session, Aead::Gcm);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        let inside = keys::aes(session, template![]);
        let no_wrap = keys::aes(session, template![CKA_WRAP => false, CKA_UNWRAP => false]);
        let mut wrap = |wrapping, key| session.wrap_authenticated(&mut parameter, b"", wrapping, key);
        wrap(wrapping, inside).refused(CKR_KEY_UNEXTRACTABLE);
        wrap(no_wrap, key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        wrap(wrapping, 987_654).refused(CKR_KEY_HANDLE_INVALID);
        wrap(987_654, key).refused(CKR_WRAPPING_KEY_HANDLE_INVALID);
        let wrapped = wrap(wrapping, key).unwrap();
        let mut unwrap = |key| session.unwrap_authenticated(&mut parameter, b"", key, &wrapped, &unwrapped());
        unwrap(no_wrap).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        unwrap(987_654).refused(CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    });
}

#[test]
fn parameters_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (wrapping, key) = pair(session, Aead::Gcm);
        for aead in [Aead::Gcm, Aead::Ccm(0)] {
            // With one key at a time a counter would stand at zero each time.
            for generator in [CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR, 77] {
                let mut parameter = Parameter::new(aead, generator);
                let answer = session.wrap_authenticated(&mut parameter, b"", wrapping, key);
                answer.refused(CKR_MECHANISM_PARAM_INVALID);
            }
        }
        for id in [CKM_AES_CBC, CKM_AES_KEY_WRAP, 0x7fff_ffff] {
            let mechanism = Mechanism::bytes(id, &[1; 16]);
            let null = std::ptr::null_mut();
            let rv = raw_3_2!(C_WrapKeyAuthenticated(
                session.0,
                mechanism.as_ptr(),
                wrapping,
                key,
                null,
                0,
                null,
                &mut 0
            ));
            answer(rv).refused(CKR_MECHANISM_INVALID);
        }
    });
}
