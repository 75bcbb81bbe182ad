//! Access keys: what a signature is checked against, and how new ones are made.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::api::error::{Code, Result};

/// Text that no log, error or `Debug` ever shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// `text`, from now on wiped when dropped.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself: for signing and for sealed records only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// An access key and whom it stands for. As JSON it holds its secret: only for records that the token seals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The access key id: public.
    pub access_key: String,
    /// What signs.
    pub secret: Secret,
    /// The token that each request must carry as well, for temporary credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
    /// Whom it stands for; the forms are those of [`crate::auth::caller::Caller::arn`].
    pub principal_arn: String,
    /// The account, twelve digits.
    pub account: String,
    /// The AWS service that this key stands for, if it does: `kms:ViaService` of its requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via_service: Option<String>,
    /// When it ends, in seconds since 1970; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

impl Credential {
    /// A new access key of `account` for `principal_arn`, in the form of AWS's own (`AKIA...`).
    pub fn generate(account: &str, principal_arn: &str) -> Result<Self> {
        Ok(Self {
            access_key: format!("AKIA{}", random_text(BASE32, 16)?.as_str()),
            secret: Secret(random_text(BASE64, 40)?),
            session_token: None,
            principal_arn: principal_arn.to_owned(),
            account: account.to_owned(),
            via_service: None,
            expires: None,
        })
    }

    /// A new access key for AWS KMS to sign its requests to an XKS proxy with, within the lengths that
    /// `CreateCustomKeyStore` takes (access key 20 to 30, secret 43 to 64 characters).
    pub fn generate_for_xks(account: &str, principal_arn: &str) -> Result<Self> {
        Ok(Self {
            access_key: random_text(BASE32, 24)?.to_string(),
            secret: Secret(random_text(BASE64, 43)?),
            ..Self::generate(account, principal_arn)?
        })
    }

    /// Whether it has ended at `now`.
    pub fn expired(&self, now: SystemTime) -> bool {
        let end =
            self.expires.map(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        matches!(end, Some(Some(end)) if now >= end)
    }
}

/// Where access keys are found. Answers from memory: it is asked once a request.
pub trait Credentials: Send + Sync {
    /// The credential of `access_key`, if there is one.
    fn lookup(&self, access_key: &str) -> Option<Arc<Credential>>;
}

/// A fixed set, by access key.
impl Credentials for HashMap<String, Arc<Credential>> {
    fn lookup(&self, access_key: &str) -> Option<Arc<Credential>> {
        self.get(access_key).cloned()
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Without `=`, which the API would take too: 64 characters make each of them worth six whole bits.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `length` characters of `alphabet`, whose size is a power of two so that none is likelier than another.
fn random_text<const N: usize>(alphabet: &[u8; N], length: usize) -> Result<Zeroizing<String>> {
    const { assert!(N.is_power_of_two() && N <= 256) };
    let mut bytes = Zeroizing::new(vec![0; length]);
    openssl::rand::rand_bytes(&mut bytes)
        .map_err(|_| Code::KMSInternalException.because("The random number generator failed."))?;
    // invariant: the remainder by N is an index into N characters.
    Ok(Zeroizing::new(bytes.iter().map(|&byte| char::from(alphabet[usize::from(byte) % N])).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_of(text: &str, alphabet: &[u8]) -> bool {
        text.bytes().all(|byte| alphabet.contains(&byte))
    }

    #[test]
    fn new_access_keys_have_the_form_of_aws() {
        let made = Credential::generate("111122223333", "arn:aws:iam::111122223333:user/alice").unwrap();
        let (prefix, rest) = made.access_key.split_at(4);
        assert_eq!((prefix, rest.len(), made.secret.expose().len()), ("AKIA", 16, 40));
        assert!(all_of(rest, BASE32) && all_of(made.secret.expose(), BASE64));
    }

    #[test]
    fn k81_new_xks_credentials_fit_the_lengths_and_characters_of_the_api() {
        let made = Credential::generate_for_xks("111122223333", "arn:aws:iam::111122223333:root").unwrap();
        assert!((20..=30).contains(&made.access_key.len()) && all_of(&made.access_key, BASE32));
        assert!((43..=64).contains(&made.secret.expose().len()) && all_of(made.secret.expose(), BASE64));
    }

    #[test]
    fn two_new_credentials_share_nothing() {
        let make = || Credential::generate("111122223333", "arn:aws:iam::111122223333:root").unwrap();
        let (one, other) = (make(), make());
        assert_ne!(one.access_key, other.access_key);
        assert_ne!(one.secret, other.secret);
    }

    #[test]
    fn debug_never_shows_the_secrets() {
        let mut made = Credential::generate("111122223333", "arn:aws:iam::111122223333:root").unwrap();
        made.session_token = Some(Secret::new("token-text".into()));
        let shown = format!("{made:?} {made:#?}");
        assert!(shown.contains(&made.access_key));
        assert!(!shown.contains(made.secret.expose()) && !shown.contains("token-text"));
    }

    #[test]
    fn a_credential_survives_its_record() {
        let mut made = Credential::generate("111122223333", "arn:aws:iam::111122223333:role/r").unwrap();
        made.session_token = Some(Secret::new("t\"o\\ken".into()));
        made.expires = Some(1_700_000_000);
        let record = serde_json::to_string(&made).unwrap();
        assert_eq!(serde_json::from_str::<Credential>(&record).unwrap(), made);
    }

    #[test]
    fn a_credential_ends_at_its_second() {
        let mut made = Credential::generate("111122223333", "arn:aws:iam::111122223333:root").unwrap();
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(!made.expired(at(u64::from(u32::MAX))), "without an end it lasts");
        made.expires = Some(1000);
        assert!(!made.expired(at(999)));
        assert!(made.expired(at(1000)));
        made.expires = Some(u64::MAX);
        assert!(!made.expired(at(1000)), "an end past all clocks does not overflow");
    }
}
