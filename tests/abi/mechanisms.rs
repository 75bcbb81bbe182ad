//! Every mechanism does all that its flags promise, in one part and in several.

use crate::common::cases::{self, Case, Job, Keys, input};
use crate::common::*;

/// What went wrong, for a list of all that did.
type Outcome = Result<(), String>;

trait During<T> {
    /// Says at what.
    fn during(self, what: &str) -> Result<T, String>;
}

impl<T> During<T> for Answer<T> {
    fn during(self, what: &str) -> Result<T, String> {
        self.map_err(|rv| format!("{what}: {rv:?}"))
    }
}

fn check(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn refused<T: std::fmt::Debug>(answer: Answer<T>, codes: &[CK_RV], what: &str) -> Outcome {
    match answer {
        Err(Rv(code)) if codes.contains(&code) => Ok(()),
        other => Err(format!("{what}: answered {other:?}")),
    }
}

/// Cuts input into pieces of uneven length, an empty one among them.
fn pieces(data: &[u8]) -> [&[u8]; 4] {
    let (first, rest) = data.split_at(data.len() / 5);
    let (second, third) = rest.split_at(rest.len() / 2);
    [first, &[], second, third]
}

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

/// Runs all that `flags` promise; how many that was.
fn exercise(session: Session, case: &Case, flags: CK_FLAGS) -> Result<usize, String> {
    if matches!(case.job, Job::Elsewhere) {
        return Ok(1);
    }
    let promises: [(CK_FLAGS, Promise); 9] = [
        (CKF_ENCRYPT | CKF_DECRYPT, encrypts_and_decrypts),
        (CKF_SIGN | CKF_VERIFY, signs_and_verifies),
        (CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER, signs_and_recovers),
        (CKF_WRAP | CKF_UNWRAP, wraps_and_unwraps),
        (CKF_DIGEST, digests),
        (CKF_GENERATE, generates),
        (CKF_GENERATE_KEY_PAIR, generates_pairs),
        (CKF_DERIVE, derives),
        (CKF_ENCAPSULATE | CKF_DECAPSULATE, encapsulates),
    ];
    let mut kept = 0;
    for (needed, promise) in promises {
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

fn used(case: &Case) -> Result<(Keys, Vec<u8>), String> {
    match case.job {
        Job::Use(keys, length) => Ok((keys, input(length))),
        _ => Err("a promise that its test case knows nothing of".to_owned()),
    }
}

fn encrypts_and_decrypts(session: Session, case: &Case) -> Outcome {
    let (keys, data) = used(case)?;
    let (public, private) = keys.make(session);
    let mechanism = &case.mechanism;
    let encrypted = session.encrypt(mechanism, public, &data).during("C_Encrypt")?;
    let decrypted = session.decrypt(mechanism, private, &encrypted).during("C_Decrypt")?;
    check(decrypted == data, "C_Decrypt gives other data")?;

    session.encrypt_init(mechanism, public).during("C_EncryptInit")?;
    let mut in_parts = Vec::new();
    for piece in pieces(&data) {
        in_parts.extend(session.encrypt_update(piece).during("C_EncryptUpdate")?);
    }
    in_parts.extend(session.encrypt_final().during("C_EncryptFinal")?);
    let random = matches!(mechanism.id(), CKM_RSA_PKCS | CKM_RSA_PKCS_OAEP | cases::CKM_CLOUDHSM_AES_GCM);
    check(random || in_parts == encrypted, "encrypted in parts is not encrypted at once")?;

    session.decrypt_init(mechanism, private).during("C_DecryptInit")?;
    let mut decrypted = Vec::new();
    for piece in pieces(&in_parts) {
        decrypted.extend(session.decrypt_update(piece).during("C_DecryptUpdate")?);
    }
    decrypted.extend(session.decrypt_final().during("C_DecryptFinal")?);
    check(decrypted == data, "C_DecryptFinal gives other data")
}

fn signs_and_verifies(session: Session, case: &Case) -> Outcome {
    let (keys, data) = used(case)?;
    let (public, private) = keys.make(session);
    let mechanism = &case.mechanism;
    let at_once = session.sign(mechanism, private, &data).during("C_Sign")?;
    session.sign_init(mechanism, private).during("C_SignInit")?;
    for piece in pieces(&data) {
        session.sign_update(piece).during("C_SignUpdate")?;
    }
    let in_parts = session.sign_final().during("C_SignFinal")?;
    check(at_once.len() == in_parts.len(), "signatures of different lengths")?;
    for signature in [&at_once, &in_parts] {
        session.verify(mechanism, public, &data, signature).during("C_Verify")?;
        session.verify_init(mechanism, public).during("C_VerifyInit")?;
        for piece in pieces(&data) {
            session.verify_update(piece).during("C_VerifyUpdate")?;
        }
        session.verify_final(signature).during("C_VerifyFinal")?;
    }

    let mut altered = at_once.clone();
    *altered.last_mut().unwrap() ^= 1;
    let invalid = [CKR_SIGNATURE_INVALID];
    refused(session.verify(mechanism, public, &data, &altered), &invalid, "an altered signature")?;
    let mut other = data.clone();
    *other.last_mut().unwrap() ^= 1;
    refused(session.verify(mechanism, public, &other, &at_once), &invalid, "altered data")?;
    let short = session.verify(mechanism, public, &data, &at_once[1..]);
    refused(short, &[CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID], "a short signature")
}

fn signs_and_recovers(session: Session, case: &Case) -> Outcome {
    let (keys, data) = used(case)?;
    let (public, private) = keys.make(session);
    session.sign_recover_init(&case.mechanism, private).during("C_SignRecoverInit")?;
    let signature = session.sign_recover_rest(&data).during("C_SignRecover")?;
    session.verify_recover_init(&case.mechanism, public).during("C_VerifyRecoverInit")?;
    let recovered = session.verify_recover_rest(&signature).during("C_VerifyRecover")?;
    check(recovered == data, "C_VerifyRecover gives other data")?;
    let mut altered = signature;
    *altered.last_mut().unwrap() ^= 1;
    session.verify_recover_init(&case.mechanism, public).during("C_VerifyRecoverInit again")?;
    let recovered = session.verify_recover_rest(&altered);
    check(recovered.as_ref() != Ok(&data), "an altered signature gives the data")
}

fn wraps_and_unwraps(session: Session, case: &Case) -> Outcome {
    let (keys, _) = used(case)?;
    let (public, private) = keys.make(session);
    // For GCM and CCM the key is the data, which CCM wants to know the length of.
    let wrapping = match case.mechanism.id() {
        CKM_AES_CCM => &Mechanism::ccm(32, &[3; 12], b"", 16),
        _ => &case.mechanism,
    };
    let value = input(32);
    let secret = keys::secret(session, CKK_AES, &value, template![]);
    let wrapped = session.wrap(wrapping, public, secret).during("C_WrapKey")?;
    check(!wrapped.windows(32).any(|window| window == value), "the key is in the clear")?;
    let mut template = keys::aes_template(32)
        .and(&template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true])
        .without(CKA_VALUE_LEN);
    if wrapping.id() == CKM_RSA_X_509 {
        // Raw RSA forgets leading zeros: here only the length tells.
        template = template.and(&template![CKA_VALUE_LEN => 32 as CK_ULONG]);
    }
    let unwrapped = session.unwrap(wrapping, private, &wrapped, &template).during("C_UnwrapKey")?;
    let back = session.get(unwrapped, CKA_VALUE).during("CKA_VALUE of the unwrapped key")?;
    check(back == value, "another key comes out")?;
    check(session.get_bool(unwrapped, CKA_LOCAL) == Ok(false), "CKA_LOCAL of an unwrapped key")?;
    let takes_private = [
        CKM_AES_CBC_PAD,
        CKM_AES_GCM,
        CKM_AES_KEY_WRAP_KWP,
        CKM_AES_KEY_WRAP_PAD,
        CKM_DES3_CBC_PAD,
        CKM_DES_CBC_PAD,
        CKM_RSA_AES_KEY_WRAP,
    ];
    if takes_private.contains(&wrapping.id()) {
        private_keys_come_back(session, wrapping, public, private)?;
    }
    Ok(())
}

fn private_keys_come_back(
    session: Session,
    wrapping: &Mechanism,
    wrapper: Handle,
    unwrapper: Handle,
) -> Outcome {
    let changes = template![CKA_EXTRACTABLE => true];
    let ecdsa = Mechanism::plain(CKM_ECDSA_SHA256);
    let rsa = Mechanism::plain(CKM_SHA256_RSA_PKCS);
    let ml_dsa = Mechanism::plain(CKM_ML_DSA);
    let pairs = [
        (keys::pqc(session, CKK_ML_DSA, CKP_ML_DSA_44, changes.clone()), CKK_ML_DSA, &ml_dsa),
        (keys::ec(session, keys::P256, changes.clone()), CKK_EC, &ecdsa),
        (keys::rsa(session, 2048, changes), CKK_RSA, &rsa),
    ];
    for ((public, private), key_type, signing) in pairs {
        let what = format!("private key of type {key_type}");
        let wrapped = session.wrap(wrapping, wrapper, private).during(&what)?;
        let template = keys::private_template().and(&template![
            CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => key_type, CKA_SIGN => true,
        ]);
        let back = session.unwrap(wrapping, unwrapper, &wrapped, &template).during(&what)?;
        let signature = session.sign(signing, back, b"data").during(&what)?;
        session.verify(signing, public, b"data", &signature).during(&what)?;
    }
    Ok(())
}

fn digests(session: Session, case: &Case) -> Outcome {
    let (_, data) = used(case)?;
    let at_once = session.digest(&case.mechanism, &data).during("C_Digest")?;
    session.digest_init(&case.mechanism).during("C_DigestInit")?;
    for piece in pieces(&data) {
        session.digest_update(piece).during("C_DigestUpdate")?;
    }
    let in_parts = session.digest_final().during("C_DigestFinal")?;
    check(in_parts == at_once, "digested in parts is not digested at once")?;
    let name = case.name.trim_start_matches("CKM_").replace("SHA_1", "SHA1").replace('_', "-");
    let name = name.replace("BLAKE2B-512", "BLAKE2b512");
    if !name.starts_with("BLAKE2B") {
        let algorithm = openssl::hash::MessageDigest::from_name(&name).ok_or("unknown to OpenSSL")?;
        let right = openssl::hash::hash(algorithm, &data).unwrap();
        check(at_once == *right, "not the digest that OpenSSL has")?;
    }

    let key = keys::secret(session, CKK_GENERIC_SECRET, &data, template![]);
    session.digest_init(&case.mechanism).during("C_DigestInit")?;
    session.digest_key(key).during("C_DigestKey")?;
    let of_key = session.digest_final().during("C_DigestFinal")?;
    check(of_key == at_once, "C_DigestKey digests something else")
}

fn generates(session: Session, case: &Case) -> Outcome {
    let Job::Generate(template) = &case.job else {
        return Err("no template".to_owned());
    };
    let open = template.and(&template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]);
    let mut values = Vec::new();
    for _ in 0..2 {
        let key = session.generate(&case.mechanism, &open).during("C_GenerateKey")?;
        values.push(session.get(key, CKA_VALUE).during("CKA_VALUE")?);
        check(session.get_bool(key, CKA_LOCAL) == Ok(true), "CKA_LOCAL")?;
        let made_by = session.get_ulong(key, CKA_KEY_GEN_MECHANISM);
        check(made_by == Ok(case.mechanism.id()), "CKA_KEY_GEN_MECHANISM")?;
    }
    check(values[0] != values[1], "two keys are the same")?;
    let odd = |byte: &u8| byte.count_ones() % 2 == 1;
    let des = [CKM_DES_KEY_GEN, CKM_DES2_KEY_GEN, CKM_DES3_KEY_GEN].contains(&case.mechanism.id());
    check(!des || values[0].iter().all(odd), "DES keys have odd parity")
}

fn generates_pairs(session: Session, case: &Case) -> Outcome {
    let Job::GeneratePair(public) = &case.job else {
        return Err("no template".to_owned());
    };
    let (public, private) = session
        .generate_pair(&case.mechanism, public, &keys::private_template())
        .during("C_GenerateKeyPair")?;
    for key in [public, private] {
        check(session.get_bool(key, CKA_LOCAL) == Ok(true), "CKA_LOCAL")?;
        let made_by = session.get_ulong(key, CKA_KEY_GEN_MECHANISM);
        check(made_by == Ok(case.mechanism.id()), "CKA_KEY_GEN_MECHANISM")?;
    }
    check(session.get_ulong(public, CKA_CLASS) == Ok(CKO_PUBLIC_KEY), "class of the public key")?;
    check(session.get_ulong(private, CKA_CLASS) == Ok(CKO_PRIVATE_KEY), "class of the private key")
}

fn derives(session: Session, case: &Case) -> Outcome {
    match case.job {
        Job::Agree(keys) => {
            agrees(session, case.mechanism.id(), keys)?;
            if case.mechanism.id() == CKM_ECDH1_DERIVE {
                agrees(session, CKM_ECDH1_DERIVE, Keys::Montgomery(keys::X25519))?;
                agrees(session, CKM_ECDH1_DERIVE, Keys::Montgomery(keys::X448))?;
            }
            Ok(())
        }
        Job::Derive(keys) => {
            let (key, _) = keys.make(session);
            let first = session.derive(&case.mechanism, key, &derived(32)).during("C_DeriveKey")?;
            let short = session.derive(&case.mechanism, key, &derived(16)).during("C_DeriveKey of 16")?;
            let first = session.get(first, CKA_VALUE).during("CKA_VALUE")?;
            let short = session.get(short, CKA_VALUE).during("CKA_VALUE")?;
            check(first.len() == 32 && first[..16] == short, "a shorter key is the longer one's start")?;
            let long = session.derive(&case.mechanism, key, &derived(33));
            let codes = [
                CKR_MECHANISM_PARAM_INVALID,
                CKR_DATA_LEN_RANGE,
                CKR_KEY_SIZE_RANGE,
                CKR_TEMPLATE_INCONSISTENT,
            ];
            let codes = [&codes[..], &[CKR_ATTRIBUTE_VALUE_INVALID]].concat();
            refused(long, &codes, "a key longer than the data")
        }
        Job::DeriveFixed(keys) => {
            let (key, _) = keys.make(session);
            let mut values = Vec::new();
            for _ in 0..2 {
                let made = session.derive(&case.mechanism, key, &derived(16)).during("C_DeriveKey")?;
                values.push(session.get(made, CKA_VALUE).during("CKA_VALUE")?);
            }
            check(values[0] == values[1] && values[0].len() == 16, "the same key each time")
        }
        _ => Err("no base key".to_owned()),
    }
}

fn derived(length: CK_ULONG) -> Template {
    template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_VALUE_LEN => length,
        CKA_TOKEN => false, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
    ]
}

fn encapsulates(session: Session, case: &Case) -> Outcome {
    let keys = match case.job {
        Job::Use(keys, _) | Job::Agree(keys) | Job::Encapsulate(keys) => keys,
        _ => return Err("no keys".to_owned()),
    };
    let (public, private) = keys.make(session);
    let without_point = Mechanism::ecdh(case.mechanism.id(), CKD_NULL, b"", b"");
    let mechanism = if matches!(case.job, Job::Agree(_)) { &without_point } else { &case.mechanism };
    let template = derived(32);
    let (ciphertext, one) = session.encapsulate(mechanism, public, &template).during("C_EncapsulateKey")?;
    let other = session.decapsulate(mechanism, private, &ciphertext, &template).during("C_DecapsulateKey")?;
    let value = session.get(one, CKA_VALUE).during("CKA_VALUE")?;
    check(value.len() == 32 && session.get(other, CKA_VALUE) == Ok(value), "two secrets")?;
    for key in [one, other] {
        for (attribute, expected) in
            [(CKA_LOCAL, false), (CKA_ALWAYS_SENSITIVE, false), (CKA_NEVER_EXTRACTABLE, false)]
        {
            check(session.get_bool(key, attribute) == Ok(expected), "what a new key tells of its past")?;
        }
    }
    let (_, third) = session.encapsulate(mechanism, public, &template).during("C_EncapsulateKey again")?;
    check(session.get(third, CKA_VALUE) != session.get(one, CKA_VALUE), "twice the same secret")?;
    let short = session.decapsulate(mechanism, private, &ciphertext[1..], &template);
    refused(short, &[CKR_WRAPPED_KEY_LEN_RANGE], "a short ciphertext")
}

fn agrees(session: Session, id: CK_MECHANISM_TYPE, keys: Keys) -> Outcome {
    let ((public_a, private_a), (public_b, private_b)) = (keys.make(session), keys.make(session));
    let kdfs = [
        (CKD_NULL, &b""[..]),
        (CKD_SHA1_KDF, b""),
        (CKD_SHA256_KDF, b"shared info"),
        (CKD_SHA512_KDF, b"shared info"),
        (CKD_SHA3_256_KDF, b"shared info"),
    ];
    for (kdf, shared) in kdfs {
        let what = format!("key derivation function {kdf}");
        let secret = |private: Handle, public: Handle| {
            let point = session.get(public, CKA_EC_POINT).during("CKA_EC_POINT")?;
            let mechanism = Mechanism::ecdh(id, kdf, shared, &point);
            let key = session.derive(&mechanism, private, &derived(20)).during(&what)?;
            session.get(key, CKA_VALUE).during(&what)
        };
        check(secret(private_a, public_b)? == secret(private_b, public_a)?, "two secrets")?;
    }
    Ok(())
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
            agrees(session, CKM_ECDH1_DERIVE, Keys::Ec(curve)).unwrap();
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
