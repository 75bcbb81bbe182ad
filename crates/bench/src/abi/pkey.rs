//! libcrypto's asymmetric keys, called through contexts that were set up once and are used again and again.

use super::symmetric::{done, there};
use foreign_types::ForeignType;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl_sys as ffi;
use std::ffi::{CStr, c_int, c_uchar};
use std::ptr::{null, null_mut};

type Answer<T> = std::result::Result<T, ErrorStack>;

// What openssl-sys does not declare (openssl/evp.h).
unsafe extern "C" {
    fn EVP_PKEY_dup(key: *mut ffi::EVP_PKEY) -> *mut ffi::EVP_PKEY;
    fn EVP_PKEY_set1_encoded_public_key(
        key: *mut ffi::EVP_PKEY,
        point: *const c_uchar,
        length: usize,
    ) -> c_int;
    fn EVP_PKEY_CTX_ctrl_str(
        context: *mut ffi::EVP_PKEY_CTX,
        name: *const std::ffi::c_char,
        value: *const std::ffi::c_char,
    ) -> c_int;
}

/// A kind of key, by libcrypto's names.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The algorithm.
    pub name: &'static CStr,
    /// What its generation is told besides: name and value.
    pub settings: &'static [(&'static CStr, &'static CStr)],
}

/// What a key is set up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Signing a digest, or what stands for it.
    Sign,
    /// Verifying one.
    Verify,
    /// Signing a message as a whole, with the algorithm of this name.
    SignMessage(&'static CStr),
    /// Verifying one.
    VerifyMessage(&'static CStr),
    /// Encrypting, with a padding by its name.
    Encrypt(&'static CStr),
    /// Decrypting.
    Decrypt(&'static CStr),
    /// Agreeing.
    Derive,
    /// Making a secret and its ciphertext.
    Encapsulate,
    /// Getting it back.
    Decapsulate,
}

/// A key and a context that is set up for one use.
pub struct Key {
    context: *mut ffi::EVP_PKEY_CTX,
    /// The other's key, for agreeing.
    peer: Option<PKey<Private>>,
}

/// Makes keys of one kind.
pub struct Generator(*mut ffi::EVP_PKEY_CTX);

impl Generator {
    /// Of this kind.
    pub fn new(kind: Kind) -> Answer<Generator> {
        ffi::init();
        // SAFETY: a name that ends with NUL; null is the default library context, and no properties.
        let made = unsafe { ffi::EVP_PKEY_CTX_new_from_name(null_mut(), kind.name.as_ptr(), null()) };
        let made = Generator(there(made)?);
        // SAFETY: the context is there.
        done(unsafe { ffi::EVP_PKEY_keygen_init(made.0) })?;
        for (name, value) in kind.settings {
            // SAFETY: the same, and texts that end with NUL.
            done(unsafe { EVP_PKEY_CTX_ctrl_str(made.0, name.as_ptr(), value.as_ptr()) })?;
        }
        Ok(made)
    }

    /// A new key.
    pub fn generate(&mut self) -> Answer<PKey<Private>> {
        let mut key = null_mut();
        // SAFETY: the context is set up to make keys; what it made is this program's own.
        unsafe {
            done(ffi::EVP_PKEY_generate(self.0, &mut key))?;
            Ok(PKey::from_ptr(there(key)?))
        }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // SAFETY: its own.
        unsafe { ffi::EVP_PKEY_CTX_free(self.0) }
    }
}

impl Key {
    /// Sets up a copy of `key`: what threads share of a key would have them wait for each other.
    pub fn new(key: &PKey<Private>, to: Use) -> Answer<Key> {
        let (own, peer) = (copy(key), (to == Use::Derive).then(|| copy(key)));
        // SAFETY: the key is there; the context keeps it alive.
        let made = unsafe { ffi::EVP_PKEY_CTX_new(own.as_ptr(), null_mut()) };
        let made = Key { context: there(made)?, peer };
        made.set_up(to)?;
        Ok(made)
    }

    fn set_up(&self, to: Use) -> Answer<()> {
        let context = self.context;
        // SAFETY: the context is there and has a key; whether the key can be used so is what libcrypto answers.
        unsafe {
            match to {
                Use::Sign => done(ffi::EVP_PKEY_sign_init(context)),
                Use::Verify => done(ffi::EVP_PKEY_verify_init(context)),
                Use::SignMessage(name) => {
                    let algorithm = Algorithm::fetch(name)?;
                    done(ffi::EVP_PKEY_sign_message_init(context, algorithm.0, null()))
                }
                Use::VerifyMessage(name) => {
                    let algorithm = Algorithm::fetch(name)?;
                    done(ffi::EVP_PKEY_verify_message_init(context, algorithm.0, null()))
                }
                Use::Encrypt(padding) => {
                    done(ffi::EVP_PKEY_encrypt_init(context))?;
                    self.pad(padding)
                }
                Use::Decrypt(padding) => {
                    done(ffi::EVP_PKEY_decrypt_init(context))?;
                    self.pad(padding)
                }
                Use::Derive => done(ffi::EVP_PKEY_derive_init(context)),
                Use::Encapsulate => done(ffi::EVP_PKEY_encapsulate_init(context, null())),
                Use::Decapsulate => done(ffi::EVP_PKEY_decapsulate_init(context, null())),
            }
        }
    }

    fn pad(&self, padding: &CStr) -> Answer<()> {
        // SAFETY: the context is there, and texts that end with NUL.
        done(unsafe { EVP_PKEY_CTX_ctrl_str(self.context, c"rsa_padding_mode".as_ptr(), padding.as_ptr()) })
    }

    /// Signs.
    pub fn sign(&mut self, data: &[u8], out: &mut [u8]) -> Answer<usize> {
        let mut written = out.len();
        let (out, length) = (out.as_mut_ptr(), &mut written);
        // SAFETY: input and output with their lengths; a context that is not set up for it answers so.
        done(unsafe { ffi::EVP_PKEY_sign(self.context, out, length, data.as_ptr(), data.len()) })?;
        Ok(written)
    }

    /// Verifies; an error if the signature is wrong.
    pub fn verify(&mut self, data: &[u8], signature: &[u8]) -> Answer<()> {
        let (first, length) = (signature.as_ptr(), signature.len());
        // SAFETY: as for `sign`.
        done(unsafe { ffi::EVP_PKEY_verify(self.context, first, length, data.as_ptr(), data.len()) })
    }

    /// Encrypts.
    pub fn encrypt(&mut self, data: &[u8], out: &mut [u8]) -> Answer<usize> {
        let mut written = out.len();
        let (out, length) = (out.as_mut_ptr(), &mut written);
        // SAFETY: as for `sign`.
        done(unsafe { ffi::EVP_PKEY_encrypt(self.context, out, length, data.as_ptr(), data.len()) })?;
        Ok(written)
    }

    /// Decrypts.
    pub fn decrypt(&mut self, data: &[u8], out: &mut [u8]) -> Answer<usize> {
        let mut written = out.len();
        let (out, length) = (out.as_mut_ptr(), &mut written);
        // SAFETY: as for `sign`.
        done(unsafe { ffi::EVP_PKEY_decrypt(self.context, out, length, data.as_ptr(), data.len()) })?;
        Ok(written)
    }

    /// Agrees with the other's public point, which is looked at as closely as one from a stranger.
    pub fn derive(&mut self, point: &[u8], out: &mut [u8]) -> Answer<usize> {
        let Some(peer) = &self.peer else { return Err(ErrorStack::get()) };
        let mut written = out.len();
        // SAFETY: the context and the peer's key are there, the key is nobody else's; input and output with their lengths.
        unsafe {
            done(EVP_PKEY_set1_encoded_public_key(peer.as_ptr(), point.as_ptr(), point.len()))?;
            done(ffi::EVP_PKEY_derive_set_peer(self.context, peer.as_ptr()))?;
            done(ffi::EVP_PKEY_derive(self.context, out.as_mut_ptr(), &mut written))?;
        }
        Ok(written)
    }

    /// Makes a secret; answers how many bytes its ciphertext has.
    pub fn encapsulate(&mut self, ciphertext: &mut [u8], secret: &mut [u8]) -> Answer<usize> {
        let (mut written, mut length) = (ciphertext.len(), secret.len());
        let (out, secret) = (ciphertext.as_mut_ptr(), secret.as_mut_ptr());
        // SAFETY: as for `sign`.
        done(unsafe { ffi::EVP_PKEY_encapsulate(self.context, out, &mut written, secret, &mut length) })?;
        Ok(written)
    }

    /// Gets the secret back.
    pub fn decapsulate(&mut self, ciphertext: &[u8], secret: &mut [u8]) -> Answer<usize> {
        let (mut written, first, length) = (secret.len(), ciphertext.as_ptr(), ciphertext.len());
        let secret = secret.as_mut_ptr();
        // SAFETY: as for `sign`.
        done(unsafe { ffi::EVP_PKEY_decapsulate(self.context, secret, &mut written, first, length) })?;
        Ok(written)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: its own; it lets the key go.
        unsafe { ffi::EVP_PKEY_CTX_free(self.context) }
    }
}

/// A copy, or the key itself where OpenSSL can't copy it: 3.6 can't copy pairs of ML-KEM.
fn copy(key: &PKey<Private>) -> PKey<Private> {
    // SAFETY: the key is there; the copy is the caller's own.
    match unsafe { EVP_PKEY_dup(key.as_ptr()) } {
        none if none.is_null() => key.clone(),
        // SAFETY: it is there.
        own => unsafe { PKey::from_ptr(own) },
    }
}

/// A fetched signature algorithm.
struct Algorithm(*mut ffi::EVP_SIGNATURE);

impl Algorithm {
    fn fetch(name: &CStr) -> Answer<Algorithm> {
        // SAFETY: a name that ends with NUL; null is the default library context, and no properties.
        Ok(Algorithm(there(unsafe { ffi::EVP_SIGNATURE_fetch(null_mut(), name.as_ptr(), null()) })?))
    }
}

impl Drop for Algorithm {
    fn drop(&mut self) {
        // SAFETY: its own; contexts that use it hold it too.
        unsafe { ffi::EVP_SIGNATURE_free(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::bn::BigNumContext;
    use openssl::derive::Deriver;
    use openssl::ec::PointConversionForm;

    fn make(name: &'static CStr, settings: &'static [(&'static CStr, &'static CStr)]) -> PKey<Private> {
        Generator::new(Kind { name, settings }).unwrap().generate().unwrap()
    }

    const RSA: (&CStr, &[(&CStr, &CStr)]) = (c"RSA", &[(c"rsa_keygen_bits", c"2048")]);
    const P256: (&CStr, &[(&CStr, &CStr)]) = (c"EC", &[(c"ec_paramgen_curve", c"P-256")]);

    #[test]
    fn a_kept_context_signs_again_and_again_and_only_what_was_signed_verifies() {
        let schemes = [
            (make(RSA.0, RSA.1), Use::Sign, Use::Verify),
            (make(P256.0, P256.1), Use::Sign, Use::Verify),
            (make(c"ED25519", &[]), Use::SignMessage(c"ED25519"), Use::VerifyMessage(c"ED25519")),
            (make(c"ML-DSA-65", &[]), Use::SignMessage(c"ML-DSA-65"), Use::VerifyMessage(c"ML-DSA-65")),
        ];
        for (key, sign, verify) in schemes {
            let (mut signer, mut verifier) = (Key::new(&key, sign).unwrap(), Key::new(&key, verify).unwrap());
            for message in 0..3 {
                let mut signature = vec![0; 4096];
                let length = signer.sign(&[message; 32], &mut signature).unwrap();
                verifier.verify(&[message; 32], &signature[..length]).unwrap();
                assert!(verifier.verify(&[9; 32], &signature[..length]).is_err());
            }
        }
    }

    #[test]
    fn a_kept_context_decrypts_what_was_encrypted() {
        let key = make(RSA.0, RSA.1);
        for padding in [c"pkcs1", c"oaep"] {
            let mut encrypting = Key::new(&key, Use::Encrypt(padding)).unwrap();
            let mut decrypting = Key::new(&key, Use::Decrypt(padding)).unwrap();
            for message in 0..3 {
                let (mut ciphertext, mut out) = ([0; 256], [0; 256]);
                let length = encrypting.encrypt(&[message; 32], &mut ciphertext).unwrap();
                assert_eq!(decrypting.decrypt(&ciphertext[..length], &mut out).unwrap(), 32);
                assert_eq!(out[..32], [message; 32]);
            }
        }
    }

    #[test]
    fn a_kept_context_agrees_with_each_peer_in_turn() {
        let key = make(P256.0, P256.1);
        let mut agreeing = Key::new(&key, Use::Derive).unwrap();
        for _ in 0..3 {
            let peer = make(P256.0, P256.1);
            let (ec, mut numbers) = (peer.ec_key().unwrap(), BigNumContext::new().unwrap());
            let form = PointConversionForm::UNCOMPRESSED;
            let point = ec.public_key().to_bytes(ec.group(), form, &mut numbers).unwrap();
            let mut right = Deriver::new(&peer).unwrap();
            right.set_peer(&key).unwrap();
            let mut out = [0; 32];
            assert_eq!(agreeing.derive(&point, &mut out).unwrap(), 32);
            assert_eq!(out[..], right.derive_to_vec().unwrap());
        }
        assert!(agreeing.derive(&[4; 65], &mut [0; 32]).is_err(), "a point that is not on the curve");
    }

    #[test]
    fn a_secret_comes_back_from_its_ciphertext() {
        let key = make(c"ML-KEM-768", &[]);
        let mut making = Key::new(&key, Use::Encapsulate).unwrap();
        let mut opening = Key::new(&key, Use::Decapsulate).unwrap();
        for _ in 0..3 {
            let (mut ciphertext, mut secret, mut again) = (vec![0; 4096], [0; 32], [0; 32]);
            let length = making.encapsulate(&mut ciphertext, &mut secret).unwrap();
            opening.decapsulate(&ciphertext[..length], &mut again).unwrap();
            assert_eq!(secret, again);
        }
    }
}
