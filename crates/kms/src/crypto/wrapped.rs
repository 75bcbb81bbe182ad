//! What the four operations share that make a secret and give it out under a KMS key: data keys and data key pairs. Nothing is remembered of them.

use serde::Deserialize;

use super::cipher::SYMMETRIC;
use super::context::Context;
use super::encrypt;
use super::recipient::{self, Recipient};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::keys::spec::Usage;
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};

/// The members of a request that say under which key.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct Under {
    pub key_id: String,
    pub encryption_context: Option<Context>,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub recipient: Option<Recipient>,
    pub dry_run: Option<bool>,
}

/// A secret under a key.
pub struct Wrapped {
    /// The ciphertext.
    pub ciphertext: Blob,
    /// The key's ARN.
    pub key: String,
    /// The id of the key's material.
    pub material: String,
}

impl Under {
    /// Refuses what no plaintext is given out to. Of the operations that give one out.
    pub fn refuse_recipient(&self) -> Result<()> {
        recipient::refuse(self.recipient.as_ref())
    }

    /// What `action` asks leave for.
    pub fn ask(&self, action: &'static str) -> Ask<'_> {
        Ask::to(action)
            .context(self.encryption_context.as_ref())
            .tokens(&self.grant_tokens)
            .fact("kms:EncryptionAlgorithm", SYMMETRIC)
    }

    /// The key, if the caller may use it so, and if secrets may be encrypted under it: only under a symmetric one.
    pub fn open(&self, call: &Call, ask: &Ask) -> Result<Key> {
        let key = call.open(&self.key_id, ask, Need::Material)?;
        key.must_be_for(Usage::EncryptDecrypt, ask.action)?;
        if key.record.spec.is_symmetric() {
            return Ok(key);
        }
        Err(Code::InvalidKeyUsageException.because(format!(
            "{} key spec is {} which is not valid for {}.",
            key.arn, key.record.spec.name, ask.action
        )))
    }

    /// Encrypts the secret under the key, which has done its work then.
    pub fn seal(&self, call: &Call, key: &Key, secret: &[u8]) -> Result<Wrapped> {
        let (ciphertext, material) = encrypt::seal(call, key, self.encryption_context.as_ref(), secret)?;
        call.used(key);
        Ok(Wrapped { ciphertext: ciphertext.into(), key: key.arn.to_string(), material })
    }
}
