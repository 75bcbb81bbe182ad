//! Objects: made, found, read, changed, copied, destroyed.

use crate::common::*;
use std::ptr::null_mut;

fn session_data(label: &str) -> Template {
    keys::data_template(label).and(&template![CKA_TOKEN => false])
}

/// An X.509 certificate object; the module does not look into it.
fn certificate() -> Template {
    template![
        CKA_CLASS => CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE => CKC_X_509, CKA_TOKEN => true,
        CKA_LABEL => "certificate", CKA_SUBJECT => &[0x30, 0], CKA_VALUE => &[0x30, 3, 2, 1, 5],
    ]
}

#[test]
fn a_data_object_is_kept_as_it_was_given() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let template = keys::data_template("a label").and(&template![
            CKA_OBJECT_ID => &[6, 1, 42], CKA_VALUE => vec![0x5A; 100_000],
        ]);
        session.create(&template).unwrap();
        module().finalize().unwrap();
        module().initialize().unwrap();
        let session = token.public();
        let found = session.find(&template![CKA_CLASS => CKO_DATA]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(session.get(found[0], CKA_LABEL).unwrap(), b"a label");
        assert_eq!(session.get(found[0], CKA_APPLICATION).unwrap(), b"tests");
        assert_eq!(session.get(found[0], CKA_OBJECT_ID).unwrap(), [6, 1, 42]);
        assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), vec![0x5A; 100_000]);
        assert_eq!(session.get_ulong(found[0], CKA_CLASS).unwrap(), CKO_DATA);
        assert!(session.get_bool(found[0], CKA_TOKEN).unwrap());
        assert!(!session.get_bool(found[0], CKA_PRIVATE).unwrap());
        for truth in [CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE] {
            assert!(session.get_bool(found[0], truth).unwrap(), "{truth:#x}");
        }
        assert!(session.size_of(found[0]).unwrap() >= 100_000);
    });
}

#[test]
fn a_certificate_is_kept_as_it_was_given() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let object = session.create(&certificate()).unwrap();
        assert_eq!(session.get(object, CKA_VALUE).unwrap(), [0x30, 3, 2, 1, 5]);
        assert_eq!(session.get(object, CKA_ID).unwrap(), b"");
        assert!(!session.get_bool(object, CKA_PRIVATE).unwrap(), "certificates are public by default");
        assert!(!session.get_bool(object, CKA_TRUSTED).unwrap());
        session
            .create(&certificate().and(&template![CKA_TRUSTED => true]))
            .refused_by_one_of(&[CKR_ATTRIBUTE_READ_ONLY, CKR_USER_NOT_LOGGED_IN]);
        for missing in [CKA_CERTIFICATE_TYPE, CKA_SUBJECT, CKA_VALUE] {
            session.create(&certificate().without(missing)).refused(CKR_TEMPLATE_INCOMPLETE);
        }
    });
}

#[test]
fn an_empty_template_finds_what_the_caller_made_and_nothing_else() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        assert!(session.find(&template![]).unwrap().is_empty(), "a new token shows objects");
        let mut made = vec![
            session.create(&keys::data_template("one")).unwrap(),
            session.create(&session_data("two")).unwrap(),
            session.create(&certificate()).unwrap(),
            keys::aes(session, template![]),
            keys::aes(session, template![CKA_TOKEN => true]),
        ];
        let mut found = session.find(&template![]).unwrap();
        made.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, made);
    });
}

#[test]
fn find_matches_every_attribute_of_the_template() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for number in 0..30u8 {
            let label = format!("label {}", number % 3);
            let id = template![CKA_LABEL => label, CKA_ID => &[number], CKA_TOKEN => number % 2 == 0];
            keys::aes(session, id);
        }
        let count = |template: Template| session.find(&template).unwrap().len();
        assert_eq!(count(template![CKA_LABEL => "label 0"]), 10);
        assert_eq!(count(template![CKA_LABEL => "label 0", CKA_TOKEN => true]), 5);
        assert_eq!(count(template![CKA_LABEL => "label 0", CKA_ID => &[3]]), 1);
        assert_eq!(count(template![CKA_LABEL => "label 0", CKA_ID => &[4]]), 0);
        assert_eq!(count(template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES]), 30);
        assert_eq!(count(template![CKA_CLASS => CKO_PRIVATE_KEY]), 0);
        assert_eq!(count(template![CKA_LABEL => "label"]), 0, "a part of a value is not the value");
        assert_eq!(count(template![CKA_SIGN => true, CKA_EXTRACTABLE => false]), 30);
        assert_eq!(count(template![CKA_MODULUS_BITS => 2048 as CK_ULONG]), 0);
    });
}

#[test]
fn a_search_goes_on_in_steps_and_ends() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        for number in 0..10 {
            session.create(&session_data(&number.to_string())).unwrap();
        }
        session.find_next(1).refused(CKR_OPERATION_NOT_INITIALIZED);
        session.find_final().refused(CKR_OPERATION_NOT_INITIALIZED);
        session.find_init(&template![]).unwrap();
        session.find_init(&template![]).refused(CKR_OPERATION_ACTIVE);
        let mut all = Vec::new();
        for expected in [4, 4, 2, 0, 0] {
            let step = session.find_next(4).unwrap();
            assert_eq!(step.len(), expected);
            all.extend(step);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10, "an object came twice");
        session.find_final().unwrap();
        session.find_next(1).refused(CKR_OPERATION_NOT_INITIALIZED);
    });
}

#[test]
fn a_destroyed_object_is_gone_for_all_sessions() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        for template in [keys::data_template("x"), session_data("x")] {
            let object = session.create(&template).unwrap();
            assert_eq!(other.get(object, CKA_LABEL).unwrap(), b"x");
            other.destroy(object).unwrap();
            session.get(object, CKA_LABEL).refused(CKR_OBJECT_HANDLE_INVALID);
            session.destroy(object).refused(CKR_OBJECT_HANDLE_INVALID);
            session.size_of(object).refused(CKR_OBJECT_HANDLE_INVALID);
            session.set(object, &template![CKA_LABEL => "y"]).refused(CKR_OBJECT_HANDLE_INVALID);
            session.copy(object, &template![]).refused(CKR_OBJECT_HANDLE_INVALID);
            assert!(session.find(&template![]).unwrap().is_empty());
        }
    });
}

#[test]
fn a_session_object_dies_with_its_session() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        let object = session.create(&session_data("x")).unwrap();
        assert_eq!(other.get(object, CKA_LABEL).unwrap(), b"x", "other sessions of the process see it");
        session.close().unwrap();
        other.get(object, CKA_LABEL).refused(CKR_OBJECT_HANDLE_INVALID);
        assert!(other.find(&template![]).unwrap().is_empty());
    });
}

#[test]
fn a_closed_session_is_closed() {
    isolated(|_| {
        let token = Token::new();
        let (session, other) = (token.user(), token.public());
        session.close().unwrap();
        session.close().refused(CKR_SESSION_HANDLE_INVALID);
        session.info().refused(CKR_SESSION_HANDLE_INVALID);
        session.find(&template![]).refused(CKR_SESSION_HANDLE_INVALID);
        session.random(1).refused(CKR_SESSION_HANDLE_INVALID);
        other.info().unwrap();
    });
}

#[test]
fn unique_ids_are_unique_and_stay() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let first = session.create(&keys::data_template("first")).unwrap();
        let second = session.create(&session_data("second")).unwrap();
        let third = session.copy(first, &template![]).unwrap();
        let id = |object| session.get(object, CKA_UNIQUE_ID).unwrap();
        let mut ids = [id(first), id(second), id(third)];
        assert!(ids.iter().all(|id| !id.is_empty()));
        assert_eq!(session.find(&template![CKA_UNIQUE_ID => id(third)]).unwrap(), [third]);
        session.set(first, &template![CKA_UNIQUE_ID => "mine"]).refused(CKR_ATTRIBUTE_READ_ONLY);
        session
            .create(&session_data("x").and(&template![CKA_UNIQUE_ID => "mine"]))
            .refused_by_one_of(&[CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID]);
        session.set(first, &template![CKA_LABEL => "changed"]).unwrap();
        assert_eq!(id(first), ids[0]);
        ids.sort();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    });
}

#[test]
fn get_attribute_value_does_every_attribute_of_its_template() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![CKA_LABEL => "a key"]);
        let mut class: CK_OBJECT_CLASS = 99;
        let (mut value, mut label, mut small) = ([0u8; 32], [0u8; 16], [0u8; 2]);
        let attribute = |kind, buffer: &mut [u8]| CK_ATTRIBUTE {
            type_: kind,
            pValue: buffer.as_mut_ptr().cast(),
            ulValueLen: buffer.len() as CK_ULONG,
        };
        let mut list = [
            attribute(CKA_VALUE, &mut value),
            attribute(CKA_MODULUS, &mut [0; 4]),
            attribute(CKA_LABEL, &mut small),
            CK_ATTRIBUTE { type_: CKA_CLASS, pValue: (&raw mut class).cast(), ulValueLen: 8 },
            CK_ATTRIBUTE { type_: CKA_ID, pValue: null_mut(), ulValueLen: 0 },
            attribute(CKA_LABEL, &mut label),
        ];
        answer(raw!(C_GetAttributeValue(session.0, key, list.as_mut_ptr(), 6))).refused_by_one_of(&[
            CKR_ATTRIBUTE_SENSITIVE,
            CKR_ATTRIBUTE_TYPE_INVALID,
            CKR_BUFFER_TOO_SMALL,
        ]);
        let lengths: Vec<_> = list.iter().map(|attribute| attribute.ulValueLen).collect();
        assert_eq!(lengths[..3], [CK_UNAVAILABLE_INFORMATION; 3]);
        assert_eq!(lengths[3..], [8, 0, 5]);
        assert_eq!((class, &label[..5]), (CKO_SECRET_KEY, &b"a key"[..]));
        assert_eq!((value, small), ([0; 32], [0; 2]), "something was written that must not be");

        for (list, code) in [
            ([attribute(CKA_VALUE, &mut value)], CKR_ATTRIBUTE_SENSITIVE),
            ([attribute(CKA_MODULUS, &mut value)], CKR_ATTRIBUTE_TYPE_INVALID),
            ([attribute(CKA_LABEL, &mut small)], CKR_BUFFER_TOO_SMALL),
        ] {
            let mut list = list;
            assert_eq!(Rv(raw!(C_GetAttributeValue(session.0, key, list.as_mut_ptr(), 1))), Rv(code));
            assert_eq!(list[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        }
    });
}

#[test]
fn changes_are_kept_or_refused_as_a_whole() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let object = session.create(&keys::data_template("old")).unwrap();
        session.set(object, &template![CKA_LABEL => "new", CKA_VALUE => "other"]).unwrap();
        assert_eq!(session.get(object, CKA_VALUE).unwrap(), b"other");
        for (bad, code) in [
            (template![CKA_LABEL => "x", CKA_CLASS => CKO_CERTIFICATE], CKR_ATTRIBUTE_READ_ONLY),
            (template![CKA_LABEL => "x", CKA_TOKEN => false], CKR_ATTRIBUTE_READ_ONLY),
            (template![CKA_LABEL => "x", CKA_PRIVATE => true], CKR_ATTRIBUTE_READ_ONLY),
            // An attribute of the standard, but of another class.
            (template![CKA_LABEL => "x", CKA_MODULUS => &[1]], CKR_TEMPLATE_INCONSISTENT),
        ] {
            session.set(object, &bad).refused(code);
            assert_eq!(session.get(object, CKA_LABEL).unwrap(), b"new", "a refused change was half made");
        }
    });
}

#[test]
fn a_copy_is_an_object_of_its_own() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let object = session.create(&session_data("original")).unwrap();
        let copy = session.copy(object, &template![CKA_LABEL => "copy", CKA_TOKEN => true]).unwrap();
        session.destroy(object).unwrap();
        assert_eq!(session.get(copy, CKA_LABEL).unwrap(), b"copy");
        assert_eq!(session.get(copy, CKA_VALUE).unwrap(), b"some data");
        assert!(session.get_bool(copy, CKA_TOKEN).unwrap());
        session
            .copy(copy, &template![CKA_CLASS => CKO_CERTIFICATE])
            .refused_by_one_of(&[CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT]);
        assert_eq!(session.find(&template![]).unwrap().len(), 1);
    });
}

#[test]
fn keys_of_every_kind_are_there_after_a_restart() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let stored = template![CKA_TOKEN => true];
        keys::aes(session, stored.clone());
        keys::rsa(session, 2048, stored.clone());
        keys::ec(session, keys::P256, stored);
        module().finalize().unwrap();
        module().initialize().unwrap();
        let session = token.user();
        let find = |class: CK_OBJECT_CLASS, kind: CK_KEY_TYPE| {
            let found = session.find(&template![CKA_CLASS => class, CKA_KEY_TYPE => kind]).unwrap();
            assert_eq!(found.len(), 1, "class {class} of type {kind}");
            found[0]
        };
        let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[7; 16]);
        session.encrypt(&cbc, find(CKO_SECRET_KEY, CKK_AES), b"data").unwrap();
        let rsa = Mechanism::plain(CKM_SHA256_RSA_PKCS);
        session.sign(&rsa, find(CKO_PRIVATE_KEY, CKK_RSA), b"data").unwrap();
        let ec = Mechanism::plain(CKM_ECDSA);
        session.sign(&ec, find(CKO_PRIVATE_KEY, CKK_EC), &[1; 32]).unwrap();
    });
}

#[test]
fn an_imported_rsa_public_key_knows_its_size() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, _) = keys::rsa(session, 2048, template![]);
        let modulus = session.get(public, CKA_MODULUS).unwrap();
        let import = template![
            CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_RSA, CKA_MODULUS => modulus,
            CKA_PUBLIC_EXPONENT => &[1, 0, 1],
        ];
        let key = session.create(&import).unwrap();
        assert_eq!(session.get_ulong(key, CKA_MODULUS_BITS).unwrap(), 2048);
        assert!(!session.get_bool(key, CKA_LOCAL).unwrap());
    });
}

#[test]
fn curves_are_named_by_number_or_by_name_and_points_given_raw_or_wrapped() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let named = [&[0x13, 10][..], b"prime256v1"].concat();
        let (public, private) = keys::ec(session, keys::P256, template![]);
        keys::ec(session, &named, template![]);
        let point = session.get(public, CKA_EC_POINT).unwrap();
        assert_eq!((point.len(), &point[..3]), (67, &[4, 65, 4][..]), "an OCTET STRING of a point");
        let ecdsa = Mechanism::plain(CKM_ECDSA);
        let signature = session.sign(&ecdsa, private, &[5; 32]).unwrap();
        assert_eq!(signature.len(), 64);
        for point in [&point[..], &point[2..]] {
            let import = template![
                CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => keys::P256,
                CKA_EC_POINT => point, CKA_VERIFY => true,
            ];
            let key = session.create(&import).unwrap();
            session.verify(&ecdsa, key, &[5; 32], &signature).unwrap();
        }
    });
}

#[test]
fn handles_are_never_null_and_never_used_twice() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..50 {
            let object = session.create(&session_data("x")).unwrap();
            assert!(object != CK_INVALID_HANDLE && seen.insert(object));
            session.destroy(object).unwrap();
        }
        let mut sessions = std::collections::HashSet::new();
        for _ in 0..50 {
            let session = token.public();
            assert!(session.0 != CK_INVALID_HANDLE && sessions.insert(session.0));
            session.close().unwrap();
        }
    });
}

#[test]
fn a_sealed_value_keeps_back_itself_alone() {
    isolated(|_| {
        let token = Token::new();
        let readable = template![
            CKA_TOKEN => true, CKA_PRIVATE => false, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
            CKA_LABEL => "readable",
        ];
        let session = token.user();
        let key = keys::aes(session, readable);
        assert_eq!(session.get(key, CKA_VALUE).unwrap().len(), 32);
        session.logout().unwrap();
        module().finalize().unwrap();
        module().initialize().unwrap();
        let session = token.public();
        let key = session.find(&template![CKA_LABEL => "readable"]).unwrap()[0];
        let (mut value, mut label) = ([0u8; 32], [0u8; 16]);
        let (mut class, mut key_type): (CK_ULONG, CK_ULONG) = (99, 99);
        let attribute = |kind, buffer: *mut u8, length: CK_ULONG| CK_ATTRIBUTE {
            type_: kind,
            pValue: buffer.cast(),
            ulValueLen: length,
        };
        let mut list = [
            attribute(CKA_CLASS, (&raw mut class).cast(), 8),
            attribute(CKA_VALUE, value.as_mut_ptr(), 32),
            attribute(CKA_LABEL, label.as_mut_ptr(), 16),
            attribute(CKA_KEY_TYPE, (&raw mut key_type).cast(), 8),
        ];
        answer(raw!(C_GetAttributeValue(session.0, key, list.as_mut_ptr(), 4)))
            .refused(CKR_ATTRIBUTE_SENSITIVE);
        let lengths = list.map(|attribute| attribute.ulValueLen);
        assert_eq!(lengths, [8, CK_UNAVAILABLE_INFORMATION, 8, 8]);
        assert_eq!((class, key_type), (CKO_SECRET_KEY, CKK_AES));
        assert_eq!((&label[..8], value), (&b"readable"[..], [0; 32]));
    });
}

#[test]
fn a_curve_is_known_by_the_name_with_a_wrong_length_that_clients_send() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let (public, private) = keys::montgomery(session, b"\x13\x0bcurve25519");
        assert_eq!(session.get_ulong(private, CKA_KEY_TYPE).unwrap(), CKK_EC_MONTGOMERY);
        let (other, other_private) = keys::montgomery(session, keys::X25519);
        let agree = |private, public| {
            let point = session.get(public, CKA_EC_POINT).unwrap();
            let ecdh = Mechanism::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", &point[2..]);
            let open =
                keys::aes_template(32).and(&template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]);
            let key = session.derive(&ecdh, private, &open).unwrap();
            session.get(key, CKA_VALUE).unwrap()
        };
        assert_eq!(agree(private, other), agree(other_private, public));
    });
}
