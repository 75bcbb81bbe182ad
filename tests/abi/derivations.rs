//! Derivations that take more than one key or template, or give more than one key back.

use crate::common::*;
use std::ptr::null_mut;

fn base(session: Session, value: &[u8]) -> Handle {
    keys::secret(session, CKK_GENERIC_SECRET, value, template![CKA_DERIVE => true])
}

fn readable(length: CK_ULONG) -> Template {
    template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_VALUE_LEN => length,
        CKA_TOKEN => false, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
    ]
}

fn value(session: Session, key: Handle) -> Vec<u8> {
    session.get(key, CKA_VALUE).unwrap()
}

#[test]
fn two_keys_are_put_together_and_stay_as_closed_as_either() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (one, other) = (base(session, &[1; 8]), base(session, &[2; 8]));
        let concatenate = |key: Handle| Mechanism::structure(CKM_CONCATENATE_BASE_AND_KEY, [], |[]| key);
        let both = session.derive(&concatenate(other), one, &readable(16)).unwrap();
        assert_eq!(value(session, both), [[1; 8], [2; 8]].concat());
        let hidden = keys::secret(
            session,
            CKK_GENERIC_SECRET,
            &[3; 8],
            template![CKA_DERIVE => true, CKA_SENSITIVE => true, CKA_EXTRACTABLE => false],
        );
        for (first, second) in [(one, hidden), (hidden, one)] {
            session
                .derive(&concatenate(second), first, &readable(16))
                .refused_by_one_of(&[CKR_TEMPLATE_INCONSISTENT]);
            let open = readable(16).without(CKA_SENSITIVE).without(CKA_EXTRACTABLE);
            let closed = session.derive(&concatenate(second), first, &open).unwrap();
            assert_eq!(session.get_bool(closed, CKA_SENSITIVE), Ok(true));
            assert_eq!(session.get_bool(closed, CKA_EXTRACTABLE), Ok(false));
        }
        session.derive(&concatenate(0xdead), one, &readable(16)).refused_by_one_of(&[CKR_KEY_HANDLE_INVALID]);
        let idle = keys::secret(session, CKK_GENERIC_SECRET, &[4; 8], template![CKA_DERIVE => false]);
        session
            .derive(&concatenate(idle), one, &readable(16))
            .refused_by_one_of(&[CKR_KEY_FUNCTION_NOT_PERMITTED]);
    });
}

#[test]
fn hkdf_takes_its_salt_from_a_key_and_makes_data() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = base(session, &[7; 32]);
        let right =
            value(session, session.derive(&Mechanism::hkdf(CKM_HKDF_DERIVE), key, &readable(42)).unwrap());
        let salt = base(session, b"salt");
        let by_key = Mechanism::structure(CKM_HKDF_DERIVE, [b"info"], |[info]| CK_HKDF_PARAMS {
            bExtract: CK_TRUE,
            bExpand: CK_TRUE,
            prfHashMechanism: CKM_SHA256,
            ulSaltType: CKF_HKDF_SALT_KEY,
            pSalt: null_mut(),
            ulSaltLen: 0,
            hSaltKey: salt,
            pInfo: info,
            ulInfoLen: 4,
        });
        let made = session.derive(&by_key, key, &readable(42)).unwrap();
        assert_eq!(value(session, made), right);
        let template = template![
            CKA_CLASS => CKO_DATA, CKA_TOKEN => false, CKA_VALUE_LEN => 42 as CK_ULONG, CKA_LABEL => &b"data"[..],
        ];
        let data = session.derive(&Mechanism::hkdf(CKM_HKDF_DATA), key, &template).unwrap();
        assert_eq!(session.get_ulong(data, CKA_CLASS), Ok(CKO_DATA));
        assert_eq!(value(session, data), right);
        session
            .derive(&Mechanism::hkdf(CKM_HKDF_DATA), key, &readable(42))
            .refused_by_one_of(&[CKR_TEMPLATE_INCONSISTENT]);
    });
}

/// A parameter for SP 800-108 with a counter of 16 bits, a label, and further keys.
fn kbkdf(id: CK_MECHANISM_TYPE, further: &mut [CK_DERIVED_KEY]) -> Mechanism {
    let counter = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_FALSE, ulWidthInBits: 16 };
    let bytes = |at: *const CK_SP800_108_COUNTER_FORMAT| unsafe {
        std::slice::from_raw_parts(at.cast::<u8>(), size_of::<CK_SP800_108_COUNTER_FORMAT>())
    };
    let counted = id == CKM_SP800_108_COUNTER_KDF;
    let count = further.len() as CK_ULONG;
    let at = if further.is_empty() { null_mut() } else { further.as_mut_ptr() };
    Mechanism::structure(id, [bytes(&raw const counter), b"label", &[0; 48]], |[counter, label, list]| {
        let first = CK_PRF_DATA_PARAM {
            type_: CK_SP800_108_ITERATION_VARIABLE,
            pValue: if counted { counter.cast() } else { null_mut() },
            ulValueLen: if counted { size_of::<CK_SP800_108_COUNTER_FORMAT>() as CK_ULONG } else { 0 },
        };
        let second =
            CK_PRF_DATA_PARAM { type_: CK_SP800_108_BYTE_ARRAY, pValue: label.cast(), ulValueLen: 5 };
        let list = list.cast::<CK_PRF_DATA_PARAM>();
        unsafe {
            list.write(first);
            list.add(1).write(second);
        }
        CK_SP800_108_KDF_PARAMS {
            prfType: CKM_SHA256_HMAC,
            ulNumberOfDataParams: 2,
            pDataParams: list,
            ulAdditionalDerivedKeys: count,
            pAdditionalDerivedKeys: at,
        }
    })
}

#[test]
fn sp800_108_derives_further_keys_all_or_none() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = base(session, &[7; 32]);
        for id in [CKM_SP800_108_COUNTER_KDF, CKM_SP800_108_DOUBLE_PIPELINE_KDF] {
            let whole = session.derive(&kbkdf(id, &mut []), key, &readable(96)).unwrap();
            let whole = value(session, whole);
            let mut handles = [0, 0];
            let [first, second] = &mut handles;
            readable(40)
                .with_raw(|one, count| {
                    readable(8).with_raw(|two, count_of_two| {
                        let mut further = [
                            CK_DERIVED_KEY { pTemplate: one, ulAttributeCount: count, phKey: first },
                            CK_DERIVED_KEY { pTemplate: two, ulAttributeCount: count_of_two, phKey: second },
                        ];
                        let made = session.derive(&kbkdf(id, &mut further), key, &readable(16))?;
                        assert_eq!(value(session, made), whole[..16]);
                        Ok::<_, Rv>(())
                    })
                })
                .unwrap();
            assert_eq!(value(session, handles[0])[..], whole[32..72]);
            assert_eq!(value(session, handles[1]).len(), 8);
        }
        let before = session.find(&template![]).unwrap().len();
        let mut handle = 0;
        template![CKA_CLASS => CKO_CERTIFICATE].with_raw(|wrong, count| {
            let mut further =
                [CK_DERIVED_KEY { pTemplate: wrong, ulAttributeCount: count, phKey: &mut handle }];
            session.derive(&kbkdf(CKM_SP800_108_COUNTER_KDF, &mut further), key, &readable(16)).unwrap_err();
        });
        assert_eq!(session.find(&template![]).unwrap().len(), before, "a refused call has made an object");
    });
}

/// The client's random bytes of a handshake, and the server's.
const RANDOMS: [&[u8]; 2] = [&[1; 32], &[2; 32]];

#[test]
fn a_tls_1_2_handshake_makes_its_keys() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let premaster = [&[3, 3][..], &[9; 46]].concat();
        let premaster = base(session, &premaster);
        let mut version = CK_VERSION { major: 0, minor: 0 };
        let at = &raw mut version;
        let master = |id, version| {
            Mechanism::structure(id, RANDOMS, |[client, server]| CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
                RandomInfo: random_data(client, server),
                pVersion: version,
                prfHashMechanism: CKM_SHA256,
            })
        };
        let template = readable(48).without(CKA_VALUE_LEN);
        let secret = session.derive(&master(CKM_TLS12_MASTER_KEY_DERIVE, at), premaster, &template).unwrap();
        assert_eq!((version.major, version.minor), (3, 3));
        assert_eq!(value(session, secret).len(), 48);
        // The master secret is for the keys of TLS and nothing else.
        session
            .sign_init(&Mechanism::plain(CKM_SHA256_HMAC), secret)
            .refused_by_one_of(&[CKR_KEY_FUNCTION_NOT_PERMITTED]);
        let dh = session.derive(&master(CKM_TLS12_MASTER_KEY_DERIVE_DH, null_mut()), premaster, &template);
        assert_eq!(value(session, dh.unwrap()), value(session, secret));
        for (id, ivs) in [(CKM_TLS12_KEY_AND_MAC_DERIVE, true), (CKM_TLS12_KEY_SAFE_DERIVE, false)] {
            connection_keys_are_made(session, id, secret, ivs);
        }
    });
}

/// The four keys of a connection, and with `ivs` two initialisation vectors, from its master secret.
fn connection_keys_are_made(session: Session, id: CK_MECHANISM_TYPE, secret: Handle, ivs: bool) {
    let (mut client_iv, mut server_iv) = ([0u8; 4], [0u8; 4]);
    let mut out = CK_SSL3_KEY_MAT_OUT {
        pIVClient: client_iv.as_mut_ptr(),
        pIVServer: server_iv.as_mut_ptr(),
        ..Default::default()
    };
    let out_at = &raw mut out;
    let mechanism = Mechanism::structure(id, RANDOMS, |[client, server]| CK_TLS12_KEY_MAT_PARAMS {
        ulMacSizeInBits: 160,
        ulKeySizeInBits: 128,
        ulIVSizeInBits: 32,
        bIsExport: CK_FALSE,
        RandomInfo: random_data(client, server),
        pReturnedKeyMaterial: out_at,
        prfHashMechanism: CKM_SHA256,
    });
    let template = template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 16 as CK_ULONG,
        CKA_TOKEN => false, CKA_ENCRYPT => true, CKA_DECRYPT => true,
    ];
    template
        .with_raw(|list, count| {
            invoke!(C_DeriveKey(session.0, mechanism.as_ptr(), secret, list, count, null_mut()))
        })
        .unwrap();
    for (key, key_type, length) in [
        (out.hClientMacSecret, CKK_GENERIC_SECRET, 20),
        (out.hServerMacSecret, CKK_GENERIC_SECRET, 20),
        (out.hClientKey, CKK_AES, 16),
        (out.hServerKey, CKK_AES, 16),
    ] {
        assert_eq!(session.get_ulong(key, CKA_KEY_TYPE), Ok(key_type));
        assert_eq!(value(session, key).len(), length);
    }
    let changed = client_iv != [0; 4] && server_iv != [0; 4] && client_iv != server_iv;
    assert_eq!(changed, ivs);
}

#[test]
fn the_older_names_of_tls_work_too() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let version = [3, 1];
        let template = readable(48).without(CKA_VALUE_LEN).and(&template![CKA_DERIVE => true]);
        let premaster = session.generate(&Mechanism::bytes(CKM_TLS_PRE_MASTER_KEY_GEN, &version), &template);
        let premaster = premaster.unwrap();
        assert_eq!(value(session, premaster)[..2], version);
        for id in [CKM_TLS_MASTER_KEY_DERIVE, CKM_TLS_MASTER_KEY_DERIVE_DH] {
            let mechanism =
                Mechanism::structure(id, RANDOMS, |[client, server]| CK_SSL3_MASTER_KEY_DERIVE_PARAMS {
                    RandomInfo: random_data(client, server),
                    pVersion: null_mut(),
                });
            let master = session.derive(&mechanism, premaster, &template).unwrap();
            assert_eq!(value(session, master).len(), 48);
        }
        for id in [CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH] {
            let mechanism = Mechanism::structure(id, [&[5u8; 32][..]], |[hash]| {
                CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
                    prfHashMechanism: CKM_SHA256,
                    pSessionHash: hash,
                    ulSessionHashLen: 32,
                    pVersion: null_mut(),
                }
            });
            assert!(session.derive(&mechanism, premaster, &template).is_ok());
        }
        old_connection_keys_are_made(session, premaster);
        the_old_prf_fills_its_output(session, premaster);
    });
}

fn old_connection_keys_are_made(session: Session, secret: Handle) {
    let mut out = CK_SSL3_KEY_MAT_OUT::default();
    let out_at = &raw mut out;
    let mechanism = Mechanism::structure(CKM_TLS_KEY_AND_MAC_DERIVE, RANDOMS, |[client, server]| {
        CK_SSL3_KEY_MAT_PARAMS {
            ulMacSizeInBits: 0,
            ulKeySizeInBits: 192,
            ulIVSizeInBits: 0,
            bIsExport: CK_FALSE,
            RandomInfo: random_data(client, server),
            pReturnedKeyMaterial: out_at,
        }
    });
    let des = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_DES3, CKA_TOKEN => false];
    des.with_raw(|list, count| {
        invoke!(C_DeriveKey(session.0, mechanism.as_ptr(), secret, list, count, null_mut()))
    })
    .unwrap();
    assert_eq!((out.hClientMacSecret, out.hServerMacSecret), (CK_INVALID_HANDLE, CK_INVALID_HANDLE));
    assert_eq!(value(session, out.hClientKey).len(), 24);
}

fn the_old_prf_fills_its_output(session: Session, secret: Handle) {
    let (mut output, mut length) = ([0u8; 20], 12 as CK_ULONG);
    let (output_at, length_at) = (output.as_mut_ptr(), &raw mut length);
    let mechanism =
        Mechanism::structure(CKM_TLS_PRF, [b"label", b"seed"], |[label, seed]| CK_TLS_PRF_PARAMS {
            pSeed: seed,
            ulSeedLen: 4,
            pLabel: label,
            ulLabelLen: 5,
            pOutput: output_at,
            pulOutputLen: length_at,
        });
    invoke!(C_DeriveKey(session.0, mechanism.as_ptr(), secret, null_mut(), 0, null_mut())).unwrap();
    assert_ne!(output[..12], [0; 12]);
    assert_eq!(output[12..], [0; 8]);
}

/// PKCS #5's own vector (RFC 6070): 2 iterations.
#[test]
fn a_password_makes_a_key_by_both_structures() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let mut length = 8 as CK_ULONG;
        let at = &raw mut length;
        let params = |length: CK_ULONG| {
            Mechanism::structure(CKM_PKCS5_PBKD2, [b"password", b"salt"], |[password, salt]| {
                CK_PKCS5_PBKD2_PARAMS2 {
                    saltSource: CKZ_SALT_SPECIFIED,
                    pSaltSourceData: salt.cast(),
                    ulSaltSourceDataLen: 4,
                    iterations: 2,
                    prf: CKP_PKCS5_PBKD2_HMAC_SHA1,
                    pPrfData: null_mut(),
                    ulPrfDataLen: 0,
                    pPassword: password,
                    ulPasswordLen: length,
                }
            })
        };
        for mechanism in [params(8), params(at as CK_ULONG)] {
            let key = session.generate(&mechanism, &readable(20)).unwrap();
            let right = hex::decode("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957").unwrap();
            assert_eq!(value(session, key), right);
        }
    });
}

#[test]
fn both_sides_of_diffie_hellman_agree() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for generation in [CKM_DH_PKCS_KEY_PAIR_GEN, CKM_X9_42_DH_KEY_PAIR_GEN] {
            let make = || keys::modulo_prime(session, generation);
            let ((one_public, one), (other_public, other)) = (make(), make());
            let agreed = |private: Handle, public: Handle| {
                let public = value(session, public);
                let length = public.len() as CK_ULONG;
                let mechanism = match generation {
                    CKM_DH_PKCS_KEY_PAIR_GEN => Mechanism::bytes(CKM_DH_PKCS_DERIVE, &public),
                    _ => Mechanism::structure(CKM_X9_42_DH_DERIVE, [&public[..]], |[at]| {
                        CK_X9_42_DH1_DERIVE_PARAMS {
                            kdf: CKD_NULL,
                            ulOtherInfoLen: 0,
                            pOtherInfo: null_mut(),
                            ulPublicDataLen: length,
                            pPublicData: at,
                        }
                    }),
                };
                value(session, session.derive(&mechanism, private, &readable(32)).unwrap())
            };
            assert_eq!(agreed(one, other_public), agreed(other, one_public));
            session
                .derive(&Mechanism::bytes(CKM_DH_PKCS_DERIVE, &[1]), one, &readable(32))
                .refused_by_one_of(&[CKR_MECHANISM_PARAM_INVALID, CKR_KEY_TYPE_INCONSISTENT]);
        }
    });
}
