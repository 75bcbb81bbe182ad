//! What is told of an object and needed for nothing else: its unique id, a check value, public key info, and what its mechanism has left
//! for later. It is computed when somebody asks, but compared at once with what a template claims.

use crate::attribute::Attributes;
use crate::error::{Error, Result};
use crate::mechanism::encoding;
use crate::object::template::Cast;
use crate::token::ObjectId;
use cryptoki_sys as ck;

/// How many attributes [`all_of`] adds at most.
const ADDED: usize = 3;

/// All of a new object, its secrets too.
pub(super) fn all_of(id: ObjectId, cast: &Cast) -> Result<Attributes> {
    let mut all = cast.whole(ADDED)?;
    // PKCS#11 3.2, section 4.10.2: an empty value asks for none. Any other has been found right.
    if !all.contains(ck::CKA_CHECK_VALUE)
        && let Some(computed) = encoding::check_value(&all)
    {
        all.set(ck::CKA_CHECK_VALUE, computed.as_slice());
    }
    // What the mechanism has told is the token's own encoding; what the template said may be another.
    if !cast.tells(ck::CKA_PUBLIC_KEY_INFO)
        && let Some(computed) = encoding::public_key_info(&all)
    {
        all.set(ck::CKA_PUBLIC_KEY_INFO, computed);
    }
    all.set(ck::CKA_UNIQUE_ID, id.to_hex().into_bytes());
    Ok(all)
}

/// `AttributeValueInvalid` if the template claims a check value or public key info that is not the key's (section 4.10). Empty ones claim
/// nothing.
pub(super) fn check_claims(cast: &Cast) -> Result<()> {
    let all = cast.whole(0)?;
    let claimed = |kind| all.bytes(kind).filter(|claimed| !claimed.is_empty());
    let (value, info) = (claimed(ck::CKA_CHECK_VALUE), claimed(ck::CKA_PUBLIC_KEY_INFO));
    let good_value = value.zip(encoding::check_value(&all)).is_none_or(|(claimed, right)| claimed == right);
    let right_info = info.and_then(|_| encoding::public_key_info(&all));
    let good_info =
        info.zip(right_info).is_none_or(|(claimed, right)| encoding::same_public_key(claimed, &right));
    if good_value && good_info { Ok(()) } else { Err(Error::AttributeValueInvalid) }
}

#[cfg(test)]
mod tests {
    use super::super::object::LocalObject;
    use super::*;
    use crate::attribute::{Late, Parts, Value};
    use crate::object::template::{Defaults, Fixed, Mould, Origin};
    use crate::pin::Role;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const ID: ObjectId = ObjectId([7; 16]);

    /// An AES key of 16 zero bytes whose template has said this of its check value.
    fn aes(check_value: Option<&[u8]>) -> Cast {
        let fixed = Fixed { class: Some(ck::CKO_SECRET_KEY), key_type: Some(ck::CKK_AES), length: None };
        let mut template = Attributes::from_iter([(ck::CKA_VALUE_LEN, 16)]);
        if let Some(value) = check_value {
            template.set(ck::CKA_CHECK_VALUE, value);
        }
        let origin = Origin::Generate(ck::CKM_AES_KEY_GEN);
        let defaults = Defaults { usage: true };
        let mould = Mould::new(origin, Some(Role::User), defaults, fixed, &template).unwrap();
        assert_eq!(mould.has_claims(), check_value.is_some_and(|value| !value.is_empty()));
        mould.cast(Attributes::from_iter([(ck::CKA_VALUE, Value::from(vec![0; 16]))])).unwrap()
    }

    fn told(cast: Cast) -> Attributes {
        LocalObject::from_cast(ID, None, 0, cast).unwrap().info().unwrap().attributes.clone()
    }

    /// A point that counts how often it is asked for.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Late for Counting {
        fn kinds(&self) -> &'static [u64] {
            &[ck::CKA_EC_POINT]
        }

        fn tell(&self) -> Result<Attributes> {
            let asked = self.0.fetch_add(1, Ordering::Relaxed);
            // As if memory had run out for once.
            if asked == 0 {
                return Err(Error::FunctionFailed);
            }
            Ok(Attributes::from_iter([(ck::CKA_EC_POINT, vec![4; 65])]))
        }
    }

    /// A generated public key of which nothing is there but the name of its curve.
    fn public_key(in_store: bool, late: &Arc<Counting>) -> Result<Cast> {
        let fixed = Fixed { class: Some(ck::CKO_PUBLIC_KEY), key_type: Some(ck::CKK_EC), length: None };
        let mut template = Attributes::from_iter([(ck::CKA_TOKEN, in_store)]);
        template.set(ck::CKA_EC_PARAMS, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07".as_slice());
        let origin = Origin::Generate(ck::CKM_EC_KEY_PAIR_GEN);
        let mould = Mould::new(origin, Some(Role::User), Defaults { usage: true }, fixed, &template)?;
        mould.cast(Parts { told: Attributes::new(), late: Some(late.clone()) })
    }

    #[test]
    fn a_key_that_is_asked_about_tells_its_check_value_and_name_and_no_secret() {
        let all = told(aes(None));
        assert_eq!(all.bytes(ck::CKA_CHECK_VALUE), Some(&[0x66, 0xe9, 0x4b][..]));
        assert_eq!(all.bytes(ck::CKA_UNIQUE_ID), Some(ID.to_hex().as_bytes()));
        assert_eq!(all.ulong(ck::CKA_VALUE_LEN), Some(16));
        assert!(!all.contains(ck::CKA_VALUE));
    }

    #[test]
    fn what_a_mechanism_left_for_later_is_asked_for_once_and_again_only_if_that_failed() {
        let late = Arc::new(Counting::default());
        let object = LocalObject::from_cast(ID, None, 0, public_key(false, &late).unwrap()).unwrap();
        assert!(object.is_true(ck::CKA_VERIFY) && object.class() == Some(ck::CKO_PUBLIC_KEY));
        assert_eq!(late.0.load(Ordering::Relaxed), 0, "nobody has asked for it");
        assert_eq!(object.info().err(), Some(Error::FunctionFailed));
        for _ in 0..2 {
            let told = &object.info().unwrap().attributes;
            assert_eq!(told.bytes(ck::CKA_EC_POINT), Some(&[4; 65][..]));
            assert!(told.bytes(ck::CKA_PUBLIC_KEY_INFO).is_some_and(|info| info.ends_with(&[4; 65])));
        }
        assert_eq!(late.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_is_to_be_stored_is_all_there_or_not_made() {
        let late = Arc::new(Counting::default());
        assert_eq!(public_key(true, &late).err(), Some(Error::FunctionFailed));
        let cast = public_key(true, &late).unwrap();
        assert_eq!(cast.own().bytes(ck::CKA_EC_POINT), Some(&[4; 65][..]));
        let record = LocalObject::from_cast(ID, None, 1, cast).unwrap().to_record().unwrap();
        assert!(record.public.contains(ck::CKA_EC_POINT) && record.public.contains(ck::CKA_PUBLIC_KEY_INFO));
        assert_eq!(late.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn who_wants_no_check_value_gets_none() {
        assert_eq!(told(aes(Some(&[]))).bytes(ck::CKA_CHECK_VALUE), Some(&[][..]));
    }

    #[test]
    fn a_claim_is_compared_at_once() {
        assert_eq!(check_claims(&aes(Some(&[0x66, 0xe9, 0x4b]))), Ok(()));
        assert_eq!(check_claims(&aes(Some(&[0x66, 0xe9, 0x4c]))), Err(Error::AttributeValueInvalid));
        assert_eq!(check_claims(&aes(Some(&[]))), Ok(()));
    }
}
