//! What is told of an object and needed for nothing else: its unique id, a check value, public key info. It is computed when somebody
//! asks, but compared at once with what a template claims.

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
pub(super) fn all_of(id: ObjectId, cast: &Cast, secret: &Attributes) -> Attributes {
    let mut all = cast.whole(secret.len() + ADDED);
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
    all
}

/// `AttributeValueInvalid` if the template claims a check value or public key info that is not the key's (section 4.10). Empty ones claim
/// nothing.
pub(super) fn check_claims(cast: &Cast) -> Result<()> {
    let all = cast.whole(0);
    let claimed = |kind| all.bytes(kind).filter(|claimed| !claimed.is_empty());
    let (value, info) = (claimed(ck::CKA_CHECK_VALUE), claimed(ck::CKA_PUBLIC_KEY_INFO));
    let good_value = value.zip(encoding::check_value(&all)).is_none_or(|(claimed, right)| claimed == right);
    let right_info = info.and_then(|_| encoding::public_key_info(&all));
    let good_info =
        info.zip(right_info).is_none_or(|(claimed, right)| encoding::same_public_key(claimed, &right));
    if good_value && good_info { Ok(()) } else { Err(Error::AttributeValueInvalid) }
}
