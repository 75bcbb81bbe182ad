//! SLH-DSA in all twelve parameter sets, against an implementation that shares nothing with the module's, which is OpenSSL's: without
//! hedging both make the same bytes of the same key and message. A known answer of NIST's says that those are the right ones.

use crate::common::*;
use fips205::pre_hash;
use fips205::traits::{SerDes, Signer, Verifier};

type Sign = fn(key: &[u8], message: &[u8], context: &[u8]) -> Vec<u8>;
type Verify = fn(key: &[u8], message: &[u8], context: &[u8], signature: &[u8]) -> bool;

/// One parameter set of the other implementation.
struct Theirs {
    set: CK_ULONG,
    /// A new pair: public and private key, as PKCS#11 has them.
    generate: fn() -> (Vec<u8>, Vec<u8>),
    /// Signs a message with a context, without hedging.
    sign: Sign,
    /// The same of a SHA-256 digest that is made elsewhere.
    sign_digest: Sign,
    verify: Verify,
}

macro_rules! theirs {
    ($set:ident, $name:ident) => {{
        use fips205::$name::{PrivateKey, PublicKey, try_keygen};
        Theirs {
            set: $set,
            generate: || {
                let (public, private) = try_keygen().unwrap();
                (public.into_bytes().to_vec(), private.into_bytes().to_vec())
            },
            sign: |key, message, context| {
                let key = PrivateKey::try_from_bytes(key.try_into().unwrap()).unwrap();
                key.try_sign(message, context, false).unwrap().to_vec()
            },
            sign_digest: |key, digest, context| {
                let key = PrivateKey::try_from_bytes(key.try_into().unwrap()).unwrap();
                key.try_hash_sign(digest, context, &pre_hash::SHA2_256, false).unwrap().to_vec()
            },
            verify: |key, message, context, signature| {
                let key = PublicKey::try_from_bytes(key.try_into().unwrap()).unwrap();
                key.verify(message, signature.try_into().unwrap(), context)
            },
        }
    }};
}

fn all() -> [Theirs; 12] {
    [
        theirs!(CKP_SLH_DSA_SHA2_128S, slh_dsa_sha2_128s),
        theirs!(CKP_SLH_DSA_SHAKE_128S, slh_dsa_shake_128s),
        theirs!(CKP_SLH_DSA_SHA2_128F, slh_dsa_sha2_128f),
        theirs!(CKP_SLH_DSA_SHAKE_128F, slh_dsa_shake_128f),
        theirs!(CKP_SLH_DSA_SHA2_192S, slh_dsa_sha2_192s),
        theirs!(CKP_SLH_DSA_SHAKE_192S, slh_dsa_shake_192s),
        theirs!(CKP_SLH_DSA_SHA2_192F, slh_dsa_sha2_192f),
        theirs!(CKP_SLH_DSA_SHAKE_192F, slh_dsa_shake_192f),
        theirs!(CKP_SLH_DSA_SHA2_256S, slh_dsa_sha2_256s),
        theirs!(CKP_SLH_DSA_SHAKE_256S, slh_dsa_shake_256s),
        theirs!(CKP_SLH_DSA_SHA2_256F, slh_dsa_sha2_256f),
        theirs!(CKP_SLH_DSA_SHAKE_256F, slh_dsa_shake_256f),
    ]
}

const CONTEXT: &[u8] = b"context";

fn plainly(id: CK_MECHANISM_TYPE, context: &[u8]) -> Mechanism {
    Mechanism::sign_context(id, CKH_DETERMINISTIC_REQUIRED, context)
}

/// Keys that were made elsewhere as session objects: public and private.
fn brought(session: Session, set: CK_ULONG, (public, private): (&[u8], &[u8])) -> (Handle, Handle) {
    let create = |class, usage, value: &[u8]| {
        let template = template![
            CKA_CLASS => class, CKA_KEY_TYPE => CKK_SLH_DSA, CKA_TOKEN => false, CKA_PARAMETER_SET => set,
            usage => true, CKA_VALUE => value,
        ];
        session.create(&template).unwrap()
    };
    (create(CKO_PUBLIC_KEY, CKA_VERIFY, public), create(CKO_PRIVATE_KEY, CKA_SIGN, private))
}

#[test]
fn another_implementation_signs_the_same_bytes_in_every_parameter_set() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let mechanism = plainly(CKM_SLH_DSA, CONTEXT);
        for theirs in all() {
            let set = theirs.set;
            let (public, private) = (theirs.generate)();
            let ours = brought(session, set, (&public, &private));
            let signature = session.sign(&mechanism, ours.1, b"message").unwrap();
            assert!(signature == (theirs.sign)(&private, b"message", CONTEXT), "set {set}");
            session.verify(&mechanism, ours.0, b"message", &signature).unwrap();
            let mut altered = signature;
            let last = altered.len() - 1;
            altered[last] ^= 1;
            session.verify(&mechanism, ours.0, b"message", &altered).refused(CKR_SIGNATURE_INVALID);
        }
    });
}

#[test]
fn another_implementation_checks_what_keys_of_the_module_sign_in_every_parameter_set() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let hedged = Mechanism::sign_context(CKM_SLH_DSA, CKH_HEDGE_REQUIRED, CONTEXT);
        for theirs in all() {
            let (public, private) = keys::pqc(session, CKK_SLH_DSA, theirs.set, template![]);
            let signature = session.sign(&hedged, private, b"message").unwrap();
            let key = session.get(public, CKA_VALUE).unwrap();
            for (message, context, valid) in
                [(&b"message"[..], CONTEXT, true), (b"another", CONTEXT, false), (b"message", b"", false)]
            {
                assert_eq!((theirs.verify)(&key, message, context, &signature), valid, "set {}", theirs.set);
            }
        }
    });
}

#[test]
fn another_implementation_signs_the_same_bytes_of_a_digest() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let digest = session.digest(&Mechanism::plain(CKM_SHA256), b"message").unwrap();
        for theirs in all().iter().filter(|theirs| FAST.contains(&theirs.set)) {
            let (public, private) = (theirs.generate)();
            let ours = brought(session, theirs.set, (&public, &private));
            let mechanism = plainly(CKM_HASH_SLH_DSA_SHA256, CONTEXT);
            let signature = session.sign(&mechanism, ours.1, b"message").unwrap();
            assert!(signature == (theirs.sign_digest)(&private, &digest, CONTEXT), "set {}", theirs.set);
            session.verify(&mechanism, ours.0, b"message", &signature).unwrap();
        }
    });
}

/// Sets whose signatures are made in less than a second.
const FAST: [CK_ULONG; 2] = [CKP_SLH_DSA_SHA2_128F, CKP_SLH_DSA_SHAKE_128F];

/// The first test of SLH-DSA-sigGen-FIPS205 of NIST's ACVP server for SHA2-128f, which signs one byte without a context: the private key, and of
/// the signature of 17088 bytes its beginning, its end and its SHA-256.
#[test]
fn a_signature_is_nists() {
    const KEY: &str = "D5213BA4BB6470F1B9EDA88CBC94E6277A58A951EF7F2B81461DBAC41B5A6B83\
                       FA495FB834DEFEA7CC96A81309479135A67029E90668C5A58B96E60111491F3D";
    const BEGINNING: &str = "BD40E6D66893F38D5C5FAD99E4885329925BB207D49E62BCB9B1C4685154A8B3\
                             2E58B70C7AED0E28507F31B49EC7ED6ED6DCB8DB2DA90FE938994D75C80E6712";
    const END: &str =
        "5EA26C07D38628FF7CA45CED0EF8004B41E6461E1EA61C2B3F20DA8E33272E8DBBE09A7374427301CF432B77B6";
    const DIGEST: &str = "D3537E05AE63876BF78015FF86CC9E284F91CABFAC191298FBAA375596351D55";
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = hex::decode(KEY).unwrap();
        let (public, private) = brought(session, CKP_SLH_DSA_SHA2_128F, (&key[32..], &key));
        let mechanism = plainly(CKM_SLH_DSA, b"");
        let signature = session.sign(&mechanism, private, &[0x3f]).unwrap();
        let digits = hex::encode_upper(&signature);
        assert_eq!(signature.len(), 17088);
        assert!(digits.starts_with(BEGINNING) && digits.ends_with(END));
        assert_eq!(hex::encode_upper(openssl::sha::sha256(&signature)), DIGEST);
        // NIST's public key accepts it, here and elsewhere; and nothing else.
        session.verify(&mechanism, public, &[0x3f], &signature).unwrap();
        session.verify(&mechanism, public, &[0x3e], &signature).refused(CKR_SIGNATURE_INVALID);
        let theirs = all().into_iter().find(|theirs| theirs.set == CKP_SLH_DSA_SHA2_128F).unwrap();
        assert!((theirs.verify)(&key[32..], &[0x3f], b"", &signature));
    });
}
