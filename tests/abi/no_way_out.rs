//! A key that must not leave does not, by any door.

use crate::common::cases::{self, Job};
use crate::common::*;

/// A value that would be recognised anywhere.
const VALUE: [u8; 32] = *b"\xF0\x9F\x94\x91this is the key, all of it!\xC3";

/// A key that is not to leave, with a value known to the test.
fn locked(session: Session, changes: Template) -> Handle {
    let template = template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false];
    keys::secret(session, CKK_AES, &VALUE, template.and(&changes))
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn no_secret_attribute_is_read() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (_, rsa) = keys::rsa(session, 2048, template![]);
        let (_, ec) = keys::ec(session, keys::P256, template![]);
        let aes = locked(session, template![]);
        let parts =
            [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];
        for part in parts {
            session.get(rsa, part).refused(CKR_ATTRIBUTE_SENSITIVE);
        }
        session.get(ec, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        session.get(aes, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        session.get(rsa, CKA_MODULUS).unwrap();
        session.get(ec, CKA_EC_PARAMS).unwrap();
    });
}

#[test]
fn one_of_sensitive_and_unextractable_is_enough() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for (sensitive, extractable) in [(true, true), (false, false), (true, false)] {
            let template = template![CKA_SENSITIVE => sensitive, CKA_EXTRACTABLE => extractable];
            let key = keys::secret(session, CKK_AES, &VALUE, template);
            session.get(key, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        }
    });
}

#[test]
fn no_search_guesses_a_value() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        locked(session, template![]);
        locked(session, template![CKA_TOKEN => true]);
        assert!(session.find(&template![CKA_VALUE => &VALUE]).unwrap_or_default().is_empty());
        let _ = session.find_final();
    });
}

#[test]
fn no_copy_is_weaker() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = locked(session, template![]);
        let refusals = [CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT];
        for weaker in [
            template![CKA_SENSITIVE => false],
            template![CKA_EXTRACTABLE => true],
            template![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false],
            template![CKA_CLASS => CKO_DATA],
            template![CKA_KEY_TYPE => CKK_GENERIC_SECRET],
            template![CKA_NEVER_EXTRACTABLE => true],
        ] {
            session.copy(key, &weaker).refused_by_one_of(&refusals);
        }
        let copy = session.copy(key, &template![CKA_TOKEN => true]).unwrap();
        session.get(copy, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
        assert!(!session.get_bool(copy, CKA_EXTRACTABLE).unwrap());
        let own = keys::secret(session, CKK_AES, &VALUE, template![CKA_SENSITIVE => true]);
        session.copy(own, &template![CKA_SENSITIVE => false]).refused_by_one_of(&refusals);
        assert_eq!(session.find(&template![]).unwrap().len(), 3, "a refused copy was made");
    });
}

#[test]
fn no_mechanism_wraps_it() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let secret = locked(session, template![]);
        let (_, private) = keys::ec(session, keys::P256, template![]);
        let mut tried = 0;
        for case in cases::all() {
            let Job::Use(keys, _) = case.job else { continue };
            let Ok(info) = module().mechanism_info(token.slot, case.mechanism.id()) else { continue };
            if info.flags & CKF_WRAP == 0 {
                continue;
            }
            let (wrapping, _) = keys.make(session);
            for key in [secret, private] {
                let answer = session.wrap(&case.mechanism, wrapping, key);
                let refusals = [CKR_KEY_UNEXTRACTABLE, CKR_KEY_NOT_WRAPPABLE];
                assert!(
                    matches!(answer, Err(Rv(code)) if refusals.contains(&code)),
                    "{}: {answer:?}",
                    case.name
                );
                tried += 1;
            }
            let mut length = 0;
            let mechanism = case.mechanism.as_ptr();
            let size =
                raw!(C_WrapKey(session.0, mechanism, wrapping, secret, std::ptr::null_mut(), &mut length));
            assert_ne!(size, CKR_OK, "{}: even the size is told", case.name);
        }
        assert!(tried > 10, "only {tried} wrappings were tried");
    });
}

#[test]
fn no_derivation_gives_it_or_forgets_its_history() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![]);
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[7; 32]);
        let open = keys::aes_template(32).and(&template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]);
        let derived = session.derive(&derive, key, &open).unwrap();
        assert!(!session.get_bool(derived, CKA_ALWAYS_SENSITIVE).unwrap());
        assert!(!session.get_bool(derived, CKA_NEVER_EXTRACTABLE).unwrap());
        assert!(!session.get_bool(derived, CKA_LOCAL).unwrap());
        let from_open = keys::aes(session, template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]);
        let derived = session.derive(&derive, from_open, &keys::aes_template(32)).unwrap();
        assert!(!session.get_bool(derived, CKA_ALWAYS_SENSITIVE).unwrap());
        assert!(!session.get_bool(derived, CKA_NEVER_EXTRACTABLE).unwrap());
        let derived = session.derive(&derive, key, &keys::aes_template(32)).unwrap();
        assert!(session.get_bool(derived, CKA_ALWAYS_SENSITIVE).unwrap());
        assert!(session.get_bool(derived, CKA_NEVER_EXTRACTABLE).unwrap());
    });
}

#[test]
fn an_unwrapped_key_has_no_clean_history() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let wrapping = keys::aes(session, template![]);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        let key = keys::aes(session, template![CKA_EXTRACTABLE => true]);
        let wrapped = session.wrap(&wrap, wrapping, key).unwrap();
        let template = keys::aes_template(0).without(CKA_VALUE_LEN);
        let key = session.unwrap(&wrap, wrapping, &wrapped, &template).unwrap();
        for history in [CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL] {
            assert!(!session.get_bool(key, history).unwrap(), "{history:#x}");
        }
        session.get(key, CKA_VALUE).refused(CKR_ATTRIBUTE_SENSITIVE);
    });
}

#[test]
fn nothing_secret_is_on_disk_or_in_the_log() {
    isolated(|_| {
        let token = Token::new_in(Folder::logging("trace"));
        let session = token.user();
        let stored = template![CKA_TOKEN => true];
        locked(session, stored.clone());
        keys::secret(session, CKK_GENERIC_SECRET, &VALUE, stored.clone());
        let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true, CKA_TOKEN => true];
        let (_, rsa) = keys::rsa(session, 2048, open);
        let primes =
            [CKA_PRIME_1, CKA_PRIME_2, CKA_PRIVATE_EXPONENT].map(|part| session.get(rsa, part).unwrap());
        let private = keys::data_template("private label, private value");
        let private = private.and(&template![CKA_PRIVATE => true, CKA_VALUE => "a private value"]);
        session.create(&private).unwrap();
        let _ = session.get(rsa, CKA_VALUE);
        session.logout().unwrap();
        let _ = session.login(CKU_USER, "a wrong password");
        module().finalize().unwrap();

        let mut secrets: Vec<&[u8]> = vec![
            &VALUE,
            SO_PIN.as_bytes(),
            USER_PIN.as_bytes(),
            b"a wrong password",
            b"private label",
            b"a private value",
        ];
        secrets.extend(primes.iter().map(Vec::as_slice));
        let files = token.folder.as_ref().unwrap().files();
        assert!(files.iter().any(|file| file.extension().is_none_or(|kind| kind != "toml")));
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            for (number, secret) in secrets.iter().enumerate() {
                assert!(!holds(&bytes, secret), "secret {number} is in {}", file.display());
                let hex = hex::encode(secret);
                assert!(!holds(&bytes, hex.as_bytes()), "secret {number} in hex: {}", file.display());
            }
        }
    });
}

#[test]
fn no_digest_answers_guesses_at_it() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let sha = Mechanism::plain(CKM_SHA256);
        for extractable in [false, true] {
            let template = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => extractable];
            let key = keys::secret(session, CKK_AES, &VALUE, template);
            session.digest_init(&sha).unwrap();
            let digested = session.digest_key(key);
            if extractable {
                digested.unwrap();
                assert_eq!(session.digest_final().unwrap(), session.digest(&sha, &VALUE).unwrap());
            } else {
                digested.refused(CKR_KEY_INDIGESTIBLE);
                session.digest_final().refused(CKR_OPERATION_NOT_INITIALIZED);
            }
        }
    });
}
