//! What is told of an object and needed for nothing else: its unique id, a check value, public key info, and what its mechanism has left
//! for later. It is computed when somebody asks, but compared at once with what a template claims.

use crate::attribute::Attributes;
use crate::error::{Error, Result};
use crate::mechanism::encoding;
use crate::object::schema;
use crate::object::template::Cast;
use crate::token::ObjectId;
use cryptoki_sys as ck;

/// How many attributes [`all_of`] adds at most.
const ADDED: usize = 3;

/// All that may be known of a new object, whose secret attributes have been taken out of the `cast`.
pub(super) fn all_of(id: ObjectId, cast: &Cast, secret: &Attributes) -> Result<Attributes> {
    let mut all = cast.whole(secret.len() + ADDED)?;
    all.extend(secret.clone());
    // PKCS#11 3.2, section 4.10.2: an empty value asks for none. Any other has been found right.
    if !all.contains(ck::CKA_CHECK_VALUE)
        && let Some(computed) = encoding::check_value(&all)
    {
        all.set(ck::CKA_CHECK_VALUE, computed.as_slice());
    }
    // What the mechanism has told is the token's own encoding; what the template said may be another.
    if !cast.own().contains(ck::CKA_PUBLIC_KEY_INFO)
        && let Some(computed) = encoding::public_key_info(&all)
    {
        all.set(ck::CKA_PUBLIC_KEY_INFO, computed);
    }
    all.set(ck::CKA_UNIQUE_ID, id.to_hex().into_bytes());
    let class = all.ulong(ck::CKA_CLASS).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION);
    all.take(schema::secrets_of(class));
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
    use super::*;
    use crate::attribute::Value;
    use crate::object::template::{Defaults, Fixed, Mould, Origin};
    use crate::pin::Role;

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

    fn told(mut cast: Cast) -> Attributes {
        let secret = cast.own_mut().take(schema::secrets_of(ck::CKO_SECRET_KEY));
        all_of(ID, &cast, &secret).unwrap()
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
