//! Encryption and decryption as Encrypt, Decrypt and ReEncrypt share them, whatever the kind of key.

use zeroize::Zeroizing;

use super::context::Context;
use super::encrypt::{open, seal};
use super::oaep::Oaep;
use super::{blob, from_openssl, public_key};
use crate::api::error::{Code, Fault, Result};
use crate::hsm::Trouble;
use crate::keys::arn::KeyArn;
use crate::keys::spec::Usage;
use crate::service::{Call, Key};

/// The algorithm of symmetric keys, and of requests that name none.
pub const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// The use that a key is put to: the algorithm and the context that go with it.
#[derive(Clone, Copy)]
pub struct Cipher<'a> {
    /// The name of the algorithm.
    pub algorithm: &'a str,
    /// The encryption context.
    pub context: Option<&'a Context>,
}

impl<'a> Cipher<'a> {
    /// As a request names it.
    pub fn new(algorithm: Option<&'a String>, context: Option<&'a Context>) -> Self {
        Self { algorithm: algorithm.map_or(SYMMETRIC, String::as_str), context }
    }

    /// Whether `key` may be used so.
    ///
    /// # Errors
    ///
    /// `InvalidKeyUsageException`; `ValidationException` for a context with a key that can't bind one.
    pub fn suits(&self, key: &Key, operation: &str) -> Result<()> {
        key.must_be_for(Usage::EncryptDecrypt, operation)?;
        key.must_offer(self.algorithm)?;
        if !key.record.spec.is_symmetric() && self.context.is_some_and(|context| !context.is_empty()) {
            return Err(
                Code::ValidationException.because("EncryptionContext is not supported with asymmetric keys.")
            );
        }
        Ok(())
    }

    /// Encrypts under the key's current material.
    pub fn encrypt(&self, call: &Call, key: &Key, plaintext: &[u8]) -> Result<Encrypted> {
        let Some(oaep) = Oaep::named(self.algorithm) else {
            let (ciphertext, material) = seal(call, key, self.context, plaintext)?;
            return Ok(Encrypted { ciphertext, material: Some(material) });
        };
        let public = public_key::of(key)?;
        let limit = oaep.limit(public.size());
        if plaintext.len() > limit {
            let (name, spec) = (self.algorithm, key.record.spec.name);
            return Err(Code::ValidationException.because(format!(
                "Algorithm {name} and key spec {spec} cannot encrypt data larger than {limit} bytes."
            )));
        }
        let ciphertext = oaep.seal(&public, plaintext).map_err(from_openssl)?;
        // Not every HSM knows both hashes, and its key may be gone: better refused now than never opened.
        self.decrypt(call, key, &ciphertext)?;
        Ok(Encrypted { ciphertext, material: None })
    }

    /// Decrypts what `key` made.
    ///
    /// # Errors
    ///
    /// `IncorrectKeyException` for a blob of another key, `InvalidCiphertextException`.
    pub fn decrypt(&self, call: &Call, key: &Key, ciphertext: &[u8]) -> Result<Decrypted> {
        let Some(oaep) = Oaep::named(self.algorithm) else {
            let blob = blob::parse(ciphertext)?;
            if named_by(call, &blob) != key.arn {
                return Err(incorrect_key());
            }
            let plaintext = open(call, key, &blob, self.context)?;
            return Ok(Decrypted { plaintext, material: Some(blob.material) });
        };
        let public = public_key::of(key)?;
        // HSMs differ in what they say to a ciphertext of a length that can't be.
        if ciphertext.len() != public.size() {
            return Err(blob::invalid());
        }
        let token = call.token(&key.record)?;
        let opened = call.service.handles.with(&token, &key.record, key.current()?, |handle| {
            match oaep.open(&token, handle, &public, ciphertext) {
                Err(Trouble::BadData) => Ok(None),
                result => result.map(Some),
            }
        })?;
        Ok(Decrypted { plaintext: opened.ok_or_else(blob::invalid)?, material: None })
    }
}

/// What [`Cipher::encrypt`] made.
pub struct Encrypted {
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// The id of a symmetric key's material.
    pub material: Option<String>,
}

/// What [`Cipher::decrypt`] found.
pub struct Decrypted {
    /// The plaintext.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The id of a symmetric key's material.
    pub material: Option<String>,
}

/// What a request gives to be decrypted.
pub struct Source<'a> {
    /// The key it names, if it does.
    pub key: Option<&'a str>,
    /// The ciphertext.
    pub ciphertext: Option<&'a [u8]>,
    /// How.
    pub cipher: Cipher<'a>,
    /// Whether it is a dry run.
    pub dry_run: Option<bool>,
    /// What a dry run leaves out.
    pub dry_run_modifiers: &'a [String],
}

impl Source<'_> {
    /// The key: the one that is named, or the one that the blob names. A bare key id may be that of the blob's key in another account.
    ///
    /// # Errors
    ///
    /// `ValidationException` where neither can name one; `InvalidCiphertextException`; those of [`Call::key`].
    pub fn find(&self, call: &Call) -> Result<Key> {
        let missing = |text: &str| Err(Code::ValidationException.because(text));
        let asymmetric = self.cipher.algorithm != SYMMETRIC;
        let ignored = self.ignores_ciphertext();
        match (self.key, self.ciphertext) {
            (None, _) if ignored => missing("A key ID must be specified when the ciphertext is ignored."),
            (_, None) if !ignored => missing("CiphertextBlob must not be null"),
            (None, _) if asymmetric => {
                missing("A key ID must be specified to decrypt ciphertext of an asymmetric key.")
            }
            (None, ciphertext) => {
                let arn = named_by(call, &blob::parse(ciphertext.unwrap_or_default())?);
                call.key(&arn.to_string()).map_err(|fault| {
                    if fault.code == Code::NotFoundException { unknown_key() } else { fault }
                })
            }
            (Some(named), Some(ciphertext)) if !asymmetric && !ignored => match blob::parse(ciphertext) {
                Ok(blob) if blob.key == named => call.key(&named_by(call, &blob).to_string()),
                _ => call.key(named),
            },
            (Some(named), _) => call.key(named),
        }
    }

    /// Decrypts. A dry run ends here: after the ciphertext was found good, or without a look at it.
    pub fn open(&self, call: &Call, key: &Key) -> Result<Decrypted> {
        if self.ignores_ciphertext() {
            call.dry_run(self.dry_run)?;
        }
        let opened = self.cipher.decrypt(call, key, self.ciphertext.unwrap_or_default())?;
        call.dry_run(self.dry_run)?;
        Ok(opened)
    }

    fn ignores_ciphertext(&self) -> bool {
        self.dry_run == Some(true)
            && self.dry_run_modifiers.iter().any(|modifier| modifier == "IGNORE_CIPHERTEXT")
    }
}

/// The key that a blob names, in the Region of the request.
fn named_by(call: &Call, blob: &blob::Blob) -> KeyArn {
    KeyArn { region: call.caller.region.clone(), account: blob.account.clone(), id: blob.key.clone() }
}

/// A key that only a blob names may be one of another Region or account: the caller isn't told whether it exists.
fn unknown_key() -> Fault {
    let text = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
    Code::AccessDeniedException.because(text)
}

fn incorrect_key() -> Fault {
    Code::IncorrectKeyException
        .because("The key ID in the request does not identify a CMK that can perform this operation.")
}
