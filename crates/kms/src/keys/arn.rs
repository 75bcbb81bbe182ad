//! Names of keys, as the API takes and gives them.

use std::fmt;

use crate::api::error::{Code, Result};

/// What a caller may name a key by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// A key id (`1234abcd-12ab-34cd-56ef-1234567890ab`, `mrk-...`), in the caller's account and Region.
    Id(String),
    /// A key's ARN.
    Arn(KeyArn),
    /// An alias (`alias/...`) in the caller's account and Region.
    Alias(String),
    /// An alias's ARN: account, Region, `alias/...`.
    AliasArn(AliasArn),
}

/// `arn:aws:kms:<region>:<account>:key/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyArn {
    /// The Region.
    pub region: String,
    /// The account, twelve digits.
    pub account: String,
    /// The key id.
    pub id: String,
}

/// `arn:aws:kms:<region>:<account>:alias/<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasArn {
    /// The Region.
    pub region: String,
    /// The account, twelve digits.
    pub account: String,
    /// The name, with `alias/`.
    pub name: String,
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }
}

impl fmt::Display for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:kms:{}:{}:{}", self.region, self.account, self.name)
    }
}

impl KeyName {
    /// Reads what a caller gave as `KeyId` (or `TargetKeyId`, ...).
    ///
    /// # Errors
    ///
    /// `InvalidArnException` for something that begins as an ARN and isn't one of a key or an alias; `NotFoundException` for what can't be a key's
    /// id, as KMS answers it.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with("arn:") {
            return parse_arn(text);
        }
        if text.starts_with("alias/") {
            return Ok(Self::Alias(text.to_owned()));
        }
        if is_key_id(text) {
            return Ok(Self::Id(text.to_owned()));
        }
        Err(Code::NotFoundException.because(format!("Invalid keyId '{text}'")))
    }
}

fn parse_arn(text: &str) -> Result<KeyName> {
    let invalid = || Code::InvalidArnException.because(format!("Invalid arn {text}"));
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [_, partition, service, region, account, resource] = parts[..] else { return Err(invalid()) };
    if !partition.starts_with("aws") || service != "kms" || region.is_empty() || !is_account(account) {
        return Err(invalid());
    }
    let (region, account) = (region.to_owned(), account.to_owned());
    if let Some(id) = resource.strip_prefix("key/") {
        let id = id.to_owned();
        return if is_key_id(&id) {
            Ok(KeyName::Arn(KeyArn { region, account, id }))
        } else {
            Err(invalid())
        };
    }
    if resource.starts_with("alias/") {
        return Ok(KeyName::AliasArn(AliasArn { region, account, name: resource.to_owned() }));
    }
    Err(invalid())
}

/// Whether it is twelve digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether it has the form of a key id: a UUID, or `mrk-` and 32 hexadecimal digits.
pub fn is_key_id(text: &str) -> bool {
    match text.strip_prefix("mrk-") {
        Some(hex) => hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
    }
}
