//! What the tests of mechanisms share, and the promises that hold for every mechanism with secret keys.

use super::kdf_params::TlsMac;
use super::material::SecretType;
use super::registry::ROWS;
use super::{Cipher, Key, Material, Mechanism, Params, Row, Shape, Unit, registry};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::kdf::TlsPrf;
use crate::crypto::{Hash, random};
use crate::error::{Error, Result};
use crate::output::Size;
use cryptoki_sys as ck;

/// A secret key outside any token.
pub(super) struct Secret {
    attributes: Attributes,
    material: Material,
}

impl Secret {
    pub(super) fn new(value: &[u8]) -> Self {
        Secret { attributes: Attributes::new(), material: Material::secret(Bytes::from(value)) }
    }

    /// One whose type (`CKK_`) matters.
    pub(super) fn of_type(key_type: u64, value: &[u8]) -> Self {
        Secret { attributes: [(ck::CKA_KEY_TYPE, key_type)].into_iter().collect(), ..Secret::new(value) }
    }

    pub(super) fn key(&self) -> Key<'_> {
        Key { attributes: &self.attributes, material: &self.material }
    }
}

/// The bytes that hexadecimal digits stand for.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

/// One mechanism with its parameter.
pub(super) fn mechanism(id: u64, params: Params) -> Mechanism {
    Mechanism { row: registry::find(id).unwrap(), params }
}

/// Encrypts at once.
pub(super) fn encrypt(id: u64, key: &[u8], params: Params, data: &[u8]) -> Result<Vec<u8>> {
    whole(mechanism(id, params.clone()).row.family.encrypt(Secret::new(key).key(), &params)?, data)
}

/// Decrypts at once.
pub(super) fn decrypt(id: u64, key: &[u8], params: Params, data: &[u8]) -> Result<Vec<u8>> {
    whole(mechanism(id, params.clone()).row.family.decrypt(Secret::new(key).key(), &params)?, data)
}

/// Signs at once.
pub(super) fn mac(id: u64, key: &[u8], params: Params, data: &[u8]) -> Result<Vec<u8>> {
    let mut signer = mechanism(id, params.clone()).row.family.sign(Secret::new(key).key(), &params)?;
    signer.update(data)?;
    let mut mac = vec![0; signer.size()];
    assert_eq!(signer.finish(&mut mac), Ok(mac.len()));
    Ok(mac)
}

/// All in one step, with just the room that was told.
pub(super) fn whole(mut cipher: Box<dyn Cipher>, data: &[u8]) -> Result<Vec<u8>> {
    let size = cipher.whole_size(data.len());
    let mut output = vec![0; size.bound()];
    let length = cipher.whole(data, &mut output)?;
    assert!(size == Size::Exact(length) || matches!(size, Size::AtMost(most) if length <= most), "{size:?}");
    output.truncate(length);
    Ok(output)
}

/// In parts, each with just the room that was told.
pub(super) fn in_parts<'a>(
    mut cipher: Box<dyn Cipher>,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>> {
    let mut output = Vec::new();
    for part in parts {
        let Size::Exact(size) = cipher.update_size(part.len()) else { panic!("update_size is not exact") };
        let mut piece = vec![0; size];
        assert_eq!(cipher.update(part, &mut piece)?, size);
        output.extend(piece);
    }
    let size = cipher.finish_size();
    let mut last = vec![0; size.bound()];
    let length = cipher.finish(&mut last)?;
    assert!(size == Size::Exact(length) || matches!(size, Size::AtMost(most) if length <= most), "{size:?}");
    last.truncate(length);
    output.extend(last);
    Ok(output)
}

/// Numbers that look random and are the same for the same seed (xorshift64*).
pub(super) struct Dice(u64);

impl Dice {
    /// Seeded by `CLOISTER_TEST_SEED`, or anew; the seed is printed where a test fails.
    pub(super) fn new() -> Self {
        let seed = std::env::var("CLOISTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            random(&mut bytes).unwrap();
            u64::from_le_bytes(bytes).max(1)
        });
        println!("CLOISTER_TEST_SEED={seed}");
        Dice(seed)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    /// `data` cut at random places; some parts are empty.
    pub(super) fn cut<'a>(&mut self, data: &'a [u8]) -> Vec<&'a [u8]> {
        let mut cuts: Vec<usize> = (0..self.below(7)).map(|_| self.below(data.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(data.len());
        let mut start = 0;
        cuts.into_iter().map(|end| &data[std::mem::replace(&mut start, end)..end]).collect()
    }
}

/// The rows with `flag` whose keys are secret.
fn rows(flag: u64) -> impl Iterator<Item = &'static Row> {
    let all_secret = |row: &Row| row.key_types.iter().all(|number| SecretType::find(*number).is_ok());
    let secret = move |row: &Row| row.unit == Unit::Bytes && all_secret(row);
    let mut rows = ROWS.iter().filter(move |row| row.flags & flag != 0 && secret(row)).peekable();
    assert!(rows.peek().is_some());
    rows
}

/// A parameter that fits `shape`, for `length` bytes of data.
fn sample(shape: Shape, length: usize) -> Params {
    match shape {
        Shape::None | Shape::OptionalIv(_) => Params::None,
        Shape::Iv(size) => Params::Iv(vec![9; size].into()),
        Shape::Counter => Params::Counter { bits: 128, block: [1; 16] },
        Shape::Gcm => Params::Gcm { iv: vec![3; 12].into(), aad: b"header".to_vec(), tag_bits: 96 },
        Shape::CloudGcm => Params::Gcm { iv: vec![].into(), aad: b"header".to_vec(), tag_bits: 128 },
        Shape::Ccm => {
            Params::Ccm { data_length: length, nonce: vec![4; 11], aad: b"header".to_vec(), mac_length: 8 }
        }
        Shape::ChaCha20 => Params::ChaCha20 { counter: vec![7, 0, 0, 0], nonce: vec![4; 12] },
        Shape::ChaCha20Poly1305 => Params::ChaCha20Poly1305 { nonce: vec![4; 12], aad: b"header".to_vec() },
        Shape::MacLength => Params::MacLength(5),
        Shape::TlsMac => Params::TlsMac(TlsMac { prf: TlsPrf::With(Hash::Sha256), length: 12, server: true }),
        Shape::StringData => Params::StringData(vec![5; 32]),
        Shape::AesCbcData => Params::CbcData { iv: vec![6; 16], data: vec![5; 32] },
        Shape::DesCbcData => Params::CbcData { iv: vec![6; 8], data: vec![5; 32] },
        other => panic!("{other:?} takes no secret key"),
    }
}

/// A parameter of a MAC; GMAC's is that of GCM, without data of its own.
fn mac_sample(row: &Row) -> Params {
    match sample(row.shape, 0) {
        Params::Gcm { iv, tag_bits, .. } => Params::Gcm { iv, aad: vec![], tag_bits },
        other => other,
    }
}

/// Keys of the smallest and the largest size of a row, the latter not absurdly long.
fn sample_keys(row: &Row, dice: &mut Dice) -> [Secret; 2] {
    [row.sizes.0, row.sizes.1.min(300)].map(|size| Secret::new(&dice.bytes(size as usize)))
}

#[test]
fn every_cipher_does_in_parts_what_it_does_at_once_and_back() {
    let mut dice = Dice::new();
    for row in rows(ck::CKF_ENCRYPT) {
        for key in sample_keys(row, &mut dice) {
            for length in [16, 32, 48, 240, 4096] {
                let (data, params) = (dice.bytes(length), sample(row.shape, length));
                let begin = || row.family.encrypt(key.key(), &params).unwrap();
                let encrypted = whole(begin(), &data).unwrap();
                assert_ne!(encrypted, data);
                let encrypted_in_parts = in_parts(begin(), dice.cut(&data)).unwrap();
                // What begins with random bytes is never the same.
                let same = encrypted_in_parts == encrypted || row.shape == Shape::CloudGcm;
                assert!(same, "{}", row.name);
                let begin = || row.family.decrypt(key.key(), &params).unwrap();
                assert_eq!(whole(begin(), &encrypted), Ok(data.clone()), "{}", row.name);
                let decrypted = in_parts(begin(), dice.cut(&encrypted_in_parts));
                assert_eq!(decrypted, Ok(data), "{}", row.name);
            }
        }
    }
}

#[test]
fn every_mac_does_in_parts_what_it_does_at_once_and_is_checked() {
    let mut dice = Dice::new();
    for row in rows(ck::CKF_SIGN) {
        for key in sample_keys(row, &mut dice) {
            let (data, params) = (dice.bytes(333), mac_sample(row));
            let sign = |parts: Vec<&[u8]>| {
                let mut signer = row.family.sign(key.key(), &params).unwrap();
                parts.into_iter().for_each(|part| signer.update(part).unwrap());
                let mut mac = vec![0; signer.size()];
                assert_eq!(signer.finish(&mut mac), Ok(mac.len()));
                mac
            };
            let mac = sign(vec![&data]);
            assert_eq!(sign(dice.cut(&data)), mac, "{}", row.name);
            let verify = |mac: &[u8], parts: Vec<&[u8]>| {
                let mut verifier = row.family.verify(key.key(), &params).unwrap();
                parts.into_iter().for_each(|part| verifier.update(part).unwrap());
                verifier.finish(mac)
            };
            assert_eq!(verify(&mac, dice.cut(&data)), Ok(()), "{}", row.name);
            assert_eq!(verify(&mac, vec![&data[1..]]), Err(Error::SignatureInvalid), "{}", row.name);
            assert_eq!(verify(&mac[1..], vec![&data]), Err(Error::SignatureLenRange), "{}", row.name);
            let mut altered = mac;
            *altered.last_mut().unwrap() ^= 1;
            assert_eq!(verify(&altered, vec![&data]), Err(Error::SignatureInvalid), "{}", row.name);
        }
    }
}

#[test]
fn every_cipher_wraps_a_key_of_any_length_and_gives_it_back() {
    let mut dice = Dice::new();
    for row in rows(ck::CKF_WRAP) {
        for key in sample_keys(row, &mut dice) {
            let whole =
                row.family.wrap(key.key(), &sample(row.shape, 0), &[1; 17]) == Err(Error::KeySizeRange);
            for length in if whole { [16, 24, 32, 40, 128] } else { [9, 16, 24, 33, 121] } {
                let (encoded, params) = (dice.bytes(length), sample(row.shape, 0));
                let wrapped = row.family.wrap(key.key(), &params, &encoded).unwrap();
                let unwrapped = row.family.unwrap(key.key(), &params, &wrapped).unwrap();
                let (start, rest) = unwrapped.split_at(length);
                assert_eq!(start, encoded, "{}", row.name);
                // Modes without padding of their own leave the zeros to whoever knows the length.
                assert!(rest.len() < 16 && rest.iter().all(|byte| *byte == 0), "{}", row.name);
            }
        }
    }
}

#[test]
fn a_wrapped_key_of_a_wrong_length_is_refused_as_such() {
    let mut dice = Dice::new();
    for row in rows(ck::CKF_UNWRAP) {
        let [key, _] = sample_keys(row, &mut dice);
        let params = sample(row.shape, 0);
        if row.family.wrap(key.key(), &params, &[1; 7]).is_ok_and(|wrapped| wrapped.len() == 7) {
            // A stream cipher: no length is wrong.
            continue;
        }
        let result = row.family.unwrap(key.key(), &params, &[1; 7]);
        assert_eq!(result, Err(Error::WrappedKeyLenRange), "{}", row.name);
    }
}

#[test]
fn every_derivation_gives_the_first_bytes_of_the_ciphertext() {
    let mut dice = Dice::new();
    for row in rows(ck::CKF_DERIVE).filter(|row| row.name.ends_with("_ENCRYPT_DATA")) {
        for key in sample_keys(row, &mut dice) {
            let derive = |length| {
                let wanted = super::Wanted { key_type: ck::CKK_GENERIC_SECRET, length };
                row.family.derive(key.key(), &sample(row.shape, 0), wanted)
            };
            let all = derive(None).unwrap();
            assert_eq!(all.len(), 32);
            assert_eq!(derive(Some(20)).unwrap()[..], all[..20], "{}", row.name);
            assert_eq!(derive(Some(33)), Err(Error::MechanismParamInvalid), "{}", row.name);
        }
    }
}

#[test]
fn a_parameter_of_another_shape_is_refused() {
    let key = Secret::new(&[8; 16]);
    let wrong =
        Params::Pss { hash: crate::crypto::Hash::Sha1, mgf: crate::crypto::Hash::Sha1, salt_length: 0 };
    for row in rows(ck::CKF_ENCRYPT) {
        assert_eq!(row.family.encrypt(key.key(), &wrong).err(), Some(Error::MechanismParamInvalid));
        assert_eq!(row.family.decrypt(key.key(), &wrong).err(), Some(Error::MechanismParamInvalid));
    }
    for row in rows(ck::CKF_SIGN) {
        assert_eq!(row.family.sign(key.key(), &wrong).err(), Some(Error::MechanismParamInvalid));
        assert_eq!(row.family.verify(key.key(), &wrong).err(), Some(Error::MechanismParamInvalid));
    }
}
