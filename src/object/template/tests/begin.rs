use super::*;
use crate::object::schema::{FORMS, Form, note};

fn refused(template: &Attributes) -> Error {
    begin_create(template).unwrap_err()
}

/// A length that values of this form may have.
fn length(form: &Form) -> usize {
    match form.lengths {
        schema::Lengths::OneOf(lengths) => lengths[0] as usize,
        _ => 24,
    }
}

/// A template that `C_CreateObject` accepts for a form.
fn complete(form: &Form) -> Attributes {
    let mut template = Attributes::new();
    for row in form.rows().filter(|row| row.has(note::MUST_CREATE)) {
        match schema::kind_of(row.attribute) {
            Some(schema::Kind::Ulong) => template.set(row.attribute, 1u64),
            _ => template.set(row.attribute, vec![7u8; length(form)]),
        }
    }
    template.set(ck::CKA_CLASS, form.class.number);
    if let (Some(attribute), Some(number)) = (form.class.subtype, form.subtype) {
        template.set(attribute, number);
    }
    template
}

#[test]
fn every_form_can_be_created_and_needs_each_attribute_it_must_have() {
    for form in FORMS {
        let template = complete(form);
        begin_create(&template).unwrap_or_else(|error| panic!("{} {error}", form.name));
        for (kind, _) in template.iter() {
            assert_eq!(refused(&minus(&template, kind)), Error::TemplateIncomplete, "{} {kind:x}", form.name);
        }
    }
}

#[test]
fn what_a_function_must_not_be_given_is_read_only() {
    for form in FORMS {
        for row in form.rows().filter(|row| row.has(note::NOT_CREATE)) {
            let given = match row.initial {
                schema::Initial::Absent => Value::from(vec![1u8]),
                schema::Initial::Bool(value) => value.into(),
                _ => Value::from(length(form) as u64),
            };
            let mut template = complete(form);
            template.set(row.attribute, given);
            assert_eq!(refused(&template), Error::AttributeReadOnly, "{} {:x}", form.name, row.attribute);
        }
    }
}

#[test]
fn a_generated_key_cannot_be_given_its_value_or_its_past() {
    let length = template! { CKA_VALUE_LEN: 16u64 };
    begin_aes(&length).unwrap();
    for extra in [
        template! { CKA_VALUE: vec![7u8; 16] },
        template! { CKA_LOCAL: true },
        template! { CKA_ALWAYS_SENSITIVE: true },
        template! { CKA_NEVER_EXTRACTABLE: true },
        template! { CKA_KEY_GEN_MECHANISM: ck::CKM_AES_KEY_GEN },
        template! { CKA_UNIQUE_ID: vec![1u8] },
    ] {
        assert_eq!(begin_aes(&plus(&length, extra.clone())), Err(Error::AttributeReadOnly), "{extra:?}");
    }
}

#[test]
fn an_unwrapped_or_derived_key_cannot_be_given_its_value_or_its_past() {
    for origin in [Origin::Unwrap, DERIVE] {
        let wanted = base(ck::CKO_SECRET_KEY, ck::CKK_AES);
        begin(origin, USER, &Attributes::new(), &wanted).unwrap();
        for extra in [
            template! { CKA_VALUE: vec![7u8; 16] },
            template! { CKA_LOCAL: false },
            template! { CKA_NEVER_EXTRACTABLE: false },
        ] {
            let begun = begin(origin, USER, &Attributes::new(), &plus(&wanted, extra));
            assert_eq!(begun, Err(Error::AttributeReadOnly));
        }
    }
}

#[test]
fn what_must_be_given_to_generate_is_asked_for() {
    assert_eq!(begin_aes(&Attributes::new()), Err(Error::TemplateIncomplete));
    for (class, key_type) in [(ck::CKO_PUBLIC_KEY, ck::CKK_RSA), (ck::CKO_PUBLIC_KEY, ck::CKK_EC)] {
        let begun = begin(GENERATE, USER, &base(class, key_type), &Attributes::new());
        assert_eq!(begun, Err(Error::TemplateIncomplete), "{key_type}");
    }
}

#[test]
fn private_keys_and_keys_of_one_length_are_generated_from_an_empty_template() {
    for (class, key_type) in [
        (ck::CKO_PRIVATE_KEY, ck::CKK_RSA),
        (ck::CKO_PRIVATE_KEY, ck::CKK_EC_EDWARDS),
        (ck::CKO_SECRET_KEY, ck::CKK_DES3),
    ] {
        let begun = begin(GENERATE, USER, &base(class, key_type), &Attributes::new()).unwrap();
        assert_eq!(begun, base(class, key_type));
    }
}

#[test]
fn an_unwrapped_key_needs_class_and_type() {
    for missing in [ck::CKA_CLASS, ck::CKA_KEY_TYPE] {
        let template = minus(&base(ck::CKO_PRIVATE_KEY, ck::CKK_RSA), missing);
        let begun = begin(Origin::Unwrap, USER, &Attributes::new(), &template);
        assert_eq!(begun, Err(Error::TemplateIncomplete), "{missing:x}");
    }
}

#[test]
fn a_derived_key_is_a_generic_secret_unless_the_template_says_more() {
    let begun = begin(DERIVE, USER, &Attributes::new(), &Attributes::new()).unwrap();
    assert_eq!(begun, base(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET));
    let wanted = template! { CKA_KEY_TYPE: ck::CKK_AES, CKA_VALUE_LEN: 32u64 };
    let begun = begin(DERIVE, USER, &Attributes::new(), &wanted).unwrap();
    assert_eq!(begun.ulong(ck::CKA_KEY_TYPE), Some(ck::CKK_AES));
}

#[test]
fn each_function_makes_only_objects_of_its_classes() {
    for (origin, class) in [
        (GENERATE, ck::CKO_DATA),
        (Origin::Unwrap, ck::CKO_DATA),
        (Origin::Unwrap, ck::CKO_PUBLIC_KEY),
        (DERIVE, ck::CKO_PUBLIC_KEY),
        (DERIVE, ck::CKO_PRIVATE_KEY),
    ] {
        let template = match class {
            ck::CKO_DATA => template! { CKA_CLASS: class },
            _ => base(class, ck::CKK_RSA),
        };
        let begun = begin(origin, USER, &Attributes::new(), &template);
        assert_eq!(begun, Err(Error::TemplateInconsistent), "{origin:?} {class}");
    }
}

#[test]
fn a_template_may_repeat_what_the_mechanism_fixes_but_not_contradict_it() {
    let length = template! { CKA_VALUE_LEN: 16u64 };
    begin_aes(&plus(&length, base(ck::CKO_SECRET_KEY, ck::CKK_AES))).unwrap();
    for wrong in [template! { CKA_KEY_TYPE: ck::CKK_DES3 }, template! { CKA_CLASS: ck::CKO_PRIVATE_KEY }] {
        assert_eq!(begin_aes(&plus(&length, wrong)), Err(Error::TemplateInconsistent));
    }
}

#[test]
fn an_attribute_that_does_not_exist_is_of_invalid_type() {
    for number in [5, ck::CKA_VENDOR_DEFINED | 1, u64::MAX] {
        let mut template = data();
        template.set(number, true);
        assert_eq!(refused(&template), Error::AttributeTypeInvalid, "{number:x}");
    }
}

#[test]
fn an_attribute_of_other_objects_is_inconsistent() {
    for template in [
        plus(&data(), template! { CKA_MODULUS: vec![1u8] }),
        plus(&aes(), template! { CKA_MODULUS: vec![1u8] }),
        plus(&aes(), template! { CKA_VERIFY_RECOVER: true }),
        plus(&rsa_private(), template! { CKA_ENCRYPT: true }),
        plus(&rsa_public(), template! { CKA_SENSITIVE: true }),
        plus(&certificate(), template! { CKA_KEY_TYPE: ck::CKK_RSA }),
    ] {
        assert_eq!(refused(&template), Error::TemplateInconsistent, "{template:?}");
    }
}

#[test]
fn classes_and_types_that_cannot_be_made_are_invalid_values() {
    for template in [
        template! { CKA_CLASS: ck::CKO_HW_FEATURE },
        template! { CKA_CLASS: ck::CKO_MECHANISM },
        template! { CKA_CLASS: 0x1234u64 },
        plus(&aes(), template! { CKA_KEY_TYPE: ck::CKK_RSA }),
        plus(&aes(), template! { CKA_KEY_TYPE: 0x1234u64 }),
        plus(&certificate(), template! { CKA_CERTIFICATE_TYPE: 0x1234u64 }),
    ] {
        assert_eq!(refused(&template), Error::AttributeValueInvalid, "{template:?}");
    }
}

#[test]
fn a_value_of_another_kind_is_invalid() {
    for wrong in [
        template! { CKA_TOKEN: 1u64 },
        template! { CKA_LABEL: true },
        template! { CKA_VALUE: 1u64 },
        template! { CKA_START_DATE: 20240101u64 },
        template! { CKA_ALLOWED_MECHANISMS: vec![1u8] },
        template! { CKA_WRAP_TEMPLATE: vec![1u8] },
    ] {
        let template = plus(&aes(), wrong);
        assert_eq!(refused(&template), Error::AttributeValueInvalid, "{template:?}");
    }
}

#[test]
fn templates_inside_templates_are_checked_and_end_somewhere() {
    let with = |inner: Attributes| plus(&aes(), template! { CKA_WRAP_TEMPLATE: Value::Template(inner) });
    begin_create(&with(template! { CKA_SENSITIVE: true })).unwrap();
    assert_eq!(refused(&with(template! { CKA_SENSITIVE: 1u64 })), Error::AttributeValueInvalid);
    let unknown = Attributes::from_iter([(ck::CKA_VENDOR_DEFINED, true)]);
    assert_eq!(refused(&with(unknown)), Error::AttributeTypeInvalid);
    let deep = (0..10).fold(Attributes::new(), |inner, _| {
        template! { CKA_UNWRAP_TEMPLATE: Value::Template(inner) }
    });
    assert_eq!(refused(&with(deep)), Error::AttributeValueInvalid);
}

#[test]
fn empty_key_values_are_invalid() {
    for (whole, kind) in [
        (rsa_public(), ck::CKA_MODULUS),
        (rsa_public(), ck::CKA_PUBLIC_EXPONENT),
        (rsa_private(), ck::CKA_PRIVATE_EXPONENT),
        (ec_public(), ck::CKA_EC_PARAMS),
        (ec_public(), ck::CKA_EC_POINT),
        (ec_private(), ck::CKA_VALUE),
        (secret(ck::CKK_GENERIC_SECRET, 1), ck::CKA_VALUE),
    ] {
        let mut template = whole;
        template.set(kind, Vec::new());
        assert_eq!(refused(&template), Error::AttributeValueInvalid, "{kind:x}");
    }
    let zero = plus(&rsa_public(), template! { CKA_MODULUS: vec![0u8; 256] });
    assert_eq!(refused(&zero), Error::AttributeValueInvalid);
}

#[test]
fn secret_keys_have_the_lengths_of_their_type() {
    for (key_type, good, bad) in [
        (ck::CKK_AES, &[16, 24, 32][..], &[15, 17, 64][..]),
        (ck::CKK_DES, &[8], &[7, 16]),
        (ck::CKK_DES2, &[16], &[8, 24]),
        (ck::CKK_DES3, &[24], &[8, 16, 25]),
        (ck::CKK_GENERIC_SECRET, &[1, 48, 65536], &[65537]),
        (ck::CKK_SHA256_HMAC, &[1, 32, 200], &[65537]),
    ] {
        for length in good {
            begin_create(&secret(key_type, *length)).unwrap();
        }
        for length in bad {
            assert_eq!(refused(&secret(key_type, *length)), Error::AttributeValueInvalid, "{length}");
        }
    }
}

#[test]
fn announced_lengths_are_those_of_the_type() {
    for bad in [0, 1, 17, 1 << 60, u64::MAX] {
        let template = template! { CKA_VALUE_LEN: bad };
        assert_eq!(begin_aes(&template), Err(Error::AttributeValueInvalid), "{bad}");
        let generic = plus(&base(ck::CKO_SECRET_KEY, ck::CKK_DES3), template);
        let begun = begin(Origin::Unwrap, USER, &Attributes::new(), &generic);
        assert_eq!(begun, Err(Error::AttributeValueInvalid), "{bad}");
    }
    let des = plus(&base(ck::CKO_SECRET_KEY, ck::CKK_DES3), template! { CKA_VALUE_LEN: 24u64 });
    begin(DERIVE, USER, &Attributes::new(), &des).unwrap();
}

#[test]
fn dates_must_be_dates_in_their_order() {
    let from = |start: &str, end: &str| {
        begin_create(&plus(&aes(), template! { CKA_START_DATE: date(start), CKA_END_DATE: date(end) }))
    };
    from("", "").unwrap();
    from("20240229", "").unwrap();
    from("20240101", "20240101").unwrap();
    assert_eq!(from("20230229", ""), Err(Error::AttributeValueInvalid));
    assert_eq!(from("", "tomorrow"), Err(Error::AttributeValueInvalid));
    assert_eq!(from("20240102", "20240101"), Err(Error::TemplateInconsistent));
}

#[test]
fn only_an_officer_makes_a_trusted_object() {
    for object in [certificate(), rsa_public(), aes()] {
        let trusted = plus(&object, template! { CKA_TRUSTED: true });
        for role in [None, USER] {
            let begun = begin(Origin::Create, role, &Attributes::new(), &trusted);
            assert_eq!(begun, Err(Error::AttributeReadOnly));
        }
        begin(Origin::Create, OFFICER, &Attributes::new(), &trusted).unwrap();
        begin_create(&plus(&object, template! { CKA_TRUSTED: false })).unwrap();
    }
}

#[test]
fn a_key_that_asks_for_the_pin_at_each_use_is_private() {
    let asking = plus(&rsa_private(), template! { CKA_ALWAYS_AUTHENTICATE: true });
    begin_create(&asking).unwrap();
    begin_create(&plus(&asking, template! { CKA_PRIVATE: true })).unwrap();
    let open = plus(&asking, template! { CKA_PRIVATE: false });
    assert_eq!(refused(&open), Error::TemplateInconsistent);
}

#[test]
fn an_imported_rsa_public_key_may_tell_its_bits_but_rightly() {
    begin_create(&rsa_public()).unwrap();
    begin_create(&plus(&rsa_public(), template! { CKA_MODULUS_BITS: 2048u64 })).unwrap();
    for (wrong, error) in [(2047u64, Error::TemplateInconsistent), (0, Error::AttributeValueInvalid)] {
        let template = plus(&rsa_public(), template! { CKA_MODULUS_BITS: wrong });
        assert_eq!(refused(&template), error, "{wrong}");
    }
}

#[test]
fn a_certificate_is_here_or_at_a_url_with_the_hashes_of_its_keys() {
    let nowhere = plus(&certificate(), template! { CKA_VALUE: Vec::new() });
    assert_eq!(refused(&nowhere), Error::TemplateIncomplete);
    let elsewhere = plus(&nowhere, template! { CKA_URL: b"http://example.org/".as_slice() });
    assert_eq!(refused(&elsewhere), Error::TemplateIncomplete);
    let hashes = template! {
        CKA_HASH_OF_SUBJECT_PUBLIC_KEY: vec![1u8; 20],
        CKA_HASH_OF_ISSUER_PUBLIC_KEY: vec![2u8; 20],
    };
    begin_create(&plus(&elsewhere, hashes)).unwrap();
}

#[test]
fn the_answer_is_the_template_with_what_the_mechanism_fixes() {
    let template = template! { CKA_VALUE_LEN: 16u64, CKA_LABEL: b"key".as_slice(), CKA_ENCRYPT: false };
    let expected = plus(&template, base(ck::CKO_SECRET_KEY, ck::CKK_AES));
    assert_eq!(begin_aes(&template), Ok(expected));
}

#[test]
fn usage_flags_may_be_given_even_where_no_mechanism_heeds_them() {
    // pkcs11-tool derives a generic secret that may encrypt.
    let template = template! { CKA_ENCRYPT: true, CKA_WRAP: true };
    begin(DERIVE, USER, &Attributes::new(), &template).unwrap();
}
