//! The calls of libcrypto that do the same as a token's, with the same input.

use super::buffer::Buffer;
use super::keys::{self, KeyKind};
use super::work::{Padding, Scheme, Work};
use crate::Result;
use crate::abi::{Cipher, Digest, Generator, Key, Mac, Secrets, Use, random};
use crate::load::Call;
use openssl::pkey::{PKey, Private};
use std::hint::black_box;

/// Prepares a call; `None` if libcrypto has nothing like it.
pub fn prepare(work: Work, keys: &Keys) -> Result<Option<Call<'static>>> {
    Ok(Some(match work {
        Work::Sign(scheme) => sign(scheme, keys)?,
        Work::Verify(scheme) => verify(scheme, keys)?,
        Work::Decrypt(padding) => decrypt(padding, keys)?,
        Work::Derive => {
            let (mut key, point) = (keys.set_up(keys::P256, Use::Derive)?, super::another_point()?);
            Call::alone(move || used(key.derive(&point, &mut [0; 32])))
        }
        Work::Encapsulate => {
            let (mut key, mut out) = (keys.set_up(keys::ML_KEM, Use::Encapsulate)?, Buffer::of(0, ROOM));
            Call::alone(move || used(key.encapsulate(&mut out, &mut [0; 32])))
        }
        Work::Decapsulate => decapsulate(keys)?,
        Work::Encrypt(mode, length) => {
            let (mut cipher, data, mut out) =
                ((mode.direct)()?, Buffer::of(0x5a, length), Buffer::of(0, length + 16));
            Call::alone(move || used(cipher.encrypt(&data, &mut out)))
        }
        Work::Mac(length) => {
            let (mut mac, data) = (Mac::new()?, Buffer::of(0x5a, length));
            Call::alone(move || used(mac.sign(&data, &mut [0; 32])))
        }
        Work::Wrap => {
            let mut cipher = Cipher::wrap()?;
            Call::alone(move || used(cipher.encrypt(&[0x5a; 32], &mut [0; 48])))
        }
        Work::Digest(length) => {
            let (mut digest, data) = (Digest::new()?, Buffer::of(0x5a, length));
            Call::alone(move || used(digest.of(&data, &mut [0; 32])))
        }
        Work::Random(length) => {
            let mut out = Buffer::of(0, length);
            Call::alone(move || used(random(&mut out)))
        }
        Work::Generate(kind) => generate(kind)?,
        _ => return Ok(None),
    }))
}

fn sign(scheme: &'static Scheme, keys: &Keys) -> Result<Call<'static>> {
    let mut key = keys.set_up(scheme.key, scheme.signing())?;
    let (data, mut out) = (Buffer::of(0x5a, scheme.input), Buffer::of(0, ROOM));
    Ok(Call::alone(move || used(key.sign(&data, &mut out))))
}

fn decrypt(padding: &'static Padding, keys: &Keys) -> Result<Call<'static>> {
    let (mut ciphertext, mut out) = (Buffer::of(0, ROOM), Buffer::of(0, ROOM));
    let mut encrypting = keys.set_up(keys::RSA, Use::Encrypt(padding.name))?;
    let written = encrypting.encrypt(&[0x5a; 32], &mut ciphertext)?;
    let mut key = keys.set_up(keys::RSA, Use::Decrypt(padding.name))?;
    Ok(Call::alone(move || used(key.decrypt(&ciphertext[..written], &mut out))))
}

fn decapsulate(keys: &Keys) -> Result<Call<'static>> {
    let mut ciphertext = Buffer::of(0, ROOM);
    let mut making = keys.set_up(keys::ML_KEM, Use::Encapsulate)?;
    let written = making.encapsulate(&mut ciphertext, &mut [0; 32])?;
    let mut key = keys.set_up(keys::ML_KEM, Use::Decapsulate)?;
    Ok(Call::alone(move || used(key.decapsulate(&ciphertext[..written], &mut [0; 32]))))
}

/// A pair, or a secret key's object, which takes more than drawing its bytes.
fn generate(kind: &'static KeyKind) -> Result<Call<'static>> {
    let Some(kind) = kind.libcrypto else {
        let mut secrets = Secrets::new()?;
        return Ok(Call::alone(move || used(secrets.generate())));
    };
    let mut generator = Generator::new(kind)?;
    Ok(Call::alone(move || used(generator.generate())))
}

/// More than any signature or ciphertext here has.
pub const ROOM: usize = 4096;

fn verify(scheme: &'static Scheme, keys: &Keys) -> Result<Call<'static>> {
    let (data, mut signature) = (Buffer::of(0x5a, scheme.input), Buffer::of(0, ROOM));
    let written = keys.set_up(scheme.key, scheme.signing())?.sign(&data, &mut signature)?;
    let mut key = keys.set_up(scheme.key, scheme.verifying())?;
    Ok(Call::alone(move || used(key.verify(&data, &signature[..written]))))
}

/// The answer, which the compiler must not find useless.
fn used<T>(answer: std::result::Result<T, openssl::error::ErrorStack>) -> Result<()> {
    black_box(answer?);
    Ok(())
}

/// A key of each kind, made when it is first needed: callers use the same.
#[derive(Default)]
pub struct Keys(std::sync::Mutex<Vec<(&'static str, PKey<Private>)>>);

impl Keys {
    fn set_up(&self, kind: &'static KeyKind, to: Use) -> Result<Key> {
        let mut keys = self.0.lock().map_err(|_| "another caller has failed")?;
        if let Some((_, key)) = keys.iter().find(|(name, _)| *name == kind.name) {
            return Ok(Key::new(key, to)?);
        }
        let key = Generator::new(kind.libcrypto.ok_or("libcrypto has no such key")?)?.generate()?;
        let made = Key::new(&key, to)?;
        keys.push((kind.name, key));
        Ok(made)
    }
}
