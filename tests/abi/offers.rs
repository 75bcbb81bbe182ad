//! What a slot's settings change: old mechanisms, and who chooses the initialisation vector of AES-GCM. And CloudHSM's own mechanisms
//! with its own structures.

use crate::common::message::{Aead, Parameter};
use crate::common::*;
use std::ptr::null_mut;

fn token_with(setting: &str) -> Token {
    Token::new_in(Folder::with_token(setting))
}

#[test]
fn old_mechanisms_are_on_tokens_that_ask_for_them_only() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let listed = module().mechanisms(token.slot).unwrap();
        let key = keys::secret(session, CKK_GENERIC_SECRET, &[1; 20], template![]);
        assert!(!listed.contains(&CKM_MD5) && !listed.contains(&CKM_RIPEMD160_HMAC));
        assert_eq!(module().mechanism_info(token.slot, CKM_MD5).err(), Some(Rv(CKR_MECHANISM_INVALID)));
        session.digest_init(&Mechanism::plain(CKM_MD5)).refused(CKR_MECHANISM_INVALID);
        let des = keys::secret(session, CKK_DES, &[1; 8], template![]);
        session.encrypt_init(&Mechanism::plain(CKM_DES_ECB), des).refused(CKR_MECHANISM_INVALID);
        let made = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_DES];
        session.generate(&Mechanism::plain(CKM_DES_KEY_GEN), &made).refused(CKR_MECHANISM_INVALID);
        let old = Mechanism::plain(CKM_MD5_HMAC);
        session.sign_init(&old, key).refused(CKR_MECHANISM_INVALID);
        session.message_sign_init(&old, key).refused(CKR_MECHANISM_INVALID);
        session.verify_signature_init(&old, key, &[1; 16]).refused(CKR_MECHANISM_INVALID);
        let shown = template![CKA_CLASS => CKO_MECHANISM, CKA_MECHANISM_TYPE => CKM_MD5_HMAC];
        assert_eq!(session.find(&shown), Ok(vec![]));
    });
}

#[test]
fn a_legacy_token_has_md5_and_ripemd_and_still_no_rc4() {
    isolated(|_| {
        let token = token_with("legacy = true");
        let session = token.user();
        let listed = module().mechanisms(token.slot).unwrap();
        for there in [CKM_MD5, CKM_MD5_HMAC, CKM_MD5_HMAC_GENERAL, CKM_MD5_RSA_PKCS, CKM_RIPEMD160] {
            assert!(listed.contains(&there), "{there:#x}");
        }
        for absent in [CKM_RC4, CKM_RC4_KEY_GEN, CKM_DES_OFB8, CKM_RC2_CBC, CKM_MD2] {
            assert!(!listed.contains(&absent), "{absent:#x}");
        }
        let digest = session.digest(&Mechanism::plain(CKM_MD5), b"abc").unwrap();
        assert_eq!(hex::encode(digest), "900150983cd24fb0d6963f7d28e17f72");
        let digest = session.digest(&Mechanism::plain(CKM_RIPEMD160), b"abc").unwrap();
        assert_eq!(hex::encode(digest), "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
        let (public, private) = keys::rsa(session, 2048, template![]);
        let mechanism = Mechanism::plain(CKM_MD5_RSA_PKCS);
        let signature = session.sign(&mechanism, private, b"data").unwrap();
        session.verify(&mechanism, public, b"data", &signature).unwrap();
    });
}

/// What SoftHSM 2.6 lists, as `pkcs11-tool --list-mechanisms` shows it, but for those with which it makes new groups.
#[rustfmt::skip]
const SOFTHSM: &[CK_MECHANISM_TYPE] = &[
    CKM_AES_CBC, CKM_AES_CBC_ENCRYPT_DATA, CKM_AES_CBC_PAD, CKM_AES_CMAC, CKM_AES_CTR, CKM_AES_ECB, CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_GCM,
    CKM_AES_KEY_GEN, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD, CKM_DES2_KEY_GEN, CKM_DES3_CBC, CKM_DES3_CBC_ENCRYPT_DATA, CKM_DES3_CBC_PAD,
    CKM_DES3_CMAC, CKM_DES3_ECB, CKM_DES3_ECB_ENCRYPT_DATA, CKM_DES3_KEY_GEN, CKM_DES_CBC, CKM_DES_CBC_ENCRYPT_DATA, CKM_DES_CBC_PAD,
    CKM_DES_ECB, CKM_DES_ECB_ENCRYPT_DATA, CKM_DES_KEY_GEN, CKM_DH_PKCS_DERIVE, CKM_DH_PKCS_KEY_PAIR_GEN, CKM_DSA, CKM_DSA_KEY_PAIR_GEN,
    CKM_DSA_SHA1, CKM_DSA_SHA224, CKM_DSA_SHA256, CKM_DSA_SHA384, CKM_DSA_SHA512, CKM_ECDH1_DERIVE, CKM_ECDSA, CKM_EC_EDWARDS_KEY_PAIR_GEN,
    CKM_EC_KEY_PAIR_GEN, CKM_EDDSA, CKM_GENERIC_SECRET_KEY_GEN, CKM_MD5, CKM_MD5_HMAC, CKM_MD5_RSA_PKCS, CKM_RSA_PKCS,
    CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_RSA_X_509, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_SHA224,
    CKM_SHA224_HMAC, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_SHA256, CKM_SHA256_HMAC, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS,
    CKM_SHA384, CKM_SHA384_HMAC, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA512, CKM_SHA512_HMAC, CKM_SHA512_RSA_PKCS,
    CKM_SHA512_RSA_PKCS_PSS, CKM_SHA_1, CKM_SHA_1_HMAC,
];

#[test]
fn a_legacy_token_has_all_that_softhsm_has_but_new_groups() {
    isolated(|_| {
        let listed = module().mechanisms(token_with("legacy = true").slot).unwrap();
        let missing: Vec<_> = SOFTHSM.iter().filter(|id| !listed.contains(id)).collect();
        assert!(missing.is_empty(), "{missing:x?}");
    });
}

/// PKCS#11 Historical Mechanisms 3.2, DES secret key objects.
#[test]
fn a_des_key_of_wrong_parity_or_length_is_neither_created_nor_unwrapped() {
    isolated(|_| {
        let token = token_with("legacy = true");
        let session = token.user();
        let des = |value: &[u8]| template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_DES, CKA_VALUE => value];
        let right = hex::decode("0123456789abcdef").unwrap();
        let mut wrong = right.clone();
        wrong[7] ^= 1;
        for (value, answer) in
            [(&wrong, CKR_ATTRIBUTE_VALUE_INVALID), (&vec![1; 7], CKR_ATTRIBUTE_VALUE_INVALID)]
        {
            session.create(&des(value)).refused(answer);
        }
        let key = session.create(&des(&right)).unwrap();
        // Single DES of zeros by that key.
        assert_eq!(session.get(key, CKA_CHECK_VALUE), Ok(vec![0xd5, 0xd4, 0x4f]));
        let wrapping = Mechanism::plain(CKM_AES_ECB);
        let wrapper = keys::secret(session, CKK_AES, &[7; 16], template![]);
        for (value, holds) in [(&right, true), (&wrong, false)] {
            let secret = keys::secret(session, CKK_GENERIC_SECRET, value, template![]);
            let wrapped = session.wrap(&wrapping, wrapper, secret).unwrap();
            let template = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_DES];
            let unwrapped = session.unwrap(&wrapping, wrapper, &wrapped, &template);
            if holds {
                unwrapped.unwrap();
            } else {
                unwrapped.refused(CKR_WRAPPED_KEY_INVALID);
            }
        }
    });
}

fn gcm(iv: *mut u8, length: usize) -> Mechanism {
    Mechanism::structure(CKM_AES_GCM, [], |[]| CK_GCM_PARAMS {
        pIv: iv,
        ulIvLen: length as CK_ULONG,
        ulIvBits: 0,
        pAAD: null_mut(),
        ulAADLen: 0,
        ulTagBits: 128,
    })
}

#[test]
fn a_token_that_chooses_the_iv_writes_it_over_the_callers() {
    isolated(|_| {
        let token = token_with("gcm_iv = \"token\"");
        let session = token.user();
        let key = keys::secret(session, CKK_AES, &[7; 32], template![]);
        let (mut first, mut second) = ([0u8; 12], [0u8; 12]);
        let sealed = session.encrypt(&gcm(first.as_mut_ptr(), 12), key, b"data").unwrap();
        session.encrypt(&gcm(second.as_mut_ptr(), 12), key, b"data").unwrap();
        assert!(first != [0; 12] && first != second);
        let mut given = first;
        let opened = session.decrypt(&gcm(given.as_mut_ptr(), 12), key, &sealed).unwrap();
        assert_eq!((&opened[..], given), (&b"data"[..], first));
        let mut long = [0u8; 16];
        session.encrypt_init(&gcm(long.as_mut_ptr(), 16), key).refused(CKR_MECHANISM_PARAM_INVALID);

        let secret = keys::secret(session, CKK_AES, &[9; 16], template![]);
        let mut iv = [0u8; 12];
        let wrapped = session.wrap(&gcm(iv.as_mut_ptr(), 12), key, secret).unwrap();
        assert_ne!(iv, [0; 12]);
        let template = keys::aes_template(16).without(CKA_VALUE_LEN);
        session.unwrap(&gcm(iv.as_mut_ptr(), 12), key, &wrapped, &template).unwrap();
    });
}

#[test]
fn a_token_that_chooses_the_iv_leaves_the_nonces_of_messages_to_their_parameter() {
    isolated(|_| {
        let token = token_with("gcm_iv = \"token\"");
        let session = token.user();
        let key = keys::secret(session, CKK_AES, &[7; 32], template![]);
        let mut message = Parameter::new(Aead::Gcm, CKG_NO_GENERATE).with(&[5; 12]);
        session.message_encrypt_init(&message.mechanism(), key).unwrap();
        session.message_decrypt_init(&message.mechanism(), key).unwrap();
        let sealed = session.encrypt_message(&mut message, b"aad", b"data").unwrap();
        assert_eq!(message.nonce, [5; 12]);
        assert_eq!(session.decrypt_message(&mut message, b"aad", &sealed).unwrap(), b"data");
        let mut apart = Parameter::new(Aead::Gcm, CKG_NO_GENERATE).with(&[6; 12]);
        let wrapped = session.wrap_authenticated(&mut apart, b"aad", key, key).unwrap();
        assert_eq!(apart.nonce, [6; 12]);
        let template = keys::aes_template(32).without(CKA_VALUE_LEN);
        session.unwrap_authenticated(&mut apart, b"aad", key, &wrapped, &template).unwrap();
    });
}

/// The structures of CloudHSM's public header.
#[repr(C)]
struct KdfParams {
    prf: CK_ULONG,
    count: CK_ULONG,
    data: *mut CK_PRF_DATA_PARAM,
}

fn part(kind: CK_ULONG, value: &[u8]) -> CK_PRF_DATA_PARAM {
    CK_PRF_DATA_PARAM {
        type_: kind,
        pValue: value.as_ptr().cast_mut().cast(),
        ulValueLen: value.len() as CK_ULONG,
    }
}

#[test]
fn cloudhsms_derivation_takes_both_of_its_vocabularies() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::secret(session, CKK_GENERIC_SECRET, &[1; 32], template![CKA_DERIVE => true]);
        let width = 32u64.to_ne_bytes();
        let length = [1u64.to_ne_bytes(), 32u64.to_ne_bytes()].concat();
        let derive = |mut data: Vec<CK_PRF_DATA_PARAM>| {
            let (count, data) = (data.len() as CK_ULONG, data.as_mut_ptr());
            let mechanism =
                Mechanism::structure(0x8000_0001, [], |[]| KdfParams { prf: CKM_SHA256_HMAC, count, data });
            let template = template![
                CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_VALUE_LEN => 32 as CK_ULONG,
                CKA_TOKEN => false, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
            ];
            let key = session.derive(&mechanism, key, &template)?;
            session.get(key, CKA_VALUE)
        };
        // Counter, label, zero, context, length: by HMAC's own mechanism.
        let input = [&[0, 0, 0, 1][..], b"label", &[0], b"context", &256u32.to_be_bytes()].concat();
        let hmac = keys::secret(session, CKK_GENERIC_SECRET, &[1; 32], template![]);
        let right = session.sign(&Mechanism::plain(CKM_SHA256_HMAC), hmac, &input).unwrap();
        let older = [part(7, &length), part(6, b"context"), part(5, b"label"), part(4, &width)];
        assert_eq!(derive(older.to_vec()).as_ref(), Ok(&right));
        for (length_kind, bytes_kind) in [(3, 4), (2, 3)] {
            let newer = [
                part(1, &width),
                part(bytes_kind, b"label\0"),
                part(bytes_kind, b"context"),
                part(length_kind, &length),
            ];
            assert_eq!(derive(newer.to_vec()).as_ref(), Ok(&right));
        }
        derive(vec![part(9, b"x")]).refused(CKR_MECHANISM_PARAM_INVALID);
    });
}
