//! What one call is: a function of the module with a key that is looked up, or made, before the clock runs.

use crate::Result;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use serde::{Deserialize, Serialize};

/// The curve P-256, as `CKA_EC_PARAMS` has it (DER of its OID, 1.2.840.10045.3.1.7).
const P256: [u8; 10] = [6, 8, 42, 134, 72, 206, 61, 3, 1, 7];
const IV: usize = 12;
const TAG_BITS: u64 = 128;

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// `C_SignInit` and `C_Sign`, 32 bytes.
    Hmac,
    /// `C_EncryptInit` and `C_Encrypt`, 64 bytes.
    Gcm,
    /// `C_SignInit` and `C_Sign` of a digest.
    P256,
    /// The same, with RSA and PKCS #1 v1.5.
    Rsa2048,
    /// `C_GenerateKey`, a token object.
    Create,
    /// `C_FindObjectsInit` to `C_FindObjectsFinal`, by `CKA_ID`.
    Find,
}

impl Operation {
    /// Makes the key that it takes, if the token has not got it; answers how to call it, over and over.
    pub fn prepare<'a>(self, session: &'a Session) -> Result<Box<dyn FnMut() -> Result<()> + 'a>> {
        let data = [0x5a; 64];
        Ok(match self {
            Operation::Hmac => {
                let key = self.key(session)?;
                Box::new(move || done(session.sign(&Mechanism::Sha256Hmac, key, &data[..32])))
            }
            Operation::Gcm => {
                let key = self.key(session)?;
                let mut iv = [0; IV];
                Box::new(move || {
                    count(&mut iv);
                    let gcm = Mechanism::AesGcm(GcmParams::new(&mut iv, &[], TAG_BITS.into())?);
                    done(session.encrypt(&gcm, key, &data))
                })
            }
            Operation::P256 => {
                let key = self.key(session)?;
                Box::new(move || done(session.sign(&Mechanism::Ecdsa, key, &data[..32])))
            }
            Operation::Rsa2048 => {
                let key = self.key(session)?;
                Box::new(move || done(session.sign(&Mechanism::Sha256RsaPkcs, key, &data[..32])))
            }
            Operation::Create => {
                Box::new(|| done(session.generate_key(&Mechanism::AesKeyGen, &secret(Vec::new(), 32))))
            }
            Operation::Find => {
                self.key(session)?;
                let id = [Attribute::Id(self.id())];
                Box::new(move || match session.find_objects(&id)?.len() {
                    0 => Err("a key is gone".into()),
                    _ => Ok(()),
                })
            }
        })
    }

    fn id(self) -> Vec<u8> {
        format!("benchmark {self:?}").into_bytes()
    }

    /// The key that is called with.
    fn key(self, session: &Session) -> Result<ObjectHandle> {
        let class = match self {
            Operation::P256 | Operation::Rsa2048 => ObjectClass::PRIVATE_KEY,
            _ => ObjectClass::SECRET_KEY,
        };
        let known = session.find_objects(&[Attribute::Id(self.id()), Attribute::Class(class)])?;
        match known.first() {
            Some(key) => Ok(*key),
            None => self.make_key(session),
        }
    }

    fn make_key(self, session: &Session) -> Result<ObjectHandle> {
        let id = Attribute::Id(self.id());
        Ok(match self {
            Operation::Hmac => {
                let wanted = [id, Attribute::KeyType(KeyType::GENERIC_SECRET), Attribute::Sign(true)];
                session.generate_key(&Mechanism::GenericSecretKeyGen, &secret(wanted.to_vec(), 32))?
            }
            Operation::Gcm | Operation::Create | Operation::Find => make_aes(session, id)?,
            Operation::P256 => {
                let public = [Attribute::Token(true), id.clone(), Attribute::EcParams(P256.to_vec())];
                session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private(id))?.1
            }
            Operation::Rsa2048 => {
                let public = [Attribute::Token(true), id.clone(), Attribute::ModulusBits(2048.into())];
                session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private(id))?.1
            }
        })
    }
}

/// An AES-256 key that encrypts and decrypts, and can be found by `name`.
pub fn make_aes(session: &Session, name: Attribute) -> Result<ObjectHandle> {
    let wanted = vec![name, Attribute::Encrypt(true), Attribute::Decrypt(true)];
    Ok(session.generate_key(&Mechanism::AesKeyGen, &secret(wanted, 32))?)
}

/// A secret token key of `length` bytes that never leaves.
fn secret(mut wanted: Vec<Attribute>, length: u64) -> Vec<Attribute> {
    wanted.extend([Attribute::ValueLen(length.into())]);
    wanted.extend(kept());
    wanted
}

fn private(id: Attribute) -> Vec<Attribute> {
    let mut wanted = vec![id, Attribute::Sign(true)];
    wanted.extend(kept());
    wanted
}

fn kept() -> [Attribute; 4] {
    let (token, private) = (Attribute::Token(true), Attribute::Private(true));
    [token, private, Attribute::Sensitive(true), Attribute::Extractable(false)]
}

/// The next IV: none is used twice with a key.
fn count(iv: &mut [u8; IV]) {
    for byte in iv.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

fn done<T>(result: std::result::Result<T, cryptoki::error::Error>) -> Result<()> {
    result.map(|_| ()).map_err(Into::into)
}
