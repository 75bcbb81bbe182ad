//! ARIA: key generation, block modes, MAC and derivation (PKCS#11 3.2, sections 6.49 and 6.50).

use super::block::{Block, EncryptData};
use super::cbc_mac::CbcMac;
use super::secret::{Generator, Lengths};
use crate::crypto::cipher;

/// Bytes of a block.
const BLOCK: usize = 16;

/// Makes ARIA keys.
pub static GENERATOR: Generator = Generator { lengths: Lengths::OneOf(&[16, 24, 32]) };
/// ECB.
pub static ECB: Block = Block::ecb(cipher::ARIA_ECB, BLOCK);
/// CBC.
pub static CBC: Block = Block::cbc(cipher::ARIA_CBC, BLOCK);
/// CBC with padding.
pub static CBC_PAD: Block = Block::cbc_pad(cipher::ARIA_CBC, BLOCK);
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

    /// RFC 5794, appendix A.
    #[test]
    fn known_ecb() {
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
}
