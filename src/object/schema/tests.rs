use super::*;
use std::collections::HashSet;

#[test]
fn attributes_are_in_ascending_order_so_that_they_can_be_looked_up() {
    assert!(ATTRIBUTES.windows(2).all(|pair| pair[0].number < pair[1].number));
    for row in ATTRIBUTES {
        assert_eq!((kind_of(row.number), name_of(row.number)), (Some(row.kind), Some(row.name)));
    }
}

#[test]
fn unknown_attributes_have_no_kind_and_no_name() {
    for number in [5, 0x7fff_ffff, ck::CKA_VENDOR_DEFINED, u64::MAX] {
        assert_eq!((kind_of(number), name_of(number)), (None, None));
    }
}

#[test]
fn no_form_has_an_attribute_twice() {
    for form in FORMS {
        let mut seen = HashSet::new();
        for row in form.rows() {
            assert!(seen.insert(row.attribute), "{} {:?}", form.name, name_of(row.attribute));
        }
    }
}

#[test]
fn no_form_is_listed_twice_and_each_can_be_found() {
    let mut seen = HashSet::new();
    for form in FORMS {
        assert!(seen.insert((form.class.number, form.subtype)), "{}", form.name);
        let mut attributes = Attributes::from_iter([(ck::CKA_CLASS, form.class.number)]);
        if let (Some(attribute), Some(number)) = (form.class.subtype, form.subtype) {
            attributes.set(attribute, number);
        }
        let found = form_of(&attributes).unwrap();
        assert_eq!((found.class.number, found.subtype), (form.class.number, form.subtype));
    }
}

#[test]
fn every_row_has_a_kind_that_fits_its_notes_and_its_default() {
    for form in FORMS {
        for row in form.rows() {
            let name = name_of(row.attribute).unwrap();
            let kind = kind_of(row.attribute).unwrap();
            let fits = match row.initial {
                Initial::Absent => true,
                Initial::Empty => matches!(kind, Kind::Bytes | Kind::Date),
                Initial::Bool(_) | Initial::Usage | Initial::Protection { .. } => kind == Kind::Bool,
                Initial::Ulong(_) | Initial::LengthOf(_) | Initial::BitsOf(_) => kind == Kind::Ulong,
            };
            assert!(fits, "{} {name}: {:?}", form.name, row.initial);
            let boolean = note::ONCE_TRUE | note::ONCE_FALSE | note::OFFICER;
            assert!(!row.has(boolean) || kind == Kind::Bool, "{} {name}", form.name);
            assert!(!row.has(note::NARROWS) || kind == Kind::Mechanisms, "{} {name}", form.name);
            let bytes = note::BIG_INTEGER | note::ENCODED | note::CLEARS | note::COMPUTED | note::SECRET;
            assert!(!row.has(bytes) || kind == Kind::Bytes, "{} {name}", form.name);
        }
    }
}

#[test]
fn nothing_must_and_must_not_be_given_to_the_same_function() {
    for form in FORMS {
        for row in form.rows() {
            let pairs = [
                (note::MUST_CREATE, note::NOT_CREATE),
                (note::MUST_GENERATE, note::NOT_GENERATE),
                (note::MUST_UNWRAP, note::NOT_UNWRAP),
                (note::ONCE_TRUE, note::ONCE_FALSE),
                (note::SECRET, note::MODIFIABLE),
            ];
            for (one, other) in pairs {
                assert!(!(row.has(one) && row.has(other)), "{} {:?}", form.name, name_of(row.attribute));
            }
        }
    }
}

#[test]
fn what_must_be_given_has_no_default() {
    let must = note::MUST_CREATE | note::MUST_UNWRAP;
    for form in FORMS {
        for row in form.rows().filter(|row| row.has(must)) {
            assert_eq!(row.initial, Initial::Absent, "{} {:?}", form.name, name_of(row.attribute));
        }
    }
}

#[test]
fn usage_lists_name_usage_flags_of_their_own_class() {
    for form in FORMS {
        for attribute in form.usage {
            let row = form.row(*attribute).unwrap();
            assert_eq!(row.initial, Initial::Usage, "{} {:?}", form.name, name_of(*attribute));
        }
    }
}

#[test]
fn measured_attributes_measure_one_of_their_own_form() {
    for form in FORMS {
        for row in form.rows() {
            if let Initial::LengthOf(of) | Initial::BitsOf(of) = row.initial {
                assert!(form.row(of).is_some(), "{} {:?}", form.name, name_of(row.attribute));
            }
        }
    }
}

#[test]
fn secrets_are_those_of_private_and_secret_keys_only() {
    for attribute in [
        ck::CKA_PRIVATE_EXPONENT,
        ck::CKA_PRIME_1,
        ck::CKA_PRIME_2,
        ck::CKA_EXPONENT_1,
        ck::CKA_EXPONENT_2,
        ck::CKA_COEFFICIENT,
        ck::CKA_VALUE,
    ] {
        assert!(is_secret(ck::CKO_PRIVATE_KEY, attribute), "{:?}", name_of(attribute));
    }
    assert!(is_secret(ck::CKO_SECRET_KEY, ck::CKA_VALUE));
    for attribute in [ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT, ck::CKA_EC_PARAMS, ck::CKA_LABEL] {
        assert!(!is_secret(ck::CKO_PRIVATE_KEY, attribute), "{:?}", name_of(attribute));
    }
    for class in [ck::CKO_DATA, ck::CKO_CERTIFICATE, ck::CKO_PUBLIC_KEY, ck::CKO_HW_FEATURE, u64::MAX] {
        assert!(!is_secret(class, ck::CKA_VALUE), "{class}");
    }
}

#[test]
fn every_form_with_a_secret_tells_whether_it_may_be_shown() {
    for form in FORMS {
        if form.rows().any(|row| row.has(note::SECRET)) {
            for attribute in [ck::CKA_SENSITIVE, ck::CKA_EXTRACTABLE] {
                assert!(form.row(attribute).is_some(), "{} {:?}", form.name, name_of(attribute));
            }
        }
    }
}

#[test]
fn classes_that_callers_cannot_make_have_no_form() {
    for class in [ck::CKO_HW_FEATURE, ck::CKO_MECHANISM, ck::CKO_OTP_KEY, ck::CKO_PROFILE, u64::MAX] {
        let attributes = Attributes::from_iter([(ck::CKA_CLASS, class)]);
        assert_eq!(form_of(&attributes).unwrap_err(), Error::AttributeValueInvalid, "{class}");
    }
}
