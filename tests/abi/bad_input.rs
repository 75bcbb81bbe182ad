//! Bad input gets a clear answer, never a crash, and makes nothing.

use crate::common::functions::NAMES;
use crate::common::*;
use std::ptr::null_mut;

/// More than any memory holds.
const HUGE: CK_ULONG = 1 << 60;

/// Calls a function by its name, with surplus arguments that it does not look at.
fn call(name: &str, arguments: [u64; 8]) -> CK_RV {
    type Any = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;
    let address = module().symbol(name).unwrap_or_else(|| panic!("{name} is not exported"));
    let function: Any = unsafe { std::mem::transmute(address) };
    let [a, b, c, d, e, f, g, h] = arguments;
    unsafe { function(a, b, c, d, e, f, g, h) }
}

/// A session of the user's own, whatever the calls before have closed.
fn logged_in(token: &Token) -> Session {
    let session = token.public();
    let _ = session.login(CKU_USER, USER_PIN);
    session
}

/// Functions that end the library or wait.
const APART: [&str; 3] = ["C_Initialize", "C_Finalize", "C_WaitForSlotEvent"];

/// Functions whose first argument is a pointer.
const POINTER_FIRST: [&str; 4] = ["C_GetInfo", "C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"];

#[test]
fn null_for_every_argument_is_answered() {
    isolated(|_| {
        let token = Token::new();
        for name in NAMES.iter().filter(|name| !APART.contains(name)) {
            let session = logged_in(&token);
            let numbers = [0, session.0, token.slot, u64::MAX];
            let tried = if POINTER_FIRST.contains(name) { &numbers[..1] } else { &numbers };
            for &first in tried {
                let rv = call(name, [first, 0, 0, 0, 0, 0, 0, 0]);
                assert!(name_of(rv).is_some(), "{name}({first}, 0 ...) answers {rv:#x}");
                assert_ne!(Rv(rv), Rv(CKR_GENERAL_ERROR), "{name}({first}, 0 ...)");
            }
        }
    });
}

#[test]
fn lengths_without_data_are_answered() {
    isolated(|_| {
        let token = Token::new();
        for name in NAMES.iter().filter(|name| !APART.contains(name)) {
            let session = logged_in(&token);
            for length in [1, 16, HUGE, u64::MAX] {
                for place in 1..8 {
                    let mut arguments = [0; 8];
                    arguments[0] = session.0;
                    arguments[place] = length;
                    // A number in a pointer's place would be read: only lengths are tried here.
                    if takes_pointer_at(name, place) {
                        continue;
                    }
                    let rv = call(name, arguments);
                    assert!(name_of(rv).is_some(), "{name}, {length:#x} at {place}: {rv:#x}");
                }
            }
        }
    });
}

/// Whether the argument at that place is a pointer.
fn takes_pointer_at(name: &str, place: usize) -> bool {
    let pointers: &[usize] = match name {
        "C_GetSlotList" | "C_GetMechanismList" | "C_GetOperationState" => &[1, 2],
        "C_GetSlotInfo" | "C_GetTokenInfo" | "C_GetSessionInfo" => &[1],
        "C_GetMechanismInfo" => &[2],
        "C_InitToken" => &[1, 3],
        "C_InitPIN" | "C_SetPIN" => &[1, 3],
        "C_Login" => &[2],
        "C_CreateObject" => &[1, 3],
        "C_DigestUpdate" | "C_SignUpdate" | "C_VerifyUpdate" | "C_VerifyFinal" => &[1],
        "C_SeedRandom" | "C_GenerateRandom" | "C_FindObjectsInit" => &[1],
        "C_GetAttributeValue" | "C_SetAttributeValue" => &[2],
        "C_Encrypt" | "C_Decrypt" | "C_Digest" | "C_Sign" | "C_SignRecover" | "C_VerifyRecover" => &[1, 3, 4],
        "C_EncryptUpdate" | "C_DecryptUpdate" => &[1, 3, 4],
        "C_Verify" => &[1, 3],
        // All others: not tried.
        _ => &[0, 1, 2, 3, 4, 5, 6, 7],
    };
    pointers.contains(&place)
}

#[test]
fn counts_beyond_all_memory_are_refused() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![]);
        let mut data = [0u8; 64];
        let at = data.as_mut_ptr();
        let list: *mut CK_ATTRIBUTE = &mut CK_ATTRIBUTE::default();
        let mut handle = 0;
        let mut length = 64;
        let sha = Mechanism::plain(CKM_SHA256);
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[0; 16]);
        for count in [HUGE, HUGE + 1, CK_ULONG::MAX, CK_ULONG::MAX / 24 + 1, i64::MAX as CK_ULONG] {
            let mut answers = vec![
                ("C_CreateObject", raw!(C_CreateObject(session.0, list, count, &mut handle))),
                ("C_FindObjectsInit", raw!(C_FindObjectsInit(session.0, list, count))),
                ("C_GetAttributeValue", raw!(C_GetAttributeValue(session.0, key, list, count))),
                ("C_SetAttributeValue", raw!(C_SetAttributeValue(session.0, key, list, count))),
                ("C_CopyObject", raw!(C_CopyObject(session.0, key, list, count, &mut handle))),
                ("C_GenerateRandom", raw!(C_GenerateRandom(session.0, at, count))),
                ("C_SeedRandom", raw!(C_SeedRandom(session.0, at, count))),
                ("C_Login", raw!(C_Login(session.0, CKU_USER, at, count))),
                ("C_SetPIN", raw!(C_SetPIN(session.0, at, count, at, count))),
            ];
            session.digest_init(&sha).unwrap();
            answers.push(("C_Digest", raw!(C_Digest(session.0, at, count, at, &mut length))));
            session.encrypt_init(&cbc, key).unwrap();
            length = 64;
            answers.push(("C_Encrypt", raw!(C_Encrypt(session.0, at, count, at, &mut length))));
            let huge = CK_MECHANISM { mechanism: CKM_AES_CBC, pParameter: at.cast(), ulParameterLen: count };
            let huge = (&raw const huge).cast_mut();
            answers.push(("C_DecryptInit", raw!(C_DecryptInit(session.0, huge, key))));
            let attribute = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: at.cast(), ulValueLen: count };
            let attribute = (&raw const attribute).cast_mut();
            answers.push((
                "C_SetAttributeValue, value",
                raw!(C_SetAttributeValue(session.0, key, attribute, 1)),
            ));
            for (name, rv) in answers {
                assert!(rv != CKR_OK && name_of(rv).is_some(), "{name} of {count:#x}: {:?}", Rv(rv));
            }
            let _ = session.digest_final();
            let _ = session.encrypt_final();
        }
        assert_eq!(session.find(&template![]).unwrap(), [key], "a refused call has made an object");
    });
}

#[test]
fn an_output_buffer_said_to_be_huge_is_filled_only_as_needed() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
        let mut digest = [0u8; 32];
        let mut length = HUGE;
        let rv = raw!(C_Digest(session.0, null_mut(), 0, digest.as_mut_ptr(), &mut length));
        if rv == CKR_OK {
            assert_eq!(length, 32);
        } else {
            assert_eq!(Rv(rv), Rv(CKR_ARGUMENTS_BAD));
        }
    });
}

#[test]
fn attributes_given_twice_are_inconsistent() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let twice = |template: &Template, kind, value: Value| {
            let mut template = template.clone();
            template.0.push((kind, value));
            template
        };
        let data = keys::data_template("once");
        session.create(&twice(&data, CKA_LABEL, "twice".into())).refused(CKR_TEMPLATE_INCONSISTENT);
        session.create(&twice(&data, CKA_CLASS, CKO_CERTIFICATE.into())).refused(CKR_TEMPLATE_INCONSISTENT);
        let aes = keys::aes_template(32);
        session
            .generate(&Mechanism::plain(CKM_AES_KEY_GEN), &twice(&aes, CKA_EXTRACTABLE, true.into()))
            .refused(CKR_TEMPLATE_INCONSISTENT);
        assert!(session.find(&template![]).unwrap().is_empty());
    });
}

#[test]
fn unknown_mechanisms_attributes_and_classes_are_named_as_such() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![]);
        for id in [0x7FFF_FFFF, CKM_VENDOR_DEFINED, CK_ULONG::MAX, CKM_DES_CBC] {
            let mechanism = Mechanism::plain(id);
            session.encrypt_init(&mechanism, key).refused(CKR_MECHANISM_INVALID);
            session.sign_init(&mechanism, key).refused(CKR_MECHANISM_INVALID);
            session.digest_init(&mechanism).refused(CKR_MECHANISM_INVALID);
            session.generate(&mechanism, &keys::aes_template(32)).refused(CKR_MECHANISM_INVALID);
            session.wrap(&mechanism, key, key).refused(CKR_MECHANISM_INVALID);
            session.unwrap(&mechanism, key, &[0; 40], &keys::aes_template(32)).refused(CKR_MECHANISM_INVALID);
            session.derive(&mechanism, key, &keys::aes_template(32)).refused(CKR_MECHANISM_INVALID);
            session
                .generate_pair(&mechanism, &keys::public_template(), &keys::private_template())
                .refused(CKR_MECHANISM_INVALID);
        }
        session.sign_init(&Mechanism::plain(CKM_SHA256), key).refused(CKR_MECHANISM_INVALID);
        session.digest_init(&Mechanism::plain(CKM_AES_CMAC)).refused(CKR_MECHANISM_INVALID);
        let unknown = 0x7654_3210;
        session.get(key, unknown).refused(CKR_ATTRIBUTE_TYPE_INVALID);
        session.set(key, &template![unknown => "x"]).refused(CKR_ATTRIBUTE_TYPE_INVALID);
        session
            .create(&keys::data_template("x").and(&template![unknown => "x"]))
            .refused(CKR_ATTRIBUTE_TYPE_INVALID);
    });
}

#[test]
fn parameters_have_the_form_of_their_mechanism() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![]);
        let bad = |mechanism: &Mechanism| {
            session.encrypt_init(mechanism, key).refused(CKR_MECHANISM_PARAM_INVALID);
        };
        for id in [CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CTR, CKM_AES_GCM, CKM_AES_CCM] {
            bad(&Mechanism::plain(id));
            for length in [1, 8, 15, 17, 64] {
                bad(&Mechanism::bytes(id, &vec![0; length]));
            }
            let null_parameter = CK_MECHANISM { mechanism: id, pParameter: null_mut(), ulParameterLen: 16 };
            let rv = raw!(C_EncryptInit(session.0, (&raw const null_parameter).cast_mut(), key));
            assert!([CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD].contains(&rv), "{:?}", Rv(rv));
        }
        bad(&Mechanism::bytes(CKM_AES_ECB, &[0; 16]));
        for bits in [0, 129, 1 << 40] {
            bad(&Mechanism::ctr(bits, [0; 16]));
        }
        for bits in [1, 7, 24, 33, 136, 1 << 40] {
            bad(&Mechanism::gcm_with_tag(&[0; 12], b"", bits));
        }
        bad(&Mechanism::gcm(&[], b""));
        for (nonce, mac) in [(6, 16), (14, 16), (12, 3), (12, 5), (12, 18)] {
            bad(&Mechanism::ccm(10, &vec![0; nonce], b"", mac));
        }
        let (public, private) = keys::rsa(session, 2048, template![]);
        let oaep = Mechanism::oaep(CKM_AES_CBC, CKG_MGF1_SHA256, b"");
        session.encrypt_init(&oaep, public).refused(CKR_MECHANISM_PARAM_INVALID);
        let oaep = Mechanism::oaep(CKM_SHA256, 77, b"");
        session.encrypt_init(&oaep, public).refused(CKR_MECHANISM_PARAM_INVALID);
        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 1 << 40);
        session.sign_init(&pss, private).refused(CKR_MECHANISM_PARAM_INVALID);
        let other = Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA256, 32);
        session.sign_init(&other, private).refused(CKR_MECHANISM_PARAM_INVALID);
        session.sign_init(&Mechanism::plain(CKM_RSA_PKCS_PSS), private).refused(CKR_MECHANISM_PARAM_INVALID);
        session
            .encrypt_init(&Mechanism::plain(CKM_RSA_PKCS_OAEP), public)
            .refused(CKR_MECHANISM_PARAM_INVALID);
    });
}

#[test]
fn handles_of_nothing_are_refused_by_every_function_with_its_own_name_for_it() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![]);
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[0; 16]);
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP);
        let derive = Mechanism::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[0; 32]);
        let template = keys::aes_template(32).without(CKA_VALUE_LEN);
        for nothing in [CK_INVALID_HANDLE, session.0 + 1000, CK_ULONG::MAX] {
            Session(nothing).info().refused(CKR_SESSION_HANDLE_INVALID);
        }
        for nothing in [CK_INVALID_HANDLE, key + 1000, CK_ULONG::MAX] {
            session.encrypt_init(&cbc, nothing).refused(CKR_KEY_HANDLE_INVALID);
            session.decrypt_init(&cbc, nothing).refused(CKR_KEY_HANDLE_INVALID);
            session.sign_init(&Mechanism::plain(CKM_AES_CMAC), nothing).refused(CKR_KEY_HANDLE_INVALID);
            session.verify_init(&Mechanism::plain(CKM_AES_CMAC), nothing).refused(CKR_KEY_HANDLE_INVALID);
            session.wrap(&wrap, nothing, key).refused(CKR_WRAPPING_KEY_HANDLE_INVALID);
            session.wrap(&wrap, key, nothing).refused(CKR_KEY_HANDLE_INVALID);
            session.unwrap(&wrap, nothing, &[0; 40], &template).refused(CKR_UNWRAPPING_KEY_HANDLE_INVALID);
            session.derive(&derive, nothing, &template).refused(CKR_KEY_HANDLE_INVALID);
            session.get(nothing, CKA_CLASS).refused(CKR_OBJECT_HANDLE_INVALID);
            session.set(nothing, &template![CKA_LABEL => "x"]).refused(CKR_OBJECT_HANDLE_INVALID);
            session.copy(nothing, &template![]).refused(CKR_OBJECT_HANDLE_INVALID);
            session.destroy(nothing).refused(CKR_OBJECT_HANDLE_INVALID);
            session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
            session.digest_key(nothing).refused(CKR_KEY_HANDLE_INVALID);
            let _ = session.digest_final();
        }
    });
}

#[test]
fn what_is_no_wrapped_key_is_not_unwrapped() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let wrapping = keys::aes(session, template![]);
        let key = keys::aes(session, template![CKA_EXTRACTABLE => true]);
        let template = keys::aes_template(0).without(CKA_VALUE_LEN);
        let refusals = [CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE];
        for wrap in [
            Mechanism::plain(CKM_AES_KEY_WRAP),
            Mechanism::plain(CKM_AES_KEY_WRAP_KWP),
            Mechanism::gcm(&[1; 12], b""),
        ] {
            let wrapped = session.wrap(&wrap, wrapping, key).unwrap();
            let mut altered = wrapped.clone();
            altered[3] ^= 1;
            for bad in [&altered[..], &wrapped[..wrapped.len() - 1], &wrapped[..8], b""] {
                let answer = session.unwrap(&wrap, wrapping, bad, &template);
                answer.refused_by_one_of(&[&refusals[..], &[CKR_ARGUMENTS_BAD]].concat());
            }
            session.unwrap(&wrap, wrapping, &wrapped, &template).unwrap();
        }
        // A whole AES key is no RSA key.
        let wrap = Mechanism::plain(CKM_AES_KEY_WRAP_KWP);
        let wrapped = session.wrap(&wrap, wrapping, key).unwrap();
        let private = template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_RSA];
        session.unwrap(&wrap, wrapping, &wrapped, &private).refused_by_one_of(&refusals);
    });
}

#[test]
fn points_off_the_curve_are_no_keys() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = keys::ec(session, keys::P256, template![]);
        let point = session.get(public, CKA_EC_POINT).unwrap();
        let mut off = point.clone();
        *off.last_mut().unwrap() ^= 1;
        let infinity = vec![4, 1, 0];
        for bad in [&off[..], &infinity, &point[..60], &[4, 65], b""] {
            let import = template![
                CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => keys::P256,
                CKA_EC_POINT => bad,
            ];
            session.create(&import).refused_by_one_of(&[
                CKR_ATTRIBUTE_VALUE_INVALID,
                CKR_PUBLIC_KEY_INVALID,
                CKR_TEMPLATE_INCOMPLETE,
            ]);
            let ecdh = Mechanism::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", bad);
            session
                .derive(&ecdh, private, &keys::aes_template(32))
                .refused_by_one_of(&[CKR_MECHANISM_PARAM_INVALID, CKR_PUBLIC_KEY_INVALID]);
        }
    });
}

#[test]
fn random_needs_room() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        assert_eq!(Rv(raw!(C_GenerateRandom(session.0, null_mut(), 8))), Rv(CKR_ARGUMENTS_BAD));
        assert_eq!(Rv(raw!(C_SeedRandom(session.0, null_mut(), 8))), Rv(CKR_ARGUMENTS_BAD));
        let (first, second) = (session.random(64).unwrap(), session.random(64).unwrap());
        assert!(first != second && first != vec![0; 64]);
        session.seed(b"something").unwrap_or_else(|rv| assert_eq!(rv, Rv(CKR_RANDOM_SEED_NOT_SUPPORTED)));
        assert_eq!(session.random(1_000_003).unwrap().len(), 1_000_003);
    });
}

#[test]
fn a_failed_pair_makes_neither_half() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let stored = template![CKA_TOKEN => true];
        let public = stored.and(&template![CKA_EC_PARAMS => keys::P256]);
        let private = stored.and(&template![CKA_EC_PARAMS => keys::P384]);
        session.generate_pair(&Mechanism::plain(CKM_EC_KEY_PAIR_GEN), &public, &private).refused_by_one_of(
            &[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY],
        );
        let mut public_key = 0;
        let rv = public.with_raw(|list, count| {
            stored.with_raw(|other, others| {
                let ec = Mechanism::plain(CKM_EC_KEY_PAIR_GEN);
                raw!(C_GenerateKeyPair(
                    session.0,
                    ec.as_ptr(),
                    list,
                    count,
                    other,
                    others,
                    &mut public_key,
                    null_mut()
                ))
            })
        });
        assert_eq!(Rv(rv), Rv(CKR_ARGUMENTS_BAD));
        assert!(session.find(&template![]).unwrap().is_empty(), "half a pair was made");
    });
}

/// Memory of any length for a function to write to, which is the same small piece again and again.
fn endless(length: usize) -> *mut u8 {
    const PIECE: usize = 64 << 20;
    unsafe {
        let file = libc::memfd_create(c"piece".as_ptr(), 0);
        assert_eq!(libc::ftruncate(file, PIECE as i64), 0);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let apart = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let room = libc::mmap(null_mut(), length + PIECE, libc::PROT_NONE, apart, -1, 0);
        assert_ne!(room, libc::MAP_FAILED);
        for at in (0..length).step_by(PIECE) {
            let place = room.byte_add(at);
            let mapped = libc::mmap(place, PIECE, protection, libc::MAP_SHARED | libc::MAP_FIXED, file, 0);
            assert_eq!(mapped, place);
        }
        room.cast()
    }
}

#[test]
fn more_random_bytes_than_a_c_int_counts_are_given() {
    isolated(|_| {
        let token = Token::new();
        let session = token.public();
        let length = (1 << 31) + 8;
        let buffer = endless(length);
        assert_eq!(Rv(raw!(C_GenerateRandom(session.0, buffer, length as CK_ULONG))), Rv(CKR_OK));
        let last = unsafe { std::slice::from_raw_parts(buffer.add(length - 8), 8) };
        assert_ne!(last, [0; 8]);
    });
}

#[test]
fn templates_that_share_what_is_in_them_are_refused_soon() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let entry = |kind, inner: &[CK_ATTRIBUTE]| CK_ATTRIBUTE {
            type_: kind,
            pValue: inner.as_ptr().cast_mut().cast(),
            ulValueLen: size_of_val(inner) as CK_ULONG,
        };
        // 4096 entries in each of four levels: read one by one, more than can ever be read.
        let mut levels = vec![vec![entry(CKA_LABEL, &[]); 4096]];
        for _ in 0..4 {
            let next = vec![entry(CKA_UNWRAP_TEMPLATE, levels.last().unwrap()); 4096];
            levels.push(next);
        }
        for level in &mut levels[1..] {
            let (list, mut object) = (level.as_mut_ptr(), 0);
            let rv = raw!(C_CreateObject(session.0, list, 4096, &mut object));
            answer(rv).refused(CKR_ATTRIBUTE_VALUE_INVALID);
            let rv = raw!(C_FindObjectsInit(session.0, list, 4096));
            answer(rv).refused(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        assert!(session.find(&template![]).unwrap().is_empty());
    });
}
