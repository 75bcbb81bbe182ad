//! The block ciphers, and what each can do alike: block modes, CBC-MAC and derivation by encryption (PKCS#11 3.2, sections 6.10, 6.14 and 6.17 for
//! AES, 6.18 and 6.19 for DES, 6.47 and 6.48 for Camellia, 6.49 and 6.50 for ARIA). What one of them has alone is in a room of its own.

use super::block::{Block, EncryptData};
use super::cbc_mac::CbcMac;
use super::secret::{Generator, Lengths};
use crate::crypto::cipher::{self, Mode};

/// A block cipher.
pub struct BlockCipher {
    /// ECB.
    pub ecb: Block,
    /// CBC.
    pub cbc: Block,
    /// CBC with padding.
    pub cbc_pad: Block,
    /// Derivation by ECB.
    pub ecb_data: EncryptData,
    /// Derivation by CBC.
    pub cbc_data: EncryptData,
    /// CBC-MAC.
    pub cbc_mac: CbcMac,
}

/// AES.
pub static AES: BlockCipher = block_cipher(cipher::AES_ECB, cipher::AES_CBC, 16);
/// ARIA.
pub static ARIA: BlockCipher = block_cipher(cipher::ARIA_ECB, cipher::ARIA_CBC, 16);
/// Camellia.
pub static CAMELLIA: BlockCipher = block_cipher(cipher::CAMELLIA_ECB, cipher::CAMELLIA_CBC, 16);
/// DES, single and triple: they differ in the key alone.
pub static DES: BlockCipher = block_cipher(cipher::DES_ECB, cipher::DES_CBC, 8);

/// Makes keys of the ciphers with blocks of 16 bytes.
pub static GENERATOR: Generator = Generator { lengths: Lengths::OneOf(&[16, 24, 32]) };

/// By its algorithms and the bytes of a block.
const fn block_cipher(ecb: Mode, cbc: Mode, block: usize) -> BlockCipher {
    let (ecb, cbc, cbc_pad) = (Block::ecb(ecb, block), Block::cbc(cbc, block), Block::cbc_pad(cbc, block));
    BlockCipher {
        ecb,
        cbc,
        cbc_pad,
        ecb_data: EncryptData(ecb),
        cbc_data: EncryptData(cbc),
        cbc_mac: CbcMac(cbc),
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanism::Params;
    use crate::mechanism::testing::{encrypt, hex};
    use cryptoki_sys as ck;
    use openssl::symm;

    /// RFC 5794, appendix A.
    #[test]
    fn known_aria_ecb() {
        let key = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        let data = hex("00112233445566778899aabbccddeeff");
        for (length, expected) in [
            (16, "d718fbd6ab644c739da95f3be6451778"),
            (24, "26449c1805dbe7aa25a468ce263a9e79"),
            (32, "f92bd7c79fb72e2f2b8f80c1972d24fc"),
        ] {
            assert_eq!(encrypt(ck::CKM_ARIA_ECB, &key[..length], Params::None, &data), Ok(hex(expected)));
        }
    }

    /// RFC 3713, appendix A.
    #[test]
    fn known_camellia_ecb() {
        let key = hex("0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff");
        let data = hex("0123456789abcdeffedcba9876543210");
        for (length, expected) in [
            (16, "67673138549669730857065648eabe43"),
            (24, "b4993401b3e996f84ee5cee7d79b09b9"),
            (32, "9acc237dff16d76c20ef7c919e3a7509"),
        ] {
            assert_eq!(encrypt(ck::CKM_CAMELLIA_ECB, &key[..length], Params::None, &data), Ok(hex(expected)));
        }
    }

    /// RFC 5528, test vector 1: a block of nonce, IV and counter.
    #[test]
    fn known_camellia_ctr() {
        let key = hex("ae6852f8121067cc4bf7a5765577f39e");
        let block = hex("00000030000000000000000000000001").try_into().unwrap();
        let sealed =
            encrypt(ck::CKM_CAMELLIA_CTR, &key, Params::Counter { bits: 32, block }, b"Single block msg");
        assert_eq!(sealed, Ok(hex("d09dc29a8214619a20877c76db1f0b3f")));
    }

    #[test]
    fn camellia_cbc_is_that_of_openssl() {
        let (iv, data) = ([3; 16], [7; 48]);
        let params = || Params::Iv(iv[..].into());
        for (cipher, length) in [
            (symm::Cipher::camellia_128_cbc(), 16),
            (symm::Cipher::camellia_192_cbc(), 24),
            (symm::Cipher::camellia_256_cbc(), 32),
        ] {
            let key = &hex("0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff")[..length];
            let padded = symm::encrypt(cipher, key, Some(&iv), &data[..41]).unwrap();
            assert_eq!(encrypt(ck::CKM_CAMELLIA_CBC_PAD, key, params(), &data[..41]), Ok(padded));
            let whole = symm::encrypt(cipher, key, Some(&iv), &data).unwrap();
            assert_eq!(encrypt(ck::CKM_CAMELLIA_CBC, key, params(), &data), Ok(whole[..48].to_vec()));
        }
    }
}
