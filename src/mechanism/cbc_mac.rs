//! MACs by cipher block chaining: CBC-MAC, for old data (FIPS 113), and AES-XCBC-MAC (RFC 3566); and GMAC, which is GCM
//! without data (PKCS#11 3.2, sections 6.10, 6.13 and 6.18).

use super::block::Block;
use super::mac::{Authenticator, MacFamily, Macing, length, signs_as_it_macs};
use super::{Key, Params, aead};
use crate::crypto::cipher::{AES_CBC, AES_ECB, Direction, Stream, stream, stream_of};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// CBC-MAC with one block cipher, given in its CBC mode. The data is filled up with zeros; half a block of the MAC is usual.
pub struct CbcMac(pub Block);

/// AES-XCBC-MAC, cut to a length in bytes.
pub struct Xcbc {
    /// Bytes of the MAC.
    pub length: usize,
}

/// GMAC. The data is what GCM calls additional.
pub struct Gmac;

signs_as_it_macs!(CbcMac, Xcbc, Gmac);

/// Bytes of the longest block.
const MAX_BLOCK: usize = 16;
/// Bytes of a GMAC tag before it is cut.
const GMAC_TAG: usize = 16;

impl MacFamily for CbcMac {
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing> {
        let block = self.0.block;
        let length = length(params, block, block / 2)?;
        let zero = [0; MAX_BLOCK];
        let stream =
            stream_of(self.0.mode, Direction::Encrypt, key.secret_key()?, Some(&zero[..block]), false)?;
        Ok(Macing::new(Chain { stream, block, pending: Zeroizing::default(), masks: None }, block, length))
    }
}

impl MacFamily for Xcbc {
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing> {
        let Params::None = params else { return Err(Error::MechanismParamInvalid) };
        let mut derive = stream_of(AES_ECB, Direction::Encrypt, key.secret_key()?, None, false)?;
        let mut derived = Zeroizing::new([[0; MAX_BLOCK]; 3]);
        for (at, place) in derived.iter_mut().enumerate() {
            derive.update(&[at as u8 + 1; MAX_BLOCK], place)?;
        }
        let [first, whole, filled] = *derived;
        let stream = stream(AES_CBC, Direction::Encrypt, &first, Some(&[0; MAX_BLOCK]), false)?;
        let masks = Some(Zeroizing::new([whole, filled]));
        Ok(Macing::new(
            Chain { stream, block: MAX_BLOCK, pending: Zeroizing::default(), masks },
            MAX_BLOCK,
            self.length,
        ))
    }
}

impl MacFamily for Gmac {
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing> {
        let (stream, length) = aead::gmac(key, params)?;
        Ok(Macing::new(Gmacing(stream), GMAC_TAG, length))
    }
}

/// Blocks chained one to the next, of which the last is the MAC.
struct Chain {
    stream: Stream,
    block: usize,
    /// The last of the data, up to a block: what is done with it is known at the end.
    pending: Zeroizing<Vec<u8>>,
    /// XCBC: what is added to a last block that is whole, and to one that had to be filled up.
    masks: Option<Zeroizing<[[u8; MAX_BLOCK]; 2]>>,
}

impl Chain {
    fn pass(&mut self, data: &[u8], last: &mut [u8]) -> Result<()> {
        let mut passed = Zeroizing::new(vec![0; data.len()]);
        self.stream.update(data, &mut passed)?;
        last.copy_from_slice(&passed[passed.len() - last.len()..]);
        Ok(())
    }
}

impl Authenticator for Chain {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        /// Bytes worked on at once.
        const PIECE: usize = 1 << 14;
        for piece in input.chunks(PIECE) {
            self.pending.extend_from_slice(piece);
            // Whole blocks, but at least a byte stays.
            let ready = self.pending.len().saturating_sub(1) / self.block * self.block;
            let rest = Zeroizing::new(self.pending.split_off(ready));
            let ready = std::mem::replace(&mut self.pending, rest);
            self.pass(&ready, &mut [])?;
        }
        Ok(())
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        let mut last = std::mem::take(&mut self.pending);
        let whole = last.len() == self.block;
        if let (Some(_), false) = (&self.masks, whole) {
            last.push(0x80);
        }
        last.resize(self.block, 0);
        if let Some(masks) = &self.masks {
            let mask = if whole { masks[0] } else { masks[1] };
            last.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
        self.pass(&last, output)
    }
}

/// GMAC at work.
struct Gmacing(Stream);

impl Authenticator for Gmacing {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.0.authenticate(input).map_err(unexpected)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        self.0.finish_with_tag(output).map_err(unexpected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::testing::{encrypt, hex, mac};
    use cryptoki_sys as ck;

    /// RFC 3566, section 4.6, test cases 1 to 4 and 6.
    #[test]
    fn known_xcbc() {
        let key: Vec<u8> = (0..16).collect();
        let data: Vec<u8> = (0..34).collect();
        for (length, expected) in [
            (0, "75f0251d528ac01c4573dfd584d79f29"),
            (3, "5b376580ae2f19afe7219ceef172756f"),
            (16, "d2a246fa349b68a79998a4394ff7a263"),
            (20, "47f51b4564966215b8985c63055ed308"),
            (34, "becbb3bccdb518a30677d5481fb6b4d8"),
        ] {
            let data = &data[..length];
            assert_eq!(mac(ck::CKM_AES_XCBC_MAC, &key, Params::None, data), Ok(hex(expected)));
            let cut = mac(ck::CKM_AES_XCBC_MAC_96, &key, Params::None, data);
            assert_eq!(cut, Ok(hex(&expected[..24])));
        }
    }

    /// The MAC is the last block of the CBC encryption, with an initialisation vector of zeros, of what is filled up with zeros.
    #[test]
    fn a_cbc_mac_is_the_last_block_of_cbc() {
        for (id, general, cbc, key, block) in [
            (ck::CKM_AES_MAC, ck::CKM_AES_MAC_GENERAL, ck::CKM_AES_CBC, 32, 16),
            (ck::CKM_ARIA_MAC, ck::CKM_ARIA_MAC_GENERAL, ck::CKM_ARIA_CBC, 24, 16),
            (ck::CKM_CAMELLIA_MAC, ck::CKM_CAMELLIA_MAC_GENERAL, ck::CKM_CAMELLIA_CBC, 32, 16),
            (ck::CKM_DES_MAC, ck::CKM_DES_MAC_GENERAL, ck::CKM_DES_CBC, 8, 8),
            (ck::CKM_DES3_MAC, ck::CKM_DES3_MAC_GENERAL, ck::CKM_DES3_CBC, 24, 8),
        ] {
            let key = vec![3; key];
            for length in [1usize, 7, 8, 15, 16, 17, 40_000] {
                let data: Vec<u8> = (0..length).map(|at| at as u8).collect();
                let mut filled = data.clone();
                filled.resize(length.next_multiple_of(block), 0);
                let encrypted = encrypt(cbc, &key, Params::Iv(vec![0; block].into()), &filled).unwrap();
                let last = &encrypted[encrypted.len() - block..];
                assert_eq!(mac(id, &key, Params::None, &data).unwrap(), last[..block / 2]);
                assert_eq!(mac(general, &key, Params::MacLength(block), &data).unwrap(), last);
            }
            for length in [0, block + 1] {
                let result = mac(general, &key, Params::MacLength(length), b"x");
                assert_eq!(result, Err(Error::MechanismParamInvalid));
            }
        }
    }

    #[test]
    fn gmac_takes_no_additional_data_but_the_data() {
        let gcm = |aad: &[u8]| Params::Gcm { iv: vec![1; 12].into(), aad: aad.to_vec(), tag_bits: 96 };
        let sealed = encrypt(ck::CKM_AES_GCM, &[2; 16], gcm(b"data"), b"").unwrap();
        assert_eq!(mac(ck::CKM_AES_GMAC, &[2; 16], gcm(b""), b"data"), Ok(sealed));
        let result = mac(ck::CKM_AES_GMAC, &[2; 16], gcm(b"more"), b"data");
        assert_eq!(result, Err(Error::MechanismParamInvalid));
    }
}
