//! Grant tokens: names of grants, handed out so that a grant may be used at once.
//!
//! Here a grant is known to all fronts as soon as it is made, so that a token adds nothing: it gives no right that the grant doesn't give its
//! grantee, whoever holds it. That is why it isn't authenticated; it is only recognised.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::api::error::{Code, Result};
use crate::keys::arn::{KeyArn, KeyName};
use crate::keys::create::random;

/// What tokens begin with, before they are encoded.
const KIND: &str = "grant";

/// The grant that a token names.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// Its key.
    pub key: KeyArn,
    /// Its id.
    pub id: String,
}

/// A new token for a grant; no two are the same.
pub fn make(key: &KeyArn, id: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{KIND} {key} {id} {}", hex::encode(random::<16>())))
}

/// The grant that `token` names, whether it still exists or not.
///
/// # Errors
///
/// `InvalidGrantTokenException` for what [`make`] can't have made.
pub fn read(token: &str) -> Result<Named> {
    parse(token).ok_or_else(|| Code::InvalidGrantTokenException.because("The grant token is not valid."))
}

fn parse(token: &str) -> Option<Named> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let parts: Vec<&str> = text.split(' ').collect();
    let [KIND, arn, id, chance] = parts[..] else { return None };
    let whole = super::check_id(id).is_ok() && chance.len() == 32;
    match KeyName::parse(arn) {
        Ok(KeyName::Arn(key)) if whole => Some(Named { key, id: id.to_owned() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k39_a_token_names_its_grant_and_is_never_given_twice() {
        let id = "3e8a".repeat(16);
        let key = KeyArn {
            region: "eu-west-1".into(),
            account: "111122223333".into(),
            id: "1234abcd-12ab-34cd-56ef-1234567890ab".into(),
        };
        let (one, two) = (make(&key, &id), make(&key, &id));
        assert_ne!(one, two);
        assert_eq!(read(&one).unwrap(), read(&two).unwrap());
        assert_eq!(read(&one).unwrap(), Named { key, id });
    }

    #[test]
    fn k39_garbage_is_no_token() {
        let encoded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        for garbage in ["x", "not base64!", &encoded("grant"), &encoded("grant a b c"), &encoded("")] {
            assert_eq!(read(garbage).unwrap_err().code, Code::InvalidGrantTokenException, "{garbage}");
        }
    }
}
