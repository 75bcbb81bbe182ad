use super::*;

fn set(object: &Attributes, changes: Attributes) -> Result<Attributes> {
    change(USER, object, &changes)
}

fn copied(object: &Attributes, template: Attributes) -> Result<Attributes> {
    copy(USER, object, &template)
}

const READ_ONLY: Result<Attributes> = Err(Error::AttributeReadOnly);

/// A private key that a user has generated; kept in the token, sensitive, not extractable.
fn kept() -> Attributes {
    plus(
        &created(&plus(&rsa_private(), template! { CKA_TOKEN: true })),
        template! { CKA_UNIQUE_ID: vec![1u8; 32] },
    )
}

/// A secret key with nothing to keep.
fn open() -> Attributes {
    created(&plus(&aes(), template! { CKA_SENSITIVE: false, CKA_EXTRACTABLE: true }))
}

#[test]
fn names_dates_and_usage_can_be_changed() {
    let changes = template! {
        CKA_LABEL: b"new".as_slice(),
        CKA_ID: vec![9u8],
        CKA_SUBJECT: vec![0x30u8, 0],
        CKA_START_DATE: date("20240101"),
        CKA_END_DATE: date("20250101"),
        CKA_SIGN: false,
        CKA_DERIVE: true,
    };
    assert_eq!(set(&kept(), changes.clone()), Ok(plus(&kept(), changes)));
    let data_changes = template! { CKA_VALUE: vec![4u8], CKA_APPLICATION: b"me".as_slice() };
    set(&created(&data()), data_changes).unwrap();
    let issuer = template! { CKA_ISSUER: vec![0x30u8, 0], CKA_SERIAL_NUMBER: vec![2u8, 1, 1] };
    set(&created(&certificate()), issuer).unwrap();
}

#[test]
fn what_makes_an_object_what_it_is_cannot_be_changed() {
    for change in [
        template! { CKA_CLASS: ck::CKO_SECRET_KEY },
        template! { CKA_KEY_TYPE: ck::CKK_EC },
        template! { CKA_TOKEN: false },
        template! { CKA_PRIVATE: false },
        template! { CKA_MODIFIABLE: false },
        template! { CKA_DESTROYABLE: false },
        template! { CKA_UNIQUE_ID: vec![1u8] },
        template! { CKA_LOCAL: true },
        template! { CKA_KEY_GEN_MECHANISM: 0u64 },
        template! { CKA_ALWAYS_SENSITIVE: true },
        template! { CKA_NEVER_EXTRACTABLE: true },
        template! { CKA_MODULUS: vec![1u8] },
        template! { CKA_PRIVATE_EXPONENT: vec![1u8] },
        template! { CKA_ALWAYS_AUTHENTICATE: true },
        template! { CKA_ALLOWED_MECHANISMS: mechanisms(&[1]) },
        template! { CKA_UNWRAP_TEMPLATE: Value::Template(Attributes::new()) },
        template! { CKA_PUBLIC_KEY_INFO: vec![1u8] },
    ] {
        assert_eq!(set(&kept(), change.clone()), READ_ONLY, "{change:?}");
    }
    for change in [template! { CKA_SUBJECT: vec![1u8] }, template! { CKA_VALUE: vec![1u8] }] {
        assert_eq!(set(&created(&certificate()), change), READ_ONLY);
    }
}

#[test]
fn an_object_that_is_not_modifiable_is_not_modified() {
    let fixed = plus(&kept(), template! { CKA_MODIFIABLE: false });
    let label = template! { CKA_LABEL: b"new".as_slice() };
    assert_eq!(set(&fixed, label), Err(Error::ActionProhibited));
    let trust = template! { CKA_TRUSTED: true };
    let certificate = created(&plus(&certificate(), template! { CKA_MODIFIABLE: false }));
    assert_eq!(change(OFFICER, &certificate, &trust), Err(Error::ActionProhibited));
}

#[test]
fn protection_goes_one_way_only() {
    let up = template! {
        CKA_SENSITIVE: true,
        CKA_EXTRACTABLE: false,
        CKA_WRAP_WITH_TRUSTED: true,
        CKA_COPYABLE: false,
    };
    let down = [
        template! { CKA_SENSITIVE: false },
        template! { CKA_EXTRACTABLE: true },
        template! { CKA_WRAP_WITH_TRUSTED: false },
        template! { CKA_COPYABLE: true },
    ];
    let raised = set(&open(), up.clone()).unwrap();
    assert_eq!(raised, plus(&open(), up.clone()));
    assert_eq!(set(&raised, up), Ok(raised.clone()), "what is raised may be told again");
    for step in down {
        assert_eq!(set(&raised, step.clone()), READ_ONLY, "{step:?}");
        let copyable = plus(&raised, template! { CKA_COPYABLE: true });
        if !step.contains(ck::CKA_COPYABLE) {
            assert_eq!(copied(&copyable, step.clone()), READ_ONLY, "{step:?}");
        }
    }
}

#[test]
fn raised_protection_does_not_improve_the_past() {
    let raised = set(&open(), template! { CKA_SENSITIVE: true, CKA_EXTRACTABLE: false }).unwrap();
    assert_eq!(raised.bool(ck::CKA_ALWAYS_SENSITIVE), Some(false));
    assert_eq!(raised.bool(ck::CKA_NEVER_EXTRACTABLE), Some(false));
}

#[test]
fn trust_is_the_officers_and_nothing_else_is() {
    for object in [created(&certificate()), created(&rsa_public()), created(&aes())] {
        for role in [None, USER] {
            for value in [true, false] {
                assert_eq!(change(role, &object, &template! { CKA_TRUSTED: value }), READ_ONLY);
            }
        }
        let trusted = change(OFFICER, &object, &template! { CKA_TRUSTED: true }).unwrap();
        assert_eq!(trusted.bool(ck::CKA_TRUSTED), Some(true));
        change(OFFICER, &trusted, &template! { CKA_TRUSTED: false }).unwrap();
        assert_eq!(change(OFFICER, &object, &template! { CKA_LABEL: vec![1u8] }), READ_ONLY);
    }
}

#[test]
fn a_trusted_certificate_stays_as_the_officer_saw_it() {
    let trusted = change(OFFICER, &created(&certificate()), &template! { CKA_TRUSTED: true }).unwrap();
    let label = template! { CKA_LABEL: b"other".as_slice() };
    assert_eq!(set(&trusted, label.clone()), READ_ONLY);
    assert_eq!(copied(&trusted, label), READ_ONLY);
    copied(&trusted, template! { CKA_TOKEN: true }).unwrap();
}

#[test]
fn a_trusted_key_learns_no_new_use() {
    let wrapping = created(&plus(&aes(), template! { CKA_DECRYPT: false, CKA_WRAP: true }));
    let trusted = change(OFFICER, &wrapping, &template! { CKA_TRUSTED: true }).unwrap();
    let decrypt = template! { CKA_DECRYPT: true };
    assert_eq!(set(&trusted, decrypt.clone()), READ_ONLY);
    assert_eq!(copied(&trusted, decrypt.clone()), READ_ONLY);
    set(&wrapping, decrypt).unwrap();
    set(&trusted, template! { CKA_WRAP: false, CKA_UNWRAP: true }).unwrap();
}

#[test]
fn a_check_value_can_be_emptied_and_no_more() {
    let key = plus(&open(), template! { CKA_CHECK_VALUE: vec![1u8, 2, 3] });
    let emptied = set(&key, template! { CKA_CHECK_VALUE: Vec::new() }).unwrap();
    assert_eq!(emptied.bytes(ck::CKA_CHECK_VALUE), Some(&[][..]));
    assert_eq!(set(&emptied, template! { CKA_CHECK_VALUE: vec![1u8, 2, 3] }), READ_ONLY);
}

#[test]
fn changes_are_checked_as_values() {
    assert_eq!(set(&kept(), template! { CKA_LABEL: true }), Err(Error::AttributeValueInvalid));
    assert_eq!(
        set(&kept(), template! { CKA_START_DATE: date("20230229") }),
        Err(Error::AttributeValueInvalid)
    );
    assert_eq!(set(&kept(), template! { CKA_ENCRYPT: true }), Err(Error::TemplateInconsistent));
    let unknown = Attributes::from_iter([(ck::CKA_VENDOR_DEFINED, true)]);
    assert_eq!(set(&kept(), unknown), Err(Error::AttributeTypeInvalid));
    let ends = set(&kept(), template! { CKA_END_DATE: date("20240101") }).unwrap();
    assert_eq!(set(&ends, template! { CKA_START_DATE: date("20240102") }), Err(Error::TemplateInconsistent));
}

#[test]
fn a_copy_is_the_original_under_a_new_identity() {
    assert_eq!(copied(&kept(), Attributes::new()), Ok(minus(&kept(), ck::CKA_UNIQUE_ID)));
    let asked = template! { CKA_UNIQUE_ID: vec![2u8; 32] };
    assert_eq!(copied(&kept(), asked), READ_ONLY);
}

#[test]
fn a_copy_may_live_elsewhere_and_bear_another_name() {
    let template = template! {
        CKA_TOKEN: false,
        CKA_LABEL: b"copy".as_slice(),
        CKA_MODIFIABLE: false,
        CKA_DESTROYABLE: false,
        CKA_COPYABLE: false,
        CKA_SIGN: false,
    };
    assert_eq!(copied(&kept(), template.clone()), Ok(plus(&minus(&kept(), ck::CKA_UNIQUE_ID), template)));
}

#[test]
fn an_object_that_is_not_copyable_is_not_copied() {
    let fixed = plus(&kept(), template! { CKA_COPYABLE: false });
    assert_eq!(copied(&fixed, Attributes::new()), Err(Error::ActionProhibited));
}

#[test]
fn a_copy_may_repeat_what_is_known_of_the_original_but_not_its_secrets() {
    copied(
        &kept(),
        template! { CKA_CLASS: ck::CKO_PRIVATE_KEY, CKA_KEY_TYPE: ck::CKK_RSA, CKA_LOCAL: false },
    )
    .unwrap();
    for guess in [7u8, 8] {
        let template = template! { CKA_PRIVATE_EXPONENT: vec![guess; 256] };
        assert_eq!(copied(&kept(), template), READ_ONLY);
    }
}

#[test]
fn a_copy_is_no_other_key() {
    for template in [
        template! { CKA_KEY_TYPE: ck::CKK_EC },
        template! { CKA_MODULUS: vec![1u8] },
        template! { CKA_LOCAL: true },
        template! { CKA_ALWAYS_SENSITIVE: true },
        template! { CKA_ALWAYS_AUTHENTICATE: true },
    ] {
        assert_eq!(copied(&kept(), template.clone()), READ_ONLY, "{template:?}");
    }
}

#[test]
fn a_private_object_with_a_secret_has_no_public_copy() {
    let public = template! { CKA_PRIVATE: false };
    assert_eq!(copied(&kept(), public.clone()), Err(Error::TemplateInconsistent));
    let sensitive = created(&plus(&aes(), template! { CKA_SENSITIVE: true }));
    assert_eq!(copied(&sensitive, public.clone()), Err(Error::TemplateInconsistent));
    let inside = created(&plus(&aes(), template! { CKA_EXTRACTABLE: false }));
    assert_eq!(copied(&inside, public.clone()), Err(Error::TemplateInconsistent));
    copied(&open(), public.clone()).unwrap();
    copied(&created(&plus(&data(), template! { CKA_PRIVATE: true })), public).unwrap();
}

#[test]
fn a_copy_may_serve_fewer_mechanisms_never_more() {
    let list = |numbers: &[u64]| template! { CKA_ALLOWED_MECHANISMS: mechanisms(numbers) };
    let limited = created(&plus(&aes(), list(&[1, 2])));
    for fewer in [&[1][..], &[2, 1], &[]] {
        let copy = copied(&limited, list(fewer)).unwrap();
        assert_eq!(copy.get(ck::CKA_ALLOWED_MECHANISMS), Some(&mechanisms(fewer)));
    }
    assert_eq!(copied(&limited, list(&[1, 3])), READ_ONLY);
    copied(&open(), list(&[1])).unwrap();
}

#[test]
fn a_copy_demands_of_other_keys_what_the_original_does() {
    for kind in [ck::CKA_WRAP_TEMPLATE, ck::CKA_UNWRAP_TEMPLATE, ck::CKA_DERIVE_TEMPLATE] {
        let with = |inner: Attributes| Attributes::from_iter([(kind, Value::Template(inner))]);
        let demanding = created(&plus(&aes(), with(template! { CKA_SENSITIVE: true })));
        assert!(copied(&demanding, Attributes::new()).unwrap().contains(kind));
        assert_eq!(copied(&demanding, with(Attributes::new())), READ_ONLY, "{kind:x}");
    }
}

#[test]
fn only_an_officer_makes_a_trusted_copy() {
    let trusted = template! { CKA_TRUSTED: true };
    assert_eq!(copied(&created(&certificate()), trusted.clone()), READ_ONLY);
    copy(OFFICER, &created(&certificate()), &trusted).unwrap();
}

#[test]
fn a_failed_change_leaves_nothing_behind() {
    let object = kept();
    let half = template! { CKA_LABEL: b"new".as_slice(), CKA_SENSITIVE: false };
    assert_eq!(set(&object, half), READ_ONLY);
    assert_eq!(object, kept());
}
