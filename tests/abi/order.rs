//! Operations begin, go on and end in the standard's order, and nothing finished or failed stays open.

use crate::common::cases::input;
use crate::common::*;

fn cbc() -> Mechanism {
    Mechanism::bytes(CKM_AES_CBC, &[4; 16])
}

fn hmac() -> Mechanism {
    Mechanism::plain(CKM_SHA256_HMAC)
}

fn hmac_key(session: Session) -> Handle {
    keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], template![])
}

const NONE: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

#[test]
fn nothing_goes_on_that_has_not_begun() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.encrypt_rest(&[0; 16]).refused(NONE);
        session.encrypt_update(&[0; 16]).refused(NONE);
        session.encrypt_final().refused(NONE);
        session.decrypt_rest(&[0; 16]).refused(NONE);
        session.decrypt_update(&[0; 16]).refused(NONE);
        session.decrypt_final().refused(NONE);
        session.digest_rest(b"x").refused(NONE);
        session.digest_update(b"x").refused(NONE);
        session.digest_final().refused(NONE);
        session.sign_rest(b"x").refused(NONE);
        session.sign_update(b"x").refused(NONE);
        session.sign_final().refused(NONE);
        session.verify_rest(b"x", &[0; 32]).refused(NONE);
        session.verify_update(b"x").refused(NONE);
        session.verify_final(&[0; 32]).refused(NONE);
        session.sign_recover_rest(b"x").refused(NONE);
        session.verify_recover_rest(&[0; 256]).refused(NONE);
        session.digest_encrypt_update(&[0; 16]).refused(NONE);
        session.decrypt_digest_update(&[0; 16]).refused(NONE);
        session.sign_encrypt_update(&[0; 16]).refused(NONE);
        session.decrypt_verify_update(&[0; 16]).refused(NONE);
        session.digest_key(keys::aes(session, template![])).refused(NONE);
    });
}

#[test]
fn a_second_beginning_is_refused_and_the_first_goes_on() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        let sha = Mechanism::plain(CKM_SHA256);
        session.encrypt_init(&cbc(), aes).unwrap();
        session.encrypt_init(&cbc(), aes).refused(CKR_OPERATION_ACTIVE);
        assert_eq!(session.encrypt_rest(&[0; 16]).unwrap().len(), 16);
        session.decrypt_init(&cbc(), aes).unwrap();
        session.decrypt_init(&cbc(), aes).refused(CKR_OPERATION_ACTIVE);
        assert_eq!(session.decrypt_rest(&[0; 16]).unwrap().len(), 16);
        session.digest_init(&sha).unwrap();
        session.digest_init(&sha).refused(CKR_OPERATION_ACTIVE);
        session.digest_rest(b"x").unwrap();
        session.sign_init(&hmac(), key).unwrap();
        session.sign_init(&hmac(), key).refused(CKR_OPERATION_ACTIVE);
        session.sign_rest(b"x").unwrap();
        session.verify_init(&hmac(), key).unwrap();
        session.verify_init(&hmac(), key).refused(CKR_OPERATION_ACTIVE);
        session.verify_rest(b"x", &[0; 32]).refused(CKR_SIGNATURE_INVALID);
    });
}

#[test]
fn a_finished_operation_is_closed() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        let encrypted = session.encrypt(&cbc(), aes, &[0; 16]).unwrap();
        session.encrypt_rest(&[0; 16]).refused(NONE);
        session.encrypt_init(&cbc(), aes).unwrap();
        session.encrypt_update(&[0; 16]).unwrap();
        session.encrypt_final().unwrap();
        session.encrypt_final().refused(NONE);
        session.decrypt(&cbc(), aes, &encrypted).unwrap();
        session.decrypt_update(&encrypted).refused(NONE);
        session.digest(&Mechanism::plain(CKM_SHA256), b"x").unwrap();
        session.digest_update(b"x").refused(NONE);
        let mac = session.sign(&hmac(), key, b"x").unwrap();
        session.sign_update(b"x").refused(NONE);
        session.verify(&hmac(), key, b"x", &mac).unwrap();
        session.verify_update(b"x").refused(NONE);
    });
}

#[test]
fn a_failed_operation_is_closed() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        let cbc_pad = Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16]);
        session.encrypt(&cbc(), aes, &[0; 15]).refused(CKR_DATA_LEN_RANGE);
        session.encrypt(&cbc(), aes, &[0; 16]).unwrap();
        session.decrypt(&cbc(), aes, &[0; 15]).refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        session
            .decrypt(&cbc_pad, aes, &[0; 16])
            .refused_by_one_of(&[CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE]);
        session.decrypt_rest(&[0; 16]).refused(NONE);
        session.encrypt_init(&cbc(), aes).unwrap();
        session.encrypt_update(&[0; 15]).unwrap();
        session.encrypt_final().refused(CKR_DATA_LEN_RANGE);
        session.encrypt_final().refused(NONE);
        session.decrypt_init(&cbc(), aes).unwrap();
        session.decrypt_update(&[0; 15]).unwrap();
        session.decrypt_final().refused(CKR_ENCRYPTED_DATA_LEN_RANGE);
        session.decrypt_final().refused(NONE);
        session.verify(&hmac(), key, b"x", &[0; 32]).refused(CKR_SIGNATURE_INVALID);
        session.verify_rest(b"x", &[0; 32]).refused(NONE);
        session.verify(&hmac(), key, b"x", &[0; 31]).refused(CKR_SIGNATURE_LEN_RANGE);
        session.verify_rest(b"x", &[0; 32]).refused(NONE);
        session.verify_init(&hmac(), key).unwrap();
        session.verify_update(b"x").unwrap();
        session.verify_final(&[0; 32]).refused(CKR_SIGNATURE_INVALID);
        session.verify_final(&[0; 32]).refused(NONE);
        let (_, rsa) = keys::rsa(session, 2048, template![]);
        session.sign(&Mechanism::plain(CKM_RSA_PKCS), rsa, &[0; 250]).refused(CKR_DATA_LEN_RANGE);
        session.sign_rest(b"x").refused(NONE);
        session.sign(&Mechanism::plain(CKM_RSA_PKCS), rsa, &[0; 50]).unwrap();
    });
}

#[test]
fn an_operation_that_could_not_begin_is_closed() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![CKA_ENCRYPT => false]);
        session.encrypt_init(&cbc(), aes).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.encrypt_init(&Mechanism::plain(CKM_SHA256), aes).refused(CKR_MECHANISM_INVALID);
        session.encrypt_init(&cbc(), aes + 1000).refused(CKR_KEY_HANDLE_INVALID);
        let other = keys::aes(session, template![]);
        session
            .encrypt_init(&Mechanism::bytes(CKM_AES_CBC, &[0; 15]), other)
            .refused(CKR_MECHANISM_PARAM_INVALID);
        session.encrypt_rest(&[0; 16]).refused(NONE);
        session.encrypt(&cbc(), other, &[0; 16]).unwrap();
    });
}

#[test]
fn one_part_and_several_parts_do_not_mix() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        let refusals = [CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED];
        let sha = Mechanism::plain(CKM_SHA256);
        session.digest_init(&sha).unwrap();
        session.digest_update(b"first").unwrap();
        session.digest_rest(b"second").refused_by_one_of(&refusals);
        session.encrypt_init(&cbc(), aes).unwrap();
        session.encrypt_update(&[0; 16]).unwrap();
        session.encrypt_rest(&[0; 16]).refused_by_one_of(&refusals);
        session.decrypt_init(&cbc(), aes).unwrap();
        session.decrypt_update(&[0; 16]).unwrap();
        session.decrypt_rest(&[0; 16]).refused_by_one_of(&refusals);
        session.sign_init(&hmac(), key).unwrap();
        session.sign_update(b"first").unwrap();
        session.sign_rest(b"second").refused_by_one_of(&refusals);
        session.verify_init(&hmac(), key).unwrap();
        session.verify_update(b"first").unwrap();
        session.verify_rest(b"second", &[0; 32]).refused_by_one_of(&refusals);
    });
}

#[test]
fn updates_of_no_bytes_are_fine() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        let sha = Mechanism::plain(CKM_SHA256);
        let of_nothing = session.digest(&sha, b"").unwrap();
        session.digest_init(&sha).unwrap();
        session.digest_update(b"").unwrap();
        assert_eq!(session.digest_final().unwrap(), of_nothing);
        session.digest_init(&sha).unwrap();
        assert_eq!(session.digest_final().unwrap(), of_nothing);
        session.sign_init(&hmac(), key).unwrap();
        session.sign_update(b"").unwrap();
        let mac = session.sign_final().unwrap();
        session.verify(&hmac(), key, b"", &mac).unwrap();
        session.encrypt_init(&cbc(), aes).unwrap();
        assert_eq!(session.encrypt_update(b"").unwrap(), b"");
        assert_eq!(session.encrypt_final().unwrap(), b"");
        assert_eq!(session.encrypt(&cbc(), aes, b"").unwrap(), b"");
        let padded = Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16]);
        let encrypted = session.encrypt(&padded, aes, b"").unwrap();
        assert_eq!(encrypted.len(), 16);
        assert_eq!(session.decrypt(&padded, aes, &encrypted).unwrap(), b"");
        let gcm = Mechanism::gcm(&[1; 12], b"");
        let encrypted = session.encrypt(&gcm, aes, b"").unwrap();
        assert_eq!(encrypted.len(), 16);
        assert_eq!(session.decrypt(&gcm, aes, &encrypted).unwrap(), b"");
    });
}

#[test]
fn a_session_has_one_operation_of_each_kind_at_a_time() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        session.encrypt_init(&cbc(), aes).unwrap();
        session.find_init(&template![]).unwrap();
        let other = token.public();
        other.sign_init(&hmac(), key).unwrap();
        other.encrypt_init(&cbc(), aes).unwrap();
        session.digest_update(b"x").unwrap();
        session.encrypt_rest(&[0; 16]).unwrap();
        assert!(!session.find_next(5).unwrap().is_empty());
        session.find_final().unwrap();
        session.digest_final().unwrap();
        other.encrypt_rest(&[0; 16]).unwrap();
        other.sign_rest(b"x").unwrap();
    });
}

#[test]
fn two_operations_are_driven_at_once() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        let sha = Mechanism::plain(CKM_SHA256);
        let data = [6u8; 48];
        let digest = session.digest(&sha, &data).unwrap();
        let encrypted = session.encrypt(&cbc(), aes, &data).unwrap();
        let mac = session.sign(&hmac(), key, &data).unwrap();

        session.digest_init(&sha).unwrap();
        session.encrypt_init(&cbc(), aes).unwrap();
        let mut both = session.digest_encrypt_update(&data).unwrap();
        both.extend(session.encrypt_final().unwrap());
        assert_eq!(both, encrypted);
        assert_eq!(session.digest_final().unwrap(), digest);

        session.sign_init(&hmac(), key).unwrap();
        session.encrypt_init(&cbc(), aes).unwrap();
        let mut both = session.sign_encrypt_update(&data).unwrap();
        both.extend(session.encrypt_final().unwrap());
        assert_eq!(both, encrypted);
        assert_eq!(session.sign_final().unwrap(), mac);
    });
}

#[test]
fn what_is_decrypted_is_digested_and_verified_at_once() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (aes, key) = (keys::aes(session, template![]), hmac_key(session));
        let sha = Mechanism::plain(CKM_SHA256);
        let data = [6u8; 48];
        let digest = session.digest(&sha, &data).unwrap();
        let encrypted = session.encrypt(&cbc(), aes, &data).unwrap();
        let mac = session.sign(&hmac(), key, &data).unwrap();

        session.digest_init(&sha).unwrap();
        session.decrypt_init(&cbc(), aes).unwrap();
        let mut decrypted = session.decrypt_digest_update(&encrypted).unwrap();
        decrypted.extend(session.decrypt_final().unwrap());
        assert_eq!(decrypted, data);
        assert_eq!(session.digest_final().unwrap(), digest);

        session.verify_init(&hmac(), key).unwrap();
        session.decrypt_init(&cbc(), aes).unwrap();
        assert_eq!(session.decrypt_verify_update(&encrypted).unwrap(), data);
        session.decrypt_final().unwrap();
        session.verify_final(&mac).unwrap();
    });
}

#[test]
fn an_operation_is_cancelled() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        session.encrypt_init(&cbc(), aes).unwrap();
        session.find_init(&template![]).unwrap();
        session.cancel(CKF_ENCRYPT).unwrap();
        session.encrypt_rest(&[0; 16]).refused(NONE);
        session.find_next(1).unwrap();
        session.cancel(CKF_FIND_OBJECTS).unwrap();
        session.find_next(1).refused(NONE);
        session.encrypt_init(&cbc(), aes).unwrap();
        // 3.x: an Init without a mechanism ends the operation.
        let none = std::ptr::null_mut();
        assert_eq!(Rv(raw!(C_EncryptInit(session.0, none, CK_INVALID_HANDLE))), Rv(CKR_OK));
        session.encrypt_rest(&[0; 16]).refused(NONE);
    });
}

#[test]
fn a_key_may_go_while_it_is_at_work() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for changes in [template![], template![CKA_TOKEN => true]] {
            let aes = keys::aes(session, changes);
            session.encrypt_init(&cbc(), aes).unwrap();
            session.encrypt_update(&[0; 16]).unwrap();
            token.public().destroy(aes).unwrap();
            // Whether the operation goes on or ends with its key is the module's choice; it must end.
            let _ = session.encrypt_update(&[0; 16]);
            let _ = session.encrypt_final();
            session.encrypt_final().refused(NONE);
        }
    });
}

#[test]
fn logging_out_ends_work_with_private_keys() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        session.decrypt_init(&cbc(), aes).unwrap();
        session.logout().unwrap();
        session.decrypt_rest(&[0; 16]).refused_by_one_of(&[NONE, CKR_USER_NOT_LOGGED_IN]);
    });
}

#[test]
fn a_signature_or_data_of_another_length_is_refused_and_leaves_nothing_open() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = keys::rsa(session, 2048, template![]);
        for (mechanism, hashes) in [
            (Mechanism::plain(CKM_RSA_PKCS), false),
            (Mechanism::plain(CKM_RSA_X_509), false),
            (Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32), false),
            (Mechanism::plain(CKM_SHA256_RSA_PKCS), true),
            (Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32), true),
        ] {
            let data = [7; 32];
            let signature = session.sign(&mechanism, private, &data).unwrap();
            let longer = [&signature[..], b"x"].concat();
            for other in [&signature[..255], &signature[..1], &longer] {
                session
                    .verify(&mechanism, public, &data, other)
                    .refused_by_one_of(&[CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID]);
                session.verify_rest(&data, &signature).refused(NONE);
                session.verify(&mechanism, public, &data, &signature).unwrap();
            }
            let refusals = [CKR_SIGNATURE_INVALID, CKR_DATA_LEN_RANGE];
            for length in [0, 1, 31, 33, 255, 256, 257, 5000] {
                let answer = session.verify(&mechanism, public, &input(length), &signature);
                answer.refused_by_one_of(&refusals[..if hashes { 1 } else { 2 }]);
                session.verify_rest(&data, &signature).refused(NONE);
                session.verify(&mechanism, public, &data, &signature).unwrap();
            }
        }
    });
}
