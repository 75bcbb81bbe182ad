//! Answers of encapsulation, of signatures that are known first, and of derivation functions.

use super::*;

/// Parameters in a form that names no curve.
const NO_CURVE: &[u8] = &[0x30, 0];

/// A template without a length.
fn secret() -> Template {
    template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false]
}

#[test]
fn shared_secrets_are_refused_for_what_is_wrong_with_them() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = keys::pqc(session, CKK_ML_KEM, CKP_ML_KEM_512, template![]);
        let kem = Mechanism::plain(CKM_ML_KEM);
        let (ciphertext, _) = session.encapsulate(&kem, public, &secret()).unwrap();
        let open = |mechanism: &Mechanism, template: &Template| {
            session.decapsulate(mechanism, private, &ciphertext, template)
        };
        open(&Mechanism::bytes(CKM_ML_KEM, &[1]), &secret()).refused(WRONG);
        open(&Mechanism::plain(CKM_ML_DSA), &secret()).refused(CKR_MECHANISM_INVALID);
        let strange = secret().and(&template![0x7fff_ffff => 1u64]);
        open(&kem, &strange).refused(CKR_ATTRIBUTE_TYPE_INVALID);
        session.encapsulate(&kem, public, &strange).refused(CKR_ATTRIBUTE_TYPE_INVALID);

        let (public, private) = keys::ec(session, keys::P256, template![]);
        let ecdh = Mechanism::ecdh(CKM_ECDH1_DERIVE, CKD_SHA256_KDF, b"", b"");
        session.encapsulate(&ecdh, public, &secret()).refused(CKR_TEMPLATE_INCOMPLETE);
        let long = secret().and(&template![CKA_VALUE_LEN => 20u64]);
        let (ciphertext, _) = session.encapsulate(&ecdh, public, &long).unwrap();
        session.decapsulate(&ecdh, private, &ciphertext, &secret()).refused(CKR_TEMPLATE_INCOMPLETE);
        session.decapsulate(&ecdh, private, &[4; 65], &long).refused(CKR_WRAPPED_KEY_INVALID);
        let other = Mechanism::ecdh(CKM_ECDH1_DERIVE, CKD_SHA256_KDF, b"", &ciphertext);
        session.derive(&other, private, &secret()).refused(CKR_TEMPLATE_INCOMPLETE);

        session.logout().unwrap();
        session.encapsulate(&ecdh, public, &long).refused(CKR_USER_NOT_LOGGED_IN);
    });
}

#[test]
fn parameters_of_keys_that_cannot_be_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let public = keys::public_template().and(&template![CKA_EC_PARAMS => NO_CURVE]);
        let pair = Mechanism::plain(CKM_EC_KEY_PAIR_GEN);
        let answer = session.generate_pair(&pair, &public, &keys::private_template());
        answer.refused(CKR_DOMAIN_PARAMS_INVALID);
        let point =
            template![CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_POINT => &[4, 1, 4]];
        session.create(&public.and(&point)).refused(CKR_DOMAIN_PARAMS_INVALID);
    });
}

#[test]
fn keys_of_a_size_that_a_mechanism_does_not_take_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (key, mechanism) = (keys::aes(session, template![]), Mechanism::plain(CKM_AES_XCBC_MAC));
        for name in ["C_SignInit", "C_VerifyInit", "C_MessageSignInit", "C_MessageVerifyInit"] {
            call(name, &[session.0, mechanism.as_ptr() as u64, key]).refused(CKR_KEY_SIZE_RANGE);
        }
        session.verify_signature_init(&mechanism, key, &[1; 16]).refused(CKR_KEY_SIZE_RANGE);
    });
}

#[test]
fn a_signature_that_is_known_first_is_refused_as_one_that_comes_last() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let open = template![CKA_TOKEN => true, CKA_PRIVATE => false];
        let hmac = keys::secret(session, CKK_GENERIC_SECRET, &[5; 32], open);
        let (public, private) = keys::rsa(session, 2048, template![]);
        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let signature = session.sign(&pss, private, &[1; 32]).unwrap();
        let begin = |mechanism: &Mechanism, key| session.verify_signature_init(mechanism, key, &signature);
        begin(&Mechanism::plain(CKM_RSA_PKCS_PSS), public).refused(WRONG);
        begin(&pss, hmac).refused(CKR_KEY_TYPE_INCONSISTENT);
        begin(&pss, public).unwrap();
        session.verify_signature_rest(b"five!").refused(CKR_DATA_LEN_RANGE);
        begin(&pss, public).unwrap();
        session.verify_signature_update(b"five!").unwrap();
        session.verify_signature_final().refused(CKR_DATA_LEN_RANGE);
        begin(&pss, public).unwrap();
        session.verify_signature_update(&[2; 32]).unwrap();
        session.verify_signature_final().refused(CKR_SIGNATURE_INVALID);
        session.verify_signature_init(&pss, public, &signature[1..]).unwrap();
        session.verify_signature_update(&[1; 32]).unwrap();
        session.verify_signature_final().refused(CKR_SIGNATURE_LEN_RANGE);
        begin(&Mechanism::plain(CKM_RSA_PKCS), public).unwrap();
        session.verify_signature_update(&[7; 5000]).refused(CKR_DATA_LEN_RANGE);
        session.logout().unwrap();
        begin(&Mechanism::plain(CKM_SHA256_HMAC), hmac).refused(CKR_USER_NOT_LOGGED_IN);
    });
}
