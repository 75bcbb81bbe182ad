//! Many messages under one beginning: sealed with nonces of the caller's or the module's, signed and verified.

use crate::common::cases::input;
use crate::common::message::{Aead, Parameter};
use crate::common::*;
use std::collections::HashSet;

const NONE: CK_RV = CKR_OPERATION_NOT_INITIALIZED;
const WRONG: CK_RV = CKR_MECHANISM_PARAM_INVALID;
const GENERATORS: [CK_GENERATOR_FUNCTION; 4] =
    [CKG_GENERATE, CKG_GENERATE_COUNTER, CKG_GENERATE_RANDOM, CKG_GENERATE_COUNTER_XOR];

/// All mechanisms, for so many bytes of data.
fn aeads(length: usize) -> [Aead; 3] {
    [Aead::Gcm, Aead::Ccm(length as CK_ULONG), Aead::ChaCha20Poly1305]
}

/// Those whose parameter may ask the module for a nonce.
fn generating(length: usize) -> [Aead; 2] {
    [Aead::Gcm, Aead::Ccm(length as CK_ULONG)]
}

/// A key, with both processes begun anew.
fn begun(session: Session, aead: Aead) -> Handle {
    let key = aead.key(session);
    session.cancel(CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT).unwrap();
    let mechanism = Parameter::new(aead, CKG_NO_GENERATE).mechanism();
    session.message_encrypt_init(&mechanism, key).unwrap();
    session.message_decrypt_init(&mechanism, key).unwrap();
    key
}

#[test]
fn a_message_is_sealed_as_a_single_encryption_with_the_tag_apart() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for length in [0, 1, 16, 1000] {
            for aead in aeads(length) {
                let key = begun(session, aead);
                let data = input(length);
                let mut parameter = Parameter::new(aead, CKG_NO_GENERATE).with(&[9; 12]);
                let sealed = session.encrypt_message(&mut parameter, b"header", &data).unwrap();
                assert_eq!(sealed.len(), length);
                let single = session.encrypt(&parameter.single(b"header"), key, &data).unwrap();
                assert_eq!(single, [&sealed[..], &parameter.tag].concat(), "{aead:?}");
                assert_eq!(parameter.nonce, [9; 12]);
                assert_eq!(session.decrypt_message(&mut parameter, b"header", &sealed).unwrap(), data);
            }
        }
    });
}

#[test]
fn parts_and_the_whole_are_the_same_message() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in aeads(70) {
            begun(session, aead);
            let data = input(70);
            let mut parameter = Parameter::new(aead, CKG_NO_GENERATE).with(&[3; 12]);
            let whole = session.encrypt_message(&mut parameter, b"aad", &data).unwrap();
            let tag = std::mem::replace(&mut parameter.tag, vec![0; 16]);
            session.encrypt_message_begin(&mut parameter, b"aad").unwrap();
            let mut parts = session.encrypt_message_next(&mut parameter, &data[..30], 0).unwrap();
            parts.extend(session.encrypt_message_next(&mut parameter, &[], 0).unwrap());
            parts.extend(
                session.encrypt_message_next(&mut parameter, &data[30..], CKF_END_OF_MESSAGE).unwrap(),
            );
            assert_eq!((&parts, &parameter.tag), (&whole, &tag), "{aead:?}");

            session.decrypt_message_begin(&mut parameter, b"aad").unwrap();
            let early = session.decrypt_message_next(&mut parameter, &whole[..50], 0).unwrap();
            assert!(early.is_empty(), "clear data before the tag was checked");
            let opened =
                session.decrypt_message_next(&mut parameter, &whole[50..], CKF_END_OF_MESSAGE).unwrap();
            assert_eq!(opened, data);
            session.encrypt_message_next(&mut parameter, b"", 0).refused(NONE);
            session.message_encrypt_final().unwrap();
            session.message_decrypt_final().unwrap();
            session.message_encrypt_final().refused(NONE);
        }
    });
}

#[test]
fn the_module_makes_nonces_that_never_come_twice() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in generating(5) {
            for generator in GENERATORS {
                begun(session, aead);
                let mut seen = HashSet::new();
                for number in 0..40u8 {
                    let mut parameter = Parameter::new(aead, generator).with(&[0xAB; 12]);
                    parameter.fixed_bits = 32;
                    let sealed = if number % 2 == 0 {
                        session.encrypt_message(&mut parameter, b"", b"hello").unwrap()
                    } else {
                        session.encrypt_message_begin(&mut parameter, b"").unwrap();
                        session.encrypt_message_next(&mut parameter, b"hello", CKF_END_OF_MESSAGE).unwrap()
                    };
                    assert_eq!(parameter.nonce[..4], [0xAB; 4], "the fixed bits stay");
                    let counted = match generator {
                        CKG_GENERATE_COUNTER => Some(number),
                        CKG_GENERATE_COUNTER_XOR => Some(0xAB ^ number),
                        _ => None,
                    };
                    assert!(counted.is_none_or(|last| parameter.nonce[11] == last));
                    assert_eq!(session.decrypt_message(&mut parameter, b"", &sealed).unwrap(), b"hello");
                    assert!(seen.insert(parameter.nonce.clone()), "{generator} {:x?}", parameter.nonce);
                }
            }
        }
    });
}

#[test]
fn asking_for_the_size_uses_no_nonce() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        begun(session, Aead::Gcm);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE_COUNTER).with(&[7; 12]);
        let small = parameter.with_raw(|parameter, length| {
            let (mut room, mut size) = ([0u8; 4], 4);
            let data = b"12345".as_ptr().cast_mut();
            let none = std::ptr::null_mut();
            let rv = raw_3_2!(C_EncryptMessage(
                session.0,
                parameter,
                length,
                none,
                0,
                data,
                5,
                room.as_mut_ptr(),
                &mut size
            ));
            assert_eq!((size, room), (5, [0; 4]));
            answer(rv)
        });
        small.refused(CKR_BUFFER_TOO_SMALL);
        assert_eq!(parameter.nonce, [7; 12], "told before there was a message");
        session.encrypt_message(&mut parameter, b"", b"12345").unwrap();
        assert_eq!(parameter.nonce, [0; 12], "the counter begins at zero");
    });
}

#[test]
fn an_altered_message_is_refused_and_the_next_is_not() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in aeads(20) {
            begun(session, aead);
            let mut parameter = Parameter::new(aead, CKG_GENERATE);
            let sealed = session.encrypt_message(&mut parameter, b"aad", &input(20)).unwrap();
            let mut altered = sealed.clone();
            altered[3] ^= 1;
            session.decrypt_message(&mut parameter, b"aad", &altered).refused(CKR_AEAD_DECRYPT_FAILED);
            session.decrypt_message(&mut parameter, b"add", &sealed).refused(CKR_AEAD_DECRYPT_FAILED);
            let mut other = parameter.clone();
            other.tag[0] ^= 1;
            session.decrypt_message(&mut other, b"aad", &sealed).refused(CKR_AEAD_DECRYPT_FAILED);
            session.decrypt_message_begin(&mut other, b"aad").unwrap();
            let last = session.decrypt_message_next(&mut other, &sealed, CKF_END_OF_MESSAGE);
            last.refused(CKR_AEAD_DECRYPT_FAILED);
            session.decrypt_message_next(&mut other, &sealed, CKF_END_OF_MESSAGE).refused(NONE);
            assert_eq!(session.decrypt_message(&mut parameter, b"aad", &sealed).unwrap(), input(20));
        }
    });
}

#[test]
fn messages_come_one_after_the_other() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![]);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        session.encrypt_message(&mut parameter, b"", b"x").refused(NONE);
        session.decrypt_message(&mut parameter, b"", b"x").refused(NONE);
        session.encrypt_message_begin(&mut parameter, b"").refused(NONE);
        session.encrypt_message_next(&mut parameter, b"x", 0).refused(NONE);
        session.message_encrypt_init(&parameter.mechanism(), key).unwrap();
        session.message_encrypt_init(&parameter.mechanism(), key).refused(CKR_OPERATION_ACTIVE);
        session.encrypt_message_next(&mut parameter, b"x", 0).refused(NONE);
        session.encrypt_message_begin(&mut parameter, b"").unwrap();
        session.encrypt_message_begin(&mut parameter, b"").refused(CKR_OPERATION_ACTIVE);
        session.encrypt_message(&mut parameter, b"", b"x").refused(CKR_OPERATION_ACTIVE);
        session.encrypt_message_next(&mut parameter, b"x", 2).refused(CKR_ARGUMENTS_BAD);
        session.encrypt_message_next(&mut parameter, b"x", 0).refused(NONE);
        session.encrypt_message(&mut parameter, b"", b"x").unwrap();
        session.encrypt_message_begin(&mut parameter, b"").unwrap();
        session.message_encrypt_final().unwrap();
        session.message_encrypt_final().refused(NONE);
    });
}

#[test]
fn messages_and_single_operations_have_nothing_to_do_with_each_other() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = begun(session, Aead::Gcm);
        session.encrypt(&Mechanism::gcm(&[1; 12], b""), key, b"single").unwrap();
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        session.encrypt_message(&mut parameter, b"", b"message").unwrap();
        session.encrypt_rest(b"x").refused(NONE);
    });
}

#[test]
fn messages_end_with_a_null_mechanism_a_cancel_and_a_logout() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let null = std::ptr::null_mut();
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        let key = keys::aes(session, template![]);
        session.message_encrypt_init(&parameter.mechanism(), key).unwrap();
        answer(raw_3_2!(C_MessageEncryptInit(session.0, null, 0))).unwrap();
        session.encrypt_message(&mut parameter, b"", b"x").refused(NONE);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![]);
        let hmac = Mechanism::plain(CKM_SHA256_HMAC);
        session.message_encrypt_init(&parameter.mechanism(), key).unwrap();
        session.message_decrypt_init(&parameter.mechanism(), key).unwrap();
        session.message_sign_init(&hmac, secret).unwrap();
        session.message_verify_init(&hmac, secret).unwrap();
        session.cancel(CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_SIGN).unwrap();
        session.message_encrypt_final().refused(NONE);
        session.message_sign_final().refused(NONE);
        session.cancel(CKF_ENCRYPT | CKF_SIGN | CKF_FIND_OBJECTS).unwrap();
        session.decrypt_message_begin(&mut parameter, b"").unwrap();
        session.verify_message_begin().unwrap();
        session.logout().unwrap();
        session.message_decrypt_final().refused(NONE);
        session.message_verify_final().refused(NONE);
    });
}

#[test]
fn what_a_key_may_not_do_alone_it_may_not_do_with_messages() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let gcm = Mechanism::plain(CKM_AES_GCM);
        let no_use = keys::aes(session, template![CKA_ENCRYPT => false, CKA_DECRYPT => false]);
        session.message_encrypt_init(&gcm, no_use).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.message_decrypt_init(&gcm, no_use).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.message_encrypt_init(&gcm, 987_654).refused(CKR_KEY_HANDLE_INVALID);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![CKA_SIGN => false]);
        session.message_encrypt_init(&gcm, secret).refused(CKR_KEY_TYPE_INCONSISTENT);
        let hmac = Mechanism::plain(CKM_SHA256_HMAC);
        session.message_sign_init(&hmac, secret).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        let aes = keys::aes(session, template![]);
        session.message_encrypt_init(&Mechanism::plain(CKM_AES_ECB), aes).refused(CKR_MECHANISM_INVALID);
        session.message_sign_init(&gcm, aes).refused(CKR_MECHANISM_INVALID);
        session.message_encrypt_init(&hmac, secret).refused(CKR_MECHANISM_INVALID);
        session.message_encrypt_init(&Mechanism::bytes(CKM_AES_GCM, &[1; 12]), aes).refused(WRONG);
        let null = std::ptr::null_mut();
        for length in [0, 48] {
            answer(raw_3_2!(C_EncryptMessage(
                session.0,
                null,
                length,
                null.cast(),
                0,
                null.cast(),
                0,
                null.cast(),
                &mut 0
            )))
            .refused(NONE);
        }
    });
}

#[test]
fn parameters_that_cannot_be_are_refused_and_the_process_goes_on() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for aead in generating(4) {
            begun(session, aead);
            let good = Parameter::new(aead, CKG_GENERATE);
            let wrong = [
                Parameter { generator: 99, ..good.clone() },
                Parameter { fixed_bits: 96, ..good.clone() },
                Parameter { fixed_bits: CK_ULONG::MAX, ..good.clone() },
                Parameter { tag: vec![0; 17], ..good.clone() },
                Parameter { tag: vec![0; 3], ..good.clone() },
                Parameter { nonce: vec![0; 200], ..good.clone() },
                Parameter { nonce: vec![], ..good.clone() },
            ];
            for mut parameter in wrong {
                session.encrypt_message(&mut parameter.clone(), b"", b"data").refused(WRONG);
                session.encrypt_message_begin(&mut parameter, b"").refused(WRONG);
            }
            let short = good.clone().with_raw(|at, length| {
                let null = std::ptr::null_mut();
                answer(raw_3_2!(C_EncryptMessageBegin(session.0, at, length - 1, null, 0)))
            });
            short.refused(WRONG);
            let mut first = good.clone();
            session.encrypt_message(&mut first, b"", b"data").unwrap();
            let mut other = Parameter { generator: CKG_GENERATE_COUNTER, ..good.clone() };
            session.encrypt_message(&mut other, b"", b"data").refused(WRONG);
            session.encrypt_message_begin(&mut good.clone(), b"").unwrap();
            let mut cut = Parameter { tag: vec![0; 8], ..good.clone() };
            session.encrypt_message_next(&mut cut, b"data", CKF_END_OF_MESSAGE).refused(WRONG);
            session.encrypt_message(&mut good.clone(), b"", b"data").unwrap();
        }
        begun(session, Aead::ChaCha20Poly1305);
        for length in [0, 8, 11, 13, 24] {
            let mut parameter =
                Parameter::new(Aead::ChaCha20Poly1305, CKG_NO_GENERATE).with(&vec![1; length]);
            session.encrypt_message(&mut parameter, b"", b"data").refused(WRONG);
        }
        begun(session, Aead::Ccm(4));
        let mut parameter = Parameter::new(Aead::Ccm(4), CKG_GENERATE);
        session.encrypt_message(&mut parameter, b"", b"too long").refused(CKR_DATA_LEN_RANGE);
        session.encrypt_message(&mut parameter, b"", b"data").unwrap();
    });
}

/// Mechanisms of every kind of signature, with their keys: to verify and to sign.
fn signatures(session: Session) -> Vec<(Mechanism, (Handle, Handle))> {
    let rsa = keys::rsa(session, 2048, template![]);
    let ec = keys::ec(session, keys::P256, template![]);
    let edwards = keys::edwards(session, keys::ED25519);
    let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![]);
    let aes = keys::aes(session, template![]);
    vec![
        (Mechanism::plain(CKM_SHA256_RSA_PKCS), rsa),
        (Mechanism::plain(CKM_ECDSA_SHA384), ec),
        (Mechanism::plain(CKM_EDDSA), edwards),
        (Mechanism::plain(CKM_SHA256_HMAC), (secret, secret)),
        (Mechanism::plain(CKM_AES_CMAC), (aes, aes)),
    ]
}

#[test]
fn messages_are_signed_and_verified_whole_and_in_parts() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (mechanism, (public, private)) in signatures(session) {
            session.message_sign_init(&mechanism, private).unwrap();
            session.message_verify_init(&mechanism, public).unwrap();
            for round in 0..3 {
                let data = input(100 + round);
                let whole = session.sign_message(&data).unwrap();
                session.sign_message_begin().unwrap();
                session.sign_message_next(&data[..40]).unwrap();
                session.sign_message_next(&[]).unwrap();
                let parts = session.sign_message_last(&data[40..]).unwrap();
                for signature in [whole, parts] {
                    session.verify(&mechanism, public, &data, &signature).unwrap();
                    session.verify_message(&data, &signature).unwrap();
                    session.verify_message_begin().unwrap();
                    session.verify_message_next(&data[..1], &[]).unwrap();
                    session.verify_message_next(&data[1..], &signature).unwrap();
                    session.verify_message(&data[1..], &signature).refused(CKR_SIGNATURE_INVALID);
                    session
                        .verify_message(&data, &signature[1..])
                        .refused_by_one_of(&[CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID]);
                }
            }
            session.message_sign_final().unwrap();
            session.message_verify_final().unwrap();
        }
    });
}

#[test]
fn signed_messages_come_one_after_the_other() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![]);
        let hmac = Mechanism::plain(CKM_SHA256_HMAC);
        session.sign_message(b"x").refused(NONE);
        session.verify_message(b"x", &[0; 32]).refused(NONE);
        session.message_sign_init(&hmac, key).unwrap();
        session.message_sign_init(&hmac, key).refused(CKR_OPERATION_ACTIVE);
        session.sign_message_next(b"x").refused(NONE);
        session.sign_message_last(b"x").refused(NONE);
        session.sign_message_begin().unwrap();
        session.sign_message_begin().refused(CKR_OPERATION_ACTIVE);
        session.sign_message(b"x").refused(CKR_OPERATION_ACTIVE);
        let mut parameter = [1u8; 4];
        let at = parameter.as_mut_ptr().cast();
        answer(raw_3_2!(C_SignMessageBegin(session.0, at, 4))).refused(WRONG);
        let null: *mut u8 = std::ptr::null_mut();
        answer(raw_3_2!(C_SignMessageNext(session.0, null.cast(), 0, null, 5, null, null.cast())))
            .refused(CKR_ARGUMENTS_BAD);
        session.sign_message_next(b"x").refused(NONE);
        session.sign_message(b"x").unwrap();
        session.message_verify_init(&hmac, key).unwrap();
        session.verify_message_begin().unwrap();
        session.verify_message_next(b"x", &[0; 32]).refused(CKR_SIGNATURE_INVALID);
        session.verify_message_next(b"x", &[]).refused(NONE);
        session.message_verify_final().unwrap();
    });
}

#[test]
fn a_key_that_wants_its_pin_each_time_wants_it_for_each_message() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let always = template![CKA_ALWAYS_AUTHENTICATE => true];
        let (public, private) = keys::rsa(session, 2048, always);
        let mechanism = Mechanism::plain(CKM_SHA256_RSA_PKCS);
        session.message_sign_init(&mechanism, private).unwrap();
        for round in [b"one", b"two"] {
            session.sign_message(round).refused(CKR_USER_NOT_LOGGED_IN);
            session.sign_message_begin().refused(CKR_USER_NOT_LOGGED_IN);
            session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
            let signature = session.sign_message(round).unwrap();
            session.verify(&mechanism, public, round, &signature).unwrap();
        }
        session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).refused(NONE);
    });
}
