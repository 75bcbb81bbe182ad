//! The `cryptoki` crate on the release module, written as its own users write.
//!
//! The module reads its configuration from the environment of the process, so each test starts itself again as a process
//! whose configuration names a folder of its own.

#![allow(clippy::unwrap_used, clippy::panic)] // tests

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{
    Attribute, AttributeInfo, AttributeType, KeyType, MlDsaParameterSetType, MlKemParameterSetType,
    ObjectClass, ObjectHandle, ParameterSetType, SlhDsaParameterSetType,
};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::path::PathBuf;
use std::process::Command;

const SO_PIN: &str = "87654321";
const USER_PIN: &str = "123456";
const CONFIG: &str = "CLOISTER_CONF";
const CHILD: &str = "CLOISTER_TEST_CHILD";
const MESSAGE: &[u8] = b"A message that is longer than one block of a cipher.";
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Runs `body` on a fresh token, in a process of its own. Must be the whole of a test.
fn with_token(test: &str, body: impl FnOnce(&Pkcs11, Slot)) {
    if std::env::var_os(CHILD).is_some() {
        let (pkcs11, slot) = fresh_token();
        body(&pkcs11, slot);
        return pkcs11.finalize().unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cloister.toml");
    let data = folder.path().join("data");
    let text = format!("data_dir = {data:?}\n[token]\nargon2_memory_kib = 64\nargon2_passes = 1\n");
    std::fs::write(&config, text).unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([test, "--exact", "--nocapture"]).env(CHILD, "yes").env(CONFIG, &config);
    let output = again.output().unwrap();
    let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(output.status.success() && ran, "{}", String::from_utf8_lossy(&output.stderr));
}

/// `target/<profile>/libcloister.so`, beside the folder of this test program; or what `MODULE` names.
fn module() -> PathBuf {
    std::env::var_os("MODULE").map(PathBuf::from).unwrap_or_else(|| {
        let program = std::env::current_exe().unwrap();
        program.parent().unwrap().parent().unwrap().join("libcloister.so")
    })
}

fn fresh_token() -> (Pkcs11, Slot) {
    let pkcs11 = Pkcs11::new(module()).unwrap();
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = pkcs11.get_slots_with_token().unwrap()[0];
    pkcs11.init_token(slot, &so_pin(), "rust").unwrap();
    let session = pkcs11.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&so_pin())).unwrap();
    session.init_pin(&user_pin()).unwrap();
    (pkcs11, slot)
}

fn so_pin() -> AuthPin {
    AuthPin::new(SO_PIN.into())
}

fn user_pin() -> AuthPin {
    AuthPin::new(USER_PIN.into())
}

fn user_session(pkcs11: &Pkcs11, slot: Slot) -> Session {
    let session = pkcs11.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&user_pin())).unwrap();
    session
}

fn rsa_pair(session: &Session) -> (ObjectHandle, ObjectHandle) {
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::PublicExponent(vec![1, 0, 1]),
        Attribute::ModulusBits(2048.into()),
    ];
    session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &[Attribute::Token(true)]).unwrap()
}

fn aes_key(session: &Session, more: &[Attribute]) -> ObjectHandle {
    let template = [&[Attribute::ValueLen(32.into())], more].concat();
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap()
}

/// The `CKR_` value of a call that must fail.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> RvError {
    match result.unwrap_err() {
        Error::Pkcs11(value, _) => value,
        other => panic!("not an answer of the module: {other}"),
    }
}

#[test]
fn the_library_and_its_slots_describe_themselves() {
    with_token("the_library_and_its_slots_describe_themselves", |pkcs11, slot| {
        let info = pkcs11.get_library_info().unwrap();
        assert!(info.cryptoki_version().major() >= 2);
        assert!(pkcs11.is_fn_supported(Function::SignInit));
        assert_eq!(pkcs11.get_slots_with_initialized_token().unwrap(), [slot]);
        assert!(pkcs11.get_all_slots().unwrap().len() > 1, "a free slot is left");
        let token = pkcs11.get_token_info(slot).unwrap();
        assert_eq!(token.label(), "rust");
        assert!(token.token_initialized() && token.user_pin_initialized() && token.login_required());
        assert!(!token.user_pin_locked() && !token.user_pin_count_low());
        assert_eq!(pkcs11.get_slot_event().unwrap(), None);
        for mechanism in pkcs11.get_mechanism_list(slot).unwrap() {
            pkcs11.get_mechanism_info(slot, mechanism).unwrap();
        }
        let rsa = pkcs11.get_mechanism_info(slot, MechanismType::RSA_PKCS).unwrap();
        assert!(rsa.sign() && rsa.verify() && rsa.encrypt() && rsa.decrypt());
        assert!(rsa.min_key_size() <= 2048 && 4096 <= rsa.max_key_size());
    });
}

#[test]
fn a_session_knows_its_state() {
    with_token("a_session_knows_its_state", |pkcs11, slot| {
        let reader = pkcs11.open_ro_session(slot).unwrap();
        assert_eq!(reader.get_session_info().unwrap().session_state(), SessionState::RoPublic);
        let session = user_session(pkcs11, slot);
        assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwUser);
        assert_eq!(reader.get_session_info().unwrap().session_state(), SessionState::RoUser);
        assert_eq!(refusal(session.login(UserType::User, Some(&user_pin()))), RvError::UserAlreadyLoggedIn);
        session.logout().unwrap();
        assert_eq!(refusal(session.logout()), RvError::UserNotLoggedIn);
        let wrong = AuthPin::new("000000".into());
        assert_eq!(refusal(session.login(UserType::User, Some(&wrong))), RvError::PinIncorrect);
        session.login(UserType::User, Some(&user_pin())).unwrap();
        session.set_pin(&user_pin(), &AuthPin::new("654321".into())).unwrap();
        session.logout().unwrap();
        assert_eq!(refusal(session.login(UserType::User, Some(&user_pin()))), RvError::PinIncorrect);
    });
}

#[test]
fn rsa_signs_and_decrypts() {
    with_token("rsa_signs_and_decrypts", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let (public, private) = rsa_pair(&session);
        let pss = PkcsPssParams {
            hash_alg: MechanismType::SHA256,
            mgf: PkcsMgfType::MGF1_SHA256,
            s_len: 32.into(),
        };
        for mechanism in [
            Mechanism::RsaPkcs,
            Mechanism::Sha1RsaPkcs,
            Mechanism::Sha256RsaPkcs,
            Mechanism::Sha512RsaPkcs,
            Mechanism::Sha256RsaPkcsPss(pss),
        ] {
            let signature = session.sign(&mechanism, private, MESSAGE).unwrap();
            session.verify(&mechanism, public, MESSAGE, &signature).unwrap();
            assert_eq!(
                refusal(session.verify(&mechanism, public, b"other", &signature)),
                RvError::SignatureInvalid
            );
        }
        let source = PkcsOaepSource::data_specified(b"label");
        let oaep = PkcsOaepParams::new(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, source);
        for mechanism in [Mechanism::RsaPkcs, Mechanism::RsaPkcsOaep(oaep)] {
            let secret = session.encrypt(&mechanism, public, MESSAGE).unwrap();
            assert_eq!(session.decrypt(&mechanism, private, &secret).unwrap(), MESSAGE);
        }
    });
}

#[test]
fn a_message_is_signed_in_parts() {
    with_token("a_message_is_signed_in_parts", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let (public, private) = rsa_pair(&session);
        session.sign_init(&Mechanism::Sha256RsaPkcs, private).unwrap();
        for part in MESSAGE.chunks(7) {
            session.sign_update(part).unwrap();
        }
        let signature = session.sign_final().unwrap();
        assert_eq!(signature, session.sign(&Mechanism::Sha256RsaPkcs, private, MESSAGE).unwrap());
        session.verify_init(&Mechanism::Sha256RsaPkcs, public).unwrap();
        session.verify_update(MESSAGE).unwrap();
        session.verify_final(&signature).unwrap();
        assert_eq!(refusal(session.sign_final()), RvError::OperationNotInitialized);
    });
}

#[test]
fn curves_sign_and_agree() {
    with_token("curves_sign_and_agree", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let generate = || {
            let public = [Attribute::EcParams(P256.to_vec())];
            session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &[]).unwrap()
        };
        let (public, private) = generate();
        for mechanism in [Mechanism::EcdsaSha256, Mechanism::EcdsaSha384, Mechanism::EcdsaSha512] {
            let signature = session.sign(&mechanism, private, MESSAGE).unwrap();
            assert_eq!(signature.len(), 64);
            session.verify(&mechanism, public, MESSAGE, &signature).unwrap();
        }
        let point = |key| match &session.get_attributes(key, &[AttributeType::EcPoint]).unwrap()[..] {
            [Attribute::EcPoint(point)] => point.clone(),
            other => panic!("no point: {other:?}"),
        };
        let derive = |private, theirs: &[u8]| {
            let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), theirs));
            let template = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::GENERIC_SECRET),
                Attribute::Sensitive(false),
                Attribute::Extractable(true),
                Attribute::ValueLen(32.into()),
            ];
            let key = session.derive_key(&mechanism, private, &template).unwrap();
            session.get_attributes(key, &[AttributeType::Value]).unwrap()
        };
        let (other_public, other_private) = generate();
        assert_eq!(derive(private, &point(other_public)), derive(other_private, &point(public)));
        // The point raw, as newer programs pass it: without the two bytes of its OCTET STRING.
        assert_eq!(derive(private, &point(other_public)[2..]), derive(private, &point(other_public)));
    });
}

#[test]
fn aes_encrypts_in_every_mode() {
    with_token("aes_encrypts_in_every_mode", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let key = aes_key(&session, &[Attribute::Encrypt(true), Attribute::Decrypt(true)]);
        for mechanism in [Mechanism::AesCbcPad([7; 16]), Mechanism::AesCbc([7; 16]), Mechanism::AesEcb] {
            let text = &MESSAGE[..48];
            let secret = session.encrypt(&mechanism, key, text).unwrap();
            assert_ne!(&secret[..48], text);
            assert_eq!(session.decrypt(&mechanism, key, &secret).unwrap(), text);
        }
        let (mut first, mut second, mut third) = ([9; 12], [9; 12], [9; 12]);
        let gcm = |iv| Mechanism::AesGcm(GcmParams::new(iv, b"header", 128.into()).unwrap());
        let mut secret = session.encrypt(&gcm(&mut first), key, MESSAGE).unwrap();
        assert_eq!(secret.len(), MESSAGE.len() + 16);
        assert_eq!(session.decrypt(&gcm(&mut second), key, &secret).unwrap(), MESSAGE);
        secret[0] ^= 1;
        assert!(session.decrypt(&gcm(&mut third), key, &secret).is_err());
        // The failed operation is over.
        session.encrypt(&Mechanism::AesEcb, key, &MESSAGE[..16]).unwrap();
    });
}

#[test]
fn post_quantum_keys_sign_and_agree() {
    with_token("post_quantum_keys_sign_and_agree", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let hedged = || SignAdditionalContext::new(HedgeType::Preferred, None);
        let sets: [(_, _, ParameterSetType); 2] = [
            (Mechanism::MlDsaKeyPairGen, Mechanism::MlDsa(hedged()), MlDsaParameterSetType::ML_DSA_87.into()),
            (
                Mechanism::SlhDsaKeyPairGen,
                Mechanism::HashSlhDsaSha3_256(hedged()),
                SlhDsaParameterSetType::SHAKE_128F.into(),
            ),
        ];
        for (generation, signing, set) in sets {
            let public = [Attribute::Token(true), Attribute::ParameterSet(set), Attribute::Verify(true)];
            let private = [Attribute::Token(true), Attribute::Sign(true)];
            let (public, private) = session.generate_key_pair(&generation, &public, &private).unwrap();
            let signature = session.sign(&signing, private, MESSAGE).unwrap();
            session.verify(&signing, public, MESSAGE, &signature).unwrap();
            session.verify_signature_init(&signing, public, &signature).unwrap();
            session.verify_signature_update(&MESSAGE[..10]).unwrap();
            session.verify_signature_update(&MESSAGE[10..]).unwrap();
            session.verify_signature_final().unwrap();
        }
        let public = [Attribute::ParameterSet(MlKemParameterSetType::ML_KEM_1024.into())];
        let (public, private) = session.generate_key_pair(&Mechanism::MlKemKeyPairGen, &public, &[]).unwrap();
        let secret = [Attribute::KeyType(KeyType::AES), Attribute::Encrypt(true), Attribute::Decrypt(true)];
        let (ciphertext, one) = session.encapsulate_key(&Mechanism::MlKem, public, &secret).unwrap();
        let other = session.decapsulate_key(&Mechanism::MlKem, private, &secret, &ciphertext).unwrap();
        let sealed = session.encrypt(&Mechanism::AesEcb, one, &[3; 32]).unwrap();
        assert_eq!(session.decrypt(&Mechanism::AesEcb, other, &sealed).unwrap(), [3; 32]);
    });
}

#[test]
fn keys_are_wrapped_and_come_back() {
    with_token("keys_are_wrapped_and_come_back", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let wrapping = aes_key(&session, &[Attribute::Wrap(true), Attribute::Unwrap(true)]);
        let key = aes_key(&session, &[Attribute::Extractable(true)]);
        let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, wrapping, key).unwrap();
        let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        let back = session.unwrap_key(&Mechanism::AesKeyWrap, wrapping, &wrapped, &template).unwrap();
        let secret = session.encrypt(&Mechanism::AesEcb, key, &MESSAGE[..16]).unwrap();
        assert_eq!(session.decrypt(&Mechanism::AesEcb, back, &secret).unwrap(), &MESSAGE[..16]);
        let staying = aes_key(&session, &[Attribute::Extractable(false)]);
        assert_eq!(
            refusal(session.wrap_key(&Mechanism::AesKeyWrap, wrapping, staying)),
            RvError::KeyUnextractable
        );
    });
}

#[test]
fn objects_are_found_changed_copied_and_destroyed() {
    with_token("objects_are_found_changed_copied_and_destroyed", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        assert_eq!(session.find_objects(&[]).unwrap(), [], "a new token shows no objects");
        for number in 0..50_u8 {
            aes_key(&session, &[Attribute::Token(true), Attribute::Id(vec![number])]);
        }
        assert_eq!(session.find_objects(&[Attribute::KeyType(KeyType::AES)]).unwrap().len(), 50);
        let found = session.find_objects(&[Attribute::Id(vec![31])]).unwrap();
        let [key] = found[..] else { panic!("found {found:?}") };
        session.update_attributes(key, &[Attribute::Label(b"chosen".to_vec())]).unwrap();
        assert_eq!(session.find_objects(&[Attribute::Label(b"chosen".to_vec())]).unwrap(), [key]);
        let copy = session.copy_object(key, &[Attribute::Label(b"copy".to_vec())]).unwrap();
        session.destroy_object(key).unwrap();
        assert_eq!(session.find_objects(&[Attribute::Label(b"copy".to_vec())]).unwrap(), [copy]);
        assert_eq!(session.find_objects(&[Attribute::Label(b"chosen".to_vec())]).unwrap(), []);
        assert_eq!(refusal(session.destroy_object(key)), RvError::ObjectHandleInvalid);
    });
}

#[test]
fn a_sensitive_value_is_reported_as_such() {
    with_token("a_sensitive_value_is_reported_as_such", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let key = aes_key(&session, &[Attribute::Sensitive(true), Attribute::Extractable(false)]);
        let asked = [AttributeType::Value, AttributeType::ValueLen, AttributeType::Modulus];
        let answer = session.get_attribute_info(key, &asked).unwrap();
        assert!(matches!(answer[0], AttributeInfo::Sensitive), "{answer:?}");
        assert!(matches!(answer[1], AttributeInfo::Available(_)), "{answer:?}");
        assert!(matches!(answer[2], AttributeInfo::TypeInvalid), "{answer:?}");
        let properties =
            [AttributeType::AlwaysSensitive, AttributeType::NeverExtractable, AttributeType::Local];
        let expected =
            [Attribute::AlwaysSensitive(true), Attribute::NeverExtractable(true), Attribute::Local(true)];
        assert_eq!(session.get_attributes(key, &properties).unwrap(), expected);
    });
}

#[test]
fn digests_macs_and_random_bytes() {
    with_token("digests_macs_and_random_bytes", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let digest = session.digest(&Mechanism::Sha256, b"abc").unwrap();
        assert_eq!(hex::encode(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        session.digest_init(&Mechanism::Sha256).unwrap();
        session.digest_update(b"").unwrap();
        session.digest_update(b"abc").unwrap();
        assert_eq!(session.digest_final().unwrap()[..4], [0xba, 0x78, 0x16, 0xbf]);

        // RFC 4231, test case 2: a key much shorter than the hash.
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Value(b"Jefe".to_vec()),
        ];
        let key = session.create_object(&template).unwrap();
        let mac = session.sign(&Mechanism::Sha256Hmac, key, b"what do ya want for nothing?").unwrap();
        assert_eq!(hex::encode(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

        assert_ne!(session.generate_random_vec(32).unwrap(), session.generate_random_vec(32).unwrap());
        session.seed_random(b"a little more").unwrap();
    });
}

#[test]
fn threads_share_a_login_and_sign_at_once() {
    with_token("threads_share_a_login_and_sign_at_once", |pkcs11, slot| {
        let session = user_session(pkcs11, slot);
        let (public, private) = rsa_pair(&session);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let own = pkcs11.open_ro_session(slot).unwrap();
                    for _ in 0..20 {
                        let signature = own.sign(&Mechanism::Sha256RsaPkcs, private, MESSAGE).unwrap();
                        own.verify(&Mechanism::Sha256RsaPkcs, public, MESSAGE, &signature).unwrap();
                    }
                });
            }
        });
    });
}
