use super::*;
use crate::object::schema::{FORMS, Initial};

fn value(length: usize) -> Attributes {
    template! { CKA_VALUE: vec![7u8; length] }
}

/// A secret key that comes to be as `origin` says.
fn made(origin: Origin, template: Attributes) -> Attributes {
    let base = base(ck::CKO_SECRET_KEY, ck::CKK_AES);
    let (extra, made) = match origin {
        Origin::Create => (value(32), Attributes::new()),
        _ => (template! { CKA_VALUE_LEN: 32u64 }, value(32)),
    };
    let begun = begin(origin, USER, &base, &plus(&extra, template)).unwrap();
    finish(origin, USABLE, begun, made).unwrap()
}

#[test]
fn common_defaults_are_those_of_the_standard() {
    for object in [data(), certificate(), rsa_public(), rsa_private(), aes()] {
        let object = created(&object);
        assert_eq!(object.bool(ck::CKA_TOKEN), Some(false));
        for kind in [ck::CKA_MODIFIABLE, ck::CKA_COPYABLE, ck::CKA_DESTROYABLE] {
            assert_eq!(object.bool(kind), Some(true), "{kind:x}");
        }
        assert_eq!(object.bytes(ck::CKA_LABEL), Some(&[][..]));
        assert!(!object.contains(ck::CKA_UNIQUE_ID));
    }
}

#[test]
fn what_holds_a_secret_is_private_unless_asked_otherwise() {
    for (object, private) in
        [(data(), false), (certificate(), false), (rsa_public(), false), (rsa_private(), true), (aes(), true)]
    {
        assert_eq!(created(&object).bool(ck::CKA_PRIVATE), Some(private));
        let asked = created(&plus(&object, template! { CKA_PRIVATE: !private }));
        assert_eq!(asked.bool(ck::CKA_PRIVATE), Some(!private));
    }
}

#[test]
fn attributes_that_clients_read_are_there_even_if_empty() {
    for (object, kinds) in [
        (data(), &[ck::CKA_APPLICATION, ck::CKA_OBJECT_ID][..]),
        (
            certificate(),
            &[ck::CKA_ID, ck::CKA_ISSUER, ck::CKA_SERIAL_NUMBER, ck::CKA_START_DATE, ck::CKA_URL],
        ),
        (rsa_public(), &[ck::CKA_ID, ck::CKA_SUBJECT, ck::CKA_START_DATE, ck::CKA_END_DATE]),
        (rsa_private(), &[ck::CKA_ID, ck::CKA_SUBJECT, ck::CKA_START_DATE, ck::CKA_END_DATE]),
        (aes(), &[ck::CKA_ID, ck::CKA_START_DATE, ck::CKA_END_DATE]),
    ] {
        let object = created(&object);
        for kind in kinds {
            assert_eq!(object.bytes(*kind), Some(&[][..]), "{kind:x}");
        }
    }
}

#[test]
fn a_complete_object_has_every_attribute_that_has_a_default() {
    for template in [data(), certificate(), rsa_public(), rsa_private(), ec_public(), ec_private(), aes()] {
        let object = created(&template);
        let form = schema::form_of(&object).unwrap();
        for row in form.rows().filter(|row| row.initial != Initial::Absent) {
            assert!(object.contains(row.attribute), "{} {:x}", form.name, row.attribute);
        }
    }
}

#[test]
fn usage_flags_are_true_where_the_key_type_allows_it() {
    let public = created(&rsa_public());
    for kind in [ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP] {
        assert_eq!(public.bool(kind), Some(true), "{kind:x}");
    }
    assert_eq!(public.bool(ck::CKA_DERIVE), Some(false));
    let private = created(&ec_private());
    for (kind, expected) in
        [(ck::CKA_SIGN, true), (ck::CKA_DERIVE, true), (ck::CKA_DECRYPT, false), (ck::CKA_UNWRAP, false)]
    {
        assert_eq!(private.bool(kind), Some(expected), "{kind:x}");
    }
    let generic = created(&secret(ck::CKK_GENERIC_SECRET, 20));
    for (kind, expected) in [(ck::CKA_SIGN, true), (ck::CKA_DERIVE, true), (ck::CKA_ENCRYPT, false)] {
        assert_eq!(generic.bool(kind), Some(expected), "{kind:x}");
    }
}

#[test]
fn usage_flags_are_false_where_the_token_wants_it_so() {
    for template in [rsa_public(), rsa_private(), aes()] {
        let strict = Defaults { usage: false };
        let begun = begin_create(&template).unwrap();
        let object = finish(Origin::Create, strict, begun, Attributes::new()).unwrap();
        let form = schema::form_of(&object).unwrap();
        for row in form.rows().filter(|row| row.initial == Initial::Usage) {
            assert_eq!(object.bool(row.attribute), Some(false), "{} {:x}", form.name, row.attribute);
        }
    }
}

#[test]
fn usage_flags_that_are_given_win() {
    let key = created(&plus(&aes(), template! { CKA_ENCRYPT: false }));
    assert_eq!((key.bool(ck::CKA_ENCRYPT), key.bool(ck::CKA_DECRYPT)), (Some(false), Some(true)));
    let key = created(&plus(&secret(ck::CKK_GENERIC_SECRET, 20), template! { CKA_ENCRYPT: true }));
    assert_eq!(key.bool(ck::CKA_ENCRYPT), Some(true));
}

#[test]
fn secret_keys_that_are_stored_are_sensitive_and_stay_inside() {
    for (origin, extractable) in
        [(Origin::Create, false), (GENERATE, false), (Origin::Unwrap, true), (DERIVE, false)]
    {
        let key = made(origin, template! { CKA_TOKEN: true });
        assert_eq!(key.bool(ck::CKA_SENSITIVE), Some(true), "{origin:?}");
        assert_eq!(key.bool(ck::CKA_EXTRACTABLE), Some(extractable), "{origin:?}");
    }
}

#[test]
fn secret_keys_of_a_session_can_be_sent_and_are_sensitive_if_made_here() {
    for (origin, sensitive) in
        [(Origin::Create, false), (GENERATE, true), (Origin::Unwrap, false), (DERIVE, false)]
    {
        let key = made(origin, Attributes::new());
        assert_eq!(key.bool(ck::CKA_SENSITIVE), Some(sensitive), "{origin:?}");
        assert_eq!(key.bool(ck::CKA_EXTRACTABLE), Some(true), "{origin:?}");
    }
}

#[test]
fn private_keys_are_sensitive_and_stay_inside_unless_unwrapped() {
    for lifetime in [template! { CKA_TOKEN: true }, template! { CKA_TOKEN: false }] {
        let key = created(&plus(&rsa_private(), lifetime.clone()));
        assert_eq!((key.bool(ck::CKA_SENSITIVE), key.bool(ck::CKA_EXTRACTABLE)), (Some(true), Some(false)));
        let (identity, numbers) =
            rsa_private().partition(|kind| kind == ck::CKA_CLASS || kind == ck::CKA_KEY_TYPE);
        let template = plus(&identity, lifetime);
        let begun = begin(Origin::Unwrap, USER, &Attributes::new(), &template).unwrap();
        let key = finish(Origin::Unwrap, USABLE, begun, numbers).unwrap();
        assert_eq!((key.bool(ck::CKA_SENSITIVE), key.bool(ck::CKA_EXTRACTABLE)), (Some(true), Some(true)));
    }
}

#[test]
fn protection_that_is_given_wins() {
    let open = template! { CKA_TOKEN: true, CKA_SENSITIVE: false, CKA_EXTRACTABLE: true };
    let key = made(GENERATE, open);
    assert_eq!((key.bool(ck::CKA_SENSITIVE), key.bool(ck::CKA_EXTRACTABLE)), (Some(false), Some(true)));
    let kept = template! { CKA_SENSITIVE: true, CKA_EXTRACTABLE: false };
    let key = made(DERIVE, kept);
    assert_eq!((key.bool(ck::CKA_SENSITIVE), key.bool(ck::CKA_EXTRACTABLE)), (Some(true), Some(false)));
}

/// (`CKA_SENSITIVE`, `CKA_EXTRACTABLE`) given, (`CKA_ALWAYS_SENSITIVE`, `CKA_NEVER_EXTRACTABLE`) read.
fn history(origin: Origin, sensitive: bool, extractable: bool) -> (bool, bool) {
    let key = made(origin, template! { CKA_SENSITIVE: sensitive, CKA_EXTRACTABLE: extractable });
    (key.bool(ck::CKA_ALWAYS_SENSITIVE).unwrap(), key.bool(ck::CKA_NEVER_EXTRACTABLE).unwrap())
}

#[test]
fn a_key_that_came_from_outside_was_never_kept() {
    for origin in [Origin::Create, Origin::Unwrap] {
        assert_eq!(history(origin, true, false), (false, false), "{origin:?}");
    }
}

#[test]
fn a_generated_key_has_been_kept_as_it_is() {
    assert_eq!(history(GENERATE, true, false), (true, true));
    assert_eq!(history(GENERATE, false, false), (false, true));
    assert_eq!(history(GENERATE, true, true), (true, false));
}

#[test]
fn a_derived_key_shares_the_history_of_its_base() {
    let derive = |always_sensitive, never_extractable| Origin::Derive { always_sensitive, never_extractable };
    assert_eq!(history(derive(true, true), true, false), (true, true));
    assert_eq!(history(derive(true, true), false, true), (false, false));
    assert_eq!(history(derive(false, true), true, false), (false, true));
    assert_eq!(history(derive(true, false), true, false), (true, false));
}

#[test]
fn only_a_generated_key_is_local_and_names_its_mechanism() {
    for origin in [Origin::Create, Origin::Unwrap, DERIVE] {
        let key = made(origin, Attributes::new());
        assert_eq!(key.bool(ck::CKA_LOCAL), Some(false), "{origin:?}");
        assert_eq!(key.ulong(ck::CKA_KEY_GEN_MECHANISM), Some(u64::MAX), "{origin:?}");
    }
    let key = made(GENERATE, Attributes::new());
    assert_eq!(key.bool(ck::CKA_LOCAL), Some(true));
    assert_eq!(key.ulong(ck::CKA_KEY_GEN_MECHANISM), Some(ck::CKM_AES_KEY_GEN));
}

#[test]
fn measures_are_computed_where_they_are_missing() {
    assert_eq!(created(&rsa_public()).ulong(ck::CKA_MODULUS_BITS), Some(2048));
    let padded = plus(&rsa_public(), template! { CKA_MODULUS: vec![0u8, 0x40, 0] });
    assert_eq!(created(&padded).ulong(ck::CKA_MODULUS_BITS), Some(15));
    assert_eq!(created(&aes()).ulong(ck::CKA_VALUE_LEN), Some(16));
    assert_eq!(created(&secret(ck::CKK_DES3, 24)).ulong(ck::CKA_VALUE_LEN), Some(24));
    assert!(!created(&ec_private()).contains(ck::CKA_VALUE_LEN));
}

#[test]
fn what_was_made_must_be_what_was_asked_for() {
    let begun = begin_aes(&template! { CKA_VALUE_LEN: 16u64 }).unwrap();
    let finished = finish(GENERATE, USABLE, begun, value(32));
    assert_eq!(finished, Err(Error::TemplateInconsistent));
    let wanted = template! { CKA_MODULUS_BITS: 1024u64, CKA_PUBLIC_EXPONENT: vec![3u8] };
    let begun = begin(GENERATE, USER, &base(ck::CKO_PUBLIC_KEY, ck::CKK_RSA), &wanted).unwrap();
    for made in [
        template! { CKA_MODULUS: vec![0x80u8; 256], CKA_PUBLIC_EXPONENT: vec![3u8] },
        template! { CKA_MODULUS: vec![0x80u8; 128], CKA_PUBLIC_EXPONENT: vec![1u8, 0, 1] },
    ] {
        assert_eq!(finish(GENERATE, USABLE, begun.clone(), made), Err(Error::TemplateInconsistent));
    }
}

#[test]
fn leading_zeros_of_a_number_are_no_contradiction() {
    let wanted = template! { CKA_MODULUS_BITS: 2048u64, CKA_PUBLIC_EXPONENT: vec![0u8, 1, 0, 1] };
    let begun = begin(GENERATE, USER, &base(ck::CKO_PUBLIC_KEY, ck::CKK_RSA), &wanted).unwrap();
    let made = template! { CKA_MODULUS: vec![0x80u8; 256], CKA_PUBLIC_EXPONENT: vec![1u8, 0, 1] };
    let key = finish(GENERATE, USABLE, begun, made).unwrap();
    assert_eq!(key.bytes(ck::CKA_PUBLIC_EXPONENT), Some(&[1, 0, 1][..]));
}

#[test]
fn the_tokens_own_encoding_of_a_curve_is_kept() {
    let begun = begin_create(&ec_public()).unwrap();
    let made = template! { CKA_EC_PARAMS: vec![6u8, 1, 2], CKA_EC_POINT: vec![4u8, 1, 8] };
    let key = finish(Origin::Create, USABLE, begun, made).unwrap();
    assert_eq!(key.bytes(ck::CKA_EC_PARAMS), Some(&[6, 1, 2][..]));
    assert_eq!(key.bytes(ck::CKA_EC_POINT), Some(&[4, 1, 8][..]));
}

#[test]
fn an_unwrapped_value_of_a_wrong_length_is_the_wrapped_keys_fault() {
    let wanted = base(ck::CKO_SECRET_KEY, ck::CKK_AES);
    for (template, length) in
        [(wanted.clone(), 15), (wanted.clone(), 0), (plus(&wanted, template! { CKA_VALUE_LEN: 16u64 }), 32)]
    {
        let begun = begin(Origin::Unwrap, USER, &Attributes::new(), &template).unwrap();
        let finished = finish(Origin::Unwrap, USABLE, begun, value(length));
        assert_eq!(finished, Err(Error::WrappedKeyLenRange), "{length}");
    }
}

#[test]
fn a_derived_value_of_a_wrong_length_is_refused() {
    let begun = begin(DERIVE, USER, &Attributes::new(), &base(ck::CKO_SECRET_KEY, ck::CKK_AES)).unwrap();
    assert_eq!(finish(DERIVE, USABLE, begun, value(20)), Err(Error::AttributeValueInvalid));
}

#[test]
fn an_object_that_lacks_what_it_must_have_is_not_made() {
    let begun = begin_aes(&template! { CKA_VALUE_LEN: 16u64 }).unwrap();
    assert_eq!(finish(GENERATE, USABLE, begun, Attributes::new()), Err(Error::TemplateIncomplete));
}

#[test]
fn what_such_objects_do_not_have_is_left_out() {
    let begun = begin_aes(&template! { CKA_VALUE_LEN: 32u64 }).unwrap();
    let made = plus(&value(32), template! { CKA_MODULUS: vec![1u8] });
    assert!(!finish(GENERATE, USABLE, begun, made).unwrap().contains(ck::CKA_MODULUS));
}

#[test]
fn a_check_value_is_kept_if_right_and_not_made_if_declined() {
    let right = template! { CKA_CHECK_VALUE: vec![1u8, 2, 3] };
    let finished = |given: Attributes| {
        let begun = begin_create(&plus(&aes(), given)).unwrap();
        let key = finish(Origin::Create, USABLE, begun, right.clone())?;
        Ok(key.bytes(ck::CKA_CHECK_VALUE).unwrap().to_vec())
    };
    assert_eq!(finished(Attributes::new()), Ok(vec![1, 2, 3]));
    assert_eq!(finished(right.clone()), Ok(vec![1, 2, 3]));
    assert_eq!(finished(template! { CKA_CHECK_VALUE: Vec::new() }), Ok(vec![]));
    assert_eq!(finished(template! { CKA_CHECK_VALUE: vec![9u8, 9, 9] }), Err(Error::AttributeValueInvalid));
    assert!(!created(&aes()).contains(ck::CKA_CHECK_VALUE));
}

#[test]
fn a_wrong_public_key_info_is_an_invalid_value() {
    let right = template! { CKA_PUBLIC_KEY_INFO: vec![0x30u8, 1, 1] };
    let begun = begin_create(&plus(&rsa_private(), right.clone())).unwrap();
    finish(Origin::Create, USABLE, begun, right.clone()).unwrap();
    let begun =
        begin_create(&plus(&rsa_private(), template! { CKA_PUBLIC_KEY_INFO: vec![0x30u8, 0] })).unwrap();
    assert_eq!(finish(Origin::Create, USABLE, begun, right), Err(Error::AttributeValueInvalid));
}

#[test]
fn every_secret_of_every_form_survives_to_the_finished_object() {
    for form in FORMS.iter().filter(|form| form.class.number == ck::CKO_PRIVATE_KEY) {
        let key_type = form.subtype.unwrap();
        let begun = begin(GENERATE, USER, &base(ck::CKO_PRIVATE_KEY, key_type), &Attributes::new()).unwrap();
        let bytes = form.rows().filter(|row| row.has(schema::note::NOT_GENERATE | schema::note::MUST_CREATE));
        let mut made: Attributes = bytes
            .filter(|row| schema::kind_of(row.attribute) == Some(schema::Kind::Bytes))
            .map(|row| (row.attribute, vec![7u8; 32]))
            .collect();
        made.set(ck::CKA_PARAMETER_SET, 1u64);
        let key = finish(GENERATE, USABLE, begun, minus(&made, ck::CKA_UNIQUE_ID)).unwrap();
        for row in form.rows().filter(|row| row.has(schema::note::SECRET)) {
            assert_eq!(key.bytes(row.attribute), Some(&[7u8; 32][..]), "{} {:x}", form.name, row.attribute);
        }
    }
}
