//! Triple DES with keys of double and triple length, for old data (PKCS#11 3.2, sections 6.18 and 6.19).

use super::block::{Block, EncryptData};
use super::cbc_mac::CbcMac;
use super::mac::Cmac;
use super::secret::{Generator, Lengths};
use crate::crypto::{cipher, mac};

/// Bytes of a block.
const BLOCK: usize = 8;

/// Makes keys of double length.
pub static DOUBLE_GENERATOR: Generator = Generator { lengths: Lengths::Fixed(16) };
/// Makes keys of triple length.
pub static TRIPLE_GENERATOR: Generator = Generator { lengths: Lengths::Fixed(24) };
/// ECB.
pub static ECB: Block = Block::ecb(cipher::DES3_ECB, BLOCK);
/// CBC.
pub static CBC: Block = Block::cbc(cipher::DES3_CBC, BLOCK);
/// CBC with padding.
pub static CBC_PAD: Block = Block::cbc_pad(cipher::DES3_CBC, BLOCK);
/// Derivation by ECB.
pub static ECB_ENCRYPT_DATA: EncryptData = EncryptData(&ECB);
/// Derivation by CBC.
pub static CBC_ENCRYPT_DATA: EncryptData = EncryptData(&CBC);
/// CBC-MAC.
pub static CBC_MAC: CbcMac = CbcMac(&CBC);
/// CMAC.
pub static CMAC: Cmac = Cmac { algorithms: &mac::DES3_CMAC, block: BLOCK };

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::mechanism::Params;
    use crate::mechanism::testing::{decrypt, encrypt, hex};
    use cryptoki_sys as ck;

    /// SP 800-67, appendix B.
    #[test]
    fn known_ecb() {
        let key = hex("0123456789abcdef23456789abcdef01456789abcdef0123");
        let data = b"The qufck brown fox jump";
        let expected = hex("a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900");
        assert_eq!(encrypt(ck::CKM_DES3_ECB, &key, Params::None, data), Ok(expected.clone()));
        let iv = Params::Iv(vec![0; 8].into());
        assert_eq!(encrypt(ck::CKM_DES3_CBC, &key, iv, data).unwrap()[..8], expected[..8]);
    }

    #[test]
    fn a_key_of_double_length_is_one_of_triple_length_that_ends_as_it_begins() {
        let double = hex("0123456789abcdef23456789abcdef01");
        let triple = [&double[..], &double[..8]].concat();
        for (id, params) in
            [(ck::CKM_DES3_ECB, Params::None), (ck::CKM_DES3_CBC, Params::Iv(vec![5; 8].into()))]
        {
            let short = encrypt(id, &double, params.clone(), &[9; 32]).unwrap();
            assert_eq!(encrypt(id, &triple, params, &[9; 32]), Ok(short));
        }
    }

    #[test]
    fn wrong_lengths_and_padding_are_refused() {
        let (key, iv) = ([1; 24], || Params::Iv(vec![5; 8].into()));
        assert_eq!(encrypt(ck::CKM_DES3_CBC, &key, iv(), &[0; 9]), Err(Error::DataLenRange));
        assert_eq!(decrypt(ck::CKM_DES3_CBC_PAD, &key, iv(), &[0; 9]), Err(Error::EncryptedDataLenRange));
        let unpadded = encrypt(ck::CKM_DES3_CBC, &key, iv(), &[0; 8]).unwrap();
        assert_eq!(decrypt(ck::CKM_DES3_CBC_PAD, &key, iv(), &unpadded), Err(Error::EncryptedDataInvalid));
        let wrong = Params::Iv(vec![5; 16].into());
        assert_eq!(encrypt(ck::CKM_DES3_CBC, &key, wrong, &[0; 8]), Err(Error::MechanismParamInvalid));
    }
}
