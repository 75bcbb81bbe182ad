//! Sealing: AES-256-GCM with a random nonce, and HMAC-SHA256 for what stays readable.
//!
//! A sealed blob is: version byte 1, nonce (12 bytes), ciphertext, tag (16 bytes).

use crate::crypto::cipher::{self, Direction, Stream};
use crate::crypto::ffi::mac::Context;
use crate::crypto::{self, SecretKey};
use once_cell::sync::OnceCell;
use openssl::error::ErrorStack;
use parking_lot::Mutex;
use zeroize::Zeroizing;

/// 256 bits that nobody may see; wiped when dropped.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Bytes that a seal adds.
const OVERHEAD: usize = 1 + NONCE + TAG;

/// A key that seals.
pub(crate) trait SealKey {
    /// Begins to seal or to open what has this nonce.
    fn begin(&self, direction: Direction, nonce: &[u8; NONCE]) -> Option<Stream>;
}

impl SealKey for Secret {
    fn begin(&self, direction: Direction, nonce: &[u8; NONCE]) -> Option<Stream> {
        cipher::stream(cipher::AES_GCM, direction, &self[..], Some(nonce), false).ok()
    }
}

/// One that is used again and again: it keeps what was set up with it.
impl SealKey for SecretKey {
    fn begin(&self, direction: Direction, nonce: &[u8; NONCE]) -> Option<Stream> {
        cipher::stream_of(cipher::AES_GCM, direction, self, Some(nonce), false).ok()
    }
}

/// A random nonce. Sealing uses it up.
pub(super) struct Nonce([u8; NONCE]);

impl Nonce {
    /// Two, for which the generator takes as long as for one.
    pub(super) fn two() -> Result<[Nonce; 2], ErrorStack> {
        let mut bytes = [0; 2 * NONCE];
        crypto::random(&mut bytes).map_err(|_| ErrorStack::get())?;
        Ok([0, NONCE].map(|from| Nonce(std::array::from_fn(|at| bytes[from + at]))))
    }
}

/// Seals `plain`; opening it will take the same `associated` data.
pub(crate) fn seal(key: &impl SealKey, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    seal_with(key, Nonce(random()?), associated, plain)
}

/// The same with a nonce that has been drawn.
pub(super) fn seal_with(
    key: &impl SealKey,
    Nonce(nonce): Nonce,
    associated: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, ErrorStack> {
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    let head = sealed.len();
    sealed.resize(plain.len() + OVERHEAD, 0);
    let (body, tag) = sealed[head..].split_at_mut(plain.len());
    let mut sealing = key.begin(Direction::Encrypt, &nonce).ok_or_else(ErrorStack::get)?;
    sealing.authenticate(associated)?;
    sealing.update(plain, body).map_err(|_| ErrorStack::get())?;
    sealing.finish_with_tag(tag)?;
    Ok(sealed)
}

/// Opens what [`seal`] made; `None` if key, associated data or any byte is another.
pub(crate) fn open(key: &impl SealKey, associated: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (version, rest) = sealed.split_first()?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
    let (body, tag) = rest.split_last_chunk::<TAG>()?;
    if *version != VERSION {
        return None;
    }
    // Not `decrypt_aead`: it drops the plaintext of a blob with a wrong tag without wiping it.
    let mut plain = Zeroizing::new(vec![0; body.len()]);
    let mut opening = key.begin(Direction::Decrypt, nonce)?;
    opening.authenticate(associated).ok()?;
    opening.update(body, &mut plain).ok()?;
    opening.finish_against_tag(tag).ok()?;
    Some(plain)
}

/// A key for MACs, set up once: to set it up costs OpenSSL more than a short HMAC does. Wiped when dropped.
pub(super) struct MacKey(Mutex<Context>);

impl MacKey {
    /// Sets the key up for HMAC-SHA256.
    pub(super) fn new(key: &Secret) -> Result<Self, ErrorStack> {
        static PREPARED: OnceCell<Context> = OnceCell::new();
        let prepare = || Context::new(c"HMAC", Some((c"digest", c"SHA256")), &[0; 32]);
        // A copy of what has its digest already: to name it costs a fetch.
        let context = PREPARED.get_or_try_init(prepare)?.with_key(&key[..])?;
        Ok(MacKey(Mutex::new(context)))
    }
}

/// HMAC-SHA256 of `parts`, framed.
pub(super) fn mac(key: &MacKey, parts: &[&[u8]]) -> Result<[u8; 32], ErrorStack> {
    let mut context = key.0.lock();
    context.restart()?;
    context.update(&frame(parts))?;
    let mut mac = [0; 32];
    context.finish(&mut mac)?;
    Ok(mac)
}

/// Whether two MACs are the same, in constant time.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && openssl::memcmp::eq(one, other)
}

/// Puts parts together so that no other parts make the same bytes: each after its length.
pub(crate) fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        framed.extend_from_slice(&frame_of(part));
        framed.extend_from_slice(part);
    }
    framed
}

/// What stands before a part in a frame: its length.
fn frame_of(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_le_bytes()
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ErrorStack> {
    let mut bytes = [0; N];
    openssl::rand::rand_bytes(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_only_whole_and_only_for_its_key_and_associated_data() {
        let (key, other) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        let sealed = seal(&key, b"name", b"value").unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(open(&key, b"name", &sealed).as_deref().map(Vec::as_slice), Some(&b"value"[..]));
        assert!(open(&other, b"name", &sealed).is_none());
        assert!(open(&key, b"eman", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[at] ^= 1;
            assert!(open(&key, b"name", &tampered).is_none(), "byte {at}");
            assert!(open(&key, b"name", &sealed[..at]).is_none(), "cut to {at} bytes");
        }
    }

    #[test]
    fn the_empty_message_can_be_sealed_and_no_nonce_comes_twice() {
        let key = Zeroizing::new([1; 32]);
        let (one, two) = (seal(&key, b"", b"").unwrap(), seal(&key, b"", b"").unwrap());
        assert!(one != two && open(&key, b"", &one).is_some_and(|plain| plain.is_empty()));
        let [one, two] = Nonce::two().unwrap();
        assert_ne!(one.0, two.0);
    }

    #[test]
    fn frames_of_different_parts_differ() {
        assert_ne!(frame(&[b"ab", b"c"]), frame(&[b"a", b"bc"]));
        assert_ne!(frame(&[b"a"]), frame(&[b"a", b""]));
    }
}
