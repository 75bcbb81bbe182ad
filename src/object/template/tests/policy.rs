use super::*;
use std::borrow::Cow;

#[test]
fn what_a_key_imposes_is_added_and_may_be_repeated() {
    let forced = template! { CKA_SENSITIVE: true, CKA_EXTRACTABLE: false };
    let template = template! { CKA_KEY_TYPE: ck::CKK_AES, CKA_SENSITIVE: true };
    let expected = template! { CKA_KEY_TYPE: ck::CKK_AES, CKA_SENSITIVE: true, CKA_EXTRACTABLE: false };
    let imposed = |forced| impose(forced, Cow::Borrowed(&template)).map(Cow::into_owned);
    assert_eq!(imposed(&forced), Ok(expected));
    assert_eq!(imposed(&Attributes::new()), Ok(template.clone()));
}

#[test]
fn what_a_key_imposes_cannot_be_contradicted() {
    let forced = template! { CKA_EXTRACTABLE: false };
    let template = template! { CKA_EXTRACTABLE: true };
    assert_eq!(impose(&forced, Cow::Owned(template)), Err(Error::TemplateInconsistent));
}

#[test]
fn what_a_key_imposes_cannot_give_more_than_its_user_may() {
    let template = Cow::Owned(base(ck::CKO_SECRET_KEY, ck::CKK_AES));
    let template = impose(&template! { CKA_TRUSTED: true }, template).unwrap();
    let begun = begin(Origin::Unwrap, USER, &Attributes::new(), &template);
    assert_eq!(begun, Err(Error::AttributeReadOnly));
}

#[test]
fn a_key_to_be_wrapped_matches_all_of_the_wrap_template() {
    let key = generated(template! { CKA_EXTRACTABLE: true, CKA_LABEL: b"data".as_slice() });
    for (wanted, expected) in [
        (Attributes::new(), true),
        (template! { CKA_SENSITIVE: true, CKA_LABEL: b"data".as_slice() }, true),
        (template! { CKA_SENSITIVE: true, CKA_LABEL: b"other".as_slice() }, false),
        (template! { CKA_SUBJECT: Vec::new() }, false),
        (template! { CKA_VALUE: vec![7u8; 32] }, false),
    ] {
        assert_eq!(satisfies(&wanted, &key), expected, "{wanted:?}");
    }
}

#[test]
fn a_key_without_a_list_serves_all_mechanisms() {
    assert!(allows(&aes(), ck::CKM_AES_GCM));
    let limited = plus(&aes(), template! { CKA_ALLOWED_MECHANISMS: mechanisms(&[ck::CKM_AES_GCM]) });
    assert!(allows(&limited, ck::CKM_AES_GCM));
    assert!(!allows(&limited, ck::CKM_AES_ECB));
    let useless = plus(&aes(), template! { CKA_ALLOWED_MECHANISMS: mechanisms(&[]) });
    assert!(!allows(&useless, ck::CKM_AES_GCM));
}

#[test]
fn a_key_is_valid_from_its_first_day_to_its_last() {
    let from = |start: &str, end: &str| template! { CKA_START_DATE: date(start), CKA_END_DATE: date(end) };
    for (start, end, today, expected) in [
        ("", "", "20240615", true),
        ("20240615", "20240615", "20240615", true),
        ("20240616", "", "20240615", false),
        ("", "20240614", "20240615", false),
        ("20231231", "20250101", "20240615", true),
        ("20231231", "20240101", "20240615", false),
    ] {
        assert_eq!(in_validity(&from(start, end), today), expected, "{start} {end} {today}");
    }
    assert!(in_validity(&Attributes::new(), "20240615"));
}
