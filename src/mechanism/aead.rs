//! Encryption with authentication: AES-GCM and ChaCha20-Poly1305 (PKCS#11 3.2, sections 6.13 and 6.61); AES-CCM is in `ccm`.
//!
//! The tag follows the ciphertext. A decryption answers nothing before it has checked the tag: its parts are collected,
//! as many as there is memory for.

use super::message::{Message, MessageShape};
use super::staged::{Staged, Step};
use super::{Aead, Cipher, Family, Given, Key, Params, wrapping};
use crate::attribute::Bytes;
use crate::crypto::cipher::{self, Direction, Mode, Stream, stream_of};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use crate::output::Size;
use std::marker::PhantomData;
use zeroize::Zeroize;

/// What differs between those that tell the length of their data at the end.
pub(super) trait Form: Send + 'static {
    /// The most data, in bytes.
    const LIMIT: usize;
    /// The cipher.
    fn mode() -> Mode;
    /// Reads the parameter; `MechanismParamInvalid` for one that cannot be.
    fn start<'a>(given: &Given<'a>) -> Result<Start<'a>>;
}

/// What a parameter says.
pub(super) struct Start<'a> {
    /// Initialisation vector or nonce.
    nonce: &'a [u8],
    /// Additional authenticated data.
    aad: &'a [u8],
    /// Bytes of the tag.
    tag: usize,
}

/// The cipher, before any data, and the tag's length in bytes.
pub(super) fn begin<F: Form>(direction: Direction, key: Key<'_>, params: &Params) -> Result<(Stream, usize)> {
    let start = F::start(&params.into())?;
    let mut stream = stream_of(F::mode(), direction, key.secret_key()?, Some(start.nonce), false)?;
    stream.authenticate(start.aad).map_err(unexpected)?;
    Ok((stream, start.tag))
}

/// The same with the cipher that has been used before; the tag's length, or `None` if the cipher can't.
#[inline(always)]
fn renew<F: Form>(stream: &mut Stream, given: &Given<'_>) -> Result<Option<usize>> {
    let start = F::start(given)?;
    if !stream.renew(Some(start.nonce))? {
        return Ok(None);
    }
    stream.authenticate(start.aad).map_err(unexpected)?;
    Ok(Some(start.tag))
}

fn seal<F: Form>(key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
    Ok(Box::new(Sealing::<F>::begin(key, params)?))
}

fn open<F: Form>(key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
    let (stream, tag) = begin::<F>(Direction::Decrypt, key, params)?;
    let opening = Opening { form: PhantomData::<F>, stream, tag };
    Ok(Box::new(Staged::step(F::LIMIT + tag, Error::EncryptedDataLenRange, opening)))
}

/// AES-GCM.
pub struct Gcm;

/// The longest initialisation vector OpenSSL takes, in bytes.
const GCM_MAX_IV: usize = 128;
/// The most data one invocation can encrypt, in bytes (SP 800-38D, section 5.2.1.1).
pub(super) const GCM_MAX_DATA: usize = (1 << 36) - 32;

impl Form for Gcm {
    const LIMIT: usize = GCM_MAX_DATA;

    fn mode() -> Mode {
        cipher::AES_GCM
    }

    #[inline]
    fn start<'a>(given: &Given<'a>) -> Result<Start<'a>> {
        match *given {
            Given::Gcm { iv, aad, tag_bits: tag_bits @ (32 | 64 | 96 | 104 | 112 | 120 | 128) }
                if (1..=GCM_MAX_IV).contains(&iv.len()) =>
            {
                Ok(Start { nonce: iv, aad, tag: tag_bits as usize / 8 })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }
}

/// What GMAC is: GCM whose data is all additional, and the tag's length in bytes. The parameter's own additional data would be lost
/// among it: `MechanismParamInvalid`.
pub(super) fn gmac(key: Key<'_>, params: &Params) -> Result<(Stream, usize)> {
    match params {
        Params::Gcm { aad, .. } if aad.is_empty() => begin::<Gcm>(Direction::Encrypt, key, params),
        _ => Err(Error::MechanismParamInvalid),
    }
}

impl Family for Gcm {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        seal::<Self>(key, params)
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        open::<Self>(key, params)
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params)?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }

    fn aead(&self) -> Option<&dyn Aead> {
        Some(self)
    }
}

impl Aead for Gcm {
    fn message_shape(&self) -> MessageShape {
        MessageShape::Gcm
    }

    fn params(&self, message: &Message, aad: &[u8]) -> Params {
        let tag_bits = u32::try_from(message.tag_length).unwrap_or(u32::MAX).saturating_mul(8);
        Params::Gcm { iv: message.nonce.as_slice().into(), aad: aad.to_vec(), tag_bits }
    }
}

/// ChaCha20-Poly1305 of RFC 8439.
pub struct ChaCha20Poly1305;

/// Bytes of its nonce and of its tag.
const CHACHA20_NONCE: usize = 12;
const CHACHA20_TAG: usize = 16;
/// The most data for one nonce, in bytes: a counter of 32 bits, whose first value makes the authentication's key.
const CHACHA20_MAX_DATA: usize = ((1 << 32) - 1) * 64;

impl Form for ChaCha20Poly1305 {
    const LIMIT: usize = CHACHA20_MAX_DATA;

    fn mode() -> Mode {
        cipher::CHACHA20_POLY1305
    }

    fn start<'a>(given: &Given<'a>) -> Result<Start<'a>> {
        match *given {
            Given::Other(Params::ChaCha20Poly1305 { nonce, aad }) if nonce.len() == CHACHA20_NONCE => {
                Ok(Start { nonce, aad, tag: CHACHA20_TAG })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }
}

impl Family for ChaCha20Poly1305 {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        seal::<Self>(key, params)
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        open::<Self>(key, params)
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params)?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }

    fn aead(&self) -> Option<&dyn Aead> {
        Some(self)
    }
}

impl Aead for ChaCha20Poly1305 {
    fn message_shape(&self) -> MessageShape {
        MessageShape::ChaCha20Poly1305
    }

    fn params(&self, message: &Message, aad: &[u8]) -> Params {
        Params::ChaCha20Poly1305 { nonce: message.nonce.clone(), aad: aad.to_vec() }
    }
}

/// A decryption, which releases nothing before the tag is found right.
struct Opening<F> {
    form: PhantomData<F>,
    stream: Stream,
    /// Bytes of the tag.
    tag: usize,
}

impl<F: Form> Step for Opening<F> {
    fn size(&self, sealed: usize) -> Size {
        Size::Exact(sealed.saturating_sub(self.tag))
    }

    fn run(&mut self, sealed: &[u8], output: &mut [u8]) -> Result<usize> {
        let length = sealed.len().checked_sub(self.tag).ok_or(Error::EncryptedDataLenRange)?;
        let written = self.stream.update(&sealed[..length], output)?;
        self.stream.finish_against_tag(&sealed[length..]).map_err(|_| {
            output.zeroize();
            Error::EncryptedDataInvalid
        })?;
        Ok(written)
    }

    fn rest(&mut self) -> bool {
        self.stream.rest()
    }

    fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        // The tag's length stands for how much data there may be, too.
        Ok(renew::<F>(&mut self.stream, given)? == Some(self.tag))
    }
}

/// An encryption with a tag at its end, at work.
pub(super) struct Sealing<F> {
    form: PhantomData<F>,
    stream: Stream,
    /// Bytes of the tag.
    pub tag: usize,
    /// Bytes that it may still take.
    left: usize,
}

impl<F: Form> Sealing<F> {
    /// Before any data.
    pub fn begin(key: Key<'_>, params: &Params) -> Result<Self> {
        let (stream, tag) = begin::<F>(Direction::Encrypt, key, params)?;
        Ok(Sealing { form: PhantomData, stream, tag, left: F::LIMIT })
    }
}

impl<F: Form> Cipher for Sealing<F> {
    fn update_size(&self, input: usize) -> Size {
        Size::Exact(input)
    }

    #[inline]
    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let left = self.left.checked_sub(input.len()).ok_or(Error::DataLenRange)?;
        let written = self.stream.update(input, output)?;
        self.left = left;
        Ok(written)
    }

    fn finish_size(&self) -> Size {
        Size::Exact(self.tag)
    }

    #[inline]
    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.stream.finish_with_tag(&mut output[..self.tag]).map_err(unexpected)?;
        Ok(self.tag)
    }

    fn whole_size(&self, input: usize) -> Size {
        Size::Exact(input.saturating_add(self.tag))
    }

    fn whole(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let written = self.update(input, output)?;
        Ok(written + self.finish(&mut output[written..])?)
    }

    fn rest(&mut self) -> bool {
        self.stream.rest()
    }

    fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        let Some(tag) = renew::<F>(&mut self.stream, given)? else { return Ok(false) };
        (self.tag, self.left) = (tag, F::LIMIT);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::testing::{Secret, decrypt, encrypt, hex};
    use cryptoki_sys as ck;

    const KEY: [u8; 16] = [0; 16];

    fn gcm(iv: usize, tag_bits: u32) -> Params {
        Params::Gcm { iv: vec![0; iv].into(), aad: vec![], tag_bits }
    }

    fn ccm(data_length: usize, nonce: usize, mac_length: usize) -> Params {
        Params::Ccm { data_length, nonce: vec![0; nonce], aad: vec![], mac_length }
    }

    /// Test cases 1 and 2 of the GCM submission to NIST.
    #[test]
    fn known_gcm() {
        let sealed = encrypt(ck::CKM_AES_GCM, &KEY, gcm(12, 128), b"");
        assert_eq!(sealed, Ok(hex("58e2fccefa7e3061367f1d57a4e7455a")));
        let expected = hex("0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf");
        assert_eq!(encrypt(ck::CKM_AES_GCM, &KEY, gcm(12, 128), &[0; 16]), Ok(expected.clone()));
        let short = encrypt(ck::CKM_AES_GCM, &KEY, gcm(12, 32), &[0; 16]);
        assert_eq!(short.unwrap(), expected[..20]);
    }

    /// SP 800-38C, example 1.
    #[test]
    fn known_ccm() {
        let key = hex("404142434445464748494a4b4c4d4e4f");
        let params = Params::Ccm {
            data_length: 4,
            nonce: hex("10111213141516"),
            aad: hex("0001020304050607"),
            mac_length: 4,
        };
        let sealed = encrypt(ck::CKM_AES_CCM, &key, params.clone(), &hex("20212223")).unwrap();
        assert_eq!(sealed, hex("7162015b4dac255d"));
        assert_eq!(decrypt(ck::CKM_AES_CCM, &key, params, &sealed), Ok(hex("20212223")));
    }

    #[test]
    fn nothing_of_an_altered_message_is_released() {
        for (id, key, params) in [
            (ck::CKM_AES_GCM, &KEY[..], gcm(12, 128)),
            (ck::CKM_AES_CCM, &KEY, ccm(40, 12, 16)),
            (
                ck::CKM_CHACHA20_POLY1305,
                &[0; 32],
                Params::ChaCha20Poly1305 { nonce: vec![0; 12], aad: vec![] },
            ),
        ] {
            let sealed = encrypt(id, key, params.clone(), &[0x55; 40]).unwrap();
            let family = crate::mechanism::registry::find(id).unwrap().family;
            for at in [0, 39, 40, 55] {
                let mut altered = sealed.clone();
                altered[at] ^= 1;
                let secret = Secret::new(key);
                let mut cipher = family.decrypt(secret.key(), &params).unwrap();
                let mut output = [0xee; 40];
                assert_eq!(cipher.whole(&altered, &mut output), Err(Error::EncryptedDataInvalid));
                assert_eq!(output, [0; 40]);
                let mut cipher = family.decrypt(secret.key(), &params).unwrap();
                assert_eq!(cipher.update_size(56), Size::Exact(0));
                assert_eq!(cipher.update(&altered, &mut []), Ok(0));
                assert_eq!(cipher.finish(&mut output), Err(Error::EncryptedDataInvalid));
                assert_eq!(output, [0; 40]);
                let unwrapped = family.unwrap(secret.key(), &params, &altered);
                assert_eq!(unwrapped, Err(Error::WrappedKeyInvalid));
            }
        }
    }

    /// RFC 8439, section 2.8.2: the tag, and the beginning of the ciphertext.
    #[test]
    fn known_chacha20_poly1305() {
        let key: Vec<u8> = (0x80..0xa0).collect();
        let nonce = hex("070000004041424344454647");
        let aad = hex("50515253c0c1c2c3c4c5c6c7");
        let params = Params::ChaCha20Poly1305 { nonce: nonce.clone(), aad };
        let data =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.";
        let sealed = encrypt(ck::CKM_CHACHA20_POLY1305, &key, params.clone(), data).unwrap();
        assert_eq!(sealed[..16], hex("d31a8d34648e60db7b86afbc53ef7ec2"));
        assert_eq!(sealed[data.len()..], hex("1ae10b594f09e26a7e902ecbd0600691"));
        assert_eq!(decrypt(ck::CKM_CHACHA20_POLY1305, &key, params, &sealed), Ok(data.to_vec()));
        for length in [0, 8, 11, 13] {
            let params = Params::ChaCha20Poly1305 { nonce: vec![0; length], aad: vec![] };
            let result = encrypt(ck::CKM_CHACHA20_POLY1305, &key, params, b"");
            assert_eq!(result, Err(Error::MechanismParamInvalid));
        }
    }

    #[test]
    fn the_header_is_authenticated() {
        let params = |aad: &[u8]| Params::Gcm { iv: vec![1; 12].into(), aad: aad.to_vec(), tag_bits: 128 };
        let sealed = encrypt(ck::CKM_AES_GCM, &KEY, params(b"right"), b"data").unwrap();
        assert_eq!(decrypt(ck::CKM_AES_GCM, &KEY, params(b"right"), &sealed), Ok(b"data".to_vec()));
        let result = decrypt(ck::CKM_AES_GCM, &KEY, params(b"wrong"), &sealed);
        assert_eq!(result, Err(Error::EncryptedDataInvalid));
    }

    #[test]
    fn every_length_of_iv_nonce_and_tag_that_may_be_works() {
        for iv in [1, 7, 8, 12, 13, 16, 64, GCM_MAX_IV] {
            for tag_bits in [32, 64, 96, 104, 112, 120, 128] {
                let sealed = encrypt(ck::CKM_AES_GCM, &KEY, gcm(iv, tag_bits), b"data").unwrap();
                assert_eq!(sealed.len(), 4 + tag_bits as usize / 8);
                assert_eq!(decrypt(ck::CKM_AES_GCM, &KEY, gcm(iv, tag_bits), &sealed), Ok(b"data".to_vec()));
            }
        }
        for nonce in 7..=13 {
            for mac_length in [4, 6, 8, 10, 12, 14, 16] {
                for data in [&b""[..], b"data"] {
                    let params = ccm(data.len(), nonce, mac_length);
                    let sealed = encrypt(ck::CKM_AES_CCM, &KEY, params.clone(), data).unwrap();
                    assert_eq!(decrypt(ck::CKM_AES_CCM, &KEY, params, &sealed), Ok(data.to_vec()));
                }
            }
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_at_the_beginning() {
        let wrong_gcm =
            [gcm(0, 128), gcm(GCM_MAX_IV + 1, 128), gcm(12, 0), gcm(12, 127), gcm(12, 136), gcm(12, 8)];
        for params in wrong_gcm {
            assert_eq!(
                encrypt(ck::CKM_AES_GCM, &KEY, params.clone(), b""),
                Err(Error::MechanismParamInvalid)
            );
            assert_eq!(decrypt(ck::CKM_AES_GCM, &KEY, params, b""), Err(Error::MechanismParamInvalid));
        }
        let wrong_ccm = [
            ccm(4, 6, 8),
            ccm(4, 14, 8),
            ccm(4, 12, 0),
            ccm(4, 12, 5),
            ccm(4, 12, 18),
            ccm(65536, 13, 8),
            ccm(usize::MAX, 7, 8),
        ];
        for params in wrong_ccm {
            assert_eq!(
                encrypt(ck::CKM_AES_CCM, &KEY, params.clone(), b""),
                Err(Error::MechanismParamInvalid)
            );
            assert_eq!(decrypt(ck::CKM_AES_CCM, &KEY, params, b""), Err(Error::MechanismParamInvalid));
        }
    }

    #[test]
    fn ccm_takes_just_the_data_that_was_told() {
        for length in [0, 3, 5, 100] {
            let result = encrypt(ck::CKM_AES_CCM, &KEY, ccm(4, 12, 8), &vec![0; length]);
            assert_eq!(result, Err(Error::DataLenRange));
            let result = decrypt(ck::CKM_AES_CCM, &KEY, ccm(4, 12, 8), &vec![0; length + 8]);
            assert_eq!(result, Err(Error::EncryptedDataLenRange));
        }
        assert_eq!(decrypt(ck::CKM_AES_GCM, &KEY, gcm(12, 128), &[0; 15]), Err(Error::EncryptedDataLenRange));
    }
}
