//! Camellia: key generation, block modes, MAC and derivation (PKCS#11 3.2, sections 6.47 and 6.48).

use super::block::{Block, EncryptData};
use super::cbc_mac::CbcMac;
use super::secret::{Generator, Lengths};
use crate::crypto::cipher;

/// Bytes of a block.
const BLOCK: usize = 16;

/// Makes Camellia keys.
pub static GENERATOR: Generator = Generator { lengths: Lengths::OneOf(&[16, 24, 32]) };
/// ECB.
pub static ECB: Block = Block::ecb(cipher::CAMELLIA_ECB, BLOCK);
/// CBC.
pub static CBC: Block = Block::cbc(cipher::CAMELLIA_CBC, BLOCK);
/// CBC with padding.
pub static CBC_PAD: Block = Block::cbc_pad(cipher::CAMELLIA_CBC, BLOCK);
/// Derivation by ECB.
pub static ECB_ENCRYPT_DATA: EncryptData = EncryptData(&ECB);
/// Derivation by CBC.
pub static CBC_ENCRYPT_DATA: EncryptData = EncryptData(&CBC);
/// CBC-MAC.
pub static CBC_MAC: CbcMac = CbcMac(&CBC);

#[cfg(test)]
mod tests {
    use crate::mechanism::Params;
    use crate::mechanism::testing::{encrypt, hex};
    use cryptoki_sys as ck;
    use openssl::symm;

    /// RFC 3713, appendix A.
    #[test]
    fn known_ecb() {
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
    fn known_ctr() {
        let key = hex("ae6852f8121067cc4bf7a5765577f39e");
        let block = hex("00000030000000000000000000000001").try_into().unwrap();
        let sealed =
            encrypt(ck::CKM_CAMELLIA_CTR, &key, Params::Counter { bits: 32, block }, b"Single block msg");
        assert_eq!(sealed, Ok(hex("d09dc29a8214619a20877c76db1f0b3f")));
    }

    #[test]
    fn cbc_is_that_of_openssl() {
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
