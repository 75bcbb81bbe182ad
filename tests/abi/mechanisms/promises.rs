//! What each flag of a mechanism promises, tried with one key, in one part and in several.

use super::Outcome;
use crate::common::cases::{self, Case, Job, Keys, input};
use crate::common::*;

trait During<T> {
    /// Says at what.
    fn during(self, what: &str) -> Result<T, String>;
}

impl<T> During<T> for Answer<T> {
    fn during(self, what: &str) -> Result<T, String> {
        self.map_err(|rv| format!("{what}: {rv:?}"))
    }
}

pub fn check(holds: bool, what: &str) -> Outcome {
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

fn used(case: &Case) -> Result<(Keys, Vec<u8>), String> {
    match case.job {
        Job::Use(keys, length) => Ok((keys, input(length))),
        _ => Err("a promise that its test case knows nothing of".to_owned()),
    }
}

pub fn encrypts_and_decrypts(session: Session, case: &Case) -> Outcome {
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

pub fn signs_and_verifies(session: Session, case: &Case) -> Outcome {
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

pub fn signs_and_recovers(session: Session, case: &Case) -> Outcome {
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

pub fn wraps_and_unwraps(session: Session, case: &Case) -> Outcome {
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

pub fn digests(session: Session, case: &Case) -> Outcome {
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

pub fn generates(session: Session, case: &Case) -> Outcome {
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

pub fn generates_pairs(session: Session, case: &Case) -> Outcome {
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

pub fn derives(session: Session, case: &Case) -> Outcome {
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

pub fn encapsulates(session: Session, case: &Case) -> Outcome {
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

pub fn agrees(session: Session, id: CK_MECHANISM_TYPE, keys: Keys) -> Outcome {
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
