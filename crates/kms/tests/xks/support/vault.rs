//! A key manager in memory, that fails when it is told to.

use cloister_kms::xks::proxy::{KeyName, Token, Usages, Vault, VaultError};
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, VaultError>;

/// Keys by label, each with what it may do.
pub struct SoftVault {
    keys: Mutex<HashMap<String, ([u8; 32], Usages)>>,
    /// Calls that reached a key.
    pub calls: AtomicUsize,
    /// The next so many ciphertexts come out wrong.
    pub spoiled: AtomicUsize,
    /// All calls fail.
    pub broken: AtomicBool,
    /// Calls that wait to be let go.
    pub waiting: AtomicUsize,
    held: Mutex<bool>,
    released: Condvar,
}

impl Default for SoftVault {
    fn default() -> Self {
        let all = vec!["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP"];
        let may = [
            ("orders-1", all.clone()),
            ("orders-2", all.clone()),
            ("off", all.clone()),
            ("encrypts", vec!["ENCRYPT"]),
            ("decrypts", vec!["DECRYPT", "WRAP"]),
            ("impotent", vec!["SIGN"]),
        ];
        let key = |(label, usages): (&str, Usages)| {
            (label.to_owned(), (openssl::sha::sha256(label.as_bytes()), usages))
        };
        SoftVault {
            keys: Mutex::new(may.map(key).into()),
            calls: AtomicUsize::new(0),
            spoiled: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            held: Mutex::new(false),
            released: Condvar::new(),
        }
    }
}

impl SoftVault {
    /// All calls wait until they are let go.
    pub fn hold(&self) {
        *self.held.lock() = true;
    }

    /// They are.
    pub fn let_go(&self) {
        *self.held.lock() = false;
        self.released.notify_all();
    }

    /// Takes a key away.
    pub fn destroy(&self, label: &str) {
        self.keys.lock().remove(label);
    }

    fn key(&self, name: &KeyName, usage: Option<&str>) -> Result<[u8; 32]> {
        self.wait()?;
        self.calls.fetch_add(1, Ordering::SeqCst);
        let label = name.label.as_deref().unwrap_or_default();
        if label == "small" {
            return Err(VaultError::WrongKind("the key is no 256-bit AES key".to_owned()));
        }
        let keys = self.keys.lock();
        let (key, usages) = keys.get(label).ok_or_else(|| VaultError::NotFound(name.to_string()))?;
        match usage.is_none_or(|usage| usages.contains(&usage)) {
            true => Ok(*key),
            false => Err(VaultError::NotPermitted("the key may not do this".to_owned())),
        }
    }

    fn wait(&self) -> Result<()> {
        let mut held = self.held.lock();
        self.waiting.fetch_add(usize::from(*held), Ordering::SeqCst);
        self.released.wait_while(&mut held, |held| *held);
        match self.broken.load(Ordering::SeqCst) {
            true => Err(VaultError::Failed("CKR_DEVICE_ERROR".to_owned())),
            false => Ok(()),
        }
    }
}

impl Vault for SoftVault {
    fn usages(&self, key: &KeyName) -> Result<Usages> {
        self.key(key, None)?;
        Ok(self.keys.lock()[key.label.as_deref().unwrap()].1.clone())
    }

    fn random(&self, bytes: usize) -> Result<Vec<u8>> {
        self.wait()?;
        let mut random = vec![0; bytes];
        openssl::rand::rand_bytes(&mut random).unwrap();
        Ok(random)
    }

    fn encrypt(&self, key: &KeyName, iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
        let key = self.key(key, Some("ENCRYPT"))?;
        let mut tag = [0; 16];
        let mut sealed =
            encrypt_aead(Cipher::aes_256_gcm(), &key, Some(iv), aad, plaintext, &mut tag).unwrap();
        sealed.extend_from_slice(&tag);
        let spoil = |left: usize| left.checked_sub(1);
        if self.spoiled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spoil).is_ok() {
            sealed[0] ^= 1;
        }
        Ok(sealed)
    }

    fn decrypt(&self, key: &KeyName, iv: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let key = self.key(key, Some("DECRYPT"))?;
        let (ciphertext, tag) = sealed.split_at(sealed.len() - 16);
        let plaintext = decrypt_aead(Cipher::aes_256_gcm(), &key, Some(iv), aad, ciphertext, tag);
        plaintext.map(Zeroizing::new).map_err(|_| VaultError::Corrupted)
    }

    fn token(&self) -> Result<Token> {
        Ok(Token { serial: "0001".to_owned(), vendor: "Soft".to_owned(), model: "Soft 1.0".to_owned() })
    }
}
