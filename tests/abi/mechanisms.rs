//! Every mechanism does all that its flags promise, in one part and in several.

mod promises;

use crate::common::cases::{self, Case, Job, Keys, input};
use crate::common::*;
use promises::check;

/// What went wrong, for a list of all that did.
type Outcome = Result<(), String>;

#[test]
fn every_mechanism_promised_is_there() {
    isolated(|_| {
        let token = Token::new();
        let listed = module().mechanisms(token.slot).unwrap();
        let missing: Vec<_> = cases::all()
            .into_iter()
            .filter(|case| !listed.contains(&case.mechanism.id()))
            .map(|case| case.name)
            .collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
    });
}

#[test]
fn every_listed_mechanism_does_what_its_flags_promise() {
    isolated(|process| {
        let token = Token::new();
        let listed = module().mechanisms(token.slot).unwrap();
        process.say(exercise_all(&token, &listed, &cases::all()));
    });
}

#[test]
fn every_old_mechanism_does_what_its_flags_promise_on_a_token_that_has_them() {
    isolated(|process| {
        let token = Token::new_in(Folder::with_token("legacy = true"));
        let mut listed = module().mechanisms(token.slot).unwrap();
        let usual = cases::all();
        listed.retain(|id| usual.iter().all(|case| case.mechanism.id() != *id));
        let old = cases::legacy();
        assert_eq!(listed.len(), old.len());
        process.say(exercise_all(&token, &listed, &old));
    });
}

/// Runs all that the flags of these mechanisms promise; says how much that was.
fn exercise_all(token: &Token, listed: &[CK_MECHANISM_TYPE], all: &[Case]) -> String {
    let _logged_in = token.user();
    let mut wrong = Vec::new();
    let mut exercised = 0;
    for id in listed {
        let Some(case) = all.iter().find(|case| case.mechanism.id() == *id) else {
            wrong.push(format!("{id:#x} is listed and not tested"));
            continue;
        };
        let flags = module().mechanism_info(token.slot, *id).unwrap().flags;
        // A session for each: what one leaves open stays its own.
        let session = token.public();
        match exercise(session, case, flags) {
            Ok(promises) => exercised += promises,
            Err(what) => wrong.push(format!("{}: {what}", case.name)),
        }
        session.close().unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    format!("{exercised} promises of {} mechanisms kept", all.len())
}

/// A check of what a pair of flags promises.
type Promise = fn(Session, &Case) -> Outcome;

const PROMISES: [(CK_FLAGS, Promise); 9] = [
    (CKF_ENCRYPT | CKF_DECRYPT, promises::encrypts_and_decrypts),
    (CKF_SIGN | CKF_VERIFY, promises::signs_and_verifies),
    (CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER, promises::signs_and_recovers),
    (CKF_WRAP | CKF_UNWRAP, promises::wraps_and_unwraps),
    (CKF_DIGEST, promises::digests),
    (CKF_GENERATE, promises::generates),
    (CKF_GENERATE_KEY_PAIR, promises::generates_pairs),
    (CKF_DERIVE, promises::derives),
    (CKF_ENCAPSULATE | CKF_DECAPSULATE, promises::encapsulates),
];

/// Runs all that `flags` promise; how many that was.
fn exercise(session: Session, case: &Case, flags: CK_FLAGS) -> Result<usize, String> {
    if matches!(case.job, Job::Elsewhere) {
        return Ok(1);
    }
    let mut kept = 0;
    for (needed, promise) in PROMISES {
        let promised = flags & needed;
        check(promised == 0 || promised == needed, "one direction is promised and not the other")?;
        if promised == needed {
            promise(session, case)?;
            kept += 1;
        }
    }
    check(kept > 0, "nothing promised")?;
    Ok(kept)
}

#[test]
fn no_mechanism_takes_a_key_of_another_type() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (rsa, rsa_private) = keys::rsa(session, 2048, template![]);
        let generic = keys::secret(session, CKK_GENERIC_SECRET, &[1; 32], template![]);
        for case in cases::all() {
            let Job::Use(keys, _) = case.job else { continue };
            let Ok(info) = module().mechanism_info(token.slot, case.mechanism.id()) else { continue };
            let wrong = match keys {
                Keys::None => continue,
                Keys::Rsa => (generic, generic),
                _ => (rsa, rsa_private),
            };
            if info.flags & CKF_ENCRYPT != 0 {
                assert_eq!(
                    session.encrypt_init(&case.mechanism, wrong.0),
                    Err(Rv(CKR_KEY_TYPE_INCONSISTENT)),
                    "C_EncryptInit, {}",
                    case.name
                );
            }
            if info.flags & CKF_SIGN != 0 {
                assert_eq!(
                    session.sign_init(&case.mechanism, wrong.1),
                    Err(Rv(CKR_KEY_TYPE_INCONSISTENT)),
                    "C_SignInit, {}",
                    case.name
                );
            }
        }
    });
}

#[test]
fn keys_of_no_allowed_size_are_not_made() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let range = [CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT];
        for length in [0, 1, 15, 17, 31, 33, 1 << 40, CK_ULONG::MAX] {
            session
                .generate(&Mechanism::plain(CKM_AES_KEY_GEN), &keys::aes_template(length))
                .refused_by_one_of(&range);
        }
        for bits in [0, 1, 512, 1023, 8200, 16384, 1 << 40, CK_ULONG::MAX] {
            let public = keys::public_template().and(&template![CKA_MODULUS_BITS => bits]);
            session
                .generate_pair(
                    &Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN),
                    &public,
                    &keys::private_template(),
                )
                .refused_by_one_of(&range);
        }
        for value in [&[1u8; 15][..], &[1; 33], &[]] {
            session.create(&keys::secret_template(CKK_AES, value)).refused_by_one_of(&range);
        }
        assert!(session.find(&template![]).unwrap().is_empty(), "a refused call has made an object");
    });
}

#[test]
fn every_curve_signs_and_agrees() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let curves =
            [(keys::P224, 56), (keys::P256, 64), (keys::P384, 96), (keys::P521, 132), (keys::SECP256K1, 64)];
        for (curve, length) in curves {
            let (public, private) = keys::ec(session, curve, template![]);
            // Longer than the order: cut as ECDSA says. Shorter: taken as it is.
            for data in [&input(64)[..], &input(20)] {
                let ecdsa = Mechanism::plain(CKM_ECDSA);
                let signature = session.sign(&ecdsa, private, data).unwrap();
                assert_eq!(signature.len(), length);
                session.verify(&ecdsa, public, data, &signature).unwrap();
            }
            promises::agrees(session, CKM_ECDH1_DERIVE, Keys::Ec(curve)).unwrap();
        }
        for (curve, length) in [(keys::ED25519, 64), (keys::ED448, 114)] {
            let (public, private) = keys::edwards(session, curve);
            let mechanism = match curve {
                keys::ED448 => Mechanism::eddsa(false, b""),
                _ => Mechanism::plain(CKM_EDDSA),
            };
            let signature = session.sign(&mechanism, private, b"data").unwrap();
            assert_eq!(signature.len(), length);
            session.verify(&mechanism, public, b"data", &signature).unwrap();
        }
    });
}

#[test]
fn hmac_keys_may_be_shorter_than_the_hash() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for length in [1, 8, 20, 31, 200] {
            let key = keys::secret(session, CKK_GENERIC_SECRET, &input(length + 1)[1..], template![]);
            session.sign(&Mechanism::plain(CKM_SHA512_HMAC), key, b"data").unwrap();
        }
    });
}
