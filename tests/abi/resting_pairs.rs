//! Signatures by key pairs that rest in a session: as `resting` says, and with their own parameter alone.

use crate::common::*;

const DATA: &[u8] = b"what is signed, in parts or at once";

#[test]
fn signatures_with_pairs_rest_too_and_begin_again_only_where_a_first_would() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        let pss = |salt| Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, salt);
        let ec = [Mechanism::plain(CKM_ECDSA), Mechanism::plain(CKM_ECDSA_SHA256)];
        let rsa = [pss(32), pss(20), Mechanism::plain(CKM_SHA256_RSA_PKCS), Mechanism::plain(CKM_RSA_PKCS)];
        let stored = template![CKA_TOKEN => true];
        let pairs = [
            (keys::ec(session, keys::P256, stored.clone()), &ec[..]),
            (keys::rsa(session, 2048, stored), &rsa[..]),
        ];
        for ((public, private), mechanisms) in pairs {
            for round in 0..6_u8 {
                for mechanism in mechanisms.iter().flat_map(|one| [one, one]) {
                    let signature = session.sign(mechanism, private, &[round; 32]).unwrap();
                    session.verify(mechanism, public, &[round; 32], &signature).unwrap();
                    let refused = session.verify(mechanism, public, &[99; 32], &signature);
                    refused.refused(CKR_SIGNATURE_INVALID);
                    other.verify(mechanism, public, &[round; 32], &signature).unwrap();
                }
            }
            let last = &mechanisms[0];
            session.sign(last, private, &[1; 32]).unwrap();
            other.set(private, &template![CKA_SIGN => false]).unwrap();
            session.sign_init(last, private).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
            other.set(private, &template![CKA_SIGN => true]).unwrap();
            session.sign(last, private, &[1; 32]).unwrap();
            other.destroy(private).unwrap();
            session.sign_init(last, private).refused(CKR_KEY_HANDLE_INVALID);
        }
    });
}

/// Pairs of kinds whose signatures depend on their parameter, in the token, with parameters that each make another signature of the same data.
fn pairs_by_parameter(session: Session) -> [((Handle, Handle), Vec<Mechanism>); 2] {
    let both = |mechanism, public: Template, private: Template| {
        let stored = template![CKA_TOKEN => true];
        let public = keys::public_template().and(&public).and(&template![CKA_VERIFY => true]).and(&stored);
        let private = keys::private_template().and(&private).and(&template![CKA_SIGN => true]).and(&stored);
        session.generate_pair(&mechanism, &public, &private).unwrap()
    };
    let ed448 = template![CKA_EC_PARAMS => &b"\x06\x03\x2b\x65\x71"[..]];
    let edwards = both(Mechanism::plain(CKM_EC_EDWARDS_KEY_PAIR_GEN), ed448, template![]);
    let set = template![CKA_PARAMETER_SET => CKP_ML_DSA_44];
    let lattice = both(keys::pqc_generation(CKK_ML_DSA), set, template![]);
    let eddsa = [(false, &b""[..]), (false, b"one"), (false, b"two"), (true, b"one"), (true, b"")];
    let ml_dsa = |context: &[u8]| Mechanism::sign_context(CKM_ML_DSA, CKH_DETERMINISTIC_REQUIRED, context);
    [
        (edwards, eddsa.map(|(prehash, context)| Mechanism::eddsa(prehash, context)).into()),
        (lattice, [&b""[..], b"one", b"two"].map(ml_dsa).into()),
    ]
}

#[test]
fn a_signature_that_rests_begins_again_with_no_parameter_but_its_own() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for ((public, private), mechanisms) in pairs_by_parameter(session) {
            let first = |mechanism: &Mechanism| {
                let new = token.public();
                let signature = new.sign(mechanism, private, DATA).unwrap();
                new.close().unwrap();
                signature
            };
            let signatures: Vec<_> = mechanisms.iter().map(first).collect();
            for (mechanism, signature) in mechanisms.iter().zip(&signatures) {
                for (before, its) in mechanisms.iter().zip(&signatures) {
                    assert_eq!(&session.sign(before, private, DATA).unwrap(), its);
                    assert_eq!(&session.sign(mechanism, private, DATA).unwrap(), signature);
                    session.verify(before, public, DATA, its).unwrap();
                    let other = session.verify(mechanism, public, DATA, its);
                    assert_eq!(other.is_ok(), its == signature);
                    session.verify_signature_init(before, public, its).unwrap();
                    session.verify_signature_rest(DATA).unwrap();
                    session.verify_signature_init(mechanism, public, its).unwrap();
                    assert_eq!(session.verify_signature_rest(DATA).is_ok(), its == signature);
                }
            }
        }
    });
}

#[test]
fn a_signature_by_hand_of_what_rests_has_nothing_of_the_one_before() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for ((_, private), mechanisms) in pairs_by_parameter(session) {
            let mechanism = &mechanisms[1];
            let [whole, empty] = [DATA, b""].map(|data| session.sign(mechanism, private, data).unwrap());
            for _ in 0..2 {
                // In parts, after one that rests.
                session.sign_init(mechanism, private).unwrap();
                session.sign_update(&DATA[..5]).unwrap();
                session.sign_update(&DATA[5..]).unwrap();
                assert_eq!(session.sign_final().unwrap(), whole);
                session.sign_final().refused(CKR_OPERATION_NOT_INITIALIZED);
                // Of nothing, which rests, and is no operation until it begins again.
                session.sign_init(mechanism, private).unwrap();
                assert_eq!(session.sign_final().unwrap(), empty);
                session.sign_final().refused(CKR_OPERATION_NOT_INITIALIZED);
                session.sign_rest(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
                session.sign_update(DATA).refused(CKR_OPERATION_NOT_INITIALIZED);
                // Begun and not gone on with.
                session.sign_init(mechanism, private).unwrap();
                session.sign_update(b"not to be signed").unwrap();
                session.cancel(CKF_SIGN).unwrap();
                assert_eq!(session.sign(mechanism, private, DATA).unwrap(), whole);
            }
        }
    });
}
