//! The module, loaded as programs load it, with slots on nodes: what a token on this machine promises holds there too, and a
//! node that dies costs a retry.

use crate::common::module::{self, OnNodes, SO_PIN, USER_PIN};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{
    Attribute, AttributeType, KeyType, MlDsaParameterSetType, MlKemParameterSetType, ObjectClass,
    ObjectHandle,
};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

fn pin(text: &str) -> AuthPin {
    AuthPin::new(text.to_owned().into())
}

fn refusal<T>(result: Result<T, Error>) -> RvError {
    match result {
        Err(Error::Pkcs11(error, _)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not refused"),
    }
}

fn aes(session: &Session, on_token: bool, label: &str) -> ObjectHandle {
    let template = [
        Attribute::Token(on_token),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::ValueLen(32.into()),
        Attribute::Label(label.into()),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap()
}

fn ec(session: &Session, on_token: bool, more: &[Attribute]) -> (ObjectHandle, ObjectHandle) {
    // P-256 (1.2.840.10045.3.1.7).
    let curve = vec![6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let public = [Attribute::Token(on_token), Attribute::EcParams(curve)];
    let mut private = vec![Attribute::Token(on_token), Attribute::Private(true), Attribute::Sensitive(true)];
    private.extend_from_slice(more);
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap()
}

#[test]
fn keys_are_made_used_changed_found_and_destroyed() {
    let it = OnNodes::slot(0);
    let session = it.user();
    let (public, private) = ec(&session, true, &[Attribute::Label("signer".into())]);
    let signature = session.sign(&Mechanism::EcdsaSha256, private, b"message").unwrap();
    assert_eq!(signature.len(), 64);
    session.verify(&Mechanism::EcdsaSha256, public, b"message", &signature).unwrap();
    assert_eq!(
        refusal(session.verify(&Mechanism::EcdsaSha256, public, b"massage", &signature)),
        RvError::SignatureInvalid
    );

    let find = |label: &str| session.find_objects(&[Attribute::Label(label.into())]).unwrap();
    assert_eq!(find("signer"), [private]);
    session.update_attributes(private, &[Attribute::Label("renamed".into())]).unwrap();
    assert_eq!((find("signer").len(), find("renamed")), (0, vec![private]));
    session.destroy_object(private).unwrap();
    assert!(find("renamed").is_empty());
    assert_eq!(
        refusal(session.sign(&Mechanism::EcdsaSha256, private, b"message")),
        RvError::KeyHandleInvalid
    );
}

#[test]
fn rsa_signs_and_decrypts_in_one_part_and_in_several() {
    let it = OnNodes::slot(1);
    let session = it.user();
    let public = [Attribute::Token(true), Attribute::ModulusBits(2048.into())];
    let private = [Attribute::Token(true), Attribute::Private(true)];
    let (public, private) =
        session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private).unwrap();
    let whole = session.sign(&Mechanism::Sha256RsaPkcs, private, b"one two three").unwrap();
    session.sign_init(&Mechanism::Sha256RsaPkcs, private).unwrap();
    for part in ["one ", "", "two three"] {
        session.sign_update(part.as_bytes()).unwrap();
    }
    assert_eq!(session.sign_final().unwrap(), whole);
    session.verify(&Mechanism::Sha256RsaPkcs, public, b"one two three", &whole).unwrap();
    let sealed = session.encrypt(&Mechanism::RsaPkcs, public, b"hidden").unwrap();
    assert_eq!(session.decrypt(&Mechanism::RsaPkcs, private, &sealed).unwrap(), b"hidden");
    assert_eq!(
        refusal(session.decrypt(&Mechanism::RsaPkcs, private, b"too short")),
        RvError::EncryptedDataLenRange
    );
}

#[test]
fn secret_keys_encrypt_and_keep_the_errors_of_the_standard() {
    let it = OnNodes::slot(2);
    let session = it.user();
    let key = aes(&session, true, "aes");
    let cbc = Mechanism::AesCbcPad([7; 16]);
    let sealed = session.encrypt(&cbc, key, &[1; 1000]).unwrap();
    assert_eq!(sealed.len(), 1008);
    assert_eq!(session.decrypt(&cbc, key, &sealed).unwrap(), [1; 1000]);
    session.encrypt_init(&cbc, key).unwrap();
    let mut parts = session.encrypt_update(&[1; 500]).unwrap();
    parts.extend(session.encrypt_update(&[1; 500]).unwrap());
    parts.extend(session.encrypt_final().unwrap());
    assert_eq!(parts, sealed);
    let mut iv = [3; 12];
    let gcm = Mechanism::AesGcm(GcmParams::new(&mut iv, b"aad", 128.into()).unwrap());
    let mut sealed = session.encrypt(&gcm, key, b"text").unwrap();
    assert_eq!(session.decrypt(&gcm, key, &sealed).unwrap(), b"text");
    sealed[0] ^= 1;
    assert_eq!(refusal(session.decrypt(&gcm, key, &sealed)), RvError::EncryptedDataInvalid);
    assert_eq!(refusal(session.encrypt(&Mechanism::AesEcb, key, &[0; 15])), RvError::DataLenRange);
    assert_eq!(refusal(session.sign(&Mechanism::EcdsaSha256, key, b"message")), RvError::KeyTypeInconsistent);
    assert_eq!(
        refusal(session.encrypt(&cbc, key, &vec![0; (16 << 20) + 1])),
        RvError::DataLenRange,
        "more than a request takes"
    );
    let wanted = [AttributeType::Value];
    assert!(session.get_attributes(key, &wanted).unwrap().is_empty(), "a sensitive value is shown");
}

#[test]
fn keys_are_wrapped_unwrapped_and_derived() {
    let it = OnNodes::slot(3);
    let session = it.user();
    let wrapping = aes(&session, true, "wrapping");
    let wrapped_key = session
        .generate_key(
            &Mechanism::AesKeyGen,
            &[Attribute::Token(false), Attribute::ValueLen(16.into()), Attribute::Extractable(true)],
        )
        .unwrap();
    let before = session.encrypt(&Mechanism::AesEcb, wrapped_key, &[5; 16]).unwrap();
    let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, wrapping, wrapped_key).unwrap();
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(false),
    ];
    let again = session.unwrap_key(&Mechanism::AesKeyWrap, wrapping, &wrapped, &template).unwrap();
    assert_eq!(session.encrypt(&Mechanism::AesEcb, again, &[5; 16]).unwrap(), before);
    let closed = aes(&session, false, "closed");
    session.update_attributes(closed, &[Attribute::Extractable(false)]).unwrap();
    assert_eq!(
        refusal(session.wrap_key(&Mechanism::AesKeyWrap, wrapping, closed)),
        RvError::KeyUnextractable
    );
}

#[test]
fn post_quantum_keys_sign_and_agree_as_on_a_token_of_this_machine() {
    let it = OnNodes::slot(9);
    let session = it.user();
    for on_token in [false, true] {
        let public =
            [Attribute::Token(on_token), Attribute::ParameterSet(MlDsaParameterSetType::ML_DSA_65.into())];
        let private = [Attribute::Token(on_token), Attribute::Sensitive(true)];
        let (verifying, signing) =
            session.generate_key_pair(&Mechanism::MlDsaKeyPairGen, &public, &private).unwrap();
        let fixed = SignAdditionalContext::new(HedgeType::DeterministicRequired, Some(b"context"));
        let fixed = Mechanism::MlDsa(fixed);
        let signature = session.sign(&fixed, signing, b"message").unwrap();
        assert_eq!(session.sign(&fixed, signing, b"message").unwrap(), signature);
        session.verify_signature_init(&fixed, verifying, &signature).unwrap();
        session.verify_signature(b"message").unwrap();

        let public =
            [Attribute::Token(on_token), Attribute::ParameterSet(MlKemParameterSetType::ML_KEM_768.into())];
        let (public, private) =
            session.generate_key_pair(&Mechanism::MlKemKeyPairGen, &public, &private).unwrap();
        let secret = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(on_token),
            Attribute::Encrypt(true),
        ];
        let (ciphertext, one) = session.encapsulate_key(&Mechanism::MlKem, public, &secret).unwrap();
        let other = session.decapsulate_key(&Mechanism::MlKem, private, &secret, &ciphertext).unwrap();
        let encrypted = [one, other].map(|key| session.encrypt(&Mechanism::AesEcb, key, &[7; 16]).unwrap());
        assert_eq!(encrypted[0], encrypted[1]);
        let short = session.decapsulate_key(&Mechanism::MlKem, private, &secret, &ciphertext[1..]);
        assert_eq!(refusal(short), RvError::WrappedKeyLenRange);
        assert_eq!(
            refusal(session.encapsulate_key(&Mechanism::MlKem, private, &secret)),
            RvError::KeyTypeInconsistent
        );
    }
}

#[test]
fn a_key_that_always_wants_its_pin_gets_it_for_each_use() {
    let it = OnNodes::slot(4);
    let session = it.user();
    let (_, private) = ec(&session, true, &[Attribute::AlwaysAuthenticate(true)]);
    for _ in 0..2 {
        session.sign_init(&Mechanism::EcdsaSha256, private).unwrap();
        assert_eq!(refusal(session.sign_update(b"message")), RvError::UserNotLoggedIn);
        assert_eq!(
            refusal(session.login(UserType::ContextSpecific, Some(&pin("wrong-pin")))),
            RvError::PinIncorrect
        );
        session.login(UserType::ContextSpecific, Some(&pin(USER_PIN))).unwrap();
        session.sign_update(b"message").unwrap();
        assert_eq!(session.sign_final().unwrap().len(), 64);
    }
}

#[test]
fn nodes_killed_and_started_again_one_after_the_other_cost_nothing_but_a_retry() {
    let mut it = OnNodes::on_three();
    let session = it.user();
    let stored = aes(&session, true, "stored");
    let held = aes(&session, false, "held");
    let (public, private) = ec(&session, false, &[]);
    let before = [stored, held].map(|key| session.encrypt(&Mechanism::AesEcb, key, &[1; 16]).unwrap());
    session.encrypt_init(&Mechanism::AesEcb, held).unwrap();
    it.restart();
    let mut under_way = session.encrypt_update(&[1; 16]).unwrap();
    under_way.extend(session.encrypt_final().unwrap());
    assert_eq!(under_way, before[1], "an operation under way");
    it.restart();
    let after = [stored, held].map(|key| session.encrypt(&Mechanism::AesEcb, key, &[1; 16]).unwrap());
    assert_eq!(before, after);
    it.restart();
    let signature = session.sign(&Mechanism::EcdsaSha256, private, b"message").unwrap();
    session.verify(&Mechanism::EcdsaSha256, public, b"message", &signature).unwrap();
    it.restart();
    aes(&session, true, "made after a restart");
}

#[test]
fn while_no_node_serves_the_device_is_removed_and_then_it_is_back() {
    let mut it = OnNodes::slot(6);
    let session = it.user();
    let key = aes(&session, true, "key");
    it.kill();
    assert_eq!(refusal(session.encrypt(&Mechanism::AesEcb, key, &[1; 16])), RvError::DeviceRemoved);
    it.start();
    let again = session.encrypt(&Mechanism::AesEcb, key, &[1; 16]);
    assert_eq!(
        refusal(again),
        RvError::UserNotLoggedIn,
        "logins end when no node is left that knows the cluster key"
    );
    session.logout().unwrap();
    session.login(UserType::User, Some(&pin(USER_PIN))).unwrap();
    let found = session.find_objects(&[]).unwrap();
    session.encrypt(&Mechanism::AesEcb, found[0], &[1; 16]).unwrap();
}

#[test]
fn everything_goes_over_tls_as_well() {
    let mut it = OnNodes::by_tls();
    let session = it.user();
    let key = aes(&session, false, "over tls");
    let before = session.encrypt(&Mechanism::AesEcb, key, &[1; 16]).unwrap();
    it.restart();
    assert_eq!(session.encrypt(&Mechanism::AesEcb, key, &[1; 16]).unwrap(), before);
}

#[test]
fn officers_users_and_nobody_may_do_what_they_may_on_a_token_of_this_machine() {
    let it = OnNodes::slot(8);
    let session = it.user();
    let secret = aes(&session, true, "private");
    session.logout().unwrap();
    assert!(session.find_objects(&[]).unwrap().is_empty(), "private objects are seen by nobody");
    assert_eq!(refusal(session.encrypt(&Mechanism::AesEcb, secret, &[1; 16])), RvError::KeyHandleInvalid);
    assert_eq!(refusal(session.login(UserType::User, Some(&pin("wrong-pin")))), RvError::PinIncorrect);
    session.login(UserType::So, Some(&pin(SO_PIN))).unwrap();
    session.init_pin(&pin("another-pin")).unwrap();
    session.logout().unwrap();
    assert_eq!(refusal(session.login(UserType::User, Some(&pin(USER_PIN)))), RvError::PinIncorrect);
    session.login(UserType::User, Some(&pin("another-pin"))).unwrap();
    assert_eq!(session.find_objects(&[]).unwrap().len(), 1);
    session.set_pin(&pin("another-pin"), &pin(USER_PIN)).unwrap();
    assert_eq!(session.find_objects(&[]).unwrap().len(), 1, "the login is renewed");
    let mut random = [0; 64];
    session.generate_random_slice(&mut random).unwrap();
    assert_ne!(random, [0; 64]);
    assert!(module::module().get_mechanism_list(it.slot_id()).unwrap().contains(&MechanismType::AES_GCM));
}
