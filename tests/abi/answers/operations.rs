//! Answers of what works with data: single operations, two at once, and messages.

use super::*;

/// Begins something: an operation or messages.
struct Beginning {
    name: &'static str,
    /// The mechanism, and its parameter as it can't be.
    good: Mechanism,
    wrong: Mechanism,
    /// The key, one of another type, and one that may not.
    keys: [Handle; 3],
}

fn beginnings(session: Session) -> Vec<Beginning> {
    let plain = Mechanism::plain;
    let no = template![
        CKA_ENCRYPT => false, CKA_DECRYPT => false, CKA_SIGN => false, CKA_VERIFY => false,
    ];
    let (aes, no_aes) = (keys::aes(session, template![]), keys::aes(session, no.clone()));
    let (public, private) = keys::rsa(session, 2048, template![]);
    let (no_public, no_private) =
        keys::rsa(session, 2048, template![CKA_SIGN => false, CKA_SIGN_RECOVER => false]);
    let no_verify = template![CKA_VERIFY => false, CKA_VERIFY_RECOVER => false];
    session.set(no_public, &no_verify).unwrap();
    let cbc = || Mechanism::bytes(CKM_AES_CBC, &[1; 16]);
    let pss = || Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
    let beginning = |name, good, wrong, keys| Beginning { name, good, wrong, keys };
    let odd = || Mechanism::bytes(CKM_RSA_PKCS, &[1; 3]);
    vec![
        beginning("C_EncryptInit", cbc(), plain(CKM_AES_CBC), [aes, public, no_aes]),
        beginning("C_DecryptInit", cbc(), plain(CKM_AES_CBC), [aes, private, no_aes]),
        beginning("C_SignInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [private, aes, no_private]),
        beginning("C_VerifyInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [public, aes, no_public]),
        beginning("C_SignRecoverInit", plain(CKM_RSA_PKCS), odd(), [private, aes, no_private]),
        beginning("C_VerifyRecoverInit", plain(CKM_RSA_PKCS), odd(), [public, aes, no_public]),
        beginning(
            "C_MessageEncryptInit",
            plain(CKM_AES_GCM),
            Mechanism::bytes(CKM_AES_GCM, &[1; 3]),
            [aes, public, no_aes],
        ),
        beginning(
            "C_MessageDecryptInit",
            plain(CKM_AES_GCM),
            Mechanism::bytes(CKM_AES_GCM, &[1; 3]),
            [aes, private, no_aes],
        ),
        beginning("C_MessageSignInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [private, aes, no_private]),
        beginning("C_MessageVerifyInit", pss(), plain(CKM_SHA256_RSA_PKCS_PSS), [public, aes, no_public]),
    ]
}

#[test]
fn beginnings_are_refused_for_what_is_wrong_with_them() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for Beginning { name, good, wrong, keys: [key, other, no] } in beginnings(session) {
            let begin = |mechanism: &Mechanism, key| call(name, &[session.0, mechanism.as_ptr() as u64, key]);
            begin(&Mechanism::plain(0x7fff_ffff), key).refused(CKR_MECHANISM_INVALID);
            begin(&wrong, key).refused(WRONG);
            begin(&good, NOWHERE).refused(CKR_KEY_HANDLE_INVALID);
            begin(&good, other).refused(CKR_KEY_TYPE_INCONSISTENT);
            begin(&good, no).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
            begin(&good, key).unwrap();
            begin(&good, key).refused(CKR_OPERATION_ACTIVE);
        }
        session.digest_init(&Mechanism::bytes(CKM_SHA256, &[1; 3])).refused(WRONG);
    });
}

#[test]
fn a_key_that_wants_its_pin_each_time_wants_it_in_every_function() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (_, key) = keys::rsa(session, 2048, template![CKA_ALWAYS_AUTHENTICATE => true]);
        let refused = CKR_USER_NOT_LOGGED_IN;
        session.decrypt_init(&Mechanism::plain(CKM_RSA_PKCS), key).unwrap();
        session.decrypt_rest(&[1; 256]).refused(refused);
        session.decrypt_update(&[1; 256]).refused(refused);
        session.decrypt_final().refused(refused);
        session.sign_init(&Mechanism::plain(CKM_SHA256_RSA_PKCS), key).unwrap();
        session.sign_update(b"x").refused(refused);
        session.sign_final().refused(refused);
        session.cancel(CKF_DECRYPT | CKF_SIGN).unwrap();
        session.sign_recover_init(&Mechanism::plain(CKM_RSA_PKCS), key).unwrap();
        session.sign_recover_rest(b"x").refused(refused);
    });
}

#[test]
fn data_and_signatures_of_lengths_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let (public, private) = keys::rsa(session, 2048, template![]);
        let (ccm, raw) = (Mechanism::ccm(4, &[1; 12], b"", 8), Mechanism::plain(CKM_RSA_PKCS));
        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let (long, signature) = ([7; 5000], session.sign(&pss, private, &[1; 32]).unwrap());
        session.encrypt(&ccm, aes, b"five!").refused(CKR_DATA_LEN_RANGE);
        session.decrypt(&ccm, aes, &long).refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        session.decrypt(&Mechanism::gcm(&[1; 12], b""), aes, &[1; 40]).refused(CKR_ENCRYPTED_DATA_INVALID);
        session.sign(&raw, private, &long).refused(CKR_DATA_LEN_RANGE);
        session.sign(&pss, private, b"five!").refused(CKR_DATA_LEN_RANGE);
        session.verify(&raw, public, &long, &signature).refused(CKR_DATA_LEN_RANGE);
        session.verify(&pss, public, b"five!", &signature).refused(CKR_DATA_LEN_RANGE);
        session.verify(&pss, public, &[1; 32], &signature[1..]).refused(CKR_SIGNATURE_LEN_RANGE);
        session.sign_recover_init(&raw, private).unwrap();
        session.sign_recover_rest(&long).refused(CKR_DATA_LEN_RANGE);
        session.verify_recover_init(&raw, public).unwrap();
        session.verify_recover_rest(&signature[1..]).refused(CKR_SIGNATURE_LEN_RANGE);
        let numbers = Mechanism::plain(CKM_RSA_X_509);
        session.encrypt(&numbers, public, &[0xff; 256]).refused(CKR_DATA_INVALID);
        session.sign(&numbers, private, &[0xff; 256]).refused(CKR_DATA_INVALID);
        session.sign_recover_init(&numbers, private).unwrap();
        session.sign_recover_rest(&[0xff; 256]).refused(CKR_DATA_INVALID);
        session.message_sign_init(&numbers, private).unwrap();
        session.sign_message(&[0xff; 256]).refused(CKR_DATA_INVALID);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 300], template![]);
        session.wrap(&raw, public, secret).refused(CKR_KEY_SIZE_RANGE);
    });
}

#[test]
fn parts_of_lengths_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let (public, private) = keys::rsa(session, 2048, template![]);
        let (ccm, raw) = (Mechanism::ccm(4, &[1; 12], b"", 8), Mechanism::plain(CKM_RSA_PKCS));
        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let (long, signature) = ([7; 5000], session.sign(&pss, private, &[1; 32]).unwrap());
        session.encrypt_init(&ccm, aes).unwrap();
        session.encrypt_update(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.decrypt_init(&ccm, aes).unwrap();
        session.decrypt_update(&long).refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        session.sign_init(&raw, private).unwrap();
        session.sign_update(&long).refused(CKR_DATA_LEN_RANGE);
        session.verify_init(&raw, public).unwrap();
        session.verify_update(&long).refused(CKR_DATA_LEN_RANGE);
        session.verify_init(&pss, public).unwrap();
        session.verify_update(b"five!").unwrap();
        session.verify_final(&signature).refused(CKR_DATA_LEN_RANGE);
    });
}

/// What comes out at the end of an operation in parts, wherever its parts are.
#[test]
fn parts_that_make_nothing_valid_are_refused_at_the_end() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let (public, private) = keys::rsa(session, 2048, template![]);
        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let signature = session.sign(&pss, private, &[1; 32]).unwrap();
        session.decrypt_init(&Mechanism::gcm(&[1; 12], b""), aes).unwrap();
        session.decrypt_update(&[1; 40]).unwrap();
        session.decrypt_final().refused(CKR_ENCRYPTED_DATA_INVALID);
        session.sign_init(&pss, private).unwrap();
        session.sign_update(b"five!").unwrap();
        session.sign_final().refused(CKR_DATA_LEN_RANGE);
        session.verify_init(&pss, public).unwrap();
        session.verify_update(&[1; 32]).unwrap();
        session.verify_final(&signature[1..]).refused(CKR_SIGNATURE_LEN_RANGE);
    });
}

#[test]
fn two_operations_at_once_refuse_what_either_refuses() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 300], template![]);
        let (public, _) = keys::rsa(session, 2048, template![]);
        let (ccm, cbc) = (Mechanism::ccm(4, &[1; 12], b"", 8), Mechanism::bytes(CKM_AES_CBC, &[1; 16]));
        session.encrypt_init(&ccm, aes).unwrap();
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        session.digest_encrypt_update(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.encrypt_init(&ccm, aes).unwrap();
        session.sign_init(&Mechanism::plain(CKM_SHA256_HMAC), secret).unwrap();
        session.sign_encrypt_update(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.decrypt_init(&cbc, aes).unwrap();
        session.verify_init(&Mechanism::plain(CKM_RSA_PKCS), public).unwrap();
        session.decrypt_verify_update(&[1; 4096]).refused(CKR_DATA_LEN_RANGE);
    });
}

#[test]
fn messages_of_lengths_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let (public, private) = keys::rsa(session, 2048, template![]);
        let mut ccm = Parameter::new(Aead::Ccm(4), CKG_NO_GENERATE);
        session.message_decrypt_init(&ccm.mechanism(), aes).unwrap();
        session.decrypt_message(&mut ccm, b"", b"five!").refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        session.decrypt_message_begin(&mut ccm, b"").unwrap();
        session.decrypt_message_begin(&mut ccm, b"").refused(CKR_OPERATION_ACTIVE);
        session.decrypt_message(&mut ccm, b"", b"four").refused(CKR_OPERATION_ACTIVE);
        session.cancel(CKF_MESSAGE_DECRYPT).unwrap();
        session.decrypt_message_begin(&mut ccm, b"").refused(CKR_OPERATION_NOT_INITIALIZED);

        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let signature = session.sign(&pss, private, &[1; 32]).unwrap();
        session.sign_message_begin().refused(CKR_OPERATION_NOT_INITIALIZED);
        session.verify_message_begin().refused(CKR_OPERATION_NOT_INITIALIZED);
        session.message_sign_init(&pss, private).unwrap();
        session.message_verify_init(&pss, public).unwrap();
        session.sign_message(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.sign_message_begin().unwrap();
        session.sign_message_last(b"five!").refused(CKR_DATA_LEN_RANGE);
        session.verify_message(b"five!", &signature).refused(CKR_DATA_LEN_RANGE);
        session.verify_message_begin().unwrap();
        session.verify_message_begin().refused(CKR_OPERATION_ACTIVE);
        session.verify_message(&[1; 32], &signature).refused(CKR_OPERATION_ACTIVE);
        session.verify_message_next(b"five!", &signature).refused(CKR_DATA_LEN_RANGE);
        session.verify_message_begin().unwrap();
        session.verify_message_next(&[1; 32], &signature[1..]).refused(CKR_SIGNATURE_LEN_RANGE);
        let parameter = [1u8; 4];
        for name in [
            "C_SignMessage",
            "C_SignMessageNext",
            "C_VerifyMessage",
            "C_VerifyMessageBegin",
            "C_VerifyMessageNext",
        ] {
            call(name, &[session.0, at(&parameter), 4]).refused(WRONG);
        }
    });
}

#[test]
fn parts_of_messages_of_lengths_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let mut ccm = Parameter::new(Aead::Ccm(4), CKG_NO_GENERATE);
        session.message_encrypt_init(&ccm.mechanism(), aes).unwrap();
        session.message_decrypt_init(&ccm.mechanism(), aes).unwrap();
        session.encrypt_message_begin(&mut ccm, b"").unwrap();
        session.encrypt_message_next(&mut ccm, b"five!", 0).refused(CKR_DATA_LEN_RANGE);
        session.decrypt_message_begin(&mut ccm, b"").unwrap();
        session.decrypt_message_next(&mut ccm, &[1; 50], 0).refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        let mut odd = Parameter { tag: vec![0; 3], ..ccm.clone() };
        session.decrypt_message(&mut odd, b"", b"four").refused(WRONG);
        session.decrypt_message_begin(&mut odd, b"").refused(WRONG);
        session.decrypt_message_begin(&mut ccm, b"").unwrap();
        session.decrypt_message_next(&mut odd, b"four", CKF_END_OF_MESSAGE).refused(WRONG);
    });
}

/// Calls `name` with a place of one byte, whose length stands between these arguments.
fn too_small(name: &str, before: &[u64], after: &[u64]) {
    let mut length = 1u64;
    let length = &raw mut length as u64;
    call(name, &[before, &[length], after].concat()).refused(CKR_BUFFER_TOO_SMALL);
}

#[test]
fn small_buffers_are_told_so_in_every_function() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![]);
        let data = [1u8; 16];
        let data = at(&data);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        session.message_decrypt_init(&parameter.mechanism(), aes).unwrap();
        parameter.with_raw(|at, size| {
            too_small("C_DecryptMessage", &[session.0, at as u64, size, 0, 0, data, 16, data], &[]);
        });
        session.message_sign_init(&Mechanism::plain(CKM_SHA256_HMAC), secret).unwrap();
        too_small("C_SignMessage", &[session.0, 0, 0, data, 16, data], &[]);
        session.sign_message_begin().unwrap();
        too_small("C_SignMessageNext", &[session.0, 0, 0, data, 16, data], &[]);
        parameter.with_raw(|parameter, size| {
            let gcm = CK_MECHANISM { mechanism: CKM_AES_GCM, pParameter: parameter, ulParameterLen: size };
            too_small("C_WrapKeyAuthenticated", &[session.0, at(&gcm), aes, secret, 0, 0, data], &[]);
        });
    });
}

#[test]
fn small_buffers_are_told_so_for_every_part() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![]);
        let data = [1u8; 16];
        let data = at(&data);
        let mut parameter = Parameter::new(Aead::Gcm, CKG_GENERATE);
        session.message_encrypt_init(&parameter.mechanism(), aes).unwrap();
        session.message_decrypt_init(&parameter.mechanism(), aes).unwrap();
        session.encrypt_message_begin(&mut parameter, b"").unwrap();
        session.decrypt_message_begin(&mut parameter, b"").unwrap();
        parameter.with_raw(|at, size| {
            let part = [session.0, at as u64, size, data, 16, data];
            too_small("C_EncryptMessageNext", &part, &[0]);
            too_small("C_DecryptMessageNext", &part, &[CKF_END_OF_MESSAGE]);
        });
        let (cbc, hmac) = (Mechanism::bytes(CKM_AES_CBC, &[1; 16]), Mechanism::plain(CKM_SHA256_HMAC));
        session.encrypt_init(&cbc, aes).unwrap();
        session.sign_init(&hmac, secret).unwrap();
        too_small("C_SignEncryptUpdate", &[session.0, data, 16, data], &[]);
        session.decrypt_init(&cbc, aes).unwrap();
        session.verify_init(&hmac, secret).unwrap();
        too_small("C_DecryptVerifyUpdate", &[session.0, data, 16, data], &[]);
    });
}
