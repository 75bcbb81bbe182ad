//! The same again: what an operation leaves ready for the next one changes nothing but how long that takes.

use crate::common::cases::{Job, Keys, all, input};
use crate::common::*;
use crate::processes::Other;

fn hmac() -> Mechanism {
    Mechanism::plain(CKM_SHA256_HMAC)
}

fn gcm(first: u8) -> Mechanism {
    Mechanism::gcm(&[first; 12], b"")
}

/// A stored key for all of these tests' operations.
fn stored(session: Session) -> Handle {
    let value: Vec<u8> = (0..32).collect();
    let uses = template![CKA_TOKEN => true, CKA_ENCRYPT => true, CKA_DECRYPT => true, CKA_SIGN => true, CKA_VERIFY => true, CKA_WRAP => true, CKA_DERIVE => true];
    keys::secret(session, CKK_AES, &value, uses)
}

fn cmac() -> Mechanism {
    Mechanism::plain(CKM_AES_CMAC)
}

#[test]
fn every_mechanism_gives_the_same_when_it_is_used_again_and_again_in_one_session() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for case in all() {
            let Job::Use(kind @ (Keys::None | Keys::Secret(..)), length) = case.job else { continue };
            let data = input(length);
            if kind == Keys::None {
                let first = session.digest(&case.mechanism, &data).unwrap();
                for _ in 0..3 {
                    assert_eq!(session.digest(&case.mechanism, &data).unwrap(), first, "{}", case.name);
                }
                continue;
            }
            let Keys::Secret(key_type, bytes) = kind else { continue };
            let value: Vec<u8> = (0..bytes).map(|at| (at * 7 + 1) as u8).collect();
            let value = if key_type == CKK_DES3 { cases::odd_parity(value) } else { value };
            let key = keys::secret(session, key_type, &value, template![CKA_TOKEN => true]);
            let other = token.public();
            if let Ok(first) = other.encrypt(&case.mechanism, key, &data) {
                for _ in 0..3 {
                    let again = session.encrypt(&case.mechanism, key, &data).unwrap();
                    assert!(again == first || again.len() > data.len() + 16, "{}", case.name);
                    let back = session.decrypt(&case.mechanism, key, &again).unwrap();
                    assert_eq!(back, data, "{}", case.name);
                }
            }
            if let Ok(first) = other.sign(&case.mechanism, key, &data) {
                for _ in 0..3 {
                    assert_eq!(session.sign(&case.mechanism, key, &data).unwrap(), first, "{}", case.name);
                    session.verify(&case.mechanism, key, &data, &first).unwrap();
                    let mut altered = data.clone();
                    altered[0] ^= 1;
                    let wrong = session.verify(&case.mechanism, key, &altered, &first);
                    wrong.refused(CKR_SIGNATURE_INVALID);
                }
            }
            session.destroy(key).unwrap();
            other.close().unwrap();
        }
    });
}

#[test]
fn the_next_operation_goes_by_its_own_parameter_not_by_the_last_ones() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = stored(session);
        let parameters = || {
            [
                Mechanism::gcm(&[1; 12], b""),
                Mechanism::gcm(&[2; 12], b"additional"),
                Mechanism::gcm_with_tag(&[2; 12], b"", 96),
                Mechanism::gcm(&[3; 16], b""),
                Mechanism::gcm(&[1; 12], b""),
                Mechanism::bytes(CKM_AES_CBC, &[4; 16]),
                Mechanism::bytes(CKM_AES_CBC, &[5; 16]),
                Mechanism::bytes(CKM_AES_CBC_PAD, &[5; 16]),
                Mechanism::ctr(32, [6; 16]),
                Mechanism::ctr(128, [7; 16]),
            ]
        };
        for (one, other) in parameters().iter().zip(parameters()) {
            for data in [input(48), input(64)] {
                let fresh = token.public();
                let expected = fresh.encrypt(one, key, &data).unwrap();
                fresh.close().unwrap();
                let sealed = session.encrypt(&other, key, &data).unwrap();
                assert_eq!(sealed, expected);
                assert_eq!(session.decrypt(&other, key, &sealed).unwrap(), data);
                let mut altered = sealed;
                *altered.last_mut().unwrap() ^= 1;
                let _ = session.decrypt(&other, key, &altered);
            }
        }
    });
}

#[test]
fn a_parameter_that_can_not_be_is_refused_again_and_leaves_nothing_begun() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = stored(session);
        session.encrypt(&gcm(1), key, b"data").unwrap();
        let wrong = Mechanism::gcm_with_tag(&[1; 12], b"", 100);
        session.encrypt_init(&wrong, key).refused(CKR_MECHANISM_PARAM_INVALID);
        session.encrypt_rest(b"data").refused(CKR_OPERATION_NOT_INITIALIZED);
        session.encrypt(&gcm(1), key, b"data").unwrap();
        session.encrypt_rest(b"data").refused(CKR_OPERATION_NOT_INITIALIZED);
        session.encrypt_init(&gcm(2), key).unwrap();
        session.encrypt_init(&gcm(2), key).refused(CKR_OPERATION_ACTIVE);
    });
}

/// A mechanism with the first `length` bytes of this as its parameter, where it lies at an odd address.
fn at_odd_address(id: CK_MECHANISM_TYPE, parameter: &[u8], length: CK_ULONG) -> (Vec<u8>, CK_MECHANISM) {
    let mut place = vec![0; parameter.len() + 8];
    let start = usize::from(place.as_ptr().addr().is_multiple_of(2));
    place[start..start + parameter.len()].copy_from_slice(parameter);
    let at = place[start..].as_mut_ptr().cast();
    (place, CK_MECHANISM { mechanism: id, pParameter: at, ulParameterLen: length })
}

/// AES-GCM's parameter, as the standard has it and as its drafts had it, with each thing wrong in turn that can be.
fn gcm_parameters(place: &mut [u8; 256]) -> Vec<(Vec<u8>, CK_ULONG)> {
    const NONE: *mut u8 = std::ptr::null_mut();
    let at = place.as_mut_ptr();
    let mut all = Vec::new();
    for (iv, iv_length) in [
        (at, 12),
        (NONE, 12),
        (NONE, 0),
        (at, 0),
        (at, 11),
        (at, 16),
        (at, 128),
        (at, 129),
        (at, CK_ULONG::MAX),
    ] {
        for (aad, aad_length) in [(at, 5), (NONE, 0), (NONE, 5), (at, (16 << 20) + 1), (at, CK_ULONG::MAX)] {
            for tag_bits in [128, 96, 0, 127, 136, (1 << 32) + 128] {
                let words = [iv as CK_ULONG, iv_length, 96, aad as CK_ULONG, aad_length, tag_bits];
                let bytes = |words: &[CK_ULONG]| words.iter().flat_map(|word| word.to_ne_bytes()).collect();
                all.push((bytes(&words), 48));
                if tag_bits == 128 {
                    let without_bits = [words[0], words[1], words[3], words[4], words[5]];
                    all.push((bytes(&without_bits), 40));
                    all.push((bytes(&words), 47));
                }
            }
        }
    }
    all
}

#[test]
fn whatever_parameter_comes_with_it_what_rests_begins_as_in_a_session_where_nothing_does() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (resting, other, gone) = (stored(session), stored(session), stored(session));
        session.destroy(gone).unwrap();
        let mut place = [3; 256];
        let gcm = gcm_parameters(&mut place).into_iter();
        let gcm = gcm.map(|(parameter, length)| (CKM_AES_GCM, parameter, length));
        let lengths = [0, 12, 15, 16, 17, CK_ULONG::MAX];
        let others = [CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_ECB, CKM_AES_GCM, CKM_AES_CTR];
        let others = others.into_iter().flat_map(|id| lengths.map(|length| (id, vec![9; 16], length)));
        for (id, parameter, length) in gcm.chain(others) {
            let (_place, mut given) = at_odd_address(id, &parameter, length);
            let right = match id {
                CKM_AES_GCM => Mechanism::gcm(&[1; 12], b"aad"),
                CKM_AES_ECB => Mechanism::plain(id),
                CKM_AES_CTR => Mechanism::ctr(128, [1; 16]),
                id => Mechanism::bytes(id, &[1; 16]),
            };
            let mut absent = CK_MECHANISM { pParameter: std::ptr::null_mut(), ..given };
            let (given, absent) = (&raw mut given, &raw mut absent);
            for (mechanism, key) in [(given, resting), (absent, resting), (given, other), (given, gone)] {
                let ends = |session: Session| {
                    let begun = raw!(C_EncryptInit(session.0, mechanism, key));
                    (begun, session.encrypt_rest(&[5; 32]))
                };
                let new = token.public();
                let expected = ends(new);
                new.close().unwrap();
                session.encrypt(&right, resting, &[7; 32]).unwrap();
                assert_eq!(ends(session), expected, "{id:#x} {length} {parameter:?}");
            }
        }
    });
}

#[test]
fn an_operation_in_parts_and_one_at_once_follow_each_other_in_any_order() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = stored(session);
        let sha = Mechanism::plain(CKM_SHA256);
        let digest = session.digest(&sha, b"message").unwrap();
        let mac = session.sign(&cmac(), key, b"message").unwrap();
        let sealed = session.encrypt(&gcm(1), key, b"message").unwrap();
        for _ in 0..3 {
            session.digest_init(&sha).unwrap();
            session.digest_update(b"mess").unwrap();
            session.digest_update(b"age").unwrap();
            assert_eq!(session.digest_final().unwrap(), digest);
            assert_eq!(session.digest(&sha, b"message").unwrap(), digest);
            session.sign_init(&cmac(), key).unwrap();
            session.sign_update(b"mess").unwrap();
            session.sign_update(b"age").unwrap();
            assert_eq!(session.sign_final().unwrap(), mac);
            assert_eq!(session.sign(&cmac(), key, b"message").unwrap(), mac);
            session.decrypt_init(&gcm(1), key).unwrap();
            assert_eq!(session.decrypt_update(&sealed).unwrap(), b"");
            assert_eq!(session.decrypt_final().unwrap(), b"message");
            assert_eq!(session.decrypt(&gcm(1), key, &sealed).unwrap(), b"message");
        }
    });
}

#[test]
fn a_permission_taken_away_counts_at_the_next_beginning_in_every_session() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        let key = stored(session);
        for _ in 0..2 {
            session.sign(&cmac(), key, b"data").unwrap();
            session.encrypt(&gcm(1), key, b"data").unwrap();
        }
        other.set(key, &template![CKA_SIGN => false]).unwrap();
        session.sign_init(&cmac(), key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.encrypt(&gcm(2), key, b"data").unwrap();
        other.set(key, &template![CKA_SIGN => true, CKA_ENCRYPT => false]).unwrap();
        session.sign(&cmac(), key, b"data").unwrap();
        session.encrypt_init(&gcm(1), key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
    });
}

#[test]
fn a_key_destroyed_in_another_session_works_no_more_in_this_one() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        for lives_in_token in [true, false] {
            let key = keys::aes(session, template![CKA_TOKEN => lives_in_token, CKA_SIGN => true]);
            session.encrypt(&gcm(1), key, b"data").unwrap();
            session.sign(&cmac(), key, b"data").unwrap();
            other.destroy(key).unwrap();
            session.encrypt_init(&gcm(1), key).refused(CKR_KEY_HANDLE_INVALID);
            session.sign_init(&cmac(), key).refused(CKR_KEY_HANDLE_INVALID);
        }
    });
}

#[test]
fn a_session_key_works_no_more_when_the_session_that_made_it_is_closed() {
    isolated(|_| {
        let token = Token::new();
        let (session, maker) = (token.user(), token.public());
        let key = keys::aes(maker, template![CKA_TOKEN => false, CKA_SIGN => true]);
        for _ in 0..2 {
            session.encrypt(&gcm(1), key, b"data").unwrap();
            session.sign(&cmac(), key, b"data").unwrap();
        }
        maker.close().unwrap();
        session.encrypt_init(&gcm(1), key).refused(CKR_KEY_HANDLE_INVALID);
        session.sign_init(&cmac(), key).refused(CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn after_a_logout_nothing_begins_again_nor_after_the_next_login() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        let key = stored(session);
        session.encrypt(&gcm(1), key, b"data").unwrap();
        session.sign(&cmac(), key, b"data").unwrap();
        other.logout().unwrap();
        session.encrypt_init(&gcm(1), key).refused(CKR_KEY_HANDLE_INVALID);
        other.login(CKU_USER, USER_PIN).unwrap();
        session.encrypt_init(&gcm(1), key).refused(CKR_KEY_HANDLE_INVALID);
        session.sign_init(&cmac(), key).refused(CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn a_key_for_some_days_only_is_looked_at_each_time() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let dates = template![CKA_START_DATE => "20200101", CKA_END_DATE => "20991231"];
        let key = keys::aes(session, template![CKA_TOKEN => true].and(&dates));
        for _ in 0..3 {
            session.encrypt(&gcm(1), key, b"data").unwrap();
        }
        session.set(key, &template![CKA_END_DATE => "20200102"]).unwrap();
        session.encrypt_init(&gcm(1), key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
    });
}

#[test]
fn a_key_that_always_authenticates_wants_the_pin_again_whatever_it_has_just_done() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![CKA_TOKEN => true]);
        session.encrypt(&gcm(1), key, b"data").unwrap();
        let (_, private) =
            keys::ec(session, keys::P256, template![CKA_TOKEN => true, CKA_ALWAYS_AUTHENTICATE => true]);
        let ecdsa = Mechanism::plain(CKM_ECDSA);
        for _ in 0..2 {
            session.sign_init(&ecdsa, private).unwrap();
            session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).unwrap();
            session.sign_rest(&[1; 32]).unwrap();
        }
        session.sign_init(&ecdsa, private).unwrap();
        session.sign_rest(&[1; 32]).refused(CKR_USER_NOT_LOGGED_IN);
    });
}

#[test]
fn a_session_that_was_closed_or_whose_library_has_ended_is_no_session_for_any_thread() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.random(1).unwrap();
        let elsewhere = token.public();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                elsewhere.random(1).unwrap();
                session.random(1).unwrap();
                elsewhere.close().unwrap();
                elsewhere.random(1).refused(CKR_SESSION_HANDLE_INVALID);
                session.random(1).unwrap();
                session.close().unwrap();
            });
        });
        // Remembered here from before; what else is wrong with the call comes after that.
        session.random(1).refused(CKR_SESSION_HANDLE_INVALID);
        session.encrypt_init(&Mechanism::bytes(CKM_AES_CBC, &[0; 3]), 1).refused(CKR_SESSION_HANDLE_INVALID);
        let last = token.public();
        last.random(1).unwrap();
        module().finalize().unwrap();
        last.random(1).refused(CKR_CRYPTOKI_NOT_INITIALIZED);
        module().initialize().unwrap();
        last.random(1).refused(CKR_SESSION_HANDLE_INVALID);
    });
}

/// Makes a key and uses it again and again; then has another process do something to it.
fn used_here_and_changed_elsewhere(
    process: &Process,
    change: fn(Session, Handle),
) -> Option<(Token, Session, Handle)> {
    if process.part().is_some() {
        let session = Token::join().user();
        for line in std::io::stdin().lines() {
            for key in session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap() {
                if line.as_ref().unwrap() == "change" {
                    change(session, key);
                }
            }
            process.say("done");
        }
        return None;
    }
    let token = Token::shared();
    let session = token.user();
    let key = stored(session);
    let mut other = Other::start(process, "obey", "");
    other.tell("look");
    // All is open by now and nothing changes: these are begun with as little looking as there may be.
    for _ in 0..3 {
        session.sign(&cmac(), key, b"data").unwrap();
        session.encrypt(&gcm(1), key, b"data").unwrap();
    }
    other.tell("change");
    other.done();
    // On nodes a key is used as of what this program has seen; to look is to see what others have done.
    session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap();
    Some((token, session, key))
}

#[test]
fn a_key_that_another_process_destroys_is_gone_at_the_next_beginning() {
    isolated(|process| {
        let change: fn(Session, Handle) = |session, key| session.destroy(key).unwrap();
        let Some((_token, session, key)) = used_here_and_changed_elsewhere(process, change) else { return };
        session.sign_init(&cmac(), key).refused(CKR_KEY_HANDLE_INVALID);
        session.encrypt_init(&gcm(1), key).refused(CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn a_permission_that_another_process_takes_away_is_missed_at_the_next_beginning() {
    isolated(|process| {
        let change: fn(Session, Handle) =
            |session, key| session.set(key, &template![CKA_SIGN => false]).unwrap();
        let Some((_token, session, key)) = used_here_and_changed_elsewhere(process, change) else { return };
        session.sign_init(&cmac(), key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.encrypt(&gcm(2), key, b"data").unwrap();
    });
}

#[test]
fn what_another_process_takes_away_is_missed_by_calls_that_open_a_key_for_themselves() {
    isolated(|process| {
        let change: fn(Session, Handle) =
            |session, key| session.set(key, &template![CKA_WRAP => false, CKA_DERIVE => false]).unwrap();
        let Some((_token, session, key)) = used_here_and_changed_elsewhere(process, change) else { return };
        let target = keys::secret(session, CKK_AES, &[7; 32], template![CKA_EXTRACTABLE => true]);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[0; 32]);
        let derived =
            template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_VALUE_LEN => 32];
        let allowed = stored(session);
        for _ in 0..3 {
            session.wrap(&wrap, allowed, target).unwrap();
            session.derive(&derive, allowed, &derived).unwrap();
        }
        session.wrap(&wrap, key, target).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.derive(&derive, key, &derived).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
    });
}

#[test]
fn a_mac_made_again_and_again_is_the_one_of_the_standard() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        // RFC 4231, test case 2.
        let key = keys::secret(session, CKK_GENERIC_SECRET, b"Jefe", template![CKA_TOKEN => true]);
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for _ in 0..3 {
            let mac = session.sign(&hmac(), key, b"what do ya want for nothing?").unwrap();
            assert_eq!(hex::encode(mac), expected);
            session.sign(&hmac(), key, b"something else").unwrap();
        }
    });
}
