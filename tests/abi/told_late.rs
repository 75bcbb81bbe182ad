//! A new pair of a session tells some attributes only when it is asked: always the same ones, whatever the first question is, whoever asks it, and
//! whatever has become of the other half.

use crate::common::*;
use std::sync::Barrier;

/// A kind of pair: type of key, what makes it, the public template's choice.
type Kind = (CK_KEY_TYPE, Mechanism, Template);

const BRAINPOOL_P320: &[u8] = &[0x06, 9, 0x2B, 0x24, 3, 3, 2, 8, 1, 1, 9];

fn curve(key_type: CK_KEY_TYPE, params: &[u8]) -> Kind {
    let id = match key_type {
        CKK_EC => CKM_EC_KEY_PAIR_GEN,
        CKK_EC_EDWARDS => CKM_EC_EDWARDS_KEY_PAIR_GEN,
        _ => CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
    };
    (key_type, Mechanism::plain(id), template![CKA_EC_PARAMS => params])
}

fn kinds() -> Vec<Kind> {
    let weierstrass = [keys::P224, keys::P256, keys::P384, keys::P521, keys::SECP256K1, BRAINPOOL_P320];
    let curves = weierstrass.map(|params| curve(CKK_EC, params)).into_iter();
    let edwards = [keys::ED25519, keys::ED448].map(|params| curve(CKK_EC_EDWARDS, params));
    let montgomery = [keys::X25519, keys::X448].map(|params| curve(CKK_EC_MONTGOMERY, params));
    let sets =
        [(CKK_ML_KEM, CKP_ML_KEM_768), (CKK_ML_DSA, CKP_ML_DSA_44), (CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F)];
    let sets =
        sets.map(|(kind, set)| (kind, keys::pqc_generation(kind), template![CKA_PARAMETER_SET => set]));
    curves.chain(edwards).chain(montgomery).chain(sets).collect()
}

fn is_curve(kind: &Kind) -> bool {
    matches!(kind.0, CKK_EC | CKK_EC_EDWARDS | CKK_EC_MONTGOMERY)
}

/// A session pair whose private key may be read.
fn pair(session: Session, kind: &Kind) -> (Handle, Handle) {
    let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
    let (public, private) = (keys::public_template().and(&kind.2), keys::private_template().and(&open));
    session.generate_pair(&kind.1, &public, &private).unwrap()
}

/// What any half may tell of the key itself.
const PARTS: [CK_ATTRIBUTE_TYPE; 6] =
    [CKA_EC_PARAMS, CKA_PARAMETER_SET, CKA_EC_POINT, CKA_PUBLIC_KEY_INFO, CKA_VALUE, CKA_SEED];

fn parts(session: Session, key: Handle) -> [Answer<Vec<u8>>; 6] {
    PARTS.map(|kind| session.get(key, kind))
}

/// The private key's parts as a key tells them that was brought in by its secret alone.
fn brought_in(session: Session, kind: &Kind, private: Handle) -> [Answer<Vec<u8>>; 6] {
    let mut template = template![
        CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => kind.0, CKA_TOKEN => false, CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ]
    .and(&kind.2);
    for secret in [CKA_VALUE, CKA_SEED] {
        if let Ok(value) = session.get(private, secret) {
            template = template.and(&template![secret => &value[..]]);
        }
    }
    let key = session.create(&template).unwrap();
    let told = parts(session, key);
    session.destroy(key).unwrap();
    told
}

/// Both halves tell all that belongs to the pair.
#[track_caller]
fn are_complete(session: Session, kind: &Kind, public: Handle, private: Handle) {
    assert_eq!(parts(session, private), brought_in(session, kind, private));
    for part in [CKA_EC_POINT, CKA_PUBLIC_KEY_INFO] {
        assert_eq!(session.get(public, part), session.get(private, part));
    }
}

#[test]
fn whatever_is_asked_first_both_halves_tell_what_a_key_tells_that_was_brought_in() {
    let questions: [fn(Session, Handle); 7] = [
        |session, key| drop(session.get(key, CKA_EC_POINT)),
        |session, key| drop(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap()),
        |session, key| drop(session.get(key, CKA_VALUE)),
        |session, key| assert!(session.size_of(key).unwrap() > 0),
        |session, key| session.set(key, &template![CKA_LABEL => "changed"]).unwrap(),
        |session, key| assert!(session.find(&template![CKA_TOKEN => false]).unwrap().contains(&key)),
        |session, key| drop(session.get(key, CKA_UNIQUE_ID).unwrap()),
    ];
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for kind in kinds() {
            for question in questions {
                let (public, private) = pair(session, &kind);
                question(session, private);
                are_complete(session, &kind, public, private);
                let (public, private) = pair(session, &kind);
                question(session, public);
                are_complete(session, &kind, public, private);
            }
        }
    });
}

#[test]
fn copies_in_the_session_and_in_the_token_tell_what_was_never_asked_of_the_original() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for kind in kinds() {
            for stored in [false, true] {
                let (public, private) = pair(session, &kind);
                let copy = |key| session.copy(key, &template![CKA_TOKEN => stored]).unwrap();
                let copies = (copy(public), copy(private));
                session.destroy(public).unwrap();
                session.destroy(private).unwrap();
                are_complete(session, &kind, copies.0, copies.1);
            }
        }
    });
}

#[test]
fn a_point_that_was_never_told_is_found_by() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for kind in kinds().iter().filter(|kind| is_curve(kind)) {
            let (public, private) = pair(session, kind);
            let (_other, secret) = pair(session, kind);
            let point = session.get(public, CKA_EC_POINT).unwrap();
            let found = session.find(&template![CKA_EC_POINT => &point[..]]).unwrap();
            assert_eq!(found, [public, private]);
            assert_ne!(session.get(secret, CKA_EC_POINT), Ok(point));
        }
    });
}

#[test]
fn an_empty_claim_of_a_pair_to_be_made_is_none_and_both_halves_tell_all() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for kind in kinds() {
            for stored in [false, true] {
                let empty: &[u8] = &[];
                let claim = template![CKA_TOKEN => stored, CKA_PUBLIC_KEY_INFO => empty];
                let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
                let public = keys::public_template().and(&kind.2).and(&claim);
                let private = keys::private_template().and(&open).and(&claim);
                let (public, private) = session.generate_pair(&kind.1, &public, &private).unwrap();
                are_complete(session, &kind, public, private);
            }
        }
    });
}

#[test]
fn each_half_tells_and_works_when_the_other_was_destroyed_unasked() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for kind in kinds() {
            let (public, private) = pair(session, &kind);
            let copy = session.copy(private, &template![]).unwrap();
            session.destroy(private).unwrap();
            are_complete(session, &kind, public, copy);
            let (public, private) = pair(session, &kind);
            session.destroy(public).unwrap();
            assert_eq!(parts(session, private), brought_in(session, &kind, private));
        }
    });
}

#[test]
fn a_pair_that_is_used_before_it_is_asked_works_and_tells_the_same() {
    let uses = [
        (curve(CKK_EC, keys::P256), CKM_ECDSA_SHA256),
        (curve(CKK_EC, keys::P521), CKM_ECDSA_SHA256),
        (curve(CKK_EC_EDWARDS, keys::ED25519), CKM_EDDSA),
    ];
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let signing = uses.map(|(kind, id)| (kind, Mechanism::plain(id)));
        for (kind, mechanism) in &signing {
            for private_first in [true, false] {
                let (public, private) = pair(session, kind);
                if !private_first {
                    session.verify(mechanism, public, b"data", &[1; 64]).unwrap_err();
                }
                let signature = session.sign(mechanism, private, b"data").unwrap();
                session.verify(mechanism, public, b"data", &signature).unwrap();
                are_complete(session, kind, public, private);
            }
        }
        let sets = kinds().into_iter().filter(|kind| !is_curve(kind));
        for kind in sets {
            let (public, private) = pair(session, &kind);
            if kind.0 == CKK_ML_KEM {
                let (kem, open) = (Mechanism::plain(CKM_ML_KEM), template![CKA_SENSITIVE => false]);
                let open = open.and(&template![CKA_EXTRACTABLE => true]);
                let (ciphertext, one) = session.encapsulate(&kem, public, &open).unwrap();
                let other = session.decapsulate(&kem, private, &ciphertext, &open).unwrap();
                assert_eq!(session.get(one, CKA_VALUE), session.get(other, CKA_VALUE));
            } else {
                let mechanism = Mechanism::plain(if kind.0 == CKK_ML_DSA { CKM_ML_DSA } else { CKM_SLH_DSA });
                let signature = session.sign(&mechanism, private, b"data").unwrap();
                session.verify(&mechanism, public, b"data", &signature).unwrap();
            }
            are_complete(session, &kind, public, private);
        }
    });
}

#[test]
fn threads_that_ask_at_the_same_time_are_all_told_the_same() {
    const THREADS: usize = 4;
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for kind in kinds() {
            let pairs: Vec<_> = (0..5).map(|_| pair(session, &kind)).collect();
            let start = Barrier::new(THREADS);
            let ask = |thread: usize| {
                let own = token.public();
                start.wait();
                let told = pairs.iter().map(|(public, private)| {
                    let mut asked = [*public, *private];
                    asked.rotate_left(thread % 2);
                    let mut told = asked.map(|key| parts(own, key));
                    told.rotate_left(thread % 2);
                    told
                });
                told.collect::<Vec<_>>()
            };
            let all: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || ask(thread))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(all.iter().all(|told| *told == all[0]));
            for ((public, private), told) in pairs.iter().zip(&all[0]) {
                assert_eq!(*told, [*public, *private].map(|key| parts(session, key)));
                are_complete(session, &kind, *public, *private);
            }
        }
    });
}
